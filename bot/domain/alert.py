"""An alert somebody else's monitoring sent: whatever the order, however often and however truncated, one end."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime


@dataclass(frozen=True, slots=True)
class Alert:
    """One episode of one alert: it fires from `starts` on; `ends` is when it was over, None while it fires.

    `source` is the name under which the configuration knows the sender, `fingerprint` what the sender calls the same
    alert each time (never shared between sources). `service` is a name of the catalogue the source may speak for, ""
    for none; `severity` is as the sender's own words were mapped, 1 (worst) to 4. Texts are untrusted.
    """

    source: str
    fingerprint: str
    starts: datetime
    ends: datetime | None
    title: str
    service: str = ""
    severity: int = 3
    text: str = ""
    url: str = ""
    labels: Mapping[str, str] = field(default_factory=dict)

    @property
    def key(self) -> str:
        """What is the same for every episode of it."""
        return f"alert/{self.source}/{self.fingerprint}"

    @property
    def firing(self) -> bool:
        """Whether it was not over when this was said."""
        return self.ends is None


def join(one: Alert, other: Alert) -> Alert:
    """What is known of one episode after both messages: commutative, associative, idempotent.

    An end once told stands, the latest one told; of two messages that agree in that, the one whose words come last in
    an order that never changes. Both must be of one source, fingerprint and start.
    """
    return max(one, other, key=_rank)


def _rank(alert: Alert) -> tuple[bool, float, int, tuple[str, ...]]:
    ends = alert.ends.timestamp() if alert.ends is not None else 0.0
    words = [alert.service, alert.title, alert.text, alert.url]
    for name in sorted(alert.labels):  # one after the other: joined by a sign, different labels could read alike
        words += (name, alert.labels[name])
    return alert.ends is not None, ends, -alert.severity, tuple(words)
