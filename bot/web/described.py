"""The API in OpenAPI's words: who may ask, what every answer looks like, and where each route belongs."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi

METHODS = frozenset({"get", "post", "put", "patch", "delete"})
SECURITY: dict[str, dict[str, Any]] = {
    "personal": {
        "type": "http",
        "scheme": "bearer",
        "description": "A token of one's own, made with `tocsin token NAME`: it acts as that person.",
    },
    "machine": {
        "type": "http",
        "scheme": "bearer",
        "description": "The token of the state folder (file api-token), together with `person`.",
    },
    "person": {
        "type": "apiKey",
        "in": "header",
        "name": "X-Tocsin-Person",
        "description": "For whom the holder of the machine's token asks: a key of people.yaml.",
    },
    "session": {
        "type": "apiKey",
        "in": "cookie",
        "name": "tocsin_session",
        "description": "A login of the console; with https its name is __Host-tocsin. Changes are taken from the "
        "console's own pages only.",
    },
}
ANYBODY: list[dict[str, list[str]]] = [{"personal": []}, {"machine": [], "person": []}, {"session": []}]
OPERATOR: list[dict[str, list[str]]] = [{"machine": []}]
WITHOUT = frozenset({"/healthz", "/readyz"})
FOR_OPERATORS = frozenset({"/api/login", "/api/tokens", "/api/tokens/revoke"})
TAGS = (
    ("incidents", "What happened, what is done about it, and everything said of it."),
    ("on call", "Who is paged, now and later."),
    ("alerts", "What fires."),
    ("notices", "What is owed to whom by when."),
    ("objectives", "What is watched, and how it stands."),
    (
        "access",
        "Who one is here, tokens of one's own, people; logins and tokens for whoever runs the machine.",
    ),
    ("audit", "That nobody rewrote the record."),
    ("health", "How Tocsin itself is."),
    ("everything else", "What has no room of its own."),
)
_ROOMS = (
    (r"/api/incidents(/|$)", "incidents"),
    (r"/api/oncall(/|$)", "on call"),
    (r"/api/alerts(/|$)", "alerts"),
    (r"/api/notices(/|$)", "notices"),
    (r"/api/(slos|services|analytics)(/|$)", "objectives"),
    (r"/api/(login|tokens|people|me)(/|$)", "access"),
    (r"/api/(verify|audit)(/|$)", "audit"),
    (r"/(healthz|readyz|metrics)$", "health"),
)
SAID = {
    "401": "Nobody knows whose request this is: log in, or send a token.",
    "403": "It is somebody's, and not theirs to ask.",
    "404": "There is none, or none this person may see.",
    "409": "Refused as things stand; the sentence says why.",
    "413": "Longer than any honest request.",
    "422": "Something of it cannot be read; `fields` names what.",
    "429": "Too many requests of one token; Retry-After says when to go on.",
    "503": "A part behind it does not answer; nothing was recorded, ask again.",
}
ABOUT = """Everything the console, the commands and Slack do, as JSON.

Every answer that is not 2xx holds `because`, a sentence for a person. Times are ISO 8601 with their offset. A POST
that takes the header `Idempotency-Key` has one effect when it is sent again with the same words, and a refusal is
heard again. Lists take `limit` and a cursor; where more follows, the header `Link` holds the next page's address
(`rel="next"`). Answers to GET carry an `ETag`; asked again with it in `If-None-Match`, what has not changed is a 304
without a body."""


def describe(app: FastAPI) -> dict[str, Any]:
    """The document, made once. Whatever routes there are by then are in it, each with its tag, answers and security."""
    if app.openapi_schema:
        return app.openapi_schema
    found = get_openapi(
        title="Tocsin", version="1", summary="Incident response and on call", description=ABOUT, routes=app.routes
    )
    found["servers"] = [{"url": "/", "description": "This console"}]
    found["tags"] = [{"name": name, "description": text} for name, text in TAGS]
    parts = found.setdefault("components", {})
    parts["securitySchemes"] = SECURITY
    parts.setdefault("schemas", {}).update(Because=_BECAUSE, Unreadable=_UNREADABLE)
    for path, method, operation in operations(found):
        _complete(path, method, operation)
    for name in ("HTTPValidationError", "ValidationError"):  # what the framework would say; here it is Unreadable
        parts["schemas"].pop(name, None)
    app.openapi_schema = found
    return found


def operations(document: dict[str, Any]) -> Iterator[tuple[str, str, dict[str, Any]]]:
    """(path, method, operation) of each, in the document's order."""
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            if method in METHODS:
                yield path, method, operation


def room_of(path: str) -> str:
    """The tag a route stands under."""
    return next((tag for pattern, tag in _ROOMS if re.match(pattern, path)), "everything else")


def _complete(path: str, method: str, operation: dict[str, Any]) -> None:
    said = " ".join(str(operation.get("description", "")).split())
    first = re.split(r"(?<=[.:;])\s", said, maxsplit=1)[0].rstrip(".:;")
    operation["summary"] = first or operation.get("summary", path)
    operation["description"] = said
    operation["tags"] = [room_of(path)]
    operation["operationId"] = re.sub(r"[^a-z0-9]+", "-", f"{method} {path.replace('/api', '', 1)}".lower()).strip("-")
    if path in WITHOUT:
        operation["security"] = []
        _answer(operation, "503") if path == "/readyz" else None
        return
    if path == "/metrics":
        operation["security"] = [*OPERATOR, {}]
        operation["responses"]["200"] = {"description": "As Prometheus reads it.", "content": {"text/plain": {}}}
        _answer(operation, "401")
        return
    operation["security"] = OPERATOR if path in FOR_OPERATORS else ANYBODY
    for status in ("401", "403", "404", "409", "422", "429", "503", *(("413",) if method != "get" else ())):
        _answer(operation, status)
    operation["responses"]["429"]["headers"] = {
        "Retry-After": {"description": "Seconds", "schema": {"type": "integer", "minimum": 1}}
    }
    if path.endswith("/affected/list"):
        operation["responses"]["200"] = {
            "description": "One line for each of those decided about.",
            "content": {"text/csv": {}},
        }
    if method == "get":
        operation["responses"]["304"] = {"description": "Unchanged since the ETag that was sent."}


def _answer(operation: dict[str, Any], status: str) -> None:
    """An answer that is none of the good ones, in the one form they all have."""
    kind = "Unreadable" if status == "422" else "Because"
    form = {"schema": {"$ref": f"#/components/schemas/{kind}"}}
    operation["responses"][status] = {"description": SAID[status], "content": {"application/json": form}}


_BECAUSE = {
    "title": "Because",
    "description": "Why not, in a sentence for the person who asked.",
    "type": "object",
    "properties": {"because": {"type": "string"}},
    "required": ["because"],
    "example": {"because": "INC-7 is declared; resolve it first"},
}
_UNREADABLE = {
    "title": "Unreadable",
    "description": "What cannot be read, field by field.",
    "type": "object",
    "properties": {"because": {"type": "string"}, "fields": {"type": "object", "additionalProperties": True}},
    "required": ["because"],
    "example": {"because": "text: missing", "fields": {"text": "missing"}},
}
