"""Figures are kept for as long as nothing was written, and never a moment longer, on every database."""

from __future__ import annotations

from datetime import timedelta
from zoneinfo import ZoneInfo

from bot.domain.correction import Moment, TimeCorrected
from bot.domain.lifecycle import IncidentResolved
from bot.domain.paging import Acknowledged, Paged, Receipt
from bot.engine import figures
from bot.engine.figures import FigureRoom, Figures
from bot.engine.lists import Wanted
from bot.store import Store
from tests.kit import NOON, at
from tests.store.conftest import HandClock, opened
from tests.store.test_lists import append

UTC = ZoneInfo("UTC")
DAY = timedelta(days=1)


async def same(store: Store, room: FigureRoom, wanted: Wanted = Wanted()) -> Figures:  # noqa: B008 - frozen
    """What the room says, which is what one says that never kept anything."""
    found = await room.figures(wanted)
    assert found == await FigureRoom(store.log).figures(wanted)
    return found


def reckons(room: FigureRoom, times: int, url: str) -> None:
    """So often it reckoned, and on PostgreSQL whenever the server wrote anything, be it to tidy up by itself."""
    assert room.reckoned == times or (not url.startswith("sqlite") and room.reckoned > times)


async def test_many_look_and_one_reckons(store: Store, url: str) -> None:
    """Whoever asks the same while nothing is written hears the same answer; other questions have their own."""
    await opened(store, "INC-1", fingerprint="a")
    room = FigureRoom(store.log)
    first = await same(store, room)
    assert [await room.figures(Wanted()) for _ in range(3)] == [first] * 3
    reckons(room, 1, url)
    assert (await same(store, room, Wanted(severity=1))).numbers.total == 0
    assert (await same(store, room, Wanted(severity=2))).numbers.total == 1
    reckons(room, 3, url)


async def test_whatever_is_written_is_counted_at_once(store: Store, url: str, clock: HandClock) -> None:
    """A new incident, its end, a corrected time, and what another process wrote; a restricted one never counts."""
    room = FigureRoom(store.log)
    assert (await same(store, room)).numbers.total == 0
    one = await opened(store, "INC-1", fingerprint="a")
    assert (await same(store, room)).still_open == 1
    one = await append(store, one, Acknowledged(), IncidentResolved("over"), seconds=100)
    found = await same(store, room)
    assert (found.still_open, found.numbers.measures[3].corrected) == (0, 0)
    before = found.numbers.measures[3].spread
    await append(store, one, TimeCorrected(Moment.RESOLVED, at(100), at(40), "the graph"), seconds=200)
    found = await same(store, room)
    assert found.numbers.measures[3].corrected == 1
    assert found.numbers.measures[3].spread != before
    await opened(store, "INC-2", fingerprint="b", at=at(300), restricted=True)
    assert (await same(store, room)).numbers == found.numbers
    async with await Store.open(url, clock) as other:
        await opened(other, "INC-3", fingerprint="c", at=at(400))
    assert (await same(store, room)).numbers.total == 2


async def test_a_stretch_of_days_moves_with_the_clock(store: Store, url: str) -> None:
    """It is the same answer until an incident drops out of it, and then another at once; an earlier one has its own."""
    await opened(store, "INC-1", fingerprint="a", at=at(0))
    await opened(store, "INC-2", fingerprint="b", at=at(60))
    room = FigureRoom(store.log)
    for since, total, reckoned in ((-9, 2, 1), (-5, 2, 1), (0, 2, 1), (1, 1, 2), (60, 1, 2), (61, 0, 3), (-1, 2, 4)):
        assert (await same(store, room, Wanted(since=at(since)))).numbers.total == total, since
        reckons(room, reckoned, url)
    assert (await same(store, room, Wanted(since=at(0) - DAY))).numbers.total == 2


async def test_pages_are_kept_by_the_hour(store: Store, url: str) -> None:
    """The same within the hour, others with the next, with a page that came, or by other clocks."""
    one = await opened(store, "INC-1", fingerprint="a")
    room = FigureRoom(store.log)

    async def pages(minutes: float, zones: dict[str, ZoneInfo] | None = None) -> list[tuple[str, int, int]]:
        asked = (NOON - DAY, NOON + timedelta(minutes=minutes), None, zones or {}, UTC)
        found = await room.loads(*asked)
        assert found == await FigureRoom(store.log).loads(*asked)
        return [(each.person, each.pages, each.at_night) for each in found]

    assert await pages(1) == []
    await append(store, one, Paged("p1", "p_ana", "ntfy", Receipt.ACCEPTED, ""))
    assert [await pages(minutes) for minutes in (1, 30, 60)] == [[("p_ana", 1, 0)]] * 3
    reckons(room, 2, url)
    assert await pages(61) == await pages(0.5) == [("p_ana", 1, 0)]
    reckons(room, 3, url)
    assert await pages(1, {"p_ana": ZoneInfo("Pacific/Auckland")}) == [("p_ana", 1, 1)]
    assert await pages(0) == []


async def test_no_more_is_kept_than_there_is_room_for(store: Store, url: str) -> None:
    """However many questions are asked: the one that was not asked for longest is reckoned anew."""
    room = FigureRoom(store.log)
    for number in range(figures.MOST + 5):
        await room.figures(Wanted(text=f"word{number}"))
    assert room.kept == figures.MOST
    await room.figures(Wanted(text=f"word{figures.MOST}"))
    reckons(room, figures.MOST + 5, url)
    await room.figures(Wanted(text="word0"))
    reckons(room, figures.MOST + 6, url)
