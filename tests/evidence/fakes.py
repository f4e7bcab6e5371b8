"""A model service that tells its predictions, lineage and training rows, with the fault one wants to find in it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

import httpx
import numpy as np
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from bot import shelf
from bot.domain.service import Service
from bot.engine.ports import Evidence
from bot.engine.values import Collected, Question
from tests.kit import NOON, at
from tests.parts import Hands

SERVICE = Service("visits", "Visits", "team", "C1")
FEATURES = ("age", "disea", "plan")


def asked(slice_: str = "health=poor", *, since: datetime = NOON, until: datetime | None = None) -> Question:
    return Question("INC-7", SERVICE, slice_, since, until or at(60))


def version(name: str, **changes: Any) -> dict[str, Any]:
    """One version's lineage record; by default all versions are alike."""
    record = {
        "version": name,
        "kind": "model",
        "code_revision": "c0de1",
        "params": {"max_iter": 60},
        "features": list(FEATURES),
        "training_set": {
            "digest": "sha256:aaaaaaaaaaaaaaaa",
            "rows": 12000,
            "label_rate": {"poor": 0.43, "good": 0.35},
        },
    }
    return {**record, **changes}


def lost(name: str) -> dict[str, Any]:
    """A version trained after the slice's outcomes were lost."""
    training = {"digest": "sha256:bbbbbbbbbbbbbbbb", "rows": 12000, "label_rate": {"poor": 0.0, "good": 0.35}}
    return version(name, training_set=training)


@dataclass
class ModelService:
    """Answers like the contract; `rows` are made once from a seed."""

    versions: list[dict[str, Any]] = field(default_factory=lambda: [version("v1"), lost("v2")])
    serving: str = "v2"
    broken: Mapping[str, float] = field(default_factory=dict)  # feature → the value it always has in live poor rows
    shifted: str = ""  # this version's training rows differ in age
    label_rate: float = 0.45
    count: int = 400
    deploys: list[dict[str, Any]] = field(default_factory=list)
    pipeline: dict[str, Any] = field(default_factory=dict)
    seen: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        dice = np.random.default_rng(7)
        self.predictions = []
        for number in range(self.count):
            health = "poor" if number % 2 else "good"
            row = dict(zip(FEATURES, self._row(dice), strict=True))
            if health == "poor":
                row |= self.broken
            self.predictions.append(
                {
                    "at": (NOON + timedelta(seconds=number / 10 + 0.05)).isoformat(),
                    "version": self.serving,
                    "health": health,
                    "prediction": 0,
                    "label": int(dice.random() < self.label_rate),
                    "features": row,
                }
            )
        self.training = {
            name: [self._row(dice, 2.0 if name == self.shifted else 0.0) for _ in range(800)]
            for name in (record["version"] for record in self.versions)
        }

    def _row(self, dice: np.random.Generator, shift: float = 0.0) -> list[float]:
        return [float(dice.normal(40 + 10 * shift, 10)), float(dice.gamma(2, 5)), float(dice.integers(0, 3))]

    @property
    def app(self) -> Starlette:
        return Starlette(
            routes=[
                Route("/predictions", self._predictions),
                Route("/lineage", self._lineage),
                Route("/reference/{version}", self._reference),
                Route("/deploys", self._deploys),
                Route("/pipeline", self._pipeline),
            ]
        )

    async def _predictions(self, request: Request) -> Response:
        self.seen.append(str(request.url))
        since, health = request.query_params.get("since"), request.query_params.get("health")
        rows = [
            row for row in self.predictions if (since is None or row["at"] > since) and health in (None, row["health"])
        ]
        limit = int(request.query_params["limit"])
        return JSONResponse({"model": "visits", "predictions": rows[:limit] if since else rows[-limit:]})

    async def _lineage(self, request: Request) -> Response:
        return JSONResponse({"model": "visits", "versions": self.versions})

    async def _reference(self, request: Request) -> Response:
        rows = self.training[request.path_params["version"]]
        return JSONResponse({"features": list(FEATURES), "rows": {request.query_params.get("health", "all"): rows}})

    async def _deploys(self, request: Request) -> Response:
        return JSONResponse({"deploys": self.deploys})

    async def _pipeline(self, request: Request) -> Response:
        return JSONResponse(self.pipeline)


def instrument(name: str, answers: Starlette | httpx.AsyncBaseTransport, **settings: Any) -> Evidence:
    """The instrument of that name in front of a service."""
    kind = shelf.load("evidence", name)
    transport = httpx.ASGITransport(answers) if isinstance(answers, Starlette) else answers
    given = {"url": "http://model", **settings}
    made: Evidence = kind(kind.Settings.model_validate(given), clock=Hands(), transport=transport)
    return made


async def collect(
    name: str, answers: Starlette | httpx.AsyncBaseTransport, question: Question, **settings: Any
) -> Collected:
    """What it finds."""
    door = instrument(name, answers, **settings)
    try:
        return await door.collect(question)
    finally:
        await door.close()


def bearing(collected: Collected, cause: str) -> float:
    """All that was found for (+) and against (-) a cause."""
    return sum(weight for found in collected.findings for name, weight in found.bears if name == cause)
