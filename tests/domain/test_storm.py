"""When it storms and when that is over, and what a child of a storm owes while it has no card."""

import json
from datetime import timedelta

import pytest

from bot.domain.alert_clock import SettleAlerts
from bot.domain.alerts import AttachAlerts, DeclareForAlerts, EndAlerts, Over
from bot.domain.climbing import PageOwed
from bot.domain.lifecycle import IncidentDeclared
from bot.domain.mitigation import ProposeMitigation
from bot.domain.noise import StormRules
from bot.domain.paging import Acknowledge
from bot.domain.phase import Phase
from bot.domain.policy import Policy, Severity
from bot.domain.promotion import Promote, is_critical
from bot.domain.service import Service
from bot.domain.storm import BeginStorm, Counted, Digest, EndStorm, Gauge, judge, rate
from bot.domain.todo import AlertsOwed, DiagnoseOwed, DutiesOwed, ExpireOwed, HoldOwed, RunbookOwed, todo
from bot.store.codec import Codec
from tests.inbox import alert
from tests.kit import ANA, AUDREY, NOON, Story, at, declared, lines, plan

RULES = StormRules()
SERVICE = Service("visits", "Visits", "team", "visits", evidence={"drift": {}})


def opened(*seconds: float) -> list:
    return [at(each) for each in seconds]


def test_the_rate_is_of_the_last_minute() -> None:
    """What came a minute ago counts no more, what comes later not yet."""
    assert rate(opened(0, 1, 60, 61), at(60)) == 2
    assert rate([], NOON) == 0


def test_it_begins_above_the_rate_and_not_at_it() -> None:
    """Twenty within a minute are many cards; one more is a storm."""
    assert not judge(Gauge(), opened(*range(20)), RULES, at(20)).storms
    assert judge(Gauge(), opened(*range(21)), RULES, at(20)).storms


def test_it_ends_after_five_minutes_below_a_quarter_and_does_not_flicker() -> None:
    """Five a minute are no calm; a burst begins the five minutes anew."""
    busy = [at(each * 12) for each in range(200)]
    gauge = Gauge(storms=True)
    for minute in range(1, 40):
        gauge = judge(gauge, busy, RULES, at(60 * minute))
        assert gauge.storms
        assert gauge.calm_since is None
    calm = judge(Gauge(storms=True), [], RULES, at(0))
    assert calm == Gauge(storms=True, calm_since=at(0))
    assert judge(calm, [], RULES, at(299)).storms
    assert judge(calm, opened(*range(200, 206)), RULES, at(210)) == Gauge(storms=True)
    assert judge(calm, [], RULES, at(300)) == Gauge()
    assert not judge(Gauge(), opened(*range(12)), RULES, at(30)).storms  # twelve a minute do not begin one again


def umbrella() -> Story:
    return declared(sli=None, slo="", fingerprint="storm", title="Alert storm").when(BeginStorm(300, NOON))


def test_a_storm_that_comes_back_is_the_same_umbrella_and_pages_anew() -> None:
    """Its end is recovery by the data; beginning twice changes nothing; only the bot says either."""
    story = umbrella()
    assert story.when(BeginStorm(400, at(60))).events == ()
    over = story.when(Acknowledge(), ANA).after(minutes=9).when(EndStorm(360, 12, at(240)))
    assert (over.incident.phase, over.incident.mitigated) == (Phase.MITIGATED, at(240))
    assert "360 incidents came in it, 12 are still open" in lines(over)[-1]
    assert over.when(EndStorm(360, 12, at(240))).events == ()
    back = over.after(minutes=1).when(BeginStorm(50, at(700)))
    assert (back.incident.phase, back.incident.returns) == (Phase.DECLARED, 1)
    assert back.incident.storm is not None
    assert (back.incident.storm.times, back.incident.storm.until) == (2, None)
    for command in (BeginStorm(1, NOON), EndStorm(1, 1, NOON)):
        assert "not by hand" in story.refuses(command, ANA)


def test_of_an_umbrella_people_are_owed_and_nothing_is_looked_into() -> None:
    """Its children are diagnosed and have duties; the storm itself is nobody's to tell a regulator of."""
    owed = list(todo(umbrella().incident, Policy(), SERVICE, ["ana"]))
    assert [type(each) for each in owed] == [PageOwed]


