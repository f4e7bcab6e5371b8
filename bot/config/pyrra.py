"""Reads service level objectives written for Pyrra, `pyrra.dev/v1alpha1`, as they are.

What Pyrra (pyrra-dev/pyrra) means by an object is kept: its four alerts scaled with the window, how long a metric may
be absent, and that absent errors are none. A metric there is a selector and a rate is taken of it; here the counter
itself is counted. Pyrra knows no services: one is named by the annotation `tocsin.dev/service`, or a label.
"""

import math
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import timedelta
from typing import NamedTuple

from bot.config import promql
from bot.config.annotations import PREFIX, Annotations
from bot.config.found import WHOLE, Found, apart, labels, length, loudness, origin, query, within_reach, yes_or_no
from bot.config.marks import Marked, Page, Path, kind_of
from bot.slo.measure import Expression, Indicator, Measure, Query, Threshold
from bot.slo.selector import Selector
from bot.slo.spec import SMALLEST_LONG, SMALLEST_SHORT, Severity, Slo, Tier

VERSION = "pyrra.dev/v1alpha1"
KIND, LIST = "ServiceLevelObjective", "ServiceLevelObjectiveList"

_MINUTE = timedelta(minutes=1)
_INDICATORS = ("ratio", "latency", "latencyNative", "bool_gauge")
_RULES = ("performanceOverAccuracy", "performance_over_accuracy", "partial_response_strategy", "rulenamespace",
          "ruleOutput")  # fmt: skip
"""How Pyrra writes its recording rules: nothing here depends on them."""
_SERVICE_LABELS = ("pyrra.dev/service", "service")


class _Window(NamedTuple):
    """One of Pyrra's alerts for 28 days: `hold` is its `for`."""

    name: str
    severity: Severity
    long: timedelta
    short: timedelta
    hold: timedelta
    factor: float


_MONTH = timedelta(days=28)
_WINDOWS = (
    _Window("fastBurn", "page", timedelta(hours=1), timedelta(minutes=5), timedelta(minutes=2), 14),
    _Window("mediumBurn", "page", timedelta(hours=6), timedelta(minutes=30), timedelta(minutes=15), 7),
    _Window("slowBurn", "ticket", timedelta(days=1), timedelta(hours=2), timedelta(hours=1), 2),
    _Window("longTermBurn", "ticket", timedelta(days=4), timedelta(hours=6), timedelta(hours=3), 1),
)


@dataclass(frozen=True, slots=True)
class _Alerting:
    """What may open an incident, and what the author calls each alert."""

    burn: bool = True
    absent: bool = True
    severities: dict[str, str] = field(default_factory=dict)


def mine(document: Marked) -> bool:
    """Whether a document is one of Pyrra's."""
    return str(document.get("apiVersion")).partition("/")[0] == VERSION.partition("/")[0]


def gather(documents: Iterable[Marked]) -> Found:
    """The objectives of all documents together."""
    found = Found()
    for document in documents:
        page = Page(document, found.problems, found.notes)
        if page.get("apiVersion") != VERSION or page.get("kind") != KIND:
            place, expected = ("kind", KIND) if page.get("apiVersion") == VERSION else ("apiVersion", VERSION)
            page.complain(f"there is no {place} {page.get(place)!r}", place, expected=expected)
            continue
        before = len(found.problems)
        slo = _slo(page)
        found.names.add(str(page.get("metadata", "name")))
        if slo is not None and len(found.problems) == before:
            found.slos.append(slo)
        if slo is not None and slo.origin is not None:
            found.places |= {(slo.origin, what): place for what, place in _places(document).items()}
    return found


def _places(document: Marked) -> dict[str, tuple[int, int]]:
    service = next((path for path in _service_paths() if document.get(*path) is not None), ("metadata", "name"))
    source: Path = Annotations.path("source") if document.get(*Annotations.path("source")) else ("spec", "indicator")
    return {
        "service": document.where(*service),
        "source": document.where(*source),
        "runbook": document.where(*Annotations.path("runbook")),
    }


def _slo(page: Page) -> Slo | None:
    page.known((), "apiVersion", "kind", "metadata", "spec", "status")
    name = page.text("metadata", "name")
    known = page.known(("spec",), "description", "target", "window", "indicator", "alerting", *_RULES)
    if not known or not isinstance(page.get("metadata"), dict):
        return None
    for key in _RULES[:2]:
        if page.get("spec", key):
            page.note(f"{key} is left aside: counts here are exact, and cost no more for it", "spec", key, key=True)
    notes = Annotations(page, "service")
    target, window = _target(page), _window(page)
    measured, alerting = _measure(page, notes), _alerting(page)
    grouped = _grouping(page)
    if target is None or window is None or measured is None or not name:
        return None
    tiers = notes.tiers(window)
    if tiers == ():
        tiers = within_reach(page, ("spec", "target"), _tiers(window, alerting), target)
    settings = notes.settings(no_data_after=_absent_after(window, target))
    path = Annotations.path("slice-by") if settings["slice_by"] else _grouping_path(page)
    settings["slice_by"] = settings["slice_by"] or grouped
    apart(page, path, settings["slice_by"], measured)
    return Slo(
        name=name,
        service=_service(page),
        indicator=measured,
        target=target,
        window=window,
        tiers=tiers or (),
        description=page.text("spec", "description", required=False),
        source=notes.text("source") or "default",
        opens=alerting.burn,
        blind_opens=alerting.absent,
        labels=tuple(sorted(labels(page, "metadata", "labels").items())),
        origin=origin(page, "metadata", "name"),
        **settings,
    )


