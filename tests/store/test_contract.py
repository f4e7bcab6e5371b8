"""What the store promises, on every database alike."""

import asyncio
from dataclasses import replace
from datetime import date, timedelta

import pytest
from sqlalchemy import delete, text, update

from bot.domain.errors import Conflict, NotFound, Refused, Taken, Tampered
from bot.domain.finding import FindingRecorded
from bot.domain.followup import FollowUpAdded, FollowUpFinished
from bot.domain.impact import ImpactAssessed
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
from bot.domain.notice import NoticeRequested
from bot.domain.paging import Acknowledged, Paged, Receipt
from bot.domain.policy import Role, Severity
from bot.domain.signing import NoticeFrozen
from bot.engine.values import Posted, Profile
from bot.store import Repeated, Store
from bot.store.projections import summary
from bot.store.tables import claims, entries, exhibits, followups, inbound, incidents, posted, texts
from tests.kit import NOON, at
from tests.store.conftest import HandClock, declared, opened

# -- the log ---------------------------------------------------------------------------------------------------------


async def append(store: Store, incident: Incident, *events, by: str = "p_ana", seconds: float = 1, **how) -> Incident:
    return await store.log.append(incident, events, by=by, at=at(seconds), cause="test", **how)


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


# -- erasure ---------------------------------------------------------------------------------------------------------


async def test_erased_words_are_gone_and_the_chain_holds(store: Store, url: str, clock: HandClock) -> None:
    """All a person wrote is erased, text and salt, from entries, folded incident and list; the chain still verifies."""
    incident = await opened(store, title="Bob from Leeds complains")
    incident = await append(store, incident, UpdatePosted("Eve looks into it"), by="p_eve")
    async with await Store.open(url, clock) as other:
        await other.log.load("INC-1")  # has the words at hand
        assert await store.erasure.erase(person="p_ana") == 2
        assert await store.erasure.erase(person="p_ana") == 0
        assert (await other.log.load("INC-1")).title == "[erased]"
    told = await store.log.entries("INC-1")
    assert (told[0].event.title, told[0].event.because) == ("[erased]", "[erased]")
    assert told[1].event.text == "Eve looks into it"
    assert (await store.log.load("INC-1")).title == "[erased]"
    assert (await store.log.summaries())[0].title == "[erased]"
    rows = (await store.database.read(lambda c: c.execute(texts.select().where(texts.c.by == "p_ana")))).all()
    assert [(row.salt, row.text) for row in rows] == [(None, None)] * 2
    assert await store.log.verify() == {"INC-1": incident.head}
    assert (await append(store, await store.log.load("INC-1"), Acknowledged())).seq == 3


async def test_one_text_can_be_erased_by_its_reference(store: Store) -> None:
    """A text found in the list of texts is erased alone; an unknown reference erases nothing."""
    incident = await opened(store, title="")
    await append(store, incident, UpdatePosted("a name"), UpdatePosted("no name"))
    ref = next(kept.ref for kept in await store.erasure.texts("INC-1") if kept.words == "a name")
    assert await store.erasure.erase(ref=ref) == 1
    assert await store.erasure.erase(ref="t_0") == 0
    assert [entry.event.text for entry in (await store.log.entries("INC-1"))[1:]] == ["[erased]", "no name"]
    with pytest.raises(Refused, match="whose words"):
        await store.erasure.erase()


async def test_a_legal_hold_stops_erasure(store: Store) -> None:
    """While one of the incidents concerned is under a hold, nothing is erased anywhere; lifted, all is."""
    await opened(store, "INC-1")
    await opened(store, "INC-2")
    await store.erasure.hold("INC-2", "litigation 4711")
    assert (await store.erasure.held("INC-1"), await store.erasure.held("INC-2")) == ("", "litigation 4711")
    for asked in (store.erasure.concerned, store.erasure.erase):
        with pytest.raises(Refused, match="INC-2 is under a legal hold: litigation 4711"):
            await asked(person="p_ana")
    assert (await store.log.load("INC-1")).title == "Recall of loans is low"
    assert await store.erasure.release("INC-2")
    assert not await store.erasure.release("INC-2")
    assert await store.erasure.concerned(person="p_ana") == {"INC-1": 2, "INC-2": 2}
    assert await store.erasure.erase(person="p_ana") == 4
    assert await store.erasure.concerned(person="p_ana") == {}


