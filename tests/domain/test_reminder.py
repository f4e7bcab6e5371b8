"""Reminders: each once, in time, to the right person, merged, and not while somebody asked for quiet."""

from datetime import date, timedelta

from bot.domain.followup import AddFollowUp, FinishFollowUp
from bot.domain.lifecycle import Close, Reopen, Resolve, Update
from bot.domain.mitigation import ApproveMitigation, ProposeMitigation
from bot.domain.paging import Acknowledge
from bot.domain.policy import Policy, Severity
from bot.domain.reminder import Matter, PutOff, Reason, ReportReminder, reminders
from bot.domain.roles import Assign, Part
from bot.domain.runbook import CompleteStep, Kind, Runbook, StartRunbook, Step
from bot.domain.todo import RemindOwed, todo
from tests.kit import ANA, BEN, CLEO, PEOPLE, Story, declared, lines, plan

EVERYBODY = tuple(person for person in PEOPLE.values() if not person.is_bot)
HOUR = timedelta(hours=1)
BOOK = Runbook("book", "Book", "d", (Step("look", Kind.READ, "Look"), Step("count", Kind.CHECK, "Count")))


def waits(story: Story) -> dict[tuple[str, Reason], Matter]:
    found = reminders(story.incident, story.policy, ["ana", "ben"], EVERYBODY)
    return {(each.person, each.reason): each for each in found}


def owed(story: Story) -> dict[str, RemindOwed]:
    found = todo(story.incident, Policy(), None, ["ana", "ben"], EVERYBODY)
    return {each.person: each for each in found if isinstance(each, RemindOwed)}


def taken(**changes: object) -> Story:
    return declared(**changes).when(Acknowledge(), ANA)


def reminded(story: Story, *people: str) -> Story:
    """Those of them who wait are reminded of all that is due now."""
    for person in people:
        marks = tuple(m.mark for m in waits(story).values() if m.person == person and m.due <= story.now)
        story = story.when(ReportReminder(person, marks, "chat"))
    return story


def test_whoever_takes_it_promises_an_update_in_the_rhythm_of_its_severity() -> None:
    """Half an hour for SEV1, an hour for SEV2, none for SEV3; nobody is reminded before somebody has it."""
    assert waits(declared()) == {}
    for severity, minutes in ((Severity.SEV1, 30), (Severity.SEV2, 60)):
        story = taken(severity=severity)
        assert waits(story)["ana", Reason.UPDATE].due == story.now + timedelta(minutes=minutes)
    assert waits(taken(severity=Severity.SEV3)) == {}


def test_an_update_moves_the_clock_and_may_set_it() -> None:
    """The next time is the policy's, the one chosen, or none where none is promised."""
    story = taken().after(minutes=10)
    assert waits(story.when(Update("x"), ANA))["ana", Reason.UPDATE].due == story.now + HOUR
    chosen = story.when(Update("x", timedelta(minutes=20)), ANA)
    assert waits(chosen)["ana", Reason.UPDATE].due == story.now + timedelta(minutes=20)
    assert waits(story.when(Update("x", timedelta(0)), ANA)) == {}
    assert "past" in story.refuses(Update("x", timedelta(minutes=-1)), ANA)


def test_who_leads_is_reminded_once() -> None:
    """The lead, not whoever acknowledged; once for one promise, again for the next."""
    story = taken().when(Assign(Part.COMMANDER, "ben"), ANA).after(minutes=61)
    assert set(waits(story)) == {("ben", Reason.UPDATE)}
    story = reminded(story, "ben")
    assert waits(story) == {}
    assert "ben was reminded: the next update is overdue" in lines(story)[-1]
    assert ("ben", Reason.UPDATE) in waits(story.when(Update("x"), BEN))


def test_a_step_that_waits_for_a_person_is_remembered() -> None:
    """After a quarter of an hour; an automatic step waits for nobody."""
    story = taken().when(StartRunbook(BOOK), ANA)
    assert waits(story)["ana", Reason.STEP].due == story.now + timedelta(minutes=15)
    assert ("ana", Reason.STEP) not in waits(story.when(CompleteStep("look", "done"), ANA))


