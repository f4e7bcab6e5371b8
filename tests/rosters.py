"""Who is on call is changed in a running house, as a hand-off or another file would."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from bot.engine.desk import Desk
from bot.rota.escalation import Escalation


def put_on_call(desk: Desk, services: Mapping[str, Sequence[str]]) -> None:
    """From now on these people are on call for these services, first one first; for the others as before."""
    levels = {name: Escalation.of(name, tuple(keys)) for name, keys in services.items()}
    plans = desk.roster.plans
    desk.roster.plans = replace(plans, by_service={**plans.by_service, **levels})