async def test_what_people_typed_can_be_erased_wherever_it_stood(store: Store) -> None:
    """Reasons for unknowns, gaps of a notice, a page's detail, a finding's link: none of it is in the stored bytes."""
    incident = await opened(store)
    typed = [
        Paged("page/1", "p_ben", "slack", Receipt.FAILED, "Eve 1"),
        ImpactAssessed(1, None, None, "EUR", ("people: Eve 2", "money: Eve 3"), ""),
        NoticeRequested("N1", "stakeholders/update", "", ""),
        NoticeFrozen("N1", 1, "Eve 4", "d", ("Eve 5",), NOON),
        FindingRecorded("F1", "Eve 6", "responder", (), "https://visits.example/Eve7", None),
    ]
    incident = await append(store, incident, *typed)
    rows = (await store.database.read(lambda c: c.execute(entries.select()))).all()
    assert not any(b"Eve" in row.stored for row in rows)
    assert [entry.event for entry in (await store.log.entries("INC-1"))[1:]] == typed
    assert await store.erasure.erase(person="p_ana") == 9
    after = await store.log.load("INC-1")
    assert after.impact is not None
    assert after.impact.unknowns == ("[erased]", "[erased]")
    assert after.notices["N1"].versions[0].gaps == ("[erased]",)
    assert after.findings[0].source == "responder"
    assert await store.log.verify() == {"INC-1": incident.head}


# -- tampering -------------------------------------------------------------------------------------------------------


async def long_log(store: Store) -> None:
    incident = await opened(store)
    for number in range(3):
        incident = await append(store, incident, UpdatePosted(f"update {number}"))


async def test_an_altered_entry_is_found(store: Store) -> None:
    """Changing one stored byte, its hash with it, is found and the entry named."""
    await long_log(store)
    await store.log.verify()
    await store.database.write(
        lambda c: c.execute(update(entries).where(entries.c.seq == 2).values(stored=b'{"by":"p_eve"}'))
    )
    with pytest.raises(Tampered, match="INC-1: entry 2 was altered"):
        await store.log.verify()


async def test_a_missing_entry_is_found(store: Store) -> None:
    """A deleted entry leaves a gap, at the end as well."""
    await long_log(store)
    await store.database.write(lambda c: c.execute(delete(entries).where(entries.c.seq == 2)))
    with pytest.raises(Tampered, match="entry 2 is missing"):
        await store.log.verify("INC-1")
    rest = (await store.database.read(lambda c: c.execute(entries.select()))).all()
    assert [row.seq for row in rest] == [1, 3, 4]  # the rest is untouched
    await store.database.write(lambda c: c.execute(delete(entries).where(entries.c.seq > 1)))
    with pytest.raises(Tampered, match="entries 2 to 4 are missing at the end"):
        await store.log.verify()


async def test_swapped_entries_are_found(store: Store) -> None:
    """Two entries in each other's place do not verify."""
    await long_log(store)
    for was, becomes in ((2, 99), (3, 2), (99, 3)):
        await store.database.write(
            lambda c, was=was, becomes=becomes: c.execute(
                update(entries).where(entries.c.seq == was).values(seq=becomes)
            )
        )
    with pytest.raises(Tampered, match="entry 2 does not follow"):
        await store.log.verify()


async def test_altered_words_are_found(store: Store) -> None:
    """A free text that was rewritten, or removed without an erasure, is found."""
    await long_log(store)
    await store.database.write(
        lambda c: c.execute(update(texts).where(texts.c.seq == 3).values(text=b"nothing happened"))
    )
    with pytest.raises(Tampered, match="the text /text of entry 3 was altered"):
        await store.log.verify()
    await store.database.write(lambda c: c.execute(delete(texts).where(texts.c.seq == 3)))
    with pytest.raises(Tampered, match="the text /text of entry 3 is gone without an erasure"):
        await store.log.verify()
    assert (await store.log.entries("INC-1"))[2].event.text == "[erased]"


async def test_verifying_an_unknown_incident_says_so(store: Store) -> None:
    """Nobody is told that a chain is whole which is not there."""
    with pytest.raises(NotFound, match="INC-5"):
        await store.log.verify("INC-5")
    assert await store.log.verify() == {}


# -- people ----------------------------------------------------------------------------------------------------------


def profile(key: str, **how) -> Profile:
    return Profile("ignored", key, how.pop("name", key.title()), how.pop("roles", frozenset({Role.RESPONDER})), **how)


