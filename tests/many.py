"""Thousands of objectives: a configuration folder of them, and a source of their counters whose truth is known."""

from __future__ import annotations

from collections.abc import AsyncIterator, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from bot.domain.errors import Unavailable
from bot.slo.batch import Batch
from bot.slo.grid import to_ms
from bot.slo.spec import Point, Query

CODES = ("200", "404", "500", "503")
TEAM = 50  # objectives of one service
LOOKBACK = timedelta(seconds=60)

SLO = """\
apiVersion: openslo/v1
kind: SLO
metadata:
  name: {name}
  displayName: Requests of kind {number}
  annotations: {{tocsin.dev/missing-bad: zero}}
spec:
  description: Of the requests of kind {number}, 99.9 % succeed.
  service: {service}
  indicator:
    metadata: {{name: {name}}}
    spec:
      ratioMetric:
        counter: true
        bad:
          metricSource:
            type: Prometheus
            metricSourceRef: prometheus
            spec: {{query: '{metric}{{slo="{name}", code=~"5.."}}'}}
        total:
          metricSource:
            type: Prometheus
            metricSourceRef: prometheus
            spec: {{query: '{metric}{{slo="{name}"}}'}}
  timeWindow:
  - duration: 30d
    isRolling: true
  budgetingMethod: Occurrences
  objectives:
  - target: 0.999
"""

Ints = NDArray[np.int64]


def name(number: int) -> str:
    """The objective's, which is also its label."""
    return f"slo-{number:05}"


def folder(
    place: Path, count: int, *, url: str = "http://127.0.0.1:1", metric: str = "requests_total", port: int = 8080
) -> Path:
    """A configuration folder with so many objectives, one file each; its tocsin.yaml."""
    for each in ("slos", "services"):
        (place / each).mkdir(parents=True)
    page = place / "tocsin.yaml"
    page.write_text(
        "organisation: {name: Many Ltd, contact: incidents@many.example, country: DE, timezone: Europe/Berlin}\n"
        f"sources:\n  prometheus: {{kind: prometheus, url: '{url}'}}\n"
        f"web: {{port: {port}}}\npoll: {{every: 15s}}\npagers: []\n"
    )
    (place / "people.yaml").write_text("ana:\n  name: Ana\n  email: ana@many.example\n  roles: [responder, approver]\n")
    for team in range(-(-count // TEAM)):
        (place / "services" / f"team-{team:03}.yaml").write_text(f"name: team-{team:03}\nowner: it\non_call: [ana]\n")
    for number in range(count):
        text = SLO.format(name=name(number), number=number, service=f"team-{number // TEAM:03}", metric=metric)
        (place / "slos" / f"{name(number)}.yaml").write_text(text)
    return page


@dataclass
class Many:
    """A source that answers all of them at once and remembers: four counters an objective, scraped every 15 s.

    Every counter is a function of time alone, so that the truth needs no source: requests come evenly, 3 in 10,000 fail, and
    in an outage all do.
    """

    count: int
    start: datetime
    outages: dict[int, tuple[datetime, datetime]] = field(default_factory=dict)
    down: str = ""
    scrape: timedelta = timedelta(seconds=15)
    asked_past: int = 0

    def __post_init__(self) -> None:
        self.rates = 2 + np.arange(self.count) % 9
        self.names = [
            {"__name__": "requests_total", "slo": name(number), "code": code, "job": "api"}
            for number in range(self.count)
            for code in CODES
        ]

    def counted(self, at: datetime) -> tuple[Ints, Ints]:
        """Requests and failures of every objective since the start."""
        seconds = (at - self.start).total_seconds()
        total, inside = self._served(seconds), np.zeros(self.count, dtype=np.int64)
        for number, (begin, end) in self.outages.items():
            first, last = ((each - self.start).total_seconds() for each in (begin, end))
            if seconds > first:
                inside[number] = (self._served(min(seconds, last)) - self._served(first))[number]
        return total, inside + (total - inside) * 3 // 10_000

    def _served(self, seconds: float) -> Ints:
        return np.floor(self.rates * seconds).astype(np.int64)

    def scraped(self, at: datetime) -> datetime:
        """When the newest scrape at `at` was."""
        return self.start + (at - self.start) // self.scrape * self.scrape

    def _values(self, at: datetime) -> NDArray[np.float64]:
        total, bad = self.counted(at)
        fine, some = total - bad, bad // 3
        missing = fine // 50
        return np.stack((fine - missing, missing, bad - some, some), axis=1).ravel().astype(np.float64)

    async def sweep(self, queries: Collection[Query], at: datetime, since: datetime | None = None) -> Batch:
        """Every sample scraped in the minute before `at`, or since."""
        if self.down:
            raise Unavailable("metrics", self.down)
        oldest = at - LOOKBACK if since is None else max(since, at - LOOKBACK)
        moments, each = [], self.scraped(at)
        while each > oldest:
            moments.append(each)
            each -= self.scrape
        patience = 0 if since is None else round(LOOKBACK.total_seconds() * 1000)
        return self._batch([(moment, moment) for moment in reversed(moments)], patience)

    def _batch(self, moments: Sequence[tuple[datetime, datetime]], patience: int = 0) -> Batch:
        size = len(self.names)
        series = np.tile(np.arange(size), len(moments))
        at = np.repeat(np.array([to_ms(told) for told, _ in moments], dtype=np.int64), size)
        value = np.concatenate([self._values(scraped) for _, scraped in moments]) if moments else np.zeros(0)
        return Batch(self.names, series, at, value, patience)

    async def past(
        self, queries: Collection[Query], start: datetime, end: datetime, step: timedelta, *, series: int = 1000
    ) -> AsyncIterator[tuple[datetime, Batch]]:
        """What was last scraped at every step, told as of that step; nothing before the start."""
        self.asked_past += 1
        at = start
        while at <= end:
            if self.down:
                raise Unavailable("metrics", self.down)
            if at >= self.start:
                yield at, self._batch([(at, self.scraped(at))])
            at += step

    async def read(self, queries: Collection[Query], at: datetime) -> Mapping[Query, Sequence[Point]]:
        """Nobody asks a wide source one by one."""
        raise AssertionError("a wide source is swept")

    async def close(self) -> None:
        return
