"""The world's own controls over HTTP: releases, pipeline faults and pauses, the truth to check detection against."""

from typing import Any

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from bot.demo.gateway import Gateway
from bot.demo.operations import Operations
from bot.demo.service import Service, Together, body, evidence_routes, metrics
from bot.demo.traffic import Traffic
from bot.demo.truth import Truth
from bot.domain.errors import NotFound, Refused, TocsinError, Unavailable

_KEY_LENGTH = 200


def app(operations: Operations, served: Service, front: Gateway, traffic: Traffic, truth: Truth) -> Starlette:
    """The control web service; it also answers what the model service answers as evidence, and all metrics at once."""

    async def release(request: Request) -> JSONResponse:
        return JSONResponse(await operations.release(_field(await body(request), "version")))

    async def deploys(_: Request) -> JSONResponse:
        return JSONResponse({"deploys": operations.deploys()})

    async def fault(request: Request) -> JSONResponse:
        return JSONResponse(operations.fault(_field(await body(request), "kind")))

    async def pause(request: Request) -> JSONResponse:
        return _switch(operations, truth, await body(request), pause=True)

    async def resume(request: Request) -> JSONResponse:
        return _switch(operations, truth, await body(request), pause=False)

    async def applied(request: Request) -> JSONResponse:
        return JSONResponse(operations.line.applied(request.path_params["key"]))

    async def world(_: Request) -> JSONResponse:
        return JSONResponse({
            **truth.tell(), "fault": operations.line.fault, "pipeline": operations.line.tell(),
            "router": front.router.state(), "deploys": operations.deploys(), "traffic": traffic.tell(),
        })  # fmt: skip

    async def reset(_: Request) -> JSONResponse:
        return JSONResponse(await operations.reset())

    async def exposition(request: Request) -> Response:
        counted = [scores.registry for scores in served.scores.values()]
        return metrics(request, Together([*counted, front.gauges()]))

    posts = {"/release": release, "/pipeline/fault": fault, "/pipeline/pause": pause, "/pipeline/resume": resume,
             "/reset": reset}  # fmt: skip
    gets = {"/deploys": deploys, "/pipeline/applied/{key:path}": applied, "/world": world, "/metrics": exposition}
    return Starlette(
        routes=[
            *(Route(path, answer, methods=["POST"]) for path, answer in posts.items()),
            *(Route(path, answer) for path, answer in gets.items()),
            *evidence_routes(served),
        ],
        exception_handlers={TocsinError: _refuse, ValueError: _refuse},
    )


def _switch(operations: Operations, truth: Truth, asked: Any, *, pause: bool) -> JSONResponse:
    key, run_id = _field(asked, "key"), asked.get("expect_run_id")
    if not isinstance(key, str) or not 0 < len(key) <= _KEY_LENGTH:
        raise ValueError(f"key: expected a text of 1 to {_KEY_LENGTH} characters")
    if run_id is not None and not isinstance(run_id, str):
        raise ValueError("expect_run_id: expected a text or nothing")
    before = operations.line.paused
    done = operations.line.switch(key, pause=pause, expect_run_id=run_id)
    if operations.line.paused != before:
        truth.note(f"pipeline {done['verb']}d")
    return JSONResponse({**done, "pipeline": operations.line.tell()})


def _field(asked: Any, name: str) -> Any:
    if not isinstance(asked, dict) or name not in asked:
        raise ValueError(f"expected an object with {name}")
    return asked[name]


async def _refuse(_: Request, error: Exception) -> JSONResponse:
    kinds = ((NotFound, 404), (Refused, 409), (Unavailable, 502))
    status = next((status for kind, status in kinds if isinstance(error, kind)), 400)
    return JSONResponse({"reasons": [str(error)]}, status)