async def test_ids_of_people_are_opaque_and_stay(store: Store, url: str, clock: HandClock) -> None:
    """A key keeps its id through renaming and restarts; whoever is taken out keeps it as well, without any role."""
    ana = profile("ana", slack_team="T1", slack_user="U1", email="ana@example.org")
    await store.people.enrol([ana, profile("ben")])
    first = await store.people.by_key("ana")
    assert first is not None
    assert first.id.startswith("p_")
    assert first == replace(ana, id=first.id)
    async with await Store.open(url, clock) as other:
        await other.people.enrol([replace(ana, name="Ana B.", roles=frozenset({Role.COUNSEL}))])
        again = await other.people.by_id(first.id)
        assert again is not None
        assert (again.id, again.name, again.roles) == (first.id, "Ana B.", {Role.COUNSEL})
        assert [one.key for one in await other.people.everyone()] == ["ana"]
        assert await other.people.by_key("ben") is None
    await store.people.enrol([profile("ben")])
    gone = await store.people.by_id(first.id)
    assert gone is not None
    assert (gone.name, gone.roles) == ("Ana B.", frozenset())
    assert await store.people.by_slack("T1", "U1") is None


async def ids(store: Store, *profiles: Profile) -> dict[str, str]:
    """Everybody's id under this configuration."""
    await store.people.enrol(profiles)
    return {each.key: each.id for each in await store.people.everyone()}


ANA = {"slack_team": "T1", "slack_user": "U1", "email": "ana@example.org"}
BEN = {"slack_team": "T1", "slack_user": "U2", "email": "ben@example.org"}


@pytest.mark.parametrize(
    "again",
    [
        ANA,
        {"slack_user": "U1"},
        {"email": "Ana@example.org"},
        ANA | {"email": "a@example.org"},
        ANA | {"slack_user": "U8"},
    ],
    ids=["both", "no team", "mail alone", "another mail", "another account"],
)
async def test_whoever_is_renamed_stays_who_they_are(store: Store, again: dict[str, str]) -> None:
    """The account or the address tells who has a new key: nobody approves what they proposed under a former one."""
    before = await ids(store, profile("ana", **ANA), profile("ben", **BEN))
    after = await ids(store, profile("ana.weiss", **again), profile("ben", **BEN))
    assert after == {"ana.weiss": before["ana"], "ben": before["ben"]}
    assert await store.people.by_key("ana") is None
    renamed = await store.people.by_id(before["ana"])
    assert renamed is not None
    assert (renamed.key, renamed.name) == ("ana.weiss", "Ana.Weiss")
    assert await ids(store, profile("ana.weiss", **again), profile("ben", **BEN)) == after


async def test_it_is_remembered_who_was_taken_out_in_between(store: Store) -> None:
    """Taken out in one edit and put in under another key in the next; meanwhile nobody is at the account."""
    before = await ids(store, profile("ana", slack_user="U1"))
    assert await ids(store) == {}
    gone = await store.people.by_id(before["ana"])
    assert gone is not None
    assert gone.slack_user == ""
    assert await ids(store, profile("ana.weiss", slack_team="T1", slack_user="U1")) == {"ana.weiss": before["ana"]}


async def test_keys_that_change_hands_leave_everybody_who_they_are(store: Store) -> None:
    """Two keys were mixed up, and a newcomer gets the key of somebody renamed: accounts tell whose id is whose."""
    before = await ids(store, profile("ana", **ANA), profile("ben", **BEN))
    swapped = await ids(store, profile("ana", **BEN), profile("ben", **ANA))
    assert swapped == {"ana": before["ben"], "ben": before["ana"]}
    new = await ids(store, profile("ana", slack_team="T1", slack_user="U3"), profile("ana.weiss", **BEN))
    assert new["ana.weiss"] == before["ben"]
    assert new["ana"] not in before.values()
    assert await store.people.known("ben") is not None  # taken out, and still to be forgotten by that key
    by_mail = await ids(store, profile("ana.weiss", email="new@example.org"), profile("ana.w", email="ben@example.org"))
    assert by_mail["ana.w"] == before["ben"]
    assert by_mail["ana.weiss"] not in {*before.values(), *new.values()}


