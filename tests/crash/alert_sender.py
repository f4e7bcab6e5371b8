"""Somebody else's monitoring: fires, ends, fires anew, repeats itself, and tries each message until it is answered with 2xx.

What it was answered with 2xx is what must never be lost; it is the oracle, and asks the house nothing.
"""

from __future__ import annotations

import itertools
import random
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx

from bot.engine.intake_ports import micros

WORKERS = 6
AGAIN = 0.05
"""Seconds until what was not taken is sent once more."""
SOURCE = "am"


@dataclass
class Told:
    """One alert as its sender knows it: the latest episode, and the ends of all of them."""

    fingerprint: str
    service: str
    severity: str
    starts: datetime
    ends: datetime | None = None
    episodes: dict[int, int | None] = field(default_factory=dict)  # start → end, in microseconds; as accepted

    @property
    def key(self) -> str:
        return f"alert/{SOURCE}/{self.fingerprint}"

    def message(self) -> dict[str, Any]:
        """As Alertmanager's webhook tells it."""
        labels = {"alertname": f"Alert {self.fingerprint}", "severity": self.severity, "service": self.service}
        return {
            "status": "firing" if self.ends is None else "resolved", "labels": labels, "annotations": {},
            "startsAt": self.starts.isoformat(), "endsAt": (self.ends or datetime(1, 1, 1, tzinfo=UTC)).isoformat(),
            "generatorURL": "", "fingerprint": self.fingerprint,
        }  # fmt: skip


class Sender:
    """Several workers, each with alerts of its own and dice of its own."""

    def __init__(self, url: str, token: str, services: Sequence[str], seed: int, pause: float) -> None:
        self.url, self._services, self._pause = url, services, pause
        self._headers = {"Authorization": f"Bearer {token}"}
        self._stop, self._hushed = threading.Event(), threading.Event()
        self.workers = [list[Told]() for _ in range(WORKERS)]
        self.accepted = self.tries = 0
        self._counts, self._names = threading.Lock(), itertools.count()
        self._threads = [
            threading.Thread(target=self._work, args=(number, random.Random(f"{seed}/{number}")), daemon=True)
            for number in range(WORKERS)
        ]

    def start(self) -> None:
        """Begin."""
        for thread in self._threads:
            thread.start()

    def finish(self, within: float) -> bool:
        """Begin nothing new; whether everything begun was taken in time."""
        self._hushed.set()
        end = time.monotonic() + within
        for thread in self._threads:
            thread.join(max(end - time.monotonic(), 0))
        return not any(thread.is_alive() for thread in self._threads)

    def abandon(self) -> None:
        """End at once."""
        self._hushed.set()
        self._stop.set()

    @property
    def alerts(self) -> list[Told]:
        """All of them."""
        return [each for own in self.workers for each in own]

    # -- one worker --------------------------------------------------------------------------------------------------

    def _work(self, number: int, dice: random.Random) -> None:
        own = self.workers[number]
        with httpx.Client(headers=self._headers, trust_env=False, timeout=5) as client:
            while not self._hushed.wait(self._pause * dice.uniform(0.5, 1.5)):
                some = self._next(number, own, dice)
                while not self._stop.is_set() and not self._sent(client, [each.message() for each in some]):
                    time.sleep(AGAIN)
                if self._stop.is_set():
                    return
                for each in some:
                    if each not in own:
                        own.append(each)
                    each.episodes[micros(each.starts)] = micros(each.ends) if each.ends is not None else None
                with self._counts:
                    self.accepted += len(some)

    def _next(self, number: int, own: list[Told], dice: random.Random) -> list[Told]:
        """A message's alerts, which begin, end, begin anew, or are told once more."""
        now, many = _now(), dice.choice((1, 1, 1, 2, 4))
        some: dict[str, Told] = {}
        for more in range(many):
            kind = dice.random()
            known = dice.choice(own) if own and kind < 0.5 else None
            if known is None:
                name = f"{number}-{next(self._names)}"
                severity = dice.choice(("critical", "critical", "error", "warning"))
                known = Told(name, dice.choice(self._services), severity, now + timedelta(milliseconds=more))
            elif kind < 0.3 and known.fingerprint not in some:
                if known.ends is None:
                    known.ends = max(now, known.starts + timedelta(milliseconds=1))
                elif len(known.episodes) < 3:
                    known.starts, known.ends = max(now, known.ends + timedelta(milliseconds=1)), None
            some[known.fingerprint] = known
        return list(some.values())

    def _sent(self, client: httpx.Client, alerts: list[dict[str, Any]]) -> bool:
        body = {
            "version": "4", "groupKey": "{}:{}", "truncatedAlerts": 0, "status": "firing", "receiver": "tocsin",
            "groupLabels": {}, "commonLabels": {}, "commonAnnotations": {}, "externalURL": "", "alerts": alerts,
        }  # fmt: skip
        with self._counts:
            self.tries += 1
        try:
            return client.post(self.url, json=body).is_success
        except httpx.HTTPError:
            return False


def _now() -> datetime:
    """In milliseconds, as an Alertmanager counts."""
    now = datetime.now(UTC)
    return now.replace(microsecond=now.microsecond // 1000 * 1000)
