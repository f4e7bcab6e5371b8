"""Who sends alerts: how a sender proves itself, what it may speak for, and how its words are read."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta

MAX_BODY = 4 * 1024 * 1024

SEVERITIES: Mapping[str, int] = {
    **dict.fromkeys(("critical", "crit", "page", "fatal", "emergency", "disaster", "sev1", "p1"), 1),
    **dict.fromkeys(("error", "err", "high", "major", "urgent", "sev2", "p2"), 2),
    **dict.fromkeys(("warning", "warn", "medium", "moderate", "average", "minor", "sev3", "p3"), 3),
    **dict.fromkeys(
        ("info", "information", "informational", "low", "notice", "none", "debug", "trace", "sev4", "p4", "p5"), 4
    ),
}
"""How common words for severity are read; an unknown word is 3: neither a page for nothing nor silence."""

OVER = frozenset({"resolved", "resolve", "ok", "closed", "close", "normal", "recovered", "cleared", "inactive", "up"})
"""Words by which senders of no kind in particular say that it is over."""


@dataclass(frozen=True, slots=True)
class Bearer:
    """A secret sent along with every request."""

    secret: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class Basic:
    """A name and a password, as browsers send them."""

    user: str
    password: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class Signed:
    """HMAC-SHA256 of the body in a header, in hex; of `time:body` where a header holds the time."""

    secret: str = field(repr=False)
    header: str = "X-Signature"
    prefix: str = ""
    timestamp_header: str = ""
    tolerance: timedelta = timedelta(minutes=5)
    or_header: str = ""
    """Where it is looked for if `header` is not there."""


Auth = Bearer | Basic | Signed
Path = tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Mapped:
    """Where a sender of no kind in particular keeps what: paths into its JSON, and its own words for "over"."""

    paths: Mapping[str, Path] = field(default_factory=dict)
    over: frozenset[str] = OVER


@dataclass(frozen=True, slots=True)
class Sender:
    """A sender as the configuration knows it. `services` is whom it may speak for; `bound`: it was told a choice."""

    name: str
    kind: str
    auth: Auth
    services: frozenset[str] = frozenset()
    bound: bool = False
    default_service: str = ""
    service_label: str = "service"
    severity_label: str = "severity"
    severities: Mapping[str, int] = field(default_factory=lambda: SEVERITIES)
    max_body: int = MAX_BODY
    mapped: Mapped = Mapped()
    watchdog: str = ""
    """The name of an alert of its that always fires: it proves that the sender lives, and opens no incident."""
