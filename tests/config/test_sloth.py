"""What Sloth's files mean (slok/sloth: README, examples/, pkg/prometheus/api/v1, internal/alert/windows, plugins' READMEs).

Texts have the shapes of published examples, with names and numbers of their own.
"""

from datetime import timedelta

import pytest

from bot.config.sloth import gather
from bot.slo.measure import Expression, Indicator, Raw
from bot.slo.selector import Selector
from bot.slo.spec import Tier
from tests.config.reading import gathered, place, sound, told

# examples/getting-started.yml, with the alert_for plugin of its newest version
START = """\
version: "prometheus/v1"
service: "till"
labels:
  owner: "shop"
  tier: "2"
slos:
  # One in two hundred may fail.
  - name: "payments"
    objective: 99.5
    description: "Payments are answered."
    sli:
      events:
        error_query: sum(rate(pay_seconds_count{job="till",code=~"(5..|429)"}[{{.window}}]))
        total_query: sum(rate(pay_seconds_count{job="till"}[{{.window}}]))
    alerting:
      name: PaymentsFail
      labels:
        category: "availability"
      annotations:
        summary: "Payments fail"
      page_alert:
        labels:
          severity: pageteam
      ticket_alert:
        labels:
          severity: "slack"
"""
ERROR = Selector.parse('pay_seconds_count{job="till",code=~"(5..|429)"}')
TOTAL = Selector.parse('pay_seconds_count{job="till"}')


def change(*pairs, text=START):
    for old, new in pairs:
        assert old in text, old
        text = text.replace(old, new)
    return text


def one(text, *texts):
    (found,) = sound(gather, text, *texts).slos
    return found


def test_a_service_file():
    """getting-started: an objective is called after its service too, as Sloth's own id is; both queries are counters."""
    found = one(START)
    assert (found.name, found.service, found.display) == ("till-payments", "till", "payments")
    assert found.target == pytest.approx(0.995)
    assert found.window == timedelta(days=30)
    assert found.indicator == Indicator("bad", ERROR, TOTAL, "zero")
    assert found.labels == (("owner", "shop"), ("tier", "2"))
    assert (found.source, found.opens, found.blind_opens) == ("default", True, True)
    assert found.origin is not None
    assert f"{found.origin.line}:{found.origin.column}" == place(START, '"payments"')


# examples/home-wifi.yml
WIFI = """\
version: prometheus/v1
service: radio
slos:
  - name: content
    objective: 95
    sli:
      events:
        error_query: sum_over_time((count(radio_ratio < 0.7))[{{.window}}:]) OR on() vector(0)
        total_query: sum_over_time((count(radio_ratio))[{{.window}}:])
    alerting: {name: Content, page_alert: {labels: {severity: home}}, ticket_alert: {labels: {severity: warning}}}
  - name: at-risk
    objective: 99.9
    sli:
      events:
        error_query: sum_over_time((count(radio_ratio < 0.4))[{{.window}}:]) OR on() vector(0)
        total_query: sum_over_time((count(radio_ratio))[{{.window}}:])
    alerting: {name: Risk}
"""


def test_counts_of_a_gauge():
    """home-wifi: sums over a window are the server's, divided to rates; both sides over the same window."""
    found = sound(gather, WIFI)
    assert [slo.name for slo in found.slos] == ["radio-content", "radio-at-risk"]
    assert found.slos[1].indicator.queries == (
        Expression("(sum_over_time((count(radio_ratio < 0.4))[$window:]) OR on() vector(0)) / $seconds"),
        Expression("(sum_over_time((count(radio_ratio))[$window:])) / $seconds"),
    )


# examples/raw-home-wifi.yml
RAW = """\
version: prometheus/v1
service: radio
slos:
  - name: content
    objective: 95
    sli:
      raw:
        error_ratio_query: |
          1 - (
            sum(sum_over_time(radio_ratio[{{.window}}]))
            /
            sum(count_over_time(radio_ratio[{{.window}}]))
          )
    alerting: {name: Content}
"""


@pytest.mark.parametrize("key", ["error_ratio_query", "errorRatioQuery"])
def test_a_raw_ratio(key):
    """raw-home-wifi: a ratio of errors that the server works out; Sloth's examples spell the key both ways."""
    found = one(RAW.replace("error_ratio_query", key))
    assert isinstance(found.indicator, Raw)
    assert found.indicator.counts == "bad"
    assert "sum(count_over_time(radio_ratio[$window]))" in str(found.indicator.query)


