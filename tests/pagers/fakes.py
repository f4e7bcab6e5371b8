"""What a pager is tried on: a page to a person it reaches, one it cannot, and a channel that breaks when it is told to."""

from __future__ import annotations

import json
from abc import abstractmethod
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any
from urllib.parse import parse_qs

import httpx

from bot.domain.errors import Unavailable
from bot.domain.incident import Incident
from bot.domain.policy import Role, Severity
from bot.engine.calling import Contact, Pager, Summons
from bot.engine.situation import Situation
from bot.engine.values import Profile
from bot.pagers._words import mark
from tests.kit import NOON

KEY, OTHER = "page:INC-7:0", "page:INC-7:1:r1"
OF_HOUSE = "house:database//2026-11-20T12:00:00+00:00/0/ana"
KEYS = (KEY, OTHER, "page:test:ana", OF_HOUSE)
SECRET = "Patient Erika Mustermann's record"
PHONE, EMAIL, TOPIC, USER = (
    "+4915112345642",
    "ana.souza@example.org",
    "tocsin-Zk3v9Qw1",
    "uQiRzpo4DXghDmr9QzzfQu27cmVRsG",
)
PRIVATE = (PHONE, PHONE[1:], PHONE[3:], EMAIL, "ana.souza", TOPIC, USER)
"""What no error, log or receipt may hold."""
LINK = "https://tocsin.example.org/p/WyJJTkMtNyIsInBhZ2U6SU5DLTc6MCIsInBfMSIsMTc5NV0.Q2Fubm90QmVGb3JnZWQ"
ANA = Profile("p_1", "ana", "Ana Souza", frozenset({Role.RESPONDER}), "T0TOCSIN", "U0ANA", EMAIL)
EVE = Profile("p_9", "eve", "Eve Moreau", frozenset({Role.RESPONDER}))
CONTACT = Contact("ana", EMAIL, PHONE, "Europe/Berlin", handles={"ntfy": TOPIC, "pushover": USER})


def situation(*, restricted: bool = False) -> Situation:
    """An incident with a title nobody outside may read where it is restricted."""
    title = SECRET if restricted else "Recall below its objective"
    incident = replace(Incident("INC-7"), title=title, service="visits", restricted=restricted)
    return Situation(incident, (), NOON)


def summons(**changes: Any) -> Summons:
    """A page to Ana about INC-7."""
    given: dict[str, Any] = {
        "key": KEY,
        "person": ANA,
        "contact": CONTACT,
        "headline": "SEV2 INC-7: Recall below its objective for health=poor",
        "text": "Burns 2.4x over 15 s.\nVisit predictions, since 12:00 UTC.",
        "url": LINK,
        "severity": Severity.SEV2,
        "situations": (situation(),),
    }
    return Summons(**{**given, **changes})


def stranger() -> Summons:
    """The same to somebody of whom nothing but the name is known."""
    return summons(person=EVE, contact=Contact("eve"))


def trial(**changes: Any) -> Summons:
    """A test page to oneself."""
    given: dict[str, Any] = {
        "key": "page:test:ana", "headline": "A test page", "text": "", "url": "", "severity": Severity.SEV4,
        "situations": (),
    }  # fmt: skip
    return summons(**{**given, **changes})


def of_house(**changes: Any) -> Summons:
    """A page about Tocsin itself."""
    given: dict[str, Any] = {
        "key": OF_HOUSE, "headline": "The database does not answer", "text": "Nothing is recorded. Since 12:00 UTC.",
        "url": "", "situations": (), "house": True,
    }  # fmt: skip
    return summons(**{**given, **changes})


def restricted() -> Summons:
    """A page as it may say of a restricted incident: its number."""
    return summons(headline="INC-7 needs you", text="", situations=(situation(restricted=True),))


@dataclass
class Scene:
    """A pager in front of its channel.

    `reached` lists (person's key, page's key) of every page that arrived there, `words` is all it was told, `asked`
    counts requests. `tells` where the channel tells a repetition. `ringing` lists the keys of what still rings there.
    """

    pager: Pager
    reached: Callable[[], list[tuple[str, str]]]
    breaks: Callable[[Exception], None]  # from now on the channel fails like this
    words: Callable[[], str]
    asked: Callable[[], int]
    tells: bool = True
    everybody: bool = False  # it reaches everybody: there is no stranger
    ringing: Callable[[], list[str]] = list
    carries: bool = True  # its words are those of the summons; the chat's are its own


def page_of(marks: str) -> str:
    """The key of a page of these tests by any mark that was made of it; "" where it carries none."""
    if not marks:
        return ""
    lengths = {32, 40, 64, 8}
    return next(key for key in KEYS for length in lengths if mark(key, length) == marks)


class Vendor(httpx.AsyncBaseTransport):
    """Somebody's API, built from their documentation: a request it does not know to the letter is a 400."""

    host = ""
    """Where it answers; elsewhere there is nobody."""

    def __init__(self) -> None:
        self.fault: Exception | None = None
        self.says: list[str] = []
        self.asked = 0

    def breaks(self, fault: Exception) -> None:
        """From now on it fails like this."""
        self.fault = fault

    @abstractmethod
    def answer(self, request: httpx.Request) -> tuple[int, Any]:
        """(status, JSON) of a request."""

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        self.asked += 1
        await request.aread()
        match self.fault:
            case None:
                pass
            case TimeoutError():
                raise httpx.ReadTimeout("too slow", request=request)
            case OSError():
                raise httpx.ConnectError("nobody there", request=request)
            case Unavailable():
                return httpx.Response(503, text=f"to {PHONE}: no")
            case _:
                raise httpx.RemoteProtocolError(f"not http {PHONE} {EMAIL}", request=request)
        if request.url.scheme != "https" or request.url.host != self.host:
            raise httpx.ConnectError("nobody there", request=request)
        self.says.append(f"{request.url} {request.content.decode()}")
        try:
            status, told = self.answer(request)
        except BadRequestError as wrong:
            status, told = wrong.args
        return httpx.Response(status, json=told)


class BadRequestError(Exception):
    """(status, JSON) of what a vendor says to a request it does not understand."""


def form_of(request: httpx.Request) -> dict[str, str]:
    """The fields of a form. Raises BadRequestError where it is none or names one twice."""
    if request.headers.get("content-type") != "application/x-www-form-urlencoded":
        raise BadRequestError(400, {"message": "a form was expected"})
    fields = parse_qs(request.content.decode(), keep_blank_values=True, strict_parsing=True)
    if any(len(values) != 1 for values in fields.values()):
        raise BadRequestError(400, {"message": "a field twice"})
    return {name: values[0] for name, values in fields.items()}


def object_of(request: httpx.Request) -> dict[str, Any]:
    """The JSON object of a request. Raises BadRequestError where it is none."""
    if not request.headers.get("content-type", "").startswith("application/json"):
        raise BadRequestError(400, {"message": "JSON was expected"})
    told = json.loads(request.content)
    if not isinstance(told, dict):
        raise BadRequestError(400, {"message": "an object was expected"})
    return told


def known(given: Mapping[str, Any], must: Iterable[str], may: Iterable[str], wrong: Any = None) -> None:
    """Raise BadRequestError where a field is missing, empty or not documented."""
    must = set(must)
    odd = {*(must - given.keys()), *(given.keys() - must - set(may)), *(name for name in must if given.get(name) == "")}
    if odd:
        raise BadRequestError(400, wrong or {"message": f"wrong: {sorted(odd)}"})
