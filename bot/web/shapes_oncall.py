"""Who is on call in the API's shapes: people by key and name, never by opaque id; times in UTC."""

from __future__ import annotations

from typing import Self

from pydantic import Field

from bot.engine.board import Gap, RotaNow, ServiceNow
from bot.engine.roster import Roster, Stint
from bot.engine.roster_ports import Cover
from bot.engine.values import Profile
from bot.web.shape import Instant, Shape


class PersonShape(Shape):
    """Somebody, by key and by name; the key is "" where people.yaml knows nobody of that name."""

    key: str
    name: str

    @classmethod
    def of(cls, person: Profile | None, known: str = "") -> Self:
        """`known` is how they are called where the directory has forgotten them."""
        return cls(key=person.key, name=person.name) if person else cls(key="", name=known)


class StintShape(Shape):
    """Somebody is on call by a rota from `start` up to `end`."""

    rota: str
    person: PersonShape
    start: Instant
    end: Instant
    because: str = Field(description="The layer, `override`, or `cover`")
    instead_of: str = Field(description="Whom they stand in for by a cover")

    @classmethod
    def from_stint(cls, each: Stint) -> Self:
        who = PersonShape(key=each.key if each.person else "", name=each.name)
        return cls(
            rota=each.rota, person=who, start=each.start, end=each.end, because=each.because, instead_of=each.instead_of
        )


class RotaShape(Shape):
    """A rota at one time: who is on call, when that changes next, and who is on call then."""

    rota: str
    title: str
    zone: str
    now: list[StintShape]
    next_at: Instant | None
    next: list[StintShape]
    provider: str = Field(description="Who keeps it, where it is not ours")
    told_at: Instant | None = Field(description="When its provider last told it")
    trouble: str = Field(description="Why its provider does not answer")
    trouble_since: Instant | None

    @classmethod
    def from_rota(cls, each: RotaNow) -> Self:
        return cls(
            rota=each.rota,
            title=each.title,
            zone=each.zone,
            now=[StintShape.from_stint(stint) for stint in each.now],
            next_at=each.next_at,
            next=[StintShape.from_stint(stint) for stint in each.next],
            provider=each.provider,
            told_at=each.told_at,
            trouble=each.trouble,
            trouble_since=each.trouble_since,
        )


class LevelShape(Shape):
    """One level: as it is written, who stands on it now, and how many seconds they have."""

    entries: list[str]
    people: list[PersonShape]
    within_s: float | None


class EscalationShape(Shape):
    """Whom a page for a service comes to, level by level."""

    service: str
    title: str
    levels: list[LevelShape]
    rounds: int
    end: list[PersonShape]
    instead: list[PersonShape] = Field(description="Who is paged where nobody is on any level, in their order")

    @classmethod
    def from_service(cls, each: ServiceNow) -> Self:
        levels = [
            LevelShape(
                entries=list(level.entries),
                people=[PersonShape.of(person) for person in level.people],
                within_s=level.within.total_seconds() if level.within is not None else None,
            )
            for level in each.levels
        ]
        end = [PersonShape.of(person) for person in each.end]
        instead = [PersonShape.of(person) for person in each.instead]
        return cls(service=each.service, title=each.title, levels=levels, rounds=each.rounds, end=end, instead=instead)


class OnCallShape(Shape):
    """Who is on call at `at`; `unknown` were met on call and are nobody in people.yaml."""

    at: Instant
    rotas: list[RotaShape]
    services: list[EscalationShape]
    unknown: list[str]


class GapShape(Shape):
    """Nobody is on call by a rota."""

    rota: str
    start: Instant
    end: Instant

    @classmethod
    def from_gap(cls, each: Gap) -> Self:
        return cls(rota=each.rota, start=each.start, end=each.end)


class ShiftsShape(Shape):
    """Everybody's shifts from `start` up to `end`, and the gaps between them."""

    start: Instant
    end: Instant
    shifts: list[StintShape]
    gaps: list[GapShape]


class CoverShape(Shape):
    """Somebody asked to be stood in for; `taker` is None until somebody took it."""

    id: str
    rota: str
    title: str
    start: Instant
    end: Instant
    asker: PersonShape
    taker: PersonShape | None
    stand: str
    because: str
    asked_at: Instant | None
    taken_at: Instant | None


class AgreedShape(Shape):
    """How a cover stands after what was asked, in words too, and whom it concerns."""

    cover: CoverShape
    text: str
    concerns: list[str]


async def cover_shape(roster: Roster, each: Cover) -> CoverShape:
    """A cover with names for people."""
    asker = await roster.people.by_id(each.asker)
    taker = await roster.people.by_id(each.taker) if each.taker else None
    return CoverShape(
        id=each.id,
        rota=each.rota,
        title=roster.plans.title(each.rota),
        start=each.start,
        end=each.end,
        asker=PersonShape.of(asker, "somebody"),
        taker=PersonShape.of(taker, "somebody") if each.taker else None,
        stand=each.stand.value,
        because=each.because,
        asked_at=each.asked_at,
        taken_at=each.taken_at,
    )
