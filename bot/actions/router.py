"""Moves traffic on a router that speaks revisions and keys over HTTP: roll back, shift weights, send a slice elsewhere.

`GET /state`, `POST /apply` (with `?dry_run=1`), `GET /applied/{key}`: a change names the revision it was planned on,
and the same key never changes things twice. A router that counts tells `requests` per backend in its state: those that
went by weight.
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

WHAT = "router"
_WHOLE = 100


class RouterSettings(HttpSettings):
    """Where the router answers, and what its traffic is called."""

    carries: str = ""
    """What the traffic is, in words for the plan; the target's name where empty."""


@dataclass(frozen=True, slots=True)
class State:
    """The router at one revision."""

    revision: int
    weights: dict[str, int]
    bypass: dict[str, str]
    backends: tuple[str, ...]

    def part(self, params: Mapping[str, Any]) -> dict[str, Any]:
        """What holds now of what a change is about."""
        if "weights" in params:
            return {"weights": dict(self.weights)}
        return {"bypass": {name: self.bypass.get(name) for name in params["bypass"]}}


class Router:
    """One router. It keeps keys itself, so asking again under a key is safe."""

    shelf: ClassVar[str] = "actions"
    Settings = RouterSettings

    def __init__(
        self, settings: RouterSettings, *, clock: Clock, transport: httpx.AsyncBaseTransport | None = None
    ) -> None:
        self._uid = f"router:{where(settings.url)}"
        self._carries = settings.carries
        self._http = Http(WHAT, settings, url=settings.url, transport=transport)

    async def close(self) -> None:
        await self._http.close()

    async def plan(self, target: Target, means: Means, params: Mapping[str, object]) -> Plan:
        """Resolve `{"to": version|"previous"}`, `{"weights": {...}}` or `{"slice", "to"}`; checked by a dry run."""
        state = await self._state()
        asked, diff, klass, radius, share = self._resolve(state, means, params, self._carries or target.name)
        before = state.part(asked)
        if diff:
            await self._http.send("POST", "/apply", {"expect_revision": state.revision, **asked}, {"dry_run": "1"})
        return Plan(
            means=means,
            action=target.action,
            target=target.name,
            target_uid=self._uid,
            token=str(state.revision),
            params=asked,
            before=before,
            after=asked,
            diff=diff,
            blast_radius=radius,
            klass=klass,
            undo=f"put back: {_told(before)}",
            undo_params=before,
            share=share,
            serves=change.shares(asked.get("weights", {})),
            dry_run="the router took it as a dry run" if diff else change.READ_ONLY,
        )

    def keyed_for(self, plan: Plan) -> bool:
        return True

    async def uid(self, plan: Plan) -> str:
        return self._uid

    async def token(self, plan: Plan) -> str:
        return str((await self._state()).revision)

    async def execute(self, plan: Plan, key: str) -> None:
        await self._http.send("POST", "/apply", {"key": key, "expect_revision": int(plan.token), **plan.params})

    async def observe(self, plan: Plan, key: str) -> Observation:
        """By the router's own record of the key; what holds by now is told too."""
        record, state = await self._record(key), await self._state()
        if record is None:
            return Observation(Seen.NOT_APPLIED, f"the router knows nothing of it (revision {state.revision})")
        told = f"the router applied it at {change.moment(record.get('at'))}, revision {record.get('revision', '?')}"
        if state.part(plan.params) != plan.after:
            told += f"; it was changed again since (revision {state.revision})"
        return Observation(Seen.APPLIED, told)

    async def undo(self, plan: Plan, key: str) -> None:
        """Put back what this plan changed and nothing else. Raises Refused where somebody changed it again since."""
        state = await self._state()
        now = state.part(plan.params)
        if now == plan.before:
            return
        if now != plan.after:
            raise Refused(f"the router was changed again since ({_told(now)}); undoing would take that back too")
        body = {"key": key, "expect_revision": state.revision, **plan.undo_params}
        await self._http.send("POST", "/apply", body)

    async def undone(self, plan: Plan, key: str) -> Observation:
        record, state = await self._record(key), await self._state()
        if record is not None or state.part(plan.params) == plan.before:
            return Observation(Seen.APPLIED, f"the router is as it was before (revision {state.revision})")
        return Observation(Seen.NOT_APPLIED, f"the router still has the change (revision {state.revision})")

    async def traffic(self, plan: Plan) -> Mapping[str, int]:
        """Requests each version was sent since the router started; empty for a bypass, or where it does not count."""
        counted = (await self._http.get("/state")).get("requests")
        if not isinstance(counted, dict):
            return {}
        return {name: field(counted, name, int, WHAT) for name in change.weights_of(plan.after) if name in counted}

    def _resolve(
        self, state: State, means: Means, params: Mapping[str, object], carries: str
    ) -> tuple[dict[str, Any], tuple[str, ...], ActionClass, str, float]:
        """(change as the router takes it, diff, class, blast radius in words, share it reaches). Raises Refused."""
        match means:
            case Means.ROLLBACK:
                to = change.rollback_to(params.get("to", change.PREVIOUS), state.weights)
                weights = {name: _WHOLE * (name == to) for name in state.weights}
            case Means.TRAFFIC:
                weights = change.wanted_weights(params.get("weights"), list(state.weights), _WHOLE)
            case Means.BYPASS:
                name, backend = change.asked_slice(params)
                if backend is not None and backend not in state.backends:
                    raise Refused(f"there is no backend {backend!r}; there is {', '.join(state.backends)}")
                diff = change.bypass_words(name, state.bypass.get(name), backend)
                radius = f"only the slice {name} of {carries} traffic"
                return {"bypass": {name: backend}}, diff, ActionClass.SMALL, radius, 1.0
            case _:
                raise change.cannot(WHAT, means, (Means.ROLLBACK, Means.TRAFFIC, Means.BYPASS))
        moved = change.moved_share(state.weights, weights)
        radius, diff = f"{moved} % of {carries} traffic", change.weight_words(state.weights, weights)
        return {"weights": weights}, diff, ActionClass.TRAFFIC, radius, moved / 100

    async def _state(self) -> State:
        told = await self._http.get("/state")
        revision = field(told, "revision", int, WHAT)
        weights, bypass = field(told, "weights", dict, WHAT), field(told, "bypass", dict, WHAT)
        backends = tuple(map(str, told.get("backends") or weights))
        if not weights or not all(isinstance(weight, int) for weight in weights.values()):
            raise Unavailable(WHAT, "told weights that are not whole numbers")
        return State(revision, weights, bypass, backends)

    async def _record(self, key: str) -> dict[str, Any] | None:
        record = await self._http.find(f"/applied/{segment(key)}")
        if record is not None and not isinstance(record, dict):
            raise Unavailable(WHAT, "told something that is no record of a key")
        return record


def _told(part: Mapping[str, Any]) -> str:
    if "weights" in part:
        return "weights " + ", ".join(f"{name} {weight}" for name, weight in part["weights"].items())
    return ", ".join(
        f"slice {name} to {backend}" if backend else f"no bypass for slice {name}"
        for name, backend in part["bypass"].items()
    )
