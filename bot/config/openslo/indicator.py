"""OpenSLO's indicators: what an objective counts, and which source is asked for it."""

import json
import re
from dataclasses import dataclass
from typing import Literal

from bot.config.annotations import PREFIX, Missing
from bot.config.found import DataSource, query
from bot.config.marks import Path, kind_of
from bot.config.openslo.documents import Library, Sheet
from bot.config.promql import Phrase
from bot.slo.measure import Expression, Indicator, Measure, Operator, Part, Query, Raw, Threshold

PROMQL = frozenset(
    {"prometheus", "openmetrics", "predictions", "thanos", "mimir", "grafanamimir", "cortex", "victoriametrics"}
)
DEFAULT = "default"
SCRAPED = ("openmetrics", "predictions")

_COUNTER = re.compile(r".*_(?:total|count|bucket)")
_RAW: dict[str, Part] = {"success": "good", "failure": "bad"}


@dataclass(frozen=True, slots=True)
class Limit:
    """What an objective asks of a threshold metric's value."""

    operator: Operator | None
    value: float | None


@dataclass(frozen=True, slots=True)
class _Metric:
    """One query: understood where it is PromQL; where it is another language, its text alone."""

    phrase: Phrase | None
    text: str
    source: str


def measure(
    sheet: Sheet, path: Path, held: Library, limit: Limit | None, missing_bad: Missing | Literal["unsaid"] | None
) -> tuple[Measure, str] | None:
    """What the SLI whose spec is at `path` counts, and its source; None where it cannot be meant (told).

    `limit` is None where no objective asks for it yet; so is `missing_bad`, which is `unsaid` where one asks and says
    nothing of absent bad events.
    """
    if not sheet.known(path, "description", "thresholdMetric", "ratioMetric"):
        return None
    spec = sheet.get(*path)
    if ("thresholdMetric" in spec) == ("ratioMetric" in spec):
        sheet.complain("an SLI has one metric", *path, expected="ratioMetric or thresholdMetric")
        return None
    if "thresholdMetric" in spec:
        return _threshold(sheet, (*path, "thresholdMetric"), held, limit)
    ratio = (*path, "ratioMetric")
    if not sheet.known(ratio, "counter", "good", "bad", "total", "raw", "rawType"):
        return None
    if "raw" in sheet.get(*ratio):
        return _raw(sheet, ratio, held)
    return _ratio(sheet, ratio, held, missing_bad)


def check_indicator(sheet: Sheet, held: Library) -> None:
    """Look at an SLI that objectives may name."""
    measure(sheet, ("spec",), held, None, None)


def check_source(sheet: Sheet, held: Library) -> None:
    """Look at a DataSource; how it is reached stands in tocsin.yaml, and its secrets are nobody's to read here."""
    del held
    if sheet.known(("spec",), "description", "type", "connectionDetails"):
        sheet.text("spec", "type")


def same_language(one: str, other: str) -> bool:
    """Whether two types of sources are asked in the same words."""
    return one.lower() == other.lower() or (one.lower() in PROMQL and other.lower() in PROMQL)


def data_sources(held: Library) -> list[DataSource]:
    """Every DataSource that says its type."""
    found = []
    for each in held.sheets:
        kind = each.get("spec", "type")
        if each.get("kind") == "DataSource" and isinstance(kind, str):
            at = each.document.problem("", "spec", "type")
            found.append(DataSource(str(each.get("metadata", "name")), kind, at))
    return found


def _threshold(sheet: Sheet, path: Path, held: Library, limit: Limit | None) -> tuple[Measure, str] | None:
    metric = _metric(sheet, path, held)
    if metric is None or limit is None or limit.operator is None or limit.value is None:
        return None
    if metric.phrase is None:
        return Threshold(Expression(metric.text), limit.operator, limit.value), metric.source
    if metric.phrase.age is not None:
        return Threshold(metric.phrase.age, limit.operator, limit.value, age=True), metric.source
    return Threshold(metric.phrase.level, limit.operator, limit.value), metric.source


def _raw(sheet: Sheet, path: Path, held: Library) -> tuple[Measure, str] | None:
    kind = sheet.get(*path, "rawType")
    part = next((part for word, part in _RAW.items() if word == kind), None)
    if part is None:
        what = "rawType is missing" if kind is None else f"rawType is {kind_of(kind)}"
        sheet.complain(what, *path, "rawType", expected="success or failure")
    for each in ("good", "bad", "total"):
        if sheet.get(*path, each) is not None:
            sheet.complain(f"{each} stands beside a raw ratio", *path, each, key=True, expected="raw alone")
    metric = _metric(sheet, (*path, "raw"), held)
    if metric is None or part is None:
        return None
    return Raw(part, metric.phrase.level if metric.phrase is not None else Expression(metric.text)), metric.source


