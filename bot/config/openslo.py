"""Reads service level objectives written in OpenSLO v1, and says file, line and column of everything it cannot use.

OpenSLO (openslo.com, v1) has no words for multiwindow tiers, slices or missing data; those stand in annotations under
`tocsin.dev/`. What of OpenSLO is not read yet is refused by name, never ignored.
"""

import math
from collections.abc import Callable, Iterable
from datetime import timedelta
from typing import TypeVar

from bot.config.marks import Marked, Page, kind_of, read_yaml
from bot.config.openslo_checks import astray
from bot.domain.errors import Invalid, Problem
from bot.slo.notation import parse_length, parse_tiers
from bot.slo.selector import Selector
from bot.slo.spec import (
    MIN_EVENTS,
    NO_DATA_AFTER,
    RECOVER_FOR,
    Indicator,
    Origin,
    Part,
    Slice,
    Slo,
    Tier,
    floored,
    max_burn,
    unreachable,
)

VERSION = "openslo/v1"
PREFIX = "tocsin.dev/"
ANNOTATIONS = (
    "slice", "tiers", "min-events", "no-data-after", "recover-for", "runbook", "severity", "missing-bad", "source",
)  # fmt: skip
T = TypeVar("T")

KINDS = ("SLO", "SLI", "Service", "DataSource")
NOT_YET = ("AlertPolicy", "AlertCondition", "AlertNotificationTarget")
WORST, MILDEST = 1, 5
WHOLE = 100


def read(text: str, file: str) -> tuple[list[Slo], list[Problem]]:
    """The objectives of one file (one or several YAML documents) and every problem found in it.

    An objective with a problem is left out. An SLI named by `indicatorRef` is looked up in the same file. Ask
    `openslo_checks.overlaps` about the objectives of all files together.
    """
    documents, problems = read_yaml(text, file)
    flawed = bool(problems)  # of a text that is not sound YAML nothing is taken
    pages: list[tuple[Page, int]] = []
    for document in documents:
        page, before = Page(document, problems), len(problems)
        if _is_openslo(page):
            pages.append((page, len(problems) - before))
    indicators = {str(page.get("metadata", "name")): page for page, _ in pages if page.get("kind") == "SLI"}
    slos = []
    for page, found in pages:
        before = len(problems) - found
        slo = _slo(page, indicators) if page.get("kind") == "SLO" else None
        if page.get("kind") == "SLI":
            _ratio(page, ("spec",), missing_bad=None)
        if slo is not None and len(problems) == before and not flawed:
            slos.append(slo)
    unique = list(dict.fromkeys(problems))
    return slos, sorted(unique, key=lambda problem: (problem.line, problem.column))


def places(documents: Iterable[Marked]) -> dict[tuple[Origin, str], tuple[int, int]]:
    """Where each objective of one file names its service, source and runbook: (origin, which) → line and column.

    A source that nobody named is placed where it would be. Looks at whatever stands there and complains of nothing.
    """
    documents = list(documents)
    indicators = {str(each.get("metadata", "name")): each for each in documents if each.get("kind") == "SLI"}
    found = {}
    for document in documents:
        if document.get("kind") != "SLO":
            continue
        origin = Origin(document.file, *document.where("metadata", "name"))
        found[origin, "service"] = document.where("spec", "service")
        found[origin, "runbook"] = document.where("metadata", "annotations", PREFIX + "runbook")
        annotated = ("metadata", "annotations", PREFIX + "source")
        if document.get(*annotated) is not None:
            found[origin, "source"] = document.where(*annotated)
            continue
        holder = document
        path: tuple[str, ...] = ("spec", "indicator", "spec", "ratioMetric")
        named = document.get("spec", "indicatorRef")
        if named is not None:
            holder, path = indicators.get(str(named), document), ("spec", "ratioMetric")
        metric = (*path, "good" if holder.get(*path, "good") is not None else "bad", "metricSource")
        key = "metricSourceRef" if holder.get(*metric, "metricSourceRef") is not None else "type"
        found[origin, "source"] = holder.where(*metric, key)
    return found


