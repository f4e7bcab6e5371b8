"""The doors of alert intake: where what senders told is kept before they are answered, and who else can be asked."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Protocol

from bot.domain.alert import Alert
from bot.intake.active import Active


@dataclass(frozen=True, slots=True)
class Arrived:
    """An alert episode as it stands; `seq` grows with every change of any episode, `at` is when it last changed."""

    seq: int
    alert: Alert
    at: datetime


_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)


def micros(moment: datetime) -> int:
    """Microseconds since 1970: exact, and the same in every database."""
    return (moment - _EPOCH) // _MICROSECOND


def moment(micros: int) -> datetime:
    """The moment so many microseconds after 1970."""
    return _EPOCH + timedelta(microseconds=micros)


def cursor(arrived: Arrived) -> str:
    """Where a page of what fires ended: handed to `firing` as `after` it gives the next page."""
    alert = arrived.alert
    return f"{alert.severity}.{micros(alert.starts)}.{alert.source}/{alert.fingerprint}"


class Inbox(Protocol):
    """Every alert episode that was ever accepted, joined with what was known of it before."""

    async def accept(self, alerts: Sequence[Alert]) -> int:
        """Keep them; how many episodes that changed. They are durable once it returns.

        Raises Unavailable: nothing was kept, or too much waits already; the sender must try again.
        """

    async def since(self, seq: int, limit: int = 500) -> Sequence[Arrived]:
        """Episodes that changed after `seq`, in the order in which they last did."""

    async def newest(self, keys: Collection[str]) -> dict[str, Alert]:
        """By `Alert.key`, the latest episode of each."""

    async def firing(self, *, limit: int = 100, after: str = "") -> Sequence[Arrived]:
        """A page of the episodes that fire and are their alert's latest, by severity, then the newest first.

        `after` is the cursor of the page before (`cursor(arrived)`), "" for the first.
        """

    async def count(self) -> int:
        """How many fire."""

    async def applied(self) -> int:
        """Up to which `seq` the changes were taken into incidents; 0 before any was."""

    async def advance(self, seq: int) -> None:
        """Say that everything up to there was; a smaller one changes nothing."""


class Alerting(Protocol):
    """A sender that can be asked what fires now."""

    async def active(self) -> Active:
        """Everything that fires there. Raises Unavailable: then nothing is known, and nothing is over."""

    async def close(self) -> None: ...