def _service_paths() -> list[Path]:
    return [Annotations.path("service"), *(("metadata", "labels", label) for label in _SERVICE_LABELS)]


def _service(page: Page) -> str:
    for path in _service_paths():
        if page.get(*path) is not None:
            return page.text(*path)
    name = str(page.get("metadata", "name"))
    what = f"no service is named: it is taken for one called {name!r}"
    page.note(what, "metadata", "name", expected=f"the annotation {PREFIX}service")
    return name


def _target(page: Page) -> float | None:
    """The target, a number in quotes between 0 and 100."""
    held, expected = page.get("spec", "target"), "a percentage in quotes, such as '99.9'"
    try:
        value = math.nan if isinstance(held, bool) else float(held)
    except (TypeError, ValueError):
        value = math.nan
    if math.isnan(value):
        what = "target is missing" if held is None else f"target is {kind_of(held)}"
        page.complain(what, "spec", "target", expected=expected)
    elif not 0 < value < WHOLE:
        page.complain(f"target {value:g} leaves no error budget or no objective", "spec", "target", expected=expected)
    elif value < 1:
        what = f"target is a percentage: {value:g} is {value:g} %, and probably {value * WHOLE:g} is meant"
        page.complain(what, "spec", "target", expected=expected)
    else:
        return value / WHOLE
    return None


def _window(page: Page) -> timedelta | None:
    window = length(page, "spec", "window", expected="such as 4w, 28d or 1w")
    if window is not None and window < _MONTH / 28:
        page.complain(
            "Pyrra's alerts need a window of a day or more", "spec", "window", expected="such as 4w, 28d or 1w"
        )
        return None
    return window


def _measure(page: Page, notes: Annotations) -> Measure | None:
    here = ("spec", "indicator")
    if not page.known(here, *_INDICATORS):
        return None
    given = [each for each in _INDICATORS if page.get(*here, each) is not None]
    if len(given) != 1:
        page.complain("an objective has one indicator", *here, expected=" or ".join(_INDICATORS))
        return None
    path = (*here, given[0])
    readers = {"ratio": _ratio, "latency": _latency, "latencyNative": _native, "bool_gauge": _gauge}
    return readers[given[0]](page, path, notes)


def _ratio(page: Page, path: Path, notes: Annotations) -> Measure | None:
    if not page.known(path, "errors", "success", "total", "grouping"):
        return None
    given = tuple(each for each in ("errors", "success", "total") if page.get(*path, each) is not None)
    if len(given) != 2:  # noqa: PLR2004 - any two give the third
        page.complain("a ratio is told by two of three", *path, expected="errors and total")
        return None
    one, two = (_metric(page, (*path, each)) for each in given)
    if one is None or two is None:
        return None
    if given == ("errors", "success"):
        failed = _rate(one)
        total = Expression(f"({failed} or vector(0)) + {_rate(two)}")
        return Indicator("bad", failed, total, notes.missing_bad() or "zero")
    if given == ("success", "total"):
        return Indicator("good", *_alike(one, two))
    return Indicator("bad", *_alike(one, two), notes.missing_bad() or "zero")


def _latency(page: Page, path: Path, notes: Annotations) -> Measure | None:
    del notes
    if not page.known(path, "success", "total", "grouping"):
        return None
    good, total = _metric(page, (*path, "success")), _metric(page, (*path, "total"))
    if good is None or total is None:
        return None
    if not any(matcher.label == "le" for matcher in _selector(good)[0].matchers):
        what = "nothing says which bucket is fast enough"
        page.complain(what, *path, "success", "metric", expected='a matcher such as le="0.5"')
        return None
    return Indicator("good", *_alike(good, total))


def _native(page: Page, path: Path, notes: Annotations) -> Measure | None:
    """A native histogram: what of it was fast enough is the server's to work out."""
    del notes
    if not page.known(path, "latency", "total", "grouping"):
        return None
    total, text = _metric(page, (*path, "total")), page.text(*path, "latency")
    if total is None or not text:
        return None
    try:
        limit = promql.seconds(text)
    except ValueError as wrong:
        page.complain(str(wrong), *path, "latency", expected="such as 200ms or 1s")
        return None
    count = f"histogram_count({_rate(total)})"
    return Indicator(
        "good", Expression(f"histogram_fraction(0, {limit:g}, {_rate(total)}) * {count}"), Expression(count)
    )


