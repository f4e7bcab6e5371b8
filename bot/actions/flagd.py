"""Switches a flag in a file that flagd reads: off, on another variant, or on another variant for one slice.

The file is replaced whole, with every character kept that is not the flag's own, and taken back character by character.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, ClassVar

import httpx
from pydantic import BaseModel, ConfigDict, Field, field_validator

from bot.actions import _change as change
from bot.actions import _targeting as targeting
from bot.actions import _way_back as back
from bot.clients import jsontext
from bot.clients.heldfile import HeldFile
from bot.clock import Clock
from bot.domain.errors import Refused, Unavailable
from bot.domain.mitigation import Means, Plan
from bot.domain.policy import ActionClass
from bot.domain.service import Target
from bot.engine.values import Observation, Seen

WHAT = "flag file"
GONE = "gone"
"""The token of a flag that cannot be found any more."""
LOADED = "flagd and the SDKs load the file by themselves, usually within a second; the data will show that they did"
_CAN = (Means.BYPASS, Means.ROLLBACK)
_STATES = {True: "ENABLED", False: "DISABLED"}


class FileSettings(BaseModel):
    """Which flag in which file."""

    model_config = ConfigDict(extra="forbid", use_attribute_docstrings=True)

    file: Path
    """The flag definitions, in JSON: the file itself, not a link to it."""

    flag: str = Field(min_length=1)
    """The flag's key."""

    carries: str = ""
    """What asks for the flag, in words for the plan; the target's name where empty."""

    timeout_seconds: float = Field(default=5.0, gt=0, le=120)
    """How long to wait for another writer of the same folder."""

    @field_validator("file")
    @classmethod
    def _json(cls, file: Path) -> Path:
        if not file.is_absolute():
            raise ValueError("a path from the root on, such as /etc/flagd/flags.json")
        if file.suffix in {".yaml", ".yml"}:
            raise ValueError("flags in YAML are not changed, since their comments would be lost; keep them in JSON")
        return file


