"""What every page shares: the frame around it, the values all templates know, and forms that keep what was typed."""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field

from fastapi import Request
from fastapi.responses import HTMLResponse

from bot.domain.errors import TocsinError
from bot.domain.finding import certainty
from bot.domain.policy import Role
from bot.engine.values import Profile
from bot.web.access import Area, may_read
from bot.web.door import console, visitor
from bot.web.phrases import clock, laid_out, marked, number, rendered, small_print
from bot.words import span

QUEUE = frozenset({Role.COUNSEL, Role.MANAGER})
"""Whose bar leads to the notices that are due; anybody may open the page."""
HEADINGS = {
    403: "Not from here",
    404: "Not there",
    405: "Not like that",
    409: "Refused",
    413: "Too long",
    422: "Not understood",
    500: "A fault of ours",
    503: "Not now",
}


@dataclass(frozen=True)
class Form:
    """A form that came back: which verb, about what, why not, and every word that was typed."""

    verb: str = ""
    about: str = ""
    because: str = ""
    section: str = ""
    typed: Mapping[str, str] = field(default_factory=dict)
    wrong: Mapping[str, str] = field(default_factory=dict)  # field → what is wrong with it
    once: str = field(default_factory=lambda: secrets.token_urlsafe(12))

    def here(self, verb: str, about: str = "") -> bool:
        """True for the form that came back."""
        return bool(self.verb) and (self.verb, self.about) == (verb, about)

    def value(self, verb: str, name: str, default: object = "", about: str = "") -> object:
        """What stands in a field: what was typed, or the default."""
        return self.typed.get(name, "") if self.here(verb, about) else default

    def why_not(self, verb: str, about: str = "") -> str:
        """The sentence beside the form that came back."""
        return self.because if self.here(verb, about) else ""

    def wrong_at(self, verb: str, name: str, about: str = "") -> str:
        """What is wrong with one field of the form that came back."""
        return self.wrong.get(name, "") if self.here(verb, about) else ""


def show(
    request: Request,
    template: str,
    who: Profile | None,
    context: Mapping[str, object],
    *,
    status: int = 200,
    headers: Mapping[str, str] | None = None,
) -> HTMLResponse:
    """Fill a page's template."""
    here = console(request)
    shared: dict[str, object] = {
        "organisation": here.house.organisation,
        "me": who,
        "now": here.desk.clock.now(),
        "path": request.url.path,
        "sees_queue": who is not None and bool(who.person.badges & (QUEUE | here.desk.handler.policy.approve_notice)),
        "sees_alerts": who is not None and may_read(who, Area.ALERTS),
        "has_status": here.house.status is not None,
        "form": Form(),
        "done": "",
        "live": "",
        "chat": here.house.chat() if who is not None and here.house.chat is not None else None,
        "span": span,
        "time": clock,
        "number": number,
        "rendered": rendered,
        "certainty": certainty,
        "laid_out": laid_out,
        "small_print": small_print,
        "marked": marked,
    }
    text = here.house.words.fill(f"web/{template}.html.j2", {**shared, **context})
    return HTMLResponse(text, status, headers=dict(headers or {}))


async def sorry(request: Request, status: int, because: str, headers: Mapping[str, str]) -> HTMLResponse:
    """The error page; it names the person where it can, so that the way back is there."""
    try:
        who: Profile | None = await visitor(request)
    except TocsinError:
        who = None
    context = {"status": status, "heading": HEADINGS.get(status, "That did not work"), "because": because}
    return show(request, "sorry", who, context, status=status, headers=headers)