def _is_openslo(page: Page) -> bool:
    if not isinstance(page.document.data, dict):
        page.complain("is no OpenSLO document", expected="apiVersion, kind, metadata, spec")
        return False
    page.known((), "apiVersion", "kind", "metadata", "spec")
    version, kind = page.get("apiVersion"), page.get("kind")
    if version != VERSION:
        page.complain(f"apiVersion is {version!r}", "apiVersion", expected=VERSION)
        return False
    if kind in NOT_YET:
        page.complain(f"{kind} is not read yet: write tiers as the annotation {PREFIX}tiers", "kind")
        return False
    if kind not in KINDS:
        page.complain(f"there is no kind {kind!r}", "kind", expected=", ".join(KINDS))
        return False
    page.text("metadata", "name")
    return True


def _slo(page: Page, indicators: dict[str, Page]) -> Slo | None:
    _metadata(page)
    known = page.known(
        ("spec",), "description", "service", "indicator", "indicatorRef", "timeWindow", "budgetingMethod", "objectives",
        not_yet=("alertPolicies",),
    )  # fmt: skip
    if not known:
        return None
    notes = _Annotations(page)
    service, target, window = page.text("spec", "service"), _target(page), _window(page)
    method = page.get("spec", "budgetingMethod")
    if method != "Occurrences":
        what = (
            f"{method} is not read yet"
            if method in ("Timeslices", "RatioTimeslices")
            else f"there is no method {method!r}"
        )
        page.complain(f"budgetingMethod: {what}", "spec", "budgetingMethod", expected="Occurrences")
    found = _indicator(page, indicators, notes.missing_bad())
    tiers = None if window is None else notes.tiers(window)
    if target is None or window is None or found is None or tiers is None:
        return None
    indicator, source = found
    line, column = page.document.where("metadata", "name")
    slo = Slo(
        name=str(page.get("metadata", "name")),
        service=service,
        indicator=indicator,
        target=target,
        window=window,
        tiers=tiers,
        display=page.text("metadata", "displayName", required=False),
        description=page.text("spec", "description", required=False),
        source=notes.text("source") or source,
        slice=notes.slice(),
        min_events=notes.number("min-events", 1, 10**9) or MIN_EVENTS,
        no_data_after=notes.length("no-data-after") or NO_DATA_AFTER,
        recover_for=notes.length("recover-for") or RECOVER_FOR,
        runbook=notes.text("runbook"),
        severity=notes.number("severity", WORST, MILDEST),
        labels=_labels(page),
        origin=Origin(page.document.file, line, column),
    )
    _reachable(page, slo)
    named = page.get("spec", "indicatorRef")
    if named is None:
        astray(slo, page, ("spec", "indicator", "spec", "ratioMetric"))
    else:
        astray(slo, indicators[str(named)], ("spec", "ratioMetric"))
    return slo


def _reachable(page: Page, slo: Slo) -> None:
    for each in unreachable(slo):
        annotated = page.get("metadata", "annotations", PREFIX + "tiers") is not None
        path = ("metadata", "annotations", PREFIX + "tiers") if annotated else ("spec", "objectives", 0)
        hint = "" if annotated else f"; write tiers that can, as {PREFIX}tiers"
        page.complain(f"{each}{hint}", *path, expected=f"a factor up to {floored(max_burn(slo.target))}")


def _metadata(page: Page) -> None:
    page.known(("metadata",), "name", "displayName", "labels", "annotations")
    annotations = page.get("metadata", "annotations")
    if annotations is not None:
        names = tuple(annotations) if isinstance(annotations, dict) else ()
        ours = tuple(PREFIX + name for name in ANNOTATIONS)
        foreign = tuple(name for name in names if not str(name).startswith(PREFIX))
        page.known(("metadata", "annotations"), *ours, *foreign)


def _labels(page: Page) -> tuple[tuple[str, str], ...]:
    held = page.get("metadata", "labels")
    if held is None:
        return ()
    if not isinstance(held, dict):
        page.complain(f"labels is {kind_of(held)}", "metadata", "labels", expected="a map")
        return ()
    labels = []
    for name, value in held.items():
        many = value if isinstance(value, list) else [value]
        if all(isinstance(each, str) for each in many):
            labels.append((str(name), ",".join(many)))
        else:
            page.complain(f"label {name} is {kind_of(value)}", "metadata", "labels", name, expected="text")
    return tuple(sorted(labels))


