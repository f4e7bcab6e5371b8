"""What one objective of an SLO asks for, its indicator aside: target, budgeting method, threshold and weight."""

import re
from collections import Counter
from dataclasses import dataclass
from datetime import timedelta

from bot.config.annotations import Annotations
from bot.config.found import WHOLE, between, length, number
from bot.config.marks import Path, kind_of
from bot.config.openslo.documents import Sheet
from bot.config.openslo.indicator import Limit
from bot.slo.measure import SIGNS, Method

OBJECTIVES = ("spec", "objectives")

_KINDS = {"Occurrences": "occurrences", "Timeslices": "timeslices", "RatioTimeslices": "ratio_timeslices"}
_SLUG = re.compile(r"[^a-z0-9]+")


@dataclass(frozen=True, slots=True)
class Goal:
    """One objective as it is written, its indicator aside."""

    index: int
    target: float
    method: Method
    limit: Limit
    weight: float
    own: bool
    display: str

    @property
    def path(self) -> Path:
        return (*OBJECTIVES, self.index)


def names(sheet: Sheet) -> list[str]:
    """What the objectives of an SLO are called, in their order; a composite, or an SLO with one, keeps its name."""
    name, listed = str(sheet.get("metadata", "name")), sheet.get(*OBJECTIVES)
    goals = [each if isinstance(each, dict) else {} for each in listed] if isinstance(listed, list) else []
    if len(goals) < 2 or any(sheet.indicator in goal or sheet.reference in goal for goal in goals):  # noqa: PLR2004
        return [name] * max(len(goals), 1)
    told = [_told_apart(goal, index) for index, goal in enumerate(goals, start=1)]
    often = Counter(told)
    return [f"{name}-{each}" if often[each] == 1 else f"{name}-{each}-{at}" for at, each in enumerate(told, start=1)]


def _told_apart(goal: dict[str, object], index: int) -> str:
    display, value = goal.get("displayName"), goal.get("value")
    if isinstance(display, str) and _SLUG.sub("-", display.lower()).strip("-"):
        return _SLUG.sub("-", display.lower()).strip("-")
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        return f"{goal.get('op') or ''}-{value:g}".strip("-")
    return str(index)


def goals(sheet: Sheet, notes: Annotations, span: timedelta | None) -> list[Goal]:
    """Every objective of an SLO, or none where one of them cannot be meant (told)."""
    method, listed = sheet.get("spec", "budgetingMethod"), sheet.get(*OBJECTIVES)
    if not isinstance(method, str) or method not in _KINDS:
        what = "budgetingMethod is missing" if method is None else f"budgetingMethod: there is no method {method!r}"
        sheet.complain(what, "spec", "budgetingMethod", expected=", ".join(_KINDS))
    if not isinstance(listed, list) or not listed:
        sheet.complain("objectives is missing or no list", *OBJECTIVES, expected="a list of objectives")
        return []
    found = [_goal(sheet, index, str(method), notes, span) for index in range(len(listed))]
    told = [goal for goal in found if goal is not None]
    return told if len(told) == len(listed) else []


def _goal(sheet: Sheet, index: int, method: str, notes: Annotations, span: timedelta | None) -> Goal | None:
    here = (*OBJECTIVES, index)
    more = ("labels",) if sheet.alpha else ()
    known = sheet.known(
        here, "displayName", "op", "value", "target", "targetPercent", "timeSliceTarget", "timeSliceWindow",
        sheet.indicator, sheet.reference, "compositeWeight", *more,
    )  # fmt: skip
    if not known:
        return None
    target, counted = _target(sheet, here), _method(sheet, here, method, notes, span)
    own = any(sheet.get(*here, each) is not None for each in (sheet.indicator, sheet.reference))
    weight = _weight(sheet, here, own=own)
    if target is None or counted is None or weight is None:
        return None
    return Goal(
        index, target, counted, _limit(sheet, here), weight, own, sheet.text(*here, "displayName", required=False)
    )


def _target(sheet: Sheet, here: Path) -> float | None:
    given = [name for name in ("target", "targetPercent") if name in sheet.get(*here)]
    if len(given) != 1:
        sheet.complain("an objective has one target", *here, expected="target (0 to 1) or targetPercent (0 to 100)")
        return None
    most = 1 if given[0] == "target" else WHOLE
    value = between(sheet, *here, given[0], most=most)
    return value / most if value is not None else None


def _method(sheet: Sheet, here: Path, method: str, notes: Annotations, span: timedelta | None) -> Method | None:
    kind, empty = _KINDS.get(method), notes.empty_slices()
    for key in {"Occurrences": ("timeSliceTarget", "timeSliceWindow"), "RatioTimeslices": ("timeSliceTarget",)}.get(
        method, ()
    ):
        if key in sheet.get(*here):
            sheet.note(f"{key} means nothing with budgetingMethod {method}", *here, key, key=True)
    if kind is None or kind == "occurrences":
        return Method(empty=empty) if kind else None
    size, good_from = _slice_window(sheet, (*here, "timeSliceWindow"), span), 0.0
    if kind == "timeslices":
        held = number(sheet, *here, "timeSliceTarget", expected="the share of a slice that must be good, such as 0.95")
        if held is None:
            return None
        if not 0 < held <= 1:
            sheet.complain(f"timeSliceTarget is {held:g}", *here, "timeSliceTarget", expected="above 0, at most 1")
            return None
        good_from = held
    if size is None:
        return None
    return Method("timeslices" if kind == "timeslices" else "ratio_timeslices", size, good_from, empty)


def _slice_window(sheet: Sheet, path: Path, span: timedelta | None) -> timedelta | None:
    """The length of a slice; a bare number is minutes (OpenSLO)."""
    expected = "such as 1m, 10m or 1h; a number is minutes"
    held = sheet.get(*path)
    if isinstance(held, (int, float)) and not isinstance(held, bool):
        minutes = number(sheet, *path, expected=expected)
        size = timedelta(seconds=round(minutes * 60)) if minutes is not None and 0 < minutes < 10**7 else None
        if minutes is not None and not size:
            sheet.complain(f"timeSliceWindow is {minutes:g}", *path, expected=expected)
            return None
    else:
        size = length(sheet, *path, expected=expected)
    if size is not None and span is not None and size >= span:
        sheet.complain("a slice is shorter than the window", *path, expected=expected)
        return None
    return size


def _limit(sheet: Sheet, here: Path) -> Limit:
    operator, value = sheet.get(*here, "op"), sheet.get(*here, "value")
    found = next((each for each in SIGNS if each == operator), None)
    if operator is not None and found is None:
        sheet.complain(f"op is {kind_of(operator)}", *here, "op", expected="lte, gte, lt or gt")
    return Limit(found, number(sheet, *here, "value") if value is not None else None)


def _weight(sheet: Sheet, here: Path, *, own: bool) -> float | None:
    if sheet.get(*here, "compositeWeight") is None:
        return 1.0
    if not own:
        what = "compositeWeight is for a part with an indicator of its own"
        sheet.complain(
            what, *here, "compositeWeight", key=True, expected=f"{sheet.indicator} or {sheet.reference} beside it"
        )
    weight = number(sheet, *here, "compositeWeight", expected="a number above zero")
    if weight is not None and weight <= 0:
        sheet.complain(f"compositeWeight is {weight:g}", *here, "compositeWeight", expected="a number above zero")
        return None
    return weight