async def test_one_id_is_one_persons(store: Store) -> None:
    """One user in two teams is two people; who could be two is told by the key, and else by the account first."""
    two = [profile("ana", slack_team="T1", slack_user="U1"), profile("ben", slack_team="T2", slack_user="U1")]
    before = await ids(store, *two)
    after = await ids(store, *(replace(each, key=f"{each.key}.x") for each in two))
    assert after == {"ana.x": before["ana"], "ben.x": before["ben"]}
    anywhere = await ids(store, profile("cleo", slack_user="U1"))
    assert anywhere["cleo"] not in before.values()
    elsewhere = await ids(store, profile("dora", slack_team="T3", slack_user="U1"))
    assert elsewhere["dora"] == anywhere["cleo"]
    mixed = await ids(
        store, profile("eve", slack_team="T1", slack_user="U7", email="e@example.org"), profile("ben", **BEN)
    )
    both = await ids(store, profile("zoe", slack_team="T1", slack_user="U7", email="ben@example.org"))
    assert both == {"zoe": mixed["eve"]}


async def test_a_key_stays_with_its_person_whatever_address_they_get(store: Store) -> None:
    """A known key that is given the address of somebody who left is no other person for it."""
    before = await ids(store, profile("ana", email="ana@example.org"), profile("ben", email="ben@example.org"))
    assert await ids(store, profile("ana", email="ben@example.org")) == {"ana": before["ana"]}


async def test_whoever_was_forgotten_is_known_by_nothing(store: Store) -> None:
    """After the erasure the same account and address are those of somebody new."""
    before = await ids(store, profile("ana", **ANA))
    await ids(store)
    assert await store.people.erase(before["ana"])
    assert (await ids(store, profile("ana", **ANA)))["ana"] != before["ana"]


async def test_two_replicas_that_start_at_once_agree_who_was_renamed(store: Store, url: str, clock: HandClock) -> None:
    """Both enrol the same edit: one id each, as if one had."""
    before = await ids(store, profile("ana", **ANA), profile("ben", **BEN))
    edit = [profile("ana", slack_team="T1", slack_user="U3"), profile("ana.weiss", **ANA), profile("ben", **BEN)]
    async with await Store.open(url, clock) as other:
        await asyncio.gather(store.people.enrol(edit), other.people.enrol(edit))
        after = {each.key: each.id for each in await store.people.everyone()}
        assert after == {each.key: each.id for each in await other.people.everyone()}
    assert (after["ana.weiss"], after["ben"]) == (before["ana"], before["ben"])
    assert len(set(after.values())) == 3


async def test_a_directory_of_another_replica_is_known_in_a_moment(store: Store, url: str, clock: HandClock) -> None:
    """Whoever another replica's configuration takes out may act here for five seconds more, and no longer."""
    await store.people.enrol([profile("ana", slack_user="U1"), profile("ben", slack_user="U2")])
    assert await store.people.by_slack("T1", "U1") is not None
    async with await Store.open(url, clock) as other:
        await other.people.enrol([profile("ben", slack_user="U2")])
        assert await other.people.by_slack("T1", "U1") is None
    clock.forward(seconds=5)
    assert await store.people.by_slack("T1", "U1") is None
    assert [one.key for one in await store.people.everyone()] == ["ben"]


async def test_people_are_found_by_team_and_user(store: Store) -> None:
    """The same user id in two teams is two people; a profile without a team is known in every team."""
    await store.people.enrol(
        [
            profile("ana", slack_team="T1", slack_user="U1"),
            profile("ben", slack_team="T2", slack_user="U1"),
            profile("cleo", slack_user="U3"),
        ]
    )
    for team, user, key in (("T1", "U1", "ana"), ("T2", "U1", "ben"), ("T9", "U3", "cleo")):
        found = await store.people.by_slack(team, user)
        assert found is not None
        assert found.key == key
    assert await store.people.by_slack("T3", "U1") is None
    assert await store.people.by_slack("T1", "") is None


async def test_a_directory_that_contradicts_itself_is_refused(store: Store) -> None:
    """Two people with one key, account or mail address are refused, and the directory stays as it was.

    An account that names no team is one of every team.
    """
    await store.people.enrol([profile("ana")])
    with pytest.raises(Refused, match="two people are called ben"):
        await store.people.enrol([profile("ben"), profile("ben")])
    with pytest.raises(Refused, match="ben and cleo have the same Slack account U1"):
        await store.people.enrol([profile("ben", slack_user="U1"), profile("cleo", slack_user="U1")])
    for teams in (("", "T1"), ("T1", "")):
        twice = [
            profile(key, slack_team=team, slack_user="U1") for key, team in zip(("ben", "cleo"), teams, strict=True)
        ]
        with pytest.raises(Refused, match="ben and cleo have the same Slack account U1"):
            await store.people.enrol(twice)
    with pytest.raises(Refused, match=r"ben and cleo have the same mail address BEN@example\.org"):
        await store.people.enrol([profile("ben", email="ben@example.org"), profile("cleo", email="BEN@example.org")])
    assert [one.key for one in await store.people.everyone()] == ["ana"]


