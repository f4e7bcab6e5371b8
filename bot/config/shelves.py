"""What may be chosen from a shelf, and what each choice asks for: handed in, because rooms do not know each other."""

from collections.abc import Callable
from typing import TypeAlias

from pydantic import BaseModel

from bot.config.fit import closest
from bot.config.marks import Marked
from bot.domain.errors import NotFound, Problem

Models: TypeAlias = Callable[[str, str], type[BaseModel]]
"""(shelf, name) → the settings model of that file; raises NotFound naming what there is."""

SHELF_WORDS = {
    "sources": "source",
    "actions": "action",
    "evidence": "evidence",
    "pagers": "pager",
    "oncall": "on-call provider",
}


def settings_model(
    shelf: str, name: str, page: Marked, path: tuple[str | int, ...], models: Models, problems: list[Problem]
) -> type[BaseModel] | None:
    """The settings model of that name, or None with a problem at `path` that says what there is."""
    key = shelf == "evidence"
    try:
        return models(shelf, name)
    except NotFound as missing:
        there_is = str(missing).partition("; there is ")[2]
        what = f"there is no {SHELF_WORDS[shelf]} {name!r}{closest(name, there_is.split(', '))}"
        problems.append(page.problem(what, *path, key=key, expected=there_is or "nothing is on that shelf yet"))
    except ImportError as lacking:
        extra = f"{SHELF_WORDS[shelf]} {name!r} needs the Python package {lacking.name or 'it is made with'}"
        problems.append(page.problem(extra, *path, key=key, expected="the extra of that name installed"))
    return None
