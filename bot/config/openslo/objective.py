"""OpenSLO's SLO: each of its objectives becomes one here, or all of them together where each is a part of the whole.

Several objectives on one indicator are several promises: each is called after the SLO and what tells it apart, such as
`checkout-fast` and `checkout-lt-500`. Objectives with indicators of their own are the parts of one composite, which
keeps the SLO's name and has one budget: with Timeslices a slice is bad where any part was; otherwise what each part
missed adds up, times its weight.
"""

from collections import Counter
from dataclasses import dataclass
from datetime import timedelta

from bot.config.annotations import PREFIX, Annotations
from bot.config.found import apart, labels, origin
from bot.config.marks import Path
from bot.config.openslo.alerting import alerts
from bot.config.openslo.documents import Library, Sheet
from bot.config.openslo.goal import OBJECTIVES, Goal, goals, names
from bot.config.openslo.indicator import measure
from bot.config.openslo.window import window
from bot.config.openslo_checks import astray
from bot.slo.measure import Constituent, Measure, Raw, Threshold
from bot.slo.selector import Selector
from bot.slo.spec import Calendar, Slo, Tier, floored, max_burn, unreachable

_SPEC: Path = ("spec",)


@dataclass(frozen=True, slots=True)
class _Common:
    """What all objectives of one SLO share."""

    window: timedelta
    calendar: Calendar | None
    tiers: tuple[Tier, ...]
    notes: Annotations


def objectives(sheet: Sheet, held: Library) -> list[Slo]:
    """The objectives of one SLO, complete or not: whoever asks leaves them out where a problem was told."""
    sheet.metadata()
    known = sheet.known(
        ("spec",), "description", "service", sheet.indicator, sheet.reference, "timeWindow", "budgetingMethod",
        "objectives", "alertPolicies",
    )  # fmt: skip
    if not known:
        return []
    notes = Annotations(sheet)
    span = window(sheet)
    told = goals(sheet, notes, span[0] if span is not None else None)
    tiers = notes.tiers(span[0]) if span is not None else None
    sheet.text("spec", "service")
    if not told or span is None or tiers is None:
        alerts(sheet, held)
        return []
    common = _Common(*span, tiers, notes)
    if any(goal.own for goal in told):
        return _composite(sheet, held, told, common)
    called = names(sheet)
    found = [_plain(sheet, held, goal, common, called[goal.index]) for goal in told]
    return [slo for slo in found if slo is not None]


def _measured(
    sheet: Sheet, held: Library, path: Path, goal: Goal, notes: Annotations
) -> tuple[Measure, str, Sheet, Path] | None:
    """What the indicator beside `path` counts and its source; the sheet its spec stands on, and where."""
    inline, named = (sheet.get(*path, each) is not None for each in (sheet.indicator, sheet.reference))
    if inline == named:
        sheet.complain("an SLO has one indicator", *path, expected=f"{sheet.indicator} or {sheet.reference}")
        return None
    if named:
        found = held.find("SLI", sheet, *path, sheet.reference)
        on, spec = found, _SPEC
    else:
        here = (*path, sheet.indicator)
        on, spec = (sheet if sheet.known(here, "metadata", "spec") else None), (*here, "spec")
        if on is not None and sheet.get(*here, "metadata") is not None:
            sheet.metadata(*here)
    if on is None:
        return None
    _fit(sheet, on, spec, goal)
    told = measure(on, spec, held, goal.limit, notes.missing_bad() or "unsaid")
    return (*told, on, spec) if told is not None else None


def _fit(sheet: Sheet, on: Sheet, spec: Path, goal: Goal) -> None:
    """Whether the objective asks of the indicator what that can answer."""
    lacking = [key for key, held in (("op", goal.limit.operator), ("value", goal.limit.value)) if held is None]
    if on.get(*spec, "thresholdMetric") is not None:
        for key in lacking:
            if sheet.get(*goal.path, key) is None:
                expected = "lte, gte, lt or gt" if key == "op" else "the value the metric is compared with"
                sheet.complain(f"a thresholdMetric needs {key}, and it is missing", *goal.path, key, expected=expected)
    else:
        if "value" not in lacking:
            sheet.note("value means nothing beside a ratioMetric", *goal.path, "value", key=True)
        if goal.limit.operator in {"lt", "lte"}:
            sheet.note(f"op: {goal.limit.operator} means nothing beside a ratioMetric", *goal.path, "op", key=True)


def _plain(sheet: Sheet, held: Library, goal: Goal, common: _Common, name: str) -> Slo | None:
    found = _measured(sheet, held, ("spec",), goal, common.notes)
    if found is None:
        alerts(sheet, held)
        return None
    told, source, on, spec = found
    slo = _slo(sheet, held, goal, common, name, told, source, ())
    _looked_at(sheet, slo, on, spec)
    return slo


