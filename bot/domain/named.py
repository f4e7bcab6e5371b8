"""Whom an incident names: those a restricted one is open to beside people on call, counsel and administrators."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bot.domain.log import TOCSIN

if TYPE_CHECKING:
    from bot.domain.incident import Incident


def named(incident: Incident) -> frozenset[str]:
    """Who declared it, has it, plays a part in it, was paged for it, or was asked to answer for a duty."""
    people = {incident.declared_by, incident.acknowledged_by, *incident.parts.values()}
    people |= {page.person for page in incident.pages.values()}
    people |= {person for pair in incident.duty_owners.values() for person in pair}
    return frozenset(people - {"", TOCSIN})
