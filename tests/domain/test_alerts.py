"""What an incident knows of its alerts: which fire, when all are over, and that one which flaps wakes nobody again."""

from dataclasses import replace
from datetime import timedelta

import pytest

from bot.domain.alert_clock import SettleAlerts, alerts_due
from bot.domain.alerts import AlertsAttached, AlertsQuiet, AttachAlerts, DeclareForAlerts, EndAlerts, Over
from bot.domain.climbing import PageOwed
from bot.domain.flapping import AlertCalm, AlertFlaps
from bot.domain.incident import Incident
from bot.domain.lifecycle import Close, Reopen, Resolve
from bot.domain.log import Free, Take
from bot.domain.measures import measures
from bot.domain.mitigation import ProposeMitigation
from bot.domain.noise import AlertRules
from bot.domain.paging import Acknowledge
from bot.domain.phase import Phase
from bot.domain.policy import Policy, Severity, Urgency
from bot.domain.sli import Attach, Judged
from bot.domain.todo import AlertsOwed, todo
from tests.inbox import alert
from tests.kit import ANA, NOON, Story, at, breached, declared, lines, plan


def opened(*alerts, **changes) -> Story:
    """An incident that alerts opened, at noon."""
    return Story().when(DeclareForAlerts(alerts or (alert("disk"),), "nothing else is open", NOON, **changes))


def over(one) -> EndAlerts:
    assert one.ends is not None
    return EndAlerts((Over(one.key, one.starts, one.ends),))


def pages(story: Story) -> list[PageOwed]:
    return [each for each in todo(story.incident, story.policy, None, ["ana"]) if isinstance(each, PageOwed)]


def test_alerts_open_an_incident_as_severe_as_the_worst() -> None:
    """Its title and service are the worst alert's; its times are the data's; somebody is paged."""
    story = opened(alert("disk", severity=3, minutes=-2), alert("node", severity=1, service="cache", minutes=-1))
    incident = story.incident
    assert (incident.severity, incident.title, incident.service) == (Severity.SEV1, "node is broken", "cache")
    assert (incident.onset, incident.detected) == (at(-120), NOON)
    assert set(incident.alerts) == {"alert/am/disk", "alert/am/node"}
    assert len(pages(story)) == 1


def test_a_mild_alert_is_a_ticket() -> None:
    """What is milder than the policy pages for wakes nobody."""
    story = opened(alert("disk", severity=4))
    assert story.incident.urgency is Urgency.TICKET
    assert pages(story) == []


def test_an_alert_is_told_once() -> None:
    """The same episode again, or an older one, is no news; a new episode of it is."""
    story = opened()
    assert story.when(AttachAlerts((alert("disk"),))).events == ()
    assert story.when(AttachAlerts((alert("disk", minutes=-5),))).events == ()
    again = story.when(AttachAlerts((alert("disk", minutes=5),)))
    assert again.incident.alerts["alert/am/disk"].times == 2
    assert "fires again" in lines(again)[-1]


def test_one_incident_per_alert_and_one_for_ever_per_episode() -> None:
    """Attaching claims the alert and the episode; the end of the incident frees the alert alone."""
    story = opened()
    claimed = [each for event in story.events for each in event.claims(Incident("INC-1"))]
    assert Take("open:alert/am/disk", "this alert belongs to {holder} already") in claimed
    assert any(isinstance(each, Take) and each.key.startswith("episode:alert/am/disk@") for each in claimed)
    end = story.when(Resolve("fixed", waive="it is known"), ANA)
    freed = [each for event in end.events for each in event.claims(story.incident)]
    assert freed == [Free("open:alerts/INC-1"), Free("open:alert/am/disk")]


def test_reopening_takes_the_alerts_that_still_fire() -> None:
    """What is over is not taken: it may have opened another incident since."""
    story = opened(alert("disk"), alert("node")).when(over(alert("disk", over=1)))
    end = story.when(Resolve("fixed", waive="it is known"), ANA)
    back = end.when(Reopen("it is not"), ANA)
    taken = [each.key for event in back.events for each in event.claims(end.incident) if isinstance(each, Take)]
    assert taken == ["open:alerts/INC-1", "open:alert/am/node"]


def test_an_end_never_closes_a_newer_episode() -> None:
    """An end of an older episode, or one before the beginning, is no news; neither is an end told twice."""
    story = opened(alert("disk", minutes=10))
    assert story.when(over(alert("disk", minutes=0, over=2))).events == ()
    assert story.when(EndAlerts((Over("alert/am/disk", at(600), at(599)),))).events == ()
    assert story.when(over(alert("other", over=1))).events == ()
    ended = story.when(over(alert("disk", minutes=10, over=12)))
    assert not ended.incident.alerts["alert/am/disk"].firing
    assert ended.when(over(alert("disk", minutes=10, over=12))).events == ()


