"""What an export holds, in our own terms: people, rotas, escalations, and what has no place among them."""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from bot.rota.escalation import Escalation as Climbed
from bot.rota.rota import Rota


@dataclass(frozen=True, slots=True)
class Person:
    """An entry of people.yaml; "" and () are left out of it."""

    key: str
    name: str
    email: str = ""
    phone: str = ""
    zone: str = ""
    reach: tuple[str, ...] = ()
    slack_user: str = ""
    slack_team: str = ""
    source: str = ""
    is_new: bool = True
    """False where people.yaml names them already; then nothing of theirs is changed."""


@dataclass(frozen=True, slots=True)
class Escalation(Climbed):
    """A file of escalations/, and where it came from."""

    title: str = ""
    source: str = ""


@dataclass(frozen=True, slots=True)
class Elsewhere:
    """A rota that stays where it is: its calendar is read from there."""

    name: str
    title: str
    zone: str
    provider: str
    settings: Mapping[str, object]
    source: str = ""


@dataclass(frozen=True, slots=True)
class Found:
    """A rota of ours, where it and each of its layers and overrides came from."""

    rota: Rota
    source: str
    layers: tuple[str, ...] = ()
    overrides: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Seen:
    """Who the other system itself says is on call: `person` from `start` to `end`."""

    person: str
    start: datetime
    end: datetime


@dataclass(frozen=True, slots=True)
class Remark:
    """What does not carry over, or not as it was: its place in the export, and why."""

    place: str
    what: str


@dataclass
class Harvest:
    """All that an export gave."""

    vendor: str
    read: Counter[str] = field(default_factory=Counter)
    people: list[Person] = field(default_factory=list)
    rotas: list[Found] = field(default_factory=list)
    elsewhere: list[Elsewhere] = field(default_factory=list)
    escalations: list[Escalation] = field(default_factory=list)
    remarks: list[Remark] = field(default_factory=list)
    seen: dict[tuple[str, ...], list[Seen]] = field(default_factory=dict)
    """By the names of the rotas that stand for one schedule."""

    def remark(self, place: object, what: str) -> None:
        """Say that something does not carry over."""
        said = Remark(str(place), what)
        if said not in self.remarks:
            self.remarks.append(said)


@dataclass(frozen=True, slots=True)
class Known:
    """Somebody whom people.yaml names already."""

    key: str
    name: str
    email: str = ""


SHORTEST, LONGEST = timedelta(seconds=15), timedelta(days=1)
"""What a level may wait."""


def waiting(lasting: timedelta, place: object, harvest: Harvest) -> timedelta | None:
    """How long a level waits; None where it does not. What we cannot wait is brought near, with a remark."""
    if not lasting:
        return None
    allowed = min(max(lasting, SHORTEST), LONGEST)
    if allowed != lasting:
        harvest.remark(place, "a level waits 15 s at least and a day at most")
    return allowed


def fresh(name: str, taken: set[str], key: str) -> str:
    """The name, or where it is taken one with the id in it; it is taken from now on."""
    found = name if name not in taken else f"{name}-{slug(key)}"
    taken.add(found)
    return found


def slug(text: str) -> str:
    """A name for a file or a key: small letters, digits and hyphens; "" where nothing is left."""
    plain = unicodedata.normalize("NFKD", text.replace("ß", "ss")).encode("ascii", "ignore").decode().lower()
    return re.sub(r"[^a-z0-9]+", "-", plain).strip("-")[:60].rstrip("-")


def names(wanted: Iterable[tuple[str, str]], taken: Iterable[str] = ()) -> dict[str, str]:
    """Id → name for each (id, text); whoever would share a name has their id in it, so that order decides nothing."""
    given = dict(wanted)
    slugs = {each: slug(text) or slug(each) or "unnamed" for each, text in given.items()}
    often = Counter([*slugs.values(), *taken])
    return {each: name if often[name] == 1 else f"{name}-{slug(each)}" for each, name in slugs.items()}
