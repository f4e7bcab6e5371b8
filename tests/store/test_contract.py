"""What the store promises, on every database alike: the log, inbound ids, claims, lists, and junk in words."""

import asyncio
from datetime import date, timedelta

import pytest
from sqlalchemy import delete, text, update

from bot.domain.errors import Conflict, NotFound, Taken
from bot.domain.followup import FollowUpAdded, FollowUpFinished
from bot.domain.incident import Incident, Phase
from bot.domain.lifecycle import (
    IncidentClosed,
    IncidentReopened,
    IncidentResolved,
    SeverityChanged,
    UpdatePosted,
    open_claim,
)
from bot.domain.log import fold
from bot.domain.paging import Acknowledged
from bot.domain.policy import Severity
from bot.store import Repeated, Store
from bot.store.projections import summary
from bot.store.tables import claims, entries, followups, inbound, incidents, posted, texts
from tests.kit import NOON, at
from tests.store.conftest import HandClock, append, declared, opened

# -- the log ---------------------------------------------------------------------------------------------------------


async def test_an_incident_that_never_was_is_void(store: Store) -> None:
    """Loading an unknown id gives an incident that does not exist, and no entries."""
    assert await store.log.load("INC-9") == Incident("INC-9")
    assert await store.log.entries("INC-9") == []


async def test_what_was_appended_is_read_back_by_anyone(store: Store, url: str, clock: HandClock) -> None:
    """The folded incident is the same from append, from the same process, and from another one; so are the entries."""
    incident = await opened(store)
    incident = await append(store, incident, Acknowledged(), SeverityChanged(Severity.SEV1, "wider than thought"))
    assert (incident.seq, incident.phase, incident.severity) == (3, Phase.ACKNOWLEDGED, Severity.SEV1)
    assert await store.log.load("INC-1") == incident
    async with await Store.open(url, clock) as other:
        assert await other.log.load("INC-1") == incident
        told = await other.log.entries("INC-1")
    assert fold(Incident("INC-1"), told) == incident
    assert [entry.seq for entry in told] == [1, 2, 3]
    assert told[0].happened_at == NOON - timedelta(seconds=5)
    assert told[0].at == NOON
    assert told[2].event == SeverityChanged(Severity.SEV1, "wider than thought")
    assert told[2].before == told[1].hash


async def test_a_reader_sees_what_another_process_appended(store: Store, url: str, clock: HandClock) -> None:
    """An incident at hand in one replica is brought up to date with what another one wrote."""
    incident = await opened(store)
    async with await Store.open(url, clock) as other:
        after = await append(other, await other.log.load("INC-1"), Acknowledged())
    assert await store.log.load("INC-1") == after != incident


async def test_of_two_writers_exactly_one_wins(store: Store, url: str, clock: HandClock) -> None:
    """Two replicas that decide on the same state: one is told to load again, and the log has one of the events."""
    incident = await opened(store)
    async with await Store.open(url, clock) as other:
        results = await asyncio.gather(
            append(store, incident, Acknowledged(), by="p_ana"),
            append(other, incident, Acknowledged(), by="p_ben"),
            return_exceptions=True,
        )
    assert sorted(type(result).__name__ for result in results) == ["Conflict", "Incident"]
    assert len(await store.log.entries("INC-1")) == 2
    await store.log.verify()


async def test_twenty_writers_at_once_lose_nothing(store: Store) -> None:
    """Each of twenty who load, append and on Conflict try again has an entry in the end, in one unbroken chain."""
    await opened(store)

    async def say(number: int) -> None:
        while True:
            incident = await store.log.load("INC-1")
            try:
                await append(store, incident, UpdatePosted(f"update {number}"))
            except Conflict:
                continue
            return

    await asyncio.gather(*(say(number) for number in range(20)))
    told = [entry.event.text for entry in (await store.log.entries("INC-1"))[1:]]
    assert sorted(told) == sorted(f"update {number}" for number in range(20))
    await store.log.verify()


