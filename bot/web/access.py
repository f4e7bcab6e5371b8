"""Who may read what in the console and its API: one table, asked by every page and every route."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from enum import StrEnum

from bot.domain.policy import Role
from bot.engine.values import Profile
from bot.web.door import ForeignError


class Area(StrEnum):
    """A part of the console. Of an incident that is restricted, `Console.may_see` decides besides."""

    INCIDENTS = "incidents"
    SERVICES = "services"
    ANALYTICS = "analytics"
    ON_CALL = "who is on call"
    ALERTS = "what fires"
    NOTICES = "the notices that are due"
    RECORD = "the whole record of an incident"
    AUDIT = "the audit of the log"
    PEOPLE = "people and their access"
    SETTINGS = "the settings"
    STATUS = "the status page's drafts"


EVERYBODY = frozenset(Role)
READS: Mapping[Area, frozenset[Role]] = {
    Area.INCIDENTS: EVERYBODY,
    Area.SERVICES: EVERYBODY,
    Area.ANALYTICS: EVERYBODY,
    Area.ON_CALL: EVERYBODY,
    Area.ALERTS: frozenset({Role.RESPONDER, Role.APPROVER, Role.MANAGER, Role.ADMIN}),
    Area.NOTICES: EVERYBODY,
    Area.RECORD: frozenset({Role.COUNSEL, Role.AUDITOR, Role.MANAGER, Role.ADMIN}),
    Area.AUDIT: frozenset({Role.AUDITOR, Role.ADMIN}),
    Area.PEOPLE: frozenset({Role.MANAGER, Role.AUDITOR, Role.ADMIN}),
    Area.SETTINGS: frozenset({Role.RESPONDER, Role.APPROVER, Role.MANAGER, Role.AUDITOR, Role.ADMIN}),
    Area.STATUS: EVERYBODY,
}


def may_read(who: Profile, area: Area) -> bool:
    """Whether that part is theirs to read."""
    return bool(who.roles & READS[area])


def reading(who: Profile, area: Area) -> None:
    """Raise ForeignError where that part is not theirs to read, saying whose it is."""
    if not may_read(who, area):
        raise ForeignError(f"{area} is for {one_of(READS[area])}")


def one_of(roles: Collection[Role]) -> str:
    """These roles as a person says them: a, b or c."""
    *most, last = sorted(roles)
    return f"{', '.join(most)} or {last}" if most else str(last)
