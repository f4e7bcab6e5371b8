"""Pages whoever is on call for a service in PagerDuty (Events API v2).

    pagers:
      - pagerduty: {routing_key: {env: PAGERDUTY_ROUTING_KEY}}

An event goes to a service, not to a person: PagerDuty calls whom its own schedule names, and goes on until somebody
acknowledges there or here. The page's key is the event's `dedup_key`, so a repetition is the same alert. This API
takes events and answers no questions, so what became of them stands in PagerDuty.
"""

from __future__ import annotations

from typing import Any, ClassVar

import httpx
from pydantic import SecretStr

from bot.clients.http import Rejected
from bot.clock import Clock
from bot.domain.errors import Refused, Unavailable
from bot.domain.policy import Severity
from bot.engine.calling import Over, Sent, Summons
from bot.pagers import _words as words
from bot.pagers._vendor import Vendor, VendorSettings, said

WHAT = "PagerDuty"
HOW_BAD = {Severity.SEV1: "critical", Severity.SEV2: "error", Severity.SEV3: "warning", Severity.SEV4: "info"}
ENDS = {Over.ACKNOWLEDGED: "acknowledge", Over.RESOLVED: "resolve"}
LONGEST_KEY, LONGEST_SUMMARY, LONGEST_TEXT = 255, 1024, 4000


class PagerDutySettings(VendorSettings):
    """A service of PagerDuty."""

    routing_key: SecretStr
    """The integration key of an Events API v2 integration of that service."""

    url: str = "https://events.pagerduty.com"
    """Where events are taken; https://events.eu.pagerduty.com for an account in the EU."""


class PagerDutyPager:
    """The pager of the name `pagerduty`."""

    shelf: ClassVar[str] = "pagers"
    Settings = PagerDutySettings

    def __init__(
        self, settings: PagerDutySettings, *, clock: Clock, transport: httpx.AsyncBaseTransport | None = None
    ) -> None:
        self.settings, self.clock = settings, clock
        self._vendor = Vendor(WHAT, settings, url=settings.url, transport=transport)

    def way(self, summons: Summons) -> str:
        return "PagerDuty, for whoever is on call there"

    async def page(self, summons: Summons) -> Sent:
        details = {"for": words.one_line(summons.person.name, 200), "text": words.body(summons, most=LONGEST_TEXT)}
        payload = {
            "summary": words.one_line(summons.headline, LONGEST_SUMMARY) or words.untitled(summons),
            "source": "tocsin",
            "severity": HOW_BAD[summons.severity],
            "timestamp": self.clock.now().isoformat(),
            "custom_details": details,
        }
        more: dict[str, Any] = {"payload": payload, "client": "Tocsin"}
        if summons.url:
            more |= {
                "client_url": summons.url,
                "links": [{"href": summons.url, "text": f"{words.label(summons)} in Tocsin"}],
            }
        return Sent(self.way(summons), await self._event("trigger", _dedup(summons.key), **more), rings=True)

    async def stand_down(self, key: str, ref: str, over: Over) -> None:
        await self._event(ENDS[over], ref or _dedup(key))

    async def _event(self, action: str, key: str, **more: Any) -> str:
        """The key of the alert the event went to."""
        event = {
            "routing_key": self.settings.routing_key.get_secret_value(),
            "event_action": action,
            "dedup_key": key,
            **more,
        }
        try:
            told = await self._vendor.post("/v2/enqueue", body=event)
        except Rejected as no:
            raise Refused(f"{no.because}; is the routing key still that of a service?") from None
        if said(told, "status", WHAT) != "success":
            raise Unavailable(WHAT, "did not take the event")
        return key

    async def close(self) -> None:
        await self._vendor.close()


def _dedup(key: str) -> str:
    return key if len(key) <= LONGEST_KEY else words.mark(key, 64)
