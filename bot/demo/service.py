"""The model service: predicts behind the live feature pipeline, counts how well, and keeps the recent predictions."""

import asyncio
import json
from collections import deque
from collections.abc import Iterable, Iterator
from typing import Any, NamedTuple

from prometheus_client import CollectorRegistry, Counter, Histogram
from prometheus_client.exposition import choose_encoder
from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from bot.demo.data import FEATURES, HEALTHS, Features, Health, People, health_of
from bot.demo.models import MODEL, VERSIONS, Models
from bot.demo.papers import Now, moment, stamp
from bot.demo.pipeline import Pipeline, usable_number
from bot.demo.truth import Truth

LOG_ROWS = 50_000
LOG_LIMIT = 5_000
_BUCKETS = (0.00005, 0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.1, 0.5, 2.5)


class Seen(NamedTuple):
    """One prediction as it was made: the features are those the model saw, not those the source held."""

    at: float
    version: str
    health: Health
    prediction: int
    label: int | None
    features: Features


class Case(NamedTuple):
    """Who is asked about, before the pipeline: the label is None where the outcome is not known."""

    features: Features
    health: Health
    label: int | None


class Scores:
    """The counters of one version, with both slices at 0 from the start, in a registry of their own."""

    def __init__(self, version: str) -> None:
        self.registry = CollectorRegistry()
        names = ("model", "version", "health")

        def counter(name: str, words: str) -> dict[str, Counter]:
            made = Counter(name, words, names, registry=self.registry)
            return {health: made.labels(MODEL, version, health) for health in HEALTHS}

        self.predictions = counter("predictions", "Predictions made.")
        self.labelled = counter("predictions_labelled", "Predictions whose outcome is known.")
        self.correct = counter("predictions_correct", "Predictions that agree with the outcome.")
        self.positives = counter("positives", "People who did come often (label 1).")
        self.found = counter("true_positives", "People who did come often and were predicted to.")
        seconds = Histogram(
            "prediction_seconds", "Time to make one prediction.", names, registry=self.registry, buckets=_BUCKETS
        )
        self.seconds = {health: seconds.labels(MODEL, version, health) for health in HEALTHS}

    def count(self, seen: Seen, took: float) -> None:
        self.predictions[seen.health].inc()
        self.seconds[seen.health].observe(took)
        if seen.label is None:
            return
        self.labelled[seen.health].inc()
        if seen.label == seen.prediction:
            self.correct[seen.health].inc()
        if seen.label == 1:
            self.positives[seen.health].inc()
            if seen.prediction == 1:
                self.found[seen.health].inc()


class Service:
    """All versions over one feature pipeline, with one log of recent predictions (the newest 50,000)."""

    def __init__(self, models: Models, live: People, pipeline: Pipeline, truth: Truth, now: Now) -> None:
        self.models, self.pipeline = models, pipeline
        self.scores = {version: Scores(version) for version in VERSIONS}
        self.log: deque[Seen] = deque(maxlen=LOG_ROWS)
        self._truth, self._now = truth, now
        rows = zip(live.features.tolist(), live.labels.tolist(), live.poor.tolist(), strict=True)
        self._cases = [Case(tuple(row), "poor" if poor else "good", label) for row, label, poor in rows]

    async def predict(self, version: str, case: Case) -> Seen:
        """One prediction, counted and logged; features nobody has sent before take seconds, in a thread."""
        loop = asyncio.get_running_loop()
        begun = loop.time()
        harmed = self._harm(version)
        features = self.pipeline.live(case.features, case.health)
        said = self.models.known(version, features)
        if said is None:
            said = await asyncio.to_thread(self.models.compute, version, features)
        seen = Seen(self._now().timestamp(), version, case.health, said, case.label, features)
        self.scores[version].count(seen, loop.time() - begun)
        self.log.append(seen)
        if case.health == "poor":
            self._truth.saw(harmed, seen.at)
        return seen

    def case(self, asked: Any) -> Case:
        """The person a request body is about: `row` of the held-out people, or `features` (and maybe `label`).

        Raises ValueError with a sentence for the caller.
        """
        if not isinstance(asked, dict) or ("row" in asked) == ("features" in asked):
            raise ValueError("expected an object with either row or features")
        if "row" in asked:
            row = asked["row"]
            if not isinstance(row, int) or isinstance(row, bool) or not 0 <= row < len(self._cases):
                raise ValueError(f"row: expected a whole number from 0 to {len(self._cases) - 1}")
            return self._cases[row]
        given, label = asked["features"], asked.get("label")
        if not isinstance(given, dict) or given.keys() != set(FEATURES) or not all(map(usable_number, given.values())):
            raise ValueError(f"features: expected a finite number for each of {', '.join(FEATURES)}")
        if label not in (None, 0, 1) or isinstance(label, bool):
            raise ValueError("label: expected 0, 1 or nothing")
        features = tuple(float(given[name]) for name in FEATURES)
        return Case(features, health_of(features), label)

    def recent(self, *, since: float | None, limit: int, version: str | None, health: str | None) -> list[Seen]:
        """Oldest first: after `since` the first `limit`; without it the newest `limit`."""
        wanted: list[Seen] = []
        for seen in reversed(self.log):
            if since is not None and seen.at <= since:
                break
            if version in (None, seen.version) and health in (None, seen.health):
                wanted.append(seen)
                if since is None and len(wanted) == limit:
                    break
        wanted.reverse()
        return wanted[:limit]

    def _harm(self, version: str) -> str | None:
        if version == "v2":
            return "version v2"
        fault = self.pipeline.served_fault
        return f"pipeline fault {fault}" if fault is not None and version != "rules" else None


