"""How much noise is borne: when alerts are one thing, when one flaps, and when there are too many for a card each."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta


@dataclass(frozen=True, slots=True)
class AlertRules:
    """What holds for alerts of other people's monitoring.

    `page_from` is the least severity that wakes somebody: what is milder is a ticket. `resolve_after` is how long all
    alerts of an incident that nobody took must be over before it is resolved; zero leaves it to people.
    """

    together: timedelta = timedelta(minutes=5)
    resolve_after: timedelta = timedelta(minutes=10)
    page_from: int = 3
    flaps: int = 4  # so often it fires again ...
    flaps_within: timedelta = timedelta(hours=1)
    calm_after: timedelta = timedelta(minutes=30)


@dataclass(frozen=True, slots=True)
class StormRules:
    """When new incidents come so fast that one card for all of them says more than a card each.

    `service` is whose people lead a storm; "" is the service that most of its first incidents are of.
    """

    incidents_per_minute: int = 20
    quiet: timedelta = timedelta(minutes=5)  # below a quarter of the rate for so long, it is over
    channels: int = 3
    service: str = ""
