"""What a person types or points at, as Slack's client reads it: names become mentions, clicks find their element."""

import re
from collections.abc import Iterable
from typing import Any

from bot.localslack.dialogs import elements
from bot.localslack.people import Group, Member

Json = dict[str, Any]


class Refusal(Exception):  # noqa: N818 - a person's attempt that Slack's client would not even send
    """The practice client refuses: an HTTP status and the sentence."""

    def __init__(self, status: int, because: str, **beside: Any) -> None:
        super().__init__(because)
        self.status, self.because, self.beside = status, because, beside


def mentioned(text: str, people: Iterable[Member], groups: Iterable[Group] = ()) -> str:
    """`@name` as a mention: by handle or by the name shown, however it is capitalised, the longer name first."""
    names = {name.casefold(): f"<@{one.id}>" for one in people for name in (one.real_name, one.name) if name}
    names |= {one.handle.casefold(): f"<!subteam^{one.id}>" for one in groups if not one.disabled}
    anybody = "|".join(re.escape(name) for name in sorted(names, key=len, reverse=True))
    at = rf"(?<![\w<])@({anybody})(?![\w-]|\.\w)"
    return re.sub(at, lambda m: names[m[1].casefold()], text, flags=re.IGNORECASE)


def word(body: Json, name: str) -> str:
    """A word that must be there."""
    value = body.get(name)
    if not isinstance(value, str) or not value:
        raise Refusal(422, f"{name} is missing")
    return value


def element_of(blocks: list[Json], body: Json) -> tuple[Json, Json]:
    """The element named by action_id (and block_id, and for buttons the value, where several share the name)."""
    name, block_id = word(body, "action_id"), body.get("block_id")
    found = [(block, one) for block, one in elements(blocks)
             if one["action_id"] == name and block_id in (None, "", block["block_id"])]  # fmt: skip
    if len(found) > 1 and body.get("value") is not None:
        found = [(b, one) for b, one in found if one.get("value", body["value"]) == body["value"]]
    if not found:
        there = ", ".join(sorted({one["action_id"] for _, one in elements(blocks)})) or "nothing to click"
        raise Refusal(404, f"there is no {name!r}; there is {there}")
    return found[0]
