"""Pages a person through Opsgenie (Alert API), by the rules of notification they have there.

    pagers:
      - opsgenie: {api_key: {env: OPSGENIE_API_KEY}}

The person is the Opsgenie user of their mail address. The page's key is the alert's alias, so a repetition is counted
to the same alert. Opsgenie goes on notifying until somebody acknowledges there, which counts as seen, or here.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any, ClassVar

import httpx
from pydantic import SecretStr

from bot.clients.http import Rejected, segment
from bot.clock import Clock
from bot.domain.errors import Refused, Unavailable
from bot.domain.paging import Receipt
from bot.engine.calling import Became, Over, Sent, Summons
from bot.pagers import _words as words
from bot.pagers._vendor import Vendor, VendorSettings, said

WHAT, US = "Opsgenie", "Tocsin"
ENDS = {Over.ACKNOWLEDGED: "acknowledge", Over.RESOLVED: "close"}
LONGEST_MESSAGE, LONGEST_ALIAS, LONGEST_TEXT = 130, 512, 10_000


class OpsgenieSettings(VendorSettings):
    """An account with Opsgenie."""

    api_key: SecretStr
    """The key of an API integration that may create and update alerts, and read them."""

    url: str = "https://api.opsgenie.com"
    """Where its API answers; https://api.eu.opsgenie.com for an account in the EU."""


class OpsgeniePager:
    """The pager of the name `opsgenie`."""

    shelf: ClassVar[str] = "pagers"
    Settings = OpsgenieSettings

    def __init__(
        self, settings: OpsgenieSettings, *, clock: Clock, transport: httpx.AsyncBaseTransport | None = None
    ) -> None:
        self.settings, self.clock = settings, clock
        key = SecretStr(f"GenieKey {settings.api_key.get_secret_value()}")
        self._vendor = Vendor(
            WHAT, settings, url=settings.url, transport=transport, secret_headers={"authorization": key}
        )

    def way(self, summons: Summons) -> str:
        _user(summons)
        return f"Opsgenie's user {summons.person.name}"

    async def page(self, summons: Summons) -> Sent:
        where, user = self.way(summons), _user(summons)
        alert = {
            "message": words.one_line(summons.headline, LONGEST_MESSAGE) or words.untitled(summons),
            "alias": _alias(summons.key),
            "description": words.body(summons, most=LONGEST_TEXT),
            "responders": [{"type": "user", "username": user}],
            "priority": f"P{int(summons.severity)}",
            "source": US,
        }
        try:
            told = await self._vendor.post("/v2/alerts", body=alert)
        except Rejected as no:
            raise Refused(f"{no.because} for {summons.person.name}; is their mail in people.yaml Opsgenie's?") from None
        return Sent(where, said(told, "requestId", WHAT), rings=True)

    async def became(self, ref: str) -> Became:
        request = await self._data(f"/v2/alerts/requests/{segment(ref)}")
        if request is None:  # alerts are made in their own time
            return Became(Receipt.ACCEPTED)
        if request.get("isSuccess") is not True:
            return Became(Receipt.FAILED, detail="Opsgenie took the request and made no alert of it", final=True)
        alert = await self._data(f"/v2/alerts/{segment(said(request, 'alertId', WHAT))}")
        if alert is None:
            return Became(Receipt.ACCEPTED, detail="the alert is gone there", final=True)
        report = alert.get("report")
        by = report.get("acknowledgedBy") or report.get("closedBy") if isinstance(report, dict) else None
        over = alert.get("status") == "closed"
        if (alert.get("acknowledged") is True or over) and by != US:  # else it was us who stood it down
            at = _time(alert.get("updatedAt"))
            return Became(Receipt.SEEN, at, "closed there" if over else "acknowledged there", final=True)
        return Became(Receipt.ACCEPTED, final=over)

    async def stand_down(self, key: str, ref: str, over: Over) -> None:
        path, note = f"/v2/alerts/{segment(_alias(key))}/{ENDS[over]}", f"{over} in Tocsin"
        body = {"user": US, "source": US, "note": note}
        try:
            await self._vendor.post(path, body=body, query={"identifierType": "alias"}, absent=(404,))
        except Rejected as no:
            raise Refused(no.because) from None

    async def _data(self, path: str) -> Mapping[str, Any] | None:
        try:
            told = await self._vendor.get(path, absent=(404,))
        except Rejected as no:
            raise Unavailable(WHAT, no.because) from None
        if told is None:
            return None
        data = told.get("data")
        if not isinstance(data, dict):
            raise Unavailable(WHAT, "answered without 'data'")
        return data

    async def close(self) -> None:
        await self._vendor.close()


def _user(summons: Summons) -> str:
    if not summons.contact.email:
        raise Refused(f"{summons.person.name} has no email in people.yaml, by which Opsgenie knows its users")
    return summons.contact.email


def _alias(key: str) -> str:
    return key if len(key) <= LONGEST_ALIAS else words.mark(key, 64)


def _time(told: object) -> datetime | None:
    try:
        found = datetime.fromisoformat(str(told))
    except ValueError:
        return None
    return found if found.tzinfo else None
