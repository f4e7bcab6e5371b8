"""Who is on call, for everybody who asks: rotas of ours, schedules kept elsewhere, covers, and the directory, at hand.

Nothing here asks anybody: schedules and covers are read by `refresh` beforehand, so that a page waits for no provider.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Protocol
from zoneinfo import ZoneInfo

from bot.clock import Clock
from bot.domain.errors import NotFound, TocsinError
from bot.domain.escalation import Ladder, Rung
from bot.domain.incident import Incident
from bot.domain.nobody import Lack
from bot.domain.policy import Severity
from bot.domain.quiet import QuietHours
from bot.engine.calling import Contact
from bot.engine.instead import Standing, in_place
from bot.engine.ports import People
from bot.engine.roster_ports import Cover, Covers, Stand
from bot.engine.schedules import Schedules
from bot.engine.values import Profile
from bot.engine.ways import ways
from bot.rota import shifts as by_rota
from bot.rota.escalation import Escalation, rota_of
from bot.rota.rota import Override, Rota, Shift
from bot.telemetry import log as logger

AROUND = timedelta(days=35)
"""How far the beginning and the end of a shift are looked for."""
KNOWN_FOR = timedelta(days=40)
"""How long ended covers are kept at hand: calendars show a month of the past."""


class Place(Protocol):
    """What is told of a schedule kept elsewhere."""

    @property
    def provider(self) -> str: ...

    @property
    def title(self) -> str: ...

    @property
    def zone(self) -> str: ...


@dataclass(frozen=True)
class Plans:
    """What the files say of who is on call: everything but what changes by the hour."""

    rotas: Mapping[str, Rota] = field(default_factory=dict)
    elsewhere: Mapping[str, Place] = field(default_factory=dict)
    by_service: Mapping[str, Escalation] = field(default_factory=dict)
    instead: tuple[Escalation, ...] = ()  # where nobody is on call: the first of them on which somebody stands
    contacts: Mapping[str, Contact] = field(default_factory=dict)  # by key
    pagers: tuple[str, ...] = ()  # in the order in which they are tried
    quiet: QuietHours | None = None
    timezone: str = "UTC"

    @property
    def names(self) -> tuple[str, ...]:
        """Every rota, ours and others'."""
        return tuple(sorted({*self.rotas, *self.elsewhere}))

    def title(self, rota: str) -> str:
        """What people call it."""
        known = self.rotas.get(rota) or self.elsewhere.get(rota)
        return (known.title if known else "") or rota

    def zone(self, rota: str) -> str:
        """Whose clocks it goes by."""
        known = self.rotas.get(rota) or self.elsewhere.get(rota)
        return known.zone if known else self.timezone


@dataclass(frozen=True, slots=True)
class Stint:
    """Somebody is on call by a rota from `start` up to `end` (UTC). `person` is "" where the directory knows nobody.

    `instead_of` is whom they stand in for by a cover, by name.
    """

    rota: str
    person: str
    key: str
    name: str
    start: datetime
    end: datetime
    because: str = ""
    instead_of: str = ""


