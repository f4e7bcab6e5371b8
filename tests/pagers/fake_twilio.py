"""A Twilio: the Message and Call resources of its REST API of 2010-04-01, by the documented parameters and statuses.

A message begins as `queued`, or as `accepted` where a messaging service sends it ("Outbound Message Status in Status
Callbacks").
"""

from __future__ import annotations

import base64
import re
from typing import Any
from xml.etree import ElementTree as ET

import httpx

from tests.pagers.fakes import BadRequestError, Vendor, form_of, known
from tests.parts import CANARY

SID, FROM = "AC" + "0123456789abcdef" * 2, "+493012345678"
SETTINGS: dict[str, Any] = {
    "url": "{url}", "account_sid": SID, "auth_token": CANARY, "from": FROM, "timeout_seconds": 0.4,
}  # fmt: skip
GIVEN = {**SETTINGS, "url": "https://api.twilio.com"}
E164 = re.compile(r"\+[1-9]\d{6,14}")
BASIC = "Basic " + base64.b64encode(f"{SID}:{CANARY}".encode()).decode()
VERBS = {"Response", "Gather", "Say"}
LONGEST_TEXT, LONGEST_TWIML = 1600, 4000


class Twilio(Vendor):
    """Takes texts and calls, remembers them, and says what became of each as it is told to."""

    host = "api.twilio.com"

    def __init__(self) -> None:
        super().__init__()
        self.made: dict[str, list[dict[str, Any]]] = {"Messages": [], "Calls": []}
        self.unknown: set[str] = set()  # numbers nobody has
        self.deaf = False  # lists cannot be had

    def answer(self, request: httpx.Request) -> tuple[int, Any]:
        if request.headers.get("authorization") != BASIC:
            raise BadRequestError(401, {"code": 20003, "message": f"Authenticate {CANARY}", "status": 401})
        path = re.fullmatch(rf"/2010-04-01/Accounts/{SID}/(Messages|Calls)(?:/(\w+))?\.json", request.url.path)
        if path is None:
            return 404, {"code": 20404, "message": "not found", "status": 404}
        kind, sid = path.groups()
        if request.method == "POST" and sid is None:
            return 201, self.make(kind, form_of(request))
        if request.method == "GET" and sid is not None:
            found = next((each for each in self.made[kind] if each["sid"] == sid), None)
            return (200, found) if found else (404, {"code": 20404, "message": "not found", "status": 404})
        if request.method == "GET":
            if self.deaf:
                raise BadRequestError(503, {})
            query = dict(request.url.params)
            known(query, (), {"To", "From", "DateSent", "PageSize"})
            to = query.get("To")
            found = [each for each in reversed(self.made[kind]) if to in {None, each["to"]}]
            return 200, {kind.lower(): found[: int(query.get("PageSize", "50"))], "page": 0}
        return 405, {"code": 20004, "message": "method", "status": 405}

    def make(self, kind: str, form: dict[str, str]) -> dict[str, Any]:
        wrong = {"code": 21604, "message": "a parameter is wrong", "status": 400}
        if kind == "Messages":
            known(form, {"To", "Body"}, {"From", "MessagingServiceSid"}, wrong)
            if len(form["Body"]) > LONGEST_TEXT or ("From" in form) == ("MessagingServiceSid" in form):
                raise BadRequestError(400, wrong)
        else:
            known(form, {"To", "From", "Twiml"}, {"Timeout"}, wrong)
            if len(form["Twiml"]) > LONGEST_TWIML or {each.tag for each in ET.fromstring(form["Twiml"]).iter()} - VERBS:
                raise BadRequestError(400, {"code": 21205, "message": "TwiML is not valid", "status": 400})
        if not E164.fullmatch(form["To"]) or form["To"] in self.unknown:
            said = f"The 'To' number {form['To']} is not a valid phone number."
            raise BadRequestError(400, {"code": 21211, "message": said, "status": 400})
        number = len(self.made[kind]) + 1
        made = {
            "sid": f"{'SM' if kind == 'Messages' else 'CA'}{number:032x}",
            "status": "accepted" if "MessagingServiceSid" in form else "queued",
            "to": form["To"],
            "from": form.get("From"),
            "error_code": None,
            "error_message": None,
            **({"body": form["Body"]} if kind == "Messages" else {"twiml": form["Twiml"]}),
        }
        self.made[kind].append(made)
        return {name: value for name, value in made.items() if name != "twiml"}

    def became(self, kind: str, status: str, code: int | None = None) -> None:
        """What became of the last one."""
        self.made[kind][-1] |= {
            "status": status,
            "error_code": code,
            "error_message": f"to {self.made[kind][-1]['to']}",
        }
