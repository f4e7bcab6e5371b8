"""What Pyrra's objects mean (pyrra-dev/pyrra: examples/, its CustomResourceDefinition, slo/rules.go, slo/slo.go).

Texts have the shapes of published examples, with names and numbers of their own.
"""

from datetime import timedelta

import pytest

from bot.config.pyrra import gather
from bot.slo.measure import Expression, Indicator, Threshold
from bot.slo.selector import Selector
from tests.config.reading import gathered, place, sound, told

# examples/kubernetes/manifests/slos/slo-coredns-response-errors.yaml and its like
RATIO = """\
apiVersion: pyrra.dev/v1alpha1
kind: ServiceLevelObjective
metadata:
  labels:
    prometheus: k8s
    role: alert-rules
    pyrra.dev/service: names
  name: names-answers
  namespace: monitoring
spec:
  description: "Names are answered"
  indicator:
    ratio:
      errors:
        metric: dns_responses_total{job="names",rcode="SERVFAIL"}
      total:
        metric: dns_responses_total{job="names"}
  target: "99.9"
  window: 4w
"""
ERRORS = Selector.parse('dns_responses_total{job="names",rcode="SERVFAIL"}')
TOTAL = Selector.parse('dns_responses_total{job="names"}')


def change(*pairs, text=RATIO):
    for old, new in pairs:
        assert old in text, old
        text = text.replace(old, new)
    return text


def indicator(yaml):
    start, end = RATIO.index("  indicator:"), RATIO.index("  target")
    return RATIO[:start] + f"  indicator: {yaml}\n" + RATIO[end:]


def one(text):
    (found,) = sound(gather, text).slos
    return found


def test_a_ratio():
    """Errors of total, each a counter whose rate Pyrra takes; absent errors are none, as in its `or vector(0)`."""
    found = sound(gather, RATIO)
    (slo,) = found.slos
    assert (slo.name, slo.service, slo.description) == ("names-answers", "names", "Names are answered")
    assert (slo.target, slo.window, slo.source) == (pytest.approx(0.999), timedelta(weeks=4), "default")
    assert slo.indicator == Indicator("bad", ERRORS, TOTAL, "zero")
    assert (slo.opens, slo.blind_opens) == (True, True)
    assert found.notes == []
    assert ":".join(map(str, found.places[slo.origin, "service"])) == place(RATIO, "names\n  name")


def test_another_ratio():
    """slo-kubelet-runtime-errors: errors and total may be metrics of their own."""
    text = change(('dns_responses_total{job="names",rcode="SERVFAIL"}', 'dns_errors_total{job="names"}'))
    assert one(text).indicator == Indicator("bad", Selector.parse('dns_errors_total{job="names"}'), TOTAL, "zero")


@pytest.mark.parametrize(
    ("ratio", "means"),
    [
        ("{success: {metric: ok_total}, total: {metric: all_total}}",
         Indicator("good", Selector("ok_total"), Selector("all_total"))),
        ("{errors: {metric: bad_total}, success: {metric: ok_total}}",
         Indicator("bad", Expression("sum(rate(bad_total[$window]))"),
                   Expression("(sum(rate(bad_total[$window])) or vector(0)) + sum(rate(ok_total[$window]))"), "zero")),
    ],
)  # fmt: skip
def test_any_two_of_a_ratio_give_the_third(ratio, means):
    """Total less success are errors; errors and success together are the total, which the server adds up."""
    assert one(indicator(f"{{ratio: {ratio}}}")).indicator == means


# slo-apiserver-read-cluster-latency.yaml, caddy-response-latency.yaml, mimir/example-slo.yaml
def test_latency():
    """The bucket with `le` is the good part; the count the total."""
    text = indicator(
        '{latency: {success: {metric: \'lag_seconds_bucket{job="api",le="0.5"}\'}, total: {metric: \'lag_seconds_count{job="api"}\'}}}'
    )
    assert one(text).indicator == Indicator(
        "good", Selector.parse('lag_seconds_bucket{job="api",le="0.5"}'), Selector.parse('lag_seconds_count{job="api"}')
    )


