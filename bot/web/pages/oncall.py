"""Who is on call: every rota now and for two weeks in the reader's own zone, whom pages come to, and covers."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from fastapi import APIRouter, Depends, Request
from fastapi.responses import RedirectResponse, Response

from bot.domain.errors import Conflict, NotFound, Refused, TocsinError, Unavailable
from bot.engine.board import Gap, RotaNow, gaps, rota_now, services_now
from bot.engine.covering import MANAGING, Agreed
from bot.engine.roster import Stint
from bot.engine.roster_ports import Cover, Stand
from bot.engine.trial import Tried
from bot.engine.values import Profile
from bot.engine.ways import missing
from bot.rota.wallclock import instant
from bot.web.bars import Bar, drawn
from bot.web.calendars import CalendarShape, given
from bot.web.door import Console, Here, Who, visitor
from bot.web.oncall import page_oneself
from bot.web.pages._done import after, just_done
from bot.web.pages._forms import inbound, typed
from bot.web.pages._page import Form, show

router = APIRouter()

SHOWN = timedelta(days=14)
DONE = {
    "ask": "Asked. Those who share the rota can take it here.",
    "take": "Taken: from then on pages come to you.",
    "withdraw": "Withdrawn.",
    "calendar-end": "Your calendar has no address any more.",
}


@dataclass(frozen=True, slots=True)
class Shown:
    """One rota: how it stands, its two weeks, and the gaps in them."""

    rota: RotaNow
    stints: tuple[Stint, ...]
    gaps: tuple[Gap, ...]
    bar: Bar


@dataclass(frozen=True, slots=True)
class Asked:
    """One cover with names, and what this reader may do with it."""

    cover: Cover
    title: str
    asker: str
    taker: str
    may_take: bool
    may_withdraw: bool


@router.get("/oncall")
async def page(request: Request, here: Here, who: Who) -> Response:
    """Everything of who is on call."""
    return await _show(request, here, who, done=just_done(request, DONE))


@router.get("/oncall/covers", dependencies=[Depends(visitor)])
@router.get("/oncall/calendar", dependencies=[Depends(visitor)])
@router.get("/oncall/test", dependencies=[Depends(visitor)])
async def back() -> Response:
    """A form's address opened by hand, or again."""
    return RedirectResponse("/oncall", 303)


@router.get("/oncall/covers/{cover}/{verb}", dependencies=[Depends(visitor)])
async def back_from(cover: str, verb: str) -> Response:  # noqa: ARG001 - the address has them
    """The address of a cover's form, opened by hand."""
    return RedirectResponse("/oncall", 303)


@router.post("/oncall/covers")
async def ask(request: Request, here: Here, who: Who) -> Response:
    """Ask to be covered by form; what was refused comes back with every word."""
    words = await typed(request)

    async def asked() -> Agreed:
        zone = here.desk.roster.zone_of(who)
        return await here.desk.covering.ask(
            words.get("rota", ""),
            _moment(words.get("from", ""), zone),
            _moment(words.get("to", ""), zone),
            who,
            instead_of=words.get("instead_of", ""),
            because=words.get("because", ""),
            inbound=inbound(who, "cover", words),
        )

    return await _done(request, here, who, asked, Form("ask", "", "", "ask", words))


@router.post("/oncall/covers/{cover}/{verb}")
async def change(request: Request, here: Here, who: Who, cover: str, verb: str) -> Response:
    """Take a cover, or withdraw it."""
    deeds = {"take": here.desk.covering.take, "withdraw": here.desk.covering.withdraw}
    if verb not in deeds:
        raise NotFound("request", verb, sorted(deeds))
    return await _done(request, here, who, lambda: deeds[verb](cover, who), Form(verb, cover, "", "covers"))


@router.post("/oncall/calendar")
async def calendar(request: Request, here: Here, who: Who) -> Response:
    """A fresh address for one's calendar, shown once."""
    return await _show(request, here, who, calendar=await given(here, who))


@router.post("/oncall/calendar/end")
async def end(request: Request, here: Here, who: Who) -> Response:
    """One's calendar has no address any more."""
    if here.house.calendars is not None:
        await here.house.calendars.end(who.id)
    return after(request, "/oncall", "calendar-end", "calendar")


