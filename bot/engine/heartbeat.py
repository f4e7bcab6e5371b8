"""The dead man's switch: a beat goes out only while the house really works, so that its silence wakes somebody else."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol

from bot.clock import Clock
from bot.domain.errors import TocsinError
from bot.engine.vitals import WAITS_AT_MOST, Vitals
from bot.telemetry import log as logger

ASK_WITHIN = 5.0


class Receiver(Protocol):
    """Who expects the beats and raises the alarm when none comes."""

    async def beat(self, said: str) -> None:
        """Send one. Raises Unavailable, Refused."""

    async def close(self) -> None: ...


@dataclass(frozen=True, slots=True)
class Sign:
    """One sign of life, in words, and whether it is there."""

    there: bool
    said: str


Vital = Callable[[], Awaitable[Sign]]


class Heartbeat:
    """Asks every vital sign, and beats if all are there. What the receiver answers never stops the house."""

    def __init__(
        self, clock: Clock, receiver: Receiver, signs: Sequence[Vital], vitals: Vitals, *, within: float = ASK_WITHIN
    ) -> None:
        """A sign that is not given `within` so many seconds is not there."""
        self._within = within
        self._clock, self._receiver, self._signs, self._vitals = clock, receiver, tuple(signs), vitals
        self.last: datetime | None = None
        self.because = ""  # why the last one was not sent or not taken

    async def beat(self) -> None:
        """One beat, or none and the reason in the log. Never raises."""
        signs = await asyncio.gather(*(_asked(sign, self._within) for sign in self._signs))
        lacking = [each.said for each in signs if not each.there]
        if lacking:
            self._vitals.withheld_beats.inc()
            self._not("no heartbeat is sent: the house does not work", "; ".join(lacking))
            return
        said = "\n".join(["Tocsin works.", *(each.said for each in signs)])
        try:
            await self._receiver.beat(said)
        except TocsinError as trouble:
            self._vitals.missed_beats.inc()
            self._not("a heartbeat was not taken", str(trouble))
        except Exception as error:  # noqa: BLE001 - the next beat must come
            self._vitals.missed_beats.inc()
            self._not("a heartbeat was not taken", type(error).__name__)
        else:
            if self.because:
                logger().info("heartbeats are taken again")
            self._vitals.beats.inc()
            self.last, self.because = self._clock.now(), ""

    async def close(self) -> None:
        """Let go of the receiver."""
        await self._receiver.close()

    def _not(self, what: str, because: str) -> None:
        if because != self.because:  # the same reason is said once
            logger().warning(what, because=because)
        self.because = because


async def _asked(sign: Vital, within: float) -> Sign:
    try:
        async with asyncio.timeout(within):
            return await sign()
    except TimeoutError:
        return Sign(there=False, said="a vital sign was not given in time")
    except TocsinError as trouble:
        return Sign(there=False, said=str(trouble))
    except Exception as error:  # noqa: BLE001 - what cannot be asked is not there
        return Sign(there=False, said=f"a vital sign cannot be asked for ({type(error).__name__})")


def on_time(polled: Callable[[], datetime | None], clock: Clock, every: timedelta) -> Vital:
    """The sources are asked on time."""

    async def sign() -> Sign:
        last = polled()
        if last is None:
            return Sign(there=False, said="the sources were not asked yet")
        ago = clock.now() - last
        return Sign(ago <= max(4 * every, timedelta(seconds=30)), f"last poll {ago.total_seconds():.0f} s ago")

    return sign


def answers(ask: Callable[[], Awaitable[object]], what: str) -> Vital:
    """`ask` answers; where it raises, `what` does not work."""

    async def sign() -> Sign:
        await ask()
        return Sign(there=True, said=f"{what} answers")

    return sign


def keeps_up(waits: Callable[[], Awaitable[timedelta]], what: str) -> Vital:
    """`what` (with the time it waits in place of {}) is taken in hand in time."""

    async def sign() -> Sign:
        long = await waits()
        return Sign(long <= WAITS_AT_MOST, what.format(f"{long.total_seconds():.0f} s"))

    return sign


def leads(holds: Callable[[], Awaitable[bool]]) -> Vital:
    """Whether this replica leads. A standby stays silent: it cannot tell whether the leader's rounds still go."""

    async def sign() -> Sign:
        held = await holds()
        return Sign(held, "this replica leads" if held else "this replica does not lead")

    return sign