# dynamic-burn-rate-latency-native.yaml, its burn rate and grouping aside
def test_native_latency():
    """A native histogram's fraction below the limit, times its count: both worked out by the server."""
    text = indicator("{latencyNative: {latency: 200ms, total: {metric: 'rpc_seconds{code=\"ok\"}'}}}")
    rate = 'sum(rate(rpc_seconds{code="ok"}[$window]))'
    assert one(text).indicator == Indicator(
        "good",
        Expression(f"histogram_fraction(0, 0.2, {rate}) * histogram_count({rate})"),
        Expression(f"histogram_count({rate})"),
    )


# dynamic-burn-rate-bool-gauge.yaml, its burn rate aside
def test_bool_gauge():
    """Each sample that is 1 is good: Pyrra counts samples and sums them."""
    found = one(indicator("{bool_gauge: {metric: 'up{job=\"names\"}'}}"))
    assert found.indicator == Threshold(Selector.parse('up{job="names"}'), "gte", 1)


# slo-prometheus-query-errors-with-offset.yaml
def test_a_metric_with_an_offset():
    """What is moved in time cannot be counted as it comes: rates are asked of the server, moved alike."""
    text = change(
        ('rcode="SERVFAIL"}', 'rcode="SERVFAIL"} offset 1m'), ('total{job="names"}\n', 'total{job="names"} offset 1m\n')
    )
    assert one(text).indicator == Indicator(
        "bad",
        Expression(f"sum(rate({ERRORS}[$window] offset 1m))"),
        Expression(f"sum(rate({TOTAL}[$window] offset 1m))"),
        "zero",
    )


@pytest.mark.parametrize(
    ("window", "tiers"),
    [
        ("28d", [(60, 5, 14), (360, 30, 7), (1440, 120, 2), (5760, 360, 1)]),
        ("4w", [(60, 5, 14), (360, 30, 7), (1440, 120, 2), (5760, 360, 1)]),
        ("2w", [(30, 3, 14), (180, 15, 7), (720, 60, 2), (2880, 180, 1)]),
        ("1w", [(15, 1, 14), (90, 8, 7), (360, 30, 2), (1440, 90, 1)]),
        ("30d", [(64, 5, 14), (386, 32, 7), (1543, 129, 2), (6171, 386, 1)]),
    ],
)
def test_alerts_are_scaled_with_the_window(window, tiers):
    """Windows(): 1 h and 5 m, 6 h and 30 m, 1 d and 2 h, 4 d and 6 h for 28 days, to the minute (2.5 m is 3 m)."""
    found = one(change(("window: 4w", f"window: {window}")))
    assert [
        (each.long.total_seconds() / 60, each.short.total_seconds() / 60, each.factor) for each in found.tiers
    ] == tiers
    assert [each.severity for each in found.tiers] == ["page", "page", "ticket", "ticket"]


@pytest.mark.parametrize(
    ("window", "target", "minutes"), [("4w", "99.9", 3), ("4w", "99", 10), ("4w", "95", 44), ("2w", "99", 5)]
)
def test_how_long_a_metric_may_be_absent(window, target, minutes):
    """AbsentDuration(): as long as the fastest alert would take if all failed meanwhile, and its `for`, to the minute."""
    found = one(change(("window: 4w", f"window: {window}"), ('"99.9"', f'"{target}"')))
    assert found.no_data_after == timedelta(minutes=minutes)


def test_an_annotation_says_otherwise():
    """What Pyrra has no words for."""
    notes = "  annotations:\n    tocsin.dev/no-data-after: 1h\n    tocsin.dev/service: dns\n    tocsin.dev/tiers: page:1h/5m@9\n  labels:"
    found = one(change(("  labels:", notes)))
    assert (found.no_data_after, found.service, [each.factor for each in found.tiers]) == (
        timedelta(hours=1),
        "dns",
        [9],
    )


