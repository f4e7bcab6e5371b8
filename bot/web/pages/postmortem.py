"""The post-mortem: a draft read off the record, to be read here or taken away."""

from __future__ import annotations

from fastapi import APIRouter, Request, Response

from bot.web.door import Here, Who
from bot.web.pages._page import show
from bot.web.pages.downloads import attachment

router = APIRouter()


@router.get("/incidents/{name}/postmortem")
async def look(request: Request, name: str, here: Here, who: Who) -> Response:
    """The draft as of now."""
    incident = await here.incident(name, who)
    return show(request, "postmortem", who, {"i": incident, "text": await here.desk.postmortem(name)})


@router.get("/incidents/{name}/postmortem.md")
async def take(name: str, here: Here, who: Who) -> Response:
    """The same as a file."""
    await here.incident(name, who)
    text = await here.desk.postmortem(name)
    return attachment(text.encode(), f"{name}-postmortem.md", "text/markdown; charset=utf-8")
