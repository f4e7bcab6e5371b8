"""The objectives: all of them, those in trouble first; and each with its budget, slices and what would have paged."""

from __future__ import annotations

from fastapi import APIRouter, Request
from fastapi.responses import RedirectResponse, Response

from bot.domain.errors import Refused
from bot.engine.hindsight import BACK, LATELY, Told
from bot.web.access import Area, reading
from bot.web.door import Console, Here, Who
from bot.web.objectives import bare, drawn, standing
from bot.web.pages._page import show
from bot.web.saying import last_drift, names

router = APIRouter()

CARDS = 24
"""So many objectives are shown whole; the others stand in a list below, each with its own page."""


@router.get("/slos")
async def slos(request: Request, here: Here, who: Who) -> Response:
    """All objectives, those in trouble first."""
    reading(who, Area.SERVICES)
    polled = here.house.watch.polled
    age = here.desk.clock.now() - polled if polled else None
    found = standing(here)
    stands = [drawn(here, each) for each in found[:CARDS]]
    looked = here.house.hindsight
    told = await looked.last([each.slo.name for each in stands]) if looked is not None else {}
    context = {
        "stands": stands,
        "rest": found[CARDS:],
        "polled": polled,
        "age": age,
        "told": told,
        "lately": LATELY,
        "names": await names(here),
    }
    return show(request, "slos", who, context)


@router.get("/slos/{name}")
async def objective(request: Request, name: str, here: Here, who: Who) -> Response:
    """One objective. Where its past was not looked at for long, that is begun; the page does not wait for it."""
    reading(who, Area.SERVICES)
    stand = drawn(here, bare(here, name))
    looked = here.house.hindsight
    told = await hindsight(here, name)
    context: dict[str, object] = {
        "each": stand,
        "told": told,
        "looking": looked is not None and looked.looking(name),
        "lately": LATELY,
        "back": BACK,
        "drift": await last_drift(here, who, stand.slo.service),
        "service": here.desk.catalogue.services.get(stand.slo.service),
        "polled": here.house.watch.polled,
        "names": await names(here),
    }
    return show(request, "slo", who, context)


@router.post("/slos/{name}/hindsight")
async def look_again(name: str, here: Here, who: Who) -> Response:
    """Look at its past anew; a second press while that is under way begins nothing."""
    reading(who, Area.SERVICES)
    bare(here, name)
    if here.house.hindsight is None:
        raise Refused("this console cannot look at the past")
    here.house.hindsight.begin(name)
    await here.house.hindsight.settled(0.5)
    return RedirectResponse(f"/slos/{name}#hindsight", 303)


async def hindsight(here: Console, name: str) -> Told | None:
    """What is known of its past; begun where nobody looked for long."""
    looked = here.house.hindsight
    if looked is None:
        return None
    told = (await looked.last([name])).get(name)
    if looked.stale(told):
        looked.begin(name)
    return told
