"""The API of the settings: the configuration folder as it is read, no secret in it."""

from __future__ import annotations

from fastapi import APIRouter

from bot.web.access import Area, reading
from bot.web.api import ANSWERS
from bot.web.door import Here, Who
from bot.web.pages.settings import as_read
from bot.web.shape import Shape

settings = APIRouter(prefix="/api", responses=ANSWERS)


class SettingShape(Shape):
    """One value and its line. `kind` is value, secret (its reference alone) or hidden."""

    path: str
    words: str
    line: int
    kind: str
    is_set: bool


class FileShape(Shape):
    """One file; `changed` since Tocsin started."""

    name: str
    sha256: str
    lines: int
    changed: bool
    settings: list[SettingShape]
    more: int
    unread: str


class RepositoryShape(Shape):
    """Where the folder stands in git; `because` says why nothing is known."""

    commit: str
    at: str
    subject: str
    dirty: list[str]
    because: str


class SettingsShape(Shape):
    """The whole folder, with what `tocsin check` would say of it now."""

    files: list[FileShape]
    repository: RepositoryShape
    problems: list[str]
    warnings: list[str]
    gone: list[str]


@settings.get("/settings")
async def look(here: Here, who: Who) -> SettingsShape:
    """Every file of the installation with its values and lines."""
    reading(who, Area.SETTINGS)
    return SettingsShape.model_validate(await as_read(here))
