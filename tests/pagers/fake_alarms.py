"""A PagerDuty and an Opsgenie, by their documented fields, limits and answers.

PagerDuty's developer documentation, "Send an Alert Event" and "Events API v2 Overview"; Opsgenie's "Alert API", whose
requests are answered first and looked at later (Get Request Status).
"""

from __future__ import annotations

import re
from typing import Any

import httpx

from tests.pagers.fakes import EMAIL, BadRequestError, Vendor, known, object_of
from tests.parts import CANARY

HOW_BAD = {"critical", "error", "warning", "info"}


class PagerDuty(Vendor):
    """One service with its alerts by dedup_key: how often each was triggered, and whether it is still open."""

    host = "events.pagerduty.com"

    def __init__(self) -> None:
        super().__init__()
        self.alerts: dict[str, dict[str, Any]] = {}

    def answer(self, request: httpx.Request) -> tuple[int, Any]:
        if (request.method, request.url.path) != ("POST", "/v2/enqueue"):
            return 404, {}
        event = object_of(request)
        may = {"payload", "client", "client_url", "links", "images"}
        known(event, {"routing_key", "event_action", "dedup_key"}, may)  # the pager always names its key
        action, key = event["event_action"], event["dedup_key"]
        errors = []
        if event["routing_key"] != CANARY:
            errors.append(f"routing_key {event['routing_key']} is not valid")
        if len(key) > 255 or action not in {"trigger", "acknowledge", "resolve"}:
            errors.append("event_action or dedup_key is wrong")
        errors += self.wrong(action, event)
        if errors:
            raise BadRequestError(
                400, {"status": "invalid event", "message": "Event object is invalid", "errors": errors}
            )
        if action == "trigger":
            held = self.alerts.setdefault(key, {"triggers": 0, "state": "triggered"})
            self.alerts[key] = held | event | {"triggers": held["triggers"] + 1, "state": "triggered"}
        elif key in self.alerts:
            self.alerts[key]["state"] = {"acknowledge": "acknowledged", "resolve": "resolved"}[action]
        return 202, {"status": "success", "message": "Event processed", "dedup_key": key}

    def wrong(self, action: str, event: dict[str, Any]) -> list[str]:
        """What is wrong with the payload."""
        if action != "trigger":
            return ["payload is for triggers"] if "payload" in event else []
        payload, wrong = event.get("payload") or {}, []
        known(
            payload, {"summary", "source", "severity"}, {"timestamp", "component", "group", "class", "custom_details"}
        )
        if len(payload["summary"]) > 1024 or payload["severity"] not in HOW_BAD:
            wrong.append("payload is wrong")
        if any(set(link) - {"href", "text"} or "href" not in link for link in event.get("links", [])):
            wrong.append("links are wrong")
        return wrong


class Opsgenie(Vendor):
    """Alerts by alias; requests are worked off at once, unless it is `busy`."""

    host = "api.opsgenie.com"

    def __init__(self) -> None:
        super().__init__()
        self.alerts: dict[str, dict[str, Any]] = {}
        self.requests: dict[str, dict[str, Any]] = {}
        self.busy = False

    def answer(self, request: httpx.Request) -> tuple[int, Any]:
        if request.headers.get("authorization") != f"GenieKey {CANARY}":
            raise BadRequestError(401, {"message": f"Key {CANARY} is wrong", "took": 0.0, "requestId": "r"})
        path = request.url.path
        if request.method == "POST" and path == "/v2/alerts":
            return self.create(object_of(request))
        if done := re.fullmatch(r"/v2/alerts/([^/]+)/(acknowledge|close)", path):
            return self.end(done[1], done[2], request)
        if asked := re.fullmatch(r"/v2/alerts/requests/([^/]+)", path):
            found = self.requests.get(asked[1])
            return (
                (200, {"data": found, "took": 0.1, "requestId": "r"})
                if found and not self.busy
                else (
                    404,
                    {"message": "Request not found. It might not be processed, yet.", "took": 0.0, "requestId": "r"},
                )
            )
        if asked := re.fullmatch(r"/v2/alerts/([^/]+)", path):
            alert = next((each for each in self.alerts.values() if each["id"] == asked[1]), None)
            return (200, {"data": alert, "took": 0.1, "requestId": "r"}) if alert else (404, {"message": "no"})
        return 404, {"message": "no such path"}

    def create(self, given: dict[str, Any]) -> tuple[int, Any]:
        may = {
            "alias",
            "description",
            "responders",
            "visibleTo",
            "actions",
            "tags",
            "details",
            "entity",
            "source",
            "priority",
            "user",
            "note",
        }
        known(given, {"message"}, may)
        users = [each.get("username") for each in given.get("responders", []) if each.get("type") == "user"]
        if len(given["message"]) > 130 or len(given["alias"]) > 512 or len(given["description"]) > 15000:
            raise BadRequestError(422, {"message": f"too long for {users}"})
        if given["priority"] not in {"P1", "P2", "P3", "P4", "P5"}:
            raise BadRequestError(422, {"message": "priority"})
        held = self.alerts.get(given["alias"])
        if held is None or held["status"] == "closed":
            number = f"alert-{len(self.alerts) + 1}"
            held = {"id": number, "count": 0, "status": "open", "acknowledged": False, "report": {}, **given}
        self.alerts[given["alias"]] = held | {"count": held["count"] + 1}
        if users == [EMAIL]:
            return self.requested("Create", "Created alert", held["id"], given["alias"])
        return self.requested("Create", "no such user")

    def end(self, alias: str, how: str, request: httpx.Request) -> tuple[int, Any]:
        given = object_of(request)
        known(given, (), {"user", "source", "note"})
        if dict(request.url.params) != {"identifierType": "alias"}:
            raise BadRequestError(422, {"message": "identifierType"})
        alert = self.alerts.get(alias.replace("%3A", ":"))
        action = {"acknowledge": "Acknowledge", "close": "Close"}[how]
        if alert is None:
            return self.requested(action, "Alert does not exist")
        self.done(alert, how, given["user"])
        return self.requested(action, f"{action}d alert", alert["id"], alert["alias"])

    def done(self, alert: dict[str, Any], how: str, by: str) -> None:
        """Somebody acknowledged or closed it there."""
        if how == "acknowledge":
            alert |= {"acknowledged": True, "report": {"acknowledgedBy": by}}
        else:
            alert |= {"status": "closed", "report": {**alert["report"], "closedBy": by}}
        alert["updatedAt"] = "2026-11-20T12:03:04.5Z"

    def requested(self, action: str, status: str, alert: str = "", alias: str = "") -> tuple[int, Any]:
        """Taken; what came of it is asked for by its id. Of a failure neither alert nor alias is told."""
        name = f"request-{len(self.requests) + 1}"
        self.requests[name] = {
            "success": bool(alert), "isSuccess": bool(alert), "action": action, "status": status, "alertId": alert,
            "alias": alias, "processedAt": "2026-11-20T12:00:00.844Z", "integrationId": "c9cec2cb",
        }  # fmt: skip
        return 202, {"result": "Request will be processed", "took": 0.1, "requestId": name}
