"""OpenSLO's alert policies and conditions, and what names what across files (its README: AlertPolicy, AlertCondition)."""

from datetime import timedelta

import pytest

from bot.config.openslo import gather
from bot.slo.measure import Indicator
from bot.slo.selector import Selector
from bot.slo.spec import Tier, default_tiers
from tests.config.openslo_texts import alerted, asked, condition, one, policy, sli, slo
from tests.config.reading import gathered, sound, told


def test_references_across_files():
    """SLIs, policies and conditions are found by name in whichever file they stand."""
    text = slo(
        ["{target: 0.99}"], indicator="  indicatorRef: paid\n", more="  alertPolicies: [{alertPolicyRef: loud}]\n"
    )
    ratio = f"{{counter: true, good: {asked('paid_total')}, total: {asked('asked_total')}}}"
    found = one(
        text, sli("ratioMetric", ratio, "paid"), policy("loud", "{conditionRef: burning}"), condition("burning")
    )
    assert found.indicator == Indicator("good", Selector("paid_total"), Selector("asked_total"))
    assert found.tiers == (Tier("burning", "page", timedelta(hours=1), timedelta(minutes=5), 14.0),)


@pytest.mark.parametrize(
    ("more", "words"),
    [
        ("  alertPolicies: [{alertPolicyRef: quiet}]\n", "there is no AlertPolicy 'quiet' (expected loud)"),
        ("  alertPolicies: [{alertPolicyRef: lould}]\n", "there is no AlertPolicy 'lould'; did you mean 'loud'?"),
        ("  alertPolicies: [{kind: AlertPolicy}]\n", "metadata is missing"),
        ("  alertPolicies: [{kind: Service, metadata: {}, spec: {}}]\n", "there is no AlertPolicy here"),
        ("  alertPolicies: [7]\n", "0 is the number 7"),
    ],
)
def test_references_to_nothing(more, words):
    """What is named and does not exist is told where it is named, with what there is."""
    text = slo(["{target: 0.99}"], more=more)
    found = gathered(gather, text, policy("loud", "{conditionRef: burning}"), condition("burning"))
    assert found.slos == []
    assert any(words in each for each in told(found.problems)), told(found.problems)


def test_a_name_stands_once():
    """Two SLIs of one name in different files: nobody could tell which is meant."""
    ratio = f"{{counter: true, good: {asked('g')}, total: {asked('t')}}}"
    found = gathered(gather, sli("ratioMetric", ratio), sli("ratioMetric", ratio))
    assert told(found.problems) == ["f1.yaml:3:18: the SLI 'sli' stands in f0.yaml:3 already (expected each name once)"]


def test_a_mistake_in_what_is_named_spares_the_others():
    """An objective whose SLI has a mistake is left out; another one in the same file is not."""
    broken = slo(["{target: 0.99}"], indicator="  indicatorRef: sli\n").replace("name: till", "name: other")
    found = gathered(gather, slo(["{target: 0.99}"]) + "---\n" + broken, sli("ratioMetric", "3"))
    assert [each.name for each in found.slos] == ["till"]
    assert [each.file for each in found.problems] == ["f1.yaml"]


@pytest.mark.parametrize(
    ("values", "tier"),
    [
        ({}, ("page", 60, 5, 14)),
        ({"alertAfter": "0m"}, ("page", 60, 5, 14)),
        ({"alertAfter": "10m"}, ("page", 60, 10, 14)),
        ({"lookbackWindow": "6h", "alertAfter": "5m"}, ("page", 360, 30, 14)),
        ({"severity": "Critical"}, ("page", 60, 5, 14)),
        ({"severity": "high"}, ("page", 60, 5, 14)),
        ({"severity": "sev1"}, ("page", 60, 5, 14)),
        ({"severity": "warning"}, ("ticket", 60, 5, 14)),
        ({"op": "gt", "threshold": 2.5}, ("page", 60, 5, 2.5)),
    ],
)
def test_a_condition_becomes_a_tier(values, tier):
    """The look-back is the long window; the short one is a twelfth of it, or as long as the burn rate must hold."""
    (found,) = sound(gather, *alerted([values])).slos
    (made,) = found.tiers
    assert (made.severity, made.long.seconds / 60, made.short.seconds / 60, made.factor) == tier
    assert made.name == "c0"


def test_several_policies_are_several_tiers():
    """Each policy has one condition (README); together they are an objective's tiers, a condition named twice is one."""
    texts = alerted([{}, {"severity": "ticket", "lookbackWindow": "3d", "threshold": 1}])
    texts[0] += "    - alertPolicyRef: p0\n"
    (found,) = sound(gather, *texts).slos
    assert [(each.name, each.severity) for each in found.tiers] == [("c0", "page"), ("c1", "ticket")]