def child(*alerts, promote: str = "") -> Story:
    command = DeclareForAlerts(alerts or (alert("disk"),), "new", NOON, umbrella="INC-9", promote=promote)
    return Story().when(command)


def kinds(story: Story) -> set[type]:
    return {type(each) for each in todo(story.incident, story.policy, SERVICE, ["ana"])}


def test_a_child_owes_nothing_until_it_has_a_card() -> None:
    """No page, no diagnosis, no runbook, no duty; only its alerts are looked after, so that it ends by itself."""
    story = child()
    assert story.incident.is_silent
    assert kinds(story) == set()
    over = story.when(EndAlerts((Over("alert/am/disk", NOON, at(60)),)))
    assert kinds(over) == {AlertsOwed}
    end = over.after(minutes=11).when(SettleAlerts())
    assert end.incident.phase is Phase.RESOLVED
    assert end.when(SettleAlerts()).incident.phase is Phase.CLOSED


def test_the_law_goes_on_once_somebody_took_a_child() -> None:
    """And what people do in it is carried out, card or not."""
    story = child().when(Acknowledge(), ANA)
    assert DutiesOwed in kinds(story)
    assert not kinds(story) & {PageOwed, DiagnoseOwed, RunbookOwed}
    assert {ExpireOwed, HoldOwed} <= kinds(story.when(ProposeMitigation(plan()), ANA))


def test_promoted_it_is_an_incident_like_any_other() -> None:
    """Whoever may respond promotes it, once; it pages, is looked into, and has its duties."""
    story = child().when(Promote("our best customer"), ANA)
    assert not story.incident.is_silent
    assert kinds(story) >= {PageOwed, DiagnoseOwed, DutiesOwed}
    assert lines(story)[-1] == "ana gave it a card of its own: our best customer"
    assert story.when(Promote(), ANA).events == ()
    assert "only" in child().refuses(Promote(), AUDREY)
    assert Story().when(DeclareForAlerts((alert("x"),), "new", NOON)).when(Promote(), ANA).events == ()


def test_a_critical_child_has_its_card_from_the_beginning() -> None:
    """In the same entry as its declaration, so that no crash comes between."""
    story = child(promote="it is critical")
    assert not story.incident.is_silent
    assert PageOwed in kinds(story)


@pytest.mark.parametrize(
    ("severity", "tier", "critical"),
    [(1, 3, True), (1, None, True), (2, 1, True), (2, 2, False), (2, None, False), (3, 1, False)],
)
def test_what_is_critical(severity: int, tier: int | None, critical: bool) -> None:
    """The worst severity anywhere, and a bad one of a most important service."""
    assert is_critical(severity, tier) is critical


def test_a_childs_severity_rises_like_any() -> None:
    """So that whoever watches the storm can see that it became critical."""
    grown = child(alert("disk", severity=3)).when(AttachAlerts((alert("node", severity=1),)))
    assert grown.incident.severity is Severity.SEV1


def test_a_digest_counts() -> None:
    """By severity, the worst first, and by service, the most first."""
    digest = Digest(NOON, (Counted("a", 2, 3, 1), Counted("b", 1, 4, 4), Counted("a", 1, 2, 0)), (), 9)
    assert (digest.incidents, digest.open) == (9, 5)
    assert digest.by_severity == [(1, 6), (2, 3)]
    assert digest.by_service == [("a", 5, 1), ("b", 4, 4)]


def test_a_declaration_of_an_older_release_is_no_child() -> None:
    """Its bytes say nothing of umbrellas; they are read as they were meant."""
    codec = Codec()
    one = codec.seal("INC-1", 1, declared().events[0], at=NOON, by="p", cause="", before="")
    told = json.loads(one.stored)
    del told["body"]["umbrella"]
    stored = json.dumps(told, sort_keys=True, separators=(",", ":")).encode()
    event = codec.open(stored, "", "", {each.ref: each.text for each in one.texts}).event
    assert isinstance(event, IncidentDeclared)
    assert event.umbrella == ""
    assert event == declared().events[0]


def test_rules_of_noise_are_no_rules_of_changes() -> None:
    """What groups alerts voids no approval."""
    assert Policy(storm=StormRules(incidents_per_minute=3)).fingerprint == Policy().fingerprint
    assert Policy(cool_down=timedelta(minutes=9)).fingerprint != Policy().fingerprint
