"""What is counted among all incidents: cool-downs and budgets hold in one transaction, on every database alike."""

import asyncio
from collections.abc import Iterable
from dataclasses import dataclass

import pytest

from bot.domain.errors import Conflict, Refused
from bot.domain.incident import Incident
from bot.domain.log import Claim, Entry, Event, Need, Sentence, Tally, Untally, says
from bot.store import Store
from tests.kit import NOON, at
from tests.store.conftest import HandClock, opened


@dataclass(frozen=True, slots=True)
class Counted(Event):
    """Something that counts, of this test alone."""

    tallies: tuple[Tally, ...] = ()
    untally: str = ""
    need: str = ""
    within: float = 0.0

    def evolve(self, incident: Incident, entry: Entry) -> Incident:
        return incident

    def says(self, by: str) -> Sentence:
        return says("counted")

    def claims(self, incident: Incident) -> Iterable[Claim]:
        yield from self.tallies
        if self.untally:
            yield Untally(self.untally)
        if self.need:
            yield Need(self.need, self.within, "nobody saw it lately")


def once(key: str = "k", most: int = 1, within: float = 60) -> Counted:
    return Counted((Tally(key, most, within, "again at {since}"),))


async def append(store: Store, incident: Incident, event: Event, seconds: float) -> Incident:
    return await store.log.append(incident, [event], by="p_ana", at=at(seconds), cause="test")


async def test_a_limit_holds_in_every_incident_until_its_time_is_over(store: Store) -> None:
    """The second is refused with the moment it may again, and nothing of it is written; at that moment it goes."""
    one, other = await opened(store, "INC-1"), await opened(store, "INC-2")
    await append(store, one, once(), 10)
    with pytest.raises(Refused, match=r"again at 12:01:10 UTC"):
        await append(store, other, once(), 69)
    assert (await store.log.load("INC-2")).seq == other.seq
    await append(store, other, once("another key"), 69)
    await append(store, await store.log.load("INC-2"), once(), 70)
    assert await store.log.counted("k", NOON) == [at(10), at(70)]


async def test_what_came_to_nothing_is_not_counted(store: Store) -> None:
    """Only this incident's latest is taken back."""
    one, other = await opened(store, "INC-1"), await opened(store, "INC-2")
    one = await append(store, one, once(most=5), 1)
    one = await append(store, one, once(most=5), 2)
    await append(store, other, once(most=5), 3)
    await append(store, one, Counted(untally="k"), 4)
    assert await store.log.counted("k", NOON) == [at(1), at(3)]


async def test_what_must_have_been_seen_is_asked_of_all_incidents(store: Store) -> None:
    """Seen in time in another incident will do; never, or too long ago, will not."""
    one, other = await opened(store, "INC-1"), await opened(store, "INC-2")
    need = Counted(need="k", within=60)
    with pytest.raises(Refused, match="nobody saw it lately"):
        await append(store, one, need, 1)
    await append(store, other, Counted((Tally("k"),)), 2)
    with pytest.raises(Refused):
        await append(store, one, need, 62)
    await append(store, one, need, 61)


async def test_of_many_at_once_only_as_many_as_may(store: Store, url: str, clock: HandClock) -> None:
    """Twelve incidents on two replicas at the same moment: three are counted, nine are refused."""
    incidents = [await opened(store, f"INC-{n}") for n in range(1, 13)]
    async with await Store.open(url, clock) as replica:

        async def attempt(number: int, incident: Incident) -> bool:
            while True:
                try:
                    await append((store, replica)[number % 2], incident, once(most=3), 5)
                except Conflict:
                    continue
                except Refused:
                    return False
                return True

        went = await asyncio.gather(*(attempt(*each) for each in enumerate(incidents)))
    assert sum(went) == 3
    assert len(await store.log.counted("k", NOON)) == 3


async def test_two_who_count_under_the_same_entry_at_once(url: str, clock: HandClock) -> None:
    """One of two replicas is told that the other came first: neither breaks, and it is counted once."""
    async with await Store.open(url, clock) as one, await Store.open(url, clock) as other:
        for number in range(8):
            before = await opened(one, f"INC-{number}")
            appends = [
                store.log.append(before, [once(f"k{number}", most=0)], by="tocsin", at=NOON, cause="test")
                for store in (one, other)
            ]
            done = await asyncio.gather(*appends, return_exceptions=True)
            assert sorted(type(each).__name__ for each in done) == ["Conflict", "Incident"]
            assert len(await one.log.counted(f"k{number}", at(-60))) == 1
