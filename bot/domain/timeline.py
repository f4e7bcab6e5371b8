"""The timeline people read: every fact of the log in the order in which it was so, each as one sentence."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import UTC, datetime

from bot.domain.log import Entry, Sentence, Slot, When, Who


@dataclass(frozen=True, slots=True)
class Line:
    """One fact: when it was so, when it was recorded, who recorded it, and the sentence."""

    seq: int
    at: datetime
    recorded: datetime
    by: str
    name: str
    sentence: Sentence

    @property
    def late(self) -> bool:
        """True where it was recorded noticeably after it was so (both times are then worth showing)."""
        return (self.recorded - self.at).total_seconds() >= 1.0


def timeline(entries: Iterable[Entry]) -> list[Line]:
    """The lines in the order (happened, recorded): a later correction of a time stands beside the first belief."""
    lines = [
        Line(e.seq, e.happened_at, e.at, e.by, type(e.event).__name__, e.event.says(e.by))
        for e in entries
        if not e.event.quiet
    ]
    return sorted(lines, key=lambda line: (line.at, line.seq))


def plain(sentence: Sentence, name_of: Callable[[str], str], zone: Callable[[datetime], str] | None = None) -> str:
    """The sentence as plain text; `name_of` turns opaque ids into names, `zone` writes times (UTC by default)."""

    def write(value: Slot) -> str:
        match value:
            case Who(id=person):
                return name_of(person)
            case When(at=at):
                return zone(at) if zone else f"{at.astimezone(UTC):%Y-%m-%d %H:%M:%S} UTC"
            case _:
                return str(value)

    return "".join(write(value) for _name, value in sentence.pieces())