def _composite(sheet: Sheet, held: Library, listed: list[Goal], common: _Common) -> list[Slo]:
    first = listed[0]
    for key in (sheet.indicator, sheet.reference):
        if sheet.get("spec", key) is not None:
            what = "an SLO has one indicator, or each of its objectives has its own"
            sheet.complain(what, "spec", key, key=True, expected="one of the two")
    for goal in listed:
        if not goal.own:
            sheet.complain("this part has no indicator", *goal.path, expected=f"{sheet.indicator} or {sheet.reference}")
        if goal.target != first.target:
            what = f"the parts of a composite share one budget, and the first one's target is {first.target:g}"
            sheet.complain(what, *goal.path, expected="the same target for each part, or an SLO each")
        if goal.method.length != first.method.length:
            what = "the parts of a composite are sliced alike"
            sheet.complain(what, *goal.path, "timeSliceWindow", expected="the same timeSliceWindow for each part")
    found = [_measured(sheet, held, goal.path, goal, common.notes) if goal.own else None for goal in listed]
    told = [each for each in found if each is not None]
    if len(told) < len(listed):
        alerts(sheet, held)
        return []
    source = told[0][1]
    parts = tuple(
        Constituent(part, each[0], goal.weight, goal.method.good_from, "" if each[1] == source else each[1])
        for goal, each, part in zip(listed, told, _parts(sheet, listed), strict=True)
    )
    name = str(sheet.get("metadata", "name"))
    slo = _slo(sheet, held, first, common, name, told[0][0], source, parts if len(parts) > 1 else ())
    for measured, _, on, spec in told:
        _looked_at(sheet, slo, on, spec, measured)
    return [slo]


def _parts(sheet: Sheet, listed: list[Goal]) -> list[str]:
    """What the parts of a composite are called: as they are displayed, else after their indicators."""
    found = []
    for goal in listed:
        named = sheet.get(*goal.path, sheet.reference) or sheet.get(*goal.path, sheet.indicator, "metadata", "name")
        found.append(goal.display or str(named or goal.index + 1))
    often = Counter(found)
    return [each if often[each] == 1 else f"{each} {at}" for at, each in enumerate(found, start=1)]


def _slo(
    sheet: Sheet, held: Library, goal: Goal, common: _Common, name: str, told: Measure, source: str,
    parts: tuple[Constituent, ...],
) -> Slo:  # fmt: skip
    asked = alerts(sheet, held)
    tiers = common.tiers
    if asked.given and tiers:
        sheet.note(f"the annotation {PREFIX}tiers holds, not alertPolicies", "spec", "alertPolicies", key=True)
    elif asked.given:
        tiers = tuple(each.tier for each in asked.tiers if each.fits(common.window, goal.target))
    several = not parts and len(sheet.get(*OBJECTIVES)) > 1
    title = sheet.text("metadata", "displayName", required=False)
    slo = Slo(
        name=name,
        service=str(sheet.get("spec", "service")),
        indicator=told,
        target=goal.target,
        window=common.window,
        tiers=tiers,
        display=f"{title}: {goal.display}" if several and title and goal.display else title,
        description=sheet.text("spec", "description", required=False),
        source=common.notes.text("source") or source,
        method=goal.method,
        calendar=common.calendar,
        parts=parts,
        opens=asked.opens,
        blind_opens=asked.blind_opens,
        labels=tuple(sorted(labels(sheet, "metadata", "labels").items())),
        origin=origin(sheet, "metadata", "name"),
        **common.notes.settings(),
    )
    if not asked.given or common.tiers:
        _reachable(sheet, slo, goal)
    return slo


def _reachable(sheet: Sheet, slo: Slo, goal: Goal) -> None:
    for each in unreachable(slo):
        annotated = sheet.get(*Annotations.path("tiers")) is not None
        path = Annotations.path("tiers") if annotated else goal.path
        hint = "" if annotated else f"; write tiers that can, as {PREFIX}tiers"
        sheet.complain(f"{each}{hint}", *path, expected=f"a factor up to {floored(max_burn(slo.target))}")


def _looked_at(sheet: Sheet, slo: Slo, on: Sheet, spec: Path, measured: Measure | None = None) -> None:
    """Slices that the indicator's queries cannot give."""
    told = measured if measured is not None else slo.indicator
    if isinstance(told, (Threshold, Raw)):
        path: Path = (*spec, "thresholdMetric") if isinstance(told, Threshold) else (*spec, "ratioMetric", "raw")
        found = [(told.query, path)]
    else:
        ratio = (*spec, "ratioMetric")
        found = [(told.part, (*ratio, told.counts)), (told.total, (*ratio, "total"))]
    for query, path in found:
        here = (*path, "spec", "query") if on.alpha else (*path, "metricSource", "spec", "query")
        if isinstance(query, Selector):
            astray(slo.slice, query, on, here)
    apart(sheet, Annotations.path("slice-by"), slo.slice_by, told)
