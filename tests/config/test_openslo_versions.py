"""Other versions of OpenSLO: v2alpha is read where it is v1 by other names, the rest is refused by name."""

import json

import pytest
import yaml

from bot.config.openslo import gather
from tests.config.reading import gathered, sound, told
from tests.config.test_openslo_examples import SLOS

# pkg/openslo/v2alpha/examples
ALPHA = """\
- apiVersion: openslo.com/v2alpha
  kind: SLO
  metadata: {name: basket-answers, labels: {env: live}}
  spec:
    description: Enough
    service: basket
    sli:
      metadata: {name: ratio}
      spec:
        ratioMetric:
          counter: true
          good: {dataSourceRef: main, spec: {query: 'sum(basket_requests{code=~"2xx"})'}}
          total: {dataSourceRef: main, spec: {query: sum(basket_requests)}}
    timeWindow: [{duration: 1w, isRolling: true}]
    budgetingMethod: Occurrences
    objectives: [{displayName: Fine, op: gt, target: 0.99}]
- apiVersion: openslo.com/v2alpha
  kind: SLO
  metadata: {name: marker-lag}
  spec:
    service: basket
    sliRef: lag
    timeWindow: [{duration: 1w, isRolling: true}]
    budgetingMethod: Occurrences
    objectives: [{op: lt, value: 5, target: 0.99}]
- apiVersion: openslo.com/v2alpha
  kind: SLI
  metadata: {name: lag}
  spec:
    thresholdMetric:
      dataSourceSpec: {type: Prometheus, connectionDetails: {accessToken: hush}}
      spec: {query: lag}
- apiVersion: openslo.com/v2alpha
  kind: SLI
  metadata: {name: hits}
  spec:
    ratioMetric:
      counter: true
      good: {dataSourceRef: far, spec: {query: 'sum:hits{code:200}.as_count()'}}
      total: {dataSourceRef: far, spec: {query: 'sum:hits{*}.as_count()'}}
"""


def test_v2alpha_is_v1_by_other_names():
    """sli, sliRef, dataSourceRef and dataSourceSpec; the query of a source nobody set up is in whatever language."""
    found = sound(gather, ALPHA, sources=frozenset({"main"}))
    assert [(slo.name, slo.source, str(slo.indicator)) for slo in found.slos] == [
        ("basket-answers", "main", 'good basket_requests{code=~"2xx"} of basket_requests'),
        ("marker-lag", "default", "lag < 5"),
    ]
    assert {which: place for (_, which), place in found.places.items() if which == "source"}


@pytest.mark.parametrize(
    "version", ["openslo/v1alpha", "openslo/v1beta1", "openslo/v2alpha1", "openslo.com/v2alpha1", "openslo/v2alpha"]
)
def test_other_versions_are_refused_by_name(version):
    """v1alpha (as in Sloth's OpenSLO examples) has other words for everything."""
    found = gathered(gather, SLOS.replace("openslo/v1", version))
    assert told(found.problems) == [
        f"f0.yaml:1:15: apiVersion '{version}' is not read (expected openslo/v1 or openslo.com/v2alpha)"
    ]


def test_a_budget_adjustment_is_refused_by_name():
    """A kind of v2alpha for which there is nothing here yet."""
    found = gathered(
        gather, ALPHA.replace("kind: SLI\n  metadata: {name: hits}", "kind: BudgetAdjustment\n  metadata: {name: x}")
    )
    assert any("there is no kind 'BudgetAdjustment'" in each for each in told(found.problems))


# README: SLO and SLI examples
def test_the_readmes_first_slo_lacks_what_a_budget_needs():
    """Its fragment has no window and no method: both are told, for without them there is no budget."""
    text = SLOS[: SLOS.index("    timeWindow")] + "    objectives:\n      - {displayName: Foo, target: 0.98}\n"
    assert [line.partition(": ")[2] for line in told(gathered(gather, text).problems)] == [
        "timeWindow is no list of one window (expected one window: duration, and isRolling: true or a calendar)",
        "budgetingMethod is missing (expected Occurrences, Timeslices, RatioTimeslices)",
    ]


def test_json_is_yaml():
    """The same document as JSON."""
    text = json.dumps(yaml.safe_load(SLOS), default=str, indent=1)
    (found,) = sound(gather, text).slos
    assert found == sound(gather, SLOS).slos[0]