def _gauge(page: Page, path: Path, notes: Annotations) -> Measure | None:
    """A gauge that is 1 while all is well: each sample is an event."""
    del notes
    if not page.known(path, "metric", "grouping"):
        return None
    held = _selected(page, (*path, "metric"))
    return Threshold(held.level, "gte", 1) if held is not None else None


def _metric(page: Page, path: Path) -> promql.Phrase | None:
    return _selected(page, (*path, "metric")) if page.known(path, "metric") else None


def _selected(page: Page, path: Path) -> promql.Phrase | None:
    """The one selector at `path`, as it is or moved in time."""
    told = query(page, *path)
    if told is not None and told.bare is None and told.moved is None:
        page.complain(
            "a metric is one selector: Pyrra takes its rate by itself", *path, expected="such as requests_total"
        )
        return None
    return told


def _selector(metric: promql.Phrase) -> tuple[Selector, str]:
    """The selector, and how it is moved in time."""
    if metric.bare is not None:
        return metric.bare, ""
    return metric.moved or (Selector(metric.text), "")


def _rate(metric: promql.Phrase) -> Expression:
    selector, moved = _selector(metric)
    return Expression(f"sum(rate({selector}[{promql.WINDOW}]{' ' if moved else ''}{moved}))")


def _alike(part: promql.Phrase, total: promql.Phrase) -> tuple[Query, Query]:
    """Both counted, or both rated by the server where one of them cannot be counted."""
    if part.bare is not None and total.bare is not None:
        return part.bare, total.bare
    return _rate(part), _rate(total)


def _grouping_path(page: Page) -> Path:
    kind = next((each for each in _INDICATORS if page.get("spec", "indicator", each) is not None), "")
    return ("spec", "indicator", kind, "grouping")


def _grouping(page: Page) -> str:
    """The label an objective is grouped by: its values are watched against one another."""
    path = _grouping_path(page)
    held = page.get(*path)
    if not held:
        return ""
    if not isinstance(held, list) or not all(isinstance(each, str) for each in held):
        page.complain(f"grouping is {kind_of(held)}", *path, expected="a list of labels")
    elif len(held) > 1:
        expected = f"one of {', '.join(held)}, or an objective for each value of the others"
        page.complain("only one label can be watched at a time", *path, 1, expected=expected)
    else:
        return str(held[0])
    return ""


def _alerting(page: Page) -> _Alerting:
    here = ("spec", "alerting")
    if page.get(*here) is None:
        return _Alerting()
    keys = ("disabled", "burnrates", "absent", "name", "absentName", "burnRateType", "severities")
    if not page.known(here, *keys):
        return _Alerting()
    if page.get(*here, "burnRateType") not in (None, "", "static"):
        what = (
            "burn rates that follow the traffic are not read: here a page needs evidence as well, whatever the traffic"
        )
        page.complain(what, *here, "burnRateType", expected="burnRateType: static")
    severities = {}
    if page.get(*here, "severities") is not None and page.known(
        (*here, "severities"), "absent", *(each.name for each in _WINDOWS)
    ):
        severities = {key: page.text(*here, "severities", key, required=False) for key in page.get(*here, "severities")}
    off = yes_or_no(page, *here, "disabled") is True
    burn, absent = (yes_or_no(page, *here, key) is not False and not off for key in ("burnrates", "absent"))
    return _Alerting(burn, absent, severities)


def _tiers(window: timedelta, alerting: _Alerting) -> list[Tier]:
    """Pyrra's alerts for a window; with burn rates off nobody is paged, and the tickets' are still shown."""
    found = []
    for each in _WINDOWS:
        said = alerting.severities.get(each.name)
        severity = loudness(said) if said else each.severity
        if severity == "page" and not alerting.burn:
            continue
        long, short, hold = (_scaled(part, window) for part in (each.long, each.short, each.hold))
        short = max(short, hold, SMALLEST_SHORT)
        found.append(Tier(each.name, severity, max(long, SMALLEST_LONG, 2 * short), short, each.factor))
    return found


def _scaled(part: timedelta, window: timedelta) -> timedelta:
    """A length for 28 days as it is for this window, to the minute (half a minute counts as one)."""
    return _MINUTE * math.floor(part * (window / _MONTH) / _MINUTE + 0.5)


def _absent_after(window: timedelta, target: float) -> timedelta:
    """After how long without a metric Pyrra would page: as if every event had failed meanwhile."""
    first = _WINDOWS[0]
    seconds = math.floor(first.factor * (1 - target) * _scaled(first.long, window).total_seconds() + 1e-9)
    silent = timedelta(seconds=seconds) + _scaled(first.hold, window)
    return max(_MINUTE * math.floor(silent / _MINUTE + 0.5), _MINUTE)
