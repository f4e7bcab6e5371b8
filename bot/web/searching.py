"""What an auditor asks of the record, as it was typed: a person, a kind, an incident, a stretch of time."""

from __future__ import annotations

import json
import re
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Annotated

from fastapi import Depends, Query

from bot.domain.errors import NotFound, Refused
from bot.domain.log import TOCSIN, Event
from bot.domain.policy import Role
from bot.engine.record import MOST, Record, Wanted, Written
from bot.engine.values import Profile
from bot.web.door import Console
from bot.web.shape import rfc3339
from bot.web.shapes_audit import EntryShape

COLUMNS = ("incident", "entry", "at", "by", "kind", "cause", "hash", "hash before")


@dataclass(frozen=True, slots=True)
class Typed:
    """The fields of the search, as they were typed; empty where left out."""

    person: str = ""
    kind: str = ""
    incident: str = ""
    start: str = ""
    end: str = ""

    @property
    def any(self) -> bool:
        """Whether anything narrows it."""
        return any((self.person, self.kind, self.incident, self.start, self.end))

    @property
    def fields(self) -> Mapping[str, str]:
        """What a link carries on."""
        held = {name: getattr(self, name) for name in self.__slots__}
        return {name: value for name, value in held.items() if value}


_Field = Annotated[str, Query(max_length=200)]
_Of = Annotated[str, Query(alias="kind", max_length=200)]


def _typed(person: _Field = "", of: _Of = "", incident: _Field = "", start: _Field = "", end: _Field = "") -> Typed:
    return Typed(person, of, incident, start, end)


Search = Annotated[Typed, Depends(_typed)]
"""The search as an address carries it."""
After = Annotated[str, Query(max_length=600)]
"""Where the answer before it ended."""


def record(here: Console) -> Record:
    """The record below the incidents. Raises NotFound where this console was handed none."""
    if here.house.record is None:
        raise NotFound("record", "audit")
    return here.house.record


async def wanted(here: Console, who: Profile, typed: Typed) -> Wanted:
    """What is meant. Raises Refused with the field that cannot be read, NotFound for what this person may not see."""
    if typed.kind and typed.kind not in Event.named:
        raise Refused(f"there is no kind of entry called {typed.kind!r}")
    if typed.incident:
        await here.incident(typed.incident.strip(), who)
    return Wanted(
        by=await _person(here, typed.person.strip()),
        name=typed.kind,
        incident=typed.incident.strip(),
        start=_time(typed.start, "from"),
        end=_time(typed.end, "until", whole_day=True),
        all_incidents=Role.ADMIN in who.roles,
    )


async def _person(here: Console, named: str) -> str:
    """The opaque id of whoever is called that: by key, or by the id itself, which the record keeps for ever."""
    if not named or named.casefold() == TOCSIN:
        return named.casefold()
    found = await here.desk.people.by_key(named) or await here.desk.people.by_id(named)
    if found is None:
        raise Refused(f"nobody is called {named!r}: give a key of people.yaml, or an id as the record tells it")
    return found.id


def _time(text: str, field: str, *, whole_day: bool = False) -> datetime | None:
    """A time in UTC, or a day; a day that ends a stretch belongs to it."""
    if not (text := text.strip()):
        return None
    try:
        at = datetime.fromisoformat(text)
        at = at.replace(tzinfo=UTC) if at.tzinfo is None else at.astimezone(UTC)
        return at + timedelta(days=1) if whole_day and re.fullmatch(r"\d{4}-\d{2}-\d{2}", text) else at
    except (ValueError, OverflowError):
        raise Refused(
            f"{field}: {text!r} is no time; expected such as 2026-11-20 or 2026-11-20T12:00, in UTC"
        ) from None


def in_words(kind: str) -> str:
    """A kind of entry as a person reads it: MitigationApproved → mitigation approved."""
    return re.sub(r"(?<!^)(?=[A-Z])", " ", kind).lower()


async def names(here: Console) -> dict[str, str]:
    """People by opaque id, Tocsin among them."""
    return {TOCSIN: "Tocsin", **{each.id: each.name for each in await here.desk.people.everyone()}}


async def every(held: Record, asked: Wanted, *, limit: int = MOST) -> AsyncIterator[Written]:
    """All that is meant, so many a page, however long that is."""
    after = ""
    while True:
        page = await held.search(asked, after=after, limit=limit)
        for entry in page.entries:
            yield entry
        if not page.next:
            return
        after = page.next


def row(entry: Written, known: Mapping[str, str]) -> tuple[object, ...]:
    """One entry as a row of COLUMNS."""
    by = known.get(entry.by, entry.by)
    return (entry.incident, entry.seq, rfc3339(entry.at), by, entry.name, entry.cause, entry.hash, entry.before)


def line(entry: Written) -> str:
    """One entry as a line of JSON."""
    return json.dumps(EntryShape.of(entry).model_dump(mode="json"), ensure_ascii=False) + "\n"
