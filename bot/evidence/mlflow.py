"""Asks MLflow what sets the champion apart from the version before: datasets, parameters, code, label rates."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

import httpx

from bot.clients.http import Http, HttpSettings
from bot.clients.mlflow import MLflow
from bot.clients.together import together
from bot.clock import Clock
from bot.domain.errors import Unavailable
from bot.engine.values import Collected, Found, Question
from bot.evidence._versions import HINT, Part, Version, bears, differences

WHAT = "MLflow"
_COMMIT = "mlflow.source.git.commit"


class TrackingSettings(HttpSettings):
    """Which registered model, which aliases, and how its runs name label rates."""

    model: str
    """The registered model's name."""

    alias: str = "champion"
    """The alias production serves."""

    previous_alias: str = "previous"
    """The alias of the last good version; without it the highest older version is taken."""

    label_rate_metric: str = "train_pos_rate."
    """Metrics of this prefix hold the training label rate per slice: `train_pos_rate.poor`."""


class Tracking:
    """One registered model's lineage."""

    shelf: ClassVar[str] = "evidence"
    Settings = TrackingSettings

    def __init__(
        self, settings: TrackingSettings, *, clock: Clock, transport: httpx.AsyncBaseTransport | None = None
    ) -> None:
        self._settings = settings
        self._api = MLflow(Http(WHAT, settings, url=settings.url, transport=transport))

    async def close(self) -> None:
        await self._api.close()

    async def collect(self, question: Question) -> Collected:
        """What changed from the version before to the champion."""
        model = self._settings.model
        champion = await self._api.alias(model, self._settings.alias)
        if champion is None:
            raise Unavailable(WHAT, f"has no alias {self._settings.alias} of {model}")
        previous = await self._api.alias(model, self._settings.previous_alias)
        if previous is None or previous["version"] == champion["version"]:
            previous = await self._api.older(model, champion["version"])
        if previous is None:
            text = f"version {champion['version']} of {model} is the first in MLflow: no release to compare it with"
            return Collected((Found(text, bears(TRAINING_DATA=-HINT, CODE_CHANGE=-HINT)),))
        current, older = await together(self._version(champion), self._version(previous))
        found = differences(current, older, Part.parse(question.slice))
        if not found:
            return Collected((Found(f"{current.name} and {older.name} log too little in MLflow to be compared"),))
        return Collected(found)

    async def _version(self, told: Mapping[str, Any]) -> Version:
        name, run_id = f"{self._settings.model} version {told['version']}", told.get("run_id")
        if not run_id:
            raise Unavailable(WHAT, f"names no run that made {name}")
        run = await self._api.run(str(run_id))
        data, inputs = _part(run, "data"), _part(run, "inputs")
        tags = _pairs(data.get("tags"))
        prefix = self._settings.label_rate_metric
        rates = {key.removeprefix(prefix): float(value) for key, value in _metrics(data) if key.startswith(prefix)}
        digests = sorted(str(_part(each, "dataset").get("digest", "")) for each in _list(inputs.get("dataset_inputs")))
        return Version(
            name=name,
            training_digest="+".join(filter(None, digests)),
            code_revision=tags.get(_COMMIT, ""),
            params=_pairs(data.get("params")),
            label_rates=rates,
        )


def _part(told: Any, name: str) -> dict[str, Any]:
    part = told.get(name) if isinstance(told, dict) else None
    return part if isinstance(part, dict) else {}


def _list(told: Any) -> list[Any]:
    return told if isinstance(told, list) else []


def _pairs(told: Any) -> dict[str, str]:
    """MLflow's `[{"key", "value"}]` as a table."""
    return {
        str(each["key"]): str(each.get("value", "")) for each in _list(told) if isinstance(each, dict) and "key" in each
    }


def _metrics(data: Mapping[str, Any]) -> list[tuple[str, float]]:
    metrics = [each for each in _list(data.get("metrics")) if isinstance(each, dict)]
    return [(str(each.get("key")), each["value"]) for each in metrics if isinstance(each.get("value"), int | float)]
