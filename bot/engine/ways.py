"""By which channels a person can be reached: in their own order, else the installation's, where there is an address."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from bot.engine.calling import NEEDS, Contact, has_address
from bot.engine.values import Profile


def ways(person: Profile, contact: Contact, pagers: Sequence[str]) -> tuple[str, ...]:
    """The channels that can reach them, in the order in which they are tried."""
    wanted = contact.reach or tuple(pagers)
    return tuple(each for each in dict.fromkeys(wanted) if each in pagers and _known(each, person, contact))


def missing(person: Profile, contact: Contact, pagers: Collection[str]) -> tuple[str, ...]:
    """What their own order asks for and there is not, in words."""
    found = []
    for channel in dict.fromkeys(contact.reach):
        if channel not in pagers:
            found.append(f"{channel} is no pager of this installation")
        elif not _known(channel, person, contact):
            found.append(f"{channel} needs {NEEDS[channel].what}")
    return tuple(found)


def _known(channel: str, person: Profile, contact: Contact) -> bool:
    return has_address(channel, contact, slack=bool(person.slack_user), email=person.email)
