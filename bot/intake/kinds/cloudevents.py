"""CloudEvents 1.0.2 over HTTP: binary (headers beside the data), structured (one envelope) and batched.

As its HTTP protocol binding and its JSON event format have it; of its extensions, `severitytext` is understood.
"""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime
from typing import Any
from urllib.parse import unquote

from bot.intake.cleaning import mapping, text
from bot.intake.kinds import generic
from bot.intake.reading import UnreadableError
from bot.intake.reading import read as parsed
from bot.intake.sender import Sender
from bot.intake.told import Letter, Reading, Told

_NEEDED = ("specversion", "id", "source", "type")
_QUOTED = re.compile(r'"((?:[^"\\]|\\.)*)"')
_ESCAPED = re.compile(r"\\(.)")
_JSON = re.compile(r"[^/]+/(?:[^;]+\+)?json")


def read(letter: Letter, sender: Sender) -> Reading:
    """Each event as an alert.

    Without a mapping, source and subject (the type where there is no subject) are the fingerprint, and the last word
    of the type says whether it is over; what the data say under the usual names goes before that.
    """
    reading = Reading()
    for at, each in enumerate(_events(letter), 1):
        try:
            reading.told.append(_event(each, sender, letter.now))
        except ValueError as wrong:
            reading.refused.append(f"event {at}: {wrong}")
    return reading


def _events(letter: Letter) -> list[Any]:
    """The content type says how they travel, also where the same attributes stand in headers beside an envelope."""
    content = letter.headers.get("content-type", "").strip().lower()
    if content.startswith("application/cloudevents-batch"):
        if type(letter.document) is not list:
            raise UnreadableError("a batch of events is a list")
        return letter.document
    if content.startswith("application/cloudevents"):
        return [letter.document]
    if "ce-specversion" in letter.headers:
        return [_binary(letter)]
    return letter.document if type(letter.document) is list else [letter.document]


def _binary(letter: Letter) -> dict[str, Any]:
    given = {name.removeprefix("ce-"): value for name, value in letter.headers.items() if name.startswith("ce-")}
    try:
        held: dict[str, Any] = {name: _decoded(value) for name, value in given.items()}
    except UnicodeDecodeError:
        raise UnreadableError("a ce- header is not UTF-8 once it is decoded") from None
    return held | {"data": letter.document}


def _decoded(value: str) -> str:
    """What a header says: without the quotes older senders put around it, and percent-decoded once."""
    quoted = _QUOTED.fullmatch(value.strip())
    return unquote(_ESCAPED.sub(r"\1", quoted[1]) if quoted else value, errors="strict")


def _event(held: Any, sender: Sender, now: datetime) -> Told:
    if type(held) is not dict:
        raise ValueError("it is not an object")
    lacking = [name for name in _NEEDED if not (type(held.get(name)) is str and held[name])]
    if lacking:
        raise ValueError(f"it has no {lacking[0]}")
    if held["specversion"] != "1.0":
        raise ValueError("its specversion is not 1.0")
    kind, data = held["type"], mapping(_data(held))
    over = kind.rpartition(".")[2].lower() in sender.mapped.over
    given: dict[str, Any] = {
        "fingerprint": f"{held['source']} {held.get('subject') or kind}",
        "status": "resolved" if over else "firing",
        "title": _first(data, "summary", "message", "name") or text(kind, 300),
        "text": _first(data, "description"),
        "severity": held.get("severitytext"),
    }
    if word := text(data.get("status"), 300).lower():
        over = word == "false" or word in sender.mapped.over
    given["ends" if over else "starts"] = held.get("time")
    told = generic.alert(_envelope({**held, "data": data}, sender), sender, now, given)
    return replace(told, within="starts" not in sender.mapped.paths and told.starts is not None)


def _data(held: Mapping[str, Any]) -> Any:
    """The event's data; packed as base64 they are looked into where they are JSON, and are none where they are not."""
    packed = held.get("data_base64")
    if type(packed) is not str:
        return held.get("data")
    declared = held.get("datacontenttype") or "application/json"
    if not _JSON.fullmatch(text(declared, 200).partition(";")[0].strip().lower()):
        return None
    try:
        return parsed(base64.b64decode(packed, validate=True))
    except (binascii.Error, UnreadableError):
        return None


def _envelope(held: Mapping[str, Any], sender: Sender) -> dict[str, Any]:
    """What the paths lead into: the whole event, and under no path the data alone."""
    usual = {name: held["data"].get(name) for name in generic.PLACES if name not in sender.mapped.paths}
    return {**held, **usual}


def _first(data: Mapping[str, Any], *names: str) -> str:
    return next((told for name in names if (told := text(data.get(name), 4000))), "")
