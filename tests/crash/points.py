"""Where a house can be killed: every step of a change, before it, inside it and after it, by the trace of a calm life."""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence

from tests.crash.story import Told
from tests.crash.target import CHANGES, DONE, LATE, LOST

STEPS: Mapping[str, tuple[str, ...]] = {
    "plan": ("click propose", "plan", "commit MitigationProposed", "target dry_run", "target count"),
    "hold": ("work hold", "worked hold", "instrument", "exhibit", "commit EvidenceHeld"),
    "approve": ("click approve", "commit MitigationApproved"),
    "claim": ("token", "commit MitigationClaimed"),
    "execute": ("work execute", "worked execute", "execute", "target apply", "target apply the rest"),
    "observe": ("observe#1", "commit OutcomeReported", "target record", "target state"),
    "verify": ("observe#2", "commit MitigationVerified", "commit MitigationNotHelping"),
    "undo": (
        "click undo", "commit UndoAsked", "work undo", "worked undo", "undone", "commit UndoBegun", "undo",
        "commit UndoReported", "target revert", "target revert the rest",
    ),
}  # fmt: skip
"""The steps of a change, and how their points are called."""

_WHEN = {
    "before": "before",
    "inside": "inside",
    "after": "after",
    LOST: "inside",
    LATE: "inside",
    DONE: "inside",
}


def step_of(point: str) -> str:
    """The step a point belongs to; "" for the beginning of an incident."""
    name, _, _when = point.rpartition(" ")
    bare = name.partition("#")[0]
    return next((step for step, names in STEPS.items() if bare in names or name in names or _click(bare) in names), "")


def _click(bare: str) -> str:
    return " ".join(bare.split()[:2])  # whose click it is, matters not


def when_of(point: str) -> str:
    """Before, inside or after."""
    return _WHEN[point.rpartition(" ")[2]]


def every(told: Told) -> list[str]:
    """All points of a calm life, in order, and every request of the target's."""
    found = list(dict.fromkeys(told.passed))
    for kind, times in sorted(told.asked.items()):
        ways = (LOST, DONE, LATE) if kind in CHANGES else (LOST, DONE)
        found += [f"target {kind}#{number} {way}" for number in range(1, min(times, 4) + 1) for way in ways]
    return found


def is_change(point: str) -> bool:
    """Whether the target is just being asked to change something."""
    return point.startswith(tuple(f"target {kind}#" for kind in CHANGES))


def share(points: Sequence[str], place: int, of: int) -> list[str]:
    """One place's part of the points where several share them: some of every step, and all where the target changes."""
    chosen = [point for point in points if is_change(point)]
    by_step: dict[str, list[str]] = {}
    for point in points:
        if point not in chosen:
            by_step.setdefault(step_of(point), []).append(point)
    for group in by_step.values():
        mine = place % min(of, len(group))
        chosen += [point for number, point in enumerate(group) if number % of == mine]
    return chosen


def picked(points: Sequence[str], many: int, dice: random.Random) -> list[str]:
    """So many of them, of every step one before another of the same; those that change the target first."""
    by_step: dict[str, list[str]] = {}
    for point in points:
        by_step.setdefault("" if is_change(point) else step_of(point) or "begin", []).append(point)
    for group in by_step.values():
        dice.shuffle(group)
    ordered: list[str] = []
    while any(by_step.values()):
        ordered += [group.pop() for group in by_step.values() if group]
    return ordered[:many]
