import copy
from dataclasses import replace
from datetime import timedelta

import pytest
import yaml

from bot.config.marks import read_yaml
from bot.config.openslo import places, read
from bot.config.openslo_checks import overlaps
from bot.slo.spec import Origin, Slice, default_tiers

PLAIN = """\
apiVersion: openslo/v1
kind: SLO
metadata:
  name: recall-poor
  displayName: Recall for people in poor health
  labels: {team: triage, area: [ml, health]}
  annotations:
    owner/note: kept out
    tocsin.dev/slice: "health=poor"
    tocsin.dev/tiers: "page:15s/5s@1.7, ticket:1m/10s@1.2"
    tocsin.dev/min-events: "20"
    tocsin.dev/no-data-after: 2m
    tocsin.dev/recover-for: 30s
    tocsin.dev/runbook: slice-recall
    tocsin.dev/severity: 2
    tocsin.dev/missing-bad: zero
spec:
  description: Of those who need a visit, enough are found.
  service: triage
  indicator:
    metadata: {name: recall}
    spec:
      ratioMetric:
        counter: true
        bad:
          metricSource:
            metricSourceRef: demo
            type: openmetrics
            spec:
              query: 'missed_total{health="poor"}'
        total:
          metricSource:
            metricSourceRef: demo
            type: openmetrics
            spec:
              query: positives_total{health="poor"}
  timeWindow:
    - duration: 1h
      isRolling: true
  budgetingMethod: Occurrences
  objectives:
    - displayName: found
      target: 0.65
"""


def change(*pairs):
    text = PLAIN
    for old, new in pairs:
        assert old in text, old
        text = text.replace(old, new)
    return text


def test_reads_every_field():
    """A whole SLO with all annotations is read without a problem."""
    (slo,), problems = read(PLAIN, "slos/recall.yaml")
    assert problems == []
    assert (slo.name, slo.service, slo.display) == ("recall-poor", "triage", "Recall for people in poor health")
    assert (slo.target, slo.window, slo.source) == (0.65, timedelta(hours=1), "demo")
    assert str(slo.indicator) == 'bad missed_total{health="poor"} of positives_total{health="poor"}'
    assert slo.indicator.missing_bad == "zero"
    assert slo.slice == Slice("health", "poor")
    assert [(t.severity, t.factor, t.long.seconds, t.short.seconds) for t in slo.tiers] == [
        ("page", 1.7, 15, 5), ("ticket", 1.2, 60, 10),
    ]  # fmt: skip
    assert (slo.min_events, slo.severity, slo.runbook) == (20, 2, "slice-recall")
    assert (slo.no_data_after, slo.recover_for) == (timedelta(minutes=2), timedelta(seconds=30))
    assert slo.labels == (("area", "ml,health"), ("team", "triage"))
    assert slo.origin == Origin("slos/recall.yaml", 4, 9)


def test_defaults_and_percent():
    """Without annotations the Workbook's tiers hold; a percentage is a target; good events need no missing policy."""
    annotations = PLAIN[PLAIN.index("  annotations") : PLAIN.index("spec:\n")]
    text = change((annotations, ""), ("target: 0.65", "targetPercent: 99.5"), ("        bad:", "        good:"),
                  ("duration: 1h", "duration: 4w"))  # fmt: skip
    (slo,), problems = read(text, "f.yaml")
    assert problems == []
    assert slo.target == pytest.approx(0.995)
    assert slo.tiers == default_tiers(timedelta(weeks=4))
    assert slo.indicator.counts == "good"
    assert slo.min_events == 10


def test_several_documents_and_references():
    """SLIs are found by name in the same file; services and data sources may stand beside them; empty documents too."""
    start, end = PLAIN.index("  indicator:\n"), PLAIN.index("  timeWindow")
    block = PLAIN[start:end]
    ratio = "\n".join(line[4:] for line in block[block.index("      ratioMetric") :].splitlines())
    sli = f"apiVersion: openslo/v1\nkind: SLI\nmetadata: {{name: recall}}\nspec:\n{ratio}\n"
    service = "apiVersion: openslo/v1\nkind: Service\nmetadata: {name: triage}\nspec: {description: x}\n"
    text = "---\n".join([service, change((block, "  indicatorRef: recall\n")), "", sli])
    (slo,), problems = read(text, "f.yaml")
    assert problems == []
    assert slo.indicator.part.metric == "missed_total"
    assert slo.origin is not None
    place = places(read_yaml(text, "f.yaml")[0])[slo.origin, "source"]
    assert text.splitlines()[place[0] - 1][place[1] - 1 :] == "demo"
    _, problems = read(change((block, "  indicatorRef: precision\n")), "f.yaml")
    assert [(p.line, p.what, p.expected) for p in problems] == [
        (20, "there is no SLI 'precision'", "none in this file")
    ]


