"""Covers: somebody asks to be stood in for, somebody takes it, and each hears of it; the rota follows at once."""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from bot.domain.errors import NotFound, Refused, TocsinError
from bot.domain.phase import RESPONDERS
from bot.domain.policy import Role
from bot.engine.roster_ports import Cover, Covers, Stand
from bot.engine.values import Profile
from bot.telemetry import log as logger

if TYPE_CHECKING:
    from bot.engine.roster import Roster, Stint

LONGEST = timedelta(days=62)
REASON = 500
MANAGING = frozenset({Role.MANAGER, Role.ADMIN})
ELSEWHERE = timedelta(days=31)
"""So far ahead somebody's next shift is looked for."""


@dataclass(frozen=True, slots=True)
class Agreed:
    """How a cover stands now, whom that concerns (opaque ids, never the one who did it), and what they are told."""

    cover: Cover
    tell: tuple[str, ...]
    text: str


Tell = Callable[[Agreed], Awaitable[None]]


class Covering:
    """What people may ask of covers. Everything may raise NotFound, Refused, Unavailable with a sentence to show."""

    def __init__(self, roster: Roster) -> None:
        self.roster = roster
        self.tell: Tell | None = None
        """How those a cover concerns hear of it; whoever opens the chat sets it."""

    @property
    def _covers(self) -> Covers:
        if self.roster.kept is None:
            raise Refused("covers are not kept here")
        return self.roster.kept

    async def _agreed(self, cover: Cover, tell: tuple[str, ...] = (), text: str = "") -> Agreed:
        """What is agreed stands whether or not those it concerns can be told now."""
        await self.roster.reread()
        found = Agreed(cover, tell, text)
        if self.tell is not None and tell:
            try:
                await self.tell(found)
            except TocsinError as error:
                logger().warning("nobody could be told of a cover", cover=cover.id, because=str(error))
        return found

    async def ask(
        self,
        rota: str,
        start: datetime,
        end: datetime,
        who: Profile,
        *,
        instead_of: str = "",
        because: str = "",
        inbound: str = "",
    ) -> Agreed:
        """Ask to be covered; a manager asks for somebody else (`instead_of`, a key). A known id changes nothing."""
        roster = self.roster
        asker = await self._asker(who, instead_of)
        now = roster.clock.now()
        start = max(start, now)
        if end <= start:
            raise Refused("that time is over already" if end <= now else "a cover ends after it begins")
        if end - start > LONGEST:
            raise Refused(f"a cover lasts {LONGEST.days} days at most; for longer change the rota")
        if len(because) > REASON:
            raise Refused(f"a reason has at most {REASON} letters")
        name = f"cover-{hashlib.sha256(inbound.encode()).hexdigest()[:12] if inbound else secrets.token_hex(6)}"
        before = next((each for each in roster.covers if each.id == name), None)
        if before is not None:
            return Agreed(before, (), "")
        within = await roster.shifts(rota, start, end)
        if not any(each.key == asker.key for each in within):
            raise Refused(await self._not_on_call(rota, asker, who, start))
        await self._not_twice(rota, asker, who, start, end)
        cover = Cover(name, rota, start, end, asker.id, because=because.strip())
        cover = replace(cover, asked_at=now)
        await self._covers.ask(cover)
        return await self._agreed(cover, await self._others(cover, who), self._asking(cover, asker.name))

    async def again(self, cover: Cover) -> Agreed:
        """A request that stands, for those who could take it and may not have heard of it; nobody is told by this."""
        tell = tuple(each for each in await self._others(cover, None) if each != cover.asker)
        return Agreed(cover, tell, self._asking(cover, await self._name(cover.asker)))

    async def take(self, cover: str, who: Profile) -> Agreed:
        """Stand in for somebody: from now on pages of that time come to the taker."""
        if not who.roles & RESPONDERS:
            raise Refused(f"to be on call takes a {' or '.join(sorted(RESPONDERS))}; your roles: {_roles(who)}")
        if not self.roster.ways(who):
            raise Refused("no channel reaches you, so nobody could page you; people.yaml needs an address first")
        before = await self._known(cover)
        taken = await self._covers.take(cover, who.id, self.roster.clock.now())
        tell = () if before.stand is Stand.TAKEN else self._but(who, taken.asker)
        asker = await self._name(taken.asker)
        return await self._agreed(taken, tell, f"{who.name} covers {asker} {self._hours(taken)}.")

    async def withdraw(self, cover: str, who: Profile) -> Agreed:
        """Take a request back, or let go of what one took; a manager does so for its asker."""
        before = await self._known(cover)
        mine = who.id in {before.asker, before.taker}
        if not mine and not who.roles & MANAGING:
            raise Refused("only who asked for this cover, who took it, or a manager can withdraw it")
        by = who.id if mine else before.asker
        after = await self._covers.withdraw(cover, by, self.roster.clock.now())
        asker, taker = await self._name(before.asker), await self._name(before.taker)
        if before.stand is Stand.WITHDRAWN:
            return await self._agreed(after)
        if by == before.taker:
            text = f"{taker} cannot cover {asker} {self._hours(after)} after all; somebody else is needed."
            tell = tuple(dict.fromkeys((before.asker, *await self._others(after, who))))
            return await self._agreed(after, tell, text)
        text = f"{asker} needs no cover any more {self._hours(before)}"
        tell = self._but(who, before.asker, before.taker)
        return await self._agreed(after, tell, text + (f"; {taker} is not on call for them." if taker else "."))

    # -- looking -----------------------------------------------------------------------------------------------------

    async def _asker(self, who: Profile, instead_of: str) -> Profile:
        if not instead_of or instead_of == who.key:
            return who
        if not who.roles & MANAGING:
            raise Refused("only a manager may ask for somebody else; ask them to do it themselves")
        found = await self.roster.people.by_key(instead_of)
        if found is None:
            raise NotFound("person", instead_of, sorted(each.key for each in await self.roster.people.everyone()))
        return found

    async def _not_on_call(self, rota: str, asker: Profile, who: Profile, start: datetime) -> str:
        """That there is nothing to cover, and when there is."""
        ahead = await self.roster.shifts(rota, start, start + ELSEWHERE)
        next_one: Stint | None = next((each for each in ahead if each.key == asker.key), None)
        subject = "you are" if asker.id == who.id else f"{asker.name} is"
        said = f"{subject} not on call for {self.roster.plans.title(rota)} in that time"
        if next_one is None:
            return said
        zone = ZoneInfo(self.roster.plans.zone(rota))
        return f"{said}; the next shift begins {next_one.start.astimezone(zone):%a %d %b at %H:%M} ({zone.key})"

    async def _not_twice(self, rota: str, asker: Profile, who: Profile, start: datetime, end: datetime) -> None:
        for each in self.roster.covers:
            stands = each.stand is not Stand.WITHDRAWN and each.rota == rota and each.asker == asker.id
            if stands and each.start < end and start < each.end:
                by = f"; {await self._name(each.taker)} takes it" if each.taker else "; nobody has taken it yet"
                whose = "you have" if asker.id == who.id else f"{asker.name} has"
                raise Refused(f"{whose} asked for some of that time already, {self._hours(each)}{by}")

    async def _known(self, cover: str) -> Cover:
        await self.roster.reread()
        found = next((each for each in self.roster.covers if each.id == cover), None)
        if found is None:
            raise NotFound("cover", cover)
        return found

    def _asking(self, cover: Cover, asker: str) -> str:
        text = f"{asker} asks to be covered {self._hours(cover)}"
        return text + (f": {cover.because}" if cover.because else ".")

    async def _others(self, cover: Cover, who: Profile | None) -> tuple[str, ...]:
        """Everybody of that rota who could take it: on call some time around it, and reachable."""
        month = timedelta(days=35)
        around = await self.roster.shifts(cover.rota, cover.start - month, cover.end + month)
        ids = [each.person for each in around if each.person and each.person != cover.asker]
        found = [await self.roster.people.by_id(each) for each in dict.fromkeys(ids)]
        return self._but(who, *(each.id for each in found if each and self.roster.ways(each)))

    def _but(self, who: Profile | None, *people: str) -> tuple[str, ...]:
        return tuple(each for each in dict.fromkeys(people) if each and (who is None or each != who.id))

    async def _name(self, person: str) -> str:
        found = await self.roster.people.by_id(person) if person else None
        return found.name if found else person

    def _hours(self, cover: Cover) -> str:
        """On which rota and when, in its own zone."""
        zone = ZoneInfo(self.roster.plans.zone(cover.rota))
        start, end = cover.start.astimezone(zone), cover.end.astimezone(zone)
        until = f"{end:%H:%M}" if start.date() == end.date() else f"{end:%a %d %b %H:%M}"
        return f"for {self.roster.plans.title(cover.rota)}, {start:%a %d %b %H:%M} to {until} ({zone.key})"


def _roles(who: Profile) -> str:
    return ", ".join(sorted(who.roles)) or "none"
