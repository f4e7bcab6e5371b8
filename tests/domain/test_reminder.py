"""Reminders: each once, in time, to the right person, merged, and not while somebody asked for quiet."""

from dataclasses import replace
from datetime import date, timedelta

from bot.domain.approval import ApproveMitigation, DeclineMitigation
from bot.domain.five_whys import AddWhy, NameRootCause
from bot.domain.followup import AddFollowUp, ChangeFollowUp, FinishFollowUp
from bot.domain.guard import ON_CALL, ActionClass, TargetRules
from bot.domain.lifecycle import ChangeSeverity, Close, Reopen, Resolve, Update
from bot.domain.mitigation import ProposeMitigation
from bot.domain.paging import Acknowledge
from bot.domain.policy import Person, Policy, Role, Severity
from bot.domain.reminder import Matter, PutOff, Reason, ReportReminder, reminders
from bot.domain.reminder import waits as still
from bot.domain.roles import Assign, Part
from bot.domain.runbook import CompleteStep, Kind, Runbook, StartRunbook, Step
from bot.domain.todo import RemindOwed, todo
from tests.kit import ANA, BEN, CLEO, MAX, PEOPLE, Story, declared, lines, plan

EVERYBODY = tuple(person for person in PEOPLE.values() if not person.is_bot)
HOUR = timedelta(hours=1)
CLEO_RESPONDS = Person("cleo", frozenset({Role.RESPONDER}))
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


DEV = Person("dev", frozenset({Role.APPROVER}))
EVE = Person("eve", frozenset({Role.APPROVER}))


def asked(story: Story, *on_call: str) -> dict[str, float]:
    """Who is told of a proposal, and after how many minutes."""
    (mitigation,) = story.incident.mitigations.values()
    found = reminders(story.incident, story.policy, on_call, (*EVERYBODY, DEV, EVE))
    due = {each.person: each.due for each in found if each.reason is Reason.APPROVAL}
    return {person: (at - mitigation.proposed_at).total_seconds() / 60 for person, at in due.items()}


def test_approvers_on_call_are_told_at_once_and_the_others_one_after_the_other() -> None:
    """Never who proposed it; each of the others five minutes later; nobody once it is approved or has run out."""
    story = taken().when(ProposeMitigation(plan()), ANA)
    assert asked(story, "ana", "ben") == {"ben": 0, "dev": 5, "eve": 10}
    assert asked(story, "ana") == {"ben": 0, "dev": 5, "eve": 10}  # nobody on call may: the first of the others
    other = taken().when(ProposeMitigation(plan()), BEN)
    assert asked(other, "ana", "ben") == {"dev": 0, "eve": 5}
    assert asked(story.when(ApproveMitigation("M1", plan().digest), BEN), "ben") == {}


def wanted(story: Story, *people: Person, on_call: tuple[str, ...] = ("ana", "ben")) -> dict[str, float]:
    """Who is asked to approve, and after how many minutes."""
    found = reminders(story.incident, story.policy, on_call, people or EVERYBODY)
    start = story.incident.mitigations["M1"].proposed_at
    return {m.person: (m.due - start).total_seconds() / 60 for m in found if m.reason is Reason.APPROVAL}


def test_where_two_must_approve_two_are_asked_until_both_did() -> None:
    """As many at once as must still say yes; who did is not asked again, and the others still are."""
    policy = Policy(quorum={ActionClass.TRAFFIC: 2})
    eve, fay = (Person(name, frozenset({Role.APPROVER})) for name in ("eve", "fay"))
    made = plan(rules=policy.fingerprint)
    story = replace(taken(), policy=policy).when(ProposeMitigation(made), ANA)
    assert wanted(story, ANA, BEN, eve, fay) == {"ben": 0, "eve": 0, "fay": 5}
    assert wanted(story, ANA, BEN, eve, fay, on_call=()) == {"ben": 0, "eve": 0, "fay": 5}
    after = story.when(ApproveMitigation("M1", made.digest), BEN)
    assert wanted(after, ANA, BEN, eve, fay) == {"eve": 0, "fay": 5}
    assert still(story.incident, "ben", "approval:M1")
    assert not still(after.incident, "ben", "approval:M1")
    assert still(after.incident, "eve", "approval:M1")
    assert wanted(after.when(ApproveMitigation("M1", made.digest), eve), ANA, BEN, eve, fay) == {}


def test_whoever_may_approve_is_asked_by_whatever_badge() -> None:
    """A person by name, a group, whoever is on call; the target's own rule goes before the class's."""
    gus = Person("gus", groups=frozenset({"@gus", "group:platform"}))

    def of(badge: str) -> dict[str, float]:
        rules = TargetRules(approve=frozenset({badge}))
        policy = Policy(targets={"visits-router": rules})
        story = replace(taken(), policy=policy).when(ProposeMitigation(plan()), CLEO_RESPONDS)
        return wanted(story, ANA, BEN, gus)

    assert of("@gus") == {"gus": 0}
    assert of("group:platform") == {"gus": 0}
    assert of("on-call") == {"ana": 0, "ben": 0}
    assert of("nobody") == {}


