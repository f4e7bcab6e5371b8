"""Before a change of production: a prepared mitigation tried without changing anything, and a one-time code."""

from __future__ import annotations

from fastapi import APIRouter, Request
from fastapi.responses import Response

from bot.domain.errors import NotFound, Refused
from bot.web.door import Here, Who, session_of
from bot.web.pages import incident
from bot.web.pages._forms import typed
from bot.web.pages._page import Form, show
from bot.web.pages._plan import Given
from bot.web.trying import tried

router = APIRouter()

SECTION = "mitigations"


@router.get("/incidents/{name}/preview")
async def preview(request: Request, name: str, here: Here, who: Who, offer: str = "") -> Response:
    """What a prepared mitigation would change now."""
    plan = await tried(here, name, offer, who)
    known = await here.incident(name, who)
    return show(request, "preview", who, {"i": known, "p": plan, "form": Form()})


@router.post("/incidents/{name}/code")
async def code(request: Request, name: str, here: Here, who: Who) -> Response:
    """Show a fresh one-time code, once, to whoever presents their personal token, or just proved anew who they are."""
    words = await typed(request)
    mitigation = words.get("mitigation", "")
    try:
        made, until = await here.code(name, mitigation, who, words.get("token", "").strip(), session_of(request))
    except (Refused, NotFound) as refused:
        situation = await here.situation(name, who)  # what is hidden is not there, here as well
        form = Form("code", mitigation, str(refused), SECTION)  # the token is typed again, never sent back
        status = 404 if isinstance(refused, NotFound) else 409
        return await incident.page(request, here, who, situation, form=form, status=status)
    given = Given(mitigation, made, until)
    return await incident.page(request, here, who, await here.situation(name, who), given=given)
