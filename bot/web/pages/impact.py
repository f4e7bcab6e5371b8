"""Stating the impact: begun with what the data and the catalogue say, finished by a person, unknowns said openly."""

from __future__ import annotations

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse, Response

from bot.domain.errors import NotFound
from bot.domain.impact import Impact
from bot.engine.situation import Situation
from bot.engine.values import Profile
from bot.web.door import Console, Here, Who
from bot.web.pages._page import Form, show

router = APIRouter()


@router.get("/incidents/{name}/impact")
async def look(request: Request, name: str, here: Here, who: Who) -> Response:
    """The form, prefilled with the estimate."""
    return await page(request, here, who, await here.situation(name, who))


async def page(
    request: Request,
    here: Console,
    who: Profile,
    situation: Situation,
    *,
    form: Form | None = None,
    status: int = 200,
) -> HTMLResponse:
    """The impact page."""
    estimate: Impact | None
    try:
        estimate = await here.desk.estimate_impact(situation.incident.id)
    except NotFound:
        estimate = None  # a service the catalogue does not know: everything is asked of a person
    context = {
        "i": situation.incident,
        "estimate": estimate,
        "begin": situation.incident.impact or estimate,
        "currency": situation.service.currency if situation.service else "EUR",
        "form": form or Form(),
    }
    return show(request, "impact", who, context, status=status)
