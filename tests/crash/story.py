"""One change of production told through as many lives as it takes, and what the target's own record says of it."""

from __future__ import annotations

import json
import os
import shutil
import signal
import threading
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.crash.nursery import Nursery
from tests.crash.target import BACK, FORWARD, Target, balancing, routing

LIVES = 12
"""So many lives at most: a story that needs more does not come to rest."""

PATIENCE = 25.0
"""Seconds of a life in which nothing comes to rest; then it is told as stuck."""

TARGETS: dict[str, Callable[[], AbstractContextManager[Target]]] = {"router": routing, "balancer": balancing}
AT_REST = {
    "verified": True, "applied": True, "not helping": True,
    "failed": False, "stale": False, "expired": False, "declined": False, "undone": False,
}  # fmt: skip
"""What each state says of the target: whether the change stands."""


@dataclass
class Told:
    """A story from the first click until all is at rest."""

    kills: int = 0
    unreached: list[str] = field(default_factory=list)  # points at which nobody died
    troubles: list[str] = field(default_factory=list)  # what must never happen, and did
    passed: list[str] = field(default_factory=list)  # points of the house, where they are traced
    asked: Counter[str] = field(default_factory=Counter)  # what the target was asked in the last life
    state: str = ""
    unknown: int = 0  # how often nobody could tell
    events: list[str] = field(default_factory=list)


@dataclass
class Stage:
    """Where stories are played: a nursery, a folder, and a house's state to begin from."""

    nursery: Nursery
    folder: Path
    database: Callable[[], AbstractContextManager[tuple[str, str, Path]]]
    """A fresh state: the log's URL, the durable engine's, and the house's folder."""

    def play(
        self,
        target: str,
        scenario: str,
        kills: Sequence[str] = (),
        *,
        repeat: bool = False,
        bug: str = "",
        trace: bool = False,
        patience: float = PATIENCE,
    ) -> Told:
        """Play it, killing the house at each of these points in turn, one per life; then let it live."""
        told = Told()
        with TARGETS[target]() as truth, self.database() as (log, work, folder):
            order: dict[str, Any] = {
                "database": log, "work": work, "folder": str(folder), "diary": str(folder / "diary"),
                "phone": str(folder / "phone"), "target": target, "address": truth.address, "scenario": scenario,
                "repeat": repeat, "bug": bug, "trace": trace, "settle": "",
                "patience": patience,
            }  # fmt: skip
            left = list(kills)
            for life in range(LIVES):
                kill = left.pop(0) if left else ""
                code = self._live(truth, {**order, "life": life}, kill)
                told.asked = Counter(truth.requests)
                if code == -signal.SIGKILL:
                    told.kills += 1
                    continue
                lines = _lines(folder / "diary")
                end = next((line["end"] for line in reversed(lines) if "end" in line), None)
                if code != 0 or end is None:
                    told.troubles.append(f"the house ended with {code}")
                    break
                if kill:
                    told.unreached.append(kill)
                told.state, told.events = end["state"], end["events"]
                if end["state"] != "unknown" and not left:
                    break
                if end["state"] == "unknown":
                    told.unknown += 1
                    told.troubles += _told_of_doubt(folder / "phone")
                    order["settle"] = "stands" if truth.stands() else "gone"
            else:
                told.troubles.append("it never comes to rest")
            truth.land()
            lines = _lines(folder / "diary")
            told.passed = [line["passed"] for line in lines if "passed" in line]
            told.troubles += judged(truth, scenario, lines)
        return told

    def _live(self, truth: Target, order: dict[str, Any], kill: str) -> int:
        born, pid = threading.Event(), 0

        def reap() -> None:
            born.wait(10)
            os.kill(pid, signal.SIGKILL)

        at_target = kill.startswith("target ")
        truth.arm(kill.removeprefix("target ") if at_target else "", reap)
        pid = self.nursery.bear({**order, "kill": "" if at_target else kill})
        born.set()
        code = self.nursery.ended()
        truth.disarm()
        return code


