"""What a pager is tried on: a person it reaches, one it cannot, and a channel that breaks when it is told to."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from bot.engine.calling import Pager
from bot.engine.values import Profile


@dataclass
class Scene:
    """A pager in front of its channel. `reached` lists (person's key, page's key) of every page that arrived there."""

    pager: Pager
    person: Profile
    stranger: Profile  # has no address there
    reached: Callable[[], list[tuple[str, str]]]
    breaks: Callable[[Exception], None]  # from now on the channel fails with this
