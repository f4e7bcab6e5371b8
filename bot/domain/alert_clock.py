"""What the clock says of an incident's alerts: one that flapped is calm, all are quiet, and nobody's is over."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from bot.domain.alerts import born_of_alerts, quiets
from bot.domain.checks import resolve_checks, running_clocks, unfinished_changes
from bot.domain.errors import Refused
from bot.domain.flapping import AlertCalm
from bot.domain.lifecycle import IncidentClosed, IncidentResolved
from bot.domain.log import TOCSIN, Ask, Command, Event
from bot.domain.phase import Phase
from bot.domain.policy import Policy

if TYPE_CHECKING:
    from bot.domain.incident import Incident

FILED_AFTER = timedelta(days=1)
"""So long after the bot resolved an incident that nobody ever took it is filed away; a storm's child at once."""


@dataclass(frozen=True, slots=True)
class SettleAlerts(Command):
    """Look at the alerts by the clock; only the bot does."""

    def decide(self, incident: Incident, ask: Ask) -> Iterator[Event]:
        if not ask.person.is_bot:
            raise Refused("what the clock says of alerts is not said by hand")
        if not incident.exists:
            return
        if not incident.is_open:
            if _filed_at(incident) is not None and _may_file(incident, ask.at):
                yield IncidentClosed()
            return
        alerts = dict(incident.alerts)
        calm = False
        for each in incident.alerts.values():
            if each.flapping and each.ended and ask.at >= each.ended + ask.policy.alerts.calm_after:
                yield AlertCalm(each.key, each.title, each.ended)
                alerts[each.key], calm = replace(each, flapping=None), True
        if calm:
            yield from quiets(replace(incident, alerts=alerts))
        due = _resolved_at(incident, ask.policy)
        if due is not None and ask.at >= due and incident.alerts_quiet is not None:
            number = len(incident.alerts)
            what = "its alert was" if number == 1 else f"all its {number:,} alerts were"
            minutes = max(round((ask.at - incident.alerts_quiet).total_seconds() / 60), 1)
            yield IncidentResolved(f"{what} over for {minutes:,} minutes, and nobody had taken it")


def _resolved_at(incident: Incident, policy: Policy) -> datetime | None:
    """When an incident that alerts opened and nobody took is over by itself; None where that is left to people."""
    after = policy.alerts.resolve_after
    if not after or not born_of_alerts(incident) or incident.acknowledged is not None or incident.alerts_quiet is None:
        return None
    if any(check.open for check in resolve_checks(incident)):
        return None
    return incident.alerts_quiet + after


def _filed_at(incident: Incident) -> datetime | None:
    """When an incident that the bot itself resolved is filed away."""
    nobodys = born_of_alerts(incident) and incident.acknowledged is None and incident.resolved_by == TOCSIN
    if incident.phase is not Phase.RESOLVED or incident.resolved is None or not nobodys:
        return None
    return incident.resolved + (timedelta(0) if incident.is_silent else FILED_AFTER)


def _may_file(incident: Incident, at: datetime) -> bool:
    due = _filed_at(incident)
    return due is not None and at >= due and not (unfinished_changes(incident) or running_clocks(incident))


def alerts_due(incident: Incident, policy: Policy) -> datetime | None:
    """When `SettleAlerts` next has something to say, so far as is known; None where nothing waits for the clock."""
    if not incident.is_open:
        filed = _filed_at(incident)
        return None if filed is None or unfinished_changes(incident) or running_clocks(incident) else filed
    calm = [
        each.ended + policy.alerts.calm_after
        for each in incident.alerts.values()
        if each.flapping is not None and each.ended is not None
    ]
    resolved = _resolved_at(incident, policy)
    return min([*calm, *([resolved] if resolved is not None else [])], default=None)
