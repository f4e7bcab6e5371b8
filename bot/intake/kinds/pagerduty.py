"""What PagerDuty's Events API v2 is sent ("Send an Alert Event"): trigger, acknowledge and resolve of a dedup_key."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from bot.intake.cleaning import TEXT, TITLE, identity, labels, link, mapping, moment, text
from bot.intake.reading import UnreadableError
from bot.intake.sender import Sender
from bot.intake.told import Letter, Reading, Told, believed, first

_WORDS = ("source", "component", "group", "class")


def read(letter: Letter, sender: Sender) -> Reading:
    """One event. An acknowledgement changes nothing here: people acknowledge the incident, where all can see it."""
    document = letter.document
    action = document.get("event_action") if type(document) is dict else None
    if action not in {"trigger", "acknowledge", "resolve"}:
        raise UnreadableError("this is no event: event_action is none of trigger, acknowledge, resolve")
    key = document.get("dedup_key")
    if action == "acknowledge":
        return Reading(quiet="an acknowledgement changes nothing here")
    payload = mapping(document.get("payload"))
    if action == "resolve":
        if not (fingerprint := identity(key)):
            raise UnreadableError("a resolve without a dedup_key resolves nothing")
        return Reading(told=[_told(document, payload, fingerprint, sender, over=True)])
    if not text(payload.get("summary"), TITLE):
        raise UnreadableError("a trigger needs payload.summary")
    told = _told(document, payload, identity(key) or _made(payload), sender, over=False)
    try:
        starts, ahead = believed(moment(payload.get("timestamp")), letter.now)
    except ValueError:
        raise UnreadableError("payload.timestamp is no time") from None
    return Reading(told=[replace(told, starts=starts, within=True, ahead=ahead)])


def _made(payload: Mapping[str, Any]) -> str:
    """A key of our own where none is told: of the same words the same, so that a repeated event is no second alert.

    PagerDuty makes a new one each time, so that each such event is an alert of its own.
    """
    words = [text(payload.get(name), TITLE) for name in ("summary", *_WORDS)]
    return hashlib.sha256(json.dumps(words).encode()).hexdigest()[:32]


def _told(
    document: Mapping[str, Any], payload: Mapping[str, Any], fingerprint: str, sender: Sender, *, over: bool
) -> Told:
    details = labels(payload.get("custom_details"))
    named = details | {name: told for name in _WORDS if (told := text(payload.get(name), TITLE))}
    links = document.get("links")
    shown = mapping(links[0]).get("href") if type(links) is list and links else None
    return Told(
        fingerprint=fingerprint,
        starts=None,
        over=over,
        ends=None,
        title=text(payload.get("summary"), TITLE),
        severity=text(payload.get("severity"), TITLE),
        service=first(details.get(sender.service_label, ""), named.get(sender.service_label, "")),
        text=first(details.get("description", ""), text(payload.get("custom_details"), TEXT)),
        url=first(link(shown), link(document.get("client_url"))),
        labels=named,
    )
