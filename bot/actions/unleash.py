"""Switches an Unleash flag: off for everybody, off for one slice, or on for a share of the requests.

Unleash has no compare-and-set, so the flag is read, changed and read again; the SDKs' own view proves that it went out.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

import httpx
from pydantic import Field, SecretStr, model_validator

from bot.actions import _change as change
from bot.actions import _strategies as flags
from bot.actions import _way_back as back
from bot.actions._slices import slice_of
from bot.actions._strategies import State
from bot.clients.http import Http, HttpSettings, where
from bot.clients.unleash import Unleash, environment_of
from bot.clock import Clock
from bot.domain.errors import Refused, Unavailable
from bot.domain.mitigation import Means, Plan
from bot.domain.policy import ActionClass
from bot.domain.service import Target
from bot.engine.values import Observation, Seen

WHAT = "Unleash"
_CAN = (Means.BYPASS, Means.ROLLBACK, Means.TRAFFIC)
_WHOLE = 100
GONE = "gone"
"""The token of a flag that cannot be found any more."""


class FlagSettings(HttpSettings):
    """Which flag, in which project and environment, and what is served with and without it."""

    flag: str = Field(min_length=1)
    """The flag's name."""

    project: str = "default"
    """The project the flag belongs to."""

    environment: str = "production"
    """The environment that is changed."""

    client_token: SecretStr | None = None
    """A client token of that environment: with it a change is proved by what the SDKs are handed."""

    on: str = "on"
    """The version served where the flag is on, such as v2."""

    off: str = "off"
    """The version served where it is off, such as v1."""

    strategy: str = ""
    """Id or title of the gradual rollout that shares the traffic; needed only where there are several."""

    poll_seconds: int = Field(default=15, ge=1)
    """How often the services' SDKs fetch their flags."""

    @model_validator(mode="after")
    def _two_versions(self) -> FlagSettings:
        if self.on == self.off:
            raise ValueError("on and off name two different versions")
        return self


