"""Each sender's counts for Prometheus: the only name in them is the sender's own, as the configuration has it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from bot.web.alerts.heard import Heard

NEVER = float("nan")


class SenderNumbers(Collector):
    """Reads what the door counted. How old a word is, and what waits, is told anew by whoever asks."""

    def __init__(self, heard: Mapping[str, Heard]) -> None:
        self._heard = heard
        self._ages: Mapping[str, float] = {}
        self._waiting: Mapping[str, int] = {}
        self._registry = CollectorRegistry()
        self._registry.register(self)

    def text(self, now: datetime, last: Mapping[str, datetime], waiting: Mapping[str, int]) -> bytes:
        """Everything as it is now: when each was last heard, and how many alerts of each wait to be kept."""
        self._ages = {name: max((now - at).total_seconds(), 0.0) for name, at in last.items()}
        self._waiting = waiting
        return generate_latest(self._registry)

    def collect(self) -> Iterator[Metric]:
        accepted = CounterMetricFamily("tocsin_sender_alerts", "Alerts that were taken in", labels=["sender"])
        refused = CounterMetricFamily(
            "tocsin_sender_refusals", "Requests and single alerts that were not", labels=["sender", "reason"]
        )
        waiting = GaugeMetricFamily("tocsin_sender_waiting_alerts", "Alerts that wait to be kept", labels=["sender"])
        age = GaugeMetricFamily(
            "tocsin_sender_heard_age_seconds", "Since it last proved that it lives; NaN for never", labels=["sender"]
        )
        for name, heard in sorted(self._heard.items()):
            accepted.add_metric([name], heard.accepted)
            for reason, count in sorted(heard.reasons.items()):
                refused.add_metric([name, reason], count)
            waiting.add_metric([name], self._waiting.get(name, 0))
            age.add_metric([name], self._ages.get(name, NEVER))
        yield from (accepted, refused, waiting, age)
