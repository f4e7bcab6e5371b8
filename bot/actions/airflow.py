"""Pauses a DAG of Airflow 3, stops what it runs where asked, or has it retrain: a run whose id is the key.

A pause starts no new runs; those under way go on unless they are stopped, and a stopped run is not taken up again. What
a retraining run did to the world is not taken back by stopping it, so it has no undo: the way out is a pause that stops
it, or a rollback of what it registered.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

import httpx
from pydantic import Field, model_validator

from bot.actions import _change as change
from bot.clients.airflow import MOST_RUNS, Airflow, AirflowSettings, door
from bot.clients.http import where
from bot.clock import Clock
from bot.domain.errors import Refused, Unavailable
from bot.domain.mitigation import Means, Plan
from bot.domain.policy import ActionClass
from bot.domain.service import Target
from bot.engine.values import Observation, Seen

WHAT = "Airflow"
GONE = "gone"
"""The token of a DAG that cannot be found any more."""
UNLOGGED = "the audit log may not be read with this token: a pause and resume in between would not be noticed"
_CAN = (Means.PAUSE, Means.RETRAIN)
_ODD = re.compile(r"[^A-Za-z0-9_.~:+-]")  # Airflow's default pattern of a run's id
_NAMED = 5  # runs that a warning names
_UNDER_WAY = ("queued", "running")


class DagSettings(AirflowSettings):
    """Which DAG, and what it does."""

    dag: str = Field(min_length=1)
    """The DAG's id."""

    does: str = ""
    """What its runs do, in words for the plan, such as "trains the visits model"."""

    @model_validator(mode="after")
    def _one_way_in(self) -> DagSettings:
        if self.token is not None and (self.user or self.password is not None):
            raise ValueError("give a token, or a user and password, not both")
        if bool(self.user) != (self.password is not None):
            raise ValueError("user and password belong together")
        return self


