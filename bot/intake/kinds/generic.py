"""JSON of any shape: the configuration says where what stands, by dotted path or JSON pointer."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from bot.intake.cleaning import TEXT, TITLE, identity, labels, link, moment, text
from bot.intake.reading import UnreadableError
from bot.intake.sender import Path, Sender
from bot.intake.told import UNTITLED, Letter, Reading, Told, believed

PLACES = ("fingerprint", "status", "starts", "ends", "title", "text", "service", "severity", "url", "labels")
"""What may be mapped; what is not is looked for under its own name."""


def path(written: str) -> Path:
    """`alert.labels.host` or `/alert/labels/host` as the names to follow. Raises ValueError for what is neither."""
    if written.startswith("/"):
        return tuple(each.replace("~1", "/").replace("~0", "~") for each in written[1:].split("/"))
    parts = tuple(written.split("."))
    if not all(parts):
        raise ValueError(f"{written!r} is no path (expected such as alert.labels.host or /alert/labels/host)")
    return parts


def read(letter: Letter, sender: Sender) -> Reading:
    """One alert, or a list of them."""
    held = letter.document
    if type(held) is not list:
        if type(held) is not dict:
            raise UnreadableError("the body is neither an object nor a list of them")
        held = [held]
    reading = Reading()
    for at, each in enumerate(held, 1):
        try:
            reading.told.append(alert(each, sender, letter.now))
        except ValueError as wrong:
            reading.refused.append(f"alert {at}: {wrong}")
    return reading


def alert(held: Any, sender: Sender, now: datetime, given: Mapping[str, Any] | None = None) -> Told:
    """One alert by the sender's paths; `given` stands in for what is found at none of them. Raises ValueError."""
    if type(held) is not dict:
        raise ValueError("it is not an object")
    found = {name: at(held, sender.mapped.paths.get(name, (name,))) for name in PLACES}
    for name, value in (given or {}).items():
        if found[name] is None or found[name] == "":
            found[name] = value
    fingerprint = identity(found["fingerprint"])
    if not fingerprint:
        raise ValueError("it has no fingerprint")
    starts, ahead = believed(moment(found["starts"]), now)
    ends = moment(found["ends"])
    status = found["status"]
    if status is None or status == "":
        over = ends is not None and ends <= now
    elif type(status) is bool:
        over = not status  # "firing": true
    else:
        over = text(status, TITLE).lower() in sender.mapped.over
    return Told(
        fingerprint=fingerprint,
        starts=starts,
        over=over,
        ends=ends if over else None,
        title=text(found["title"], TITLE) or UNTITLED,
        severity=text(found["severity"], TITLE),
        service=text(found["service"], TITLE),
        text=text(found["text"], TEXT),
        url=link(found["url"]),
        labels=labels(found["labels"]),
        ahead=ahead,
    )


def at(held: Any, steps: Path) -> Any:
    """What stands at the end of a path, None where it leads nowhere."""
    for step in steps:
        if type(held) is dict:
            held = held.get(step)
        elif type(held) is list and step.isascii() and step.isdigit() and len(step) < 6 and int(step) < len(held):  # noqa: PLR2004
            held = held[int(step)]
        else:
            return None
    return held
