"""Files of the shapes OpenSLO publishes (OpenSLO/OpenSLO: examples/, pkg/openslo/v1/examples, v2alpha, README) load.

Each text here has the kinds, fields and layout of one published file, with names and numbers of its own.
"""

from datetime import datetime, timedelta

from bot.config.openslo import gather
from bot.slo.measure import Expression, Indicator, Method, Raw, Threshold
from bot.slo.selector import Selector
from bot.slo.spec import Calendar, default_tiers
from tests.config.reading import gathered, sound, told

# pkg/openslo/v1/examples/slos.yaml: a list of documents, labels as lists, a calendar week, Timeslices, `op` on a ratio
SLOS = """\
- apiVersion: openslo/v1
  kind: SLO
  metadata:
    name: basket-answers
    displayName: Baskets answer
    labels:
      env:
        - live
      team:
        - baskets
        - checkout
  spec:
    description: Enough basket requests are answered
    service: basket
    indicator:
      metadata:
        name: basket-answered-ratio
      spec:
        ratioMetric:
          counter: true
          good:
            metricSource:
              type: Prometheus
              spec:
                query: sum(basket_requests{cluster="live",part="basket",code=~"2xx|3xx"})
          total:
            metricSource:
              type: Prometheus
              spec:
                query: sum(basket_requests{cluster="live",part="basket"})
    timeWindow:
      - duration: 1w
        isRolling: false
        calendar:
          startTime: 2026-03-02 08:00:00
          timeZone: Europe/Zurich
    budgetingMethod: Timeslices
    objectives:
      - displayName: Fine
        op: gt
        target: 0.99
        timeSliceTarget: 0.9
        timeSliceWindow: 2m
"""


def test_slos():
    """A week by the calendar of which 99 % of the two-minute slices must be 90 % good."""
    (found,) = sound(gather, SLOS).slos
    assert (found.name, found.display, found.service, found.source) == (
        "basket-answers",
        "Baskets answer",
        "basket",
        "default",
    )
    assert found.labels == (("env", "live"), ("team", "baskets,checkout"))
    assert found.indicator == Indicator(
        "good",
        Selector.parse('basket_requests{cluster="live",part="basket",code=~"2xx|3xx"}'),
        Selector.parse('basket_requests{cluster="live",part="basket"}'),
    )
    assert found.method == Method("timeslices", timedelta(minutes=2), 0.9)
    assert found.calendar == Calendar("week", 1, datetime(2026, 3, 2, 8), "Europe/Zurich")
    assert found.tiers == default_tiers(timedelta(weeks=1))
    assert found.origin is not None
    assert found.origin.line == 4


# pkg/openslo/v1/examples/slis.yaml: Datadog, AppDynamics without a query, a raw ratio, a threshold
SLIS = """\
- apiVersion: openslo/v1
  kind: SLI
  metadata: {name: find-answers, displayName: Finding, labels: {env: [try], team: [one, two]}}
  spec:
    description: Enough searches are answered
    ratioMetric:
      counter: true
      good:
        metricSource: {metricSourceRef: our-datadog, type: Datadog, spec: {query: 'sum:find.hits{code:200}.as_count()'}}
      total:
        metricSource: {metricSourceRef: our-datadog, type: Datadog, spec: {query: 'sum:find.hits{*}.as_count()'}}
- apiVersion: openslo/v1
  kind: SLI
  metadata: {name: page-shown}
  spec:
    ratioMetric:
      counter: false
      bad:
        metricSource: {metricSourceRef: dynamics, type: AppDynamics, spec: {applicationName: a, metricPath: Slow|All}}
      total:
        metricSource: {metricSourceRef: dynamics, type: AppDynamics, spec: {applicationName: a, metricPath: All}}
- apiVersion: openslo/v1
  kind: SLI
  metadata: {name: radio-content}
  spec:
    ratioMetric:
      rawType: success
      raw:
        metricSource:
          metricSourceRef: metrics
          type: Prometheus
          spec:
            query: |
              1 - (
                sum(sum_over_time(radio_content_ratio[{{.window}}]))
                /
                sum(count_over_time(radio_content_ratio[{{.window}}]))
              )
- apiVersion: openslo/v1
  kind: SLI
  metadata:
    name: marker-lag
    annotations:
      openslo.com/service-folder: ./some/where
  spec:
    thresholdMetric:
      metricSource:
        metricSourceRef: our-prometheus
        type: Prometheus
        spec:
          query: sum(min_over_time(group_lag{cluster="live", group="marker"}[2m]))
"""
USES = """\
apiVersion: openslo/v1
kind: SLO
metadata: {{name: {name}}}
spec:
  service: s
  indicatorRef: {name}
  timeWindow: [{{duration: 30d, isRolling: true}}]
  budgetingMethod: Occurrences
  objectives: [{objective}]
"""