class Dag:
    """One DAG. A run's id is its key, and the audit log tells a pause from a later one: repeating is safe."""

    shelf: ClassVar[str] = "actions"
    Settings = DagSettings

    def __init__(
        self, settings: DagSettings, *, clock: Clock, transport: httpx.AsyncBaseTransport | None = None
    ) -> None:
        self._dag, self._does = settings.dag, settings.does
        self._uid = f"airflow:{where(settings.url)}/{settings.dag}"
        self._api = Airflow(door(settings, transport))

    async def close(self) -> None:
        await self._api.close()

    async def plan(self, target: Target, means: Means, params: Mapping[str, object]) -> Plan:
        """Resolve a pause's `{"resume", "stop_running"}` or a retraining's `{"conf"}` against the DAG."""
        if means not in _CAN:
            raise change.cannot(WHAT, means, _CAN)
        told = await self._told()
        make = self._pause if means is Means.PAUSE else self._retrain
        return await make(target, params, told)

    def keyed_for(self, plan: Plan) -> bool:
        """A run is there under its id for good; a pause is a switch that anybody may turn back."""
        return plan.means is Means.RETRAIN

    async def uid(self, plan: Plan) -> str:
        return self._uid

    async def token(self, plan: Plan) -> str:
        try:
            told = await self._told()
        except Refused:  # the DAG went away since: no plan fits that
            return GONE
        if plan.means is Means.RETRAIN:
            return _version(told)
        return change.fingerprint(await self._state(told, runs=bool(plan.params.get("stop"))))

    async def execute(self, plan: Plan, key: str) -> None:
        if plan.means is Means.RETRAIN:
            await self._train(plan, run_id(key))
            return
        if await self._holds(plan):
            return
        if await self.token(plan) != plan.token:
            raise Refused(f"{self._dag} was paused, resumed or started since; nothing was done")
        await self._api.pause(self._dag, paused=bool(plan.params["pause"]))
        for number, run in enumerate(_runs(plan)):
            try:
                if await self._going([run]):  # one that ended well meanwhile would be called failed
                    await self._api.stop(self._dag, run)
            except Refused as refused:
                before = f"{self._dag} is paused and {number} of {len(_runs(plan))} runs are stopped"
                raise Unavailable(WHAT, f"did a part of it only: {before} ({refused.because})") from refused

    async def observe(self, plan: Plan, key: str) -> Observation:
        """By the run's own state, or by the DAG's and that of the runs that were to be stopped."""
        if plan.means is Means.RETRAIN:
            return await self._trained(run_id(key))
        return await self._switched(plan, wanted=bool(plan.after["paused"]), stopped=_runs(plan))

    async def undo(self, plan: Plan, key: str) -> None:
        if not plan.undo:
            what = "what a run did" if plan.means is Means.RETRAIN else "a stopped run"
            raise Refused(f"there is no way back: {what} is not taken back by Airflow")
        told = await self._told()
        if told["is_paused"] == plan.before["paused"]:
            return
        events = await self._api.switched(self._dag)
        # ours is the newest attempt, and before it stands the one that the plan saw
        if events is not None and plan.before["switched"] is not None and events[1:] != _seen(plan):
            raise Refused(f"{self._dag} was paused or resumed again since; nothing was done")
        await self._api.pause(self._dag, paused=bool(plan.undo_params["pause"]))

    async def undone(self, plan: Plan, key: str) -> Observation:
        return await self._switched(plan, wanted=bool(plan.before["paused"]), stopped=())

    # -- pause -------------------------------------------------------------------------------------------------------

    async def _pause(self, target: Target, params: Mapping[str, object], told: Mapping[str, Any]) -> Plan:
        resume, stop = params.get("resume", False), params.get("stop_running", False)
        if not isinstance(resume, bool) or not isinstance(stop, bool):
            raise Refused("resume and stop_running are true or false")
        if resume and stop:
            raise Refused("a resume stops no runs; ask for one or the other")
        pause, was = not resume, bool(told["is_paused"])
        state = await self._state(told, runs=stop)
        runs: list[str] = state.get("runs", [])
        diff = [] if was == pause else [f"{self._dag}: {_word(was)} → {_word(pause)}"]
        diff += [f"run {run}: running → failed" for run in runs]
        undo = "" if runs else f"{'resume' if pause else 'pause'} {self._dag} again"
        return Plan(
            means=Means.PAUSE,
            action=target.action,
            target=target.name,
            target_uid=self._uid,
            token=change.fingerprint(state),
            params={"pause": pause, "stop": stop, "runs": runs},
            before={"paused": was, "switched": state["switched"]},
            after={"paused": pause},
            diff=tuple(diff),
            blast_radius=f"every run of {self._named()} from now on",
            klass=ActionClass.TRAFFIC if runs else ActionClass.SMALL,
            undo=undo,
            undo_params={"pause": was} if undo else {},
            warnings=tuple(_cautions(pause=pause, stop=stop, runs=runs, state=state)),
            dry_run=change.READ_ONLY,
        )

    async def _state(self, told: Mapping[str, Any], *, runs: bool) -> dict[str, Any]:
        """What a pause rests on: the DAG's switch, who touched it last, and its runs where they are to be stopped."""
        events = await self._api.switched(self._dag)
        state: dict[str, Any] = {
            "paused": told["is_paused"],
            "switched": None if events is None else (events or [0])[0],
        }
        if runs:
            state["runs"] = sorted(await self._api.running(self._dag))
            if len(state["runs"]) >= MOST_RUNS:
                raise Unavailable(WHAT, f"runs {MOST_RUNS} of {self._dag} or more, too many to approve by name")
        return state

    async def _holds(self, plan: Plan) -> bool:
        """Whether the DAG and the runs are as wanted already."""
        if (await self._told())["is_paused"] != plan.after["paused"]:
            return False
        return not await self._going(_runs(plan))

    async def _going(self, runs: Sequence[str]) -> list[str]:
        """Those of the runs that are still under way."""
        told = [(run, await self._api.run(self._dag, run)) for run in runs]
        return [run for run, state in told if state is not None and state["state"] in _UNDER_WAY]

    async def _switched(self, plan: Plan, *, wanted: bool, stopped: Sequence[str]) -> Observation:
        try:
            paused = bool((await self._told())["is_paused"])
        except Refused as gone:
            return Observation(Seen.UNKNOWN, gone.because)
        going = await self._going(stopped)
        if paused != wanted:
            return Observation(Seen.NOT_APPLIED, f"{self._dag} is {_word(paused)}")
        if going:
            return Observation(Seen.UNKNOWN, f"{self._dag} is {_word(paused)}, but still running: {', '.join(going)}")
        ended = f"; stopped: {', '.join(stopped)}" if stopped else ""
        return Observation(Seen.APPLIED, f"{self._dag} is {_word(paused)}{ended}")

    # -- retrain -----------------------------------------------------------------------------------------------------

    async def _retrain(self, target: Target, params: Mapping[str, object], told: Mapping[str, Any]) -> Plan:
        conf = params.get("conf", {})
        if not isinstance(conf, Mapping):
            raise Refused("conf is what the run is told, as names and values")
        if told["is_paused"]:
            raise Refused(f"{self._dag} is paused: a run would wait until it is resumed; resume it first")
        kinds = told.get("allowed_run_types")
        if isinstance(kinds, list) and "manual" not in kinds:
            raise Refused(f"{self._dag} takes no runs started by hand; it takes {', '.join(map(str, kinds))}")
        running = await self._api.running(self._dag)
        warnings = ["what the run has done stays: stopping it takes nothing back"]
        if running:
            least = "at least " if len(running) >= MOST_RUNS else ""
            more = f" and {least}{len(running) - _NAMED} more" if len(running) > _NAMED else ""
            warnings.append(f"under way already: {', '.join(running[:_NAMED])}{more}")
        most = told.get("max_active_runs")
        if isinstance(most, int) and len(running) >= most:
            warnings.append(f"at most {most} runs of {self._dag} go on at once: this one waits for its turn")
        telling = ", ".join(f"{name}={value}" for name, value in conf.items())
        return Plan(
            means=Means.RETRAIN,
            action=target.action,
            target=target.name,
            target_uid=self._uid,
            token=_version(told),
            params={"conf": dict(conf)},
            before={"version": _version(told)},
            after={"run": "started"},
            diff=(f"{self._dag}: one new run{f', told {telling}' if telling else ''} (DAG version {_version(told)})",),
            blast_radius=f"one run of {self._named()}, and whatever follows from it",
            klass=ActionClass.TRAFFIC,
            undo="",
            warnings=tuple(warnings),
            dry_run=change.READ_ONLY,
        )

    async def _train(self, plan: Plan, run: str) -> None:
        if await self._api.run(self._dag, run) is not None:
            return
        told = await self._told()
        if told["is_paused"] or _version(told) != plan.token:
            raise Refused(f"{self._dag} was paused or given another version since; nothing was started")
        conf = plan.params["conf"]
        await self._api.trigger(self._dag, run, conf if isinstance(conf, Mapping) else {})

    async def _trained(self, run: str) -> Observation:
        """Queued and running count as applied: the run is there, and is not started twice. Failed is for a person."""
        found = await self._api.run(self._dag, run)
        if found is None:
            return Observation(Seen.NOT_APPLIED, f"{self._dag} has no run {run}")
        state = str(found["state"])
        if state == "failed":
            return Observation(Seen.UNKNOWN, f"run {run} failed; what its tasks had done by then stays")
        if state == "queued" and (dag := await self._api.dag(self._dag)) is not None and dag["is_paused"]:
            return Observation(Seen.UNKNOWN, f"run {run} is queued and {self._dag} is paused: it waits to be resumed")
        words = {"queued": "waits for its turn", "running": "runs", "success": "ended well"}
        return Observation(Seen.APPLIED, f"run {run} {words.get(state, f'is {state}')}")

    # -- both --------------------------------------------------------------------------------------------------------

    async def _told(self) -> dict[str, Any]:
        """The DAG as it stands. Raises Refused where it is not there."""
        found = await self._api.dag(self._dag)
        if found is None:
            raise Refused(f"Airflow has no DAG {self._dag}")
        if found.get("is_stale"):
            raise Refused(f"{self._dag} is not in Airflow's DAG folder any more")
        return found

    def _named(self) -> str:
        return f"{self._dag} ({self._does})" if self._does else self._dag