async def test_somebody_who_left_can_be_forgotten(store: Store) -> None:
    """Name and accounts go, the id stays; not while the configuration still names them."""
    await store.people.enrol([profile("ana", email="ana@example.org")])
    ana = (await store.people.everyone())[0]
    with pytest.raises(Refused, match="still names ana"):
        await store.people.erase(ana.id)
    assert await store.people.known("ana") == await store.people.known(ana.id) == ana
    await store.people.enrol([])
    assert await store.people.by_key("ana") is None
    left = await store.people.known("ana")
    assert left is not None
    assert left.id == ana.id
    assert await store.people.erase(ana.id)
    assert await store.people.known("ana") is None
    left = await store.people.by_id(ana.id)
    assert left is not None
    assert (left.id, left.name, left.email) == (ana.id, "[erased]", "")
    assert not await store.people.erase("p_nobody")


# -- exhibits, checkpoints, mirror -----------------------------------------------------------------------------------


async def test_the_same_exhibit_is_kept_once(store: Store) -> None:
    """The same name and content is one exhibit, the first; other content is another."""
    one = await store.exhibits.put("INC-1", "drift.json", "application/json", b"{}\x00\xff", NOON, "first")
    assert await store.exhibits.put("INC-1", "drift.json", "text/plain", b"{}\x00\xff", at(9), "again") == one
    two = await store.exhibits.put("INC-1", "drift.json", "application/json", b"[]", at(5))
    other = await store.exhibits.put("INC-2", "drift.json", "application/json", b"[]", at(5))
    assert len({one.id, two.id, other.id}) == 3
    assert await store.exhibits.get(one.id) == one
    assert (one.content, one.note, one.at) == (b"{}\x00\xff", "first", NOON)
    assert await store.exhibits.of("INC-1") == [replace(one, content=b""), replace(two, content=b"")]
    assert await store.exhibits.get("x_0") is None
    assert await store.exhibits.of("INC-3") == []


async def test_an_altered_exhibit_is_not_handed_out(store: Store) -> None:
    """Content that does not match its hash is reported, never shown as evidence."""
    kept = await store.exhibits.put("INC-1", "drift.json", "application/json", b"{}", NOON)
    await store.database.write(lambda c: c.execute(update(exhibits).values(content=b"[]")))
    with pytest.raises(Tampered, match=r"drift\.json"):
        await store.exhibits.get(kept.id)


async def test_an_exhibit_can_be_erased(store: Store) -> None:
    """Content and note go, name and hash stay and say so; not under a legal hold; another incident's stay."""
    kept = await store.exhibits.put("INC-1", "drift.json", "application/json", b"[1]", NOON, "of Eve")
    other = await store.exhibits.put("INC-2", "drift.json", "application/json", b"[1]", NOON)
    await store.erasure.hold("INC-1", "litigation 4711")
    with pytest.raises(Refused, match="litigation 4711"):
        await store.exhibits.erase("INC-1", at(5))
    assert await store.exhibits.get(kept.id) == kept
    await store.erasure.release("INC-1")
    assert await store.exhibits.erase("INC-1", at(5)) == 1
    assert await store.exhibits.erase("INC-1", at(6)) == 0
    with pytest.raises(Refused, match=rf"drift\.json was erased on {NOON:%Y-%m-%d}; .*{kept.sha256}"):
        await store.exhibits.get(kept.id)
    gone = replace(kept, content=b"", note="[erased]")
    assert await store.exhibits.of("INC-1") == [gone]
    assert await store.exhibits.put("INC-1", "drift.json", "application/json", b"[1]", at(7)) == gone
    assert await store.exhibits.get(other.id) == other


