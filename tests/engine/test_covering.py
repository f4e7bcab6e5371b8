"""Covers as people ask for them: what is refused and in which words, who hears of it, and that the rota follows."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from bot.domain.errors import NotFound, Refused, Unavailable
from bot.domain.policy import Role
from bot.engine.covering import Agreed, Covering
from bot.engine.roster import Roster
from bot.engine.roster_ports import Stand
from bot.engine.values import Profile
from bot.store import Store
from tests.engine.test_roster import DAY, HOUR, PEOPLE, clock, keys, roster
from tests.kit import NOON
from tests.store.conftest import HandClock

__all__ = ["clock"]
MORE = [
    Profile("", "max", "Max", frozenset({Role.MANAGER}), email="max@visits.example"),
    Profile("", "cora", "Cora", frozenset({Role.COUNSEL}), email="cora@visits.example"),
    Profile("", "gus", "Gus", frozenset({Role.RESPONDER})),
]


class Room:
    """The covers of one rota, asked for by key."""

    def __init__(self, store: Store, known: Roster) -> None:
        self.store, self.roster = store, known
        self.covering = Covering(known)

    async def who(self, key: str) -> Profile:
        found = await self.store.people.by_key(key)
        assert found is not None
        return found

    async def ask(self, key: str, start=NOON + HOUR, end=NOON + 3 * HOUR, **how):
        return await self.covering.ask("ml", start, end, await self.who(key), **how)

    async def take(self, cover: str, key: str):
        return await self.covering.take(cover, await self.who(key))

    async def withdraw(self, cover: str, key: str):
        return await self.covering.withdraw(cover, await self.who(key))

    async def on_call(self, at) -> list[str]:
        return [each.key for each in await self.roster.who("ml", at)]

    async def told(self, agreed) -> list[str]:
        return await keys(self.store, agreed.tell)


@pytest.fixture
async def room(tmp_path: Path, clock: HandClock) -> AsyncIterator[Room]:
    async with await Store.open(f"sqlite:///{tmp_path}/tocsin.db", clock) as store:
        await store.people.enrol([*PEOPLE, *MORE])
        yield Room(store, roster(store, clock, pagers=("email",)))


async def test_somebody_asks_somebody_takes_it_and_each_hears_of_it(room: Room) -> None:
    """Those who share the rota hear of the request, the asker of the taker; the rota follows at once."""
    heard: list[Agreed] = []

    async def hear(agreed: Agreed) -> None:
        heard.append(agreed)

    room.covering.tell = hear
    asked = await room.ask("ana", because="a doctor's visit")
    assert (asked.cover.stand, await room.told(asked)) == (Stand.ASKED, ["ben"])
    assert asked.text == (
        "Ana asks to be covered for ML platform, Fri 20 Nov 14:00 to 16:00 (Europe/Berlin): a doctor's visit"
    )
    assert await room.on_call(NOON + 2 * HOUR) == ["ana"]
    taken = await room.take(asked.cover.id, "cleo")
    assert (taken.cover.stand, await room.told(taken)) == (Stand.TAKEN, ["ana"])
    assert taken.text == "Cleo covers Ana for ML platform, Fri 20 Nov 14:00 to 16:00 (Europe/Berlin)."
    assert await room.on_call(NOON + 2 * HOUR) == ["cleo"]
    again = await room.take(asked.cover.id, "cleo")
    assert (again.cover, again.tell) == (taken.cover, ())
    assert heard == [asked, taken]


async def test_what_is_agreed_stands_though_nobody_can_be_told(room: Room) -> None:
    """The chat being away takes back no cover."""

    async def away(agreed: Agreed) -> None:
        raise Unavailable("Slack", "did not answer")

    room.covering.tell = away
    asked = await room.ask("ana")
    assert (await room.take(asked.cover.id, "ben")).cover.stand is Stand.TAKEN


async def test_the_second_click_asks_once(room: Room) -> None:
    """The same inbound id is the same request, and nobody hears of it twice."""
    first = await room.ask("ana", inbound="web-1")
    again = await room.ask("ana", inbound="web-1")
    assert (again.cover, again.tell) == (first.cover, ())


async def test_what_cannot_be_covered_is_told_in_words(room: Room, clock: HandClock) -> None:
    """Time that is over, hours one is not on call, half of what was asked for already, a rota that is none."""
    with pytest.raises(Refused, match="over already"):
        await room.ask("ana", NOON - 2 * HOUR, NOON - HOUR)
    with pytest.raises(Refused, match="ends after it begins"):
        await room.ask("ana", NOON + 2 * HOUR, NOON + HOUR)
    with pytest.raises(Refused, match="62 days at most"):
        await room.ask("ana", NOON, NOON + 80 * DAY)
    with pytest.raises(Refused, match="500 letters"):
        await room.ask("ana", because="x" * 501)
    with pytest.raises(
        Refused, match=r"you are not on call for ML platform in that time; the next shift begins Sat 21 Nov"
    ):
        await room.ask("ben")
    with pytest.raises(Refused, match=r"you are not on call for ML platform in that time$"):
        await room.ask("dan")
    await room.ask("ana")
    with pytest.raises(Refused, match=r"you have asked for some of that time already, .*; nobody has taken it yet"):
        await room.ask("ana", NOON + 2 * HOUR, NOON + 5 * HOUR)
    with pytest.raises(NotFound, match="there is ml"):
        await room.covering.ask("mll", NOON, NOON + HOUR, await room.who("ana"))


async def test_what_began_already_is_asked_for_from_now_on(room: Room) -> None:
    """The hours that are over stay whose they were."""
    asked = await room.ask("ana", NOON - 3 * HOUR, NOON + HOUR)
    assert (asked.cover.start, asked.cover.end) == (NOON, NOON + HOUR)


async def test_a_manager_asks_for_somebody_else(room: Room) -> None:
    """Anybody else is told to leave it to them; a person nobody knows is not found."""
    with pytest.raises(Refused, match="only a manager"):
        await room.ask("ben", instead_of="ana")
    with pytest.raises(NotFound, match="anna"):
        await room.ask("max", instead_of="anna")
    asked = await room.ask("max", instead_of="ana", because="she is ill")
    assert asked.text.startswith("Ana asks to be covered")
    assert await keys(room.store, [asked.cover.asker]) == ["ana"]
    with pytest.raises(Refused, match="Ana has asked"):
        await room.ask("max", instead_of="ana")


async def test_who_takes_it_must_be_reachable_and_a_responder(room: Room) -> None:
    """A page that reaches nobody is worse than a gap that is seen."""
    asked = await room.ask("ana")
    with pytest.raises(Refused, match=r"takes a .*responder; your roles: counsel"):
        await room.take(asked.cover.id, "cora")
    with pytest.raises(Refused, match="no channel reaches you"):
        await room.take(asked.cover.id, "gus")
    with pytest.raises(Refused, match="your own request"):
        await room.take(asked.cover.id, "ana")
    with pytest.raises(NotFound, match="nonsense"):
        await room.take("nonsense", "ben")


async def test_covering_beside_ones_own_shift_is_fine(room: Room) -> None:
    """Whoever is on call anyway is there once."""
    asked = await room.ask("ana", NOON + 18 * HOUR, NOON + 20 * HOUR)
    await room.take(asked.cover.id, "ben")
    assert await room.on_call(NOON + 19 * HOUR) == ["ben"]
    assert [each.key for each in await room.roster.shifts("ml", NOON, NOON + 2 * DAY)] == ["ana", "ben", "ana"]


async def test_a_request_is_taken_back_and_the_taker_hears_of_it(room: Room) -> None:
    """The asker is on call again at once; a stranger may not, a manager may."""
    asked = await room.ask("ana")
    await room.take(asked.cover.id, "cleo")
    with pytest.raises(Refused, match="or a manager"):
        await room.withdraw(asked.cover.id, "ben")
    back = await room.withdraw(asked.cover.id, "max")
    assert (back.cover.stand, await room.told(back)) == (Stand.WITHDRAWN, ["ana", "cleo"])
    assert "Cleo is not on call for them" in back.text
    assert await room.on_call(NOON + 2 * HOUR) == ["ana"]
    again = await room.withdraw(asked.cover.id, "ana")
    assert (again.cover.stand, again.tell) == (Stand.WITHDRAWN, ())


async def test_letting_go_in_the_midst_of_it_asks_the_others_anew(room: Room, clock: HandClock) -> None:
    """The hours stood in for stay the taker's; the rest is open, and its asker is on call until somebody takes it."""
    asked = await room.ask("ana")
    await room.take(asked.cover.id, "cleo")
    clock.forward(hours=2)
    rest = await room.withdraw(asked.cover.id, "cleo")
    assert (rest.cover.stand, rest.cover.start) == (Stand.ASKED, NOON + 2 * HOUR)
    assert "cannot cover Ana" in rest.text
    assert await room.told(rest) == ["ana", "ben"]
    assert await room.on_call(NOON + 1.5 * HOUR) == ["cleo"]
    assert await room.on_call(NOON + 2.5 * HOUR) == ["ana"]
    await room.take(rest.cover.id, "ben")
    assert await room.on_call(NOON + 2.5 * HOUR) == ["ben"]
    clock.forward(hours=2)
    with pytest.raises(Refused, match="over"):
        await room.withdraw(rest.cover.id, "ben")


async def test_a_cover_is_known_at_another_replica_once_it_looks(room: Room, clock: HandClock) -> None:
    """Both read the same table; the other one's own cover is refused by what stands there, not by what it remembers."""
    asked = await room.ask("ana")
    other = Room(room.store, roster(room.store, clock, pagers=("email",)))
    await other.take(asked.cover.id, "cleo")
    with pytest.raises(Refused, match="somebody else has taken"):
        await room.take(asked.cover.id, "ben")
    assert await room.on_call(NOON + 2 * HOUR) == ["cleo"]