def test_an_approver_who_rests_takes_nobodys_turn() -> None:
    """Who asked not to be disturbed, or cannot be reached, is passed over at once, not after five minutes."""
    story = taken().when(ProposeMitigation(plan()), ANA)
    night = story.now + timedelta(hours=8)
    assert asked(story.when(PutOff("ben", night, "rest")), "ben") == {"ben": 0, "dev": 0, "eve": 5}
    unknown = story.when(ReportReminder("ben", ("approval:M1",), "", "no Slack account"))
    assert asked(unknown, "ben") == {"dev": 0, "eve": 5}
    both = story.when(PutOff("ben", night, "rest")).when(PutOff("dev", night, "rest"))
    assert asked(both, "ben") == {"ben": 0, "dev": 0, "eve": 0}


def test_nobody_is_asked_about_an_incident_that_is_kept_from_them() -> None:
    """Restricted: only those it names or pages, on call, counsel and administrators hear that a proposal waits."""
    story = taken(restricted=True).when(ProposeMitigation(plan()), ANA)
    assert asked(story, "ana", "ben") == {"ben": 0}
    assert asked(story, "ana") == {}
    assert asked(story.when(Assign(Part.COMMANDER, "dev"), ANA), "ana") == {"dev": 0}


def test_a_worse_incident_is_heard_of_sooner() -> None:
    """Raised, the next update is due in the new rhythm unless it was promised sooner; lowered, a promise stands."""
    story = taken(severity=Severity.SEV3).after(minutes=5)
    assert story.incident.update_due is None
    raised = story.when(ChangeSeverity(Severity.SEV2, "more people"), ANA)
    assert raised.incident.update_due == story.now + HOUR
    worse = raised.after(minutes=10).when(ChangeSeverity(Severity.SEV1, "all"), ANA)
    assert worse.incident.update_due == worse.now + HOUR / 2
    assert (
        raised.after(minutes=50).when(ChangeSeverity(Severity.SEV1, "all"), ANA).incident.update_due == story.now + HOUR
    )
    assert worse.when(ChangeSeverity(Severity.SEV4, "few"), ANA).incident.update_due == worse.incident.update_due
    assert declared(severity=Severity.SEV3).when(ChangeSeverity(Severity.SEV1, "x"), ANA).incident.update_due is None


def test_a_proposal_does_not_wait_for_the_ten_minutes_of_peace() -> None:
    """Reminded of an update a minute ago: the proposal is told at once, an idle step is not; quiet covers both."""
    story = reminded(taken().when(Assign(Part.COMMANDER, "ben"), ANA).after(minutes=61), "ben").after(minutes=1)
    story = story.when(ProposeMitigation(plan()), ANA)
    assert owed(story)["ben"].due == story.now
    calm = story.when(PutOff("ben", story.now + HOUR, "a moment ago", urgent=False))
    assert owed(calm)["ben"].due == story.now
    assert owed(story.when(PutOff("ben", story.now + HOUR, "rest")))["ben"].due == story.now + HOUR


def test_what_one_was_reminded_of_waits_until_it_is_settled() -> None:
    """An update posted, a step done, a proposal decided, a root found, a promise kept or handed on: no longer."""
    story = taken().when(StartRunbook(BOOK), ANA).when(ProposeMitigation(plan()), ANA).after(minutes=61)
    marks = {each.reason: each.mark for each in waits(story).values()}
    assert all(still(story.incident, "ana", marks[one]) for one in (Reason.UPDATE, Reason.STEP))
    assert not still(story.incident, "ben", marks[Reason.UPDATE])
    assert not still(story.when(Update("x"), ANA).incident, "ana", marks[Reason.UPDATE])
    assert not still(story.when(CompleteStep("look", "done"), ANA).incident, "ana", marks[Reason.STEP])
    assert not still(story.when(Assign(Part.COMMANDER, "ben"), ANA).incident, "ana", marks[Reason.STEP])
    assert still(story.incident, "ben", "approval:M1")
    assert not still(story.when(DeclineMitigation("M1", "no"), BEN).incident, "ben", "approval:M1")
    over = taken().after(minutes=5).when(Resolve("over", "seen"), ANA)
    learn = waits(over)["ana", Reason.LEARN].mark
    assert still(over.incident, "ana", learn)
    answered = over.when(AddWhy("no test"), ANA)
    assert still(answered.incident, "ana", learn)
    (why,) = answered.incident.whys
    assert not still(answered.when(NameRootCause(why), ANA).incident, "ana", learn)
    promised = over.when(AddFollowUp("test it", "ben", date(2026, 11, 30)), ANA)
    assert still(promised.incident, "ben", "followup:U1:1")
    assert not still(promised.when(FinishFollowUp("U1"), ANA).incident, "ben", "followup:U1:1")