class FlagFile:
    """One flag of one file."""

    shelf: ClassVar[str] = "actions"
    Settings = FileSettings

    def __init__(
        self, settings: FileSettings, *, clock: Clock, transport: httpx.AsyncBaseTransport | None = None
    ) -> None:
        self._settings = settings
        self._uid = f"flagd:{settings.file}#{settings.flag}"
        self._file = HeldFile(WHAT, settings.file, clock=clock, seconds=settings.timeout_seconds)

    async def close(self) -> None:
        """Nothing stays open between changes."""

    async def plan(self, target: Target, means: Means, params: Mapping[str, object]) -> Plan:
        """Resolve `{"enabled"}`, `{"variant"}`, `{"slice", "to"}` or a rollback's `{"to"}` against the file."""
        if means not in _CAN:
            raise change.cannot("flagd", means, _CAN)
        content = self._file.read()
        text = self._text(content)
        flag = self._flag(text)
        before = json.loads(flag)
        asked = self._wanted(means, params, before)
        after = _with(flag, asked)
        carries, small = self._settings.carries or target.name, "slice" in asked
        diff, warnings = self._words(asked, before, json.loads(after))
        return Plan(
            means=means,
            action=target.action,
            target=target.name,
            target_uid=self._uid,
            token=_hash(content),
            params=asked,
            before=_told(flag, asked),
            after=_told(after, asked),
            diff=diff,
            blast_radius=f"only the slice {asked['slice']} of {carries}" if small else f"every request of {carries}",
            klass=ActionClass.SMALL if small else ActionClass.TRAFFIC,
            undo=f"put {self._settings.flag} back as it stands in {self._settings.file.name}",
            undo_params={"pieces": back.pieces(after, flag)},
            warnings=(LOADED, *warnings),
            serves=_serves(json.loads(after)),
            dry_run=change.READ_ONLY,
        )

    def keyed_for(self, plan: Plan) -> bool:
        return False

    async def uid(self, plan: Plan) -> str:
        return self._uid

    async def token(self, plan: Plan) -> str:
        try:
            return _hash(self._file.read())
        except Refused:  # a link took the file's place: no plan fits that
            return GONE

    async def execute(self, plan: Plan, key: str) -> None:
        content = self._file.read()
        text = self._text(content)
        now = self._flag(text)
        if _hash(now) == plan.after["flag"]:
            return
        if _hash(content) != plan.token:
            raise Refused(f"{self._settings.file.name} was changed since; nothing was done")
        await self._put(content, text, _with(now, plan.params))

    async def observe(self, plan: Plan, key: str) -> Observation:
        """By what the file says of the flag."""
        return self._compared(plan, before=plan.before["holds"], after=plan.after["holds"])

    async def undo(self, plan: Plan, key: str) -> None:
        """Put the flag's own characters back; what others changed elsewhere in the file stays."""
        content = self._file.read()
        text = self._text(content)
        now = self._flag(text)
        if _hash(now) == plan.before["flag"]:
            return
        if _hash(now) != plan.after["flag"]:
            raise Refused(f"{self._settings.flag} was changed in {self._settings.file.name} since; nothing was done")
        await self._put(content, text, back.pieced(now, plan.undo_params["pieces"]))

    async def undone(self, plan: Plan, key: str) -> Observation:
        return self._compared(plan, before=plan.after["holds"], after=plan.before["holds"])

    async def _put(self, content: bytes, text: str, flag: str) -> None:
        await self._file.replace(content, jsontext.replaced(text, ("flags", self._settings.flag), flag).encode())
        if self._flag(self._text(self._file.read())) != flag:
            raise Unavailable(
                WHAT, "shows the flag otherwise than it was written: somebody changed it at the same time"
            )

    def _compared(self, plan: Plan, *, before: object, after: object) -> Observation:
        try:
            now = json.loads(self._flag(self._text(self._file.read())))
        except Refused as gone:
            return Observation(Seen.UNKNOWN, gone.because)
        seen = change.compared(_part(now, plan.params), before, after)
        told = {
            Seen.APPLIED: f"{self._settings.file.name} says so; whether flagd has loaded it, the data will show",
            Seen.NOT_APPLIED: f"{self._settings.file.name} is as it was before",
        }
        return Observation(seen.seen, told.get(seen.seen, seen.detail))

    def _text(self, content: bytes) -> str:
        try:
            text = content.decode()
            told = json.loads(text)
        except (ValueError, RecursionError):
            raise Unavailable(WHAT, f"{self._settings.file.name} is not JSON") from None
        if not isinstance(told, dict) or not isinstance(told.get("flags"), dict):
            raise Unavailable(WHAT, f"{self._settings.file.name} has no flags as flagd writes them")
        return text

    def _flag(self, text: str) -> str:
        """The flag's own characters. Raises Refused where it is not there, Unavailable where it is junk."""
        found = jsontext.at(text, ("flags", self._settings.flag))
        if found is None:
            there = ", ".join(json.loads(text)["flags"]) or "none"
            raise Refused(f"{self._settings.file.name} has no flag {self._settings.flag}; there is {there}")
        flag = json.loads(found)
        if not isinstance(flag, dict) or not isinstance(flag.get("variants"), dict):
            raise Unavailable(WHAT, f"{self._settings.flag} has no variants")
        if flag.get("state") not in _STATES.values():
            raise Unavailable(WHAT, f"{self._settings.flag} is neither ENABLED nor DISABLED")
        return found

    def _wanted(self, means: Means, params: Mapping[str, object], flag: Mapping[str, Any]) -> dict[str, Any]:
        """The change in our own words. Raises Refused."""
        if means is Means.BYPASS and "slice" in params:
            name, to = change.asked_slice(params)
            if to is not None:
                self._known(to, flag)
            return {"slice": name, "to": to}
        if means is Means.BYPASS and "variant" not in params:
            enabled = params.get("enabled")
            if not isinstance(enabled, bool):
                raise Refused("a bypass needs enabled (true or false), a variant, or a slice and the variant for it")
            return {"enabled": enabled}
        now = flag.get("defaultVariant")
        if means is Means.BYPASS:
            return {"variant": self._known(params["variant"], flag)}
        if not isinstance(now, str) or now not in flag["variants"]:
            raise Refused(f"{self._settings.flag} has no default variant, so nobody can tell what was before it")
        return {"variant": self._back(params.get("to", change.PREVIOUS), now, flag)}

    def _back(self, to: object, now: str, flag: Mapping[str, Any]) -> str:
        """The variant to go back to; before v2 is v1, and nothing that is called otherwise."""
        if to != change.PREVIOUS:
            return self._known(to, flag)
        return change.rollback_to(to, {name: int(name == now) for name in flag["variants"]})

    def _known(self, variant: Any, flag: Mapping[str, Any]) -> str:
        if not isinstance(variant, str) or variant not in flag["variants"]:
            raise Refused(f"{self._settings.flag} has no variant {variant!r}; there is {', '.join(flag['variants'])}")
        return variant

    def _words(
        self, asked: Mapping[str, Any], before: Mapping[str, Any], after: Mapping[str, Any]
    ) -> tuple[tuple[str, ...], list[str]]:
        """(diff, warnings of this kind of change)."""
        name, warnings = self._settings.flag, []
        if before["state"] == _STATES[False] and asked.get("enabled") is not True:
            warnings.append("the flag is disabled: services use the default in their code, whatever the file says")
        was, becomes = _part(before, asked), _part(after, asked)
        if "slice" in asked:
            warnings.append(f"it holds only where the services send the field {targeting.field_of(asked['slice'])}")
            told = [f"sent to {each}" if each else "by the flag's own rules" for each in (was, becomes)]
            said = f"{name}: slice {asked['slice']} {told[0]} → {told[1]}"
        elif "enabled" in asked:
            said = f"{name}: {was} → {becomes}"
            if not asked["enabled"]:
                said += " (services use the default in their code)"
        else:
            said = f"{name}: default variant {was} → {becomes}"
            if before.get("targeting"):
                warnings.append("the flag has targeting rules: requests that they name keep their variant")
        return (() if was == becomes else (said,)), warnings


