"""Who must sign what is told to others: capacities, such as legal or technical, by the kind of notice."""

from __future__ import annotations

from dataclasses import dataclass
from fnmatch import fnmatchcase


@dataclass(frozen=True, slots=True)
class SignOff:
    """One signature a notice needs: in which capacity, and by people with which badges."""

    capacity: str
    badges: frozenset[str]


@dataclass(frozen=True, slots=True)
class NoticeRules:
    """What holds for notices: the signatures by kind, who answers for clocks, and when people are reminded of them.

    `sign_offs` are (pattern of the template, signatures); the first pattern that fits holds. `owners` and `deputies`
    are badges; `remind_at` are shares of the time from the clock's start to the strict date.
    """

    sign_offs: tuple[tuple[str, tuple[SignOff, ...]], ...] = ()
    owners: frozenset[str] = frozenset()
    deputies: frozenset[str] = frozenset()
    remind_at: tuple[float, ...] = (0.5, 0.75, 0.9)

    def of(self, template: str) -> tuple[SignOff, ...]:
        """The signatures a notice of that kind needs; () where no rule speaks of it."""
        return next((offs for pattern, offs in self.sign_offs if fnmatchcase(template, pattern)), ())
