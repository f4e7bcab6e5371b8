"""The settings, read-only: every file of the installation with its values and lines, and how it stands in git."""

from __future__ import annotations

import asyncio
from typing import Annotated

from fastapi import APIRouter, Query, Request
from fastapi.responses import Response

from bot.domain.errors import NotFound
from bot.engine.as_read import AsRead
from bot.web.access import Area, reading
from bot.web.door import Console, Here, Who
from bot.web.pages._page import show

router = APIRouter()


@router.get("/settings")
async def look(request: Request, here: Here, who: Who, file: Annotated[str, Query(max_length=400)] = "") -> Response:
    """The folder, and one file of it whole; without a name the first, which is tocsin.yaml."""
    reading(who, Area.SETTINGS)
    found = await as_read(here)
    chosen = next((each for each in found.files if each.name == file), None)
    if file and chosen is None:
        raise NotFound("file", file, [each.name for each in found.files][:50])
    context = {"it": found, "chosen": chosen or next(iter(found.files), None), "folders": _folders(found)}
    return show(request, "settings", who, context)


async def as_read(here: Console) -> AsRead:
    """The folder as it is now. Raises NotFound where this console was handed none."""
    if here.house.settings is None:
        raise NotFound("configuration", "settings")
    return await asyncio.to_thread(here.house.settings.read)


def _folders(found: AsRead) -> list[tuple[str, list[str]]]:
    """The files by folder, those beside tocsin.yaml first."""
    folders: dict[str, list[str]] = {}
    for each in found.files:
        folders.setdefault(each.name.rpartition("/")[0], []).append(each.name)
    return sorted(folders.items())