def _lines(diary: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in diary.read_text().splitlines()] if diary.exists() else []


def _told_of_doubt(phone: Path) -> list[str]:
    """Whoever wanted it and whoever leads must have been called."""
    lines = phone.read_text().splitlines() if phone.exists() else []
    called = {line.split()[0] for line in lines if ":call:" in line}
    missing = {"ana", "ben", "dora"} - called
    return [f"nobody can tell, and {', '.join(sorted(missing))} was not called"] if missing else []


# -- the oracle ------------------------------------------------------------------------------------------------------


def judged(truth: Target, scenario: str, lines: Sequence[dict[str, Any]]) -> list[str]:
    """What must never happen and did, by the target's own record and the people's own memory."""
    end = next((line["end"] for line in reversed(lines) if "end" in line), None)
    if end is None:
        return ["no house lived to tell"]
    found = [*_effects(truth, end), *_approvals(lines, end), *_standing(truth, scenario, end)]
    found += [f"stuck: {line['stuck']}" for line in lines if "stuck" in line]
    found += [f"{line['refused']} was refused: {line['because']}" for line in lines if "refused" in line]
    return found


def _effects(truth: Target, end: dict[str, Any]) -> Iterator[str]:
    """Each direction took effect once at most; a target that knows no keys was not even asked twice."""
    claimed = end["events"].count("MitigationClaimed")
    for direction, most in ((FORWARD, 1), (BACK, end["undos"])):
        if (times := truth.effects.count(direction)) > most:
            yield f"{direction} took effect {times} times, {most} wanted"
    for kind, times in Counter(truth.asked).items():
        most = 1 if kind.startswith(FORWARD) else end["undos"]
        if not truth.keyed and times > most:
            yield f"{kind} was asked {times} times of a target without keys, {most} wanted"
    if truth.asked and not claimed:
        yield "it was asked to change, and nobody had claimed the right to"
    if claimed > 1:
        yield f"it was claimed {claimed} times"


def _approvals(lines: Sequence[dict[str, Any]], end: dict[str, Any]) -> Iterator[str]:
    """What a person was told is recorded stands in the log from then on, once."""
    for line in lines:
        for name in line.get("acknowledged_before", ()):
            verb, _, who = name.partition(" ")
            if verb == "approve" and who not in line["found"]:
                yield f"{who}'s approval was acknowledged and is lost"
    for who, times in Counter(end["approvals"]).items():
        if times > 1:
            yield f"{who} is counted {times} times"
    events = end["events"]
    if "MitigationClaimed" in events:
        before = events[: events.index("MitigationClaimed")].count("MitigationApproved")
        if before < 2:
            yield f"it was claimed with {before} of 2 approvals"


def _standing(truth: Target, scenario: str, end: dict[str, Any]) -> Iterator[str]:
    """What the log says stands at the target; nothing is held for ever; the log is whole."""
    state = end["state"]
    stands = truth.stands()
    if state not in AT_REST:
        yield f"it is {state} in the end"
    elif AT_REST[state] is not stands:
        yield f"the log says {state}, and the change {'stands' if stands else 'does not stand'}"
    if held := [key for key in end["claims"] if key.startswith("target:")]:
        yield f"{', '.join(held)} is held for ever"
    if end["verified"] != ["INC-1"]:
        yield "the log could not be verified"
    wanted = {"undo": "verified", "auto": "not helping"}[scenario]
    if state == wanted and "UndoAsked" not in end["events"]:
        yield "the undo was lost"


# -- where houses begin ----------------------------------------------------------------------------------------------


@contextmanager
def files(template: Path, folder: Path) -> Iterator[tuple[str, str, Path]]:
    """A house on SQLite: a copy of one that was opened once."""
    shutil.copytree(template, folder)
    try:
        yield f"sqlite:///{folder}/tocsin.db", f"sqlite:///{folder}/work.db", folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)