class Roster:
    """Who is on call. Every answer is from what is at hand; people are opaque ids in what it gives out."""

    def __init__(
        self,
        plans: Plans,
        people: People,
        clock: Clock,
        *,
        covers: Covers | None = None,
        schedules: Schedules | None = None,
    ) -> None:
        self.plans, self.people, self.clock, self.kept = plans, people, clock, covers
        self.schedules = schedules or Schedules({}, None, clock)
        self.covers: tuple[Cover, ...] = ()  # those not long over, the one taken last last
        self.overrides: Mapping[str, tuple[Override, ...]] = {}  # covers that were taken, by rota
        self._keys: dict[str, str] = {}  # how a provider calls somebody → their key, "" for nobody of ours
        self._unknown: dict[str, None] = {}

    # -- at hand -----------------------------------------------------------------------------------------------------

    async def restore(self) -> None:
        """Take up what was known before the restart."""
        await self.schedules.restore()
        await self.reread()

    async def refresh(self) -> None:
        """Read the covers and ask the providers whose time has come. Never raises; a page never waits for it."""
        await self.reread()
        await self.schedules.refresh()

    async def reread(self) -> None:
        """Read the covers again; where the database is silent what is known stands. Never raises."""
        self._keys.clear()
        try:
            if self.kept is not None:
                self.covers = tuple(await self.kept.since(self.clock.now() - KNOWN_FOR))
            self.overrides = await self._taken()
        except TocsinError as error:
            logger().warning("covers cannot be read; those known before stand", because=str(error))

    async def _taken(self) -> dict[str, tuple[Override, ...]]:
        found: dict[str, list[Override]] = {}
        for cover in self.covers:
            if cover.stand is not Stand.TAKEN:
                continue
            asker, taker = await self.people.by_id(cover.asker), await self.people.by_id(cover.taker)
            if asker is not None and taker is not None:
                found.setdefault(cover.rota, []).append(Override(cover.start, cover.end, taker.key, asker.key))
        return {rota: tuple(each) for rota, each in found.items()}

    # -- by rota -----------------------------------------------------------------------------------------------------

    async def who(self, rota: str, at: datetime | None = None) -> tuple[Stint, ...]:
        """Who is on call by that rota at that time, each with the whole of their shift. Raises NotFound."""
        at = at or self.clock.now()
        around = await self.shifts(rota, at - AROUND, at + AROUND)
        return tuple(each for each in around if each.start <= at < each.end)

    async def shifts(self, rota: str, start: datetime, end: datetime) -> tuple[Stint, ...]:
        """Everybody's shifts by that rota from `start` up to `end`, cut off at both, in order. Raises NotFound."""
        self._require(rota)
        return tuple([await self._stint(rota, shift) for shift in await self._between(rota, start, end)])

    async def _between(self, rota: str, start: datetime, end: datetime) -> list[Shift]:
        covers = self.overrides.get(rota, ())
        if (own := self.plans.rotas.get(rota)) is not None:
            return by_rota.shifts(own, start, end, covers)
        told = self.schedules.told(rota)
        if told is None:
            return []
        named = [
            Shift(await self._key(s.person) or s.person, max(s.start, start), min(s.end, end), s.because)
            for s in told.shifts
            if s.start < end and start < s.end
        ]
        return covered(named, covers)

    async def _now(self, rota: str, at: datetime) -> tuple[str, ...]:
        """The keys of those on call, as quickly as that can be told."""
        if (own := self.plans.rotas.get(rota)) is not None:
            return by_rota.on_call(own, at, self.overrides.get(rota, ()))
        shifts = await self._between(rota, at, at + timedelta(seconds=1))
        return tuple(dict.fromkeys(shift.person for shift in shifts))

    def _require(self, rota: str) -> None:
        if rota not in self.plans.rotas and rota not in self.plans.elsewhere:
            raise NotFound("rota", rota, list(self.plans.names))

    async def _stint(self, rota: str, shift: Shift) -> Stint:
        profile = await self.people.by_key(shift.person)
        covering = await self._covering(rota, shift)
        person, name = (profile.id, profile.name) if profile else ("", shift.person)
        because = "cover" if covering else shift.because
        return Stint(rota, person, shift.person, name, shift.start, shift.end, because, covering)

    async def _covering(self, rota: str, shift: Shift) -> str:
        """Whom somebody stands in for over the whole of a shift, by name."""
        for each in reversed(self.overrides.get(rota, ())):
            if each.person == shift.person and each.start <= shift.start and shift.end <= each.end:
                asker = await self.people.by_key(each.instead_of)
                return asker.name if asker else each.instead_of
        return ""

    async def _key(self, told: str) -> str:
        """Whom a provider means: by mail address, by name, or by key; "" for nobody of ours."""
        if not self._keys:
            everyone = await self.people.everyone()
            names = [each.name.casefold() for each in everyone]
            self._keys |= {
                each.name.casefold(): each.key for each in everyone if names.count(each.name.casefold()) == 1
            }
            self._keys |= {each.key: each.key for each in everyone}
            self._keys |= {each.email.casefold(): each.key for each in everyone if each.email}
        found = self._keys.get(told.casefold(), "")
        if not found:
            self._report(told)
        return found

    # -- by service --------------------------------------------------------------------------------------------------

    async def on_call(self, service: str, at: datetime | None = None) -> tuple[str, ...]:
        """Everybody who is on call for that service now, first rung first (opaque ids); nobody who merely stands in."""
        return (await self.ladder(service, at)).people

    async def ladder(self, about: str | Incident, at: datetime | None = None) -> Ladder:
        """The levels of a service's escalation with those who stand on them at that time.

        For an incident it says too who is not to be woken for its severity, and where nobody stands on any level, who
        is paged in their place. Whoever is unknown is left out and reported; a level of nobody stays, so that the next
        one is climbed at once.
        """
        at = at or self.clock.now()
        if isinstance(about, str):
            return self._ladder(await self._standing(self.plans.by_service.get(about), at), None, at)
        own = await self._standing(self.plans.by_service.get(about.service), at)
        if own.people or about.is_silent:  # a silent one pages nobody
            return self._ladder(own, about.severity, at)
        lack = Lack.VACANT if own.levels else Lack.UNSAID
        return self._ladder(await self._in_place(own, at), about.severity, at, lack)

    async def instead(self, service: str, at: datetime | None = None) -> tuple[str, ...]:
        """Who is paged for that service although nobody is on call for it; nobody where somebody is (opaque ids)."""
        at = at or self.clock.now()
        own = await self._standing(self.plans.by_service.get(service), at)
        return () if own.people else tuple(each.id for each in (await self._in_place(own, at)).people)

    def _ladder(self, standing: Standing, severity: Severity | None, at: datetime, lack: Lack | None = None) -> Ladder:
        everybody = {each.id: each for each in (*standing.people, *standing.end)}
        return Ladder(
            rungs=tuple(Rung(tuple(each.id for each in people), level.within) for level, people in standing.levels),
            rounds=standing.rounds,
            end=tuple(each.id for each in standing.end),
            quiet=self._quiet(everybody.values(), severity, at),
            ways={name: self.ways(each) for name, each in everybody.items()},
            lack=lack,
        )

    async def _standing(self, escalation: Escalation | None, at: datetime) -> Standing:
        if escalation is None:
            return Standing()
        levels = tuple([(level, tuple(await self._people(level.page, at))) for level in escalation.levels])
        return Standing(levels, tuple(await self._people(escalation.end, at)), escalation.rounds)

    async def _in_place(self, own: Standing, at: datetime) -> Standing:
        return in_place(own, [await self._standing(each, at) for each in self.plans.instead])

    async def _people(self, entries: Iterable[str], at: datetime) -> list[Profile]:
        found: dict[str, Profile] = {}
        for entry in entries:
            rota = rota_of(entry)
            for key in await self._now(rota, at) if rota else (entry,):
                profile = await self.people.by_key(key)
                if profile is None:
                    self._report(key)
                else:
                    found[profile.id] = profile
        return list(found.values())

    def _quiet(self, people: Iterable[Profile], severity: Severity | None, at: datetime) -> dict[str, datetime]:
        quiet = self.plans.quiet
        if quiet is None or severity is None or severity not in quiet.severities:
            return {}
        return {each.id: until for each in people if (until := quiet.ends(at, self.zone_of(each))) is not None}

    def zone_of(self, person: Profile) -> ZoneInfo:
        """Whose clocks a person lives by."""
        return ZoneInfo(self.contact(person).zone or self.plans.timezone)

    def contact(self, person: Profile) -> Contact:
        """Where they are reached beside the chat."""
        return self.plans.contacts.get(person.key) or Contact(person.key, person.email)

    def ways(self, person: Profile) -> tuple[str, ...]:
        """The channels that can reach them, in the order in which they are tried."""
        return ways(person, self.contact(person), self.plans.pagers)

    # -- what is not as it should be ---------------------------------------------------------------------------------

    def _report(self, who: str) -> None:
        if who not in self._unknown:
            logger().warning("somebody on call is not in people.yaml and cannot be paged", who=who)
        self._unknown[who] = None

    @property
    def unknown(self) -> tuple[str, ...]:
        """Who was met on call and is nobody of ours, since the start."""
        return tuple(self._unknown)

    def age(self, rota: str) -> timedelta | None:
        """How old what is known of a schedule kept elsewhere is; None of our own, or where it never answered."""
        told = self.schedules.told(rota)
        return self.clock.now() - told.at if told else None


def covered(shifts: Sequence[Shift], covers: Iterable[Override]) -> list[Shift]:
    """The shifts after each cover in turn put its taker in the place of whom it is for."""
    found = list(shifts)
    for cover in covers:
        after: list[Shift] = []
        for shift in found:
            begin, stop = max(shift.start, cover.start), min(shift.end, cover.end)
            if shift.person != cover.instead_of or begin >= stop:
                after.append(shift)
                continue
            pieces = (
                replace(shift, end=begin),
                Shift(cover.person, begin, stop, by_rota.OVERRIDE),
                replace(shift, start=stop),
            )
            after += [piece for piece in pieces if piece.start < piece.end]
        found = after
    return sorted(_once(found), key=lambda shift: shift.start)


def _once(shifts: Iterable[Shift]) -> list[Shift]:
    """One person's shifts that overlap are one: a cover may overlap the taker's own."""
    done: list[Shift] = []
    held: dict[str, Shift] = {}
    for shift in sorted(shifts, key=lambda each: each.start):
        known = held.get(shift.person)
        if known is not None and shift.start < known.end:
            held[shift.person] = replace(known, end=max(known.end, shift.end))
            continue
        if known is not None:
            done.append(known)
        held[shift.person] = shift
    return [*done, *held.values()]
