"""A person's calendar at a secret address: no login, since calendar applications have none; one press ends it."""

from __future__ import annotations

import hashlib
import secrets
from urllib.parse import quote

from fastapi import APIRouter, HTTPException, Request, Response

from bot.domain.errors import NotFound
from bot.engine.calendar import Calendar, of_person, of_rota
from bot.engine.values import Profile
from bot.web.door import Console, Here, console
from bot.web.sessions import hashed
from bot.web.shape import Shape

LONGEST = 200
"""Letters of a secret worth looking up."""
MEDIA_TYPE = "text/calendar; charset=utf-8"

calendars = APIRouter()


class CalendarShape(Shape):
    """The addresses to subscribe to: one's own shifts, and each rota's. Told once; whoever has them can read."""

    url: str
    rotas: dict[str, str]


async def given(here: Console, who: Profile) -> CalendarShape:
    """Make a fresh secret, keep its hash, and tell the addresses. Raises NotFound where no calendars are kept."""
    if here.house.calendars is None or here.house.write_calendar is None:
        raise NotFound("calendar", who.key)
    secret = secrets.token_urlsafe(32)
    await here.house.calendars.give(who.id, hashed(secret), here.desk.clock.now())
    base = f"{here.desk.catalogue.web_url or 'http://127.0.0.1:8080'}/calendar/{secret}"
    names = here.desk.roster.plans.names
    return CalendarShape(url=f"{base}.ics", rotas={name: f"{base}/{quote(name, safe='')}.ics" for name in names})


@calendars.api_route("/calendar/{secret}.ics", methods=["GET", "HEAD"], include_in_schema=False)
async def mine(request: Request, secret: str, here: Here) -> Response:
    """One's own shifts."""
    who = await _whose(here, secret)
    return _feed(request, await of_person(here.desk.roster, who, here.desk.clock.now()))


@calendars.api_route("/calendar/{secret}/{rota}.ics", methods=["GET", "HEAD"], include_in_schema=False)
async def one_rota(request: Request, secret: str, rota: str, here: Here) -> Response:
    """Everybody's shifts by one rota."""
    await _whose(here, secret)
    roster = here.desk.roster
    if rota not in roster.plans.names:
        raise HTTPException(404)  # a secret address names nothing
    return _feed(request, await of_rota(roster, rota, here.desk.clock.now()))


async def _whose(here: Console, secret: str) -> Profile:
    """Whose address that is. Raises HTTPException: unknown, ended, and no longer with us look alike."""
    kept = here.house.calendars
    person = await kept.whose(hashed(secret)) if kept is not None and len(secret) <= LONGEST else ""
    found = await here.desk.people.by_id(person) if person else None
    if found is None or not found.roles:
        raise HTTPException(404)
    return found


def _feed(request: Request, calendar: Calendar) -> Response:
    write = console(request).house.write_calendar
    if write is None:
        raise HTTPException(404)
    content = write(calendar)
    tag = f'"{hashlib.sha256(content).hexdigest()[:32]}"'
    headers = {"ETag": tag, "Cache-Control": "private, max-age=900"}
    known = {each.strip().removeprefix("W/") for each in request.headers.get("if-none-match", "").split(",")}
    if tag in known:
        return Response(status_code=304, headers=headers)
    headers["Content-Disposition"] = 'inline; filename="on-call.ics"'
    return Response(content, media_type=MEDIA_TYPE, headers=headers)
