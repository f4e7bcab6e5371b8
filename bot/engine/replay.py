"""Replaying: what the watch would have said over a stretch of the past, told change by change."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from bot.engine.course import Course, Turn
from bot.slo.batch import Batch
from bot.slo.grid import MILLISECOND, to_ms
from bot.slo.spec import Slo

__all__ = ["LONGEST_STEP", "Replay", "Summary", "Turn", "line", "summary"]

LONGEST_STEP = timedelta(minutes=1)
"""After two minutes without a look everything would be a gap."""


@dataclass(frozen=True, slots=True)
class Summary:
    """What a replay came to; `no_data` counts the incidents that silence alone would have opened."""

    start: datetime
    end: datetime
    step: timedelta
    slos: int
    pages: int
    tickets: int
    notices: int
    no_data: int
    unknown: timedelta
    budget_by_day: Mapping[str, Mapping[str, float]]

    def as_dict(self) -> dict[str, Any]:
        """The closing line of a replay; it has no `to`."""
        return {
            "slos": self.slos,
            "pages": self.pages,
            "tickets": self.tickets,
            "notices": self.notices,
            "no_data": self.no_data,
            "unknown_s": seconds(self.unknown),
            "budget_by_day": {name: dict(held) for name, held in self.budget_by_day.items()},
            "start": moment(self.start),
            "end": moment(self.end),
            "step_s": seconds(self.step),
        }


class Replay:
    """Polls the past at `start` and every `step` after it up to `end`, whether or not there is a sample.

    Each objective starts from nothing: UNKNOWN, its windows empty. What could be said earlier is not assumed.
    """

    def __init__(
        self,
        slos: Sequence[Slo],
        *,
        start: datetime,
        end: datetime,
        step: timedelta,
        lookback: timedelta,
        hurried: bool = True,
    ) -> None:
        self.start, self.end, self.step, self.lookback = start, end, step, lookback
        self.courses = [Course(slo, step, lookback, hurried=hurried) for slo in slos]
        self._next = to_ms(start)

    @property
    def since(self) -> datetime:
        """Samples after this time belong to the replay: what the first poll looks back to."""
        return self.start - self.lookback

    def feed(self, upto: datetime, batch: Batch) -> list[Turn]:
        """Poll at every moment up to `upto`, on the samples since the last call; in order of time, then of objective.

        `upto` is a moment to poll at, or the end: later samples of this batch are not looked at again.
        """
        last, end, step = to_ms(min(upto, self.end)), to_ms(self.end), self.step // MILLISECOND
        moments = range(self._next, last + 1, step)
        if not moments:
            return []
        self._next = moments[-1] + step
        found: list[Turn] = []
        for course in self.courses:
            found += course.run(batch, moments, end)
            course.tidy(upto)
        return sorted(found, key=lambda turn: turn.at)

    async def run(self, past: AsyncIterator[tuple[datetime, Batch]]) -> AsyncIterator[Turn]:
        """Every change, as soon as it is known. Raises Unavailable where the past cannot be had."""
        async for upto, batch in past:
            for turn in self.feed(upto, batch):
                yield turn


def summary(replays: Sequence[Replay]) -> Summary:
    """What replays of one stretch of time came to, together."""
    first = replays[0]
    tallies = {course.slo.name: course.tally for replay in replays for course in replay.courses}
    opened = [tally.opened for tally in tallies.values()]
    return Summary(
        first.start,
        first.end,
        first.step,
        slos=len(tallies),
        pages=sum(each["page"] for each in opened),
        tickets=sum(each["ticket"] for each in opened),
        notices=sum(each["notice"] for each in opened),
        no_data=sum(tally.blind for tally in tallies.values()),
        unknown=sum((tally.unknown for tally in tallies.values()), timedelta(0)),
        budget_by_day={name: tally.budget_by_day for name, tally in tallies.items()},
    )


def line(turn: Turn) -> dict[str, Any]:
    """One change as a machine reads it."""
    return {
        "at": moment(turn.at),
        "slo": turn.slo.name,
        "slice": str(turn.slo.slice or ""),
        "from": turn.before.name,
        "to": turn.after.name,
        "because": turn.because,
        "burn": turn.burn,
        "budget_remaining": turn.budget_remaining,
        "onset": moment(turn.onset) if turn.onset else None,
    }


def moment(at: datetime) -> str:
    """RFC 3339 in UTC, without idle digits: 2026-11-20T12:00:05Z."""
    text = at.replace(tzinfo=None).isoformat(timespec="milliseconds" if at.microsecond else "seconds")
    return f"{text}Z"


def seconds(length: timedelta) -> float | int:
    """A length in seconds, whole where it is."""
    held = length.total_seconds()
    return int(held) if held.is_integer() else held
