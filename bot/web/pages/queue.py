"""The queue: every legal clock that runs, soonest first, with what is missing and who answers for it."""

from __future__ import annotations

from fastapi import APIRouter, Request
from fastapi.responses import Response

from bot.web.door import Here, Who
from bot.web.pages._page import show

router = APIRouter()


@router.get("/notices")
async def look(request: Request, here: Here, who: Who) -> Response:
    """What is due, of the incidents this person may see."""
    return show(request, "notices", who, {"clocks": await here.clocks(who)})
