"""Pages a person by calling their phone, through Twilio: the headline is read aloud, twice.

    pagers:
      - voice: {account_sid: AC…, auth_token: {env: TWILIO_AUTH_TOKEN}, from: "+4930123456"}

Where the console can be reached by https, pressing 1 acknowledges; else the voice says where to answer. Twilio knows
no key and a call carries no words to look for: a page in doubt is called again. A call that somebody or something
picked up counts as delivered, for a mailbox picks up too; only the digit proves that a person heard it.
"""

from __future__ import annotations

from typing import ClassVar, Self
from xml.sax.saxutils import escape, quoteattr

import httpx
from pydantic import Field, model_validator

from bot.clock import Clock
from bot.domain.paging import Receipt
from bot.engine.calling import Became, Kind, Sent, Summons
from bot.pagers import _twilio as twilio
from bot.pagers import _words as words
from bot.pagers._vendor import said

LONGEST = 600
ENDS = {
    Kind.PAGE: "Answer in the chat, or in Tocsin's console.",
    Kind.TEST: words.NOTHING,
    Kind.HOUSE: "This is about Tocsin itself, and nothing is to be acknowledged.",
}
"""Letters read aloud: about 40 seconds."""
MISSED = {
    "busy": "the line was busy",
    "no-answer": "nobody picked up",
    "failed": "the call could not be placed",
    "canceled": "the call was taken back",
}


class VoiceSettings(twilio.TwilioSettings):
    """An account with Twilio, the number that calls, and how."""

    ring_seconds: int = Field(default=30, ge=5, le=120)
    """How long the phone rings; less than its mailbox waits."""

    language: str = Field(default="en-US", pattern=r"^[a-z]{2,3}-[A-Z]{2}$")
    """The language of the voice."""

    @model_validator(mode="after")
    def _has_a_number(self) -> Self:
        if not self.sender:
            raise ValueError("a call comes from a number: give from")
        return self


class VoicePager:
    """The pager of the name `voice`."""

    shelf: ClassVar[str] = "pagers"
    Settings = VoiceSettings

    def __init__(
        self, settings: VoiceSettings, *, clock: Clock, transport: httpx.AsyncBaseTransport | None = None
    ) -> None:
        self.settings, self.clock = settings, clock
        self._account = twilio.Account(settings, transport)

    def way(self, summons: Summons) -> str:
        return f"call to the {words.phone(twilio.number(summons))}"

    async def page(self, summons: Summons) -> Sent:
        where, given = self.way(summons), self.settings
        form = {
            "To": twilio.number(summons),
            "From": given.sender,
            "Twiml": script(summons, given.language),
            "Timeout": str(given.ring_seconds),
        }
        told = await self._account.make("Calls", form, summons.person.name)
        return Sent(where, said(told, "sid", twilio.WHAT))

    async def became(self, ref: str) -> Became:
        told = await self._account.one("Calls", ref)
        if told is None:
            return Became(Receipt.ACCEPTED, detail="Twilio keeps nothing of it any more", final=True)
        status = said(told, "status", twilio.WHAT)
        if status in MISSED:
            return Became(Receipt.FAILED, detail=MISSED[status], final=True)
        if status in {"in-progress", "completed"}:
            detail = "picked up, by a person or a mailbox"
            return Became(Receipt.DELIVERED, detail=detail, final=status == "completed")
        return Became(Receipt.ACCEPTED)

    async def close(self) -> None:
        await self._account.close()


def script(summons: Summons, language: str) -> str:
    """What the call says and asks, as TwiML."""
    says = f"<Say language={quoteattr(language)}"
    told = words.one_line(f"This is Tocsin. {summons.headline.rstrip('. ')}. {summons.text}", LONGEST)
    action = words.by_phone(summons.url) if summons.kind is Kind.PAGE else ""
    if not action:
        return f'<Response>{says} loop="2">{escape(f"{told} {ENDS[summons.kind]}")}</Say></Response>'
    return (
        f'<Response><Gather input="dtmf" numDigits="1" timeout="8" method="POST" action={quoteattr(action)}>'
        f'{says} loop="2">{escape(f"{told} Press 1 to acknowledge.")}</Say></Gather>'
        f"{says}>Nothing was pressed, so nothing is acknowledged. Goodbye.</Say></Response>"
    )
