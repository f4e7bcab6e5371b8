"""What OpenSLO's indicators count, from which source, and what several objectives are (its README: SLI, DataSource)."""

import pytest

from bot.config.openslo import gather
from bot.slo.measure import Expression, Indicator, Raw, Threshold
from bot.slo.selector import Selector
from tests.config.openslo_texts import GOOD, asked, one, slo
from tests.config.reading import gathered, place, sound, told


def test_several_objectives_are_several_promises():
    """Each is called after the SLO and what tells it apart: its name, its threshold, else its place in the list."""
    found = sound(gather, slo(["{displayName: On Time!, target: 0.95}", "{target: 0.99}", "{targetPercent: 99.9}"]))
    assert [(each.name, each.target) for each in found.slos] == [
        ("till-on-time", 0.95), ("till-2", 0.99), ("till-3", pytest.approx(0.999)),
    ]  # fmt: skip
    assert found.names == {"till-on-time", "till-2", "till-3"}
    queue = f"  indicator: {{spec: {{thresholdMetric: {asked('queue')}}}}}\n"
    found = sound(gather, slo(["{op: lt, value: 50, target: 0.9}", "{op: lt, value: 200, target: 0.99}"],
                              indicator=queue).replace("missing-bad: zero", 'tiers: "page:1h/5m@9"'))  # fmt: skip
    assert [(each.name, str(each.indicator)) for each in found.slos] == [
        ("till-lt-50", "queue < 50"), ("till-lt-200", "queue < 200"),
    ]  # fmt: skip


def test_objectives_that_are_called_alike_are_numbered():
    """Names are identities: two may not be the same."""
    found = sound(gather, slo(["{displayName: SLA, target: 0.95}", "{displayName: sla, target: 0.99}"]))
    assert [each.name for each in found.slos] == ["till-sla-1", "till-sla-2"]


@pytest.mark.parametrize(
    ("ratio", "means"),
    [
        (f"{{counter: true, bad: {asked('bad_total')}, total: {asked('all_total')}}}",
         Indicator("bad", Selector("bad_total"), Selector("all_total"), "zero")),
        (f"{{counter: true, good: {asked('sum(rate(ok[5m]))')}, total: {asked('sum(all)')}}}",
         Indicator("good", Selector("ok"), Selector("all"))),
        (f"{{good: {asked('ok_total')}, total: {asked('lag_seconds_count')}}}",
         Indicator("good", Selector("ok_total"), Selector("lag_seconds_count"))),
        (f"{{good: {asked('rate(ok[5m])')}, total: {asked('rate(all[5m])')}}}",
         Indicator("good", Selector("ok"), Selector("all"))),
        (f"{{counter: false, good: {asked('up_now')}, total: {asked('wanted')}}}",
         Indicator("good", Expression("sum(up_now)"), Expression("sum(wanted)"))),
        (f"{{counter: false, good: {asked('count(up == 1)')}, total: {asked('count(up)')}}}",
         Indicator("good", Expression("count(up == 1)"), Expression("count(up)"))),
        (f"{{counter: true, good: {asked('sum(rate(a[5m]))-sum(rate(b[5m]))')}, total: {asked('a')}}}",
         Indicator("good", Expression("sum(rate(a[5m]))-sum(rate(b[5m]))"), Expression("sum(rate(a[$window]))"))),
        (f"{{rawType: success, raw: {asked('happy_ratio')}}}", Raw("good", Selector("happy_ratio"))),
        (f"{{counter: true, rawType: failure, raw: {asked('1 - avg(happy)')}}}", Raw("bad", Expression("1 - avg(happy)"))),
    ],
)  # fmt: skip
def test_ratio_metrics(ratio, means):
    """Good or bad of total, or raw with rawType (README, "Ratio Metric"); both sides are counted in the same way."""
    text = slo(["{target: 0.99}"], indicator=f"  indicator: {{spec: {{ratioMetric: {ratio}}}}}\n")
    assert one(text).indicator == means


@pytest.mark.parametrize(
    ("query", "means"),
    [
        ("queue_length", Threshold(Selector("queue_length"), "lte", 30)),
        ("sum(queue_length)", Threshold(Expression("sum(queue_length)"), "lte", 30)),
        ("time() - last_success", Threshold(Selector("last_success"), "lte", 30, age=True)),
    ],
)
def test_threshold_metrics(query, means):
    """The value is compared with the objective's op and value; the age of a moment is freshness."""
    indicator = f"  indicator: {{spec: {{thresholdMetric: {asked(query)}}}}}\n"
    assert one(slo(["{target: 0.99, op: lte, value: 30}"], indicator=indicator)).indicator == means