async def test_a_stale_incident_is_refused(store: Store) -> None:
    """Appending after an entry that is not the last one is a Conflict and leaves no trace."""
    stale = await opened(store)
    await append(store, stale, Acknowledged())
    with pytest.raises(Conflict, match="INC-1 is at entry 2, not 1"):
        await append(store, stale, UpdatePosted("late"), inbound="Ev1")
    assert not await store.log.seen("Ev1")
    assert len(await store.log.entries("INC-1")) == 2


async def test_a_failed_append_writes_nothing_at_all(store: Store) -> None:
    """Where the second of two events cannot have its claim, the first, its text and the inbound id are absent too."""
    await opened(store, "INC-1", fingerprint="same")
    one = Incident("INC-2")
    with pytest.raises(Taken):
        await append(store, one, UpdatePosted("first"), declared(fingerprint="same"), inbound="Ev2")
    assert await store.log.entries("INC-2") == []
    assert await store.erasure.texts("INC-2") == []
    assert not await store.log.seen("Ev2")
    assert [listed.id for listed in await store.log.summaries()] == ["INC-1"]


# -- inbound ids -----------------------------------------------------------------------------------------------------


async def test_an_inbound_id_has_one_effect(store: Store) -> None:
    """The second append under an inbound id is refused as repeated, whatever state it was decided on."""
    incident = await opened(store, inbound="Ev1")
    assert await store.log.seen("Ev1")
    with pytest.raises(Repeated) as caught:
        await append(store, incident, Acknowledged(), inbound="Ev1")
    assert caught.value.inbound == "Ev1"
    assert (await store.log.load("INC-1")).seq == 1


async def test_an_inbound_id_without_events_is_remembered_once(store: Store) -> None:
    """A message that changes nothing is remembered, so that its redelivery is recognised; so is an empty append."""
    assert not await store.log.seen("Ev7")
    assert await store.log.remember("Ev7")
    assert not await store.log.remember("Ev7")
    incident = await opened(store)
    assert await append(store, incident, inbound="Ev8") == incident
    with pytest.raises(Repeated):
        await append(store, incident, inbound="Ev8")


async def test_redelivered_at_once_it_still_has_one_effect(store: Store) -> None:
    """Ten deliveries of one message at the same time: one is recorded."""
    incident = await opened(store)
    results = await asyncio.gather(
        *(append(store, incident, UpdatePosted("hello"), inbound="Ev1") for _ in range(10)), return_exceptions=True
    )
    assert sum(isinstance(result, Incident) for result in results) == 1
    assert all(isinstance(result, Incident | Conflict) for result in results)
    assert len(await store.log.entries("INC-1")) == 2


async def test_old_inbound_ids_are_forgotten(store: Store, clock: HandClock) -> None:
    """Those committed before a time go, with the refusals kept beside them, however many; the entries stay."""
    incident = await opened(store, inbound="Ev1")
    await store.log.remember("Ev2", "INC-1", "no, because")
    rows = [{"id": f"old{n}", "incident": "", "refused": "", "at": NOON - timedelta(days=9)} for n in range(5_001)]
    await store.database.write(lambda c: c.execute(inbound.insert(), rows), within=10)
    clock.forward(days=30)
    await store.log.remember("Ev3")
    assert await store.log.prune(NOON) == 5_001
    assert await store.log.received("Ev2") is not None
    assert await store.log.prune(clock.now()) == 2
    assert [await store.log.seen(name) for name in ("Ev1", "Ev2", "Ev3")] == [False, False, True]
    assert await store.log.prune(clock.now()) == 0
    assert await store.log.load("INC-1") == incident


# -- claims ----------------------------------------------------------------------------------------------------------


