"""What a sender answers when it is asked what fires."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from bot.domain.alert import Alert


@dataclass(frozen=True, slots=True)
class Active:
    """What a sender says fires now. `hushed` fires too, but somebody there wished not to hear of it."""

    firing: Sequence[Alert]
    hushed: Sequence[Alert] = ()
    undated: Sequence[Alert] = ()
    """These fire too; since when, the sender told so wrongly that they count from when they were first heard of."""
    whole: bool = False
    """Whether it is certain that nothing else fires there; else nothing is over because it is missing here."""
    because: str = ""
    """Why that is not certain."""
