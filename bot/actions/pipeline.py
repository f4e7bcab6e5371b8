"""Pauses or resumes a live feature pipeline: while paused, the last good run's features are served.

`GET /pipeline`, `POST /pipeline/pause` and `/pipeline/resume` with a key, `GET /pipeline/applied/{key}`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

import httpx

from bot.actions import _change as change
from bot.clients.http import Http, HttpSettings, field, segment, where
from bot.clock import Clock
from bot.domain.errors import Refused, Unavailable
from bot.domain.mitigation import Means, Plan
from bot.domain.policy import ActionClass
from bot.domain.service import Target
from bot.engine.values import Observation, Seen

WHAT = "feature pipeline"


class PipelineSettings(HttpSettings):
    """Where the pipeline's control answers."""

    path: str = "/pipeline"
    """Where under the address the pipeline stands."""


@dataclass(frozen=True, slots=True)
class State:
    """The pipeline's newest run, whether it is paused, and which run's features are served."""

    name: str
    run: str
    paused: bool
    last_good: str

    @property
    def token(self) -> str:
        return f"{self.run}:{_word(paused=self.paused)}"


class Pipeline:
    """One feature pipeline. It keeps keys itself, so asking again under a key is safe."""

    shelf: ClassVar[str] = "actions"
    Settings = PipelineSettings

    def __init__(
        self, settings: PipelineSettings, *, clock: Clock, transport: httpx.AsyncBaseTransport | None = None
    ) -> None:
        self._path = f"/{settings.path.strip('/')}"
        self._uid = f"pipeline:{where(settings.url)}{self._path}"
        self._http = Http(WHAT, settings, url=settings.url, transport=transport)

    async def close(self) -> None:
        await self._http.close()

    async def plan(self, target: Target, means: Means, params: Mapping[str, object]) -> Plan:
        """Pause, or with `{"resume": true}` resume."""
        if means is not Means.PAUSE:
            raise change.cannot(WHAT, means, (Means.PAUSE,))
        resume = params.get("resume", False)
        if not isinstance(resume, bool):
            raise Refused("resume is true or false")
        state, pause = await self._state(), not resume
        diff = () if state.paused == pause else (_words(state, pause=pause),)
        warnings = ["features grow older for as long as it is paused"] if pause else []
        if pause and state.last_good == state.run:
            warnings.append("the newest run counts as the last good one: pausing changes nothing of what is served")
        return Plan(
            means=means,
            action=target.action,
            target=target.name,
            target_uid=self._uid,
            token=state.token,
            params={"pause": pause, "run_id": state.run},
            before={"paused": state.paused},
            after={"paused": pause},
            diff=diff,
            blast_radius=f"every request that uses the features of {state.name or target.name}",
            klass=ActionClass.SMALL,
            undo="resume the pipeline" if pause else "pause the pipeline again",
            undo_params={"pause": state.paused},
            warnings=tuple(warnings),
            dry_run=change.READ_ONLY,
        )

    def keyed_for(self, plan: Plan) -> bool:
        return True

    async def uid(self, plan: Plan) -> str:
        return self._uid

    async def token(self, plan: Plan) -> str:
        return (await self._state()).token

    async def execute(self, plan: Plan, key: str) -> None:
        await self._switch(key, pause=bool(plan.params["pause"]), run_id=str(plan.params["run_id"]))

    async def observe(self, plan: Plan, key: str) -> Observation:
        """By the pipeline's own record of the key; what holds by now is told too."""
        record, state = await self._record(key), await self._state()
        if record is None:
            return Observation(
                Seen.NOT_APPLIED, f"the pipeline knows nothing of it; it is {_word(paused=state.paused)}"
            )
        told = f"the pipeline took it at {change.moment(record.get('at'))}"
        if state.paused != plan.after["paused"]:
            told += f"; it was {'paused' if state.paused else 'resumed'} again since"
        return Observation(Seen.APPLIED, told)

    async def undo(self, plan: Plan, key: str) -> None:
        """On the run just read: a run that came in between is somebody's to look at first."""
        state = await self._state()
        if state.paused != plan.before["paused"]:
            await self._switch(key, pause=bool(plan.undo_params["pause"]), run_id=state.run)

    async def undone(self, plan: Plan, key: str) -> Observation:
        state = await self._state()
        if state.paused == plan.before["paused"] or await self._record(key) is not None:
            return Observation(Seen.APPLIED, f"the pipeline is {_word(paused=state.paused)} as before")
        return Observation(Seen.NOT_APPLIED, f"the pipeline is still {_word(paused=state.paused)}")

    async def _switch(self, key: str, *, pause: bool, run_id: str) -> None:
        body = {"key": key, "expect_run_id": run_id}
        await self._http.send("POST", f"{self._path}/{'pause' if pause else 'resume'}", body)

    async def _state(self) -> State:
        told = await self._http.get(self._path)
        run = field(told, "run_id", str, WHAT)
        if isinstance(told.get("paused"), bool):
            paused = told["paused"]
        else:
            status = field(told, "status", str, WHAT)
            paused = status == "paused"
        return State(str(told.get("pipeline", "")), run, paused, str(told.get("last_good_run_id") or ""))

    async def _record(self, key: str) -> dict[str, Any] | None:
        record = await self._http.find(f"{self._path}/applied/{segment(key)}")
        if record is not None and not isinstance(record, dict):
            raise Unavailable(WHAT, "told something that is no record of a key")
        return record


def _word(*, paused: bool) -> str:
    return "paused" if paused else "running"


def _words(state: State, *, pause: bool) -> str:
    if not pause:
        return f"paused → running: features come from the newest run again ({state.run})"
    instead = f", features come from {state.last_good} instead of {state.run}" if state.last_good else ""
    return f"running → paused{instead}"
