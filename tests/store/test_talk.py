"""What the store promises of people's talk, on every database alike."""

from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from bot.domain.errors import Refused
from bot.domain.finding import FindingRecorded
from bot.domain.followup import FollowUpAdded
from bot.domain.saying import NoteKept, SayingEdited
from bot.engine.talk import Mark, Saying, Spoken
from bot.engine.values import Posted
from bot.store import Store
from bot.store.tables import sayings
from tests.kit import NOON, at
from tests.store.conftest import HandClock, opened


def saying(text: str = "recal is low", ts: str = "1.1", **how) -> Saying:
    how = {"author": "p_ana", "user": "U0ANA", "at": at(float(ts))} | how
    return Saying("INC-1", "C1", ts, "1.0", text=text, **how)


def edited(text: str, seconds: float, **how) -> Saying:
    return saying(text, edited_at=at(seconds), **how)


def deleted(seconds: float = 60, **how) -> Saying:
    return saying(deleted_at=at(seconds), **how)


async def test_a_message_is_written_down_once(store: Store) -> None:
    """Delivered again (or broadcast beside its thread) it is one row, and reads as it did."""
    first = await store.talk.keep(saying())
    assert first == saying() == await store.talk.keep(saying())
    assert await store.talk.of("INC-1") == [saying()]
    assert await store.talk.find("C1", "1.1") == saying()
    assert await store.talk.find("C1", "9.9") is None


async def test_the_newest_words_stand_whatever_comes_last(store: Store) -> None:
    """Edits in the wrong order, an edit before the message itself: how the author left it is how it reads."""
    await store.talk.keep(edited("recall is low", 20))
    assert (await store.talk.keep(edited("recal is lo", 10))).text == "recall is low"
    assert (await store.talk.keep(saying())).text == "recall is low"
    assert (await store.talk.keep(edited("recall is low in Lisbon", 30))).edited_at == at(30)
    assert [one.text for one in await store.talk.of("INC-1")] == ["recall is low in Lisbon"]


@pytest.mark.parametrize("first", ["message", "deletion"])
async def test_what_was_deleted_stays_deleted_and_loses_its_words(store: Store, first: str) -> None:
    """Before the message or after it, and whatever edit comes late."""
    both = [saying(), deleted()]
    for one in both if first == "message" else reversed(both):
        await store.talk.keep(one)
    left = await store.talk.keep(edited("late", 90))
    assert (left.text, left.deleted_at) == ("", at(60))
    assert await store.talk.spoken("INC-1") == Spoken(0, 0)


async def test_a_legal_hold_keeps_what_its_author_deletes(store: Store) -> None:
    """The mark is made, the words stay for whoever must read them."""
    await opened(store)
    await store.erasure.hold("INC-1", "litigation 4711")
    await store.talk.keep(saying())
    left = await store.talk.keep(deleted())
    assert (left.text, left.deleted_at) == ("recal is low", at(60))


async def test_how_much_was_said_by_how_many(store: Store) -> None:
    """People count once each, known or not; other apps, deleted messages and other incidents do not."""
    await store.talk.keep(saying())
    await store.talk.keep(saying("again", "1.2"))
    await store.talk.keep(saying("I see it too", "1.3", author="", user="U0GUS"))
    await store.talk.keep(saying("build 7 failed", "1.4", author="", user="B0CI"))
    await store.talk.keep(saying("oops", "1.5", author="p_ben", user="U0BEN", deleted_at=at(9)))
    await store.talk.keep(replace(saying("elsewhere", "1.6"), incident="INC-2"))
    assert await store.talk.spoken("INC-1") == Spoken(3, 2)
    assert await store.talk.spoken("INC-9") == Spoken(0, 0)
    assert await store.talk.speakers("INC-1") == ["p_ana", "p_ben"]
    assert await store.talk.speakers("INC-9") == []


async def test_a_message_waits_a_day_for_its_incident(store: Store, clock: HandClock) -> None:
    """The first word on where it belongs stands; one that nobody placed is forgotten with the next that waits."""
    await store.talk.keep(replace(saying(), incident=""))
    await store.talk.belongs("C1", "1.1", "INC-1")
    await store.talk.belongs("C1", "1.1", "INC-2")
    assert await store.talk.of("INC-1") == [saying()]
    await store.talk.keep(replace(saying(ts="2.0"), incident=""))
    clock.forward(days=2)
    await store.talk.keep(replace(saying(ts="3.0"), incident=""))
    assert await store.talk.find("C1", "2.0") is None
    assert await store.talk.find("C1", "3.0") is not None
    assert await store.talk.find("C1", "1.1") is not None


async def test_signs_on_a_message_are_as_they_were_put_last(store: Store) -> None:
    """Taken off before it was put on, by order of arrival: it is off. The same once more is the same."""

    def mark(person: str, stands: bool, when: datetime, sign: str = "pushpin") -> Mark:
        return Mark("C1", "1.1", person, sign, stands, when)

    assert await store.talk.mark(mark("p_ana", False, at(20)))
    assert not await store.talk.mark(mark("p_ana", True, at(10)))
    assert await store.talk.marks("C1", "1.1") == []
    assert await store.talk.mark(mark("p_ana", True, at(30)))
    assert await store.talk.mark(mark("p_ana", True, at(30)))
    assert await store.talk.mark(mark("p_ben", True, at(25), "mag"))
    assert await store.talk.marks("C1", "1.1") == [mark("p_ben", True, at(25), "mag"), mark("p_ana", True, at(30))]


