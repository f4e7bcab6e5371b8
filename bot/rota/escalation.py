"""An escalation as its file says it: levels of people and rotas, climbed until somebody answers."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import timedelta

from bot.domain.escalation import ROUNDS
from bot.domain.service import Service
from bot.rota.rota import Rota

OF_ROTA = "rota:"


@dataclass(frozen=True, slots=True)
class Level:
    """Everybody on it is paged at once: keys of people.yaml, or `rota:NAME` for whoever is on call by that rota then.

    `within` is how long they have until the next level is climbed; None is the policy's time to acknowledge.
    """

    page: tuple[str, ...]
    within: timedelta | None = None


@dataclass(frozen=True, slots=True)
class Escalation:
    """Levels, climbed `rounds` times; then `end` are told that nobody answered."""

    name: str
    levels: tuple[Level, ...]
    rounds: int = ROUNDS
    end: tuple[str, ...] = ()

    @classmethod
    def of(cls, name: str, entries: Iterable[str]) -> Escalation:
        """Each entry a level of its own, the first one first."""
        return cls(name, tuple(Level((entry,)) for entry in entries))

    @property
    def paged(self) -> tuple[str, ...]:
        """Everybody and every rota on its levels, each once, the lowest level first."""
        return tuple(dict.fromkeys(entry for level in self.levels for entry in level.page))

    @property
    def rotas(self) -> tuple[str, ...]:
        """The names of the rotas it pages or tells."""
        return tuple(dict.fromkeys(name for entry in (*self.paged, *self.end) if (name := rota_of(entry))))


def rota_of(entry: str) -> str:
    """The rota an entry names; "" where it names a person."""
    return entry.removeprefix(OF_ROTA) if entry.startswith(OF_ROTA) else ""


def climbed_for(service: Service, escalations: Mapping[str, Escalation]) -> Escalation:
    """How pages for a service climb: by its escalation, or each entry of its on_call a level of its own."""
    named = escalations.get(service.escalation)
    return named if named is not None else Escalation.of(service.name, service.on_call)


def members(rota: Rota) -> tuple[str, ...]:
    """Everybody who takes a turn in it or stands in for somebody, each once."""
    turns = [person for layer in rota.layers for turn in layer.turns for person in turn]
    return tuple(dict.fromkeys((*turns, *(each.person for each in rota.overrides if each.person))))


def everybody(entries: Iterable[str], rotas: Mapping[str, Rota]) -> tuple[str, ...]:
    """The people entries may ever stand for, each once; those of schedules kept elsewhere are not known here."""
    found: dict[str, None] = {}
    for entry in entries:
        name = rota_of(entry)
        found |= dict.fromkeys((entry,) if not name else members(rotas[name]) if name in rotas else ())
    return tuple(found)
