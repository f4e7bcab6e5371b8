"""What people said: kept once per message, in the order in which it was said, following edits and deletions."""

from datetime import date, timedelta

from bot.domain.finding import RecordFinding
from bot.domain.followup import AddFollowUp
from bot.domain.saying import FollowSaying, KeepNote, TakeBack
from tests.kit import ANA, BEN, Story, declared, lines

SAID = "C1/1700000000.000100"


def note(story: Story, text: str = "we see it in Lisbon too") -> KeepNote:
    return KeepNote(text, SAID, "ana", story.now - timedelta(minutes=2), "https://chat.example/p1")


def test_a_message_is_one_note_under_the_time_it_was_said() -> None:
    """Two people pin the same message: one line, before what happened since, naming who said and who kept it."""
    story = declared().after(minutes=10)
    story = story.when(note(story), BEN)
    assert story.entries[-1].happened_at == story.now - timedelta(minutes=2)
    assert story.when(note(story), ANA).events == ()
    assert any("ana said: we see it in Lisbon too (kept by ben)" in line for line in lines(story))


def test_a_note_needs_words_and_an_incident() -> None:
    """Neither an empty message nor one of no incident; a time in the future is taken as now."""
    story = declared()
    assert "without words" in story.refuses(note(story, " "), ANA)
    assert "no incident" in Story().refuses(note(Story()), ANA)
    late = KeepNote("x", SAID, "ana", story.now + timedelta(hours=1))
    assert story.when(late, ANA).incident.notes[0].at == story.now


def test_edits_are_followed_everywhere() -> None:
    """Note, finding and follow-up of one message read as it reads now; the log keeps both; the same edit is one."""
    story = declared().after(minutes=10)
    story = story.when(note(story, "recal is low"), ANA)
    story = story.when(RecordFinding("recal is low", "responder", said=SAID), ANA)
    story = story.when(AddFollowUp("recal is low", "ana", date(2026, 12, 1), said=SAID), ANA)
    story = story.when(FollowSaying(SAID, "recall is low"))
    incident = story.incident
    assert {incident.notes[0].text, incident.findings[0].text, incident.followups["U1"].text} == {"recall is low"}
    assert "T1, F1, U1 was edited by its author: recall is low" in lines(story)[-1]
    assert story.when(FollowSaying(SAID, "recall is low")).events == ()
    assert story.when(FollowSaying("C1/other", "else")).events == ()


def test_a_deleted_message_leaves_its_mark_and_what_was_promised() -> None:
    """Note and finding no longer count, the promise stands; deleting twice is once."""
    story = declared().after(minutes=10)
    story = story.when(note(story), ANA).when(RecordFinding("x", "responder", said=SAID), ANA)
    story = story.when(AddFollowUp("x", "ana", date(2026, 12, 1), said=SAID), ANA)
    story = story.when(FollowSaying(SAID, None))
    assert story.incident.notes[0].gone == story.incident.findings[0].gone == story.now
    assert list(story.incident.followups) == ["U1"]
    assert story.when(FollowSaying(SAID, None)).events == ()
    assert "by hand" in story.refuses(FollowSaying(SAID, "x"), ANA)


def test_taken_back_and_kept_again() -> None:
    """Whoever takes the pin off takes the note out; pinned again it is a new one."""
    story = declared().after(minutes=10)
    story = story.when(note(story), ANA).when(TakeBack(SAID), ANA)
    assert story.incident.notes[0].gone is not None
    assert story.when(TakeBack(SAID), ANA).events == ()
    story = story.when(note(story), ANA)
    assert [one.id for one in story.incident.notes] == ["T1", "T2"]


def test_the_same_message_is_one_finding() -> None:
    """By emoji, by the menu, by two people: one finding; taken back, it may be recorded anew."""
    story = declared().when(RecordFinding("a", "responder", said=SAID), ANA)
    assert story.when(RecordFinding("b", "responder", said=SAID), BEN).events == ()
    story = story.when(TakeBack(SAID), ANA).when(RecordFinding("a", "responder", said=SAID), ANA)
    assert [one.id for one in story.incident.findings] == ["F1", "F2"]
