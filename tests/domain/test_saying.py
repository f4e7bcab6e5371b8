"""What people said: kept once per message, in the order in which it was said, following edits and deletions."""

from datetime import date, timedelta

from bot.diagnosis.hypotheses import rank
from bot.domain.finding import Cause, RecordFinding
from bot.domain.followup import AddFollowUp
from bot.domain.saying import FINDING, NOTE, FollowSaying, KeepNote, TakeBack, TakeOut, ground
from bot.domain.timeline import Gone, plain, timeline
from tests.kit import ANA, AUDREY, BEN, Story, declared, lines

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


def test_a_note_is_taken_back_without_its_finding() -> None:
    """Each by its own sign: taking the pin off leaves the finding, and the other way round."""
    kept = declared().when(note(declared()), ANA).when(RecordFinding("a", "responder", said=SAID), ANA)
    story = kept.when(TakeBack(SAID, NOTE), ANA)
    assert (story.incident.notes[0].gone, story.incident.findings[0].gone) == (story.now, None)
    story = kept.when(TakeBack(SAID, FINDING), ANA)
    assert (story.incident.notes[0].gone, story.incident.findings[0].gone) == (None, story.now)
    assert story.when(TakeBack(SAID, FINDING), BEN).events == ()
    assert kept.when(TakeBack(SAID), ANA).events[0].names == ("T1", "F1")


def test_the_timeline_reads_as_its_authors_left_it() -> None:
    """Edited words stand in the first line, a note taken back or deleted says by whom and when; links come along."""
    story = declared().after(minutes=10)
    story = story.when(note(story, "recal is low"), ANA).when(RecordFinding("b", "responder", said="C1/2"), BEN)
    story = story.when(FollowSaying(SAID, "recall is low"))
    told = {line.name: line for line in timeline(story.entries)}
    assert plain(told["NoteKept"].sentence, str) == "T1, ana said: recall is low"
    assert (told["NoteKept"].link, told["NoteKept"].gone) == ("https://chat.example/p1", None)
    story = story.after(minutes=1).when(TakeBack(SAID), BEN).when(FollowSaying("C1/2", None))
    told = {line.name: line for line in timeline(reversed(story.entries))}
    assert told["NoteKept"].gone == Gone(story.now, "ben")
    when = "2026-11-20 12:11:05 UTC"
    assert plain(told["NoteKept"].sentence, str) == f"T1, ana said: recall is low (taken back by ben, {when})"
    assert plain(told["FindingRecorded"].sentence, str).endswith(f"b (deleted by its author, {when})")


def test_what_rests_on_a_finding_that_was_taken_back_is_assumed() -> None:
    """In words: what it rests on, or that nothing shows it any more; and the explanations are ranked without it."""
    bears = ((Cause.CODE_CHANGE, 2.0),)
    story = declared().when(RecordFinding("v2 came at noon", "responder", bears, said=SAID), ANA)
    assert [one.cause for one in rank(story.incident.findings)] == [Cause.CODE_CHANGE]
    assert [ground(story.incident, name) for name in ("", "F1", "F9")] == ["assumed", "F1", "F9"]
    story = story.when(TakeBack(SAID), ANA)
    assert ground(story.incident, "F1") == "assumed: F1 was taken back"
    assert rank(story.incident.findings) == ()


def test_one_thing_is_taken_back_by_its_name() -> None:
    """A finding written on the console was kept from no message: it has its name; again is no second line."""
    story = declared().after(minutes=10)
    story = story.when(RecordFinding("it is the join", "responder"), ANA).when(note(story), BEN)
    story = story.when(RecordFinding("psi 0.4", "drift"))
    story = story.when(TakeOut("F1", " a typo in the query "), BEN)
    assert (story.incident.findings[0].gone, story.incident.notes[0].gone) == (story.now, None)
    assert "ben took back F1: a typo in the query" in lines(story)[-1]
    assert ground(story.incident, "F1") == "assumed: F1 was taken back"
    assert story.when(TakeOut("F1", ""), ANA).events == ()
    assert story.when(TakeOut("T1", "two hosts"), ANA).incident.notes[0].gone == story.now
    assert "drift measured" in story.refuses(TakeOut("F2", "x"), ANA)
    assert "no note and no finding F7, but F2, T1" in story.refuses(TakeOut("F7", "x"), ANA).replace("T1, F2", "F2, T1")
    assert "say why T1 does not hold" in story.refuses(TakeOut("T1", " "), ANA)
    assert "take back what somebody else said" in story.refuses(TakeOut("T1", "x"), AUDREY)
    assert story.when(KeepNote("mine", "C1/9", "audrey", story.now), AUDREY).when(TakeOut("T2", "x"), AUDREY).events
    again = story.when(RecordFinding("it is the join", "responder"), ANA)
    assert [each.gone is None for each in again.incident.findings] == [False, True, True]
