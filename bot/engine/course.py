"""One objective's course over the past: polled at every step, as the watch would have done, by the same code."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta

import numpy as np

from bot.slo.batch import Batch, Directory
from bot.slo.budget import budget
from bot.slo.burn import Verdict, burn_rate
from bot.slo.counters import Samples
from bot.slo.episode import Change, Episode, Phase, step
from bot.slo.grid import MILLISECOND, Ints, from_ms
from bot.slo.ledger import Ledger
from bot.slo.notation import length_text
from bot.slo.panel import Panel
from bot.slo.rule import Level
from bot.slo.skim import skim
from bot.slo.spec import Slo

CONTINUITY = timedelta(minutes=2)
WIDEST = timedelta(seconds=30)
SLACK = timedelta(days=2)
TIDY_EVERY = timedelta(minutes=1)
DAY = timedelta(days=1) // MILLISECOND
RETRY = 16  # polls to make one by one before calm is looked for again


@dataclass(frozen=True, slots=True)
class Turn:
    """An objective went from one phase to another; `onset` is when the data say that what it is in now began."""

    at: datetime
    slo: Slo
    before: Phase
    after: Phase
    because: str
    burn: dict[str, float | None]
    budget_remaining: float
    onset: datetime | None


@dataclass
class Tally:
    """What one objective's course came to."""

    opened: dict[str, int] = field(default_factory=lambda: {"page": 0, "ticket": 0, "notice": 0})
    blind: int = 0
    unknown: timedelta = timedelta(0)
    budget_by_day: dict[str, float] = field(default_factory=dict)