def where(text, line, column, words):
    """Read a text that has exactly one problem, and check its place and words; the objective is left out."""
    slos, problems = read(text, "f.yaml")
    assert slos == []
    assert [str(problem) for problem in problems if words not in f"{problem.what} {problem.expected}"] == []
    assert [(problem.line, problem.column) for problem in problems] == [(line, column)], [str(p) for p in problems]


@pytest.mark.parametrize(
    ("old", "new", "line", "column", "words"),
    [
        ("openslo/v1", "openslo/v2alpha1", 1, 13, "openslo/v1"),
        ("kind: SLO", "kind: Slo", 2, 7, "no kind 'Slo'"),
        ("kind: SLO", "kind: AlertPolicy", 19, 3, "unknown key 'service'"),
        ("name: recall-poor", "title: recall-poor", 4, 3, "unknown key 'title'"),
        ("  service: triage", "  service: 7", 19, 12, "the number 7"),
        ("  service: triage", "  service: no", 19, 12, "yes/no"),
        ("  service: triage", "  service: triage\n  slo: x", 20, 3, "unknown key 'slo'"),
        ("  service: triage", "  service: triage\n  alertPolicies: all", 20, 18, "a list of alert policies"),
        ("tocsin.dev/runbook", "tocsin.dev/runbok", 14, 5, "unknown key"),
        ("counter: true", "counter: maybe", 24, 18, "true or false"),
        ("duration: 1h", "duration: 1M", 38, 17, "1M"),
        ("isRolling: true", "isRolling: maybe", 39, 18, "true"),
        ("isRolling: true", "isRolling: false", 38, 7, "calendar"),
        ("Occurrences", "Timeslices", 42, 7, "timeSliceWindow is missing"),
        ("Occurrences", "Sometimes", 40, 20, "no method"),
        ("target: 0.65", "target: 65", 43, 15, "between 0 and 1"),
        ("target: 0.65", "target: 1.0", 43, 15, "between 0 and 1"),
        ("target: 0.65", 'target: "0.65"', 43, 15, "a number"),
        ("target: 0.65", "target: .nan", 43, 15, "a number"),
        ("target: 0.65", "target: true", 43, 15, "yes/no"),
        ("target: 0.65", "target: 0.65\n      op: most", 44, 11, "lte, gte, lt or gt"),
        ("target: 0.65", "target: 0.65\n    - target: 7", 44, 15, "between 0 and 1"),
        ("target: 0.65", "target: 0.65\n      targetPercent: 65", 42, 7, "one target"),
        ("'missed_total{health", "'missed_total{health~", 30, 42, "operator"),
        ("query: positives_total", "query: sum(positives_total", 36, 25, "never closed"),
        ('min-events: "20"', 'min-events: "0"', 11, 28, "whole number"),
        ("severity: 2", "severity: 9", 15, 26, "from 1 to 5"),
        ("recover-for: 30s", "recover-for: soon", 13, 29, "soon"),
        ("missing-bad: zero", "missing-bad: fine", 16, 29, "no_data"),
        ('"health=poor"', '"poor"', 9, 23, "health=poor"),
        ("ticket:1m/10s@1.2", "ticket:1m/2m@1.2", 10, 41, "not shorter"),
    ],
)  # fmt: skip
def test_every_problem_has_its_place(old, new, line, column, words):
    """Whatever cannot be used is told once, with line and column and what was expected; the objective is left out."""
    text = change((old, new))
    slos, problems = read(text, "f.yaml")
    assert slos == []
    told = [problem for problem in problems if words in f"{problem.what} {problem.expected}"]
    assert (line, column) in [(problem.line, problem.column) for problem in told], [str(p) for p in problems]


def test_unreachable_tiers_name_what_can_be_reached():
    """At 65 % even a total outage burns 2.86×: a tier at 14.4× is refused, naming the largest factor that works."""
    where(change(("@1.7", "@14.4")), 10, 23, "2.85")
    annotation = '    tocsin.dev/tiers: "page:15s/5s@1.7, ticket:1m/10s@1.2"\n'
    _, problems = read(change((annotation, "")), "f.yaml")
    assert {problem.line for problem in problems} == {41}
    assert "tocsin.dev/tiers" in problems[0].what
    assert problems[0].expected == "a factor up to 2.85"


def test_bad_events_without_a_policy_are_a_trap():
    """A failure counter may not exist before the first failure: the author must say what its absence means."""
    slos, problems = read(change(("    tocsin.dev/missing-bad: zero\n", "")), "f.yaml")
    assert slos == []
    (problem,) = problems
    assert (problem.line, problem.column) == (24, 9)
    assert "until the first failure" in problem.what
    assert "missing-bad: zero or no_data" in problem.expected


