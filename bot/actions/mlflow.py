"""Rolls a model back in MLflow by moving its alias to an earlier version; MLflow has no compare-and-set.

So the alias is read, moved and read again, and a person is told that serving must resolve it anew. Whose move it was is
told by a tag of the registered model, `tocsin.applied.<alias>`, where the server lets us set it.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, ClassVar

import httpx
from pydantic import field_validator

from bot.actions import _change as change
from bot.clients.http import Http, HttpSettings, where
from bot.clients.mlflow import MLflow, check_version
from bot.clock import Clock
from bot.domain.errors import Refused, Unavailable
from bot.domain.mitigation import Means, Plan
from bot.domain.policy import ActionClass
from bot.domain.service import Target
from bot.engine.values import Observation, Seen

WHAT = "MLflow"
RESOLVE = (
    "moving an alias changes what is served only when serving resolves it again; the data will show whether it did"
)
NOT_SET = "not set"
MARK = "tocsin.applied."
_READY = "READY"


class RegistrySettings(HttpSettings):
    """Which registered model, and which of its aliases production follows."""

    model: str
    """The registered model's name."""

    alias: str = "champion"
    """The alias production serves."""

    previous_alias: str = "previous"
    """The alias that stands on the last good version; without it the highest older version that is ready is taken."""

    @field_validator("alias", "previous_alias")
    @classmethod
    def _alias(cls, text: str) -> str:
        if not re.fullmatch(r"[\w-]+", text, re.ASCII) or re.fullmatch(r"latest|v\d+", text, re.IGNORECASE):
            raise ValueError("MLflow's aliases have letters, digits, _ and - only; latest and v1, v2 ... are its own")
        return text


