"""Moves traffic on HAProxy while it runs: weights of servers, and a slice sent elsewhere by a map file's entry.

HAProxy knows neither keys nor revisions: what it was asked is proved by reading its effective state. A reload is a new
process with the configuration's weights and map. `state_file` and `write_map` carry a change through it (Tocsin must
stand on HAProxy's machine, and the configuration must read the file):

    global
      server-state-file /var/lib/haproxy/state
    defaults
      load-server-state-from-file global

Without them `keep` sets again what a reload lost.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any, ClassVar

import httpx
from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

from bot.actions import _change as change
from bot.actions._lasting import Lasting
from bot.clients.haproxy import MOST_WEIGHT, NAME, Address, HAProxy, Server, safe
from bot.clock import Clock
from bot.domain.errors import Refused, Unavailable
from bot.domain.mitigation import Means, Plan
from bot.domain.policy import ActionClass
from bot.domain.service import Target
from bot.engine.values import Observation, Seen

WHAT = "HAProxy"
STICKY = (
    "HAProxy keeps clients to their server (cookie or stick table): they stay where they are, only new clients move"
)
CAN = (Means.ROLLBACK, Means.TRAFFIC, Means.BYPASS)
_FIXED = "static-rr"  # an algorithm whose weights cannot be moved while it runs
_ALL = 100
_SECOND = timedelta(seconds=1)  # to which HAProxy tells how long it runs


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

    write_map: bool = False
    """Whether a bypass is written into the map file, to outlive a reload; `map_file` is then a path on this machine."""

    state_file: str = ""
    """HAProxy's `server-state-file`, written after each change of weights so that they outlive a reload."""

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

    @field_validator("state_file")
    @classmethod
    def _place(cls, path: str) -> str:
        if path and not path.startswith("/"):
            raise ValueError("state_file is the full path of a file, such as /var/lib/haproxy/state")
        return path

    @model_validator(mode="after")
    def _written(self) -> BalancerSettings:
        if self.write_map and not self.map_file.startswith("/"):
            raise ValueError("write_map needs map_file as the full path of the file on this machine")
        far = Address.parse(self.address).host not in {"", "127.0.0.1", "::1", "[::1]", "localhost"}
        if far and (self.write_map or self.state_file):
            raise ValueError(
                "state_file and write_map are for a HAProxy on this machine; this address is another one's"
            )
        return self


