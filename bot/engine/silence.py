"""Silence of those who send alerts: no data is not good news, so one not heard from in time is an incident of ours."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol

from bot.domain.alert import Alert
from bot.domain.errors import Taken, TocsinError, Unavailable
from bot.domain.lifecycle import Declare, Reopen, open_claim
from bot.domain.policy import severity
from bot.domain.sli import SILENCE, Judged, ObserveSli, Sli
from bot.engine.handle import Handler
from bot.engine.own import SERVICE
from bot.slo.notation import length_text
from bot.telemetry import log as logger

TOLD_AGAIN = timedelta(hours=24)
"""So long after a person resolved the incident of a sender that is still silent it is open again."""
STEADY = timedelta(minutes=5)
"""Over so long a sender must be heard again and again before its silence is over; once alone is not yet better."""


class Heard(Protocol):
    """Who of the senders was heard when."""

    async def last_heard(self) -> Mapping[str, datetime]:
        """By the sender's name, when it was last heard; of one with a watchdog, when that last fired.

        A sender never heard is not in it. Raises Unavailable.
        """


def proves_life(alerts: Iterable[Alert], watchdog: str = "") -> bool:
    """Whether a message with these alerts counts as being heard.

    Without a watchdog any message does, an empty one too. With one, only that alert firing: a sender whose own source
    fell silent goes on sending, and says so by resolving it.
    """
    return not watchdog or any(is_watchdog(each, watchdog) and each.firing for each in alerts)


def is_watchdog(alert: Alert, watchdog: str) -> bool:
    """Whether this is the alert that always fires; it opens no incident."""
    return bool(watchdog) and alert.labels.get("alertname", alert.title) == watchdog


def silence_mark(source: str) -> str:
    """The fingerprint of a sender's silence."""
    return f"{SILENCE}{source}"


@dataclass
class _Sender:
    """One sender as far as it was told."""

    name: str
    every: timedelta
    heard_since: datetime | None = None  # without a break that was too long
    silent: bool | None = None  # what the log was told; None: not yet looked at


class Silences:
    """Looks every few seconds who was heard; at most one incident for each sender, however often it comes and goes."""

    def __init__(
        self,
        handler: Handler,
        heard: Heard,
        expected: Mapping[str, timedelta],
        *,
        zone: Callable[[datetime], str],
        tier: int = 2,
    ) -> None:
        """`expected` says how often each must be heard; `zone` writes a moment as people here read it.

        `tier` is the bot's own, 1 the most important.
        """
        self._handler, self._heard, self._time, self._tier = handler, heard, zone, tier
        self._senders = [_Sender(name, every) for name, every in expected.items()]
        self._began: datetime | None = None

    async def tick(self, *, leads: bool = True) -> None:
        """Look once. What cannot be recorded yet is told with the next look."""
        now = self._handler.clock.now()
        self._began = self._began or now
        try:
            heard = await self._heard.last_heard() if self._senders else {}
        except Unavailable as trouble:
            logger().warning("nobody can tell which senders were heard", because=str(trouble))
            return
        for sender in self._senders:
            silent = self._judge(sender, heard.get(sender.name), now)
            if silent is None or (sender.silent is False and not silent):
                continue
            if not leads:
                sender.silent = None
                continue
            try:
                if silent:
                    await self._fell_silent(sender, heard.get(sender.name), now)
                else:
                    await self._is_heard(sender, now)
                sender.silent = silent
            except TocsinError as trouble:
                logger().warning("a silence could not be recorded yet", source=sender.name, because=str(trouble))

    def _judge(self, sender: _Sender, last: datetime | None, now: datetime) -> bool | None:
        """Whether it is silent; None while nobody can say. Nobody could be heard while this house stood still."""
        began = self._began or now
        if last is None or now - last > sender.every:
            sender.heard_since = None
            return True if now - max(last or began, began) > sender.every else None
        sender.heard_since = sender.heard_since or last
        steady = last - sender.heard_since >= min(sender.every, STEADY)
        return False if steady or sender.silent is False else None

    async def _fell_silent(self, sender: _Sender, last: datetime | None, now: datetime) -> None:
        mark, cause = silence_mark(sender.name), f"silence:{sender.name}"
        spell = f"{cause}:{last.isoformat() if last else 'never'}"  # the same after a restart
        since = min(last or self._began or now, now)
        allowed = length_text(sender.every)
        known = f"since {self._time(since)}" if last else "since it was set up"
        because = f"{sender.name} is to be heard every {allowed}; nothing was heard {known}."
        sli = Sli(mark, Judged.NO_DATA, because, since, now)
        holder = await self._handler.log.holder(open_claim(mark))
        if holder is not None and sender.silent:
            return  # told already
        if holder is None:
            if await self._was_told(spell, because, now, cause):
                return
            command = Declare(
                title=f"Nothing was heard from {sender.name} {known}",
                severity=severity(tier=self._tier, paging=True),
                service=SERVICE,
                because=because,
                onset=since,
                detected=now,
                fingerprint=mark,
                sli=sli,
            )
            try:
                opened = await self._handler.open(command, cause=cause)
            except Taken as taken:
                holder = taken.holder
            else:
                logger().info("an incident was declared", incident=opened.id, title=command.title)
                await self._handler.log.remember(spell, opened.id)
                return
        await self._handler.submit(holder, ObserveSli(sli), cause=cause)
        await self._handler.log.remember(spell, holder)

    async def _was_told(self, spell: str, because: str, now: datetime, cause: str) -> bool:
        """Whether this very silence had its incident, which a person resolved: after a day it is open again."""
        before = await self._handler.log.received(spell)
        if before is None:
            return False
        incident = await self._handler.log.load(before.incident)
        over = incident.resolved or incident.closed
        if not incident.is_open and over is not None and now - over >= TOLD_AGAIN:
            await self._handler.submit(incident.id, Reopen(because), cause=cause)
            logger().info("an incident is open again: its sender is still silent", incident=incident.id)
        return True

    async def _is_heard(self, sender: _Sender, now: datetime) -> None:
        mark = silence_mark(sender.name)
        holder = await self._handler.log.holder(open_claim(mark))
        if holder is None:
            return
        since = sender.heard_since or now
        sli = Sli(mark, Judged.MET, f"{sender.name} is heard again since {self._time(since)}.", since, now)
        await self._handler.submit(holder, ObserveSli(sli), cause=f"silence:{sender.name}:heard")
