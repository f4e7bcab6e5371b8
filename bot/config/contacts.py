"""Where a person is reached beside the chat, as `people.yaml` says it: a number, a zone, an order, a push service.

None of it is ever stored: it stands in the configuration and goes to the pagers alone.
"""

import re
from collections.abc import Iterable
from typing import Annotated, Any

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, SecretStr

from bot.config.fit import Fitter, closest, listing
from bot.config.marks import Marked
from bot.config.model import known_zone
from bot.domain.errors import Problem
from bot.engine.calling import NEEDS, Contact, has_address

_E164 = re.compile(r"\+[1-9]\d{6,14}")
_SPACING = re.compile(r"\(0\)|[\s().\-/\u00a0\u2010-\u2015]")


def _quoted(value: Any) -> Any:
    if isinstance(value, int | float):
        raise ValueError("the phone was read as a number: it stands in quotes")  # noqa: TRY004 - pydantic listens to this one
    return value


def _number(value: str) -> str:
    """E.164, as +4930123456. Raises ValueError."""
    if not value:
        return value
    plain = _SPACING.sub("", value.strip())
    plain = f"+{plain[2:]}" if plain.startswith("00") else plain
    if not _E164.fullmatch(plain):
        raise ValueError(
            "the phone is no international number (expected '+' and the country first, such as '+4930123456')"
        )
    return plain


Phone = Annotated[str, BeforeValidator(_quoted), AfterValidator(_number)]


def _zone(value: str) -> str:
    return known_zone(value) if value else value


Zone = Annotated[str, AfterValidator(_zone)]


class PushModel(BaseModel):
    """A person's names with the push services."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    ntfy: str = Field(default="", pattern=r"^[A-Za-z0-9_-]{0,64}$")
    """The topic the person's app listens to; whoever knows it can read it, so it may be a reference."""
    pushover: SecretStr | None = None
    """The person's user key."""


def handles(page: Marked, key: str, fitter: Fitter) -> dict[str, str]:
    """What stands under `push`, its references looked up; empty where nothing does."""
    if page.get(key, "push") is None:
        return {}
    push = fitter.fit(PushModel, page, key, "push")
    if push is None:
        return {}
    found = {"ntfy": push.ntfy, "pushover": push.pushover.get_secret_value() if push.pushover else ""}
    return {name: value for name, value in found.items() if value}


def reach_problems(page: Marked, contacts: Iterable[tuple[Contact, bool]], pagers: Iterable[str]) -> Iterable[Problem]:
    """Channels in somebody's order that there are none of, or that nothing is known for; with whether Slack is."""
    there_is = list(pagers)
    for contact, slack in contacts:
        for index, name in enumerate(contact.reach):
            here = (contact.key, "reach", index)
            if name not in there_is:
                what = f"there is no pager {name!r} in tocsin.yaml{closest(name, there_is)}"
                yield page.problem(what, *here, expected=listing(there_is))
            elif name in contact.reach[:index]:
                yield page.problem(f"{name} stands here twice", *here, expected="each pager once")
            elif not has_address(name, contact, slack=slack):
                yield page.problem(f"{contact.key} cannot be reached by {name}", *here, expected=NEEDS[name].written)