class Balancer:
    """One backend of one HAProxy."""

    shelf: ClassVar[str] = "actions"
    Settings = BalancerSettings

    def __init__(
        self, settings: BalancerSettings, *, clock: Clock, transport: httpx.AsyncBaseTransport | None = None
    ) -> None:
        self._settings, self._clock = settings, clock
        self._uid = f"haproxy:{settings.address}/{settings.backend}"
        self._api = HAProxy(Address.parse(settings.address), settings.timeout_seconds)
        self._lasting = Lasting(settings, self._api)

    async def close(self) -> None:
        """Nothing stays open between commands."""

    async def plan(self, target: Target, means: Means, params: Mapping[str, object]) -> Plan:
        """Resolve `{"to": version|"previous"}`, `{"weights": {...}}` or `{"slice", "to"}` against the running state."""
        if "mirror" in params:
            raise Refused(
                "HAProxy cannot mirror traffic while it runs: that takes an SPOE agent in its configuration; "
                "mirror where the service mesh can"
            )
        carries = self._settings.carries or target.name
        if means is Means.BYPASS:
            change.only(params, "slice", "to")
            asked: dict[str, Any] = {"bypass": dict([self._slice(params)])}
            klass, before = ActionClass.SMALL, await self._part(asked)
            name, to = next(iter(asked["bypass"].items()))
            await self._require_backend(to)
            diff = change.bypass_words(name, before["bypass"][name], to)
            radius, share, serves = f"only the slice {name} of {carries} traffic", 1.0, {}
            back, warnings = before, self._lasting.warnings(asked)
        else:
            servers = await self._servers()
            weights = {name: server.weight for name, server in servers.items()}
            before, asked = {"weights": weights}, {"weights": self._wanted(means, params, weights)}
            klass, diff = ActionClass.TRAFFIC, change.weight_words(weights, asked["weights"])
            moved, serves = change.moved_share(weights, asked["weights"]), change.shares(asked["weights"])
            radius, share = f"{moved} % of {carries} traffic", moved / 100
            warnings = (*await self._traps(servers, asked["weights"]), *self._lasting.warnings(asked))
            configured = {name: server.configured for name, server in servers.items()}
            back = before if configured == weights else {**before, "configured": configured}
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
            undo_params=back,
            warnings=warnings,
            share=share,
            serves=serves,
            dry_run=change.READ_ONLY,
        )

    def keyed_for(self, plan: Plan) -> bool:
        return False

    async def uid(self, plan: Plan) -> str:
        return self._uid

    async def token(self, plan: Plan) -> str:
        return change.fingerprint(await self._part(plan.params))

    async def execute(self, plan: Plan, key: str) -> None:
        await self._carry(wanted=plan.after, only_from=plan.before)

    async def observe(self, plan: Plan, key: str) -> Observation:
        now = await self._part(plan.params)
        return await self._told(now, change.compared(now, plan.before, plan.after))

    async def undo(self, plan: Plan, key: str) -> None:
        await self._carry(wanted=plan.before, only_from=plan.after)

    async def undone(self, plan: Plan, key: str) -> Observation:
        now = await self._part(plan.params)
        return await self._told(now, change.compared(now, before=plan.after, after=plan.before))

    async def keep(self, plan: Plan, key: str, since: datetime) -> str:
        """Set the change again where HAProxy was started anew after `since` and shows what it starts with.

        A state that anybody brought about while it runs is left alone. The files are made to say what runs.
        """
        now = await self._part(plan.params)
        if now == plan.after or now not in self._starts(plan):
            await self._lasting.write(now)
            return ""
        started = self._clock.now() - timedelta(seconds=await self._api.uptime())
        if started - _SECOND < since:
            await self._lasting.write(now)
            return ""
        await self._carry(wanted=plan.after, only_from=now)
        return f"HAProxy was started anew at {started:%H:%M:%S} UTC and had lost the change; it was set again"

    async def traffic(self, plan: Plan) -> Mapping[str, int]:
        """Requests each version was given since HAProxy started; empty for a bypass, which it does not count."""
        if "weights" not in plan.after:
            return {}
        counted = (await self._api.statistics(self._settings.backend)).requests
        return {name: counted.get(name, 0) for name in change.weights_of(plan.after)}

    async def _told(self, now: Mapping[str, Any], seen: Observation) -> Observation:
        gap = await self._lasting.gap(now) if seen.seen is Seen.APPLIED else ""
        return Observation(seen.seen, f"{seen.detail}; {gap}") if gap else seen

    def _starts(self, plan: Plan) -> list[Mapping[str, Any]]:
        """What a new process may show that lost the change: the state before it, or the configuration's weights."""
        configured = plan.undo_params.get("configured")
        return [plan.before, *([{"weights": configured}] if configured else [])]

    async def _carry(self, *, wanted: Mapping[str, Any], only_from: Mapping[str, Any]) -> None:
        """Bring the state from `only_from` to `wanted`; nothing to do where it is there already."""
        now = await self._part(wanted)
        if now == wanted:
            await self._lasting.write(now)
            return
        if now != only_from:
            raise Refused("HAProxy was changed again since; nothing was done")
        try:
            if "weights" in wanted:
                changed = {name: weight for name, weight in wanted["weights"].items() if now["weights"][name] != weight}
                await self._api.set_weights(self._settings.backend, changed, now["weights"])
            for name, to in wanted.get("bypass", {}).items():
                await (self._api.drop(self._map, name) if to is None else self._api.put(self._map, name, to))
        except Refused as refused:
            # of several weights some may have been set before one was refused
            if await self._part(wanted) == now:
                raise
            raise Unavailable(WHAT, f"did a part of it only ({refused.because})") from refused
        after = await self._part(wanted)
        if after != wanted:
            raise Unavailable(WHAT, "was changed by another hand at the same time")
        await self._lasting.write(after)

    async def _part(self, params: Mapping[str, Any]) -> dict[str, Any]:
        """What holds now of what a change is about."""
        if "weights" in params:
            return {"weights": await self._weights()}
        entries: dict[str, str] = {}
        for name, value in await self._api.entries(self._map):
            entries.setdefault(name, value)  # of duplicates HAProxy finds the first
        return {"bypass": {name: entries.get(name) for name in params["bypass"]}}

    async def _weights(self) -> dict[str, int]:
        return {name: server.weight for name, server in (await self._servers()).items()}

    async def _servers(self) -> dict[str, Server]:
        servers, chosen = await self._api.servers(self._settings.backend), self._settings.servers
        if missing := [name for name in chosen if name not in servers]:
            raise Unavailable(WHAT, f"backend {self._settings.backend} has no server {', '.join(missing)}")
        return {name: server for name, server in servers.items() if not chosen or name in chosen}

    async def _traps(self, servers: Mapping[str, Server], wanted: Mapping[str, int]) -> tuple[str, ...]:
        """What weights alone do not say, in sentences. Raises Refused where nothing would answer."""
        takers = [name for name, weight in wanted.items() if weight]
        out = [name for name in takers if not servers[name].ready]
        if out == takers:
            raise Refused(f"{', '.join(out)} takes no traffic (down, draining or in maintenance): nothing would answer")
        told = await self._api.statistics(self._settings.backend)
        if told.algorithm == _FIXED:
            raise Refused(f"backend {self._settings.backend} balances by {_FIXED}, whose weights stand until a reload")
        warnings = [f"{', '.join(out)} takes no traffic now (down, draining or in maintenance)"] if out else []
        room = sum(told.limits[name] for name in takers) if all(name in told.limits for name in takers) else None
        if room is not None and room < told.sessions:
            warnings.append(f"{', '.join(takers)} takes {room} sessions at a time and there are {told.sessions} now")
        return (*warnings, STICKY) if told.sticky else tuple(warnings)

    async def _require_backend(self, name: str | None) -> None:
        """Raise Refused where HAProxy has no backend of that name: the slice would be answered with 503."""
        if name is not None and name not in (there_is := await self._api.backends()):
            raise Refused(f"HAProxy has no backend {name!r}; there is {', '.join(there_is)}")

    def _wanted(self, means: Means, params: Mapping[str, object], weights: Mapping[str, int]) -> dict[str, int]:
        match means:
            case Means.ROLLBACK:
                change.only(params, "to")
                to = change.rollback_to(params.get("to", change.PREVIOUS), weights)
                return {name: _ALL * (name == to) for name in weights}
            case Means.TRAFFIC:
                change.only(params, "weights")
                return change.wanted_weights(params.get("weights"), list(weights), MOST_WEIGHT)
            case _:
                raise change.cannot(WHAT, means, CAN)

    def _slice(self, params: Mapping[str, object]) -> tuple[str, str | None]:
        name, to = change.asked_slice(params)
        if not self._map:
            raise Refused("this HAProxy has no map_file in the catalogue, so no slice can be sent elsewhere")
        return safe(name), None if to is None else safe(to)

    @property
    def _map(self) -> str:
        return self._settings.map_file
