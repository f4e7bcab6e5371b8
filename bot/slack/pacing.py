"""Keeps within what Slack allows: about one message a second in a channel, and few enough changes of messages."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from bot.clock import Clock

POST_RATE, POST_BURST = 1.0, 4.0
"""Messages per second and channel, and how many may follow at once (Slack: about one a second, short bursts)."""
UPDATE_RATE, UPDATE_BURST = 45 / 60, 10.0
"""chat.update is tier 3, 50 a minute for the whole workspace; some are left for others."""
UPDATES = "chat.update"
GRAIN = 1e-3
"""A turn this near is there: waiting for less than the clock can tell apart would never end."""


@dataclass(slots=True)
class _Bucket:
    """Tokens come back with time; it may owe some."""

    rate: float
    burst: float
    tokens: float
    at: datetime
    held_until: datetime | None = None

    def refill(self, now: datetime) -> None:
        passed = max(0.0, (now - self.at).total_seconds())
        self.tokens, self.at = min(self.burst, self.tokens + passed * self.rate), now


class Pacer:
    """`await pacer.turn(channel)` before a post, `await pacer.turn(UPDATES)` before a change of a message.

    Something urgent (a page) goes at once and the others wait the longer; only Slack's own "wait" holds it up.
    """

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._buckets: dict[str, _Bucket] = {}

    def _bucket(self, name: str) -> _Bucket:
        now = self._clock.now()
        if name not in self._buckets:
            rate, burst = (UPDATE_RATE, UPDATE_BURST) if name == UPDATES else (POST_RATE, POST_BURST)
            self._buckets[name] = _Bucket(rate, burst, burst, now)
        bucket = self._buckets[name]
        bucket.refill(now)
        return bucket

    def wait(self, name: str, *, urgent: bool = False) -> float:
        """Seconds until the next turn; 0 where it is now."""
        bucket = self._bucket(name)
        held = (bucket.held_until - bucket.at).total_seconds() if bucket.held_until else 0.0
        free = 0.0 if urgent or bucket.tokens > 1 - GRAIN else (1 - bucket.tokens) / bucket.rate
        return max(0.0, held, free)

    async def turn(self, name: str, *, urgent: bool = False) -> None:
        """Wait for a turn and take it."""
        while (seconds := self.wait(name, urgent=urgent)) > 0:
            await self._clock.sleep(seconds)
        self._bucket(name).tokens -= 1

    def give_back(self, name: str) -> None:
        """A turn that was not needed."""
        bucket = self._bucket(name)
        bucket.tokens = min(bucket.burst, bucket.tokens + 1)

    def hold(self, name: str, seconds: float) -> None:
        """Slack asked to wait that long."""
        bucket = self._bucket(name)
        until = self._clock.now() + timedelta(seconds=seconds)
        bucket.held_until = max(until, bucket.held_until or until)
