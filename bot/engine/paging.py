"""Pages the people whose turn it is: one page at a time to a person, what comes meanwhile goes with the next one."""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from weakref import WeakValueDictionary

from bot.domain.climbing import FollowOwed, PageOwed, StandDownOwed
from bot.domain.errors import Refused, TocsinError
from bot.domain.escalation import Ladder
from bot.domain.incident import Incident
from bot.domain.nobody import why_them
from bot.domain.paging import Receipt, ReportPage
from bot.domain.policy import Severity
from bot.domain.receipt import ReportReceipt, ReportStoodDown
from bot.domain.sent import of_now
from bot.engine.begun import Begun, Memory, Message, Part
from bot.engine.calling import Contact, Following, Over, Pager, Ringing
from bot.engine.desk import Desk
from bot.engine.lines import Lines
from bot.engine.reach import Reached, reach
from bot.engine.situation import Situation
from bot.engine.summons import Link, summon
from bot.engine.values import Profile
from bot.engine.ways import ways

NO_CHANNEL = "no channel"
BREATH = timedelta(seconds=1.5)
"""Between two pages to one person even of the worst severity: what comes meanwhile goes with the second."""


@dataclass(frozen=True, slots=True)
class _Waits(Part):
    """A page that waits to go out to a person."""

    begun: bool = True  # else it only waits for its time