def _target(page: Page) -> float | None:
    held = page.get("spec", "objectives")
    if not isinstance(held, list) or not held:
        page.complain("objectives is missing or no list", "spec", "objectives", expected="a list with one objective")
        return None
    if len(held) > 1:
        page.complain(
            "several objectives in one SLO are not read yet", "spec", "objectives", 1, expected="one SLO each"
        )
        return None
    path = ("spec", "objectives", 0)
    late = ("op", "value", "compositeWeight", "timeSliceTarget", "timeSliceWindow", "indicator", "indicatorRef")
    if not page.known(path, "displayName", "target", "targetPercent", not_yet=late):
        return None
    given = [name for name in ("target", "targetPercent") if name in held[0]]
    if len(given) != 1:
        page.complain("an objective has one target", *path, expected="target (0 to 1) or targetPercent (0 to 100)")
        return None
    value = held[0][given[0]]
    top = 1 if given[0] == "target" else WHOLE
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not math.isfinite(value):
        page.complain(f"{given[0]} is {kind_of(value)}", *path, given[0], expected="a number")
    elif not 0 < value < top:
        page.complain(f"{given[0]} {value:g} leaves no error budget or no objective", *path, given[0],
                      expected=f"a number between 0 and {top}, both excluded")  # fmt: skip
    else:
        return value / top
    return None


def _window(page: Page) -> timedelta | None:
    path = ("spec", "timeWindow")
    held = page.get(*path)
    if not isinstance(held, list) or len(held) != 1 or not isinstance(held[0], dict):
        page.complain("timeWindow is no list of one window", *path, expected="- duration: 30d\n  isRolling: true")
        return None
    page.known((*path, 0), "duration", "isRolling", "calendar")
    rolling = held[0].get("isRolling")
    if "calendar" in held[0] or rolling is False:
        page.complain("calendar windows are not read yet", *path, 0, expected="isRolling: true")
        return None
    if rolling is not True:
        page.complain("isRolling is missing or neither true nor false", *path, 0, "isRolling", expected="true")
        return None
    return _length(page, (*path, 0, "duration"))


def _length(page: Page, path: tuple[str | int, ...]) -> timedelta | None:
    text = page.text(*path)
    if not text:
        return None
    try:
        return parse_length(text)
    except ValueError as error:
        page.complain(str(error), *path, expected="such as 30d, 4w, 1h30m or 15s")
        return None


def _indicator(page: Page, indicators: dict[str, Page], missing_bad: str | None) -> tuple[Indicator, str] | None:
    spec = page.get("spec")
    inline, named = spec.get("indicator"), spec.get("indicatorRef")
    if (inline is None) == (named is None):
        page.complain("an SLO has one indicator", "spec", expected="indicator or indicatorRef")
        return None
    if named is not None:
        if str(named) not in indicators:
            there = ", ".join(sorted(indicators)) or "none in this file"
            page.complain(f"there is no SLI {named!r}", "spec", "indicatorRef", expected=there)
            return None
        return _ratio(indicators[str(named)], ("spec",), missing_bad=missing_bad or "")
    if not page.known(("spec", "indicator"), "metadata", "spec"):
        return None
    return _ratio(page, ("spec", "indicator", "spec"), missing_bad=missing_bad or "")


