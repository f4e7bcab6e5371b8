"""Who stands on an escalation at one time, and who is paged where nobody does."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from bot.domain.escalation import ROUNDS
from bot.engine.values import Profile
from bot.rota.escalation import Level


@dataclass(frozen=True, slots=True)
class Standing:
    """The levels of an escalation with whoever stands on them, and who hears that nobody answered."""

    levels: tuple[tuple[Level, tuple[Profile, ...]], ...] = ()
    end: tuple[Profile, ...] = ()
    rounds: int = ROUNDS

    @property
    def people(self) -> tuple[Profile, ...]:
        """Everybody on a level, the lowest first, each once."""
        return tuple({each.id: each for _, people in self.levels for each in people}.values())


def in_place(own: Standing, others: Iterable[Standing]) -> Standing:
    """First those who would hear that nobody answered, then the first of the `others` on which somebody stands.

    Every level keeps its place whoever stands on it, for what was paged is known by the number of its level.
    """
    seen = {each.id for each in own.end}
    levels = [(Level(()), own.end)]
    chosen: Standing | None = None
    for each in others:
        mine = chosen is None and bool(each.people)
        levels += [
            (level, tuple(one for one in people if one.id not in seen) if mine else ()) for level, people in each.levels
        ]
        chosen = each if mine else chosen
    chosen = chosen or Standing()
    return Standing(tuple(levels), chosen.end, chosen.rounds)