def _ratio(
    sheet: Sheet, path: Path, held: Library, missing_bad: Missing | Literal["unsaid"] | None
) -> tuple[Measure, str] | None:
    ratio = sheet.get(*path)
    if "rawType" in ratio:
        sheet.complain("rawType is for a raw ratio", *path, "rawType", key=True, expected="raw")
    counter = ratio.get("counter")
    if counter is not None and not isinstance(counter, bool):
        sheet.complain(f"counter is {kind_of(counter)}", *path, "counter", expected="true or false")
    if ("good" in ratio) == ("bad" in ratio):
        sheet.complain("a ratio has good or bad events, one of them", *path, expected="good or bad")
        return None
    counts: Part = "good" if "good" in ratio else "bad"
    part, total = _metric(sheet, (*path, counts), held), _metric(sheet, (*path, "total"), held)
    if part is None or total is None:
        return None
    if part.source != total.source:
        sheet.complain(
            f"{counts} comes from {part.source!r}, total from {total.source!r}", *path, expected="one source"
        )
    counted = _counted(sheet, path, counter, {counts: part, "total": total})
    if counted is None:
        return None
    if counts == "bad" and missing_bad == "unsaid":
        sheet.complain(
            f"{counted[0]} may not exist until the first failure, and an absent series can mean none or a "
            "misspelt name",
            *path, counts, key=True, expected=f"the annotation {PREFIX}missing-bad: zero or no_data",
        )  # fmt: skip
    absent: Missing = "zero" if counts == "bad" and missing_bad == "zero" else "no_data"
    return Indicator(counts, *counted, absent), part.source


def _counted(sheet: Sheet, path: Path, counter: object, metrics: dict[str, _Metric]) -> tuple[Query, Query] | None:
    """Both sides of a ratio in the same way: two raw counters, or two rates that the server works out."""
    found: list[Query] = []
    for key, metric in metrics.items():
        phrase = metric.phrase
        if phrase is None:
            found.append(Expression(metric.text))
        elif counter is False:
            found.append(phrase.weight)
        elif (
            counter is None and not phrase.rated and not (phrase.counter and _COUNTER.fullmatch(phrase.counter.metric))
        ):
            what = f"counter is missing, and nothing in {phrase.text} says whether it only grows"
            sheet.complain(what, *path, expected="counter: true, or false for a number that goes up and down")
            return None
        elif phrase.counter is None and not phrase.rated:
            sheet.complain(
                "this is neither one raw counter nor a rate, and counter is true",
                *_query(sheet, (*path, key)), expected="one selector, a sum of one, or rates over [{{.window}}]",
            )  # fmt: skip
            return None
        else:
            found.append(phrase.events)
    if len({type(each) for each in found}) > 1:
        return _both(metrics, found)
    return found[0], found[1]


def _both(metrics: dict[str, _Metric], found: list[Query]) -> tuple[Query, Query]:
    """One side is the server's to work out: so is the other, for they must speak of the same moments."""
    phrases = [metric.phrase for metric in metrics.values()]
    rates = [phrase.rate if phrase is not None else each for phrase, each in zip(phrases, found, strict=True)]
    return rates[0], rates[1]


def _query(sheet: Sheet, path: Path) -> Path:
    return (*path, "spec", "query") if sheet.alpha else (*path, "metricSource", "spec", "query")


def _metric(sheet: Sheet, path: Path, held: Library) -> _Metric | None:
    asked = _source(sheet, path, held)
    if asked is None:
        return None
    source, promql, where = asked
    spec = (*where, "spec")
    if not promql:
        held_spec = sheet.get(*spec)
        text = held_spec.get("query") if isinstance(held_spec, dict) else None
        return _Metric(None, str(text or json.dumps(held_spec, default=str, sort_keys=True)), source)
    if not sheet.known(spec, "query"):
        return None
    phrase = query(sheet, *spec, "query")
    return _Metric(phrase, phrase.text, source) if phrase is not None else None


def _source(sheet: Sheet, path: Path, held: Library) -> tuple[str, bool, Path] | None:
    """The source of a metric, whether it is asked in PromQL, and where its query's spec stands."""
    if sheet.alpha:
        if not sheet.known(path, "dataSourceRef", "dataSourceSpec", "spec"):
            return None
        where, name = path, sheet.text(*path, "dataSourceRef", required=False)
        typed = sheet.get(*path, "dataSourceSpec", "type")
        kind = typed if isinstance(typed, str) else ""
    else:
        where = (*path, "metricSource")
        if not sheet.known(path, "metricSource") or not sheet.known(where, "metricSourceRef", "type", "spec"):
            return None
        name = sheet.text(*where, "metricSourceRef", required=False)
        kind = sheet.text(*where, "type", required=False)
    described = held.named("DataSource", name)
    if not kind and described is not None:
        kind = str(described.get("spec", "type"))
    unheard_of = bool(name) and held.sources is not None and name not in held.sources
    promql = kind.lower() in PROMQL if kind else not unheard_of
    plain = DEFAULT if not kind or (promql and kind.lower() not in SCRAPED) else kind
    return name or plain, promql, where