def test_an_hour_after_the_end_the_lead_is_asked_to_learn() -> None:
    """Once for each end; not when it is open again."""
    story = taken().after(minutes=5).when(Resolve("over", "seen"), ANA)
    assert waits(story)["ana", Reason.LEARN].due == story.now + HOUR
    assert set(waits(story)) == {("ana", Reason.LEARN)}
    again = waits(story.after(minutes=3).when(Reopen("no"), ANA))
    assert {who: each.due for who, each in again.items()} == {("ana", Reason.UPDATE): story.now + HOUR + HOUR / 20}


def test_an_overdue_followup_is_asked_about_weekly_also_after_closing() -> None:
    """The morning after its date, then each week, until it is kept; its owner, nobody else."""
    due = date(2026, 11, 30)
    story = taken().when(AddFollowUp("test it", "ben", due), ANA).when(Resolve("x", "y"), ANA).when(Close(), ANA)
    (only,) = owed(story).values()
    assert (only.person, only.due.isoformat()) == ("ben", "2026-12-01T08:00:00+00:00")
    story = reminded(story.after(minutes=60 * 24 * 11), "ben")
    assert owed(story)["ben"].due.isoformat() == "2026-12-08T08:00:00+00:00"
    assert owed(story.when(FinishFollowUp("U1"), BEN)) == {}


def test_a_followup_that_is_handed_over_late_is_asked_for_once_a_week() -> None:
    """Sixty days late it changes hands: its new owner hears of it at once, then a week later in the morning."""
    story = taken().when(AddFollowUp("test it", "ana", date(2026, 11, 30)), ANA).when(Resolve("x", "y"), ANA)
    story = story.when(AddWhy("labels"), ANA).when(NameRootCause("W1"), ANA).after(minutes=60 * 24 * 70)
    story = story.when(ChangeFollowUp("U1", owner="ben"), ANA)
    assert owed(story)["ben"].due <= story.now
    told = 0
    for _hour in range(24 * 6):
        if (due := owed(story).get("ben")) is not None and due.due <= story.now:
            story, told = reminded(story, "ben"), told + 1
        story = story.after(minutes=60)
    assert told == 1
    assert owed(story)["ben"].due - story.now < timedelta(days=1)


def test_a_followup_with_another_date_is_asked_about_the_morning_after_it() -> None:
    """Asked three times and then moved, it rests until the new date has passed; the old question waits no more."""
    story = taken().when(AddFollowUp("test it", "ben", date(2026, 11, 25)), ANA)
    story = story.when(Resolve("x", "y"), ANA).when(Close(), ANA).after(minutes=60 * 24 * 6)
    for _week in range(3):
        story = reminded(story, "ben").after(minutes=60 * 24 * 7)
    mark = next(iter(story.incident.reminded["ben"].latest))
    assert still(story.incident, "ben", mark)
    moved = story.when(ChangeFollowUp("U1", due=date(2026, 12, 24)), BEN)
    assert owed(moved)["ben"].due.isoformat() == "2026-12-25T08:00:00+00:00"
    assert not still(moved.incident, "ben", mark)


def test_a_snoozed_followup_comes_back_when_it_was_asked_to() -> None:
    """Not a week after it was last asked about."""
    story = taken().when(AddFollowUp("test it", "ben", date(2026, 11, 25)), ANA)
    story = reminded(story.when(Resolve("x", "y"), ANA).when(Close(), ANA).after(minutes=60 * 24 * 6), "ben")
    later = story.now + HOUR
    snoozed = story.when(PutOff("ben", later, "asked", tuple(story.incident.reminded["ben"].latest)), BEN)
    assert owed(snoozed)["ben"].due == later


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


def test_who_is_asked_to_approve_is_whoever_the_target_names() -> None:
    """Its own rule counts, on-call and single people too; whoever said yes already, or nobody at all, is not asked."""
    rule = Policy(targets={"visits-router": TargetRules(approve=frozenset({ON_CALL, "@max"}), quorum=2)})
    story = replace(declared(), policy=rule).when(ProposeMitigation(plan()), ANA)
    people = [ANA, BEN, replace(MAX, groups=frozenset({"@max"}))]

    def asked(story: Story, policy: Policy) -> set[str]:
        found = reminders(story.incident, policy, ["ben"], people)
        return {each.person for each in found if each.reason is Reason.APPROVAL}

    assert asked(story, rule) == {"ben", "max"}
    digest = story.incident.mitigations["M1"].digest
    badged = replace(BEN, groups=frozenset({ON_CALL}))
    assert asked(story.when(ApproveMitigation("M1", digest), badged), rule) == {"max"}
    assert asked(story, Policy(approve={})) == set()