@pytest.mark.parametrize(
    ("alerting", "opens", "blind_opens", "severities"),
    [
        ("{}", True, True, ["page", "page", "ticket", "ticket"]),
        ("{name: Burns, absentName: Gone, burnRateType: static}", True, True, ["page", "page", "ticket", "ticket"]),
        ("{burnrates: true, absent: false}", True, False, ["page", "page", "ticket", "ticket"]),
        ("{burnrates: false}", False, True, ["ticket", "ticket"]),
        ("{disabled: true}", False, False, ["ticket", "ticket"]),
        ("{severities: {fastBurn: page, mediumBurn: warning, slowBurn: info}}", True, True, ["page", "ticket", "ticket", "ticket"]),
    ],
)  # fmt: skip
def test_alerting(alerting, opens, blind_opens, severities):
    """disabled, burnrates and absent; severities by their names. Off opens nothing, and the burn rates are still shown."""
    found = one(RATIO + f"  alerting: {alerting}\n")
    assert (found.opens, found.blind_opens) == (opens, blind_opens)
    assert [each.severity for each in found.tiers] == severities


# dynamic-burn-rate-*.yaml, latency-dynamic-burnrate.yaml, demo-dynamic-burnrate.yaml
def test_burn_rates_that_follow_the_traffic_are_refused():
    """They stand for a constant number of errors, which no tier here has; evidence is asked for anyway."""
    text = RATIO + "  alerting: {burnRateType: dynamic, burnrates: true}\n"
    found = gathered(gather, text)
    assert found.slos == []
    assert told(found.problems)[0].startswith(
        f"f0.yaml:{place(text, 'dynamic')}: burn rates that follow the traffic are not read"
    )


# slo-prometheus-operator-reconcile-errors.yaml
def test_grouping_by_one_label():
    """Its values are watched against one another under one budget."""
    found = one(change(("      total:\n", "      grouping:\n      - controller\n      total:\n")))
    assert found.slice_by == "controller"
    assert one(change(("      total:\n", "      grouping: null\n      total:\n"))).slice_by == ""


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (change(("      total:\n", "      grouping: [handler, method]\n      total:\n")),
         "only one label can be watched at a time (expected one of handler, method, or an objective for each value"),
        (change(("      total:\n", "      grouping: handler\n      total:\n")), "grouping is the text 'handler'"),
        (indicator("{latencyNative: {latency: 1s, total: {metric: m}, grouping: [a]}}"), "a can be told apart only in raw"),
    ],
)  # fmt: skip
def test_grouping_that_cannot_be_meant(text, words):
    """Two labels are an objective for each of their pairs in Pyrra: here one of them, or several objectives."""
    found = gathered(gather, text)
    assert found.slos == []
    assert any(words in each for each in told(found.problems)), told(found.problems)


# kustomize-generator/krm.yaml
def test_what_only_pyrra_needs_is_left_aside():
    """Annotations of other tools, how rules are written, a status; being fast at the price of accuracy is noted."""
    text = change(("  labels:", "  annotations:\n    config.kubernetes.io/local-config: 'true'\n  labels:")) + (
        "  partial_response_strategy: warn\n  performanceOverAccuracy: true\nstatus: {type: PrometheusRule}\n"
    )
    found = sound(gather, text)
    assert len(found.slos) == 1
    assert [each.what for each in found.notes] == [
        "performanceOverAccuracy is left aside: counts here are exact, and cost no more for it"
    ]


def test_an_objective_that_names_no_service():
    """Most examples name none: it is taken for one called like the objective, and said where to write it."""
    found = sound(gather, change(("    pyrra.dev/service: names\n", "")))
    assert found.slos[0].service == "names-answers"
    assert told(found.notes)[0].endswith("(expected the annotation tocsin.dev/service)")
    assert one(change(("pyrra.dev/service", "service"))).service == "names"


# nginx.yaml and caddy-response-latency.yaml: 90 %
def test_alerts_that_could_never_fire_are_left_out():
    """At 90 % a total outage burns 10×: Pyrra's 14× never fires there, and is told instead."""
    found = sound(gather, change(('"99.9"', "'90'")))
    assert [each.factor for each in found.slos[0].tiers] == [7, 2, 1]
    assert "page at 14×, which could never fire" in found.notes[0].what


