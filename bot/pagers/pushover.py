"""Pages a person by a push through Pushover; the worst ones ring until somebody answers.

    pagers:
      - pushover: {token: {env: PUSHOVER_TOKEN}}

A page of SEV1 or SEV2 is an emergency there: it is repeated until it is acknowledged on the phone, which counts as
seen, or stood down here. Pushover knows no key: a page in doubt is pushed again; its emergencies carry a tag made of
the key, by which all of them are stood down at once.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, ClassVar

import httpx
from pydantic import Field, SecretStr

from bot.clients.http import Rejected, segment
from bot.clock import Clock
from bot.domain.errors import Refused, Unavailable
from bot.domain.paging import Receipt
from bot.domain.policy import Severity
from bot.engine.calling import Became, Over, Sent, Summons
from bot.pagers import _words as words
from bot.pagers._vendor import Vendor, VendorSettings, said

WHAT, HANDLE = "Pushover", "pushover"
USER = re.compile(r"[A-Za-z0-9]{30}\Z")
HOW_LOUD = {Severity.SEV1: 2, Severity.SEV2: 2, Severity.SEV3: 1, Severity.SEV4: 0}
EMERGENCY = 2
LONGEST_TITLE, LONGEST_TEXT, LONGEST_URL = 250, 1024, 512


class PushoverSettings(VendorSettings):
    """An application of Pushover."""

    token: SecretStr
    """The application's token."""

    url: str = "https://api.pushover.net"
    """Where its API answers."""

    retry_seconds: int = Field(default=60, ge=30, le=10_800)
    """How often an emergency is repeated."""

    expire_seconds: int = Field(default=3600, ge=30, le=10_800)
    """After how long it is repeated no more."""


class PushoverPager:
    """The pager of the name `pushover`."""

    shelf: ClassVar[str] = "pagers"
    Settings = PushoverSettings

    def __init__(
        self, settings: PushoverSettings, *, clock: Clock, transport: httpx.AsyncBaseTransport | None = None
    ) -> None:
        self.settings, self.clock = settings, clock
        self._vendor = Vendor(WHAT, settings, url=settings.url, transport=transport)

    def way(self, summons: Summons) -> str:
        _user(summons)
        return f"push by Pushover to {summons.person.name}"

    async def page(self, summons: Summons) -> Sent:
        where, given, loud = self.way(summons), self.settings, HOW_LOUD[summons.severity]
        fits = len(summons.url) <= LONGEST_URL
        form = {
            "token": given.token.get_secret_value(),
            "user": _user(summons),
            "title": words.one_line(summons.headline, LONGEST_TITLE),
            "message": words.body(summons, address=not fits, most=LONGEST_TEXT) or words.nobodys(summons),
            "priority": str(loud),
        }
        if summons.url and fits:
            form |= {"url": summons.url, "url_title": f"{words.label(summons)} in Tocsin"}
        if loud == EMERGENCY:
            form |= {"retry": str(given.retry_seconds), "expire": str(given.expire_seconds), "tags": _tag(summons.key)}
        try:
            told = _fine(await self._vendor.post("/1/messages.json", form=form))
        except Rejected as no:
            raise _why(no, summons.person.name) from None
        if loud != EMERGENCY:
            return Sent(where)
        return Sent(where, said(told, "receipt", WHAT), rings=True)

    async def became(self, ref: str) -> Became:
        if not ref:
            return Became(Receipt.ACCEPTED, final=True)
        query = {"token": self.settings.token.get_secret_value()}
        try:
            told = await self._vendor.get(f"/1/receipts/{segment(ref)}.json", query, absent=(404,))
        except Rejected as no:
            raise Unavailable(WHAT, no.because) from None
        if told is None:
            return Became(Receipt.ACCEPTED, detail="Pushover keeps nothing of it any more", final=True)
        told = _fine(told)
        if told.get("acknowledged") == 1:
            return Became(Receipt.SEEN, _time(told.get("acknowledged_at")), "acknowledged there", final=True)
        over = told.get("expired") == 1
        if at := _time(told.get("last_delivered_at")):
            return Became(Receipt.DELIVERED, at, "nobody answered there" if over else "", final=over)
        return Became(Receipt.ACCEPTED, final=over)

    async def stand_down(self, key: str, ref: str, over: Over) -> None:
        """By the tag and not by the receipt: one whose receipt never arrived rings as loudly."""
        form = {"token": self.settings.token.get_secret_value()}
        try:
            _fine(await self._vendor.post(f"/1/receipts/cancel_by_tag/{_tag(key)}.json", form=form))
        except Rejected as no:
            raise Refused(no.because) from None

    async def close(self) -> None:
        await self._vendor.close()


def _user(summons: Summons) -> str:
    user = summons.contact.handles.get(HANDLE, "")
    if not user:
        raise Refused(f"{summons.person.name} has no push.pushover in people.yaml")
    if not USER.match(user):
        raise Refused(f"{summons.person.name}'s push.pushover in people.yaml is no user key (30 letters and digits)")
    return user


def _tag(key: str) -> str:
    return f"tocsin-{words.mark(key, 32)}"


def _fine(told: Mapping[str, Any] | None) -> Mapping[str, Any]:
    if told is None or told.get("status") != 1:
        raise Unavailable(WHAT, "did not take it")
    return told


def _why(no: Rejected, name: str) -> Refused | Unavailable:
    if no.told.get("token") == "invalid":
        return Unavailable(WHAT, f"did not accept our credentials ({no.status})")
    return Refused(f"{no.because} for {name}; is push.pushover in people.yaml their user key?")


def _time(told: object) -> datetime | None:
    """A moment; 0 is none."""
    return datetime.fromtimestamp(told, UTC) if isinstance(told, int) and 0 < told < 1 << 33 else None