async def test_where_people_speak_of_an_incident(store: Store) -> None:
    """Below its card, and anywhere in its war room; not below another message of ours, nor in the same channel."""
    for surface, channel, ts in (("card", "C1", "1.0"), ("step:1", "C1", "1.5"), ("room", "C2", "2.0")):
        await store.mirror.save(Posted("INC-1", surface, channel, ts, "", "posted", 1, NOON))
    assert await store.mirror.spoken_of("C1", "1.0") == "INC-1"
    assert await store.mirror.spoken_of("C2") == await store.mirror.spoken_of("C2", "9.9") == "INC-1"
    assert await store.mirror.spoken_of("C1") == await store.mirror.spoken_of("C1", "1.5") == ""
    assert [await store.mirror.hosts(channel) for channel in ("C1", "C2", "C3")] == [True, True, False]


# -- erasure ---------------------------------------------------------------------------------------------------------


async def test_a_person_is_erased_with_what_others_kept_of_them(store: Store) -> None:
    """Messages and accounts, and the notes, findings and edits in the log whoever made them; others' words stay."""
    incident = await opened(store)
    await store.talk.keep(saying("Eve told me", author="p_eve", user="U0EVE"))
    await store.talk.keep(saying("and me", "1.2", author="p_ben", user="U0BEN"))
    await store.talk.keep(replace(saying("Eve waits", "5.0", author="p_eve"), incident=""))
    events = [
        NoteKept("T1", "Eve told me", "C1/1.1", "p_eve", NOON, "https://chat.example/p11"),
        FindingRecorded("F1", "Eve told me", "responder", (), "", None, "C1/1.1"),
        SayingEdited("C1/1.1", ("T1", "F1"), "Eve told me so"),
        NoteKept("T2", "and me", "C1/1.2", "p_ben", NOON, ""),
    ]
    await store.log.append(incident, events, by="p_ben", at=at(1), cause="test")
    assert await store.erasure.concerned(person="p_eve") == {"": 1, "INC-1": 5}
    assert await store.erasure.erase(person="p_eve") == 6
    assert await store.erasure.erase(person="p_eve") == 0
    rows = (await store.database.read(lambda c: c.execute(sayings.select().where(sayings.c.author == "p_eve")))).all()
    assert {(row.text, row.user, row.erased_at) for row in rows} == {("", "", NOON)}
    after = await store.log.load("INC-1")
    assert [note.text for note in after.notes] == ["[erased]", "and me"]
    assert (after.findings[0].text, after.notes[0].link) == ("[erased]", "[erased]")
    assert [one.text for one in await store.talk.of("INC-1")] == ["", "and me"]
    await store.log.verify()


async def test_what_somebody_kept_of_others_is_not_theirs(store: Store) -> None:
    """Whoever pinned and promised another's words goes without them; what they wrote themselves goes."""
    incident = await opened(store)
    await store.talk.keep(saying("the export lost a column", author="p_dev", user="U0DEV"))
    await store.talk.keep(saying("a guest's words", "1.2", author="", user="U0GUS"))
    events = [
        NoteKept("T1", "the export lost a column", "C1/1.1", "p_dev", NOON, "https://chat.example/p11"),
        FollowUpAdded("U1", "the export lost a column", "p_ben", NOON.date(), "", "C1/1.1"),
        FindingRecorded("F1", "a guest's words", "responder", (), "", None, "C1/1.2"),
        FindingRecorded("F2", "I looked myself", "responder", (), "", None),
    ]
    await store.log.append(incident, events, by="p_ben", at=at(1), cause="test")
    assert await store.erasure.erase(person="p_ben") == 1
    after = await store.log.load("INC-1")
    assert [one.text for one in after.findings] == ["a guest's words", "[erased]"]
    assert (after.notes[0].text, after.followups["U1"].text) == ("the export lost a column",) * 2
    assert await store.erasure.erase(person="p_dev") == 4
    assert (await store.log.load("INC-1")).followups["U1"].text == "[erased]"


async def test_erased_words_do_not_come_back(store: Store) -> None:
    """Neither the message delivered once more, nor a later edit of it."""
    await store.talk.keep(saying())
    assert await store.talk.erase("INC-1") == 1
    assert await store.talk.erase("INC-1") == 0
    await store.talk.keep(saying())
    assert (await store.talk.keep(edited("recall is low", 20))).text == ""


async def test_a_legal_hold_stops_the_erasure_of_talk(store: Store) -> None:
    """Of the incident as of the person; lifted, it is erased."""
    await opened(store)
    await store.talk.keep(saying(author="p_eve"))
    await store.erasure.hold("INC-1", "litigation 4711")
    with pytest.raises(Refused, match="INC-1 is under a legal hold"):
        await store.talk.erase("INC-1")
    with pytest.raises(Refused, match="INC-1 is under a legal hold"):
        await store.erasure.erase(person="p_eve")
    assert [one.text for one in await store.talk.of("INC-1")] == ["recal is low"]
    await store.erasure.release("INC-1")
    assert await store.erasure.erase(person="p_eve") == 1


async def test_times_are_kept_to_the_microsecond(store: Store) -> None:
    """A chat's stamps are that fine, and their order decides."""
    fine = NOON + timedelta(microseconds=123_457)
    await store.talk.keep(saying(at=fine))
    assert (await store.talk.of("INC-1"))[0].at == fine
