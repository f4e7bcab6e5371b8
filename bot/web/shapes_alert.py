"""The JSON of an incident's alerts, and of what belongs together."""

from __future__ import annotations

from bot.domain.incident import Incident
from bot.web.shape import Instant, Shape


class AlertShape(Shape):
    """One alert of an incident: its latest episode, how often it fired, and since when it flaps."""

    key: str
    title: str
    severity: int
    service: str
    url: str
    starts: Instant
    ended: Instant | None
    times: int
    flapping: Instant | None


class TogetherShape(Shape):
    """What an incident has to do with others: merged, split, or below the umbrella of a storm."""

    alerts: list[AlertShape]
    all_over: Instant | None
    merged_into: str
    merged: list[str]
    umbrella: str
    has_card: bool


def together(incident: Incident) -> TogetherShape:
    """As the log has it; the alerts that fire first, the worst of them before the others."""
    order = sorted(incident.alerts.values(), key=lambda each: (not each.firing, each.severity, each.starts, each.key))
    return TogetherShape(
        alerts=[
            AlertShape(
                key=each.key,
                title=each.title,
                severity=each.severity,
                service=each.service,
                url=each.url,
                starts=each.starts,
                ended=each.ended,
                times=each.times,
                flapping=each.flapping,
            )
            for each in order
        ],
        all_over=incident.alerts_quiet,
        merged_into=incident.merged_into,
        merged=list(incident.merged),
        umbrella=incident.umbrella,
        has_card=not incident.is_silent,
    )
