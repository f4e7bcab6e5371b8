"""The record by time, across incidents: on SQLite and on PostgreSQL alike."""

from __future__ import annotations

from datetime import timedelta

import pytest

from bot.domain.correction import Moment, TimeCorrected
from bot.domain.errors import Refused, Tampered
from bot.domain.finding import FindingRecorded
from bot.domain.lifecycle import IncidentResolved
from bot.engine.record import Wanted, cursor
from bot.store import Store
from bot.store.tables import entries
from tests.kit import NOON
from tests.store.conftest import HandClock, opened


async def several(store: Store, count: int = 7) -> None:
    """Incidents a minute apart, the third of them restricted."""
    for n in range(1, count + 1):
        await opened(store, f"INC-{n}", at=NOON + timedelta(minutes=n), restricted=n == 3)


async def test_pages_follow_one_another(store: Store) -> None:
    """The newest first, each entry once, and nothing of a restricted incident but for whoever may see them all."""
    await several(store)
    found, after = [], ""
    while True:
        page = await store.audit.search(Wanted(), after=after, limit=2)
        found += [entry.incident for entry in page.entries]
        after = page.next
        if not after:
            break
    assert found == ["INC-7", "INC-6", "INC-5", "INC-4", "INC-2", "INC-1"]
    every = await store.audit.search(Wanted(all_incidents=True))
    assert [entry.incident for entry in every.entries] == [f"INC-{n}" for n in range(7, 0, -1)]
    named = await store.audit.search(Wanted(incident="INC-3"))
    assert [entry.incident for entry in named.entries] == ["INC-3"]


async def test_it_is_narrowed_by_person_kind_and_time(store: Store) -> None:
    """Each filter alone and together; the end is not part of the stretch."""
    await several(store)
    one = await store.log.load("INC-2")
    found = FindingRecorded("F1", "v2 is bad", "deploys", (), "", None)
    await store.log.append(one, [found], by="p_ben", at=NOON + timedelta(minutes=9), cause="web:1")
    (entry,) = (await store.audit.search(Wanted(by="p_ben"))).entries
    assert (entry.incident, entry.seq, entry.name, entry.cause) == ("INC-2", 2, "FindingRecorded", "web:1")
    assert entry.hash == (await store.log.load("INC-2")).head
    assert entry.before == one.head
    kinds = await store.audit.search(Wanted(name="IncidentDeclared", start=NOON + timedelta(minutes=6)))
    assert [each.incident for each in kinds.entries] == ["INC-7", "INC-6"]
    until = await store.audit.search(Wanted(end=NOON + timedelta(minutes=2)))
    assert [each.incident for each in until.entries] == ["INC-1"]
    assert (await store.audit.search(Wanted(by="p_ben", name="IncidentDeclared"))).entries == ()


async def test_a_search_looks_at_a_bounded_stretch(store: Store) -> None:
    """What is rare is found by going on: an answer may be empty, says how far it looked and where to go on."""
    store.audit.most = 3
    await several(store)
    await store.log.append(
        await store.log.load("INC-1"), [FindingRecorded("F1", "x", "deploys", (), "", None)],
        by="p_ben", at=NOON + timedelta(seconds=90), cause="",
    )  # fmt: skip
    page = await store.audit.search(Wanted(by="p_ben"))
    assert page.entries == ()
    assert page.back_to == NOON + timedelta(minutes=5)
    looks = 1
    while not page.entries:
        page, looks = await store.audit.search(Wanted(by="p_ben"), after=page.next), looks + 1
    assert [entry.incident for entry in page.entries] == ["INC-1"]
    assert looks == 3


async def test_a_place_that_was_never_given_is_refused(store: Store) -> None:
    """In a sentence, whatever it holds; a place behind everything has nothing after it."""
    await several(store, 1)
    for after in (
        "x",
        "~~",
        "2026-11-20~1~INC-1",
        "2026-11-20T12:00:00+00:00~0~INC-1",
        "2026-11-20T12:00:00+00:00~z~a",
    ):
        with pytest.raises(Refused, match="never given"):
            await store.audit.search(Wanted(), after=after)
    (entry,) = (await store.audit.search(Wanted())).entries
    assert (await store.audit.search(Wanted(), after=cursor(entry))).entries == ()


async def test_a_correction_tells_both_times(store: Store) -> None:
    """What was believed and what is believed now, read off the entry itself."""
    await several(store, 1)
    told = TimeCorrected(Moment.ONSET, NOON, NOON - timedelta(minutes=1), "the graph")
    await store.log.append(await store.log.load("INC-1"), [told], by="p_ana", at=NOON + timedelta(hours=1), cause="")
    (entry,) = (await store.audit.search(Wanted(name="TimeCorrected"))).entries
    assert entry.changed == ("onset", "2026-11-20 12:00:00", "2026-11-20 11:59:00")


async def test_what_was_erased_is_listed(store: Store, clock: HandClock) -> None:
    """Words and files by incident and time; of restricted incidents only for whoever may see them all."""
    await several(store, 3)
    await store.exhibits.put("INC-1", "rows", "text/plain", b"1", NOON)
    assert await store.audit.erased() == []
    await store.erasure.erase(person="p_ana")
    clock.forward(hours=1)
    await store.exhibits.erase("INC-1", clock.now())
    told = await store.audit.erased()
    assert [(each.incident, each.what) for each in told] == [("INC-1", "files"), ("INC-2", "words"), ("INC-1", "words")]
    assert all(each.count for each in told)
    assert {each.incident for each in await store.audit.erased(all_incidents=True)} == {"INC-1", "INC-2", "INC-3"}


async def test_walking_one_chain_lets_go_of_nothing(store: Store) -> None:
    """What is at hand stays there; an altered entry is named all the same, and is still found in the list."""
    await several(store, 2)
    at_hand = await store.log.load("INC-1")
    assert await store.audit.walk("INC-1") == at_hand.head
    assert store.log.at_hand("INC-1") is at_hand
    assert await store.audit.ids() == ["INC-1", "INC-2"]
    assert await store.audit.size() == 2
    await store.database.write(lambda c: c.execute(entries.update().values(stored=b"no JSON")))
    with pytest.raises(Tampered, match="INC-2: entry 1"):
        await store.audit.walk("INC-2")
    assert [each.cause for each in (await store.audit.search(Wanted())).entries] == ["", ""]


async def test_incidents_are_listed_by_service(store: Store) -> None:
    """The newest first, no other service's; and what is open now of all, the worst before the rest."""
    await several(store, 3)
    assert [each.id for each in await store.past.of_service("loans")] == ["INC-3", "INC-2", "INC-1"]
    assert [each.id for each in await store.past.of_service("loans", limit=1)] == ["INC-3"]
    assert await store.past.of_service("nothing") == []
    assert [each.id for each in await store.past.open_now()] == ["INC-1", "INC-2", "INC-3"]
    held = await store.log.load("INC-2")
    await store.log.append(held, [IncidentResolved("done")], by="p_ana", at=NOON + timedelta(hours=1), cause="")
    assert [each.id for each in await store.past.open_now()] == ["INC-1", "INC-3"]