# examples/kubernetes-apiserver.yml
LATENCY = change(
    (
        'error_query: sum(rate(pay_seconds_count{job="till",code=~"(5..|429)"}[{{.window}}]))',
        (
            "error_query: |\n          (\n            sum(rate(pay_seconds_count[{{.window}}]))\n            -\n"
            '            sum(rate(pay_seconds_bucket{le="0.4"}[{{.window}}]))\n          )'
        ),
    ),
    ('total_query: sum(rate(pay_seconds_count{job="till"}[', "total_query: sum(rate(pay_seconds_count["),
)


def test_a_difference_is_the_servers():
    """kubernetes-apiserver: too slow is all less fast enough; the total is then rated over the same window."""
    error, total = one(LATENCY).indicator.queries
    assert isinstance(error, Expression)
    assert str(error).split() == [
        "(", "sum(rate(pay_seconds_count[$window]))", "-", 'sum(rate(pay_seconds_bucket{le="0.4"}[$window]))', ")",
    ]  # fmt: skip
    assert total == Expression("sum(rate(pay_seconds_count[$window]))")


# examples/k8s-getting-started.yml, k8s-home-wifi.yml, slo-plugin-k8s-getting-started.yml
KUBERNETES = """\
apiVersion: sloth.slok.dev/v1
kind: PrometheusServiceLevel
metadata:
  name: sloth-slo-till
  namespace: monitoring
  labels: {prometheus: prometheus, role: alert-rules}
  annotations:
    tocsin.dev/runbook: till-first-look
    tocsin.dev/page-rule: burn-rate
spec:
  service: till
  labels: {owner: shop}
  sloPlugins:
    chain:
      - id: sloth.dev/core/debug/v1
        priority: 9999999
        config: {msg: last}
  slos:
    - name: payments
      objective: 99.5
      labels: {owner: counter, area: pay}
      plugins:
        chain:
          - id: sloth.dev/contrib/info_labels/v1
            config: {labels: {a: b}}
      sli:
        events:
          errorQuery: sum(rate(pay_seconds_count{job="till",code=~"(5..|429)"}[{{.window}}]))
          totalQuery: sum(rate(pay_seconds_count{job="till"}[{{.window}}]))
      alerting:
        name: PaymentsFail
        pageAlert: {labels: {severity: pageteam}}
        ticketAlert: {disable: true}
"""


def test_a_kubernetes_object():
    """The same in camel case under spec; annotations under tocsin.dev say what Sloth has no words for."""
    found = one(KUBERNETES)
    assert found.name == "till-payments"
    assert found.indicator == Indicator("bad", ERROR, TOTAL, "zero")
    assert found.labels == (("area", "pay"), ("owner", "counter"))
    assert (found.runbook, found.rule) == ("till-first-look", "burn_rate")
    assert [each.severity for each in found.tiers] == ["page", "page"]


def test_several_documents():
    """Multifile and k8s-multifile: objectives of one name in two services are two."""
    found = sound(
        gather,
        START
        + "---\n"
        + START.replace('service: "till"', 'service: "desk"')
        + "---\n"
        + KUBERNETES.replace("payments", "refunds"),
    )
    assert [slo.name for slo in found.slos] == ["till-payments", "desk-payments", "till-refunds"]


# examples/plugin-getting-started.yml, plugin-k8s-getting-started.yml
def test_an_sli_plugin_is_refused():
    """It is a Go program inside Sloth: its queries must be written out."""
    text = START[: START.index("      events")] + "      plugin: {id: some_availability, options: {job: till}}\n"
    found = gathered(gather, text)
    assert found.slos == []
    (line,) = told(found.problems)
    assert line == (
        f"f0.yaml:{place(text, 'plugin')}: SLI plugins run inside Sloth "
        "(expected events or raw, with the queries the plugin makes written out)"
    )
    assert found.names == {"till-payments"}


# examples/victoria-metrics.yml and custom_rule_group_interval.yml
def test_other_servers_words_and_intervals():
    """MetricsQL is the server's to know; labels may be numbers; how often rules run means nothing here."""
    text = """\
version: prometheus/v1
service: pump
labels: {owner: water, generated: true}
slos:
  - name: quick-90
    objective: 90
    interval: {slierror: 4m, all: 5m}
    labels: {grade: A, le: 0.2}
    sli:
      events:
        error_query: 1 - histogram_share(0.2, sum by (vmrange) (rate(pump_seconds_bucket{c="pump"}[{{.window}}])))
        total_query: vector(1)[{{.window}}]
    alerting: {name: pump, labels: {objective: 90}}
"""
    found = sound(gather, text)
    (slo,) = found.slos
    assert slo.labels == (("generated", "true"), ("grade", "A"), ("le", "0.2"), ("owner", "water"))
    assert slo.indicator.queries[1] == Expression("vector(1)[$window]")
    assert [each.factor for each in slo.tiers] == pytest.approx([6, 3, 1])
    assert told(found.notes) == [
        (
            f"f0.yaml:{place(text, '90' + chr(10) + '    interval')}: even a total outage burns only 10×: left out are "
            "page at 14.4×, which could never fire"
        )
    ]


