"""Every view in every situation keeps within Slack's numbers, counted apart from the validator that guards the way out."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import Any

import pytest

from tests.slack.payloads import Payload, payloads
from tests.slack.situations import situations

MOST = {
    "blocks of a message": 50, "characters of a message": 13_200, "blocks of a view": 100, "options of an overflow": 5,
    "radio buttons": 10, "checkboxes": 10, "options of a select": 100, "title": 24, "submit": 24, "close": 24,
    "private_metadata": 3_000, "characters of a section": 3_000, "characters of a button": 75, "value of a button": 2_000,
}  # fmt: skip
"""Slack's numbers, written out: the product's own table of them is not asked."""
MENUS = {"overflow": "options of an overflow", "radio_buttons": "radio buttons", "checkboxes": "checkboxes",
         "static_select": "options of a select", "multi_static_select": "options of a select"}  # fmt: skip


def parts(value: Any) -> Iterator[dict[str, Any]]:
    """Every object in a payload."""
    if isinstance(value, dict):
        yield value
    for one in value.values() if isinstance(value, dict) else value if isinstance(value, list) else ():
        yield from parts(one)


def measured(payload: Payload) -> Counter[str]:
    """The greatest of each kind in a payload, as Slack counts: characters are those of the texts."""
    body, most = payload.body, Counter[str]()
    if payload.kind == "message":
        most["blocks of a message"] = len(body["blocks"])
        texts = (one["text"] for one in parts(body["blocks"]) if isinstance(one.get("text"), str))
        most["characters of a message"] = sum(len(one) for one in texts)
    else:
        most["blocks of a view"] = len(body["blocks"])
        most["private_metadata"] = len(body.get("private_metadata", ""))
        for name in ("title", "submit", "close"):
            most[name] = len(body.get(name, {}).get("text", ""))
    for one in parts(body["blocks"]):
        kind = one.get("type")
        if kind in MENUS:
            most[MENUS[kind]] = max(most[MENUS[kind]], len(one["options"]))
        elif kind == "section" and "text" in one:
            most["characters of a section"] = max(most["characters of a section"], len(one["text"]["text"]))
        elif kind == "button":
            most["characters of a button"] = max(most["characters of a button"], len(one["text"]["text"]))
            most["value of a button"] = max(most["value of a button"], len(one.get("value", "")))
    return most


def over(payload: Payload) -> dict[str, int]:
    return {name: many for name, many in measured(payload).items() if many > MOST[name]}


@pytest.mark.long
@pytest.mark.parametrize("words", ["Recall is down", "wide 👩‍👩‍👧‍👦 e\u0301 words " * 60], ids=["plain", "long"])
def test_every_specimen_keeps_slacks_numbers(words: str):
    """Every view of every situation, in few words and in many; and there is much to keep within each of them."""
    greatest: Counter[str] = Counter()
    for name, situation in situations(words):
        for payload in payloads(situation, name):
            assert over(payload) == {}, payload.name
            greatest |= measured(payload)
    assert greatest["options of an overflow"] == 5
    assert greatest["options of a select"] == 100
    assert 2 <= greatest["radio buttons"] <= 10
    assert greatest["private_metadata"] > 20
    if words != "Recall is down":
        assert greatest["characters of a section"] > 1_000
        assert greatest["characters of a message"] > 6_000


@pytest.mark.parametrize("name", MOST)
def test_one_more_than_slack_takes_is_found(name: str):
    """The measure itself: exactly as many are taken, one more is told by its name."""
    for many, found in ((MOST[name], {}), (MOST[name] + 1, {name: MOST[name] + 1})):
        assert over(sample(name, many)) == found


def sample(name: str, many: int) -> Payload:
    """A payload with so many of one kind and little of anything else."""
    text, menus = "x" * many, {words: kind for kind, words in MENUS.items()}
    section = {"type": "section", "text": {"type": "mrkdwn", "text": "x"}}
    if name.startswith("blocks of a "):
        return Payload(name, name.removeprefix("blocks of a "), {"blocks": [section] * many})
    if name == "characters of a message":
        pieces = [text[n : n + 3_000] for n in range(0, many, 3_000)]
        return Payload(name, "message", {"blocks": [{"type": "section", "text": {"text": one}} for one in pieces]})
    if name in menus:
        return Payload(name, "view", {"blocks": [{"element": {"type": menus[name], "options": [{}] * many}}]})
    if name == "private_metadata":
        return Payload(name, "view", {"blocks": [], name: text})
    if name in ("title", "submit", "close"):
        return Payload(name, "view", {"blocks": [], name: {"text": text}})
    if name == "characters of a section":
        return Payload(name, "view", {"blocks": [{"type": "section", "text": {"text": text}}]})
    short, value = (text, "x") if name == "characters of a button" else ("x", text)
    button = {"type": "button", "text": {"text": short}, "value": value}
    return Payload(name, "view", {"blocks": [{"type": "actions", "elements": [button]}]})
