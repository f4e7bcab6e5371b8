"""What an API server does to a body: merge patches, JSON patches, and a schema that prunes, defaults and refuses."""

from __future__ import annotations

import copy
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

_TYPES = {"object": dict, "array": list, "string": str, "integer": int, "boolean": bool, "number": (int, float)}


class Failed(Exception):  # noqa: N818 - what an API server says: the test failed
    """A JSON patch whose `test` failed, or whose path leads nowhere."""


def merged(held: Any, patch: Any) -> Any:
    """RFC 7386: what an object is after a merge patch."""
    if not isinstance(patch, Mapping):
        return copy.deepcopy(patch)
    found = dict(held) if isinstance(held, Mapping) else {}
    for name, value in patch.items():
        if value is None:
            found.pop(name, None)
        else:
            found[name] = merged(found.get(name), value)
    return found


def patched(held: Any, operations: Sequence[Mapping[str, Any]]) -> Any:
    """RFC 6902 with add, replace, remove and test. Raises Failed."""
    found = copy.deepcopy(held)
    for operation in operations:
        *way, last = [part.replace("~1", "/").replace("~0", "~") for part in operation["path"].split("/")[1:]]
        place = found
        try:
            for part in way:
                place = place[int(part)] if isinstance(place, list) else place[part]
            _apply(place, last, operation)
        except (KeyError, IndexError, ValueError, TypeError):
            raise Failed from None
    return found


def _apply(place: Any, last: str, operation: Mapping[str, Any]) -> None:
    verb, value = operation["op"], copy.deepcopy(operation.get("value"))
    if isinstance(place, list):
        spot = len(place) if last == "-" else int(last)
        if spot > len(place) or (verb != "add" and spot >= len(place)):
            raise IndexError
        if verb == "add":
            place.insert(spot, value)
            return
        held: Any = place[spot]
    else:
        spot, held = last, place[last] if verb != "add" else None  # type: ignore[assignment]
    if verb == "test":
        if held != value:
            raise Failed
    elif verb == "remove":
        del place[spot]
    else:
        place[spot] = value


def admitted(value: Any, schema: Mapping[str, Any]) -> Any:
    """The value without unknown fields and with the schema's defaults, as a structural schema has it."""
    if isinstance(value, dict) and "properties" in schema:
        kept = value if schema.get("x-kubernetes-preserve-unknown-fields") else {}
        found = dict(kept)
        for name, inner in schema["properties"].items():
            if value.get(name) is not None:
                found[name] = admitted(value[name], inner)
            elif "default" in inner:
                found[name] = copy.deepcopy(inner["default"])
            else:
                found.pop(name, None)
        return found
    if isinstance(value, dict) and isinstance(schema.get("additionalProperties"), Mapping):
        return {name: admitted(inner, schema["additionalProperties"]) for name, inner in value.items()}
    if isinstance(value, dict) and schema.get("type") == "object":
        return value if schema.get("x-kubernetes-preserve-unknown-fields") or "additionalProperties" in schema else {}
    if isinstance(value, list) and "items" in schema:
        return [admitted(each, schema["items"]) for each in value]
    return value


def faults(value: Any, schema: Mapping[str, Any], at: str = "") -> Iterator[str]:
    """What is wrong with the value, in an API server's words."""
    kind = schema.get("type")
    if kind and (not isinstance(value, _TYPES[kind]) or (kind != "boolean" and isinstance(value, bool))):
        yield f"{at}: Invalid value: must be of type {kind}"
        return
    if schema.get("x-kubernetes-int-or-string") and not isinstance(value, int | str):
        yield f"{at}: Invalid value: must be an integer or text"
        return
    if "enum" in schema and value not in schema["enum"]:
        yield f"{at}: Unsupported value: {value!r}"
    if "minimum" in schema and value < schema["minimum"]:
        yield f"{at}: Invalid value: {value}: should be greater than or equal to {schema['minimum']}"
    if "maximum" in schema and value > schema["maximum"]:
        yield f"{at}: Invalid value: {value}: should be less than or equal to {schema['maximum']}"
    if "pattern" in schema and not re.search(schema["pattern"], value):
        yield f"{at}: Invalid value: {value!r}: should match '{schema['pattern']}'"
    if isinstance(value, str) and len(value) < schema.get("minLength", 0):
        yield f"{at}: Invalid value: {value!r}: should be at least {schema['minLength']} chars long"
    yield from _within(value, schema, at)


def _within(value: Any, schema: Mapping[str, Any], at: str) -> Iterator[str]:
    if isinstance(value, dict):
        yield from (f"{at}.{name}: Required value" for name in schema.get("required", ()) if name not in value)
        known, further = schema.get("properties", {}), schema.get("additionalProperties")
        for name, each in value.items():
            inner = known.get(name, further)
            if isinstance(inner, Mapping):
                yield from faults(each, inner, f"{at}.{name}".lstrip("."))
    if isinstance(value, list):
        if len(value) > schema.get("maxItems", len(value)):
            yield f"{at}: Invalid value: {len(value)}: must have at most {schema['maxItems']} items"
        for place, each in enumerate(value):
            yield from faults(each, schema.get("items", {}), f"{at}[{place}]")