class Registry:
    """One alias of one registered model."""

    shelf: ClassVar[str] = "actions"
    Settings = RegistrySettings

    def __init__(
        self, settings: RegistrySettings, *, clock: Clock, transport: httpx.AsyncBaseTransport | None = None
    ) -> None:
        self._settings = settings
        self._uid = f"mlflow:{where(settings.url)}/{settings.model}@{settings.alias}"
        self._api = MLflow(Http(WHAT, settings, url=settings.url, transport=transport))

    async def close(self) -> None:
        await self._api.close()

    async def plan(self, target: Target, means: Means, params: Mapping[str, object]) -> Plan:
        """Resolve `{"to": "previous" | version number}` against the registry."""
        if means is not Means.ROLLBACK:
            raise change.cannot(WHAT, means, (Means.ROLLBACK,))
        change.only(params, "to")
        model, alias = self._settings.model, self._settings.alias
        now = await self._now()
        if now == NOT_SET:
            raise Refused(f"{model} has no alias {alias} in MLflow, so nobody can tell what would be rolled back")
        to, warnings = await self._wanted(str(params.get("to", change.PREVIOUS)), now)
        diff = () if to == now else (f"alias {alias} of {model}: version {now} → {to}",)
        return Plan(
            means=means,
            action=target.action,
            target=target.name,
            target_uid=self._uid,
            token=now,
            params={"to": to},
            before={"version": now},
            after={"version": to},
            diff=diff,
            blast_radius=f"100 % of what serves {model}@{alias}",
            klass=ActionClass.TRAFFIC,
            undo=f"put alias {alias} back on version {now}",
            undo_params={"to": now},
            warnings=(RESOLVE, *warnings),
            serves={to: 1.0},
            dry_run=change.READ_ONLY,
        )

    def keyed_for(self, plan: Plan) -> bool:
        return False

    async def uid(self, plan: Plan) -> str:
        return self._uid

    async def token(self, plan: Plan) -> str:
        return await self._now()

    async def execute(self, plan: Plan, key: str) -> None:
        await self._move(str(plan.params["to"]), only_from=plan.token, mark=_mark(plan, key))

    async def observe(self, plan: Plan, key: str) -> Observation:
        """By where the alias stands; whose move that was is told beside it."""
        seen = change.compared({"version": await self._now()}, plan.before, plan.after)
        if seen.seen is not Seen.APPLIED:
            return seen
        where_to = f"alias {self._settings.alias} stands on version {plan.after['version']}"
        mark = await self._marked()
        if mark == _mark(plan, key):
            return Observation(Seen.APPLIED, f"{where_to}, moved under this key")
        whose = f"the last mark is of {mark.partition(' ')[0]}" if mark else "MLflow holds no mark of ours"
        return Observation(Seen.APPLIED, f"{where_to}; {whose}, so another hand may have moved it there")

    async def undo(self, plan: Plan, key: str) -> None:
        """Raises Refused too where another change of ours moved the alias to the same version since."""
        after, mark = str(plan.after["version"]), await self._marked()
        if mark and plan.digest not in mark and await self._now() == after:
            raise Refused(f"alias {self._settings.alias} was moved again since, by {mark.partition(' ')[0]}")
        await self._move(str(plan.undo_params["to"]), only_from=after, mark=_mark(plan, key))

    async def undone(self, plan: Plan, key: str) -> Observation:
        return change.compared({"version": await self._now()}, before=plan.after, after=plan.before)

    async def _move(self, to: str, *, only_from: str, mark: str) -> None:
        now = await self._now()
        if now == to:
            return
        if now != only_from:
            raise Refused(f"alias {self._settings.alias} moved to version {now} since; nothing was done")
        await self._set_mark(mark)
        await self._api.move(self._settings.model, self._settings.alias, to)
        after = await self._now()
        if after != to:  # last write wins: somebody else's came in between
            raise Unavailable(WHAT, f"shows the alias on version {after} after it was moved to {to}")

    async def _set_mark(self, mark: str) -> None:
        """Say whose the next move is; a server that does not take tags is moved all the same."""
        try:
            await self._api.mark(self._settings.model, f"{MARK}{self._settings.alias}", mark)
        except (Refused, Unavailable):
            return

    async def _marked(self) -> str:
        """Whose the last move of ours was; "" where there was none, or the server does not say."""
        try:
            return await self._api.marked(self._settings.model, f"{MARK}{self._settings.alias}")
        except Unavailable:
            return ""

    async def _wanted(self, to: str, now: str) -> tuple[str, tuple[str, ...]]:
        """(version, warnings) to go back to: the one named, else the previous alias's, else the highest older ready.

        Raises Refused where there is none.
        """
        model, previous = self._settings.model, self._settings.previous_alias
        if to != change.PREVIOUS:
            named = await self._api.version(model, check_version(to))
            if named is None:
                raise Refused(f"{model} has no version {to} in MLflow")
            if not _ready(named):
                raise Refused(f"version {to} of {model} is not ready ({named['status']}): nothing could serve it")
            return to, ()
        warning = f"no alias {previous}"
        found = await self._api.alias(model, previous)
        if found is not None:
            version = str(found["version"])
            if version == now:
                raise Refused(
                    f"{previous} and {self._settings.alias} both stand on version {now}; name the version to go to"
                )
            if _ready(found):
                newer = (f"{previous} stands on version {version}, which is newer than {now}",)
                return version, newer if int(version) > int(now) else ()
            warning = f"{previous} stands on version {version}, which is not ready ({found['status']})"
        older = await self._api.older(model, now)
        if older is None:
            raise Refused(f"{model} has no version before {now} in MLflow that is ready")
        version = str(older["version"])
        return version, (f"{warning}: version {version} is only the highest older one",)

    async def _now(self) -> str:
        found = await self._api.alias(self._settings.model, self._settings.alias)
        return NOT_SET if found is None else str(found["version"])


def _mark(plan: Plan, key: str) -> str:
    return f"{key} {plan.digest}"


def _ready(version: Mapping[str, Any]) -> bool:
    return bool(version.get("status", _READY) == _READY)