class Course:
    """The ledger, the evidence and the episode of one objective, moved on by samples of the past.

    A series not seen for `lookback` is no longer there, as in a live poll.
    """

    def __init__(self, slo: Slo, every: timedelta, lookback: timedelta, *, hurried: bool = True) -> None:
        self.hurried = hurried  # whether calm is passed over; what is told is the same
        self.slo, self.every, self.lookback = slo, every, lookback
        self.ledger = Ledger(min(every, WIDEST), max(CONTINUITY, lookback))
        self.panel = Panel(self.ledger, [slo], every)
        self.accounts = self.ledger.asked(slo)
        self.directory = Directory(self.accounts, self.ledger.lines)
        self.episode = Episode(slo.name)
        self.tally = Tally()
        self.lengths = {length_text(each): each for tier in slo.tiers for each in (tier.short, tier.long)}
        self.lengths = dict(sorted(self.lengths.items(), key=lambda each: each[1]))
        self._patience = lookback // MILLISECOND
        self._tidied = -1
        self._unread: dict[int, tuple[int, float]] = {}  # line → its newest sample, which is no number

    def run(self, batch: Batch, moments: range, end: int) -> Iterator[Turn]:
        """Poll at each of these moments (milliseconds, after all before) on the samples of this stretch."""
        samples = self._known(batch)
        times = np.arange(moments.start, moments.stop, moments.step, dtype=np.int64)
        upto = np.searchsorted(samples.at, times, side="right")
        told = self._told_at(times, moments.step, end)
        place, begin, rest = 0, 0, 0
        while place < len(times):
            if rest <= 0 and self.hurried:
                calm = self._pass_over(samples, begin, times, upto, place, int(told[place]))
                rest = 0 if calm else RETRY
                if calm:
                    self._tidy_as_of(int(times[place]), int(times[place + calm - 1]))
                    self._unknown(int(times[place]), int(times[place + calm - 1]) + moments.step)
                    place, begin = place + calm, int(upto[place + calm - 1])
                    continue
            moment, last = int(times[place]), int(upto[place])
            turn = self._poll(self._new(samples, begin, last, moment), moment)
            if turn is not None:
                yield turn
            self._unknown(moment, min(moment + moments.step, end))
            if place == told[place]:
                self.tally.budget_by_day[from_ms(moment).date().isoformat()] = self.remaining(from_ms(moment))
            place, begin, rest = place + 1, last, rest - 1

    @staticmethod
    def _told_at(times: Ints, step: int, end: int) -> Ints:
        """Of each poll, itself or the next after which the day or the replay ends: then the budget is told."""
        last = np.flatnonzero(np.diff(times // DAY, append=-1) != 0)
        if len(last) and times[-1] + step <= end and (times[-1] + step) // DAY == times[-1] // DAY:
            last = last[:-1]  # this stretch ends within a day
        nothing = len(times)
        return np.append(last, nothing)[np.searchsorted(last, np.arange(len(times)))]

    # -- many polls at once ------------------------------------------------------------------------------------------

    def _pass_over(self, samples: Samples, begin: int, times: Ints, upto: Ints, place: int, until: int) -> int:
        """Make the polls from `place` that surely change nothing, at most up to the one before `until`; how many."""
        if self._unread or until <= place:
            return 0
        if self.episode.calm or self.episode.waiting:
            ahead = samples.only(slice(begin, int(upto[until - 1])))
            waiting = self.episode.waiting
            return skim(self.ledger, self.panel, ahead, times[place:until], self._patience, waiting=waiting)
        if not self._blind_for_good(int(times[place])):
            return 0
        return int(np.searchsorted(upto[place:until], begin, side="right"))

    def _blind_for_good(self, moment: int) -> bool:
        """Whether nothing can change before there is a sample: everybody was told that there is none."""
        lines, since = self.ledger.lines, self.episode.silent_since
        lines.settle()
        gone = bool((lines.at < moment - self._patience).all())
        long = since is not None and from_ms(moment) - since > self.slo.no_data_after
        return self.episode.phase is Phase.UNKNOWN and gone and long

    def _tidy_as_of(self, first: int, last: int) -> None:
        """Thin as the polls in between would have done."""
        every = -(-TIDY_EVERY // self.every) * (self.every // MILLISECOND)
        tidied = self._tidied if self._tidied >= 0 else first
        self._tidied = tidied + (last - tidied) // every * every
        self.ledger.thin(from_ms(self._tidied))

    # -- one poll ----------------------------------------------------------------------------------------------------

    def _known(self, batch: Batch) -> Samples:
        """The samples this objective counts, by time; series that are long gone are let go of first."""
        if not self.directory.reads(self.ledger.lines):
            self.directory, self._unread = Directory(self.accounts, self.ledger.lines), {}
        found = self.directory.samples(batch)
        order = np.argsort(found.at, kind="stable")
        return Samples(found.line[order], found.at[order], found.value[order])

    def _new(self, samples: Samples, begin: int, last: int, moment: int) -> Samples:
        """What is new at this moment, and values that are none, until their series says something else."""
        new = samples.only(slice(begin, last))
        if not self._unread and np.isfinite(new.value).all():
            return new
        for line, at, value in zip(new.line.tolist(), new.at.tolist(), new.value.tolist(), strict=True):
            self._unread.pop(line, None)
            if not np.isfinite(value):
                self._unread[line] = at, value
        self._unread = {line: held for line, held in self._unread.items() if held[0] >= moment - self._patience}
        fresh = set(new.line.tolist())
        held = [(line, at, value) for line, (at, value) in self._unread.items() if line not in fresh]
        if not held:
            return new
        line, at, value = zip(*held, strict=True)
        return Samples(np.append(new.line, line), np.append(new.at, at), np.append(new.value, value))

    def _poll(self, samples: Samples, moment: int) -> Turn | None:
        at = from_ms(moment)
        poll = self.ledger.poll(self.accounts, samples, at, patience=self._patience)
        self.panel.see(poll, at)
        level = self.panel.rule(at).level[0]
        turn = None
        calm, waiting = level == Level.MET and self.episode.calm, level == Level.QUIET and self.episode.waiting
        if not calm and not waiting:
            turn = self._look(at)
        if self._tidied < 0 or moment - self._tidied >= TIDY_EVERY // MILLISECOND:
            self.ledger.thin(at)
            self._tidied = moment
        return turn

    def _look(self, at: datetime) -> Turn | None:
        before = self.episode
        evidence = self.panel.evidence(self.slo.name)
        self.episode, change, verdict = step(self.slo, self.ledger, before, at, evidence=evidence)
        if change is not None:
            self._told(change)
        if self.episode.phase is before.phase:
            return None
        return Turn(
            at=at,
            slo=self.slo,
            before=before.phase,
            after=self.episode.phase,
            because=change.because if change is not None and change.kind != "sighted" else verdict.because,
            burn=self.burn(at),
            budget_remaining=self.remaining(at),
            onset=self._onset(before, verdict),
        )

    def _told(self, change: Change) -> None:
        if change.kind in {"opened", "raised", "reopened"} and change.severity is not None:
            self.tally.opened[change.severity] += 1
        if change.kind == "blind":
            self.tally.blind += 1
        if change.kind == "recovered":
            self.panel.settle(self.slo.name, self.episode.settled_at)

    def _onset(self, before: Episode, verdict: Verdict) -> datetime | None:
        if self.episode.phase is Phase.UNKNOWN:
            return None if verdict.quiet else self.ledger.last_seen(self.slo)
        return self.episode.onset_at if self.episode.open or before.open else None

    # -- what is told ------------------------------------------------------------------------------------------------

    def burn(self, at: datetime) -> dict[str, float | None]:
        """The burn rate over each window a tier looks at, shortest first; None where nothing happened in it."""
        held = {name: self.ledger.counts(self.slo, at, length) for name, length in self.lengths.items()}
        return {name: round(burn_rate(self.slo, each), 4) if each.total else None for name, each in held.items()}

    def remaining(self, at: datetime) -> float:
        """The share of the budget that is left."""
        return round(budget(self.slo, self.ledger, at).remaining, 6)

    def _unknown(self, since: int, until: int) -> None:
        if self.episode.phase is Phase.UNKNOWN:
            self.tally.unknown += (until - since) * MILLISECOND

    def tidy(self, at: datetime) -> None:
        """Let go of what no window reaches back to."""
        self.ledger.forget(at - max(self.slo.window, self.slo.longest) - SLACK)
