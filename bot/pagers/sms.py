"""Pages a person by a text to their phone, through Twilio.

    pagers:
      - sms: {account_sid: AC…, auth_token: {env: TWILIO_AUTH_TOKEN}, from: "+4930123456"}

A text fits into two parts of the alphabet every phone has. Twilio knows no key, so each text ends with a mark made of
the page's key, and before one is sent the newest to that phone are looked through: a page in doubt is one text, unless
Twilio cannot be asked, when it is sent again.
"""

from __future__ import annotations

from typing import ClassVar, Self

import httpx
from pydantic import Field, model_validator

from bot.clock import Clock
from bot.domain.errors import Refused, Unavailable
from bot.domain.paging import Receipt
from bot.engine.calling import Became, Sent, Summons
from bot.pagers import _twilio as twilio
from bot.pagers import _words as words
from bot.pagers._vendor import said
from bot.telemetry import log as logger

LOST = frozenset({"failed", "undelivered", "canceled"})


class SmsSettings(twilio.TwilioSettings):
    """An account with Twilio and what texts come from."""

    messaging_service: str = Field(default="", pattern=r"^(MG[0-9a-f]{32})?$")
    """A messaging service of the account, in place of `from`."""

    @model_validator(mode="after")
    def _one_sender(self) -> Self:
        if bool(self.sender) == bool(self.messaging_service):
            raise ValueError("a text comes from a number (from) or from a messaging_service: give one of them")
        return self


class SmsPager:
    """The pager of the name `sms`."""

    shelf: ClassVar[str] = "pagers"
    Settings = SmsSettings

    def __init__(
        self, settings: SmsSettings, *, clock: Clock, transport: httpx.AsyncBaseTransport | None = None
    ) -> None:
        self.settings, self.clock = settings, clock
        self._account = twilio.Account(settings, transport)

    def way(self, summons: Summons) -> str:
        return f"text to the {words.phone(twilio.number(summons))}"

    async def page(self, summons: Summons) -> Sent:
        where, to = self.way(summons), twilio.number(summons)
        if known := await self._known(to, words.mark(summons.key)):
            return Sent(where, known)
        given = self.settings
        sender = {"From": given.sender} if given.sender else {"MessagingServiceSid": given.messaging_service}
        form = {"To": to, "Body": words.text_message(summons), **sender}
        told = await self._account.make("Messages", form, summons.person.name)
        return Sent(where, said(told, "sid", twilio.WHAT))

    async def _known(self, to: str, mark: str) -> str:
        """The text that carries this mark already and was not lost. Who cannot be asked holds no page up."""
        try:
            found = await self._account.newest("Messages", {"To": to, "PageSize": "50"})
        except (Refused, Unavailable) as silent:
            logger().info("nobody can say whether a text was sent before", because=str(silent))
            return ""
        for each in found:
            if str(each.get("body", "")).endswith(f" #{mark}") and each.get("status") not in LOST:
                return str(each.get("sid") or "")
        return ""

    async def became(self, ref: str) -> Became:
        told = await self._account.one("Messages", ref)
        if told is None:
            return Became(Receipt.ACCEPTED, detail="Twilio keeps nothing of it any more", final=True)
        match said(told, "status", twilio.WHAT):
            case "delivered":
                return Became(Receipt.DELIVERED, final=True)
            case "read":
                return Became(Receipt.SEEN, final=True)
            case status if status in LOST:
                return Became(Receipt.FAILED, detail=f"{status}: {twilio.reason(told)}", final=True)
        return Became(Receipt.ACCEPTED)

    async def close(self) -> None:
        await self._account.close()
