"""By which channels a person can be reached: in their own order, else the installation's, where there is an address."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from bot.engine.calling import Contact
from bot.engine.values import Profile

NEEDED = {
    "slack": "a Slack account",
    "email": "a mail address",
    "sms": "a phone number",
    "voice": "a phone number",
    "ntfy": "a topic of ntfy",
    "pushover": "a user key of Pushover",
}
"""What a channel must know of a person; the others reach whoever they are set up for."""


def has_address(channel: str, person: Profile, contact: Contact) -> bool:
    """Whether that channel knows where this person is."""
    match channel:
        case "slack":
            return bool(person.slack_user)
        case "email":
            return bool(contact.email or person.email)
        case "sms" | "voice":
            return bool(contact.phone)
        case "ntfy" | "pushover":
            return bool(contact.handles.get(channel))
        case _:
            return True


def ways(person: Profile, contact: Contact, pagers: Sequence[str]) -> tuple[str, ...]:
    """The channels that can reach them, in the order in which they are tried."""
    wanted = contact.reach or tuple(pagers)
    return tuple(each for each in dict.fromkeys(wanted) if each in pagers and has_address(each, person, contact))


def missing(person: Profile, contact: Contact, pagers: Collection[str]) -> tuple[str, ...]:
    """What their own order asks for and there is not, in words."""
    found = []
    for channel in dict.fromkeys(contact.reach):
        if channel not in pagers:
            found.append(f"{channel} is no pager of this installation")
        elif not has_address(channel, person, contact):
            found.append(f"{channel} needs {NEEDED[channel]}")
    return tuple(found)
