"""What Opsgenie's Alert API is sent (create, close by alias), and what its own webhook says (action and alert)."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime
from typing import Any
from urllib.parse import unquote

from bot.intake.cleaning import TEXT, TITLE, identity, labels, link, mapping, moment, text
from bot.intake.reading import UnreadableError
from bot.intake.sender import Sender
from bot.intake.told import Letter, Reading, Told, believed, first

_CREATE = re.compile(r"(?:(?:v2/)?alerts)?")
_CLOSE = re.compile(r"(?:v2/)?alerts/([^/]+)/close")
_OTHER = re.compile(r"(?:v2/)?alerts/[^/]+/.+")
"""Acknowledging, notes, tags, priority, message and whatever else is done to an alert that is there."""
_BEGINS, _ENDS = frozenset({"Create"}), frozenset({"Close", "Delete"})


def read(letter: Letter, sender: Sender) -> Reading:
    """One request. What neither opens nor closes an alert (acknowledging, notes, tags) changes nothing here."""
    document = letter.document if type(letter.document) is dict else None
    if document is None:
        raise UnreadableError("this is no Opsgenie request: it is not an object")
    if "action" in document and type(document.get("alert")) is dict:
        return _webhook(document, sender, letter.now)
    if (closing := _CLOSE.fullmatch(letter.rest)) is not None:
        if letter.query.get("identifierType", "id") != "alias":  # as Opsgenie has it, where nothing is said it is an id
            raise UnreadableError("close by alias: Tocsin gives no ids of its own (identifierType=alias)")
        return Reading(told=[_told({}, identity(unquote(closing[1])), sender, over=True)])
    if _OTHER.fullmatch(letter.rest):
        return Reading(quiet="this changes nothing here")
    if not _CREATE.fullmatch(letter.rest):
        raise UnreadableError("alerts are created at v2/alerts and closed at v2/alerts/ALIAS/close")
    if not text(document.get("message"), TITLE):
        raise UnreadableError("an alert needs its message")
    alias = identity(document.get("alias")) or identity(document.get("message"))
    return Reading(told=[_told(document, alias, sender, over=False)])


def _webhook(document: Mapping[str, Any], sender: Sender, now: datetime) -> Reading:
    action, held = document["action"], document["alert"]
    if action not in _BEGINS | _ENDS:
        return Reading(quiet="this changes nothing here")
    alias = identity(held.get("alias")) or identity(held.get("alertId"))
    if not alias:
        raise UnreadableError("the alert has neither alias nor alertId")
    try:
        starts, ahead = believed(moment(held.get("createdAt")), now)
        ends = moment(_micro(held.get("updatedAt"))) if action in _ENDS else None
    except ValueError:
        raise UnreadableError("createdAt or updatedAt is no time") from None
    told = _told(held, alias, sender, over=action in _ENDS, starts=starts, ends=ends)
    return Reading(told=[replace(told, ahead=ahead)])


_NANOS = 100_000_000_000_000_000


def _micro(value: Any) -> Any:
    """`updatedAt` counts nanoseconds where `createdAt` counts milliseconds."""
    return value // 1_000_000 if type(value) is int and value > _NANOS else value


def _told(
    held: Mapping[str, Any],
    alias: str,
    sender: Sender,
    *,
    over: bool,
    starts: datetime | None = None,
    ends: datetime | None = None,
) -> Told:
    named = labels(held.get("details"))
    for name in ("entity", "source"):
        if told := text(held.get(name), TITLE):
            named.setdefault(name, told)
    tags = held.get("tags")
    if type(tags) is list and tags:
        named.setdefault("tags", text(", ".join(text(each, 64) for each in tags[:20]), 512))
    return Told(
        fingerprint=alias,
        starts=starts,
        over=over,
        ends=ends,
        title=text(held.get("message"), TITLE),
        severity=text(held.get("priority"), TITLE),
        service=named.get(sender.service_label, ""),
        text=text(held.get("description"), TEXT),
        url=first(link(named.get("url")), link(mapping(held.get("details")).get("link"))),
        labels=named,
    )
