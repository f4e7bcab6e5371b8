"""Builds the console: its doors, its manners (headers, sizes, errors), and the pages and API behind them."""

from __future__ import annotations

import contextlib
import functools
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

from fastapi import APIRouter, FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse, RedirectResponse, Response
from starlette.exceptions import HTTPException
from starlette.routing import Route
from starlette.staticfiles import StaticFiles

from bot.domain.errors import (
    Conflict,
    NotFound,
    OutcomeUnknown,
    RateLimited,
    Refused,
    Tampered,
    TocsinError,
    Unavailable,
)
from bot.telemetry import log
from bot.web.ack import PageLinks
from bot.web.ack import router as page_links
from bot.web.alerts.door import AlertDoor
from bot.web.alerts.listing import alerts
from bot.web.alerts.numbers import SenderNumbers
from bot.web.api import api
from bot.web.api_access import access
from bot.web.api_analytics import analytics
from bot.web.api_services import services
from bot.web.api_settings import settings
from bot.web.audit import audit
from bot.web.auth import Doorkeeper
from bot.web.calendars import calendars
from bot.web.counted import Counted
from bot.web.door import Console, ForeignError, NotLoggedInError
from bot.web.health import Numbers, health
from bot.web.house import WebHouse
from bot.web.manners import Manners, said_of
from bot.web.oncall import oncall
from bot.web.pace import Paced
from bot.web.pages import pages
from bot.web.pages._page import sorry
from bot.web.phrases import login_address, wrong_fields
from bot.web.pulse import Pulse
from bot.web.signing_in import SigningIn
from bot.web.status import status
from bot.web.stream import stream
from bot.web.tokens import PersonalTokens
from bot.web.turnover import Turnover

STATIC = Path(__file__).with_name("static")


class _Ingress:
    """An ASGI app as one route: a class is passed on as it is, a bare function would be taken for a handler."""

    def __init__(self, app: Any) -> None:
        self.app = app

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        await self.app(scope, receive, send)


class _Before:
    """Middleware: senders of alerts meet their own door first; sessions, pages and forms are no business of theirs."""

    def __init__(self, app: Any, door: AlertDoor) -> None:
        self.door = door
        door.app = app

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        await self.door(scope, receive, send)


ROOMS = (
    health, api, audit, services, settings, access, analytics, oncall, calendars, page_links, alerts, stream, status,
    pages,
)  # fmt: skip


@functools.cache
def _doors() -> APIRouter:
    """How a request finds its room: worked out once, for it is the same in every house of this process."""
    doors = APIRouter()
    for room in ROOMS:
        doors.include_router(room)
    return doors


def build(house: WebHouse) -> FastAPI:
    """The console as an ASGI app. Its secrets are made in the state folder at once, its login links at start-up."""
    desk = house.desk
    address = desk.catalogue.web_url or "http://127.0.0.1:8080"
    door = Doorkeeper(desk.clock, desk.people, house.state, address, house.access, house.sign_in)
    tokens = PersonalTokens(desk.clock, house.access.tokens)
    signing_in = SigningIn(desk.clock, desk.people, house.access, house.sign_in, address)

    @contextlib.asynccontextmanager
    async def lifespan(_app: FastAPI) -> AsyncIterator[None]:
        await tokens.take_over(house.state / "tokens.json")
        await door.write_links()
        yield
        app.state.pulse.close()
        for job in (house.proofs, house.hindsight):
            if job is not None:
                await job.close()

    app = FastAPI(
        title="Tocsin", description=__doc__ or "", docs_url=None, redoc_url=None, openapi_url=None, lifespan=lifespan
    )
    app.state.console = Console(house, door, tokens, signing_in)
    app.state.status_pages = {}
    app.state.page_links = PageLinks(desk.clock, house.state, desk.catalogue.web_url, house.secret)
    app.state.numbers = Numbers(desk, house.watch, house.chat, house.vigil)
    app.state.pulse = Pulse(house)
    app.router.routes.extend(_doors().routes)
    app.mount("/static", StaticFiles(directory=STATIC), name="static")
    if house.slack_http is not None:
        app.router.routes.append(Route("/slack/events", _Ingress(house.slack_http)))
    app.add_middleware(Turnover, door=door)
    app.add_middleware(Paced, clock=desk.clock, pace=house.pace)
    app.add_middleware(Manners, secure=door.secure)
    app.state.alerts = None
    if house.inbox is not None and house.senders:
        senders = AlertDoor(app.router, house.senders, house.inbox, desk.clock, house.truncated)
        app.state.alerts = senders
        app.state.numbers.of_senders(SenderNumbers(senders.heard), house.inbox)
        app.add_middleware(_Before, door=senders)
    if house.vigil is not None:
        app.add_middleware(Counted, vitals=house.vigil.vitals)
    app.add_exception_handler(TocsinError, _tocsin_error)
    app.add_exception_handler(RequestValidationError, _unreadable)
    app.add_exception_handler(HTTPException, _http_error)
    app.add_exception_handler(Exception, _unexpected)
    return app


