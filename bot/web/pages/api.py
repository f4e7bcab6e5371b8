"""The page of the API: every route in words, with what it takes and answers, read off the OpenAPI document."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter, Request
from fastapi.responses import Response

from bot.web.described import TAGS, describe, operations
from bot.web.door import Who
from bot.web.pages._page import show

router = APIRouter()


@router.get("/api")
async def look(request: Request, who: Who) -> Response:
    """Every route, room by room."""
    document = describe(request.app)
    rooms: dict[str, list[dict[str, Any]]] = {name: [] for name, _ in TAGS}
    for path, method, operation in operations(document):
        rooms[operation["tags"][0]].append(_told(document, path, method, operation))
    about = document["info"]["description"].split("\n\n")
    found = [{"name": name, "about": text, "routes": rooms[name]} for name, text in TAGS if rooms[name]]
    return show(
        request, "api", who, {"rooms": found, "about": about, "ways": document["components"]["securitySchemes"]}
    )


def _told(document: dict[str, Any], path: str, method: str, operation: dict[str, Any]) -> dict[str, Any]:
    content = operation.get("requestBody", {}).get("content", {}).get("application/json", {})
    shape = _named(document, content.get("schema", {}))
    body = [
        {"name": name, "kind": _kind(each), "needed": name in shape.get("required", ())}
        for name, each in shape.get("properties", {}).items()
    ]
    query = [
        {"name": each["name"], "kind": _kind(each.get("schema", {})), "needed": each.get("required", False)}
        for each in operation.get("parameters", ())
        if each["in"] == "query"
    ]
    return {
        "path": path,
        "method": method.upper(),
        "id": operation["operationId"],
        "text": operation["description"],
        "body": body,
        "query": query,
        "answers": sorted(operation["responses"]),
    }


def _named(document: dict[str, Any], schema: dict[str, Any]) -> dict[str, Any]:
    """What a reference stands for."""
    name = str(schema.get("$ref", "")).rpartition("/")[2]
    found: dict[str, Any] = document["components"]["schemas"].get(name, schema) if name else schema
    return found


def _kind(schema: dict[str, Any]) -> str:
    """A field's form in a word or two."""
    if "enum" in schema:
        return ", ".join(str(each) or '""' for each in schema["enum"])
    if either := schema.get("anyOf"):
        return " or ".join(dict.fromkeys(_kind(each) for each in either if each.get("type") != "null"))
    if ref := schema.get("$ref"):
        return str(ref).rpartition("/")[2]
    if schema.get("type") == "array":
        return f"list of {_kind(schema.get('items', {}))}"
    return str(schema.get("format") or schema.get("type") or "anything")
