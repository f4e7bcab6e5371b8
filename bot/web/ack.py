"""The address a page carries: whoever it was sent to acknowledges with one press, from whatever phone they hold.

The address is signed and names incident, page and person, and is good for a day. Looking at it changes nothing, because
scanners of mail and chat open every address before people do: that a page was seen is recorded with the press, not with
the look. Of a restricted incident it shows the number alone, as the page did.
"""

from __future__ import annotations

import contextlib
import hashlib
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from xml.sax.saxutils import escape

from fastapi import APIRouter, Request
from fastapi.responses import RedirectResponse, Response
from itsdangerous import BadData, URLSafeSerializer

from bot.clock import Clock
from bot.domain.errors import Conflict, Refused, TocsinError, Unavailable
from bot.domain.incident import Incident
from bot.domain.paging import Acknowledge, Receipt
from bot.domain.phase import Phase
from bot.domain.receipt import ReportReceipt
from bot.engine.values import Profile
from bot.web.auth import signing
from bot.web.door import Console, Here, console
from bot.web.pages._forms import typed
from bot.web.pages._page import show

PAGE_LASTS = timedelta(hours=24)
LONGEST = 2000
"""Letters of a token worth reading."""

router = APIRouter(include_in_schema=False)


@dataclass(frozen=True, slots=True)
class Signed:
    """What such an address says: which page, to whom (by opaque id), good until when."""

    incident: str
    key: str
    person: str
    until: datetime


class PageLinks:
    """Makes these addresses and reads them again: with a secret that was set, or else with that of the state folder.

    Every replica needs the same, for the one that paged need not be the one that is asked.
    """

    def __init__(self, clock: Clock, folder: Path, address: str, secret: str = "") -> None:
        self.clock, self.address = clock, address.rstrip("/")
        kept = signing(folder, secret)
        self._signer = URLSafeSerializer(
            kept, salt="tocsin.page", signer_kwargs={"digest_method": hashlib.sha256, "key_derivation": "hmac"}
        )

    def link(self, incident: str, key: str, person: str) -> str:
        """Where this person (by opaque id) acknowledges this page; "" where no console has an address.

        Without an incident it is that of a test page.
        """
        if not self.address:
            return ""
        until = int((self.clock.now() + PAGE_LASTS).timestamp())
        token = self._signer.dumps([incident, key, person, until])
        return f"{self.address}/p/{token if isinstance(token, str) else token.decode()}"

    def read(self, token: str) -> Signed | None:
        """What it says; None where it was not made here. Whether it is still good is for whoever asks."""
        if len(token) > LONGEST:
            return None
        try:
            incident, key, person, until = self._signer.loads(token)
            return Signed(str(incident), str(key), str(person), datetime.fromtimestamp(until, UTC))
        except (BadData, ValueError, TypeError, OverflowError, OSError):
            return None


class NoGoodError(TocsinError):
    """The address leads nowhere (any more); with the status to answer."""

    def __init__(self, because: str, status: int) -> None:
        super().__init__(because)
        self.status = status


class NothingToDoError(NoGoodError):
    """The address is good, and about nothing: a test page."""


@dataclass(frozen=True, slots=True)
class Opened:
    """An address that is good: the page it is about, whose it is, and how the incident stands now."""

    signed: Signed
    who: Profile
    incident: Incident

    @property
    def resolved(self) -> bool:
        return self.incident.phase in (Phase.RESOLVED, Phase.CLOSED)


async def opened(request: Request, token: str) -> Opened:
    """Raises NoGoodError with the sentence to show; Unavailable."""
    here = console(request)
    links: PageLinks = request.app.state.page_links
    signed = links.read(token)
    if signed is None:
        raise NoGoodError("This address was cut short or changed on its way. Open it from the page once more.", 404)
    if here.desk.clock.now() >= signed.until:
        raise NoGoodError("This address was good for 24 hours, and they are over. Log in to answer.", 410)
    who = await here.desk.people.by_id(signed.person)
    if who is None or not who.roles:
        raise NoGoodError("This page was for somebody who is not named in people.yaml any more.", 403)
    if not signed.incident:
        raise NothingToDoError("This is a test page. It reached you, and there is nothing to acknowledge.", 200)
    incident = await here.desk.log.load(signed.incident)
    if not incident.exists:
        raise NoGoodError(f"There is no incident {signed.incident} here.", 404)
    return Opened(signed, who, incident)


@router.get("/p/{token}")
async def look(request: Request, here: Here, token: str) -> Response:
    """What the page is about, and one button; nothing is changed."""
    try:
        found = await opened(request, token)
    except NoGoodError as gone:
        return _no(request, gone)
    return await _show(request, here, found, token)


@router.post("/p/{token}")
async def press(request: Request, here: Here, token: str) -> Response:
    """Acknowledge as the person the page was for."""
    try:
        found = await opened(request, token)
    except NoGoodError as gone:
        return _no(request, gone)
    try:
        await acknowledge(here, found)
    except Refused as refused:
        return await _show(request, here, await opened(request, token), token, because=refused.because, status=409)
    except (Unavailable, Conflict):
        because = "Nothing was recorded: the log did not answer. Press again."
        return await _show(request, here, found, token, because=because, status=503)
    return RedirectResponse(request.url.path, 303)


@router.post("/p/{token}/call")
async def digit(request: Request, here: Here, token: str) -> Response:
    """What a telephone's digit asks, answered as TwiML."""
    pressed = (await typed(request)).get("Digits", "")
    try:
        found = await opened(request, token)
        if pressed != "1":
            return _say("That was not 1, so nothing is acknowledged.")
        held = await acknowledge(here, found)
    except (NoGoodError, Refused) as no:
        return _say(f"Not acknowledged. {no}")
    except (Unavailable, Conflict):
        return _say("Nothing was recorded: the log did not answer. Please use another way.")
    if held.acknowledged_by != found.who.id:
        return _say("Somebody else has it already. There is nothing you must do.")
    return _say("Acknowledged. Paging stops. You answer for it from now on.")


async def acknowledge(here: Console, found: Opened) -> Incident:
    """Take the page, unless somebody has; whoever presses has seen it. Raises Refused, Unavailable."""
    signed, name = found.signed, found.incident.id
    held = await here.desk.submit(name, Acknowledge(), found.who, cause=signed.key)
    with contextlib.suppress(TocsinError):  # a receipt is worth no error once the page is taken
        await here.desk.submit(name, ReportReceipt(signed.key, Receipt.SEEN), found.who, cause=signed.key)
    return held


async def _show(
    request: Request, here: Console, found: Opened, token: str, *, because: str = "", status: int = 200
) -> Response:
    incident = found.incident
    taker = await here.desk.people.by_id(incident.acknowledged_by) if incident.acknowledged_by else None
    context = {
        "i": incident,
        "for_whom": found.who,
        "headline": "" if incident.restricted else incident.title,
        "service": "" if incident.restricted else incident.service,
        "resolved": found.resolved,
        "unclaimed": incident.unclaimed,
        "mine": incident.acknowledged_by == found.who.id,
        "taker": taker.name if taker else "",
        "token": token,
        "because": because,
        "gone": "",
    }
    return show(request, "ack", None, context, status=status)


def _no(request: Request, gone: NoGoodError) -> Response:
    heading = "It works" if isinstance(gone, NothingToDoError) else "This page cannot be answered here"
    return show(request, "ack", None, {"gone": str(gone), "heading": heading}, status=gone.status)


def _say(text: str) -> Response:
    return Response(f"<Response><Say>{escape(text)}</Say></Response>", media_type="application/xml")
