"""The status page itself: for everybody or for whoever is signed in, as HTML, JSON and feed, from one copy at hand."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable
from dataclasses import dataclass

from fastapi import APIRouter, Request
from fastapi.responses import Response
from markupsafe import Markup

from bot.domain.errors import NotFound, Unavailable
from bot.domain.status import State
from bot.domain.status_page import DAYS
from bot.engine.status import Copy, StatusBoard
from bot.web.door import Console, Here, Who, visitor
from bot.web.feed import atom
from bot.web.phrases import clock, rendered
from bot.web.shapes_status import whole
from bot.words import span

status = APIRouter(include_in_schema=False)

PUBLIC, PRIVATE = "public, max-age=15, must-revalidate", "private, no-cache"
TONES = {
    State.OPERATIONAL: "ok",
    State.MAINTENANCE: "plan",
    State.DEGRADED: "slow",
    State.PARTIAL: "part",
    State.MAJOR: "down",
}
HEADLINES = {
    State.OPERATIONAL: "All components operational",
    State.MAINTENANCE: "Maintenance under way",
    State.DEGRADED: "Degraded performance",
    State.PARTIAL: "Partial outage",
    State.MAJOR: "Major outage",
}


@dataclass(frozen=True, slots=True)
class Made:
    """What is sent of one copy, and the tag that tells it from another."""

    body: bytes
    tag: str


@dataclass(frozen=True, slots=True)
class Form:
    """One of the ways in which the page is read."""

    media_type: str
    write: Callable[[Console, StatusBoard, Copy, bool], bytes]


def _html(here: Console, board: StatusBoard, copy: Copy, everything: bool) -> bytes:
    return _filled(here, board, copy, everything=everything)


def _json(here: Console, board: StatusBoard, copy: Copy, _everything: bool) -> bytes:
    return whole(copy, board.title, here.house.organisation).model_dump_json().encode()


def _atom(here: Console, board: StatusBoard, copy: Copy, _everything: bool) -> bytes:
    page = f"{here.desk.catalogue.web_url.rstrip('/')}/status"
    return atom(copy, title=board.title, organisation=here.house.organisation, page=page)


HTML = Form("text/html; charset=utf-8", _html)
JSON = Form("application/json", _json)
ATOM = Form("application/atom+xml; charset=utf-8", _atom)


@status.api_route("/status", methods=["GET", "HEAD"])
async def page(request: Request, here: Here) -> Response:
    """The page."""
    return await _answer(request, here, HTML)


@status.api_route("/status.json", methods=["GET", "HEAD"])
async def told(request: Request, here: Here) -> Response:
    """The same for programs."""
    return await _answer(request, here, JSON)


@status.api_route("/status.atom", methods=["GET", "HEAD"])
async def feed(request: Request, here: Here) -> Response:
    """The statements as a feed."""
    return await _answer(request, here, ATOM)


@status.get("/status/all")
async def everything(request: Request, here: Here, who: Who) -> Response:  # noqa: ARG001 - whoever it is, they are signed in
    """The page with the components that are not for the public, for whoever is signed in."""
    return await _written(request, here, _board(here), HTML, everything=True, kept=PRIVATE)


def _board(here: Console) -> StatusBoard:
    if here.house.status is None:
        raise NotFound("page", "status")
    return here.house.status


async def _answer(request: Request, here: Console, form: Form) -> Response:
    """The public's edition without a question; else only for whoever is signed in, and then with every component."""
    board = here.house.status
    if board is None or not board.public:
        await visitor(request)
        return await _written(request, here, _board(here), form, everything=True, kept=PRIVATE)
    return await _written(request, here, board, form, everything=False, kept=PUBLIC)


async def _written(
    request: Request, here: Console, board: StatusBoard, form: Form, *, everything: bool, kept: str
) -> Response:
    try:
        copy = await board.copy(everything=everything)
    except Unavailable:
        if form is not HTML:
            raise
        return Response(_filled(here, board, None, everything=everything), 503, {"Retry-After": "10"}, HTML.media_type)
    made = _made(request, here, board, copy, form, everything=everything)
    headers = {"ETag": made.tag, "Cache-Control": kept}
    wanted = {tag.strip().removeprefix("W/") for tag in request.headers.get("if-none-match", "").split(",")}
    if made.tag in wanted:
        return Response(status_code=304, headers=headers)
    return Response(made.body, media_type=form.media_type, headers=headers)


def _made(request: Request, here: Console, board: StatusBoard, copy: Copy, form: Form, *, everything: bool) -> Made:
    """Written once for each copy, whoever reads it."""
    held: dict[tuple[str, bool], tuple[Copy, Made]] = request.app.state.status_pages
    known = held.get((form.media_type, everything))
    if known is not None and known[0] is copy:
        return known[1]
    body = form.write(here, board, copy, everything)
    made = Made(body, f'"{hashlib.sha256(body).hexdigest()[:32]}"')
    held[form.media_type, everything] = (copy, made)
    return made


def _filled(here: Console, board: StatusBoard, copy: Copy | None, *, everything: bool) -> bytes:
    context = {
        "title": board.title,
        "organisation": here.house.organisation,
        "page": copy.page if copy else None,
        "as_of": copy.as_of if copy else None,
        "stale": bool(copy and copy.stale),
        "public": board.public and not everything,
        "inside": everything,
        "days": DAYS,
        "headline": HEADLINES[copy.page.worst] if copy else "",
        "tones": TONES,
        "states": list(State),
        "time": clock,
        "span": span,
        "rendered": _words,
    }
    return here.house.words.fill("web/status.html.j2", context).encode()


def _words(text: str) -> Markup:
    """A statement's Markdown; its headings are bold lines, for the outline of the page is the page's own."""
    flat = re.sub(r"<h[1-6]>", "<p><b>", rendered(text))
    return Markup(re.sub(r"</h[1-6]>", "</b></p>", flat))  # noqa: S704 - as rendered, which escapes