class Together(Collector):
    """Several registries read as one: families of the same name become one family."""

    def __init__(self, registries: Iterable[Collector]) -> None:
        self._registries = tuple(registries)

    def collect(self) -> Iterator[Metric]:
        families: dict[str, Metric] = {}
        for registry in self._registries:
            for metric in registry.collect():
                families.setdefault(metric.name, metric)
                if families[metric.name] is not metric:
                    families[metric.name].samples.extend(metric.samples)
        yield from families.values()


def metrics(request: Request, registry: Collector) -> Response:
    """The registry in the text format the scraper accepts."""
    encode, kind = choose_encoder(request.headers.get("accept", ""))
    return Response(encode(registry), headers={"content-type": kind})


async def body(request: Request) -> Any:
    """The JSON sent, or None when it is none: whoever checks the content says what was expected."""
    try:
        return await request.json()
    except (json.JSONDecodeError, UnicodeDecodeError):
        return None


def app(service: Service, version: str) -> Starlette:
    """One version as a web service; log, lineage and pipeline are the same on every version's port."""

    async def predict(request: Request) -> JSONResponse:
        try:
            case = service.case(await body(request))
        except ValueError as error:
            return JSONResponse({"reasons": [str(error)]}, 400)
        seen = await service.predict(version, case)
        return JSONResponse({"prediction": seen.prediction, "version": version, "health": seen.health})

    async def exposition(request: Request) -> Response:
        return metrics(request, service.scores[version].registry)

    async def healthz(_: Request) -> JSONResponse:
        return JSONResponse({"status": "ok", "model": MODEL, "version": version})

    return Starlette(
        routes=[
            Route("/predict", predict, methods=["POST"]),
            Route("/metrics", exposition),
            Route("/healthz", healthz),
            *evidence_routes(service),
        ]
    )


def evidence_routes(service: Service) -> list[Route]:
    """What an investigation may read: recent predictions, lineage of every version, training rows, the pipeline."""

    async def predictions(request: Request) -> JSONResponse:
        asked = request.query_params
        try:
            since = moment(asked["since"]) if "since" in asked else None
            limit = int(asked.get("limit", "1000"))
        except ValueError as error:
            return JSONResponse({"reasons": [f"since or limit: {error}"]}, 400)
        if not 1 <= limit <= LOG_LIMIT:
            return JSONResponse({"reasons": [f"limit: expected 1 to {LOG_LIMIT}"]}, 400)
        rows = service.recent(since=since, limit=limit, version=asked.get("version"), health=asked.get("health"))
        return JSONResponse({"model": MODEL, "predictions": [_told(seen) for seen in rows]})

    async def lineage(_: Request) -> JSONResponse:
        return JSONResponse({
            "model": MODEL,
            "versions": [{**record, "reference": f"/reference/{name}"}
                         for name, record in service.models.records.items()],
            "pipeline": service.pipeline.tell(),
        })  # fmt: skip

    async def reference(request: Request) -> JSONResponse:
        version, health = request.path_params["version"], request.query_params.get("health")
        if version not in VERSIONS or health not in (None, *HEALTHS):
            there_is = f"versions {', '.join(VERSIONS)}; health {', '.join(HEALTHS)}"
            return JSONResponse({"reasons": [f"no such reference; there is {there_is}"]}, 404)
        # the releases differ in their labels alone: all were trained on the same people
        rows = {name: rows for name, rows in service.models.reference.items() if health in (None, name)}
        return JSONResponse({"version": version, "features": list(FEATURES), "rows": rows})

    async def pipeline(_: Request) -> JSONResponse:
        return JSONResponse(service.pipeline.tell())

    return [
        Route("/predictions", predictions), Route("/lineage", lineage),
        Route("/reference/{version}", reference), Route("/pipeline", pipeline),
    ]  # fmt: skip


def _told(seen: Seen) -> dict[str, Any]:
    return {**seen._asdict(), "at": stamp(seen.at), "features": dict(zip(FEATURES, seen.features, strict=True))}