def test_two_sources_in_one_ratio():
    """Good and total from different sources can never be read at one moment."""
    text = PLAIN.replace("metricSourceRef: demo", "metricSourceRef: other", 1)
    where(text, 24, 9, "one source")


def test_all_problems_at_once_in_order():
    """Every problem of a file is told, from top to bottom, across its documents."""
    text = change(("target: 0.65", "target: 7"), ("duration: 1h", "duration: x")) + "---\nkind: SLO\n"
    _, problems = read(text, "f.yaml")
    assert [problem.line for problem in problems] == sorted(problem.line for problem in problems)
    assert len(problems) == 3


@pytest.mark.parametrize(
    "text",
    ["", "---\n", "# nothing\n"],
)
def test_an_empty_file_holds_nothing(text):
    """An empty file is no problem."""
    assert read(text, "f.yaml") == ([], [])


@pytest.mark.parametrize(
    "text",
    [
        "just words", "- a list", "42", "a: [", "a: b: c", "\tx: y", "a: &a [*a]", "? {a: b}\n: c", "<<: {a: b}", "\x00",
        "a: !!python/object:os.system x", "apiVersion: openslo/v1\nkind: SLO\nmetadata: []\nspec: 3",
        "apiVersion: openslo/v1\nkind: SLO\nmetadata: {name: x}\nspec: {indicator: [], objectives: {}, timeWindow: {}}",
        "a: 2026-99-99",
    ],
)  # fmt: skip
def test_junk_is_told_never_raised(text):
    """Whatever stands in the file, the answer is a list of places to correct."""
    slos, problems = read(text, "f.yaml")
    assert slos == []
    assert problems
    assert all(problem.line >= 1 and problem.column >= 1 and problem.what for problem in problems)


def paths(value, path=()):
    yield path
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, each in items:
        yield from paths(each, (*path, key))


@pytest.mark.parametrize("junk", [[], {}, [[]], {"a": 1}, None, 5, -1.5, True, "", "x", "2026-01-01"], ids=repr)
def test_junk_in_any_place_is_told_never_raised(junk):
    """Whichever part of an SLO is replaced by whatever, reading answers with problems or with an SLO, never breaks."""
    whole = yaml.safe_load(PLAIN)
    for path in list(paths(whole)):
        broken = copy.deepcopy(whole)
        if not path:
            broken = junk
        else:
            part = broken
            for key in path[:-1]:
                part = part[key]
            part[path[-1]] = junk
        slos, problems = read(yaml.safe_dump(broken), "f.yaml")
        assert slos or problems or junk is None, path
        assert not (slos and problems), path


def test_many_aliases_are_refused():
    """A small text that expands to millions of values is refused, not built."""
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x, x]"]
    lines += [f"a{i}: &a{i} [{', '.join([f'*a{i - 1}'] * 10)}]" for i in range(1, 9)]
    _, problems = read_yaml("\n".join(lines), "bomb.yaml")
    assert "more than 100,000 values" in problems[0].what


def test_duplicate_keys():
    """A key given twice is a problem at its second place, and nothing of the file is taken."""
    where(change(("  service: triage\n", "  service: triage\n  service: other\n")), 20, 3, "twice, first in line 19")


def slice_of(name, annotation, query, service="triage"):
    text = change(("recall-poor", name), ('"health=poor"', f'"{annotation}"'), ('{health="poor"}', query))
    (slo,), problems = read(text.replace("service: triage", f"service: {service}"), f"{name}.yaml")
    assert problems == []
    return slo


def test_overlapping_slices():
    """Two slices of one question may not share traffic, nor two values one selector; other services are their own."""
    poor = slice_of("poor", "health=poor", '{health="poor"}')
    worse = slice_of("worse", "health=poor|fair", '{health=~"poor|fair"}')
    same = slice_of("rich", "health=good", "")
    good = slice_of("good", "health=good", '{health="good"}')
    other = slice_of("else", "health=poor", '{health="poor"}', service="dental")
    (problem,) = overlaps([poor, worse, good, other])
    assert (problem.file, problem.line, problem.column) == ("worse.yaml", 4, 9)
    assert problem.what == "slices overlap: 'worse' and 'poor' both count health=poor (poor.yaml:4)"
    (problem,) = overlaps([poor, same])
    assert "select the same series" in problem.what
    assert overlaps([poor, good, other]) == []