def run_id(key: str) -> str:
    """The id of the run that a key starts: readable, allowed by Airflow, and another for each key."""
    return f"tocsin__{_ODD.sub('.', key)[:150]}__{hashlib.sha256(key.encode()).hexdigest()[:8]}"


def _version(told: Mapping[str, Any]) -> str:
    """The DAG's version, which counts up whenever its code changes what it does."""
    newest = told.get("latest_dag_version")
    number = newest.get("version_number") if isinstance(newest, Mapping) else None
    bundle = told.get("bundle_version")
    return f"{number if isinstance(number, int) else 'unknown'}{f'@{bundle}' if bundle else ''}"


def _cautions(*, pause: bool, stop: bool, runs: Sequence[str], state: Mapping[str, Any]) -> list[str]:
    said = [UNLOGGED] if state["switched"] is None else []
    if pause and not stop:
        said.append("runs under way go on to their end; stop_running stops them")
    if runs:
        said.append("a stopped run is not taken up again: what its tasks had done by then stays")
    return said


def _runs(plan: Plan) -> list[str]:
    given = plan.params.get("runs")
    return [str(run) for run in given] if isinstance(given, list | tuple) else []


def _seen(plan: Plan) -> list[int]:
    """The attempts to switch that stood before ours."""
    switched = plan.before["switched"]
    return [switched] if isinstance(switched, int) and switched else []


def _word(paused: object) -> str:
    return "paused" if paused else "running"