async def test_a_claim_has_one_holder_who_is_named(store: Store) -> None:
    """A second incident for the same fingerprint is refused with the name of the first, braces in it and all."""
    await opened(store, "INC-1", fingerprint="loans/{job='a'}")
    with pytest.raises(Taken) as caught:
        await opened(store, "INC-2", fingerprint="loans/{job='a'}")
    assert caught.value.holder == "INC-1"
    assert caught.value.because == "an incident for loans/{job='a'} is open already: INC-1"
    assert await store.log.holder(open_claim("loans/{job='a'}")) == "INC-1"
    assert await store.log.holder("nobody's") is None


async def test_a_freed_claim_can_be_taken_and_taken_back_is_refused(store: Store) -> None:
    """After resolving, a new incident may open; re-opening the old one is then refused."""
    incident = await opened(store, "INC-1", fingerprint="same")
    incident = await append(store, incident, IncidentResolved("rolled back", "", ""))
    await opened(store, "INC-2", fingerprint="same")
    with pytest.raises(Taken, match="a newer incident for the same cause is open: INC-2"):
        await append(store, incident, IncidentReopened("it came back"))


async def test_taking_twice_oneself_is_harmless(store: Store) -> None:
    """An incident that holds a claim may take it again."""
    incident = await opened(store)
    await append(store, incident, IncidentReopened("never over"))
    assert await store.log.holder(open_claim("INC-1")) == "INC-1"


async def test_of_two_incidents_racing_for_a_claim_one_opens(store: Store, url: str, clock: HandClock) -> None:
    """Two replicas declaring for one fingerprint at the same time: one incident, one refusal."""
    async with await Store.open(url, clock) as other:
        results = await asyncio.gather(
            opened(store, "INC-1", fingerprint="same"),
            opened(other, "INC-2", fingerprint="same"),
            return_exceptions=True,
        )
    assert sorted(type(result).__name__ for result in results) == ["Incident", "Taken"]
    assert len(await store.log.open_ids()) == 1


async def test_a_restricted_holder_is_not_named(store: Store) -> None:
    """Whoever is refused learns that there is another incident, not which; the house itself is told."""
    await opened(store, "INC-1", fingerprint="same", restricted=True)
    with pytest.raises(Taken) as caught:
        await opened(store, "INC-2", fingerprint="same")
    assert caught.value.because == "an incident for same is open already: another incident"
    assert caught.value.holder == "INC-1"
    await store.database.write(lambda c: c.execute(delete(incidents)))
    with pytest.raises(Taken, match="already: another incident"):  # a list that lost its row names nobody
        await opened(store, "INC-3", fingerprint="same")


# -- lists -----------------------------------------------------------------------------------------------------------


async def test_the_list_says_what_the_log_says(store: Store, clock: HandClock) -> None:
    """Each summary equals the one computed from the folded incident, before and after making the list anew."""
    for number in range(1, 4):
        incident = await opened(store, f"INC-{number}", at=at(number), restricted=number == 2)
        if number != 1:
            incident = await append(store, incident, Acknowledged(), seconds=10 + number)
        if number == 3:
            await append(store, incident, IncidentResolved("over", "", ""), IncidentClosed(), seconds=20)
    listed = await store.log.summaries()
    told = [summary(await store.log.load(f"INC-{number}")) for number in (3, 2, 1)]
    assert listed == told
    assert await store.log.open_ids() == ["INC-1", "INC-2"]
    assert await store.log.heads() == {name: (await store.log.load(name)).head for name in ("INC-1", "INC-2")}
    await store.database.write(lambda c: c.execute(update(incidents).values(title="wrong", seq=1)))
    await store.database.write(lambda c: c.execute(delete(incidents).where(incidents.c.id == "INC-2")))
    await store.database.write(lambda c: c.execute(text("INSERT INTO incidents (id, number, seq, head, title, phase, severity, service, slice, restricted, declared, onset, detected, acknowledged, mitigated, resolved, cause) SELECT 'INC-99', number, seq, head, title, phase, severity, service, slice, restricted, declared, onset, detected, acknowledged, mitigated, resolved, cause FROM incidents WHERE id = 'INC-1'")))  # fmt: skip
    assert await store.log.rebuild() == 3
    assert await store.log.summaries() == listed