class Flag:
    """One flag in one environment."""

    shelf: ClassVar[str] = "actions"
    Settings = FlagSettings

    def __init__(
        self, settings: FlagSettings, *, clock: Clock, transport: httpx.AsyncBaseTransport | None = None
    ) -> None:
        self._settings = settings
        self._uid = f"unleash:{where(settings.url)}/{settings.project}/{settings.flag}@{settings.environment}"
        client = None
        if settings.client_token is not None:
            door = settings.model_copy(update={"token": settings.client_token})
            client = Http(WHAT, door, url=settings.url, transport=transport)
        admin = Http(WHAT, settings, url=settings.url, transport=transport)
        self._api = Unleash(admin, client, settings.project)

    async def close(self) -> None:
        await self._api.close()

    async def plan(self, target: Target, means: Means, params: Mapping[str, object]) -> Plan:
        """Resolve `{"enabled"}`, `{"slice", "to"}`, `{"percent"}`, `{"weights"}` or `{"to"}` against the flag."""
        if means not in _CAN:
            raise change.cannot(WHAT, means, _CAN)
        before, warnings = await self._now()
        asked, after = self._wanted(means, params, before)
        small, undo = "slice" in asked, "put the flag back as it was"
        if asked.get("enabled") is False and not flags.active(before):
            undo = ""  # switching on again makes Unleash add a strategy of its own
            warnings.append("the flag has no active strategy there: it is switched on again by hand, in Unleash")
        diff, others = self._words(asked, before, after)
        was, becomes = flags.reached(before), flags.reached(after)
        known = was is not None and becomes is not None and not small
        share = round(abs((becomes or 0) - (was or 0)), 4) if known else 1.0
        return Plan(
            means=means,
            action=target.action,
            target=target.name,
            target_uid=self._uid,
            token=change.fingerprint(before),
            params=asked,
            before=_told(before, asked),
            after=_told(after, asked),
            diff=diff,
            blast_radius=self._radius(asked, share, known=known),
            klass=ActionClass.SMALL if small else ActionClass.TRAFFIC,
            undo=undo,
            undo_params={"steps": back.steps(after, before)} if undo else {},
            warnings=(*warnings, *others),
            share=share,
            serves=self._serves(becomes) if not small else {},
            dry_run=change.READ_ONLY,
        )

    def keyed_for(self, plan: Plan) -> bool:
        return False

    async def uid(self, plan: Plan) -> str:
        return self._uid

    async def token(self, plan: Plan) -> str:
        try:
            return change.fingerprint((await self._now())[0])
        except Refused:  # the flag went away since: no plan fits that
            return GONE

    async def execute(self, plan: Plan, key: str) -> None:
        now, _warnings = await self._now()
        if _part(now, plan.params) != plan.after["holds"]:
            self._require(now, plan.before)
            await self._carry(now, _with(now, plan.params))

    async def observe(self, plan: Plan, key: str) -> Observation:
        """By the flag itself, and by what the SDKs are handed where there is a client token."""
        return await self._compared(plan, before=plan.before["holds"], after=plan.after["holds"])

    async def undo(self, plan: Plan, key: str) -> None:
        if not plan.undo:
            raise Refused("there is no way back: Unleash would add a strategy of its own when the flag is switched on")
        now, _warnings = await self._now()
        if _part(now, plan.params) != plan.before["holds"]:
            self._require(now, plan.after)
            await self._carry(now, back.walked(now, plan.undo_params["steps"]))

    async def undone(self, plan: Plan, key: str) -> Observation:
        return await self._compared(plan, before=plan.after["holds"], after=plan.before["holds"])

    async def _compared(self, plan: Plan, *, before: Any, after: Any) -> Observation:
        try:
            now, _warnings = await self._now()
        except Refused as gone:
            return Observation(Seen.UNKNOWN, gone.because)
        seen = change.compared(_part(now, plan.params), before, after)
        if seen.seen is not Seen.APPLIED:
            return seen
        if self._settings.client_token is None:
            return Observation(seen.seen, f"{seen.detail}; what the SDKs are handed was not read (no client_token)")
        handed = await self._api.handed_out(self._settings.flag)
        if handed is None:
            return Observation(Seen.UNKNOWN, "Unleash holds it, but the client token's SDKs are not handed this flag")
        if not flags.shown(now, handed):
            return Observation(Seen.MOVING, "Unleash holds it, but does not hand it to the SDKs yet")
        return Observation(seen.seen, f"{seen.detail}; SDKs have it within {self._settings.poll_seconds} s")

    def _require(self, now: State, told: Mapping[str, Any]) -> None:
        """Raises Refused where the flag is not what a plan tells of it, in any part."""
        if change.fingerprint(now) != told["flag"]:
            raise Refused(f"{self._settings.flag} was changed in {self._settings.environment} since; nothing was done")

    async def _carry(self, now: State, wanted: State) -> None:
        """Bring the flag from what it is to `wanted`, then read it again. Raises Refused, Unavailable."""
        name, environment = self._settings.flag, self._settings.environment
        old = {each["id"]: each for each in now["strategies"]}
        try:
            for each in wanted["strategies"]:
                if old[each["id"]] != each:
                    await self._api.rewrite(name, environment, each)
            if now["enabled"] != wanted["enabled"]:
                await self._api.switch(name, environment, on=wanted["enabled"])
        except Refused as refused:
            # of several strategies some may have been changed before one was refused
            if (await self._now())[0] == now:
                raise
            raise Unavailable(WHAT, f"did a part of it only ({refused.because})") from refused
        if (await self._now())[0] != wanted:
            raise Unavailable(WHAT, "shows the flag otherwise than it was set: somebody changed it at the same time")

    async def _now(self) -> tuple[State, list[str]]:
        """The flag in its environment as it stands, and what a person should know of it. Raises Refused."""
        name, environment = self._settings.flag, self._settings.environment
        flag = await self._api.flag(name)
        if flag is None:
            raise Refused(f"project {self._settings.project} has no flag {name} in Unleash, or it is archived")
        found = environment_of(flag, environment)
        if found is None:
            there = ", ".join(str(each.get("name")) for each in flag["environments"])
            raise Refused(f"{name} has no environment {environment} in Unleash; there is {there}")
        warnings = [f"SDKs fetch their flags every {self._settings.poll_seconds} s: it takes that long to arrive"]
        if self._settings.client_token is None:
            warnings.append("no client_token in the settings: what the SDKs are handed cannot be proved")
        return flags.state_of(found), warnings

    def _wanted(self, means: Means, params: Mapping[str, object], state: State) -> tuple[dict[str, Any], State]:
        """(change in our own words, state after it). Raises Refused."""
        if means is Means.BYPASS and "slice" in params:
            name, to = change.asked_slice(params)
            if to not in (None, self._settings.off):
                raise Refused(f"a flag can only keep a slice off: it goes to {self._settings.off}, not to {to}")
            if not flags.active(state):
                raise Refused(f"{self._settings.flag} has no active strategy there that could keep a slice off")
            return _asking(state, {"slice": name, "to": to})
        if means is Means.BYPASS:
            enabled = params.get("enabled")
            if not isinstance(enabled, bool):
                raise Refused("a bypass of a flag needs enabled (true or false), or the slice to keep off")
            if enabled and not state["enabled"] and not flags.active(state):
                raise Refused(
                    f"{self._settings.flag} has no active strategy there: switched on, Unleash would let everybody in; "
                    "add a strategy first"
                )
            return _asking(state, {"enabled": enabled})
        strategy, percent = flags.rollout(state, self._settings.strategy)
        wanted = self._back(params, percent) if means is Means.ROLLBACK else self._percent(params)
        return _asking(state, {"percent": wanted, "strategy": strategy["id"]})

    def _back(self, params: Mapping[str, object], percent: int) -> int:
        on, off, to = self._settings.on, self._settings.off, params.get("to", change.PREVIOUS)
        if to == change.PREVIOUS and percent == 0:
            raise Refused(f"nobody gets {on} already; there is nothing before {off}")
        if to not in (change.PREVIOUS, on, off):
            raise Refused(f"there is no version {to!r} to roll back to; there is {off}, {on}")
        return _WHOLE if to == on else 0

    def _percent(self, params: Mapping[str, object]) -> int:
        if "percent" not in params:
            weights = change.wanted_weights(params.get("weights"), [self._settings.off, self._settings.on], _WHOLE)
            if sum(weights.values()) != _WHOLE:
                raise Refused(f"the weights of a flag sum to {_WHOLE}, not {sum(weights.values())}")
            return weights[self._settings.on]
        percent = params["percent"]
        if not isinstance(percent, int) or isinstance(percent, bool) or not 0 <= percent <= _WHOLE:
            raise Refused(f"percent is a whole number from 0 to {_WHOLE}, not {percent!r}")
        return percent

    def _words(self, asked: Mapping[str, Any], before: State, after: State) -> tuple[tuple[str, ...], list[str]]:
        """(diff, warnings of this kind of change)."""
        flag, environment, on, off = (getattr(self._settings, name) for name in ("flag", "environment", "on", "off"))
        place, switched_off = f"{flag} in {environment}", f"the flag is off in {environment}: nobody gets {on} anyway"
        if "enabled" in asked:
            words = {True: f"on ({on} by its strategies)", False: f"off ({off} for everybody)"}
            diff = f"{place}: {words[before['enabled']]} → {words[after['enabled']]}"
            return (() if before == after else (diff,)), []
        warnings = [] if before["enabled"] else [switched_off]
        if "slice" in asked:
            field = slice_of(asked["slice"])[0]
            words = {True: f"kept off ({off})", False: "by the flag's strategies"}
            was, becomes = flags.kept_off(before, asked["slice"]), flags.kept_off(after, asked["slice"])
            warnings.append(f"it holds only where the services tell Unleash's SDK the field {field}")
            return (() if before == after else (f"{place}: slice {asked['slice']} {words[was]} → {words[becomes]}",)), (
                warnings
            )
        share, wanted = (flags.rollout(each, self._settings.strategy)[1] for each in (before, after))
        if len(flags.active(before)) > 1:
            warnings.append("the flag has other active strategies there: whoever they let in is not counted")
        return (() if share == wanted else (f"{place}: {on} for {share} % → {wanted} %",)), warnings

    def _radius(self, asked: Mapping[str, Any], share: float, *, known: bool) -> str:
        asking = f"requests that ask for {self._settings.flag} in {self._settings.environment}"
        if "slice" in asked:
            return f"only the slice {asked['slice']} of the {asking}"
        return f"{share * _WHOLE:.0f} % of the {asking}" if known else f"the {asking}: how many, only they can tell"

    def _serves(self, reached: float | None) -> dict[str, float]:
        if reached is None:
            return {}
        return {self._settings.on: reached, self._settings.off: round(1 - reached, 4)}


def _asking(state: State, asked: dict[str, Any]) -> tuple[dict[str, Any], State]:
    return asked, _with(state, asked)


def _with(state: State, asked: Mapping[str, Any]) -> State:
    """The state as it is once it is done."""
    if "enabled" in asked:
        return {**state, "enabled": asked["enabled"]}
    if "slice" in asked:
        return flags.with_slice(state, str(asked["slice"]), off=asked["to"] is not None)
    return flags.with_rollout(state, str(asked["strategy"]), int(asked["percent"]))


def _told(state: State, asked: Mapping[str, Any]) -> dict[str, Any]:
    """What a plan tells of a state: what the change is about, and of everything else a fingerprint."""
    return {"holds": _part(state, asked), "flag": change.fingerprint(state)}


def _part(state: Mapping[str, Any], asked: Mapping[str, Any]) -> Any:
    """What a state says of that which a change is about."""
    if "enabled" in asked:
        return state["enabled"]
    if "slice" in asked:
        named = str(asked["slice"])
        return {each["id"]: flags.kept_off({"strategies": [each]}, named) for each in flags.active(dict(state))}
    return {
        each["id"]: each["parameters"].get("rollout") for each in state["strategies"] if each["id"] == asked["strategy"]
    }
