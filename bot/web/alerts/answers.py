"""What senders are answered: a short JSON object, in the words their own kind expects where it expects some."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from bot.intake.sender import Sender
from bot.intake.told import Reading
from bot.web.alerts.body import NotTakenError

MOST_REFUSALS = 20
"""Sentences about alerts that could not be kept; of more, how many more."""

_HEADERS = [
    (b"content-type", b"application/json"), (b"cache-control", b"no-store"), (b"x-content-type-options", b"nosniff"),
]  # fmt: skip


async def answer(send: Any, status: int, said: Mapping[str, Any], headers: Mapping[str, str] | None = None) -> None:
    """Send it."""
    body = json.dumps(said).encode()
    more = [(name.encode(), value.encode()) for name, value in (headers or {}).items()]
    length = (b"content-length", str(len(body)).encode())
    await send({"type": "http.response.start", "status": status, "headers": [*_HEADERS, length, *more]})
    await send({"type": "http.response.body", "body": body})


def carried_out(sender: Sender, reading: Reading, unbound: int) -> tuple[int, dict[str, Any]]:
    """Status and words once everything that could be kept is durable. Raises NotTakenError where nothing could."""
    refused = reading.refused[:MOST_REFUSALS]
    if len(reading.refused) > MOST_REFUSALS:
        refused.append(f"and {len(reading.refused) - MOST_REFUSALS} more")
    if reading.refused and not reading.told:
        raise NotTakenError(400, "; ".join(refused))
    said: dict[str, Any] = {"accepted": len(reading.told), "refused": refused}
    if unbound:
        said["unbound"] = unbound
    if ahead := sum(told.ahead for told in reading.told):
        said |= {"ahead": ahead, "because": "what begins more than a day ahead counts from now; is your clock right?"}
    if reading.quiet:
        said["because"] = reading.quiet
    if sender.kind == "pagerduty":
        key = reading.told[0].fingerprint if reading.told else ""
        return 202, {"status": "success", "message": "Event processed", "dedup_key": key, **said}
    if sender.kind == "opsgenie":
        return 202, {"result": "Request will be processed", **said}
    return 200, said
