"""`slack.emoji` of tocsin.yaml: which reaction keeps a message as what; each means one thing."""

from collections.abc import Iterator
from typing import Annotated

from pydantic import AfterValidator, BaseModel, ConfigDict

from bot.blockkit.emoji import canonical, is_name
from bot.config.marks import Marked
from bot.domain.errors import Problem

OURS = "heavy_check_mark"


def _name(value: str) -> str:
    """As Slack says it: without colons and skin tone. Raises ValueError where it can be no emoji."""
    if not is_name(value):
        raise ValueError(f"{value!r} is no emoji's name (expected one such as pushpin)")
    if canonical(value) == OURS:
        raise ValueError(f"{OURS} is the tick Tocsin itself puts on what was kept (expected another emoji)")
    return canonical(value)


Name = Annotated[str, AfterValidator(_name)]


class Emoji(BaseModel):
    """Reactions by what they do with the message; an empty list turns it off."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    timeline: tuple[Name, ...] = ("pushpin",)
    finding: tuple[Name, ...] = ("mag",)
    followup: tuple[Name, ...] = ("white_check_mark",)
    ignore: tuple[Name, ...] = ("ice_cube",)
    """Takes note and finding out again."""

    @property
    def by_kind(self) -> dict[str, tuple[str, ...]]:
        """The names by what they do."""
        return {kind: getattr(self, kind) for kind in type(self).model_fields}


def overlaps(page: Marked, emoji: Emoji) -> Iterator[Problem]:
    """An emoji that would mean two things, where it stands the second time (or where it meets what is left out)."""
    meant: dict[str, str] = {}
    for kind, names in sorted(emoji.by_kind.items(), key=lambda each: page.get("slack", "emoji", each[0]) is not None):
        for index, name in enumerate(names):
            if (other := meant.setdefault(name, kind)) != kind:
                what = f"the emoji {name!r} means {other} already"
                yield page.problem(what, "slack", "emoji", kind, index, expected="each emoji in one list")
