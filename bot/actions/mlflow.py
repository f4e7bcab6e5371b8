"""Rolls a model back in MLflow by moving its alias to an earlier version; MLflow has no compare-and-set.

So the alias is read, moved and read again, and a person is told that serving must resolve it anew.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

import httpx

from bot.actions import _change as change
from bot.clients.http import Http, HttpSettings, where
from bot.clients.mlflow import MLflow, check_version
from bot.clock import Clock
from bot.domain.errors import Refused, Unavailable
from bot.domain.mitigation import Means, Plan
from bot.domain.policy import ActionClass
from bot.domain.service import Target
from bot.engine.values import Observation

WHAT = "MLflow"
RESOLVE = (
    "moving an alias changes what is served only when serving resolves it again; the data will show whether it did"
)
NOT_SET = "not set"


class RegistrySettings(HttpSettings):
    """Which registered model, and which of its aliases production follows."""

    model: str
    """The registered model's name."""

    alias: str = "champion"
    """The alias production serves."""

    previous_alias: str = "previous"
    """The alias that stands on the last good version; without it the highest older version is taken."""


class Registry:
    """One alias of one registered model."""

    shelf: ClassVar[str] = "actions"
    Settings = RegistrySettings
    keyed = False

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

    async def token(self, plan: Plan) -> str:
        return await self._now()

    async def execute(self, plan: Plan, key: str) -> None:
        await self._move(str(plan.params["to"]), only_from=plan.token)

    async def observe(self, plan: Plan, key: str) -> Observation:
        return change.compared({"version": await self._now()}, plan.before, plan.after)

    async def undo(self, plan: Plan, key: str) -> None:
        await self._move(str(plan.undo_params["to"]), only_from=str(plan.after["version"]))

    async def undone(self, plan: Plan, key: str) -> Observation:
        return change.compared({"version": await self._now()}, before=plan.after, after=plan.before)

    async def _move(self, to: str, *, only_from: str) -> None:
        now = await self._now()
        if now == to:
            return
        if now != only_from:
            raise Refused(f"alias {self._settings.alias} moved to version {now} since; nothing was done")
        await self._api.move(self._settings.model, self._settings.alias, to)
        after = await self._now()
        if after != to:  # last write wins: somebody else's came in between
            raise Unavailable(WHAT, f"shows the alias on version {after} after it was moved to {to}")

    async def _wanted(self, to: str, now: str) -> tuple[str, tuple[str, ...]]:
        """(version, warnings) to go back to. Raises Refused where there is none."""
        model = self._settings.model
        if to != change.PREVIOUS:
            if await self._api.version(model, check_version(to)) is None:
                raise Refused(f"{model} has no version {to} in MLflow")
            return to, ()
        found = await self._api.alias(model, self._settings.previous_alias)
        if found is not None:
            version = str(found["version"])
            if version == now:
                raise Refused(
                    f"{self._settings.previous_alias} and {self._settings.alias} both stand on version {now}; "
                    "name the version to go to"
                )
            return version, ()
        older = await self._api.older(model, now)
        if older is None:
            raise Refused(f"{model} has no version before {now} in MLflow")
        version = str(older["version"])
        return version, (f"no alias {self._settings.previous_alias}: version {version} is only the highest older one",)

    async def _now(self) -> str:
        found = await self._api.alias(self._settings.model, self._settings.alias)
        return NOT_SET if found is None else str(found["version"])