def test_an_end_of_an_episode_nobody_told_of_ends_the_alert() -> None:
    """The message that it fired again was lost; that it is over counts all the same, and so does the episode."""
    story = opened().when(over(alert("disk", minutes=3, over=5)))
    known = story.incident.alerts["alert/am/disk"]
    assert (known.times, known.firing, known.starts) == (2, False, at(180))


def test_all_alerts_over_is_recovery_by_the_data_and_resolves_nothing() -> None:
    """The latest end is when harm stopped; paging ends; an acknowledged incident is left to people."""
    story = opened(alert("disk"), alert("node")).when(Acknowledge(), ANA)
    one = story.when(over(alert("disk", over=2)))
    assert one.incident.phase is Phase.ACKNOWLEDGED
    both = one.when(over(alert("node", over=1)))
    assert both.incident.phase is Phase.MITIGATED
    assert measures(both.incident).ttm == timedelta(minutes=2)
    assert "all its 2 alerts are over since 2026-11-20 12:02:00 UTC" in lines(both)
    later = both.after(minutes=60)
    assert alerts_due(later.incident, later.policy) is None
    assert later.when(SettleAlerts()).events == ()


def test_an_incident_nobody_took_is_resolved_after_a_quiet_time() -> None:
    """After resolve_after and not before; filed away a day later; zero leaves it to people."""
    story = opened().when(over(alert("disk", over=2)))
    due = alerts_due(story.incident, story.policy)
    assert due == at(12 * 60)
    (owed,) = [each for each in todo(story.incident, story.policy, None, ["ana"]) if isinstance(each, AlertsOwed)]
    assert owed.due == due
    assert story.after(minutes=11).when(SettleAlerts()).events == ()
    end = story.after(minutes=12).when(SettleAlerts())
    assert end.incident.phase is Phase.RESOLVED
    assert lines(end)[-1] == "tocsin resolved it: its alert was over for 10 minutes, and nobody had taken it"
    assert alerts_due(end.incident, end.policy) == at(12 * 60) + timedelta(days=1)
    assert end.after(minutes=24 * 60).when(SettleAlerts()).incident.phase is Phase.CLOSED
    never = replace(story, policy=Policy(alerts=AlertRules(resolve_after=timedelta(0))))
    assert alerts_due(never.incident, never.policy) is None
    assert never.after(minutes=600).when(SettleAlerts()).events == ()


def test_what_somebody_reopened_is_not_resolved_again_by_itself() -> None:
    """A person said it is not over: the quiet of its alerts does not overrule them."""
    end = opened().when(over(alert("disk", over=2))).after(minutes=12).when(SettleAlerts())
    back = end.when(Reopen("users still complain"), ANA)
    assert alerts_due(back.incident, back.policy) is None
    assert back.after(minutes=60).when(SettleAlerts()).events == ()


def test_a_change_in_hand_keeps_it_open() -> None:
    """Nothing is resolved by itself over a mitigation that is under way."""
    story = opened().when(ProposeMitigation(plan()), ANA).when(over(alert("disk", over=2)))
    assert story.after(minutes=60).when(SettleAlerts()).events == ()


def test_no_data_is_not_good_news() -> None:
    """While an objective of it is breached or sends nothing, quiet alerts are no recovery and resolve nothing."""
    for judged in (Judged.BREACHED, Judged.NO_DATA):
        story = opened().when(Attach(breached(judged=judged))).when(over(alert("disk", over=2)))
        assert isinstance(story.events[-1], AlertsQuiet)
        assert story.incident.phase is Phase.DECLARED
        assert story.incident.mitigated is None
        assert story.after(minutes=60).when(SettleAlerts()).events == ()


def test_alerts_of_an_objectives_incident_do_not_end_it() -> None:
    """What the bot's own objectives opened is over when they say so."""
    story = declared().when(AttachAlerts((alert("disk"),))).when(over(alert("disk", over=2)))
    assert story.incident.phase is Phase.DECLARED
    assert alerts_due(story.incident, story.policy) is None


def test_an_alert_that_comes_back_pages_anew() -> None:
    """After all were over, a return is nobody's until somebody acknowledges again."""
    story = opened().when(Acknowledge(), ANA).when(over(alert("disk", over=2)))
    back = story.after(minutes=5).when(AttachAlerts((alert("disk", minutes=5),)))
    assert (back.incident.phase, back.incident.returns) == (Phase.DECLARED, 1)
    assert len(pages(back)) == 1
    assert back.incident.mitigated is None


def flapped(times: int = 4) -> Story:
    """An acknowledged incident whose alert fired again so many times, every two minutes, and is over each time."""
    story = opened().when(Acknowledge(), ANA)
    for turn in range(times + 1):
        story = story.after(minutes=1)
        if turn:
            story = story.when(AttachAlerts((alert("disk", minutes=2 * turn),)))
            if story.incident.phase is Phase.DECLARED:
                story = story.when(Acknowledge(), ANA)
        story = story.after(minutes=1).when(over(alert("disk", minutes=2 * turn, over=2 * turn + 1)))
    return story


