"""An ntfy, a Pushover and a receiver of webhooks, as documented.

ntfy's documentation, "Publishing", as JSON, with the sequence ids that came with its server 2.16.0; Pushover's "Message
API" and "Receipts and Callbacks API".
"""

from __future__ import annotations

import json
import re
from typing import Any

import httpx

from tests.pagers.fakes import USER, BadRequestError, Vendor, form_of, known, object_of
from tests.parts import CANARY

TOPIC = re.compile(r"[-_A-Za-z0-9]{1,64}")


class Ntfy(Vendor):
    """A server that asks for a token. `shown` holds what a phone shows: a sequence id once."""

    host = "ntfy.sh"

    def __init__(self) -> None:
        super().__init__()
        self.shown: dict[str, dict[str, Any]] = {}

    def answer(self, request: httpx.Request) -> tuple[int, Any]:
        if request.headers.get("authorization") != f"Bearer {CANARY}":
            raise BadRequestError(403, {"code": 40301, "http": 403, "error": f"forbidden {CANARY}"})
        if (request.method, request.url.path) != ("POST", "/"):
            raise BadRequestError(404, {"code": 40401, "http": 404, "error": "page not found"})
        given = object_of(request)
        wrong = {"code": 40024, "http": 400, "error": "invalid request: request body must be valid JSON"}
        may = {
            "message",
            "title",
            "tags",
            "priority",
            "actions",
            "click",
            "attach",
            "markdown",
            "icon",
            "filename",
            "delay",
            "email",
            "call",
            "sequence_id",
        }
        known(given, {"topic"}, may, wrong)
        if not TOPIC.fullmatch(given["topic"]) or len(given["message"].encode()) > 4096:
            raise BadRequestError(400, {"code": 40009, "http": 400, "error": f"topic {given['topic']} invalid"})
        if given["priority"] not in range(1, 6) or not TOPIC.fullmatch(given["sequence_id"]):
            raise BadRequestError(400, wrong)
        for action in given.get("actions", []):
            known(action, {"action", "label"}, {"url", "clear", "method", "headers", "body", "intent", "extras"}, wrong)
        self.shown[given["sequence_id"]] = given
        told = {"id": f"m{self.asked:011}", "time": 1_795_000_000, "event": "message", "topic": given["topic"]}
        return 200, told | {"message": given["message"], "sequence_id": given["sequence_id"]}


class Pushover(Vendor):
    """One application and one user; emergencies have receipts, which are cancelled one by one or by tag."""

    host = "api.pushover.net"

    def __init__(self) -> None:
        super().__init__()
        self.pushed: list[dict[str, str]] = []
        self.receipts: dict[str, dict[str, Any]] = {}

    def answer(self, request: httpx.Request) -> tuple[int, Any]:
        path = request.url.path
        if request.method == "GET" and (asked := re.fullmatch(r"/1/receipts/(\w+)\.json", path)):
            self.token(dict(request.url.params))
            found = self.receipts.get(asked[1])
            if found is None:
                return 404, {"receipt": "not found", "errors": ["receipt not found"], "status": 0, "request": "q"}
            return 200, {
                **{name: value for name, value in found.items() if name != "tags"},
                "status": 1,
                "request": "q",
            }
        if request.method != "POST":
            return 405, {"status": 0, "errors": ["method"], "request": "q"}
        form = form_of(request)
        self.token(form)
        if path == "/1/messages.json":
            return self.push(form)
        if done := re.fullmatch(r"/1/receipts/cancel_by_tag/([\w-]+)\.json", path):
            known(form, {"token"}, ())
            cancelled = [
                each for each in self.receipts.values() if done[1] in each["tags"].split(",") and not each["expired"]
            ]
            for each in cancelled:
                each["expired"] = 1
            return 200, {"status": 1, "canceled": len(cancelled), "request": "q"}
        return 404, {"status": 0, "errors": ["not found"], "request": "q"}

    def token(self, given: dict[str, str]) -> None:
        if given.get("token") != CANARY:
            said = {"token": "invalid", "errors": [f"application token {given.get('token')} is invalid"], "status": 0}
            raise BadRequestError(400, said | {"request": "q"})

    def push(self, form: dict[str, str]) -> tuple[int, Any]:
        may = {
            "title",
            "url",
            "url_title",
            "priority",
            "retry",
            "expire",
            "tags",
            "sound",
            "device",
            "ttl",
            "timestamp",
            "html",
        }
        known(form, {"token", "user", "message"}, may, {"status": 0, "errors": ["parameters"], "request": "q"})
        if form["user"] != USER:
            said = {"user": "invalid", "errors": [f"user {form['user']} is not valid"], "status": 0, "request": "q"}
            raise BadRequestError(400, said)
        urgent = form["priority"] == "2"
        longest = {"title": 250, "message": 1024, "url": 512, "url_title": 100}
        too_long = [name for name, most in longest.items() if len(form.get(name, "")) > most]
        calls = int(form.get("retry", "0")), int(form.get("expire", "0"))
        if (
            too_long
            or form["priority"] not in {"-2", "-1", "0", "1", "2"}
            or (urgent and (calls[0] < 30 or calls[1] > 10800))
        ):
            raise BadRequestError(400, {"errors": [f"wrong: {too_long}"], "status": 0, "request": "q"})
        if not urgent and {"retry", "expire", "tags"} & form.keys():
            raise BadRequestError(400, {"errors": ["only for emergencies"], "status": 0, "request": "q"})
        self.pushed.append(form)
        if not urgent:
            return 200, {"status": 1, "request": "q"}
        name = f"r{len(self.receipts):029}"
        self.receipts[name] = {
            "acknowledged": 0, "acknowledged_at": 0, "acknowledged_by": "", "acknowledged_by_device": "",
            "last_delivered_at": 0, "expired": 0, "expires_at": 1_795_003_600, "called_back": 0, "called_back_at": 0,
            "tags": form["tags"],
        }  # fmt: skip
        return 200, {"status": 1, "request": "q", "receipt": name}


class Receiver(Vendor):
    """Takes each webhook-id once. It answers in words that are no JSON."""

    host = "pages.example.org"

    def __init__(self) -> None:
        super().__init__()
        self.taken: dict[str, dict[str, Any]] = {}
        self.last: httpx.Request | None = None

    def answer(self, request: httpx.Request) -> tuple[int, Any]:
        if (request.method, request.url.path) != ("POST", "/tocsin"):
            return 404, {}
        self.last = request
        self.taken.setdefault(request.headers["webhook-id"], json.loads(request.content))
        return 202, "thank you"