async def test_a_checkpoint_is_the_last_one_saved(store: Store, url: str, clock: HandClock) -> None:
    """A named document survives a restart; saving again replaces it; an unknown name has none."""
    await store.checkpoints.save({"ledger": {"buckets": [[1, 2.5]], "last": None, "note": "a\x00b"}, "old": {}}, NOON)
    await store.checkpoints.save({"ledger": {"buckets": [[1, 3]], "note": "a\x00b"}}, at(1), drop=["old"])
    async with await Store.open(url, clock) as other:
        assert await other.checkpoints.load(["ledger", "old"]) == {"ledger": {"buckets": [[1, 3]], "note": "a\x00b"}}
    assert await store.checkpoints.load(["episodes"]) == {}


CARD = Posted("INC-1", "card", "C1", "", "abc", "sending", 1, NOON)


async def test_a_surface_is_claimed_by_exactly_one(store: Store) -> None:
    """Of ten who want to post a surface one may; a later attempt may again, an equal or earlier one may not."""
    won = await asyncio.gather(*(store.mirror.claim(CARD) for _ in range(10)))
    assert sorted(won) == [False] * 9 + [True]
    assert await store.mirror.claim(replace(CARD, attempt=2))
    assert not await store.mirror.claim(CARD)
    assert await store.mirror.of("INC-1") == {"card": replace(CARD, attempt=2)}


async def test_what_stands_in_a_channel_is_found_by_its_kind(store: Store) -> None:
    """Whatever incident it belongs to, the newest last; what is gone or only being sent does not stand."""
    for number, (surface, state) in enumerate([("nudge:a", "posted"), ("nudge:b", "posted"), ("nudge:c", "gone"),
                                               ("card", "posted"), ("nudge%d", "posted")]):  # fmt: skip
        row = Posted(f"INC-{9 - number}", surface, "D1", f"{number}.0", "s", state, 1, NOON)
        await store.mirror.save(row)
    await store.mirror.save(Posted("INC-1", "nudge:a", "D2", "1.0", "s", "posted", 1, NOON))
    assert [one.surface for one in await store.mirror.standing("D1", "nudge:")] == ["nudge:a", "nudge:b"]
    assert await store.mirror.standing("D3", "nudge:") == []


async def test_a_posted_message_is_found_by_its_place(store: Store) -> None:
    """Saved with its timestamp it is found by channel and timestamp; one still being sent is found by none."""
    await store.mirror.claim(CARD)
    assert await store.mirror.find("C1", "") is None
    there = replace(CARD, ts="17.1", state="posted", at=at(2))
    await store.mirror.save(there)
    assert await store.mirror.find("C1", "17.1") == there
    assert await store.mirror.find("C2", "17.1") is None
    thread = replace(CARD, surface="thread/3")
    await store.mirror.save(thread)
    assert await store.mirror.of("INC-1") == {"card": there, "thread/3": thread}
    assert await store.mirror.of("INC-2") == {}


async def test_a_card_that_was_posted_anew_is_still_known_where_it_stood(store: Store) -> None:
    """Below each of its former places people speak of the same incident; as a surface only the newest stands."""
    await store.mirror.claim(CARD)
    first = replace(CARD, ts="17.1", state="posted")
    await store.mirror.save(first)
    await store.mirror.save(replace(first, state="gone"))
    again = replace(CARD, attempt=2)
    assert await store.mirror.claim(again)
    assert not await store.mirror.claim(replace(CARD, channel="C7")), "who comes too late has moved nothing"
    await store.mirror.save(replace(again, ts="18.1", state="posted"))
    moved = replace(CARD, channel="C2", attempt=3)
    assert await store.mirror.claim(moved)
    third = replace(moved, ts="19.1", state="posted")
    await store.mirror.save(third)
    for channel, ts in (("C1", "17.1"), ("C1", "18.1"), ("C2", "19.1")):
        assert await store.mirror.spoken_of(channel, ts) == "INC-1"
        found = await store.mirror.find(channel, ts)
        assert found is not None
        assert (found.incident, found.state) == ("INC-1", "posted" if channel == "C2" else "gone")
    assert await store.mirror.of("INC-1") == {"card": third}
    assert await store.mirror.find("C2", "19.1") == third
    assert await store.mirror.hosts("C1")
    assert await store.mirror.spoken_of("C1", "16.0") == await store.mirror.spoken_of("C2", "17.1") == ""
    assert not await store.mirror.hosts("C7")
    other = replace(CARD, incident="INC-2", surface="summary", ts="30.1", state="posted")
    await store.mirror.save(other)
    await store.mirror.save(replace(other, ts="31.1"))
    assert await store.mirror.find("C1", "30.1") is None, "nobody speaks below a reply"


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
