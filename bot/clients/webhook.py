"""Hands changes of incidents to a receiver: CloudEvents 1.0 in JSON, signed, one request for each.

`id` is INCIDENT/ENTRY and never comes to mean anything else: what is sent again after a doubt has the same one, so a
receiver takes each `id` of a `source` once. `webhook-id` is the same, and is what the signature covers.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import httpx
from pydantic import SecretStr

from bot.clients.http import Http, Rejected, wait
from bot.clients.signed import signed
from bot.clock import Clock
from bot.domain.errors import RateLimited, Unavailable

MEDIA_TYPE = "application/cloudevents+json; charset=utf-8"
_OK, _REDIRECT, _FAULT, _BROKEN = 200, 300, 400, 500
_NO_ENTRY, _LATE, _BUSY = (401, 403, 404), 408, 429  # a receiver that is being set up answers 404 for a while


@dataclass(frozen=True, slots=True)
class _Line:
    timeout_seconds: float
    ca: str
    token: SecretStr | None = None
    max_megabytes: int = 1


class Webhook:
    """One receiver. A redirect is not followed: a change goes nowhere but where the settings say."""

    def __init__(
        self,
        name: str,
        url: str,
        secret: SecretStr,
        *,
        clock: Clock,
        seconds: float = 10.0,
        ca: str = "",
        transport: httpx.AsyncBaseTransport | None = None,
    ) -> None:
        self._url, self._secret, self._clock = url, secret, clock
        self._what = f"the webhook {name}"
        self._http = Http(self._what, _Line(seconds, ca), transport=transport)

    async def tell(self, told: Mapping[str, Any]) -> None:
        """Send one event. Raises Rejected for a 4xx, RateLimited, Unavailable for all else."""
        content = json.dumps(dict(told), ensure_ascii=False, separators=(",", ":")).encode("utf-8", "replace")
        headers = {"content-type": MEDIA_TYPE, **signed(self._secret, told["id"], self._clock.now(), content)}
        answer = await self._http.ask("POST", self._url, content=content, headers=headers)
        status = answer.status_code
        if _OK <= status < _REDIRECT:
            return
        if status == _BUSY:
            raise RateLimited(self._what, wait(answer))
        if _FAULT <= status < _BROKEN and status not in _NO_ENTRY and status != _LATE:
            raise Rejected(f"{self._what} refused it ({status})", status, {})
        raise Unavailable(self._what, f"answered {status}")

    async def close(self) -> None:
        await self._http.close()
