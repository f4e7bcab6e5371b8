"""Hands pages to whatever else can reach people: one signed request for each.

    pagers:
      - webhook: {url: https://pages.example.org/tocsin, secret: {env: PAGE_SECRET}}

The body is JSON: `type` ("page", "test" for a test page, "house" for one about Tocsin itself), `key`, `person` (`key`
and `name` of people.yaml), `severity`, `headline`, `text`, `url` and `incidents`. It is signed as Standard Webhooks
says: `webhook-signature` is `v1,` and the base64 of HMAC-SHA256 with the secret over `ID.TIMESTAMP.BODY`, where ID is
the header `webhook-id` and TIMESTAMP the header `webhook-timestamp` (seconds since 1970). A secret that begins with
`whsec_` is base64 after it.
The receiver compares in constant time, refuses timestamps more than five minutes off, and takes each `webhook-id`
(`idempotency-key` says the same) once: a page in doubt is sent again under it. Any 2xx means that it was taken.
Whom it can reach is the receiver's to know; it answers 4xx where it cannot.
"""

from __future__ import annotations

import json
from typing import ClassVar
from urllib.parse import quote, urlsplit

import httpx
from pydantic import SecretStr, field_validator

from bot.clients.http import Rejected
from bot.clients.signed import signed, strong
from bot.clock import Clock
from bot.domain.errors import Refused
from bot.engine.calling import Sent, Summons
from bot.pagers import _words as words
from bot.pagers._vendor import Vendor, VendorSettings

WHAT = "the page webhook"


class WebhookSettings(VendorSettings):
    """Where pages are handed over, and the secret they are signed with."""

    url: str
    """The address that takes them; an answer that leads elsewhere is not followed."""

    secret: SecretStr
    """What both sides know: `whsec_` and base64, or any text of 16 letters or more."""

    @field_validator("secret")
    @classmethod
    def _strong(cls, secret: SecretStr) -> SecretStr:
        return strong(secret)


class WebhookPager:
    """The pager of the name `webhook`."""

    shelf: ClassVar[str] = "pagers"
    Settings = WebhookSettings

    def __init__(
        self, settings: WebhookSettings, *, clock: Clock, transport: httpx.AsyncBaseTransport | None = None
    ) -> None:
        self.settings, self.clock = settings, clock
        self._vendor = Vendor(WHAT, settings, url="", transport=transport)

    def way(self, summons: Summons) -> str:
        return f"webhook at {urlsplit(self.settings.url).hostname}"

    async def page(self, summons: Summons) -> Sent:
        content = json.dumps(told(summons), ensure_ascii=False, separators=(",", ":")).encode("utf-8", "replace")
        name = quote(summons.key, safe=":/-_")
        headers = {
            "content-type": "application/json",
            **signed(self.settings.secret, name, self.clock.now(), content),
        }
        try:
            await self._vendor.ask("POST", self.settings.url, content=content, headers=headers)
        except Rejected as no:
            raise Refused(f"{no.because} for {summons.person.name}") from None
        return Sent(self.way(summons))

    async def close(self) -> None:
        await self._vendor.close()


def told(summons: Summons) -> dict[str, object]:
    """A page as its receiver reads it: of a restricted incident nothing but the number."""
    return {
        "type": str(summons.kind),
        "key": summons.key,
        "person": {"key": summons.person.key, "name": summons.person.name},
        "severity": str(summons.severity),
        "headline": words.one_line(summons.headline),
        "text": words.lines(summons.text),
        "url": summons.url,
        "incidents": [each.incident.id for each in summons.situations],
    }
