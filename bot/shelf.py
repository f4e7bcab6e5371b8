"""A shelf is a folder whose file names are the choices: `load("actions", "haproxy")` imports that file when asked.

Third parties join a shelf by an entry point of the group `tocsin.<shelf>`, named like a file here would be.
"""

from __future__ import annotations

import importlib
import inspect
import pkgutil
from importlib.metadata import entry_points
from types import ModuleType
from typing import Any

from bot.domain.errors import NotFound


def names(shelf: str) -> list[str]:
    """Everything on a shelf, our own files and entry points, in alphabetical order."""
    package = importlib.import_module(f"bot.{shelf}")
    own = {module.name for module in pkgutil.iter_modules(package.__path__) if not module.name.startswith("_")}
    return sorted(own | {point.name for point in entry_points(group=f"tocsin.{shelf}")})


def module(shelf: str, name: str) -> ModuleType:
    """The module of that name. Raises NotFound listing what there is."""
    there_is = names(shelf)
    if name not in there_is:
        raise NotFound(shelf.rstrip("s"), name, there_is)
    for point in entry_points(group=f"tocsin.{shelf}", name=name):
        return importlib.import_module(point.module)
    return importlib.import_module(f"bot.{shelf}.{name}")


def load(shelf: str, name: str) -> Any:
    """The one public class of that file: the class defined there whose attribute `shelf` names this shelf."""
    found = module(shelf, name)
    classes = [
        value
        for _, value in inspect.getmembers(found, inspect.isclass)
        if value.__module__ == found.__name__ and getattr(value, "shelf", "") == shelf
    ]
    if len(classes) != 1:
        raise NotFound(f"class with shelf = {shelf!r} in", found.__name__, [cls.__name__ for cls in classes])
    return classes[0]
