"""The door at /alerts/NAME: in front of everything the console does for people, for senders come by the thousand."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable
from datetime import datetime
from typing import Any
from urllib.parse import parse_qsl

from bot.clock import Clock
from bot.domain.alert import Alert
from bot.domain.errors import TocsinError, Unavailable
from bot.engine.silence import is_watchdog, proves_life
from bot.intake.kinds import KINDS
from bot.intake.reading import UnreadableError, read
from bot.intake.sender import Sender
from bot.intake.told import Letter, Reading, placed
from bot.telemetry import log as logger
from bot.web.alerts.answers import answer, carried_out
from bot.web.alerts.body import GoneError, NotTakenError, check, unpacked, whole
from bot.web.alerts.handshake import handshake
from bot.web.alerts.heard import Heard
from bot.web.alerts.proof import Proof
from bot.web.alerts.turns import Turns
from bot.web.house import Inbox

PREFIX = "/alerts/"
PATIENCE = 20.0
"""Seconds a sender has to finish its body."""
SILENT = 3.0
"""Seconds until a sender is told to try again, turns with others about the same alert included; what waits for the
database alone gives up after half of that."""
MOST_HELD = 64 * 1024 * 1024
"""Bytes of bodies that are in hand at once."""
_NOT_YOURS = "that is no sender of alerts here, or it did not prove that it is the one"


class AlertDoor:
    """An ASGI app that takes alerts, and hands everything else on."""

    def __init__(
        self,
        app: Any,
        senders: Iterable[Sender],
        inbox: Inbox,
        clock: Clock,
        truncated: Callable[[str], None],
        *,
        patience: float = PATIENCE,
        most_held: int = MOST_HELD,
    ) -> None:
        """`truncated` is told the name of a sender that left alerts out of a message."""
        self.app, self._inbox, self._clock, self._truncated = app, inbox, clock, truncated
        self._senders = {each.name: each for each in senders}
        self._proofs = {name: Proof(each) for name, each in self._senders.items()}
        self.heard = {name: Heard() for name in self._senders}
        self._turns = Turns()
        self._held, self._most_held, self._patience = 0, most_held, patience

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] != "http" or not scope["path"].startswith(PREFIX):
            await self.app(scope, receive, send)
            return
        sender = self._senders.get(scope["path"][len(PREFIX) :].partition("/")[0])
        if sender is None:
            await answer(send, 401, {"because": _NOT_YOURS}, {"www-authenticate": "Bearer"})
            return
        if scope["method"] == "OPTIONS" and sender.kind == "cloudevents":
            await answer(send, *handshake(scope))
            return
        try:
            status, said = await self._taken(sender, scope, receive)
        except GoneError:
            return
        except NotTakenError as no:
            self.heard[sender.name].answered(no.status)
            await answer(send, no.status, {"because": no.because}, no.headers)
        else:
            await answer(send, status, said)

    async def _taken(self, sender: Sender, scope: Any, receive: Any) -> tuple[int, dict[str, Any]]:
        """Prove, read, keep. Raises NotTakenError, GoneError."""
        headers = {name.decode("latin-1").lower(): value.decode("latin-1") for name, value in scope["headers"]}
        proof, now = self._proofs[sender.name], self._clock.now()
        if scope["method"] not in {"POST", "PUT"}:
            raise NotTakenError(405, "alerts are sent by POST", allow="POST, PUT")
        proved = proof.holds(headers)
        if not proved and not proof.needs_body:
            raise NotTakenError(401, _NOT_YOURS, **{"www-authenticate": "Bearer"})
        check(headers, sender.max_body)
        body = await self._body(sender, headers, receive)
        proved = proved or proof.holds_with(headers, body, now)
        if not proved and "authorization" in headers:
            raise NotTakenError(401, _NOT_YOURS, **{"www-authenticate": "Bearer"})
        try:
            document = read(unpacked(body, headers, sender.max_body))
        except UnreadableError as wrong:
            raise NotTakenError(400 if proved else 401, str(wrong) if proved else _NOT_YOURS) from None
        if not proved and not proof.holds_in(document):
            raise NotTakenError(401, _NOT_YOURS, **{"www-authenticate": "Bearer"})
        self.heard[sender.name].at = now
        query = dict(parse_qsl(scope.get("query_string", b"").decode("latin-1")))
        address = (scope.get("raw_path") or scope["path"].encode()).decode("latin-1")
        rest = address[len(PREFIX) + len(sender.name) :].strip("/")
        return await self._kept(sender, Letter(document, now, headers, rest, query))

    async def _body(self, sender: Sender, headers: dict[str, str], receive: Any) -> bytes:
        """The body as it was sent, among no more bodies than memory has room for."""
        length = headers.get("content-length", "")
        room = int(length) if length.isascii() and length.isdigit() else sender.max_body
        if self._held and self._held + room > self._most_held:
            raise NotTakenError(503, "too many messages arrive at once; send it again", **{"retry-after": "2"})
        self._held += room
        try:
            async with asyncio.timeout(self._patience):
                return await whole(receive, sender.max_body)
        except TimeoutError:
            raise NotTakenError(408, "the body did not come to its end in time", connection="close") from None
        finally:
            self._held -= room

    async def _kept(self, sender: Sender, letter: Letter) -> tuple[int, dict[str, Any]]:
        """Read by the sender's kind, keep what can be kept, and say what was not."""
        try:
            reading = KINDS[sender.kind](letter, sender)
        except UnreadableError as wrong:
            raise NotTakenError(400, str(wrong)) from None
        if reading.truncated:
            self._truncated(sender.name)
        heard = self.heard[sender.name]
        try:
            unbound = await self._accept(sender, reading, letter.now)
        except (Unavailable, TimeoutError):
            because = "nothing was kept: too much waits, or the database is silent; send it again"
            raise NotTakenError(503, because, **{"retry-after": "2"}) from None
        except TocsinError as trouble:
            logger().error("alerts could not be kept", source=sender.name, because=str(trouble))
            raise NotTakenError(503, "nothing was kept; send it again", **{"retry-after": "5"}) from None
        heard.accepted += len(reading.told)
        heard.unbound += unbound
        heard.ahead += sum(told.ahead for told in reading.told)
        heard.left_out(len(reading.refused))
        heard.tests += bool(reading.quiet)
        return carried_out(sender, reading, unbound)

    async def _accept(self, sender: Sender, reading: Reading, now: datetime) -> int:
        """Keep them; of how many the service was not the sender's to name. Raises Unavailable."""
        if any(told.open for told in reading.told):
            fingerprints = {told.fingerprint for told in reading.told}
            named = (f"alert/{sender.name}/{each}" for each in fingerprints)
            async with asyncio.timeout(SILENT), self._turns.of(named) as keys:
                # one at a time: a second message about an alert must see the episode the first began
                newest = await self._inbox.newest(keys)
                return await self._keep(sender, reading, newest, now)
        return await self._keep(sender, reading, {}, now)

    async def _keep(self, sender: Sender, reading: Reading, newest: dict[str, Alert], now: datetime) -> int:
        alerts: list[Alert] = []
        unbound = 0
        for told in reading.told:
            found = placed(sender, told, newest.get(f"alert/{sender.name}/{told.fingerprint}"), now)
            if found is not None:
                alert, strange = found
                alerts.append(alert)
                unbound += strange
                if newest or told.open:  # the next of the same message may speak of this one
                    newest[alert.key] = alert
        news = [each for each in alerts if not is_watchdog(each, sender.watchdog)]
        if proves_life(alerts, sender.watchdog):
            self._inbox.hear(sender.name)
        if news:
            await self._inbox.accept(news)
        return unbound

    def told(self, waiting: int) -> dict[str, Any]:
        """How each sender stands, for the health page; `waiting` is how many alerts of all wait to be kept."""
        return {"waiting": waiting, "senders": {name: each.told() for name, each in sorted(self.heard.items())}}
