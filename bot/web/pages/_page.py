"""What every page shares: the frame around it, the values all templates know, and forms that keep what was typed."""

from __future__ import annotations

import json
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from urllib.parse import urlencode

from fastapi import Request
from fastapi.responses import HTMLResponse

from bot.domain.errors import TocsinError
from bot.domain.finding import certainty
from bot.domain.policy import Role
from bot.engine.values import Profile
from bot.web.access import Area, may_read
from bot.web.door import Console, console, session_of, visitor
from bot.web.manners import nonce
from bot.web.phrases import clock, hour, laid_out, legal, marked, minute, moment, number, rendered, small_print, stamp
from bot.web.pulse import Topic
from bot.words import span

QUEUE = frozenset({Role.COUNSEL, Role.MANAGER})
"""Whose bar leads to the notices that are due; anybody may open the page."""
LINKS: Mapping[str, tuple[tuple[str, str, Area], ...]] = {
    "Respond": (
        ("Overview", "/", Area.INCIDENTS),
        ("Incidents", "/incidents", Area.INCIDENTS),
        ("Alerts", "/alerts", Area.ALERTS),
        ("On call", "/oncall", Area.ON_CALL),
    ),
    "Know": (
        ("Services", "/services", Area.SERVICES),
        ("Objectives", "/slos", Area.SERVICES),
        ("Analytics", "/analytics", Area.ANALYTICS),
    ),
    "Answer for": (
        ("Notices", "/notices", Area.NOTICES),
        ("Status page", "/status/all", Area.STATUS),
        ("Audit", "/audit", Area.AUDIT),
    ),
    "House": (("People", "/people", Area.PEOPLE), ("Settings", "/settings", Area.SETTINGS)),
}
"""What the bar leads to, by what people come for: label, address, and whose it is to read."""
LIVE: Mapping[str, Topic] = {
    "/": Topic.OVERVIEW,
    "/incidents": Topic.INCIDENTS,
    "/alerts": Topic.ALERTS,
    "/notices": Topic.NOTICES,
    "/oncall": Topic.ON_CALL,
    "/slos": Topic.OBJECTIVES,
}
"""What a list is about that moves while somebody reads it, by its address."""
KEYS = {"h": "/", "i": "/incidents", "a": "/alerts", "n": "/notices", "o": "/oncall", "s": "/slos"}
HEADINGS = {
    403: "Not yours to open",
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
        "nav": _nav(here, who, request.url.path) if who is not None else (),
        "nonce": nonce(request.scope),
        "keys": _keys(here, who) if who is not None else "",
        "zone_of_reader": here.desk.roster.contact(who).zone if who is not None else "",
        "form": Form(),
        "done": "",
        "live": "",
        "proof": _proof(request, here, who),
        "stream": "",
        "chat": here.house.chat() if who is not None and here.house.chat is not None else None,
        "span": span,
        "time": moment,
        "clock": clock,
        "minute": minute,
        "stamp": stamp,
        "hour": hour,
        "legal": lambda at: legal(at, here.desk.catalogue.timezone),
        "number": number,
        "rendered": rendered,
        "certainty": certainty,
        "laid_out": laid_out,
        "small_print": small_print,
        "marked": marked,
    }
    known = {**shared, **context}
    if who is not None and request.method == "GET" and status == 200:  # noqa: PLR2004 - what came back is typed in
        known["stream"] = _stream(request, here, known)
    text = here.house.words.fill(f"web/{template}.html.j2", known)
    return HTMLResponse(text, status, headers=dict(headers or {}))


@dataclass(frozen=True, slots=True)
class Proof:
    """How whoever reads this may prove anew who they are: with whom, and whether they just did."""

    title: str
    fresh: bool


def _proof(request: Request, here: Console, who: Profile | None) -> Proof | None:
    session = session_of(request)
    if who is None or session is None or not here.signing_in.proves:
        return None
    return Proof(here.house.sign_in.title, here.door.visits.proof(session))


def _stream(request: Request, here: Console, known: Mapping[str, object]) -> str:
    """Where the page hears that what it shows has changed; "" for one that stands still."""
    if known["live"]:
        return "/stream?" + urlencode({"incident": getattr(known["i"], "id", ""), "head": known["live"]})
    topic = LIVE.get(request.url.path)
    return "/stream?" + urlencode({"of": topic, "since": here.desk.clock.now().isoformat()}) if topic else ""


def _nav(here: Console, who: Profile, path: str) -> list[tuple[str, list[tuple[str, str, bool]]]]:
    """The groups of the bar with what is theirs: label, address, and whether they are there."""
    leads = who.person.badges & (QUEUE | here.desk.handler.policy.approve_notice)

    def theirs(area: Area) -> bool:
        if area is Area.STATUS and here.house.status is None:
            return False
        return may_read(who, area) and (area is not Area.NOTICES or bool(leads))

    def there(address: str) -> bool:
        return path == address or (address != "/" and path.startswith(f"{address}/"))

    groups = (
        (name, [(label, to, there(to)) for label, to, area in links if theirs(area)]) for name, links in LINKS.items()
    )
    return [(name, links) for name, links in groups if links]


def _keys(here: Console, who: Profile) -> str:
    """Letters after `g` and where each leads, as a script reads them; those that are not theirs lead nowhere."""
    reach = {to: label for _name, links in _nav(here, who, "") for label, to, _here in links}
    if may_read(who, Area.NOTICES):
        reach.setdefault("/notices", "Notices")
    return json.dumps({key: [to, reach[to]] for key, to in KEYS.items() if to in reach})


async def sorry(request: Request, status: int, because: str, headers: Mapping[str, str]) -> HTMLResponse:
    """The error page; it names the person where it can, so that the way back is there."""
    try:
        who: Profile | None = await visitor(request)
    except TocsinError:
        who = None
    context = {"status": status, "heading": HEADINGS.get(status, "That did not work"), "because": because}
    return show(request, "sorry", who, context, status=status, headers=headers)