def _wants_page(request: Request) -> bool:
    """Whether a person reads the answer: a program that takes a file away says that it reads JSON."""
    path = request.url.path
    if request.headers.get("accept", "") == "application/json":
        return False
    return not path.startswith(("/api/", "/metrics", "/healthz", "/readyz", "/slack/", "/calendar/", "/status."))


async def _answer(request: Request, status: int, because: str, **more: Any) -> Response:
    headers = {"WWW-Authenticate": "Bearer"} if status == 401 else {}  # noqa: PLR2004 - RFC 9110 section 15.5.2
    if status == 503:  # noqa: PLR2004
        headers["Retry-After"] = "2"
    if _wants_page(request):
        return await sorry(request, status, because, headers)
    return JSONResponse({"because": because, **more}, status, headers=headers)


async def _tocsin_error(request: Request, error: Exception) -> Response:
    """Every error of the tree, in the words it carries."""
    match error:
        case NotLoggedInError() if _wants_page(request):
            return RedirectResponse(login_address(request.url.path), 303)
        case NotLoggedInError():
            return await _answer(request, 401, str(error))
        case ForeignError():
            return await _answer(request, 403, str(error))
        case Refused(because=because):
            return await _answer(request, 409, because)
        case NotFound():
            return await _answer(request, 404, str(error))
        case RateLimited() | Unavailable():
            return await _answer(request, 503, f"{error}; nothing was recorded, try again")
        case Conflict():
            return await _answer(
                request, 409, "somebody else wrote at the same moment; nothing was recorded, try again"
            )
        case Tampered() | OutcomeUnknown():
            return await _answer(request, 500, str(error))
        case _:
            return await _unexpected(request, error)


async def _unreadable(request: Request, error: Exception) -> Response:
    """A body, query or header that cannot be read, naming each field."""
    assert isinstance(error, RequestValidationError)  # noqa: S101 - registered for this class alone
    fields = wrong_fields(error.errors())
    because = "; ".join(f"{name}: {what}" for name, what in fields.items())
    return await _answer(request, 422, because, fields=fields)


async def _http_error(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)  # noqa: S101 - registered for this class alone
    if error.status_code == 400 and not _wants_page(request):  # noqa: PLR2004 - the framework's word for such a body
        return await _answer(request, 422, "the body is no JSON in UTF-8", fields={"the request": "is no JSON"})
    said = {404: "there is no such page", 405: "that cannot be asked here in this way"}
    return await _answer(request, error.status_code, said.get(error.status_code, str(error.detail)))


def _told(path: str) -> str:
    """A path as it may be written down: those of a calendar and of a page's link are secrets."""
    return next((each for each in ("/calendar/", "/p/") if path.startswith(each)), path)


async def _unexpected(request: Request, error: Exception) -> Response:
    """A fault of ours: the log has the details, the answer has none."""
    log().error(
        "a request met a fault", path=_told(request.url.path), fault=f"{type(error).__name__}: {error}", exc_info=error
    )
    answer = await _answer(request, 500, "that is a fault of Tocsin's own; the details are in its log")
    for name, value in said_of(request.scope).items():  # this answer is given outside of `Manners`
        answer.headers[name] = value
    return answer
