"""The router over HTTP: forwards every prediction request to the backend of its slice, and takes changes."""

from collections import Counter as Count
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager

import aiohttp
from prometheus_client import CollectorRegistry, Counter, Gauge
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from bot.demo.data import HEALTHS
from bot.demo.router import Router
from bot.demo.service import body, metrics

SLICE_HEADER = "x-health"
_PATIENCE = aiohttp.ClientTimeout(total=5)


class Gateway:
    """Forwards and counts. `backends` maps a backend's name to its base URL."""

    def __init__(self, router: Router, backends: Mapping[str, str]) -> None:
        self.router = router
        self._urls = {name: f"{url}/predict" for name, url in backends.items()}
        self.forwarded: Count[str] = Count(dict.fromkeys(backends, 0))  # by weight; what is bypassed does not count
        self.registry = CollectorRegistry()
        requests = Counter("router_requests", "Requests forwarded.", ("backend", "health"), registry=self.registry)
        self._requests = {(b, h): requests.labels(b, h) for b in backends for h in (*HEALTHS, "unknown")}
        self._errors = Counter(
            "router_errors", "Requests a backend did not answer.", ("backend",), registry=self.registry
        )
        for name in backends:
            self._errors.labels(name)
        self._weight = Gauge(
            "router_weight", "Share of traffic by weight, per cent.", ("backend",), registry=self.registry
        )
        self._revision = Gauge("router_revision", "Revision of the router's settings.", registry=self.registry)
        self._session: aiohttp.ClientSession | None = None

    async def open(self) -> None:
        # asyncio sets TCP_NODELAY on every connection; without it, small requests wait 40 ms for their acknowledgement
        self._session = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(limit=64, keepalive_timeout=60), timeout=_PATIENCE
        )

    async def close(self) -> None:
        if self._session is not None:
            await self._session.close()

    async def forward(self, request: Request) -> Response:
        health = request.headers.get(SLICE_HEADER, "unknown")
        health = health if health in HEALTHS else "unknown"
        backend = self.router.choose(health)
        self._requests[backend, health].inc()
        self.forwarded[backend] += not self.router.bypasses(health)
        if self._session is None:
            return JSONResponse({"reasons": ["the router is not open"]}, 503)
        try:
            async with self._session.post(
                self._urls[backend], data=await request.body(), headers={"content-type": "application/json"}
            ) as answer:
                return Response(await answer.read(), answer.status, media_type="application/json")
        except (aiohttp.ClientError, TimeoutError):
            self._errors.labels(backend).inc()
            return JSONResponse({"reasons": [f"backend {backend} did not answer"]}, 502)

    def gauges(self) -> CollectorRegistry:
        """The registry with the gauges set to what holds now."""
        state = self.router.state()
        for name, weight in state["weights"].items():
            self._weight.labels(name).set(weight)
        self._revision.set(state["revision"])
        return self.registry


def app(gateway: Gateway) -> Starlette:
    """The router as a web service."""
    router = gateway.router

    async def state(_: Request) -> JSONResponse:
        return JSONResponse({**router.state(), "requests": gateway.forwarded})

    async def history(_: Request) -> JSONResponse:
        return JSONResponse({"history": router.history()})

    async def apply(request: Request) -> JSONResponse:
        answer = router.apply(await body(request), dry_run=request.query_params.get("dry_run") in {"1", "true"})
        return JSONResponse(answer.body, answer.status)

    async def applied(request: Request) -> JSONResponse:
        key = request.path_params["key"]
        record = router.applied(key)
        if record is None:
            return JSONResponse({"reasons": [f"no change was made under key {key!r}"]}, 404)
        return JSONResponse(record)

    async def exposition(request: Request) -> Response:
        return metrics(request, gateway.gauges())

    @asynccontextmanager
    async def lifespan(_: Starlette) -> AsyncIterator[None]:
        await gateway.open()
        try:
            yield
        finally:
            await gateway.close()

    return Starlette(
        lifespan=lifespan,
        routes=[
            Route("/predict", gateway.forward, methods=["POST"]),
            Route("/state", state),
            Route("/apply", apply, methods=["POST"]),
            Route("/applied/{key:path}", applied),
            Route("/history", history),
            Route("/metrics", exposition),
        ],
    )
