"""What the chat is asked to do beside showing: remind people (all that waits, in one message), and open war rooms."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from weakref import WeakValueDictionary

from bot.domain.errors import Refused, Unavailable
from bot.domain.incident import Incident, Phase
from bot.domain.policy import Person
from bot.domain.reminder import Matter, PutOff, Reason, Reminded, ReportReminder, reminders
from bot.domain.room import ReportRoom, ReportRoomArchived
from bot.domain.todo import ArchiveOwed, RemindOwed, RoomOwed
from bot.engine.desk import Desk
from bot.engine.ports import Chat, Profile, Waiting

CHANNEL = "chat"
AWAY = timedelta(minutes=5)
"""How long a reminder waits when the chat does not answer."""


@dataclass(frozen=True, slots=True)
class _Found:
    """What waits for a person in one incident, and when they were last reminded there."""

    incident: Incident
    matters: tuple[Matter, ...]
    last: datetime | None


class Errands:
    """Runs to the chat and writes down what became of it."""

    def __init__(self, desk: Desk, chat: Chat | None) -> None:
        self.desk, self.chat = desk, chat
        self._turns: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()  # one message at a time per person

    async def run(self, incident: Incident, owed: RemindOwed | RoomOwed | ArchiveOwed) -> None:
        """Do what is owed. Raises Unavailable: it is tried again."""
        match owed:
            case RemindOwed(person=person, key=key):
                await self.remind(incident, person, key)
            case RoomOwed():
                await self.open_room(incident)
            case ArchiveOwed():
                await self.archive_room(incident)

    # -- reminders ---------------------------------------------------------------------------------------------------

    async def remind(self, incident: Incident, person: str, key: str) -> None:
        """Tell a person what waits for them, in this incident and in all others. Raises Unavailable (the log)."""
        turn = self._turns.setdefault(person, asyncio.Lock())
        async with turn:
            now = self.desk.clock.now()
            found = await self._waiting(incident.id, person, now)
            due = [each for each in found if each.matters]
            if not any(each.incident.id == incident.id for each in due):
                return
            last = max((each.last for each in found if each.last is not None), default=None)
            again = last + self.desk.handler.policy.remind_every if last else now
            if again > now:
                await self._put_off([incident.id], person, again, "reminded a moment ago")
                return
            await self._tell(due, person, now, key)

    async def _tell(self, due: Sequence[_Found], person: str, now: datetime, key: str) -> None:
        names = [each.incident.id for each in due]
        profile = await self.desk.people.by_id(person)
        try:
            where, why = CHANNEL, ""
            if profile is None or self.chat is None:
                where, why = "", "nobody is known by that id" if profile is None else "there is no chat"
            elif (until := await self.chat.resting(profile)) is not None and until > now:
                await self._put_off(names, person, until, "they asked not to be disturbed")
                return
            else:
                waiting = [Waiting(await self.desk.situation(each.incident.id), each.matters) for each in due]
                why = await self.chat.remind(profile, waiting, key)
        except Refused as refused:
            where, why = "", refused.because
        except Unavailable as away:
            await self._put_off(names, person, now + AWAY, f"the chat is away: {away}")
            return
        for each in due:
            marks = tuple(matter.mark for matter in each.matters)
            await self.desk.submit(each.incident.id, ReportReminder(person, marks, where, why), cause=key)

    async def _waiting(self, first: str, person: str, now: datetime) -> list[_Found]:
        """What is due for a person in each incident that is not closed, and in the one that asked."""
        policy = self.desk.handler.policy
        people = await everybody(self.desk)
        found = []
        for name in dict.fromkeys((first, *await self.desk.log.open_ids())):
            incident = await self.desk.log.load(name)
            known = incident.reminded.get(person, Reminded())
            on_call = await self.desk.on_call(incident.service)
            matters = [
                matter
                for matter in reminders(incident, policy, on_call, people)
                if matter.person == person and matter.due <= now
            ]
            if incident.phase is Phase.CLOSED:
                matters = [matter for matter in matters if matter.reason is Reason.FOLLOWUP]
            if known.until is not None and known.until > now:
                matters = []
            found.append(_Found(incident, tuple(matters), known.at))
        return found

    async def _put_off(self, incidents: Sequence[str], person: str, until: datetime, because: str) -> None:
        for name in incidents:
            await self.desk.submit(name, PutOff(person, until, because))

    # -- war rooms ---------------------------------------------------------------------------------------------------

    async def open_room(self, incident: Incident) -> None:
        """Open the war room that was asked for, or say why there is none. Raises Unavailable: it is tried again."""
        if self.chat is None:
            await self.desk.submit(incident.id, ReportRoom("", because="there is no chat"))
            return
        try:
            channel, name = await self.chat.open_room(await self.desk.situation(incident.id))
        except Refused as refused:
            await self.desk.submit(incident.id, ReportRoom("", because=refused.because))
            return
        await self.desk.submit(incident.id, ReportRoom(channel, name))

    async def archive_room(self, incident: Incident) -> None:
        """Put the war room away; where the chat refuses that, it is left to people. Raises Unavailable."""
        left = "" if self.chat is not None else "there is no chat"
        if self.chat is not None:
            try:
                await self.chat.archive_room(await self.desk.situation(incident.id))
            except Refused as refused:
                left = refused.because
        await self.desk.submit(incident.id, ReportRoomArchived(left))


async def everybody(desk: Desk) -> list[Person]:
    """The directory as the rules see it."""
    profiles: Sequence[Profile] = await desk.people.everyone()
    return [profile.person for profile in profiles]