def test_approvers_are_reminded_one_after_the_other_and_never_the_proposer() -> None:
    """Those on call first; five minutes each; nobody once it is approved or has run out."""
    story = taken().when(ProposeMitigation(plan()), ANA)
    assert {who for who, reason in waits(story) if reason is Reason.APPROVAL} == {"ben"}
    assert waits(story)["ben", Reason.APPROVAL].due == story.now + timedelta(minutes=5)
    other = taken().when(ProposeMitigation(plan()), BEN)
    assert {who for who, reason in waits(other) if reason is Reason.APPROVAL} == set()
    approved = story.when(ApproveMitigation("M1", plan().digest), BEN)
    assert ("ben", Reason.APPROVAL) not in waits(approved)


def test_an_hour_after_the_end_the_lead_is_asked_to_learn() -> None:
    """Once for each end; not when it is open again."""
    story = taken().after(minutes=5).when(Resolve("over", "seen"), ANA)
    assert waits(story)["ana", Reason.LEARN].due == story.now + HOUR
    assert set(waits(story)) == {("ana", Reason.LEARN)}
    assert waits(story.when(Reopen("no"), ANA)) == {}


def test_an_overdue_followup_is_asked_about_weekly_also_after_closing() -> None:
    """The morning after its date, then each week, until it is kept; its owner, nobody else."""
    due = date(2026, 11, 30)
    story = taken().when(AddFollowUp("test it", "ben", due), ANA).when(Resolve("x", "y"), ANA).when(Close(), ANA)
    (only,) = owed(story).values()
    assert (only.person, only.due.isoformat()) == ("ben", "2026-12-01T08:00:00+00:00")
    story = reminded(story.after(minutes=60 * 24 * 11), "ben")
    assert owed(story)["ben"].due.isoformat() == "2026-12-08T08:00:00+00:00"
    assert owed(story.when(FinishFollowUp("U1"), BEN)) == {}


def test_one_person_gets_one_message_for_everything_and_ten_minutes_of_peace() -> None:
    """Two matters are one debt, due with the first; the next comes no sooner than ten minutes later."""
    story = taken(severity=Severity.SEV1).when(StartRunbook(BOOK), ANA)
    assert owed(story)["ana"].due == story.now + timedelta(minutes=15)
    story = reminded(story.after(minutes=29), "ana")
    assert owed(story)["ana"].due == story.now + timedelta(minutes=10)


def test_what_is_put_off_comes_back_under_another_key() -> None:
    """A key that ended never runs again, so a reminder that was put off needs its own."""
    story = taken().after(minutes=61)
    before = owed(story)["ana"]
    later = story.now + timedelta(minutes=15)
    after = owed(story.when(PutOff("ana", later, "quiet")))["ana"]
    assert (after.due, after.key != before.key) == (later, True)


def test_a_snoozed_reminder_comes_again() -> None:
    """Reminded, then asked for a quarter of an hour: the same matter is owed again; only for oneself."""
    story = taken().after(minutes=61)
    mark = waits(story)["ana", Reason.UPDATE].mark
    story = reminded(story, "ana")
    later = story.now + timedelta(minutes=15)
    assert "your own" in story.refuses(PutOff("ana", later, "x", (mark,)), BEN)
    snoozed = story.when(PutOff("ana", later, "asked", (mark,)), ANA)
    assert owed(snoozed)["ana"].due == later


def test_only_the_bot_reports_and_twice_is_once() -> None:
    """The same report changes nothing; whom nobody can reach is said so, once."""
    story = taken().after(minutes=61)
    mark = waits(story)["ana", Reason.UPDATE].mark
    assert "by hand" in story.refuses(ReportReminder("ana", (mark,), "chat"), CLEO)
    story = story.when(ReportReminder("ana", (mark,), "", "no Slack account"))
    assert "cannot be reminded" in lines(story)[-1]
    assert story.when(ReportReminder("ana", (mark,), "chat")).events == ()
