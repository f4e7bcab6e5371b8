"""The war room as people see it: the dialog that asks for one, and what the thread says of it."""

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace

from bot.blockkit.blocks import View, context, modal, section, untrusted
from bot.domain.incident import Incident
from bot.domain.named import named
from bot.domain.room import RoomArchived, RoomAsked, RoomFailed, RoomOpened
from bot.engine.situation import Situation
from bot.slack.ids import Ref
from bot.slack.message import Message
from bot.slack.views import info
from bot.slack.views._words import about, person

NAME = "room"
LONGEST = 45
"""Letters of a channel's name: Slack takes 80, a list of channels shows fewer."""
LISTED = 25
"""People told by name in the dialog."""


def name_of(incident: Incident, number: int) -> str:
    """The channel's name: `inc-142-fraud-scores-drifting`; a second room of an incident says so."""
    words = re.sub(r"[^a-z0-9]+", "-", f"{incident.id} {incident.title}".lower()).strip("-")
    again = f"-{number}" if number > 1 else ""
    room = LONGEST - len(again)
    if len(words) > room:
        words = words[: room + 1].rpartition("-")[0] or words[:room]
    return words.rstrip("-") + again


def invited(situation: Situation, heard: Sequence[str] = ()) -> list[str]:
    """Opaque ids of those who are invited: named in the incident, on call, or `heard` in the thread."""
    wanted = named(situation.incident) | set(situation.on_call) | set(heard)
    return sorted(one for one in wanted if one in situation.people and situation.people[one].slack_user)


def channel_link(channel: str) -> str:
    """A link to a channel by its id, "" for what is none."""
    return f"<#{channel}>" if channel.isalnum() else ""


# -- the dialog ------------------------------------------------------------------------------------------------------


def render(situation: Situation, heard: Sequence[str] = ()) -> View:
    """What the channel will be called and who will be in it, before anything is done."""
    incident, room = situation.incident, situation.incident.room
    if room is not None and room.stands:
        return info.render("War room", f"The war room is open: #{room.name}")
    if room is not None and room.pending:
        return info.render("War room", "It is being opened; its link appears in the thread.")
    if not incident.is_open:
        return info.render("War room", f"{incident.id} is {incident.phase}; re-open it to open a war room.")
    number = room.number + 1 if room is not None else 1
    people = [person(situation, one) for one in invited(situation, heard)]
    more = f" and {len(people) - LISTED} more" if len(people) > LISTED else ""
    blocks = [
        section(about(situation)),
        section(f"*A channel of its own*\n`#{name_of(incident, number)}`, as private as this incident's channel."),
        section(f"*Who is invited*\n{', '.join(people[:LISTED]) + more if people else 'nobody yet; people may join'}"),
        context("The thread stays. Updates and the summary are posted in both. Closing the incident archives it."),
    ]
    return modal("War room", blocks, callback_id=NAME, submit="Open war room",
                 private_metadata=Ref(incident.id).metadata)  # fmt: skip


# -- the thread ------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Past:
    """One war room of an incident as its log tells it, the present one included."""

    number: int
    channel: str = ""
    name: str = ""
    archived: bool = False
    left: str = ""
    failed: str = ""

    @property
    def settled(self) -> bool:
        """True once there is something to say of it."""
        return bool(self.channel or self.failed)


def rooms(situation: Situation) -> list[Past]:
    """Every war room that was asked for, in order."""
    found: list[Past] = []
    for entry in situation.entries:
        match entry.event:
            case RoomAsked(number=number):
                found.append(Past(number))
            case RoomOpened(channel=channel, name=name) if found:
                found[-1] = replace(found[-1], channel=channel, name=name)
            case RoomFailed(because=because) if found:
                found[-1] = replace(found[-1], failed=because or "no reason given")
            case RoomArchived(left=left) if found:
                found[-1] = replace(found[-1], archived=True, left=left)
    return found


def told(situation: Situation, past: Past) -> Message:
    """What the thread says: where the war room is, that it was put away, or why there is none."""
    name = untrusted(f"#{past.name}", 90)
    if past.failed:
        words = f"No war room could be opened: {untrusted(past.failed, 400)}. The thread goes on."
    elif past.left:
        words = f"The war room {channel_link(past.channel) or name} is left to people to archive."
    elif past.archived:
        words = f"The war room {name} was archived. What was said there stays readable in Slack."
    else:
        words = f"The war room is open: {channel_link(past.channel) or name}"
    text = f"{situation.incident.id}: the war room {name} is open" if not past.failed else words
    return Message(text, [section(words)])
