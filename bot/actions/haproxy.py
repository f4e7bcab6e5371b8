"""Moves traffic on HAProxy while it runs: weights of servers, and a slice sent elsewhere by a map file's entry.

HAProxy knows neither keys nor revisions: what it was asked is proved by reading its effective state.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

import httpx
from pydantic import BaseModel, ConfigDict, Field, field_validator

from bot.actions import _change as change
from bot.clients.haproxy import MOST_WEIGHT, NAME, Address, HAProxy, safe
from bot.clock import Clock
from bot.domain.errors import Refused, Unavailable
from bot.domain.mitigation import Means, Plan
from bot.domain.policy import ActionClass
from bot.domain.service import Target
from bot.engine.values import Observation

WHAT = "HAProxy"
LOST = "runtime changes are lost when HAProxy reloads: write them into its configuration or server state file too"
_ALL = 100


class BalancerSettings(BaseModel):
    """Which HAProxy, which backend of it, and which map holds the slices."""

    model_config = ConfigDict(extra="forbid", use_attribute_docstrings=True)

    address: str
    """The runtime API: `unix:/run/haproxy/admin.sock` or `tcp:127.0.0.1:9999`, at level admin."""

    backend: str
    """The backend whose servers are the versions."""

    servers: tuple[str, ...] = ()
    """The servers that are versions; every server of the backend where empty."""

    map_file: str = ""
    """The map (file name as in the configuration, or `#id`) from slice to backend; without it there is no bypass."""

    carries: str = ""
    """What the traffic is, in words for the plan; the target's name where empty."""

    timeout_seconds: float = Field(default=5.0, gt=0, le=120)
    """How long one command may take."""

    @field_validator("address")
    @classmethod
    def _address(cls, text: str) -> str:
        Address.parse(text)
        return text

    @field_validator("backend", "map_file")
    @classmethod
    def _name(cls, text: str) -> str:
        if text and not NAME.fullmatch(text):
            raise ValueError("letters, digits and _.:@=/#- only")
        return text


class Balancer:
    """One backend of one HAProxy."""

    shelf: ClassVar[str] = "actions"
    Settings = BalancerSettings
    keyed = False

    def __init__(
        self, settings: BalancerSettings, *, clock: Clock, transport: httpx.AsyncBaseTransport | None = None
    ) -> None:
        self._settings = settings
        self._uid = f"haproxy:{settings.address}/{settings.backend}"
        self._api = HAProxy(Address.parse(settings.address), settings.timeout_seconds)

    async def close(self) -> None:
        """Nothing stays open between commands."""

    async def plan(self, target: Target, means: Means, params: Mapping[str, object]) -> Plan:
        """Resolve `{"to": version|"previous"}`, `{"weights": {...}}` or `{"slice", "to"}` against the running state."""
        carries = self._settings.carries or target.name
        if means is Means.BYPASS:
            asked: dict[str, Any] = {"bypass": dict([self._slice(params)])}
            klass, before = ActionClass.SMALL, await self._part(asked)
            name, to = next(iter(asked["bypass"].items()))
            diff = change.bypass_words(name, before["bypass"][name], to)
            radius, share, serves = f"only the slice {name} of {carries} traffic", 1.0, {}
        else:
            weights = await self._weights()
            before, asked = {"weights": weights}, {"weights": self._wanted(means, params, weights)}
            klass, diff = ActionClass.TRAFFIC, change.weight_words(weights, asked["weights"])
            moved, serves = change.moved_share(weights, asked["weights"]), change.shares(asked["weights"])
            radius, share = f"{moved} % of {carries} traffic", moved / 100
        return Plan(
            means=means,
            action=target.action,
            target=target.name,
            target_uid=self._uid,
            token=change.fingerprint(before),
            params=asked,
            before=before,
            after=asked,
            diff=diff,
            blast_radius=radius,
            klass=klass,
            undo="put back what was there before",
            undo_params=before,
            warnings=(LOST,),
            share=share,
            serves=serves,
            dry_run=change.READ_ONLY,
        )

    async def token(self, plan: Plan) -> str:
        return change.fingerprint(await self._part(plan.params))

    async def execute(self, plan: Plan, key: str) -> None:
        await self._carry(wanted=plan.params, only_from=plan.before)

    async def observe(self, plan: Plan, key: str) -> Observation:
        return change.compared(await self._part(plan.params), plan.before, plan.after)

    async def undo(self, plan: Plan, key: str) -> None:
        await self._carry(wanted=plan.undo_params, only_from=plan.after)

    async def undone(self, plan: Plan, key: str) -> Observation:
        return change.compared(await self._part(plan.params), before=plan.after, after=plan.before)

    async def _carry(self, *, wanted: Mapping[str, Any], only_from: Mapping[str, Any]) -> None:
        """Bring the state from `only_from` to `wanted`; nothing to do where it is there already."""
        now = await self._part(wanted)
        if now == wanted:
            return
        if now != only_from:
            raise Refused("HAProxy was changed again since; nothing was done")
        try:
            if "weights" in wanted:
                changed = {name: weight for name, weight in wanted["weights"].items() if now["weights"][name] != weight}
                await self._api.set_weights(self._settings.backend, changed)
            for name, to in wanted.get("bypass", {}).items():
                await (self._api.drop(self._map, name) if to is None else self._api.put(self._map, name, to))
        except Refused as refused:
            # of several weights in one line some may have been set before one was refused
            if await self._part(wanted) == now:
                raise
            raise Unavailable(WHAT, f"did a part of it only ({refused.because})") from refused

    async def _part(self, params: Mapping[str, Any]) -> dict[str, Any]:
        """What holds now of what a change is about."""
        if "weights" in params:
            return {"weights": await self._weights()}
        entries: dict[str, str] = {}
        for name, value in await self._api.entries(self._map):
            entries.setdefault(name, value)  # of duplicates HAProxy finds the first
        return {"bypass": {name: entries.get(name) for name in params["bypass"]}}

    async def _weights(self) -> dict[str, int]:
        weights, chosen = await self._api.weights(self._settings.backend), self._settings.servers
        if missing := [name for name in chosen if name not in weights]:
            raise Unavailable(WHAT, f"backend {self._settings.backend} has no server {', '.join(missing)}")
        return {name: weight for name, weight in weights.items() if not chosen or name in chosen}

    def _wanted(self, means: Means, params: Mapping[str, object], weights: Mapping[str, int]) -> dict[str, int]:
        match means:
            case Means.ROLLBACK:
                to = change.rollback_to(params.get("to", change.PREVIOUS), weights)
                return {name: _ALL * (name == to) for name in weights}
            case Means.TRAFFIC:
                return change.wanted_weights(params.get("weights"), list(weights), MOST_WEIGHT)
            case _:
                raise change.cannot(WHAT, means, (Means.ROLLBACK, Means.TRAFFIC, Means.BYPASS))

    def _slice(self, params: Mapping[str, object]) -> tuple[str, str | None]:
        name, to = change.asked_slice(params)
        if not self._map:
            raise Refused("this HAProxy has no map_file in the catalogue, so no slice can be sent elsewhere")
        return safe(name), None if to is None else safe(to)

    @property
    def _map(self) -> str:
        return self._settings.map_file