class Paging:
    """Everything that goes through the pagers on behalf of an incident."""

    def __init__(
        self,
        desk: Desk,
        pagers: Mapping[str, Pager],
        contacts: Mapping[str, Contact],
        link: Link | None = None,
        lines: Lines | None = None,
        begun: Begun | None = None,
    ) -> None:
        """`contacts` by key of a person; `lines` learn which channels work; `begun` outlives the process."""
        self.desk, self.pagers, self.contacts, self._link = desk, pagers, contacts, link
        self.lines, self.begun = lines or Lines(), Memory(begun)
        self._turns: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()
        self._waiting: dict[str, dict[str, _Waits]] = {}
        self._noted: dict[str, set[tuple[str, str]]] = {}  # of each incident, whose pages wait: (person, key)
        self._told: dict[str, datetime] = {}

    async def page(self, incident: Incident, owed: PageOwed) -> None:
        """Page a person. Whatever else waits for them by now goes with it, in one message."""
        if not self.desk.handler.policy.merge_pages:  # then each page is a message of its own
            if await self._still(incident.id, owed):
                await self._send(owed.key, [Part(incident.id, owed)])
            return
        waiting = self._waiting.setdefault(owed.person, {})
        waiting[owed.key] = _Waits(incident.id, owed)
        turn = self._turns.setdefault(owed.person, asyncio.Lock())
        try:
            async with turn:
                if await self._still(incident.id, owed):
                    # whoever took it along may have failed to write that down: then it goes again, by itself
                    waiting[owed.key] = _Waits(incident.id, owed)
                    await self._go(incident.id, owed)
        finally:
            waiting.pop(owed.key, None)

    async def _still(self, name: str, owed: PageOwed) -> bool:
        """Whether it is still to be sent: it may have gone with another one, or somebody acknowledged meanwhile."""
        incident = await self.desk.log.load(name)
        page = incident.pages.get(owed.key)
        if page is not None and (page.reached or page.attempts >= owed.attempt):
            return False
        return not _climbs(owed) or (incident.unclaimed and of_now(incident, owed.key))

    def calmly(self, incident: Incident, ladder: Ladder) -> Ladder:
        """The ladder on which nobody who was paged a moment ago is paged again at once; the worst waits a breath only.

        Their pages wait for the policy's `merge_pages` and then go out together. This says when a page is begun, never
        whether one that was begun is sent.
        """
        every = self.desk.handler.policy.merge_pages
        if incident.severity is Severity.SEV1:
            every = min(every, BREATH)
        return replace(ladder, calm={one: self._told[one] + every for one in ladder.people if one in self._told})

    def note(self, incident: str, owed: Sequence[PageOwed], now: datetime) -> None:
        """Remember the pages of an incident that wait, so that the next one to their person takes them along.

        What is owed no longer is forgotten, and by a restart all of it. One that is due now stays until it was begun.
        """
        keys = {(each.person, each.key) for each in owed}
        known = self._noted.pop(incident, set())
        for person, key in known - keys:
            waiting = self._waiting.get(person, {})
            if key in waiting and not waiting[key].begun:
                del waiting[key]
        later = [each for each in owed if each.due > now]
        for each in later:
            self._waiting.setdefault(each.person, {}).setdefault(each.key, _Waits(incident, each, begun=False))
        if noted := known & keys | {(each.person, each.key) for each in later}:
            self._noted[incident] = noted

    async def _go(self, incident: str, owed: PageOwed) -> None:
        """Send this page: as the message it was begun in, or with whatever else waits for the person by now."""
        page = (await self.desk.log.load(incident)).pages.get(owed.key)
        known = await self.begun.of(owed, page)
        if known is not None:
            await self._send(known.key, await self._left(known, owed))
            return
        batch = await self._gathered(owed)
        if batch:
            await self.begun.keep(owed.key, batch, self.desk.clock.now())
            await self._send(owed.key, batch)

    async def _left(self, known: Message, owed: PageOwed) -> list[Part]:
        """What is still to be sent of a message that may have arrived, or may not: this page first, and nothing new."""
        left = sorted(known.parts, key=lambda each: each.owed.key != owed.key)
        for each in left[1:]:
            try:
                if await self._still(each.incident, each.owed):
                    continue
            except TocsinError:  # it has a turn of its own, in which it is told of
                pass
            left.remove(each)
        for each in left:
            self._waiting[owed.person].pop(each.owed.key, None)
        return left

    async def _gathered(self, owed: PageOwed) -> list[Part]:
        """What goes out now: the page whose turn it is, and all that may go with it under its key."""
        now = self.desk.clock.now()
        calm = self._told.get(owed.person, now) + self.desk.handler.policy.merge_pages
        waiting = self._waiting[owed.person]
        batch = [each for each in waiting.values() if _fits(each.owed, owed) and each.owed.due <= max(now, calm)]
        for each in batch:
            waiting.pop(each.owed.key, None)
        still = [each for each in batch if await self._still(each.incident, each.owed)]
        return sorted(still, key=lambda each: (each.owed.key != owed.key, each.owed.due, each.owed.key))

    async def _send(self, key: str, batch: Sequence[Part]) -> None:
        """One message to the person of these pages, the most important first, and what became of each."""
        person = batch[0].owed.person
        profile = await self.desk.people.by_id(person)
        reached = await self._together(profile, key, batch) if profile else Reached("", "")
        # side by side, in one commit: until it is written down that they were paged, a crash pages them again
        reports = [self._report(each, reached, known=profile is not None) for each in batch]
        outcomes = await asyncio.gather(*reports, return_exceptions=True)
        if reached.channel:
            self._told[person] = self.desk.clock.now()
        for outcome in outcomes:
            if isinstance(outcome, BaseException):
                raise outcome

    async def _together(self, profile: Profile, key: str, batch: Sequence[Part]) -> Reached:
        first = batch[0]
        situations = [await self.desk.situation(name) for name in dict.fromkeys(each.incident for each in batch)]
        past = set(first.owed.past)
        if not first.owed.insists and past >= set(ways(profile, self._contact(profile), tuple(self.pagers))):
            past = set()  # it was lost by every channel: all of them again
        return await self.to(profile, situations, first.owed.key, past=past, known_by=key)

    async def to(
        self,
        person: Profile,
        situations: Sequence[Situation],
        key: str,
        *,
        past: Collection[str] = (),
        known_by: str = "",
    ) -> Reached:
        """Page a person about these incidents, the first one being that of the key. Never raises for a channel.

        Its channel knows it by that key, or by another one it was begun under.
        """
        contact = self._contact(person)
        first = situations[0].incident
        url = self._link(first.id, key, person.id) if self._link else self._page_of(first.id)
        asked = (call.because for call in first.calls if call.key(first.id) == key)
        summons = summon(known_by or key, person, contact, situations, url, next(asked, ""), why_them(first, key))
        return await reach(self.pagers, summons, past, self.lines)

    def _contact(self, person: Profile) -> Contact:
        return self.contacts.get(person.key) or Contact(person.key, email=person.email)

    def _page_of(self, incident: str) -> str:
        base = self.desk.catalogue.web_url
        return f"{base.rstrip('/')}/incidents/{incident}" if base else ""

    async def _report(self, each: Part, reached: Reached, *, known: bool) -> None:
        key, person = each.owed.key, each.owed.person
        if reached.channel:
            report = ReportPage(
                key, person, reached.channel, Receipt.ACCEPTED, reached.where, reached.ref, reached.rings
            )
        else:
            why = "; ".join(reached.failures) or ("no pager is set up" if known else "nobody is known by that id")
            report = ReportPage(key, person, ", ".join(self.pagers) or NO_CHANNEL, Receipt.FAILED, why)
        await self.desk.submit(each.incident, report, cause=key)

    # -- afterwards --------------------------------------------------------------------------------------------------

    async def follow(self, incident: Incident, owed: FollowOwed) -> None:
        """Ask the provider what became of a page. Raises Unavailable: it is asked again later."""
        page = incident.pages[owed.page]
        pager = self.pagers.get(page.channel)
        if not isinstance(pager, Following):
            report = ReportReceipt(owed.page, page.receipt, owed.look, final=True, ref=page.ref)
        else:
            became = await pager.became(page.ref)
            report = ReportReceipt(owed.page, became.receipt, owed.look, became.detail, became.final, page.ref)
        await self.desk.submit(incident.id, report, cause=owed.key)

    async def stand_down(self, incident: Incident, owed: StandDownOwed) -> None:
        """Tell the provider that a page is over. Raises Unavailable: it is told again later."""
        page, because = incident.pages[owed.page], ""
        pager = self.pagers.get(page.channel)
        if isinstance(pager, Ringing):
            try:
                await pager.stand_down(owed.page, page.ref, Over(owed.over))
            except Refused as refused:
                because = refused.because
        await self.desk.submit(incident.id, ReportStoodDown(owed.page, owed.over, because), cause=owed.key)


def _climbs(owed: PageOwed) -> bool:
    """Whether it is a page of the escalation, which an acknowledgement stops; people asked for by name are paged."""
    return ":call:" not in owed.key


def _fits(one: PageOwed, other: PageOwed) -> bool:
    """Whether two pages may go out as one: both by the same channels."""
    return one.past == other.past
