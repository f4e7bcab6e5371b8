"""What is erased is gone while the chain holds, and what somebody altered behind our back is found."""

import pytest
from sqlalchemy import delete, update

from bot.domain.errors import NotFound, Refused, Tampered
from bot.domain.finding import FindingRecorded
from bot.domain.impact import ImpactAssessed
from bot.domain.lifecycle import (
    UpdatePosted,
)
from bot.domain.notice import NoticeRequested
from bot.domain.paging import Acknowledged, Paged, Receipt
from bot.domain.signing import NoticeFrozen
from bot.store import Store
from bot.store.tables import entries, texts
from tests.kit import NOON
from tests.store.conftest import HandClock, append, opened

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
