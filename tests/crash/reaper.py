"""Ends this process by SIGKILL at one point of its life, and writes down which points it passed."""

from __future__ import annotations

import os
import signal
import threading
from collections import Counter
from collections.abc import Callable
from typing import Any

from sqlalchemy import Engine, event

from bot.domain.mitigation import Means, Plan
from bot.domain.service import Target
from bot.durable.keys import attempt_of
from bot.engine.ports import Action
from bot.engine.values import Collected, Observation, Question

BEFORE, INSIDE, AFTER = "before", "inside", "after"


class Reaper:
    """Knows the point at which to die: `commit MitigationClaimed#1 inside`; "" for never."""

    def __init__(self, at: str, note: Callable[[str], None]) -> None:
        self.at, self._note = at, note
        self._passed: Counter[str] = Counter()
        self._lock = threading.Lock()
        self._written: list[str] = []  # inside the transactions under way, or committed and not told yet

    def passes(self, what: str, when: str) -> None:
        """The process comes by here; perhaps no further."""
        with self._lock:
            self._passed[f"{what} {when}"] += 1
            point = f"{what}#{self._passed[f'{what} {when}']} {when}"
        if point == self.at:
            os.kill(os.getpid(), signal.SIGKILL)
        self._note(point)

    def watch_databases(self) -> None:
        """Every statement of every engine of this process comes by: the log's and the durable engine's."""

        @event.listens_for(Engine, "before_cursor_execute")
        def before(_connection: Any, _cursor: Any, statement: str, *given: Any) -> None:
            for what in _writes(statement, given[1]):
                self.passes(what, BEFORE)

        @event.listens_for(Engine, "after_cursor_execute")
        def after(_connection: Any, _cursor: Any, statement: str, *given: Any) -> None:
            for what in _writes(statement, given[1]):
                if what.startswith("commit "):
                    self._written.append(what)
                self.passes(what, INSIDE)

    def committed(self, _incident: str) -> None:
        """A commit was answered: what was written in it stands."""
        stands, self._written = self._written, []
        for what in stands:
            self.passes(what, AFTER)


def _writes(statement: str, context: Any) -> list[str]:
    """What a statement writes that matters here: an entry, a piece of evidence, durable work or its end."""
    words = statement.split(maxsplit=3)
    if len(words) < 3 or words[0].upper() != "INSERT":  # INSERT INTO table
        return []
    table = words[2].replace('"', "").rpartition(".")[2]
    rows = getattr(context, "compiled_parameters", None) or []
    match table:
        case "entries":
            return [f"commit {row['name']}" for row in rows]
        case "exhibits":
            return ["exhibit" for _row in rows]
        case "workflow_status":
            return [f"work {verb}" for row in rows if (verb := _verb(row))]
        case "operation_outputs":
            return [f"worked {verb}" for row in rows if (verb := _verb(row))]
    return []


def _verb(row: dict[str, Any]) -> str:
    found = attempt_of(str(row.get("workflow_uuid") or row.get("workflow_uuid_1") or ""))
    return found[0].partition(":")[0] if found else ""


class Door:
    """An action of which every question and every deed comes by the reaper."""

    def __init__(self, action: Action, reaper: Reaper) -> None:
        self._action, self._reaper = action, reaper

    async def plan(self, target: Target, means: Means, params: dict[str, object]) -> Plan:
        return await self._through("plan", target, means, params)

    def keyed_for(self, plan: Plan) -> bool:
        return self._action.keyed_for(plan)

    async def uid(self, plan: Plan) -> str:
        return await self._action.uid(plan)

    async def token(self, plan: Plan) -> str:
        return await self._through("token", plan)

    async def execute(self, plan: Plan, key: str) -> None:
        await self._through("execute", plan, key)

    async def observe(self, plan: Plan, key: str) -> Observation:
        return await self._through("observe", plan, key)

    async def undo(self, plan: Plan, key: str) -> None:
        await self._through("undo", plan, key)

    async def undone(self, plan: Plan, key: str) -> Observation:
        return await self._through("undone", plan, key)

    async def _through(self, verb: str, *given: Any) -> Any:
        self._reaper.passes(verb, BEFORE)
        answer = await getattr(self._action, verb)(*given)
        self._reaper.passes(verb, AFTER)
        return answer

    async def close(self) -> None:
        await self._action.close()


class Camera:
    """An instrument that comes by the reaper before and after it looks."""

    def __init__(self, reaper: Reaper) -> None:
        self._reaper = reaper

    async def collect(self, question: Question) -> Collected:
        self._reaper.passes("instrument", BEFORE)
        found = Collected((), (("rows.json", "application/json", b"{}"),))
        self._reaper.passes("instrument", AFTER)
        return found

    async def close(self) -> None:
        return
