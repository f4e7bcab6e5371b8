"""The services and models: the list with what is in trouble first, and all that is known of one."""

from __future__ import annotations

from fastapi import APIRouter, Request
from fastapi.responses import Response

from bot.web.access import Area, reading
from bot.web.door import Here, Who
from bot.web.objectives import drawn
from bot.web.pages._page import show
from bot.web.saying import names
from bot.web.services import rows, whole

router = APIRouter()

DRAWN = 6
"""So many objectives are drawn on a service's page; each has a page of its own."""


@router.get("/services")
async def listed(request: Request, here: Here, who: Who) -> Response:
    """Every service of the catalogue."""
    reading(who, Area.SERVICES)
    context = {"rows": await rows(here, who), "polled": here.house.watch.polled, "names": await names(here)}
    return show(request, "services", who, context)


@router.get("/services/{name}")
async def look(request: Request, name: str, here: Here, who: Who) -> Response:
    """One service or model."""
    reading(who, Area.SERVICES)
    found = await whole(here, who, name)
    runbooks = [(each, here.desk.catalogue.runbooks.get(each)) for each in found.service.runbooks]
    context = {
        "it": found,
        "s": found.service,
        "stands": [drawn(here, each) for each in found.stands[:DRAWN]],
        "rest": found.stands[DRAWN:],
        "runbooks": runbooks,
        "policy": here.desk.handler.policy,
        "polled": here.house.watch.polled,
        "names": await names(here),
        "rota": here.desk.roster.plans.title,
    }
    return show(request, "service", who, context)
