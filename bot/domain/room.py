"""The war room: a channel of its own for one incident, opened by promotion and put away when all is learned."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime
from typing import TYPE_CHECKING

from bot.domain.errors import Refused
from bot.domain.log import Ask, Command, Entry, Event, Sentence, Who, Words, says
from bot.domain.phase import RESPONDERS, require_open

if TYPE_CHECKING:
    from bot.domain.incident import Incident


@dataclass(frozen=True, slots=True)
class Room:
    """A war room: asked for, opened (then it has a channel), archived. `number` counts the incident's rooms."""

    number: int
    asked_by: str
    asked_at: datetime
    channel: str = ""
    name: str = ""
    opened: datetime | None = None
    archived: datetime | None = None
    failed: datetime | None = None  # no channel could be had for it

    @property
    def pending(self) -> bool:
        """True from the asking until it stands, or it is known that it will not."""
        return self.opened is None and self.failed is None

    @property
    def stands(self) -> bool:
        """True from its opening until it is archived."""
        return self.opened is not None and self.archived is None


@dataclass(frozen=True, slots=True)
class OpenRoom(Command):
    """Promote the thread to a channel of its own. A restricted incident gets none: its content stays on the console."""

    def decide(self, incident: Incident, ask: Ask) -> Iterator[Event]:
        ask.policy.require(ask.person, RESPONDERS, "open a war room")
        require_open(incident, "open a war room")
        if incident.restricted:
            raise Refused(f"{incident.id} is restricted: its content is shown on the console only")
        if incident.room is not None and (incident.room.pending or incident.room.stands):
            return
        yield RoomAsked(incident.room.number + 1 if incident.room else 1)


@dataclass(frozen=True, slots=True)
class RoomAsked(Event):
    """Somebody asked for a war room."""

    number: int

    def evolve(self, incident: Incident, entry: Entry) -> Incident:
        return replace(incident, room=Room(self.number, entry.by, entry.at))

    def says(self, by: str) -> Sentence:
        return says("{who} asked for a war room", who=Who(by))


@dataclass(frozen=True, slots=True)
class ReportRoom(Command):
    """The channel stands, or will never (`channel` empty, `because` why); only the bot reports it."""

    channel: str
    name: str = ""
    because: str = ""

    def decide(self, incident: Incident, ask: Ask) -> Iterator[Event]:
        if not ask.person.is_bot:
            raise Refused("a war room is reported by the bot, not by hand")
        if incident.room is None or not incident.room.pending:
            return
        yield RoomOpened(self.channel, self.name) if self.channel else RoomFailed(self.because)


@dataclass(frozen=True, slots=True)
class RoomOpened(Event):
    """The war room stands."""

    channel: str
    name: str

    def evolve(self, incident: Incident, entry: Entry) -> Incident:
        if incident.room is None:
            return incident
        return replace(incident, room=replace(incident.room, channel=self.channel, name=self.name, opened=entry.at))

    def says(self, by: str) -> Sentence:
        return says("the war room #{name} is open", name=self.name)


@dataclass(frozen=True, slots=True)
class RoomFailed(Event):
    """There will be no war room; the thread goes on."""

    because: Words

    def evolve(self, incident: Incident, entry: Entry) -> Incident:
        if incident.room is None:
            return incident
        return replace(incident, room=replace(incident.room, failed=entry.at))

    def says(self, by: str) -> Sentence:
        return says("no war room could be opened: {because}", because=self.because)


@dataclass(frozen=True, slots=True)
class ReportRoomArchived(Command):
    """The channel was put away (by the bot, or by a person in Slack); the thread and the console keep everything.

    `left` says why the bot could not put it away: then it is people's to do.
    """

    left: str = ""

    def decide(self, incident: Incident, ask: Ask) -> Iterator[Event]:
        if not ask.person.is_bot:
            raise Refused("a war room is reported by the bot, not by hand")
        if incident.room is not None and incident.room.stands:
            yield RoomArchived(incident.room.name, self.left)


@dataclass(frozen=True, slots=True)
class RoomArchived(Event):
    """The war room was put away."""

    name: str
    left: Words = ""

    def evolve(self, incident: Incident, entry: Entry) -> Incident:
        if incident.room is None:
            return incident
        return replace(incident, room=replace(incident.room, archived=entry.at))

    def says(self, by: str) -> Sentence:
        if self.left:
            return says("the war room #{name} is left to people to archive: {left}", name=self.name, left=self.left)
        return says("the war room #{name} was archived", name=self.name)