@pytest.mark.parametrize(
    ("old", "new", "where", "words"),
    [
        ("v1alpha1", "v1beta1", "pyrra.dev/v1beta1", "there is no apiVersion 'pyrra.dev/v1beta1' (expected pyrra.dev/v1alpha1)"),
        ("kind: ServiceLevelObjective", "kind: Objective", "Objective", "there is no kind 'Objective'"),
        ('target: "99.9"', 'target: "0.999"', '"0.999"', "target is a percentage: 0.999 is 0.999 %, and probably 99.9 is meant"),
        ('target: "99.9"', 'target: "100"', '"100"', "leaves no error budget"),
        ('target: "99.9"', 'target: "0"', '"0"', "leaves no error budget"),
        ('target: "99.9"', "target: most", "most", "target is the text 'most' (expected a percentage in quotes"),
        ('target: "99.9"', "target: yes", "yes", "target is true"),
        ('  target: "99.9"\n', "", None, "target is missing"),
        ("window: 4w", "window: soon", "soon", "'soon' is no length of time"),
        ("window: 4w", "window: 6h", "6h", "a window of a day or more"),
        ("    ratio:", "    ratios:", "ratios", "unknown key 'ratios'"),
        ("      errors:", "      failures:", "failures", "unknown key 'failures'"),
        ('metric: dns_responses_total{job="names"}', "metric: sum(rate(dns_responses_total[5m]))", "sum(", "a metric is one selector"),
        ('metric: dns_responses_total{job="names"}', "metric: dns_responses_total{job=", "{job=\n", "the { is never closed"),
        ('metric: dns_responses_total{job="names"}', "metric: ''", "''", "metric is empty"),
        ('        metric: dns_responses_total{job="names"}', "        metric: x\n        matchers: []", "matchers", "unknown key 'matchers'"),
        ("  name: names-answers\n", "", None, "name is missing"),
    ],
)  # fmt: skip
def test_mistakes_have_their_places(old, new, where, words):
    """File, line and column, what is wrong and what was expected."""
    text = change((old, new))
    found = gathered(gather, text)
    assert found.slos == []
    lines = [each for each in told(found.problems) if words in each]
    assert lines, told(found.problems)
    if where:
        assert lines[0].startswith(f"f0.yaml:{place(text, where)}: "), lines


@pytest.mark.parametrize(
    ("yaml", "words"),
    [
        ("{}", "an objective has one indicator (expected ratio or latency or latencyNative or bool_gauge)"),
        ("{bool_gauge: {metric: a}, ratio: {}}", "an objective has one indicator"),
        ("{ratio: {errors: {metric: a}}}", "a ratio is told by two of three"),
        ("{ratio: {errors: {metric: a}, success: {metric: b}, total: {metric: c}}}", "a ratio is told by two of three"),
        ("{latency: {success: {metric: a_bucket}, total: {metric: a_count}}}", 'which bucket is fast enough (expected a matcher such as le="0.5")'),
        ("{latencyNative: {latency: 200, total: {metric: a}}}", "latency is the number 200"),
        ("{latencyNative: {latency: quick, total: {metric: a}}}", "'quick' is no length of time (expected such as 200ms"),
        ("{latencyNative: {total: {metric: a}}}", "latency is missing"),
        ("{bool_gauge: {}}", "metric is missing"),
        ("3", "indicator is the number 3"),
    ],
)  # fmt: skip
def test_indicators_that_cannot_be_meant(yaml, words):
    """nginx.yaml's latency names no bucket: Pyrra itself refuses it."""
    found = gathered(gather, indicator(yaml))
    assert found.slos == []
    assert any(words in each for each in told(found.problems)), told(found.problems)


@pytest.mark.parametrize("junk", ["spec: 3", "metadata: []", "spec: {alerting: 3}", "metadata: {name: [a]}\nspec: {}"])
def test_junk_is_told(junk):
    """Whatever stands there, the answer is a list of places to correct."""
    found = gathered(gather, f"apiVersion: pyrra.dev/v1alpha1\nkind: ServiceLevelObjective\n{junk}\n")
    assert found.problems
    assert found.slos == []