def test_slis():
    """Each says what it counts once an objective asks; other vendors' queries are kept as they are."""
    names = {"find-answers": "{target: 0.99}", "radio-content": "{target: 0.99}",
             "marker-lag": "{op: lte, value: 9, target: 0.99}"}  # fmt: skip
    found = sound(gather, SLIS, *(USES.format(name=name, objective=goal) for name, goal in names.items()))
    means = {slo.name: (slo.source, slo.indicator) for slo in found.slos}
    assert means["find-answers"][0] == "our-datadog"
    assert means["find-answers"][1].queries == (
        Expression("sum:find.hits{code:200}.as_count()"), Expression("sum:find.hits{*}.as_count()"),
    )  # fmt: skip
    source, raw = means["radio-content"]
    assert source == "metrics"
    assert isinstance(raw, Raw)
    assert (raw.counts, str(raw.query).split("\n")[1]) == ("good", "  sum(sum_over_time(radio_content_ratio[$window]))")
    assert means["marker-lag"][1] == Threshold(
        Expression('sum(min_over_time(group_lag{cluster="live", group="marker"}[2m]))'), "lte", 9
    )


def test_a_bad_ratio_of_a_gauge_asks_what_absence_means():
    """An objective on the AppDynamics SLI must say it, whatever language the query is in."""
    found = gathered(gather, SLIS, USES.format(name="page-shown", objective="{target: 0.99}"))
    assert found.slos == []
    assert "missing-bad: zero or no_data" in told(found.problems)[0]


# pkg/openslo/v1/examples/alert_policies.yaml, alert_conditions.yaml, alert_notification_targets.yaml
POLICIES = """\
- apiVersion: openslo/v1
  kind: AlertPolicy
  metadata: {name: calm, displayName: Calm, labels: {env: [live]}}
  spec:
    description: Tells whoever is on call by mail
    alertWhenBreaching: true
    conditions:
      - conditionRef: disk-burns
    notificationTargets:
      - targetRef: mail-on-call
- apiVersion: openslo/v1
  kind: AlertPolicy
  metadata: {name: loud, annotations: {openslo.com/service-folder: ./x}}
  spec:
    alertWhenBreaching: true
    conditions:
      - kind: AlertCondition
        metadata: {name: heap-burns, displayName: Heap}
        spec:
          description: Burns more than three times what it may
          severity: page
          condition: {kind: burnrate, op: gt, threshold: 3, lookbackWindow: 2h, alertAfter: 15m}
    notificationTargets:
      - kind: AlertNotificationTarget
        metadata: {name: chat}
        spec: {description: Tells the chat, target: slack}
"""
CONDITIONS = """\
- apiVersion: openslo/v1
  kind: AlertCondition
  metadata: {name: disk-burns, displayName: Disk}
  spec:
    description: Burns too fast
    severity: page
    condition: {kind: burnrate, op: lte, threshold: 2, lookbackWindow: 1h, alertAfter: 5m}
- apiVersion: openslo/v1
  kind: AlertCondition
  metadata: {name: slow-day}
  spec:
    severity: warning
    condition: {kind: burnrate, op: gt, threshold: 150, lookbackWindow: 1d, alertAfter: 30m}
"""
TARGETS = """\
- apiVersion: openslo/v1
  kind: AlertNotificationTarget
  metadata: {name: mail-devs, labels: {env: [live, try]}}
  spec: {description: Mails the developers, target: email}
"""


def test_alerting():
    """Policies and conditions of other files make the tiers; a target nobody defined is a note, as `op: lte` is."""
    text = SLOS + "    alertPolicies:\n      - alertPolicyRef: calm\n      - alertPolicyRef: loud\n"
    found = sound(gather, text, POLICIES, CONDITIONS, TARGETS)
    assert [(tier.name, tier.severity, tier.long, tier.short, tier.factor) for tier in found.slos[0].tiers] == [
        ("disk-burns", "page", timedelta(hours=1), timedelta(minutes=5), 2),
        ("heap-burns", "page", timedelta(hours=2), timedelta(minutes=15), 3),
    ]
    assert [(each.file, each.line) for each in found.notes] == [("f1.yaml", 10), ("f2.yaml", 7)]


