"""The lists beside the log: they say what the log says, are searched, and forget what was erased."""

from __future__ import annotations

from dataclasses import fields
from datetime import date, timedelta

from sqlalchemy import select, text, update

from bot.domain import paging
from bot.domain.correction import Moment, TimeCorrected
from bot.domain.followup import FollowUpAdded
from bot.domain.incident import Incident
from bot.domain.lifecycle import IncidentClosed, IncidentResolved
from bot.domain.merging import IncidentMerged
from bot.domain.paging import Acknowledged, Receipt
from bot.engine.lists import Paged, Past, Place, Sight, Wanted
from bot.store import Store
from bot.store.projections import EDITION
from bot.store.tables import followups, incidents, paged
from tests.kit import NOON, at
from tests.store.conftest import HandClock, opened

EVERYTHING = Sight(everything=True)


async def append(store: Store, incident: Incident, *events, by: str = "p_ana", seconds: float = 1) -> Incident:
    return await store.log.append(incident, events, by=by, at=at(seconds), cause="test")


async def rows(store: Store) -> list[tuple]:
    """Everything the lists hold."""
    found = []
    for table in (incidents, followups, paged):
        answer = await store.database.read(lambda c, table=table: c.execute(select(table)))
        found += sorted(tuple(row) for row in answer)
    return found


async def scene(store: Store) -> None:
    """One open, one resolved with a corrected time, one merged, one restricted and withdrawn."""
    one = await opened(store, "INC-1", fingerprint="a")
    await append(
        store,
        one,
        paging.Paged("p1", "p_ana", "ntfy", Receipt.ACCEPTED, ""),
        paging.Paged("p2", "p_ben", "ntfy", Receipt.FAILED, "x"),
    )
    two = await opened(store, "INC-2", fingerprint="b", at=at(10))
    two = await append(store, two, Acknowledged(), FollowUpAdded("U1", "x", "p_ana", date(2026, 11, 1), ""), seconds=20)
    two = await append(store, two, IncidentResolved("the rollback of Émile's model helped"), seconds=100)
    await append(
        store, two, TimeCorrected(Moment.RESOLVED, at(100), at(90), "the graph"), IncidentClosed(), seconds=200
    )
    three = await opened(store, "INC-3", fingerprint="c", at=at(20))
    await append(store, three, IncidentMerged("INC-1", "the same"), seconds=30)
    four = await opened(store, "INC-4", fingerprint="d", at=at(30), restricted=True)
    await append(store, four, IncidentClosed(), by="p_max", seconds=40)


async def ids(store: Store, sight: Sight = EVERYTHING, **wanted) -> list[str]:
    return [each.id for each in await store.log.found(Wanted(**wanted), sight)]


async def test_they_are_the_same_made_anew(store: Store) -> None:
    """Written with each event or made from the log: every column of every list is the same."""
    await scene(store)
    written = await rows(store)
    await store.log.rebuild()
    assert await rows(store) == written
    await store.database.write(lambda c: c.execute(update(incidents).values(search="", ttd=7, edition=EDITION - 1)))
    assert await store.log.renew() == 4
    assert await rows(store) == written
    assert await store.log.renew() == 0


async def test_what_an_earlier_version_listed_is_made_anew_at_the_start(url: str, clock: HandClock) -> None:
    """Whoever opens the store brings the rows up to date, before anybody asks."""
    async with await Store.open(url, clock) as store:
        await scene(store)
        written = await rows(store)
        await store.database.write(
            lambda c: c.execute(text("UPDATE incidents SET edition = 0, readers = '', search = ''"))
        )
    async with await Store.open(url, clock) as store:
        assert await rows(store) == written


async def test_every_word_is_searched_for(store: Store) -> None:
    """In title, service, id, slice, reason and how it ended, whatever the case; wildcards are letters."""
    await scene(store)
    assert await ids(store, text="ÉMILE'S loans") == ["INC-2"]
    assert await ids(store, text="inc-3") == ["INC-3"]
    assert await ids(store, text="AGE<25 burns") == ["INC-4", "INC-3", "INC-2", "INC-1"]
    assert await ids(store, text="émile nowhere") == []
    assert await ids(store, text="%") == []
    assert await ids(store, text="_nc-1") == []