def test_an_inline_policy_and_condition():
    """Both may be written out where they are used; two conditions of one name are told apart."""
    inline = ("    - kind: AlertPolicy\n      metadata: {name: p}\n      spec:\n        conditions:\n"
              "          - kind: AlertCondition\n            metadata: {name: hot}\n            spec:\n"
              "              severity: page\n"
              "              condition: {threshold: 10, lookbackWindow: 30m}\n"
              "        notificationTargets: [{kind: AlertNotificationTarget, metadata: {name: t}, spec: {target: mail}}]\n")  # fmt: skip
    found = one(slo(["{target: 0.99}"], more="  alertPolicies:\n" + inline + inline))
    assert [(each.name, each.long, each.short) for each in found.tiers] == [
        ("hot", timedelta(minutes=30), timedelta(seconds=150)), ("hot 2", timedelta(minutes=30), timedelta(seconds=150)),
    ]  # fmt: skip


def test_no_policy_is_the_tiers_everybody_has():
    """An empty `alertPolicies:` stands in OpenSLO's own examples."""
    for more in ("", "  alertPolicies:\n", "  alertPolicies: []\n"):
        found = one(slo(["{target: 0.99}"], more=more))
        assert found.tiers == default_tiers(timedelta(weeks=4))
        assert (found.opens, found.blind_opens) == (True, True)


@pytest.mark.parametrize(
    ("flags", "opens", "blind_opens"),
    [
        ("", True, True),
        ("  alertWhenBreaching: true\n  alertWhenNoData: true\n", True, True),
        ("  alertWhenBreaching: true\n  alertWhenNoData: false\n", True, False),
        ("  alertWhenBreaching: false\n", False, True),
    ],
)
def test_when_a_policy_alerts(flags, opens, blind_opens):
    """What a policy says no to opens nothing; what it does not say stays on, for no data is not good news."""
    (found,) = sound(gather, *alerted([{}], flags)).slos
    assert (found.opens, found.blind_opens) == (opens, blind_opens)


def test_op_lte_is_the_burn_rate_to_be_kept():
    """README and examples write `op: lte, threshold: 2` and describe a breach above 2: read so, and said so."""
    found = sound(gather, *alerted([{"op": "lte", "threshold": 2}]))
    assert [each.factor for each in found.slos[0].tiers] == [2]
    (note,) = found.notes
    assert note.what == "op: lte is taken for the burn rate to be kept: the alert is above the threshold"


def test_an_annotation_comes_before_policies():
    """Tiers have two windows and OpenSLO's conditions one: where both stand, the annotation says more."""
    texts = alerted([{}])
    texts[0] = texts[0].replace("missing-bad: zero", 'tiers: "page:1h/5m@14.4"')
    found = sound(gather, *texts)
    assert [each.factor for each in found.slos[0].tiers] == [14.4]
    assert "the annotation tocsin.dev/tiers holds" in found.notes[0].what


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ({"threshold": 101}, "f2.yaml:6:51: the condition 'c0' fires at 101× but even a total outage"),
        ({"threshold": 0}, "threshold is 0 (expected a burn rate above zero)"),
        ({"threshold": "much"}, "threshold is the text 'much'"),
        ({"lookbackWindow": "9w"}, "lookbackWindow is longer than the window of an objective"),
        ({"lookbackWindow": "soon"}, "'soon' is no length of time"),
        ({"alertAfter": "2h"}, "cannot be asked to hold for longer than it is looked back over"),
        ({"lookbackWindow": "5s", "alertAfter": "0m"}, "too short to judge"),
        ({"kind": "static"}, "there is no condition of kind 'static' (expected burnrate)"),
        ({"op": "above"}, "op is the text 'above' (expected lte, gte, lt or gt)"),
        ({"severity": "''"}, "severity is empty"),
    ],
)
def test_conditions_that_cannot_be_meant(values, words):
    """One that could never fire, or cannot be judged, is told where it stands."""
    found = gathered(gather, *alerted([values]))
    assert found.slos == []
    assert any(words in each for each in told(found.problems)), told(found.problems)


def test_a_policy_has_one_condition():
    """Two conditions in one policy are not OpenSLO v1: whether both or either must hold is not said there."""
    found = gathered(gather, policy("p", "{conditionRef: a}, {conditionRef: b}"))
    assert "a policy has one condition" in told(found.problems)[0]


def test_who_is_told_stands_elsewhere():
    """A notification target nobody defined is a note: people are reached by the catalogue."""
    text = policy("p", "{conditionRef: c}").replace("Targets: []", "Targets: [{targetRef: mail}]")
    found = sound(gather, text, condition("c"))
    assert told(found.notes)[0].startswith("f0.yaml:6:37: there is no AlertNotificationTarget 'mail'")
