"""What is owed: every kind of debt has a situation that yields it, and a key that is its own."""

from dataclasses import replace
from datetime import timedelta

import pytest

from bot.domain.alerts import DeclareForAlerts, EndAlerts, Over
from bot.domain.approval import ApproveMitigation, Preapprove
from bot.domain.claim import ClaimMitigation
from bot.domain.climbing import (
    TRIES,
    FollowOwed,
    NobodyOwed,
    Owed,
    PageOwed,
    StandDownOwed,
    UnansweredOwed,
    page_key,
)
from bot.domain.escalation import ROUNDS, Ladder
from bot.domain.execution import ReportAccepted, ReportOutcome
from bot.domain.finding import AttachReport, Cause, Diagnose, Hypothesis
from bot.domain.guard import Means, TargetRules
from bot.domain.hold import ReportHold
from bot.domain.lifecycle import Close, Resolve
from bot.domain.mitigation import Outcome, ProposeMitigation
from bot.domain.nobody import Lack
from bot.domain.paging import Acknowledge, Receipt, ReportPage
from bot.domain.policy import ActionClass, Policy
from bot.domain.room import OpenRoom, ReportRoom
from bot.domain.runbook import Kind, Runbook, StartRunbook, Step
from bot.domain.service import Offer, Service
from bot.domain.todo import (
    AlertsOwed,
    ArchiveOwed,
    AutoOwed,
    CollectOwed,
    DiagnoseOwed,
    DutiesOwed,
    ExecuteOwed,
    ExpireOwed,
    HoldOwed,
    RemindOwed,
    ReportOwed,
    RoomOwed,
    RunbookOwed,
    SettleOwed,
    StepOwed,
    UndoOwed,
    VerifyOwed,
    todo,
)
from bot.domain.trouble import ReportTrouble
from bot.domain.undo import ReportUndo, UndoMitigation
from bot.engine.reconcile import AT_ONCE
from tests.inbox import alert
from tests.kit import ANA, BEN, Story, declared, held, plan

PAUSE = Offer("pause", "Pause", "pause", "features")
SERVICE = Service("visits", "Visits", "care", "C1", evidence={"drift": {}}, offers=(PAUSE,))
LIKELY = Hypothesis(Cause.FEATURE_PIPELINE, 0.9, (), (), "", remedies=("pause",))
BEFOREHAND = Policy(targets={"features": TargetRules(automatic=frozenset({Means.PAUSE}))})
AUTO = Runbook("auto", "Auto", "d", (Step("look", Kind.CHECK, "Look"),))


def proposed() -> Story:
    return declared().when(ProposeMitigation(plan()), ANA)


def approved() -> Story:
    return proposed().when(ReportHold("M1", held("rows"))).when(ApproveMitigation("M1", plan().digest), BEN)


def applied() -> Story:
    return approved().when(ClaimMitigation("M1", "7", (BEN,))).when(ReportOutcome("M1", Outcome.APPLIED, "x"))


TAKEN = ReportPage("page:INC-1:0", "ana", "sms", Receipt.ACCEPTED)


def climbed() -> Story:
    """Everybody was paged as often as the escalation says."""
    story = declared()
    for turn in range(ROUNDS):
        for level, person in enumerate(("ana", "ben")):
            key = page_key(story.incident, level, turn)
            story = story.when(ReportPage(key, person, "sms", Receipt.ACCEPTED))
    return story


def quiet() -> Story:
    """An incident that alerts opened, nobody took, and whose alert is over."""
    one = alert("disk", over=1)
    story = Story().when(DeclareForAlerts((replace(one, ends=None),), "new", one.starts))
    return story.when(EndAlerts((Over(one.key, one.starts, one.ends or one.starts),)))


SITUATIONS: dict[type[Owed], Story] = {
    AlertsOwed: quiet(),
    PageOwed: declared(),
    DiagnoseOwed: declared(),
    DutiesOwed: declared(),
    HoldOwed: proposed(),
    ExpireOwed: proposed(),
    ExecuteOwed: approved(),
    VerifyOwed: applied(),
    RemindOwed: declared().when(Acknowledge(), ANA),
    UnansweredOwed: climbed(),
    NobodyOwed: declared(service=""),
    FollowOwed: declared().when(replace(TAKEN, ref="SM1")),
    StandDownOwed: declared().when(replace(TAKEN, rings=True)).when(Acknowledge(), ANA),
    RoomOwed: declared().when(OpenRoom(), ANA),
    ArchiveOwed: declared()
    .when(OpenRoom(), ANA)
    .when(ReportRoom("C1", "inc-1"))
    .when(Resolve("over", "seen"), ANA)
    .when(Close(), ANA),
    SettleOwed: approved().when(ClaimMitigation("M1", "7", (BEN,))).when(ReportAccepted("M1", "1 of 3 pods")),
    CollectOwed: proposed().when(ReportHold("M1", (), ("drift: no answer",))),
    AutoOwed: replace(declared().when(Diagnose((LIKELY,))), policy=BEFOREHAND),
    UndoOwed: applied().when(UndoMitigation("M1"), BEN),
    ReportOwed: declared().when(Diagnose(())),
    RunbookOwed: declared().when(Diagnose(())),
    StepOwed: declared().when(StartRunbook(AUTO), ANA),
}


def owed(story: Story, service: Service | None = SERVICE) -> list[Owed]:
    on_call = Ladder.of(["ana", "ben"])
    nobody = replace(on_call, lack=Lack.UNSAID)
    return list(todo(story.incident, story.policy, service, on_call if story.incident.service else nobody))


