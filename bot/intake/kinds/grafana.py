"""Grafana's unified alerting: its webhook is Alertmanager's, with values, panels and test messages of its own."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from bot.intake.cleaning import TEXT, TITLE, link, mapping, text
from bot.intake.kinds import alertmanager
from bot.intake.reading import UnreadableError
from bot.intake.sender import Sender
from bot.intake.told import Letter, Reading, Told, first

TEST = {"alertname": "TestAlert", "instance": "Grafana"}
"""The labels of what Grafana's button "Test" sends."""


def read(letter: Letter, sender: Sender) -> Reading:
    """The alerts of a webhook; a test arrives, is answered, and opens nothing."""
    document = letter.document
    alerts = document.get("alerts") if type(document) is dict else None
    if type(alerts) is not list:
        raise UnreadableError("this is no Grafana webhook: it has no list of alerts")
    reading = Reading()
    held_back = document.get("truncatedAlerts")
    reading.truncated = type(held_back) is int and held_back > 0
    fallback = link(document.get("externalURL"))
    grouped = text(document.get("groupKey"), TITLE).startswith("{")
    for at, each in enumerate(alerts, 1):
        if _is_test(each, grouped=grouped):
            reading.quiet = "that was a test: it arrived, and nothing was opened"
            continue
        try:
            reading.told.append(_alert(each, alertmanager.alert(each, sender, letter.now, fallback)))
        except ValueError as wrong:
            reading.refused.append(f"alert {at}: {wrong}")
    return reading


def _is_test(held: Any, *, grouped: bool) -> bool:
    """By its labels and its summary or, where somebody chose other words for it, by a group no policy made."""
    named = mapping(held.get("labels")) if type(held) is dict else {}
    if any(named.get(name) != value for name, value in TEST.items()):
        return False
    return not grouped or mapping(held.get("annotations")).get("summary") == "Notification test"


def _alert(held: dict[str, Any], told: Told) -> Told:
    """With the panel people look at instead of the rule, and the values the rule saw where nobody wrote a description.

    The values move from one message to the next: they are no part of the words where there are others.
    """
    url = first(link(held.get("panelURL")), link(held.get("dashboardURL")), told.url)
    values = "" if told.text else text(held.get("valueString"), TEXT)
    return replace(told, text=told.text or values, url=url)
