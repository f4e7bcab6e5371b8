"""The list of incidents: searched and narrowed down by its address, a page at a time; also as a file."""

from __future__ import annotations

from collections.abc import AsyncIterator

from fastapi import APIRouter, Request
from fastapi.responses import Response, StreamingResponse

from bot.domain.errors import NotFound
from bot.domain.finding import Cause
from bot.domain.measures import ENDS
from bot.domain.policy import Severity
from bot.engine.values import Profile, Summary
from bot.web.access import Area, reading
from bot.web.asked import NONE, PHASES, Asked, cursor, place
from bot.web.door import Console, Here, Who
from bot.web.pages._page import show
from bot.web.shape import rfc3339

router = APIRouter()

PAGE = 50
PIECE = 1_000
MARK = "\ufeff".encode()
"""A spreadsheet needs it to read anything but English."""
COLUMNS = (
    "incident", "title", "state", "severity", "service", "slice", "restricted", "declared", "began", "detected",
    "acknowledged", "mitigated", "resolved", "cause", "corrected",
    *(f"seconds {name}" for name in ("to detect", "to acknowledge", "to mitigate", "to resolve")),
)  # fmt: skip


@router.get("/incidents")
async def look(request: Request, here: Here, who: Who, after: str = "") -> Response:
    """A page of the list, the newest first."""
    reading(who, Area.INCIDENTS)
    asked = Asked.of(request.query_params)
    sight = await here.sight(who)
    found = await here.desk.log.found(asked.wanted(here.desk.clock.now()), sight, limit=PAGE + 1, after=place(after))
    more = len(found) > PAGE
    context = {
        "asked": asked,
        "found": found[:PAGE],
        "after": after if place(after) else "",
        "next": asked.address("/incidents", after=cursor(found[PAGE - 1])) if more else "",
        "first": asked.address("/incidents"),
        "file": asked.address("/incidents.csv"),
        "tally": await here.desk.log.tally(sight),
        **filters(here, asked),
    }
    return show(request, "incidents", who, context)


def filters(here: Console, asked: Asked) -> dict[str, object]:
    """What the filters of a list offer; a service that is not in the catalogue any more where it is asked for."""
    services = {name: each.title or name for name, each in here.desk.catalogue.services.items()}
    if asked.service not in ("", NONE):
        services.setdefault(asked.service, asked.service)
    return {
        "services": sorted(services.items(), key=lambda pair: pair[1].casefold()),
        "causes": [(NONE, "not known"), *((str(cause), str(cause).replace("_", " ")) for cause in Cause)],
        "severities": [(str(grade), str(grade)) for grade in Severity],
        "phases": [(name, name) for name in PHASES],
        "none": NONE,
    }


@router.get("/incidents.csv")
async def file(request: Request, here: Here, who: Who) -> Response:
    """The whole list as it was asked for, as a table."""
    reading(who, Area.INCIDENTS)
    write = here.house.write_rows
    if write is None:
        raise NotFound("kind of file", "csv")
    asked = Asked.of(request.query_params)
    first = await _piece(here, who, asked, "")

    async def pieces() -> AsyncIterator[bytes]:
        yield MARK + write([COLUMNS])
        found = first
        while found:
            yield write([_row(each) for each in found])
            found = await _piece(here, who, asked, cursor(found[-1])) if len(found) == PIECE else []

    headers = {"Content-Disposition": 'attachment; filename="incidents.csv"'}
    return StreamingResponse(pieces(), media_type="text/csv; charset=utf-8", headers=headers)


async def _piece(here: Console, who: Profile, asked: Asked, after: str) -> list[Summary]:
    return await here.found(who, asked.wanted(here.desk.clock.now()), limit=PIECE, after=place(after))


def _row(each: Summary) -> list[object]:
    moments = [
        getattr(each, name) for name in ("declared", "onset", "detected", "acknowledged", "mitigated", "resolved")
    ]
    spans = [(getattr(each, first), getattr(each, last)) for first, last in ENDS.values()]
    return [
        each.id, each.title, each.phase, f"SEV{each.severity}", each.service, each.slice,
        "yes" if each.restricted else "no",
        *(rfc3339(at) if at else "" for at in moments),
        each.cause, each.corrected,
        *((end - start).total_seconds() if end is not None else "" for start, end in spans),
    ]  # fmt: skip