async def test_what_is_promised_is_found_by_its_owner(store: Store) -> None:
    """Also in closed incidents, what is due first before the others; once it is kept no more; also made anew."""
    first, second = await opened(store, "INC-1"), await opened(store, "INC-2", fingerprint="other")
    late = FollowUpAdded("U1", "test it", "p_ana", date(2026, 12, 9), "")
    await append(store, first, late, FollowUpAdded("U2", "tell them", "p_ben", date(2026, 12, 1), ""), IncidentClosed())
    second = await append(store, second, FollowUpAdded("U1", "alert", "p_ana", date(2026, 12, 2), ""))
    asked = ("p_ana", "p_ben", "p_cleo", "")
    found = [await store.log.promised(owner) for owner in asked]
    assert found == [["INC-2", "INC-1"], ["INC-1"], [], ["INC-1", "INC-2"]]
    await store.database.write(lambda c: c.execute(update(followups).values(owner="nobody", incident="INC-9", item=followups.c.incident + followups.c.item)))  # fmt: skip
    await store.log.rebuild()
    assert [await store.log.promised(owner) for owner in asked] == found
    await append(store, second, FollowUpFinished("U1"))
    assert await store.log.promised("p_ana") == ["INC-1"]


async def test_the_list_is_read_page_by_page(store: Store) -> None:
    """Newest first; `before` continues after the last one seen; incidents declared in the same instant are not lost."""
    for number in range(1, 12):
        await opened(store, f"INC-{number}", at=NOON)
    seen: list[str] = []
    while page := await store.log.summaries(limit=4, before=seen[-1] if seen else ""):
        seen += [one.id for one in page]
    assert seen == [f"INC-{number}" for number in range(11, 0, -1)]
    with pytest.raises(NotFound, match="INC-77"):
        await store.log.summaries(before="INC-77")


async def test_a_fresh_id_is_one_nobody_has(store: Store) -> None:
    """Ids count upwards; a list that lost a row does not lead to a used id."""
    assert await store.log.fresh_id() == "INC-1"
    await opened(store, "INC-1")
    await opened(store, "INC-2")
    assert await store.log.fresh_id() == "INC-3"
    await store.database.write(lambda c: c.execute(delete(incidents)))
    assert await store.log.fresh_id() == "INC-3"


# -- junk ------------------------------------------------------------------------------------------------------------


async def test_junk_characters_are_kept_or_replaced_never_refused(store: Store) -> None:
    """NUL, lone surrogates and quotes in any text from outside do not stop an incident from being recorded."""
    junk = "a\x00b\ud800c'\"{}%s\u202e𝄞"
    incident = await opened(store, title=junk, fingerprint=junk, inbound=junk)
    assert incident.title == "a\x00b\ufffdc'\"{}%s\u202e𝄞"
    assert await store.log.seen(junk)
    assert await store.log.holder(open_claim(junk)) == "INC-1"
    assert (await store.log.summaries())[0].title == "a\ufffdb\ufffdc'\"{}%s\u202e𝄞"
    await store.log.verify()


async def test_no_words_lie_in_the_log_itself(store: Store) -> None:
    """The stored bytes hold no free text, and no two equal texts have equal digests."""
    incident = await opened(store, title="secret name")
    await append(store, incident, UpdatePosted("secret name"))
    rows = (await store.database.read(lambda c: c.execute(entries.select()))).all()
    assert not any(b"secret name" in row.stored for row in rows)
    assert len({row.salt for row in (await store.database.read(lambda c: c.execute(texts.select()))).all()}) == 3
    assert (await store.database.read(lambda c: c.execute(claims.select()))).all()
    assert (await store.database.read(lambda c: c.execute(posted.select()))).first() is None