@pytest.mark.parametrize(
    ("first", "second", "what"),
    [
        (("eu|us", '{health=~"eu|us"}'), ("us|ap", '{health=~"us|ap"}'), "both count health=us"),
        (("eu", '{health="eu"}'), ("eu", '{health="eu",tier="vip"}'), "both count health=eu"),
        (("eu", '{health="eu"}'), ("eu", '{tier!="vip",health="eu"}'), "both count health=eu"),
        (("e.u", r'{health=~"(e\\.u)"}'), ("e.u", '{health="e.u",tier="vip"}'), "both count health=e.u"),
        (("eu", '{health="eu",tier=~"a|b"}'), ("eu", '{health="eu",tier=~"b|c"}'), "both count health=eu"),
        (("eu", '{health="eu"}'), ("us", ""), "select the same series"),
        (("eu", '{health="eu",tier="a"}'), ("eu", '{health="eu",tier=~"b|c"}'), None),
        (("eu", '{health="eu",tier=~"a.*"}'), ("eu", '{health="eu",tier=~".*a"}'), None),  # not guessed
        (("eu|us", '{health=~"eu|us"}'), ("ap", '{health="ap",tier="vip"}'), None),
        (("eu", '{health="eu",le="0.5"}'), ("eu", '{health="eu",le="1"}'), None),
    ],
)
def test_selectors_that_meet(first, second, what):
    """Traffic is shared where plain values of the selectors leave a series to both, and not where they part."""
    one, two = (slice_of(name, f"health={value}", query)
                for name, (value, query) in (("one", first), ("two", second)))  # fmt: skip
    told = overlaps([one, two])
    assert len(told) == (what is not None)
    if what:
        assert what in told[0].what
        assert "'one'" in told[0].what
        assert "(one.yaml:4)" in told[0].what
        assert (told[0].file, told[0].line, told[0].column) == ("two.yaml", 4, 9)
    assert overlaps([one, replace(two, source="another")]) == [] or one.indicator.part.without("health") == (
        two.indicator.part.without("health")
    )


@pytest.mark.parametrize(
    ("query", "what"),
    [
        ('{health="good"}', "takes health=good"),
        ('{tier="x",health=~"poor|good"}', "takes health=good|poor"),
        ('{health!="poor"}', "leaves out poor"),
        ('{health=~"g.*"}', "leaves out poor"),
        ('{health="poor",health="good"}', "takes health=(nothing)"),
    ],
)
def test_a_slice_whose_selector_takes_another_value(query, what):
    """The slice says one thing and the selector another: told at the label, in the query that does it."""
    text = change(("'missed_total{health=\"poor\"}'", f"'missed_total{query}'"))
    slos, (problem,) = read(text, "f.yaml")
    assert slos == []
    assert what in problem.what
    assert "the slice is health=poor" in problem.what
    assert (problem.line, problem.column) == (30, 23 + len("missed_total") + query.index("health"))


@pytest.mark.parametrize("query", ['{health=~"poor"}', '{health=~"(?:poor)"}', '{health=~"po+r"}', '{tier="x"}', ""])
def test_a_slice_whose_selector_fits(query):
    """The same value in other words, or a slice that stands in the metric's name, is no mistake."""
    (slo,), problems = read(change(('{health="poor"}', query)), "f.yaml")
    assert problems == []
    assert slo.slice == Slice("health", "poor")


def test_places_of_names():
    """Where an objective names its service, runbook and source, also by way of an SLI; junk has places too."""
    documents, _ = read_yaml(PLAIN, "f.yaml")
    origin = Origin("f.yaml", 4, 9)
    assert places(documents) == {
        (origin, "service"): (19, 12), (origin, "runbook"): (14, 25), (origin, "source"): (27, 30),
    }  # fmt: skip
    annotated = change(("tocsin.dev/runbook: slice-recall", "tocsin.dev/source: demo"))
    assert places(read_yaml(annotated, "f.yaml")[0])[origin, "source"] == (14, 24)
    bare = change(("            metricSourceRef: demo\n", ""), ("            type: openmetrics\n", ""))
    assert places(read_yaml(bare, "f.yaml")[0])[origin, "source"] == (27, 13)
    for junk in ("[]", "kind: SLO", "kind: SLO\nspec: 3", "kind: SLO\nmetadata: x\nspec: {indicatorRef: [a]}"):
        assert all(min(place) >= 1 for place in places(read_yaml(junk, "f.yaml")[0]).values())


def test_names_are_unique():
    """Two objectives of one name are told across files."""
    first = slice_of("a", "health=poor", '{health="poor"}')
    (problem,) = overlaps([first, slice_of("a", "health=good", '{health="good"}')])
    assert "defined twice" in problem.what


def test_marks_answer_for_absent_paths():
    """What is not there is placed at the nearest part that is; keys have places of their own."""
    ((document,), problems) = read_yaml("a:\n  b: [1, 'two']\n", "f.yaml")
    assert problems == []
    assert document.data == {"a": {"b": [1, "two"]}}
    assert document.where("a", "b", 1) == (2, 10)
    assert document.where("a", "b", key=True) == (2, 3)
    assert document.where("a", "c", "d") == (2, 3)
    assert document.problem("x", "a", "b", 1, offset=1).column == 12
    assert document.get("a", "b", 5) is None
    assert document.get("a", "b", "x") is None
