"""CloudEvents 1.0 over HTTP: binary (headers beside the data), structured (one envelope) and batched."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime
from typing import Any
from urllib.parse import unquote

from bot.intake.cleaning import mapping, text
from bot.intake.kinds import generic
from bot.intake.reading import UnreadableError
from bot.intake.sender import Sender
from bot.intake.told import Letter, Reading, Told

_NEEDED = ("specversion", "id", "source", "type")


def read(letter: Letter, sender: Sender) -> Reading:
    """Each event as an alert.

    Without a mapping, source and subject (the type where there is no subject) are the fingerprint, and the last word
    of the type says whether it is over; what the data say under the usual names goes before that.
    """
    content = letter.headers.get("content-type", "").partition(";")[0].strip().lower()
    batched = content == "application/cloudevents-batch+json" or type(letter.document) is list
    events: list[Any] = [letter.document]
    if "ce-specversion" in letter.headers:
        events = [_binary(letter)]
    elif batched and type(letter.document) is not list:
        raise UnreadableError("a batch of events is a list")
    elif batched:
        events = letter.document
    reading = Reading()
    for at, each in enumerate(events, 1):
        try:
            reading.told.append(_event(each, sender, letter.now))
        except ValueError as wrong:
            reading.refused.append(f"event {at}: {wrong}")
    return reading


def _binary(letter: Letter) -> dict[str, Any]:
    held: dict[str, Any] = {
        name.removeprefix("ce-"): unquote(value) for name, value in letter.headers.items() if name.startswith("ce-")
    }
    return held | {"data": letter.document}


def _event(held: Any, sender: Sender, now: datetime) -> Told:
    if type(held) is not dict:
        raise ValueError("it is not an object")
    lacking = [name for name in _NEEDED if not (type(held.get(name)) is str and held[name])]
    if lacking:
        raise ValueError(f"it has no {lacking[0]}")
    if held["specversion"] != "1.0":
        raise ValueError("its specversion is not 1.0")
    kind, data = held["type"], mapping(held.get("data"))
    over = kind.rpartition(".")[2].lower() in sender.mapped.over
    given: dict[str, Any] = {
        "fingerprint": f"{held['source']} {held.get('subject') or kind}",
        "status": "resolved" if over else "firing",
        "title": _first(data, "summary", "message", "name") or text(kind, 300),
        "text": _first(data, "description"),
    }
    if word := text(data.get("status"), 300).lower():
        over = word == "false" or word in sender.mapped.over
    given["ends" if over else "starts"] = held.get("time")
    told = generic.alert(_envelope(held, data, sender), sender, now, given)
    return replace(told, within="starts" not in sender.mapped.paths and told.starts is not None)


def _envelope(held: Mapping[str, Any], data: Mapping[str, Any], sender: Sender) -> dict[str, Any]:
    """What the paths lead into: the whole event, and under no path the data alone."""
    usual = {name: data.get(name) for name in generic.PLACES if name not in sender.mapped.paths}
    return {**held, **usual}


def _first(data: Mapping[str, Any], *names: str) -> str:
    return next((told for name in names if (told := text(data.get(name), 4000))), "")
