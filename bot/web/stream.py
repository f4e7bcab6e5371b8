"""Live pages by server-sent events: says that what a page shows has changed, never what it is now."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import suppress
from datetime import datetime, timedelta
from typing import Annotated

from fastapi import APIRouter, HTTPException, Query, Request
from sse_starlette import EventSourceResponse, ServerSentEvent
from sse_starlette.sse import SendTimeoutError
from starlette.types import Receive, Scope, Send

from bot.domain.errors import TocsinError, Unavailable
from bot.engine.values import Profile
from bot.web.access import reading
from bot.web.door import STREAM, Console, Here, Who, console, visitor
from bot.web.phrases import in_utc
from bot.web.pulse import AREA, HEARS, Change, Pulse, Reader, Source, Topic

stream = APIRouter(include_in_schema=False)

RETRY_MS = 3_000
MARGIN = timedelta(seconds=3)
"""How long a page may have been in the making when it says when it was made."""
MOST_READERS = 2_000
EACH = 100
"""Lines one person may hold: every page that lies open is one."""


class Line(EventSourceResponse):
    """A line that is cut where its reader takes nothing in, which is no fault of the house's."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        with suppress(SendTimeoutError):
            await super().__call__(scope, receive, send)


@stream.get(STREAM)
async def listen(
    request: Request,
    here: Here,
    who: Who,
    incident: Annotated[str, Query(max_length=64)] = "",
    of: Topic | None = None,
    head: Annotated[str, Query(max_length=100)] = "",
    since: Annotated[str, Query(max_length=40)] = "",
) -> EventSourceResponse:
    """Changes of one incident, or of what a list is about, since the page was made or the last one that was heard."""
    pulse: Pulse = request.app.state.pulse
    if bool(incident) == bool(of):
        raise HTTPException(422, "say which incident, or of what the list is")
    if pulse.closed or len(pulse.readers) >= MOST_READERS:
        raise Unavailable("the stream", "too many pages are open at once, or Tocsin is stopping")
    if sum(each.person == who.id for each in pulse.readers) >= EACH:
        raise Unavailable("the stream", f"you have {EACH} pages open already; close some")
    last = request.headers.get("last-event-id", "")
    if incident:
        await here.incident(incident, who)
        told = _of_incident(request, pulse, Reader(frozenset({Source.LOG}), incident, who.id), last or head)
    else:
        assert of is not None  # noqa: S101 - one of both is there
        reading(who, AREA[of])
        moment = _moment(last) or (_moment(since) or pulse.seen_from) - MARGIN
        told = _of_list(request, pulse, Reader(HEARS[of], person=who.id), of, moment)
    return Line(told, ping=0, send_timeout=pulse.slow)


def _moment(text: str) -> datetime | None:
    """A time as it was given out; None for anything else."""
    try:
        found = datetime.fromisoformat(text)
        return in_utc(found) if found.tzinfo else None
    except ValueError:
        return None


async def _of_incident(request: Request, pulse: Pulse, reader: Reader, head: str) -> AsyncIterator[ServerSentEvent]:
    async with pulse.reading(reader):
        yield ServerSentEvent(comment="live", retry=RETRY_MS)
        while not reader.over:
            try:
                who = await visitor(request)
                known = await console(request).incident(reader.incident, who)
            except Unavailable:  # the line stays: what is not known now is asked at the next word
                known = None
            except TocsinError:
                return  # who is out is told nothing more; a new request learns why
            if known is not None and known.head != head:
                head = known.head
                yield ServerSentEvent(event="changed", id=head, data=head)
            elif not reader.pending:
                yield ServerSentEvent(comment="beat")
            await reader.wait(pulse.beat)


async def _of_list(
    request: Request, pulse: Pulse, reader: Reader, topic: Topic, moment: datetime
) -> AsyncIterator[ServerSentEvent]:
    async with pulse.reading(reader):
        yield ServerSentEvent(comment="live", retry=RETRY_MS)
        changes = pulse.since(moment, reader.hears)
        while not reader.over:
            now = pulse.desk.clock.now()
            try:
                who = await visitor(request)
                reading(who, AREA[topic])
                new = changes is None or await _any_theirs(console(request), who, changes)
            except Unavailable:
                new = True  # whether it is theirs is not known: the page asks, and shows what is
            except TocsinError:
                return
            if new:
                yield ServerSentEvent(event="changed", id=now.isoformat(), data=topic.value)
            elif not changes:
                yield ServerSentEvent(comment="beat")
            changes = await reader.wait(pulse.beat)


async def _any_theirs(here: Console, who: Profile, changes: list[Change]) -> bool:
    """Whether one of these is for them to hear of: that a restricted incident moved is told to those it is for."""
    for change in changes:
        if not change.incident:
            return True
        known = await here.desk.log.load(change.incident)
        if known.exists and await here.may_see(who, known):
            return True
    return False
