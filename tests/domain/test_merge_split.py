"""Two incidents that are one, and one that is two: who may say so, what moves, and what is refused in which words."""

from bot.domain.alerts import AttachAlerts, DeclareForAlerts
from bot.domain.hold import ReportHold
from bot.domain.incident import Incident
from bot.domain.lifecycle import Reopen, Resolve
from bot.domain.log import Free, Take
from bot.domain.merging import MergeInto, Split, TakeIn, TakeOver
from bot.domain.mitigation import ProposeMitigation
from bot.domain.paging import Acknowledge
from bot.domain.phase import Phase
from bot.domain.policy import THE_BOT, Severity
from bot.domain.sli import Judged
from bot.domain.storm import BeginStorm
from tests.inbox import alert
from tests.kit import ANA, AUDREY, NOON, Story, at, breached, declared, lines, plan


def opened(name: str, *alerts, **changes) -> Story:
    return Story(Incident(name)).when(DeclareForAlerts(alerts, "new", NOON, **changes))


def test_merged_it_is_resolved_with_a_pointer() -> None:
    """The claims of its alerts are free for the other, and its history stays where it is."""
    before = opened("INC-1", alert("a"), alert("b"))
    story = before.when(MergeInto("INC-2", "same disk"), ANA)
    assert (story.incident.phase, story.incident.merged_into) == (Phase.RESOLVED, "INC-2")
    assert lines(story)[-1] == "ana merged it into INC-2: same disk"
    freed = [each for event in story.events for each in event.claims(before.incident)]
    assert freed == [Free("open:alerts/INC-1"), Free("open:alert/am/a"), Free("open:alert/am/b")]
    assert set(story.incident.alerts) == {"alert/am/a", "alert/am/b"}
    assert story.when(MergeInto("INC-2"), ANA).events == ()


def test_the_other_goes_on_with_its_alerts() -> None:
    """Once, however often it is told; its severity rises; what it knows better it keeps."""
    first = opened("INC-1", alert("a", severity=1), alert("b"))
    second = opened("INC-2", alert("b", minutes=5), alert("c"))
    take = TakeIn("INC-1", tuple(first.incident.alerts.values()), (), "same disk")
    story = second.when(take, ANA)
    assert story.incident.merged == ("INC-1",)
    assert set(story.incident.alerts) == {"alert/am/a", "alert/am/b", "alert/am/c"}
    assert story.incident.alerts["alert/am/b"].starts == at(300)
    assert story.incident.severity is Severity.SEV1
    assert story.when(take, ANA).events == ()
    taken = [each.key for event in story.events for each in event.claims(second.incident) if isinstance(each, Take)]
    assert taken == ["open:alert/am/a"]  # the episode stays the first one's, which points here


def test_an_objectives_breach_moves_too() -> None:
    """The other shows it, and is told when it is over."""
    story = opened("INC-2", alert("a")).when(TakeIn("INC-1", (), (breached(),)), ANA)
    assert [sli.judged for sli in story.incident.attached] == [Judged.BREACHED]


def test_who_may_and_what_is_refused() -> None:
    """In words that say what to do instead."""
    story = opened("INC-1", alert("a"), alert("b"))
    assert "only" in story.refuses(MergeInto("INC-2"), AUDREY)
    assert story.refuses(MergeInto("INC-1"), ANA) == "INC-1 cannot be merged into itself"
    restricted = "a restricted incident and one that everybody may read are not merged"
    assert story.refuses(MergeInto("INC-2", other_restricted=True), ANA) == restricted
    assert declared(restricted=True).refuses(MergeInto("INC-2"), ANA) == restricted
    assert "end that first" in story.when(ProposeMitigation(plan()), ANA).refuses(MergeInto("INC-2"), ANA)
    over = story.when(Resolve("done", waive="known"), ANA)
    assert "re-open it" in over.refuses(MergeInto("INC-2"), ANA)
    assert "re-open it" in over.refuses(TakeIn("INC-2"), ANA)
    assert "whole storm" in declared(fingerprint="storm").when(BeginStorm(30, NOON)).refuses(MergeInto("INC-2"), ANA)