# pkg/openslo/v1/examples/data_sources.yaml and services.yaml
SOURCES = """\
- apiVersion: openslo/v1
  kind: DataSource
  metadata: {labels: {env: [live]}, name: prometheus}
  spec:
    type: Prometheus
    connectionDetails:
      - url: http://metrics.example.org
- apiVersion: openslo/v1
  kind: DataSource
  metadata: {name: lake}
  spec: {description: A lake, type: Datadog, connectionDetails: [{apiKey: hush}]}
- apiVersion: openslo/v1
  kind: Service
  metadata: {name: basket, labels: {team: [a, b]}}
  spec: {description: Where things are put}
"""


def test_sources_and_services():
    """They define nothing here and may stand beside objectives: what is asked and watched stands in tocsin.yaml."""
    found = sound(gather, SOURCES)
    assert [(each.name, each.type) for each in found.sources] == [("prometheus", "Prometheus"), ("lake", "Datadog")]
    assert found.slos == []


# examples/budgeting-method/*.yaml and examples/treat-low-traffic-as-equally-important: a source called Any
def method_example(window, method, objectives, metric="ratioMetric:\n        good: {0}\n        total: {0}"):
    any_ = "{metricSource: {type: Any, spec: {query: Any}}}"
    return (
        "# a comment\napiVersion: openslo/v1\nkind: SLO\nmetadata:\n  name: front\n  displayName: Front page\n"
        "spec:\n  description: Always there\n  service: shop\n  indicator:\n    metadata: {name: codes}\n"
        f"    spec:\n      {metric.replace('{0}', any_)}\n  timeWindow:\n    - {window}\n"
        f"  budgetingMethod: {method}\n  objectives:\n{objectives}  alertPolicies: # none yet\n"
    )


def test_budgeting_method_ratio_timeslices():
    """ratio-timeslices.yaml: the mean of the minutes' ratios; `counter` is missing and the language is not ours."""
    text = method_example("{duration: 2w, isRolling: true}", "RatioTimeslices",
                          "    - {displayName: Good, op: gt, timeSliceWindow: 1m, target: 0.98}\n")  # fmt: skip
    (found,) = sound(gather, text).slos
    assert (found.source, found.method) == ("Any", Method("ratio_timeslices", timedelta(minutes=1)))
    assert found.indicator == Indicator("good", Expression("Any"), Expression("Any"))


def test_budgeting_method_occurrences():
    """occurences-slo.yaml: a threshold whose spec is empty but for a comment."""
    text = method_example("{duration: 2w, isRolling: true}", "Occurrences",
                          "    - {displayName: Quick, op: lt, value: 400, target: 0.98}\n",
                          "thresholdMetric:\n        metricSource:\n          type: Any\n          spec:\n            # what it needs")  # fmt: skip
    (found,) = sound(gather, text).slos
    assert isinstance(found.indicator, Threshold)
    assert (found.indicator.operator, found.indicator.value, found.source) == ("lt", 400, "Any")


def test_budgeting_method_timeslices_says_minutes():
    """timeslices-slo.yaml: two promises over `1m` by the calendar. By OpenSLO's own words 1m is a minute: told, with 1M."""
    calendar = (
        "{{duration: {}, isRolling: false, calendar: {{startTime: 2026-01-01 12:00:00, timeZone: America/New_York}}}}"
    )
    goals = ("    - {displayName: Inside, op: gt, target: 0.995, timeSliceTarget: 0.9, timeSliceWindow: 1m}\n"
             "    - {displayName: SLA, target: 0.99, timeSliceTarget: 0.9, timeSliceWindow: 1m}\n")  # fmt: skip
    found = gathered(gather, method_example(calendar.format("1m"), "Timeslices", goals))
    assert told(found.problems)[0].startswith(
        "f0.yaml:17:18: '1m' is no period of a calendar (1m is minutes; a month is 1M)"
    )
    found = sound(gather, method_example(calendar.format("1M"), "Timeslices", goals))
    assert [slo.name for slo in found.slos] == ["front-inside", "front-sla"]
    assert [slo.display for slo in found.slos] == ["Front page: Inside", "Front page: SLA"]


def test_budgeting_method_numbers():
    """README of budgeting-method: two weeks are 20,160 slices of a minute, and 95 % of them leaves 16 h 48 min."""
    text = method_example("{duration: 2w, isRolling: true}", "Timeslices",
                          "    - {target: 0.95, timeSliceTarget: 0.95, timeSliceWindow: 1m}\n")  # fmt: skip
    (found,) = sound(gather, text).slos
    assert found.window / found.method.length == 20_160
    assert round(found.budget * 20_160) * found.method.length == timedelta(hours=16, minutes=48)