@router.post("/oncall/test")
async def page_me(request: Request, here: Here, who: Who) -> Response:
    """Page oneself by each of one's ways or by one, and show what became of each; as often as the API lets one."""
    words = await typed(request)
    try:
        tried = await page_oneself(here, who, words.get("channel", ""))
    except (Refused, NotFound) as refused:
        form = Form("test", "", str(refused), "test", words)
        return await _show(request, here, who, form=form, status=404 if isinstance(refused, NotFound) else 409)
    return await _show(request, here, who, tried=tried)


async def _done(
    request: Request, here: Console, who: Profile, what: Callable[[], Awaitable[Agreed]], form: Form
) -> Response:
    try:
        await what()
    except (Refused, NotFound, Unavailable, Conflict) as refused:
        again = Form(form.verb, form.about, _said(refused), form.section, form.typed)
        status = 503 if isinstance(refused, Unavailable) else 404 if isinstance(refused, NotFound) else 409
        return await _show(request, here, who, form=again, status=status)
    return after(request, "/oncall", form.verb, "covers")


def _said(error: TocsinError) -> str:
    return f"{error}; nothing was recorded, try again" if isinstance(error, Unavailable) else str(error)


def _moment(text: str, zone: ZoneInfo) -> datetime:
    """A time of a form, by the reader's clock. Raises Refused."""
    try:
        return instant(datetime.fromisoformat(text.strip()), zone)
    except (ValueError, OverflowError):
        raise Refused("say from when to when, as 2026-12-01 09:00") from None


async def _show(
    request: Request,
    here: Console,
    who: Profile,
    *,
    form: Form | None = None,
    done: str = "",
    calendar: CalendarShape | None = None,
    tried: Sequence[Tried] = (),
    status: int = 200,
) -> Response:
    roster, now = here.desk.roster, here.desk.clock.now()
    await roster.reread()
    zone = roster.zone_of(who)
    shown = [await _rota(here, name, now, zone) for name in roster.plans.names]
    mine = min((s for each in shown for s in each.stints if s.person == who.id), key=lambda s: s.end, default=None)

    def when(at: datetime) -> str:
        return f"{at.astimezone(zone):%a %d %b %H:%M}"

    context = {
        "rotas": shown,
        "services": await services_now(roster, here.desk.catalogue.services.values(), now),
        "covers": [await _cover(here, each, who) for each in roster.covers if each.end > now],
        "mine": mine,
        "choices": [(each.rota.rota, each.rota.title) for each in shown],
        "people": await roster.people.everyone() if who.roles & MANAGING else [],
        "zone": zone.key,
        "when": when,
        "rota": roster.plans.title,
        "field": lambda at: f"{at.astimezone(zone):%Y-%m-%dT%H:%M}" if at else "",
        "unknown": roster.unknown,
        "calendar": calendar,
        "tried": tried,
        "ways": roster.ways(who) if here.house.trials is not None else (),
        "lacking": missing(who, roster.contact(who), roster.plans.pagers),
        "form": form or Form(),
        "done": done,
    }
    return show(request, "oncall", who, context, status=status)


async def _rota(here: Console, name: str, now: datetime, zone: ZoneInfo) -> Shown:
    roster = here.desk.roster
    start, end = now, now + SHOWN
    stints = await roster.shifts(name, start, end)
    found = tuple(gaps(name, stints, start, end))
    return Shown(await rota_now(roster, name, now), stints, found, drawn(stints, found, start, end, now, zone))


async def _cover(here: Console, cover: Cover, who: Profile) -> Asked:
    people = here.desk.roster.people
    asker, taker = await people.by_id(cover.asker), await people.by_id(cover.taker) if cover.taker else None
    open_ = cover.stand is not Stand.WITHDRAWN
    return Asked(
        cover,
        here.desk.roster.plans.title(cover.rota),
        asker.name if asker else "somebody",
        taker.name if taker else "",
        may_take=cover.stand is Stand.ASKED and cover.asker != who.id,
        may_withdraw=open_ and (who.id in {cover.asker, cover.taker} or bool(who.roles & MANAGING)),
    )