def test_the_bot_merges_nothing_that_people_have_in_hand() -> None:
    """Acknowledged, declared or split by somebody: theirs to decide."""
    story = opened("INC-1", alert("a"), alert("b"))
    assert story.when(MergeInto("INC-2"), THE_BOT).incident.merged_into == "INC-2"
    assert "in hand" in story.when(Acknowledge(), ANA).refuses(MergeInto("INC-2"), THE_BOT)
    assert "in hand" in story.when(Split(("alert/am/a",), "INC-3"), ANA).refuses(MergeInto("INC-2"), THE_BOT)


def test_reopened_it_is_itself_again() -> None:
    """The pointer is gone; what it takes is what still fires, unless the other has it."""
    before = opened("INC-1", alert("a")).when(MergeInto("INC-2"), ANA)
    back = before.when(Reopen("it was not"), ANA)
    assert (back.incident.merged_into, back.incident.moved) == ("", {})
    taken = [each.key for event in back.events for each in event.claims(before.incident) if isinstance(each, Take)]
    assert taken == ["open:alerts/INC-1", "open:alert/am/a"]


def test_split_off_alerts_leave_with_a_pointer() -> None:
    """Free for the new one; said once; the rest stays."""
    before = opened("INC-1", alert("a"), alert("b"), alert("c"))
    story = before.when(Split(("alert/am/b", "alert/am/b"), "INC-2", "another disk"), ANA)
    assert set(story.incident.alerts) == {"alert/am/a", "alert/am/c"}
    assert story.incident.moved == {"alert/am/b": "INC-2"}
    assert lines(story)[-1] == "ana split an alert off into INC-2: another disk"
    assert [each for event in story.events for each in event.claims(before.incident)] == [Free("open:alert/am/b")]
    assert story.when(Split(("alert/am/b",), "INC-2"), ANA).events == ()
    new = declared(fingerprint="alerts/split/INC-1/x", sli=None).when(
        TakeOver("INC-1", (before.incident.alerts["alert/am/b"],)), ANA
    )
    assert set(new.incident.alerts) == {"alert/am/b"}


def test_an_alert_that_comes_back_to_where_it_was_split_off_points_nowhere() -> None:
    """It was attached anew: the old pointer does not count any more."""
    story = opened("INC-1", alert("a"), alert("b")).when(Split(("alert/am/b",), "INC-2"), ANA)
    assert story.when(AttachAlerts((alert("b", minutes=60),))).incident.moved == {}


def test_what_cannot_be_split() -> None:
    """Nothing, all of it, or what is not there."""
    story = opened("INC-1", alert("a"), alert("b"))
    assert story.refuses(Split((), "INC-2"), ANA) == "name the alerts that are another thing"
    assert "leave at least one" in story.refuses(Split(("alert/am/a", "alert/am/b"), "INC-2"), ANA)
    assert story.refuses(Split(("alert/am/x",), "INC-2"), ANA) == "INC-1 has no alert alert/am/x"
    assert "only" in story.refuses(Split(("alert/am/a",), "INC-2"), AUDREY)
    over = story.when(Resolve("done", waive="known"), ANA)
    assert "re-open it" in over.refuses(Split(("alert/am/a",), "INC-2"), ANA)


def test_splitting_off_what_fires_leaves_a_quiet_incident() -> None:
    """All that is left is over: the data say so at once."""
    from bot.domain.alerts import EndAlerts, Over

    story = opened("INC-1", alert("a"), alert("b")).when(EndAlerts((Over("alert/am/a", NOON, at(60)),)))
    after = story.when(Split(("alert/am/b",), "INC-2"), ANA)
    assert after.incident.phase is Phase.MITIGATED


def test_a_change_that_ended_does_not_hinder() -> None:
    """What is applied and verified stays with the incident that did it."""
    from bot.domain.approval import DeclineMitigation

    story = opened("INC-1", alert("a")).when(ProposeMitigation(plan()), ANA).when(ReportHold("M1", ()))
    declined = story.when(DeclineMitigation("M1", "not needed"), ANA)
    assert declined.when(MergeInto("INC-2"), ANA).incident.merged_into == "INC-2"
