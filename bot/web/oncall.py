"""The API of who is on call: now and at any time, shifts and gaps, covers, a calendar's address, and a test page."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, timedelta
from typing import Annotated

from fastapi import APIRouter, Depends, Query, Request, Response
from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

from bot.domain.errors import Refused
from bot.engine.board import near, rotas_now, services_now, shifts_of
from bot.engine.covering import Agreed
from bot.engine.trial import Tried
from bot.engine.values import Profile
from bot.web.api import ANSWERS, Key, inbound
from bot.web.calendars import CalendarShape, given
from bot.web.door import ByMachine, Console, ForeignError, Here, Who, visitor
from bot.web.listing import Cursor, Limit, Time, follow, paged
from bot.web.shape import Shape
from bot.web.shapes_oncall import (
    AgreedShape,
    CoverShape,
    EscalationShape,
    GapShape,
    OnCallShape,
    RotaShape,
    ShiftsShape,
    StintShape,
    cover_shape,
)

oncall = APIRouter(prefix="/api/oncall", responses=ANSWERS)

DAYS = 14
Moment = Annotated[Time | None, Query(description="With its offset; left out, now")]


class CoverWanted(BaseModel):
    """A request to be covered; a manager may ask for somebody else, by key."""

    model_config = ConfigDict(extra="forbid")

    rota: str = Field(max_length=200)
    start: AwareDatetime
    end: AwareDatetime
    instead_of: str = Field(default="", max_length=200)
    because: str = Field(default="", max_length=500)


class EndedShape(Shape):
    """Whether there was an address that ended."""

    ended: bool


class TrialWanted(BaseModel):
    """By which channel; left out, by each of one's own."""

    model_config = ConfigDict(extra="forbid")

    channel: str = Field(default="", max_length=100)


class TriedShape(Shape):
    """One channel: how far the page got, where it went or why not, and after how many seconds that was known."""

    channel: str
    receipt: str
    where: str
    because: str
    seconds: float


class TrialShape(Shape):
    """What became of a test page, channel by channel."""

    receipts: list[TriedShape]


@oncall.get("", dependencies=[Depends(visitor)])
async def who(here: Here, at: Moment = None, rota: str = "", service: str = "") -> OnCallShape:
    """Who is on call: every rota and every service's levels, or the one that is asked for."""
    roster, moment = here.desk.roster, near(at, here.desk.clock.now())
    rotas = () if service and not rota else await rotas_now(roster, moment, rota)
    services = here.desk.catalogue.services.values()
    levels = () if rota and not service else await services_now(roster, services, moment, service)
    return OnCallShape(
        at=moment,
        rotas=[RotaShape.from_rota(each) for each in rotas],
        services=[EscalationShape.from_service(each) for each in levels],
        unknown=list(roster.unknown),
    )


@oncall.get("/shifts", dependencies=[Depends(visitor)])
async def shifts(
    here: Here,
    rota: str = "",
    person: str = "",
    start: Moment = None,
    days: Annotated[int, Query(ge=1, le=366)] = DAYS,
) -> ShiftsShape:
    """Everybody's shifts, or one person's (by key), and in which hours nobody is on call."""
    since = near(start, here.desk.clock.now())
    until = since + timedelta(days=days)
    found, gaps = await shifts_of(here.desk.roster, since, until, rota=rota, person=person)
    return ShiftsShape(
        start=since,
        end=until,
        shifts=[StintShape.from_stint(each) for each in found],
        gaps=[GapShape.from_gap(each) for each in gaps],
    )


@oncall.get("/covers", dependencies=[Depends(visitor)])
async def covers(
    request: Request, response: Response, here: Here, limit: Limit = 1000, after: Cursor = ""
) -> list[CoverShape]:
    """Every cover that is not over, those nobody took first."""
    roster = here.desk.roster
    await roster.reread()
    now = here.desk.clock.now()
    waiting = [each for each in roster.covers if each.end > now]
    page, cursor = paged(waiting, lambda each: each.id, limit=limit, after=after)
    follow(request, response, "after", cursor)
    return [await cover_shape(roster, each) for each in page]


@oncall.post("/covers", status_code=201)
async def ask(body: CoverWanted, here: Here, who: Who, key: Key = "") -> AgreedShape:
    """Ask to be covered."""
    agreed = await here.desk.covering.ask(
        body.rota,
        body.start.astimezone(UTC),
        body.end.astimezone(UTC),
        who,
        instead_of=body.instead_of,
        because=body.because,
        inbound=inbound(who, "cover", key, body) if key else "",
    )
    return await told(here, agreed)


@oncall.post("/covers/{cover}/take")
async def take(cover: str, here: Here, who: Who) -> AgreedShape:
    """Stand in for somebody."""
    return await told(here, await here.desk.covering.take(cover, who))


@oncall.post("/covers/{cover}/withdraw")
async def withdraw(cover: str, here: Here, who: Who) -> AgreedShape:
    """Take a request back, or let go of what one took."""
    return await told(here, await here.desk.covering.withdraw(cover, who))


@oncall.post("/calendar", status_code=201)
async def give(here: Here, who: Who) -> CalendarShape:
    """A new address for one's calendar; the one before leads nowhere any more."""
    return await given(here, who)


@oncall.post("/calendar/end")
async def end(here: Here, who: Who) -> EndedShape:
    """From now on one's calendar has no address."""
    return EndedShape(ended=await here.house.calendars.end(who.id) if here.house.calendars else False)


@oncall.post("/test")
async def trial(body: TrialWanted, here: Here, who: Who) -> TrialShape:
    """Page oneself, by each of one's ways or by one; what became of each. Once a minute, five times an hour."""
    return TrialShape(
        receipts=[TriedShape.model_validate(each) for each in await page_oneself(here, who, body.channel)]
    )


async def page_oneself(here: Console, who: Profile, channel: str) -> Sequence[Tried]:
    """A test page, by that channel or by each. Raises ForeignError for a borrowed name; Refused, NotFound."""
    if isinstance(who, ByMachine):
        raise ForeignError(f"a test page is to oneself: ask for a token of your own with `tocsin token {who.key}`")
    if here.house.trials is None:
        raise Refused("no pager is set up here")
    return await here.house.trials.page(who, channel)


async def told(here: Console, agreed: Agreed) -> AgreedShape:
    """With names for those it concerns."""
    roster = here.desk.roster
    people = [await roster.people.by_id(each) for each in agreed.tell]
    shape = await cover_shape(roster, agreed.cover)
    return AgreedShape(cover=shape, text=agreed.text, concerns=[each.name for each in people if each])
