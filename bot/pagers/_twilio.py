"""What texts and calls through Twilio share: whose account, from which number, to whose."""

from __future__ import annotations

import base64
import re
from collections.abc import Mapping
from typing import Any
from urllib.parse import quote

import httpx
from pydantic import Field, SecretStr

from bot.clients.http import Rejected
from bot.domain.errors import Refused, Unavailable
from bot.engine.calling import Summons
from bot.pagers._vendor import Vendor, VendorSettings

E164 = re.compile(r"\+[1-9]\d{6,14}\Z")
WHAT = "Twilio"


class TwilioSettings(VendorSettings):
    """An account with Twilio."""

    url: str = "https://api.twilio.com"
    """Where Twilio's API answers; another region has another address."""

    account_sid: str = Field(pattern=r"^AC[0-9a-f]{32}$")
    """The account, as its console shows it."""

    auth_token: SecretStr
    """The account's token, or the secret of `api_key`."""

    api_key: str = Field(default="", pattern=r"^(SK[0-9a-f]{32})?$")
    """A key that can be ended by itself; then `auth_token` is its secret."""

    sender: str = Field(default="", alias="from", pattern=r"^(\+[1-9]\d{6,14})?$")
    """The number it comes from, with its country: +4930123456."""


class Account:
    """The account's door."""

    def __init__(self, settings: TwilioSettings, transport: httpx.AsyncBaseTransport | None) -> None:
        user = settings.api_key or settings.account_sid
        pair = f"{user}:{settings.auth_token.get_secret_value()}".encode()
        basic = SecretStr("Basic " + base64.b64encode(pair).decode())
        self._at = f"/2010-04-01/Accounts/{settings.account_sid}"
        self._vendor = Vendor(
            WHAT, settings, url=settings.url, transport=transport, secret_headers={"authorization": basic}
        )

    async def make(self, kind: str, form: Mapping[str, str], name: str) -> Mapping[str, Any]:
        """A message or call that Twilio took. Raises Refused naming the person, Unavailable."""
        try:
            return await self._vendor.post(f"{self._at}/{kind}.json", form=form) or {}
        except Rejected as no:
            raise Refused(f"{no.because} for {name}; is their phone in people.yaml right?") from None

    async def newest(self, kind: str, query: Mapping[str, str]) -> list[Mapping[str, Any]]:
        """The newest of that kind that fit. Raises Refused, Unavailable."""
        told = await self._vendor.get(f"{self._at}/{kind}.json", query)
        found = (told or {}).get(kind.lower())
        if not isinstance(found, list):
            raise Unavailable(WHAT, "answered without a list")
        return [each for each in found if isinstance(each, dict)]

    async def one(self, kind: str, sid: str) -> Mapping[str, Any] | None:
        """What became of one; None where Twilio keeps nothing of it. Raises Unavailable."""
        try:
            return await self._vendor.get(f"{self._at}/{kind}/{quote(sid, safe='')}.json", absent=(404, 410))
        except Rejected as no:
            raise Unavailable(WHAT, no.because) from None

    async def close(self) -> None:
        await self._vendor.close()


def number(summons: Summons) -> str:
    """The person's phone. Raises Refused naming them and what is missing."""
    phone = summons.contact.phone
    if not phone:
        raise Refused(f"{summons.person.name} has no phone in people.yaml")
    if not E164.match(phone):
        raise Refused(f"{summons.person.name}'s phone in people.yaml has no country, as +4930123456 has")
    return phone


def reason(told: Mapping[str, Any]) -> str:
    """Why it failed, by Twilio's number for it: its words name the phone."""
    code = told.get("error_code")
    known = _KNOWN.get(code, "") if isinstance(code, int) else ""
    return (f"{known} (Twilio {code})" if known else f"Twilio says {code}") if code else "no reason given"


_KNOWN = {
    30003: "the phone is off or out of reach",
    30004: "the phone blocks it",
    30005: "nobody has that number",
    30006: "that number takes no texts",
    30007: "the carrier took it for spam",
    21610: "the person asked to get no texts from this number",
}