def _ratio(page: Page, path: tuple[str, ...], *, missing_bad: str | None) -> tuple[Indicator, str] | None:
    """The ratio at `path`, and the name of its source; `missing_bad` is None where no objective asks for it yet."""
    if not page.known(path, "description", "ratioMetric", not_yet=("thresholdMetric",)):
        return None
    ratio = (*path, "ratioMetric")
    if not page.known(ratio, "counter", "good", "bad", "total", not_yet=("raw", "rawType")):
        return None
    held = page.get(*ratio)
    if held.get("counter") is not True:
        page.complain("only counters are read", *ratio, "counter", expected="counter: true")
    if ("good" in held) == ("bad" in held):
        page.complain("a ratio has good or bad events, one of them", *ratio, expected="good or bad")
        return None
    counts: Part = "good" if "good" in held else "bad"
    part, total = _metric(page, (*ratio, counts)), _metric(page, (*ratio, "total"))
    if part is None or total is None:
        return None
    if part[1] != total[1]:
        page.complain(f"{counts} comes from {part[1]!r}, total from {total[1]!r}", *ratio, expected="one source")
    if counts == "bad" and missing_bad == "":
        page.complain(
            f"{part[0]} may not exist until the first failure, and an absent series can mean none or a misspelt name",
            *ratio, counts, key=True, expected=f"the annotation {PREFIX}missing-bad: zero or no_data",
        )  # fmt: skip
    return Indicator(counts, part[0], total[0], "zero" if missing_bad == "zero" else "no_data"), part[1]


def _metric(page: Page, path: tuple[str, ...]) -> tuple[Selector, str] | None:
    if not page.known(path, "metricSource"):
        return None
    source = (*path, "metricSource")
    if not page.known(source, "metricSourceRef", "type", "spec"):
        return None
    if not page.known((*source, "spec"), "query"):
        return None
    query = page.text(*source, "spec", "query")
    name = page.text(*source, "metricSourceRef", required=False) or page.text(*source, "type", required=False)
    if not query:
        return None
    try:
        return Selector.parse(query), name or "default"
    except Invalid as error:
        for each in error.problems:
            page.complain(each.what, *source, "spec", "query", expected=each.expected, offset=each.column - 1)
        return None


class _Annotations:
    """The objective's settings that OpenSLO has no field for."""

    def __init__(self, page: Page) -> None:
        self.page = page

    def text(self, name: str) -> str | None:
        """The annotation's text; a bare number is taken as written, for YAML users rarely quote one."""
        path = self._path(name)
        value = self.page.get(*path)
        if isinstance(value, (int, float)) and not isinstance(value, bool):
            return f"{value}"
        return self.page.text(*path) or None if value is not None else None

    def number(self, name: str, least: int, most: int) -> int | None:
        def parse(text: str) -> int:
            if not text.strip().isdecimal() or not least <= int(text) <= most:
                raise ValueError(f"{name} is {text!r}")
            return int(text)

        return self._parsed(name, parse, f"a whole number from {least} to {most}")

    def length(self, name: str) -> timedelta | None:
        return self._parsed(name, parse_length, "such as 10m, 1h or 15s")

    def missing_bad(self) -> str | None:
        def parse(text: str) -> str:
            if text not in {"zero", "no_data"}:
                raise ValueError(f"missing-bad is {text!r}")
            return text

        return self._parsed("missing-bad", parse, "zero or no_data")

    def slice(self) -> Slice | None:
        def parse(text: str) -> Slice:
            dimension, equals, value = (each.strip() for each in text.partition("="))
            if not (dimension and equals and value) or not all(each.strip() for each in value.split("|")):
                raise ValueError(f"{text!r} is no slice")
            return Slice(dimension, value)

        return self._parsed("slice", parse, "dimension=value, as in health=poor")

    def tiers(self, window: timedelta) -> tuple[Tier, ...] | None:
        """The tiers written, none where none are, None where they cannot be read."""
        text = self.text("tiers")
        if text is None:
            return ()
        try:
            return parse_tiers(text, window)
        except Invalid as error:
            for each in error.problems:
                self.page.complain(each.what, *self._path("tiers"), expected=each.expected, offset=each.column - 1)
            return None

    def _parsed(self, name: str, parse: Callable[[str], T], expected: str) -> T | None:
        text = self.text(name)
        if text is None:
            return None
        try:
            return parse(text)
        except ValueError as error:
            self.page.complain(str(error), *self._path(name), expected=expected)
            return None

    @staticmethod
    def _path(name: str) -> tuple[str, str, str]:
        return ("metadata", "annotations", PREFIX + name)