def test_an_alert_that_flaps_is_said_to_once_and_pages_nobody_for_each_return() -> None:
    """The fourth return within an hour says so; it and those after it page nobody, and are no recovery either."""
    calm, story = flapped(3), flapped(6)
    assert not [each for each in calm.entries if isinstance(each.event, AlertFlaps)]
    (said,) = [each for each in story.entries if isinstance(each.event, AlertFlaps)]
    assert said.event.times == 5
    assert story.incident.returns == 3  # the returns before it was known to flap
    assert story.incident.is_open
    assert story.incident.alerts_quiet is None
    assert "“disk is broken” flaps: it fired 5 times lately" in " ".join(lines(story))


def test_what_flapped_is_open_until_it_has_been_calm() -> None:
    """After half an hour without firing it is calm, says so, and all alerts are over as of the last end."""
    story = flapped(4)
    ended = story.incident.alerts["alert/am/disk"].ended
    assert ended is not None
    due = alerts_due(story.incident, story.policy)
    assert due == ended + timedelta(minutes=30)
    early = replace(story, now=due - timedelta(seconds=1))
    assert early.when(SettleAlerts()).events == ()
    calm = replace(story, now=due).when(SettleAlerts())
    assert [type(each) for each in calm.events] == [AlertCalm, AlertsQuiet]
    assert calm.incident.phase is Phase.MITIGATED
    assert calm.incident.mitigated == ended
    back = calm.after(minutes=5).when(AttachAlerts((alert("disk", minutes=60),)))
    assert back.incident.returns == calm.incident.returns + 1  # calm, its return is news again


def test_returns_long_apart_are_no_flapping() -> None:
    """Four returns within a day are four returns."""
    story = opened().when(Acknowledge(), ANA)
    for turn in range(1, 9):
        story = story.when(over(alert("disk", minutes=(turn - 1) * 61, over=(turn - 1) * 61 + 1)))
        story = story.when(AttachAlerts((alert("disk", minutes=turn * 61),)))
    assert not [each for each in story.entries if isinstance(each.event, AlertFlaps)]


def test_severity_rises_with_the_worst_alert_and_never_falls_by_itself() -> None:
    """A worse alert raises it, and pages where it was a ticket; its end lowers nothing."""
    story = opened(alert("disk", severity=3)).when(AttachAlerts((alert("node", severity=1),)))
    assert story.incident.severity is Severity.SEV1
    assert story.when(over(alert("node", over=1))).incident.severity is Severity.SEV1
    assert story.when(AttachAlerts((alert("gate", severity=4),))).incident.severity is Severity.SEV1
    ticket = opened(alert("disk", severity=4)).when(AttachAlerts((alert("node", severity=2),)))
    assert (ticket.incident.urgency, ticket.incident.severity) == (Urgency.PAGE, Severity.SEV2)
    grown = opened(alert("disk", severity=3)).when(AttachAlerts((alert("disk", severity=1),)))
    assert grown.incident.severity is Severity.SEV1
    assert grown.incident.alerts["alert/am/disk"].times == 1


def test_alerts_that_fire_are_a_check_before_resolving() -> None:
    """Whoever resolves over a firing alert says why."""
    story = opened(alert("disk"), alert("node")).when(over(alert("disk", over=1)))
    assert "1 alert still fires" in story.refuses(Resolve("done"), ANA)
    assert story.when(Resolve("done", waive="being retired"), ANA).incident.phase is Phase.RESOLVED


@pytest.mark.parametrize("command", [AttachAlerts((alert("x"),)), EndAlerts(()), SettleAlerts()])
def test_people_do_not_speak_for_alerts(command) -> None:
    """Alerts are the senders' word."""
    assert opened().refuses(command, ANA)


def test_an_incident_that_is_over_takes_no_alerts() -> None:
    """A late alert opens anew or is nobody's; it never changes what was resolved or closed."""
    end = opened().when(Resolve("done", waive="retired"), ANA).when(Close(), ANA)
    assert "re-open it" in end.refuses(AttachAlerts((alert("node"),)))
    late = end.when(over(alert("disk", over=9)))
    assert late.incident.phase is Phase.CLOSED
    assert not late.incident.alerts["alert/am/disk"].firing


def test_many_alerts_are_one_entry_and_one_line() -> None:
    """In a storm a chain stays short, and its line names a few."""
    story = opened().when(AttachAlerts(tuple(alert(f"n{i}") for i in range(80)), "also visits, within 5 minutes"))
    assert [type(each) for each in story.events] == [AlertsAttached]
    assert "and 77 more alerts joined: also visits, within 5 minutes" in lines(story)[-1]
