"""Which channels to people work, by what became of the pages that went through them."""

from __future__ import annotations

from dataclasses import dataclass, field

MANY, SEVERAL = 3, 2
"""A channel fails for everybody once so many pages in a row were lost on it, or those of several people."""


@dataclass
class Line:
    """One channel since a page last went through."""

    failed: int = 0
    people: set[str] = field(default_factory=set)
    because: str = ""

    @property
    def down(self) -> bool:
        """Whether it fails for everybody, as far as anybody can tell."""
        return self.failed >= MANY or len(self.people) >= SEVERAL


class Lines:
    """Remembers of each channel the pages it lost since one last went through."""

    def __init__(self) -> None:
        self.by_channel: dict[str, Line] = {}

    def took(self, channel: str) -> None:
        """A page went through."""
        self.by_channel[channel] = Line()

    def lost(self, channel: str, person: str, because: str) -> None:
        """A page could not be sent, for a reason that is the channel's own and not the person's."""
        line = self.by_channel.setdefault(channel, Line())
        line.failed += 1
        line.people.add(person)
        line.because = because