def _with(text: str, asked: Mapping[str, Any]) -> str:
    """The flag's characters once it is done."""
    if "slice" in asked:
        return targeting.sent(text, str(asked["slice"]), asked["to"])
    name, wanted = ("state", _STATES[asked["enabled"]]) if "enabled" in asked else ("defaultVariant", asked["variant"])
    return text if json.loads(text).get(name) == wanted else jsontext.replaced(text, (name,), jsontext.written(wanted))


def _told(text: str, asked: Mapping[str, Any]) -> dict[str, Any]:
    """What a plan tells of a flag: what the change is about, and of everything else a fingerprint."""
    return {"holds": _part(json.loads(text), asked), "flag": _hash(text)}


def _part(flag: Mapping[str, Any], asked: Mapping[str, Any]) -> Any:
    """What a flag says of that which a change is about."""
    if "slice" in asked:
        return targeting.sent_to(flag.get("targeting"), str(asked["slice"]))
    return flag["state"] if "enabled" in asked else flag.get("defaultVariant")


def _serves(flag: Mapping[str, Any]) -> dict[str, float]:
    """The variant everybody gets, where everybody gets one."""
    plain = flag["state"] == _STATES[True] and not flag.get("targeting") and isinstance(flag.get("defaultVariant"), str)
    return {flag["defaultVariant"]: 1.0} if plain else {}


def _hash(content: bytes | str) -> str:
    return hashlib.sha256(content.encode() if isinstance(content, str) else content).hexdigest()[:16]