@pytest.mark.parametrize(
    ("spec", "objective", "words"),
    [
        (f"thresholdMetric: {asked('q')}", "{target: 0.99}", ["needs op, and it is missing", "needs value, and it is"]),
        (f"thresholdMetric: {asked('q')}", "{target: 0.99, op: lt}", ["needs value"]),
        (f"thresholdMetric: {asked('q')}", "{target: 0.99, op: below, value: 1}", ["op is the text 'below'"]),
        (f"thresholdMetric: {asked('q')}", "{target: 0.99, op: lt, value: much}", ["value is the text 'much'"]),
        (f"thresholdMetric: {asked('')}", "{target: 0.99, op: lt, value: 1}", ["query is empty"]),
        (f"thresholdMetric: {asked('q')}, ratioMetric: {{}}", "{target: 0.99}", ["an SLI has one metric"]),
        ("description: none", "{target: 0.99}", ["an SLI has one metric"]),
        (f"ratioMetric: {{raw: {asked('q')}}}", "{target: 0.99}", ["rawType is missing (expected success or failure)"]),
        (f"ratioMetric: {{rawType: good, raw: {asked('q')}}}", "{target: 0.99}", ["rawType is the text 'good'"]),
        (f"ratioMetric: {{rawType: success, raw: {asked('q')}, good: {asked('q')}}}", "{target: 0.99}", ["beside a raw"]),
        (f"ratioMetric: {{counter: true, good: {asked('g')}, bad: {asked('b')}, total: {asked('t')}}}", "{target: 0.99}",
         ["good or bad"]),
        (f"ratioMetric: {{counter: true, rawType: success, good: {asked('g')}, total: {asked('t')}}}", "{target: 0.99}",
         ["rawType is for a raw ratio"]),
        (f"ratioMetric: {{good: {asked('served')}, total: {asked('asked')}}}", "{target: 0.99}",
         ["counter is missing, and nothing in served says whether it only grows"]),
        (f"ratioMetric: {{counter: true, good: {asked('a + b')}, total: {asked('t')}}}", "{target: 0.99}",
         ["neither one raw counter nor a rate"]),
        (f"ratioMetric: {{counter: true, good: {asked('rate(g[{{ .Step }}])')}, total: {asked('t')}}}", "{target: 0.99}",
         ["there is no template {{ .Step }} (expected {{.window}})"]),
    ],
)  # fmt: skip
def test_indicators_that_cannot_be_meant(spec, objective, words):
    """Each is told with its place, and the objective is left out."""
    found = gathered(gather, slo([objective], indicator=f"  indicator: {{spec: {{{spec}}}}}\n"))
    assert found.slos == []
    for each in words:
        assert [line for line in told(found.problems) if each in line], told(found.problems)


def test_a_slip_in_a_block_of_text_is_told_at_its_line():
    """A query written as a block over several lines is told at its own line and column, not at the block's beginning."""
    indicator = GOOD.replace(
        "good: {metricSource: {type: Prometheus, spec: {query: paid_total}}}",
        "good:\n          metricSource:\n            spec:\n              query: |\n                sum(\n"
        '                  rate(paid_total{till~="3"}[5m])\n                )',
    )  # fmt: skip
    text = slo(["{target: 0.99}"], indicator=indicator)
    (problem,) = gathered(gather, text).problems
    assert f"{problem.line}:{problem.column}" == place(text, '~="3"')
    assert "no operator after 'till'" in problem.what


def test_an_operator_beside_a_ratio_is_harmless():
    """OpenSLO's examples write `op: gt` on ratios; what could be meant otherwise is noted."""
    assert sound(gather, slo(["{op: gt, target: 0.99}"])).notes == []
    (note,) = sound(gather, slo(["{op: lt, target: 0.99}"])).notes
    assert note.what == "op: lt means nothing beside a ratioMetric"


@pytest.mark.parametrize(
    ("source", "means"),
    [
        ("{metricSourceRef: main, spec: {query: a}}", "main"),
        ("{metricSourceRef: main, type: Prometheus, spec: {query: a}}", "main"),
        ("{type: Prometheus, spec: {query: a}}", "default"),
        ("{type: prometheus, spec: {query: a}}", "default"),
        ("{spec: {query: a}}", "default"),
        ("{type: openmetrics, spec: {query: a}}", "openmetrics"),
        ("{type: BigQuery, spec: {query: SELECT 1, table: x}}", "BigQuery"),
    ],
)
def test_sources(source, means):
    """A DataSource's name is a source's name; a type of the Prometheus family alone is the source there is."""
    indicator = f"  indicator: {{spec: {{thresholdMetric: {{metricSource: {source}}}}}}}\n"
    assert one(slo(["{target: 0.99, op: lt, value: 1}"], indicator=indicator)).source == means


def test_another_language_is_not_ours_to_read():
    """The query of a source nobody set up here is kept as it is: whether there is such a source is another question."""
    datadog = "sum:trace.http.request.hits{status:200}.as_count()"
    indicator = f"  indicator: {{spec: {{ratioMetric: {{counter: true, good: {asked(datadog, 'Datadog')}, total: {asked(datadog, 'Datadog')}}}}}}}\n"
    found = one(slo(["{target: 0.99}"], indicator=indicator))
    assert found.indicator == Indicator("good", Expression(datadog), Expression(datadog))
    assert found.source == "Datadog"


def test_a_source_is_described_by_a_data_source():
    """The type may stand in the DataSource alone (README, SLI); its connection details are nobody's to read here."""
    described = ("apiVersion: openslo/v1\nkind: DataSource\nmetadata: {name: lake}\n"
                 "spec: {type: Redshift, connectionDetails: [{secretAccessKey: hush}]}\n")  # fmt: skip
    indicator = (
        "  indicator: {spec: {thresholdMetric: {metricSource: {metricSourceRef: lake, spec: {query: SELECT 1}}}}}\n"
    )
    found = sound(gather, slo(["{target: 0.99, op: lt, value: 1}"], indicator=indicator), described)
    assert found.slos[0].indicator == Threshold(Expression("SELECT 1"), "lt", 1)
    assert [(each.name, each.type, each.at.line) for each in found.sources] == [("lake", "Redshift", 4)]
    assert "hush" not in repr(found)