def test_an_absent_series_of_errors_is_none():
    """Sloth says nothing of it and shows nothing; here it is no errors, unless an annotation says otherwise."""
    assert one(START).indicator.missing_bad == "zero"
    text = KUBERNETES.replace("tocsin.dev/page-rule: burn-rate", "tocsin.dev/missing-bad: no_data")
    assert one(text).indicator.missing_bad == "no_data"


def test_annotations_of_an_object():
    """Tiers and a source of its own, where Kubernetes has a place to write them."""
    text = KUBERNETES.replace("page-rule: burn-rate", 'tiers: "page:1h/5m@9"\n    tocsin.dev/source: far')
    found = sound(gather, text)
    assert found.slos[0].tiers == (Tier("page 1h/5m", "page", timedelta(hours=1), timedelta(minutes=5), 9),)
    assert found.slos[0].source == "far"
    origin = found.slos[0].origin
    assert ":".join(map(str, found.places[origin, "source"])) == place(text, "far")
    assert ":".join(map(str, found.places[origin, "runbook"])) == place(text, "till-first-look")
    assert ":".join(map(str, found.places[origin, "service"])) == place(text, "till\n  labels")


@pytest.mark.parametrize(
    ("old", "new", "where", "words"),
    [
        ('"prometheus/v1"', '"prometheus/v2"', '"prometheus/v2"', "version 'prometheus/v2' is not read (expected prometheus/v1)"),
        ('service: "till"', "service:", "\nlabels", "service is missing"),
        ("objective: 99.5", "objective: 100", "100\n", "leaves no error budget"),
        ("objective: 99.5", "objective: 0", "0\n    desc", "leaves no error budget"),
        ("objective: 99.5", "objective: high", "high", "objective is the text 'high' (expected a number)"),
        ("    objective: 99.5\n", "", None, "objective is missing"),
        ('name: "payments"', "name: 7", "7\n", "name is the number 7"),
        ("    sli:", "    slis:", "slis:", "unknown key 'slis'"),
        ("[{{.window}}]))\n        total", "[{{ .Foo }}]))\n        total", "{{ .Foo", "there is no template {{ .Foo }} (expected {{.window}})"),
        ("[{{.window}}]))\n        total", "[{{.window}}])\n        total", '(rate(pay_seconds_count{job="till",', "the ( is never closed"),
        ("      page_alert:", "      page_alerts:", "page_alerts", "unknown key 'page_alerts'"),
        ("      page_alert:", "      page_alert:\n        disable: perhaps", "perhaps", "true or false"),
        ('  tier: "2"', "  tier: [2]", "[2]", "label tier is a list"),
    ],
)  # fmt: skip
def test_mistakes_have_their_places(old, new, where, words):
    """File, line and column, what is wrong and what was expected."""
    text = change((old, new))
    found = gathered(gather, text)
    lines = [each for each in told(found.problems) if words in each]
    assert lines, told(found.problems)
    if where and where[0] != "\n":
        assert lines[0].startswith(f"f0.yaml:{place(text, where)}: "), lines


@pytest.mark.parametrize(
    ("sli", "words"),
    [
        ("{}", "an SLI is of one kind (expected events or raw)"),
        ("{events: {error_query: a}}", "total_query is missing"),
        ("{events: {error_query: '', total_query: a}}", "error_query is empty"),
        ("{events: {error_query: a, total_query: b}, raw: {error_ratio_query: c}}", "an SLI is of one kind"),
        ("{raw: {}}", "error_ratio_query is missing"),
        ("{raw: {query: a}}", "unknown key 'query'"),
    ],
)
def test_indicators_that_cannot_be_meant(sli, words):
    """Events has two queries, raw has one, and only one of them stands."""
    text = START[: START.index("    sli:")] + f"    sli: {sli}\n"
    found = gathered(gather, text)
    assert found.slos == []
    assert any(words in each for each in told(found.problems)), told(found.problems)


@pytest.mark.parametrize("junk", ["slos: 3", "slos: []", "slos: [3]", "slos: [{}]", "slos: [[]]", "labels: 3"])
def test_junk_is_told(junk):
    """Whatever stands there, the answer is a list of places to correct."""
    found = gathered(gather, f"version: prometheus/v1\nservice: s\n{junk}\n")
    assert found.problems
    assert found.slos == []