async def test_what_was_erased_is_not_found(store: Store) -> None:
    """Neither by search nor in what the row holds, also after the lists were made anew."""
    await scene(store)
    ref = next(each.ref for each in await store.erasure.texts("INC-2") if "rollback" in each.words)
    assert await store.erasure.erase(ref=ref) == 1
    for _ in range(2):
        assert await ids(store, text="rollback") == []
        assert not any("rollback" in str(row) for row in await rows(store))
        await store.log.rebuild()
    assert await ids(store, text="inc-2") == ["INC-2"]


async def test_it_is_narrowed_down(store: Store) -> None:
    """By state, severity, service, cause and time of declaration."""
    await scene(store)
    assert await ids(store, phases=("declared",)) == ["INC-1"]
    assert await ids(store, severity=2, service="loans", cause="") == ["INC-4", "INC-3", "INC-2", "INC-1"]
    assert await ids(store, severity=1) == await ids(store, service="") == await ids(store, cause="x") == []
    assert await ids(store, since=at(10), until=at(30)) == ["INC-3", "INC-2"]


async def test_restricted_ones_are_for_those_they_name(store: Store) -> None:
    """Whoever it names, whoever is on call for its service, whoever may see all; counts say the same."""
    await scene(store)
    for sight, shown in (
        (Sight("p_ben"), False),
        (Sight(""), False),
        (Sight("p_an"), False),
        (Sight("p_ana"), True),
        (Sight("p_ben", services=frozenset({"loans"})), True),
        (Sight("p_ben", services=frozenset({"other"})), False),
        (EVERYTHING, True),
    ):
        assert ("INC-4" in await ids(store, sight)) is shown, sight
        assert (await store.log.tally(sight)).of(("closed",)) == 1 + shown
    assert await store.log.sealed() == ["loans"]


async def test_page_by_page(store: Store) -> None:
    """A place in the list goes on where it was left, whatever was declared meanwhile."""
    await scene(store)
    first = await store.log.found(Wanted(), EVERYTHING, limit=2)
    await opened(store, "INC-5", fingerprint="e", at=at(50))
    last = first[-1]
    rest = await store.log.found(Wanted(), EVERYTHING, after=Place(last.declared, 3))
    assert [each.id for each in rest] == ["INC-2", "INC-1"]


async def test_the_figures(store: Store) -> None:
    """Durations in milliseconds as they stand corrected, why one is left out; nothing of a restricted one."""
    await scene(store)
    past = await store.log.past(Wanted())
    found = sorted(zip(past.left_out, past.corrected, past.ttd, past.tta, past.ttr, strict=True), key=str)
    assert found == [
        ("", "", 175_000, None, None),
        ("", "resolved", 175_000, 25_000, 270_000),
        ("merged", "", 175_000, None, 210_000),
    ]
    columns = [getattr(past, each.name) for each in fields(Past) if each.name not in ("position", "earliest")]
    assert {len(each) for each in columns} == {3}
    assert (past.earliest, past.position) == (NOON, await store.log.position())
    nothing = await store.log.past(Wanted(severity=1))
    assert (list(nothing.service), list(nothing.ttr), nothing.earliest) == ([], [], None)
    pages = await store.log.paged(NOON - timedelta(hours=1), NOON + timedelta(hours=1))
    assert pages == Paged(["p_ana"], [NOON], [1])
    assert list((await store.log.paged(NOON, NOON + timedelta(hours=1), "other")).hour) == []
    late = await store.log.overdue(date(2026, 11, 2), Sight())
    assert [(each.incident, each.item, each.owner) for each in late] == [("INC-2", "U1", "p_ana")]
    assert await store.log.overdue(date(2026, 11, 1), Sight()) == []


async def test_what_is_open_is_what_the_log_says(store: Store, url: str, clock: HandClock) -> None:
    """Also what another process wrote or erased since: what is at hand is used only while it stands."""
    await scene(store)
    assert [each.id for each in await store.log.open_incidents()] == ["INC-1", "INC-3"]
    async with await Store.open(url, clock) as other:
        await append(other, await other.log.load("INC-1"), Acknowledged(), seconds=300)
        ref = next(each.ref for each in await other.erasure.texts("INC-1") if "Recall" in each.words)
        await other.erasure.erase(ref=ref)
    first = (await store.log.open_incidents())[0]
    assert first.acknowledged == at(300)
    assert first.title == "[erased]"
