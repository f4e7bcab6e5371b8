"""Alertmanager: its webhook (version 4 and what came before), and what its API v2 says is active."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from bot.intake.cleaning import TEXT, TITLE, identity, labels, link, mapping, moment, text
from bot.intake.reading import UnreadableError
from bot.intake.sender import Sender
from bot.intake.told import UNTITLED, Letter, Reading, Told, believed, first

_OFFSET, _PRIME, _SEPARATOR, _MASK = 14695981039346656037, 1099511628211, 255, 0xFFFF_FFFF_FFFF_FFFF


def read(letter: Letter, sender: Sender) -> Reading:
    """The alerts of a webhook. `truncatedAlerts` above 0 says that the message is not all of them."""
    document = letter.document
    alerts = document.get("alerts") if type(document) is dict else None
    if type(alerts) is not list:
        raise UnreadableError("this is no Alertmanager webhook: it has no list of alerts")
    reading = Reading()
    held_back = document.get("truncatedAlerts")
    reading.truncated = type(held_back) is int and held_back > 0
    fallback = link(document.get("externalURL"))
    for at, each in enumerate(alerts, 1):
        try:
            reading.told.append(alert(each, sender, letter.now, fallback))
        except ValueError as wrong:
            reading.refused.append(f"alert {at}: {wrong}")
    return reading


def alert(held: Any, sender: Sender, now: datetime, fallback: str = "") -> Told:
    """One alert of a webhook, or of the API where `status` is an object and does not say that it is over.

    The status decides where it says firing or resolved; else an end that is zero or ahead means that it fires. Raises
    ValueError, whose words say what is wrong with it.
    """
    if type(held) is not dict:
        raise ValueError("it is not an object")
    named = labels(held.get("labels"))
    if not named:
        raise ValueError("it has no labels")
    starts, ends = moment(held.get("startsAt")), moment(held.get("endsAt"))
    if starts is None:
        raise ValueError("it does not say since when (startsAt)")
    starts = starts.replace(microsecond=starts.microsecond // 1000 * 1000)  # the API tells no more than milliseconds
    since, ahead = believed(starts, now)
    status = held.get("status")
    if status == "resolved":
        over = True
    elif status == "firing" or type(status) is dict:
        over = False
    else:
        over = ends is not None and ends <= now
    notes = mapping(held.get("annotations"))
    name = named.get("alertname", "")
    return Told(
        fingerprint=identity(held.get("fingerprint")) or fingerprint(mapping(held.get("labels"))),
        starts=since,
        over=over,
        ends=ends if over else None,
        title=first(text(notes.get("summary"), TITLE), text(notes.get("title"), TITLE), text(name, TITLE), UNTITLED),
        severity=named.get(sender.severity_label, ""),
        service=named.get(sender.service_label, ""),
        text=first(text(notes.get("description"), TEXT), text(notes.get("message"), TEXT)),
        url=link(held.get("generatorURL")) or fallback,
        labels=named,
        ahead=ahead,
    )


def fingerprint(held: Mapping[str, Any]) -> str:
    """What Prometheus' own libraries compute of a set of labels: 64-bit FNV-1a over sorted names and values."""
    sum_ = _OFFSET
    for name in sorted(held):
        for part in (name, str(held[name])):
            for byte in part.encode("utf-8", "surrogatepass"):
                sum_ = ((sum_ ^ byte) * _PRIME) & _MASK
            sum_ = ((sum_ ^ _SEPARATOR) * _PRIME) & _MASK
    return f"{sum_:016x}"


def hushed(held: Any) -> bool:
    """Whether the API says that somebody there silenced it, or that another alert inhibits it."""
    status = held.get("status") if type(held) is dict else None
    return type(status) is dict and status.get("state") == "suppressed"
