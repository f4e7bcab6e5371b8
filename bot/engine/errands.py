"""What the chat is asked to do beside showing: remind people (all that waits, in one message), and open war rooms."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from weakref import WeakValueDictionary

from bot.domain.errors import Refused, Unavailable
from bot.domain.incident import Incident, Phase
from bot.domain.policy import Person
from bot.domain.reminder import Matter, PutOff, Reason, Reminded, ReportReminder, carried, reminders
from bot.domain.room import ReportRoom, ReportRoomArchived
from bot.domain.todo import ArchiveOwed, RemindOwed, RoomOwed
from bot.engine.desk import Desk
from bot.engine.ports import Chat
from bot.engine.values import Profile, Waiting

CHANNEL = "chat"
AWAY = timedelta(minutes=5)
"""How long a reminder waits when the chat does not answer."""


@dataclass(frozen=True, slots=True)
class _Found:
    """What waits for a person in one incident, and what they were reminded of there."""

    incident: Incident
    matters: tuple[Matter, ...]
    known: Reminded
    again: tuple[Matter, ...] = ()  # what they were told of already and still waits

    @property
    def all(self) -> tuple[Matter, ...]:
        return (*self.matters, *self.again)


class Errands:
    """Runs to the chat and writes down what became of it."""

    def __init__(self, desk: Desk, chat: Chat | None) -> None:
        self.desk, self.chat = desk, chat
        self._turns: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()  # one message at a time per person

    async def run(self, incident: Incident, owed: RemindOwed | RoomOwed | ArchiveOwed) -> None:
        """Do what is owed. Raises Unavailable: it is tried again."""
        match owed:
            case RemindOwed(person=person):
                await self.remind(incident, person)
            case RoomOwed():
                await self.open_room(incident)
            case ArchiveOwed():
                await self.archive_room(incident)

    # -- reminders ---------------------------------------------------------------------------------------------------

    async def remind(self, incident: Incident, person: str) -> None:
        """Tell a person what waits for them, in this incident and in all others. Raises Unavailable (the log)."""
        turn = self._turns.setdefault(person, asyncio.Lock())
        async with turn:
            now = self.desk.clock.now()
            found = await self._waiting(incident.id, person, now)
            found.sort(key=_age)
            due = [each for each in found if each.matters]
            if not any(each.incident.id == incident.id for each in due):
                return
            last = max((each.known.at for each in found if each.known.at is not None), default=None)
            again = last + self.desk.handler.policy.remind_every if last else now
            urgent = any(matter.reason.urgent for each in due for matter in each.matters)
            if again > now and not urgent:
                await self._put_off([incident.id], person, again, "reminded a moment ago", urgent=False)
                return
            await self._tell(due, [each for each in found if each.again and not each.matters], person, now)

    async def _tell(self, due: Sequence[_Found], beside: Sequence[_Found], person: str, now: datetime) -> None:
        """One message for all of it. Its key is the oldest incident's, so that it is one message whoever sends it.

        That incident's report is written last: a crash in between is taken up by it, under the same key. What they were
        told of before and still waits (also in incidents `beside`) is named again, for the former message is replaced.
        """
        oldest, names = due[0], [each.incident.id for each in due]
        key = f"remind:{oldest.incident.id}:{person}:{oldest.known.times + 1}"
        profile = await self.desk.people.by_id(person)
        try:
            where, why = CHANNEL, ""
            if profile is None or self.chat is None:
                where, why = "", "nobody is known by that id" if profile is None else "there is no chat"
            elif (until := await self.chat.resting(profile)) is not None and until > now:
                await self._put_off(names, person, until, "they asked not to be disturbed")
                return
            else:
                waiting = [Waiting(await self.desk.situation(each.incident.id), each.all) for each in (*due, *beside)]
                why = await self.chat.remind(profile, waiting, key)
        except Refused as refused:
            where, why = "", refused.because
        except Unavailable as away:
            await self._put_off(names, person, now + AWAY, f"the chat is away: {away}")
            return
        for each in reversed((*due, *beside) if where else due):
            marks = tuple(matter.mark for matter in (each.all if where else each.matters))
            await self.desk.submit(each.incident.id, ReportReminder(person, marks, where, why), cause=key)

    async def _waiting(self, first: str, person: str, now: datetime) -> list[_Found]:
        """What is due for a person in each incident that is not closed, and where they promised something.

        Nothing where the first of them has nothing due: it was told of with another, and nobody reads all for that.
        """
        people = await everybody(self.desk)
        own = await self._found(first, person, people, now)
        if own is None or not own.matters:
            return []
        log = self.desk.log
        others = dict.fromkeys((*await log.open_ids(), *await log.promised(person)))
        found = [await self._found(name, person, people, now) for name in others if name != first]
        return [own, *(each for each in found if each is not None)]

    async def _found(self, name: str, person: str, people: Sequence[Person], now: datetime) -> _Found | None:
        """What waits for a person in one incident; None where it cannot be read."""
        incident = await self.desk.handler.legible.one(name)
        if incident is None:
            return None
        known = incident.reminded.get(person, Reminded())
        if known.until is not None and known.until > now:
            return _Found(incident, (), known)
        on_call = await self.desk.on_call(incident.service)
        matters = [
            matter
            for matter in reminders(incident, self.desk.handler.policy, on_call, people)
            if matter.person == person and matter.due <= now
        ]
        if incident.phase is Phase.CLOSED:
            matters = [matter for matter in matters if matter.reason is Reason.FOLLOWUP]
        named = {(matter.reason, matter.item) for matter in matters}
        again = [each for each in carried(incident, person) if (each.reason, each.item) not in named]
        return _Found(incident, tuple(matters), known, tuple(again))

    async def _put_off(
        self, incidents: Sequence[str], person: str, until: datetime, because: str, *, urgent: bool = True
    ) -> None:
        for name in incidents:
            await self.desk.submit(name, PutOff(person, until, because, urgent=urgent))

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


def _age(found: _Found) -> tuple[datetime, str]:
    """The oldest incident first."""
    return found.incident.declared_at or found.incident.detected or datetime.max.replace(tzinfo=UTC), found.incident.id


async def everybody(desk: Desk) -> list[Person]:
    """The directory as the rules see it."""
    profiles: Sequence[Profile] = await desk.people.everyone()
    return [profile.person for profile in profiles]