def test_every_kind_of_debt_has_a_situation() -> None:
    """A new kind is not complete before somebody says when it is owed."""
    assert {kind.__name__ for kind in SITUATIONS} == {kind.__name__ for kind in Owed.__subclasses__()}


@pytest.mark.parametrize("kind", SITUATIONS, ids=lambda kind: kind.__name__)
def test_each_is_owed_where_it_should_be(kind: type[Owed]) -> None:
    """It is owed, once, under a key that names its incident in second place."""
    found = [each for each in owed(SITUATIONS[kind]) if type(each) is kind]
    assert len(found) == 1
    assert found[0].key.split(":")[1] == "INC-1"
    assert found[0].attempt == 1


def test_what_is_approved_beforehand_is_carried_out_at_once() -> None:
    """A pause needs no evidence and nobody's yes: it is owed from the moment it was proposed."""
    story = replace(declared(), policy=BEFOREHAND)
    small = plan(means=Means.PAUSE, target="features", klass=ActionClass.SMALL)
    story = story.when(Preapprove(small, "pause", "the features are stale"))
    (due,) = [each.due for each in owed(story) if isinstance(each, ExecuteOwed)]
    assert due == story.incident.mitigations["M1"].proposed_at


@pytest.mark.parametrize("kind", SITUATIONS, ids=lambda kind: kind.__name__)
def test_keys_are_unique_and_reading_twice_is_the_same(kind: type[Owed]) -> None:
    """Two debts never share a key; a reading has no memory."""
    first, second = owed(SITUATIONS[kind]), owed(SITUATIONS[kind])
    assert first == second
    assert len({each.key for each in first}) == len(first)


@pytest.mark.parametrize("kind", [kind for kind in SITUATIONS if kind not in (PageOwed, *AT_ONCE)], ids=lambda k: k.__name__)  # fmt: skip
def test_trouble_makes_each_wait_under_a_new_attempt(kind: type[Owed]) -> None:
    """What failed once is owed again, five seconds later, as attempt 2 of the same key."""
    story = SITUATIONS[kind]
    (debt,) = [each for each in owed(story) if type(each) is kind]
    (again,) = [each for each in owed(story.when(ReportTrouble(debt.key, 1, "x"))) if each.key == debt.key]
    assert (again.attempt, again.due) == (2, max(debt.due, story.now + timedelta(seconds=5)))


def test_nothing_is_owed_where_nothing_happened_or_all_is_done() -> None:
    """Not by an incident that never was, nor by one that is closed."""
    assert owed(Story()) == []
    assert owed(declared().when(Resolve("x", waive="off"), ANA).when(Close(), ANA)) == []


def test_without_a_catalogue_entry_only_people_are_paged() -> None:
    """Nothing is asked of a service nobody described."""
    assert {type(each) for each in owed(declared(), None)} == {PageOwed}


def test_understanding_comes_in_order() -> None:
    """Diagnosis first; then the runbook that fits and the drift report; each once."""
    first = {type(each) for each in owed(declared())}
    assert DiagnoseOwed in first
    assert not first & {RunbookOwed, ReportOwed}
    known = declared().when(Diagnose(())).when(StartRunbook(AUTO), ANA).when(AttachReport("E1"))
    assert not {type(each) for each in owed(known)} & {DiagnoseOwed, RunbookOwed, ReportOwed}
    plain = replace(SERVICE, evidence={})
    assert RunbookOwed in {type(each) for each in owed(declared(), plain)}


def page(story: Story) -> PageOwed:
    (found,) = [each for each in owed(story) if isinstance(each, PageOwed)]
    return found


def failed(story: Story) -> Story:
    debt = page(story)
    story = replace(story, now=max(story.now, debt.due))
    return story.when(ReportPage(debt.key, debt.person, "phone", Receipt.FAILED, "down"))


def test_a_failed_page_is_tried_again_a_little_later() -> None:
    """Three tries within one second would all meet the same outage."""
    story = failed(declared())
    assert (page(story).person, page(story).due) == ("ana", story.now + timedelta(seconds=5))


def test_while_nobody_can_be_reached_it_never_stops_trying() -> None:
    """After everybody failed three times the list begins again, one try each, every round later than the one before."""
    story = declared()
    for _ in range(2 * TRIES):
        story = failed(story)
    seen = []
    for _ in range(8):
        debt = page(story)
        seen.append((debt.person, debt.attempt, (debt.due - story.now).total_seconds()))
        story = failed(story)
    waits = [60, 120, 240, 300]
    assert seen == [each for wait in waits for each in (("ana", 1, wait), ("ben", 1, 0))]
    debt = page(story)
    reached = story.when(ReportPage(debt.key, debt.person, "phone", Receipt.ACCEPTED))
    assert page(reached).person == "ben"


def test_a_page_that_broke_before_its_receipt_counts_as_tried() -> None:
    """Trouble on the way to the pager neither stops the escalation nor repeats an attempt."""
    story = declared()
    for attempt in (1, 2, 3):
        assert page(story).attempt == attempt
        story = story.after(seconds=5).when(ReportTrouble(page(story).key, attempt, "KeyError"))
    assert page(story).person == "ben"


def test_an_undo_that_failed_can_be_asked_again() -> None:
    """The second asking is owed under a key of its own: the first one's ended work does not swallow it."""
    first = SITUATIONS[UndoOwed]
    second = first.when(ReportUndo("M1", Outcome.FAILED, "refused")).when(UndoMitigation("M1"), BEN)
    keys = {each.key for story in (first, second) for each in owed(story) if isinstance(each, UndoOwed)}
    assert len(keys) == 2
