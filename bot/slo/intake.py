"""What each poll adds: raw samples judged sane, present and recent, and booked exactly, for all accounts at once."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

import numpy as np

from bot.slo import counters
from bot.slo.accounts import OPERATORS, Account, Accounts
from bot.slo.batch import Batch, Directory
from bot.slo.counters import Flags, Lines, Role, Samples
from bot.slo.grid import SINCE_LAST, Grid, Ints, from_ms, to_ms
from bot.slo.slicing import Derived, named, parts_of
from bot.slo.spec import Measure, Point, Query, Slo

SKEW = 1000  # good may run ahead of the total by 1 in 1000: both are read while traffic goes on


@dataclass(frozen=True, slots=True)
class Delta:
    """What one poll added; `baseline` where it only set the ground to count from."""

    at: datetime
    good: int = 0
    bad: int = 0
    gap_good: int = 0
    gap_bad: int = 0
    baseline: bool = False

    @property
    def total(self) -> int:
        return self.good + self.bad


@dataclass(frozen=True, slots=True)
class NoData:
    """A poll that tells nothing, and why. Nothing was counted; nothing is lost either if the next poll answers soon."""

    because: str
    at: datetime


@dataclass(frozen=True, slots=True)
class Poll:
    """What one poll added to every account: (accounts,) good, bad, gap_good, gap_bad; `told` where it said anything."""

    told: Flags
    good: Ints
    bad: Ints
    gap_good: Ints
    gap_bad: Ints
    baseline: Flags
    slices: Ints  # (2, slices): part and total of each slice


IS_TOTAL = np.array([role in counters.OF_TOTAL for role in Role])


class Intake:
    """The accounts of every objective, and how samples come into them."""

    def __init__(self, width: timedelta = timedelta(seconds=1), continuity: timedelta = timedelta(minutes=2)) -> None:
        self.width, self.continuity = width, continuity
        self.grid = Grid(width)
        self.accounts = Accounts(self.grid)
        self.lines = Lines()
        self._derived: dict[str, Derived] = {}
        self._excused: dict[str, tuple[tuple[int, int], ...]] = {}

    def account(self, slo: Slo) -> Account:
        """The account of an objective, opened where there is none; another measure makes another account."""
        parts = parts_of(slo)
        if not parts:
            return self._open(slo.name, slo.indicator, slo)
        known = self._derived.get(slo.name)
        if known is not None and known.slo == slo:
            return known.own
        held = tuple((self._open(name, part.measure, slo), part) for name, part in named(slo))
        own = self._open(slo.name, slo.indicator, slo)
        derived = self._derived[slo.name] = Derived(slo, own, held)
        self.accounts.silence[own.number] += derived.length  # a slice is told when it is over
        return own

    def sources(self, slo: Slo) -> Iterator[tuple[str, Account]]:
        """Which source each account of an objective is fed from."""
        own = self.account(slo)
        derived = self._derived.get(slo.name)
        for account, part in derived.parts if derived is not None else ((own, None),):
            yield (part.source if part is not None else "") or slo.source, account

    def asked(self, slo: Slo) -> tuple[Account, ...]:
        """The accounts that samples are counted for: an objective's own, or those of its parts."""
        own = self.account(slo)
        derived = self._derived.get(slo.name)
        return (own,) if derived is None else tuple(account for account, _ in derived.parts)

    def _open(self, name: str, measure: Measure, slo: Slo) -> Account:
        silence = min(self.continuity, slo.no_data_after)
        measures = str(measure) if name != slo.name else counted(slo)
        return self.accounts.open(
            name, measure, measures, silence=silence, births=slo.births == "count", slice_by=slo.slice_by
        )

    def ingest(self, slo: Slo, part: Sequence[Point], total: Sequence[Point], at: datetime) -> Delta | NoData:
        """Count what one objective's series gained since the last poll.

        `part` are the raw samples its good (or bad) selector matches (or its only query), `total` those of its total
        selector, `at` the time of the poll. A poll that tells nothing changes nothing: the next good one still counts
        what it missed.
        """
        (asked,) = self.asked(slo)
        poll = self.poll([asked], self._samples(asked, [part, total]), at)
        account = self.account(slo)
        number = account.number
        if asked.silent is not None:
            return NoData(asked.silent, at)
        return Delta(
            from_ms(int(self.accounts.seen[number])),
            int(poll.good[number]),
            int(poll.bad[number]),
            int(poll.gap_good[number]),
            int(poll.gap_bad[number]),
            baseline=bool(poll.baseline[number]),
        )

    def read(self, accounts: Sequence[Account], points: Mapping[Query, Sequence[Point]], at: datetime) -> Poll:
        """Count what a source answered for these accounts."""
        held = [self._samples(each, [points.get(query, ()) for query in each.queries]) for each in accounts]
        return self.poll(accounts, _joined(held), at)

    def take(self, accounts: Sequence[Account], directory: Directory, batch: Batch, at: datetime) -> Poll:
        """Count one answer with the samples of all these accounts."""
        return self.poll(accounts, directory.samples(batch), at, patience=batch.patience)

    def poll(self, accounts: Sequence[Account], samples: Samples, at: datetime, *, patience: int = 0) -> Poll:
        """Count samples of these accounts' lines, all that there are at this time.

        With `patience` (milliseconds) lines seen within it are still there, though no sample of theirs is.
        """
        self.lines.settle()
        now, size = to_ms(at), self.accounts.size
        scope = np.zeros(size, dtype=bool)
        scope[[each.number for each in accounts]] = True
        present = np.zeros(len(self.lines), dtype=bool)
        present[samples.line] = True
        if patience:
            present |= self.lines.at >= now - patience
        new, contradicting = counters.fresh(samples, self.lines)
        role = self.lines.role[new.line] if len(new.line) else np.zeros(0, dtype=np.int64)
        wrong = counters.insane(new, role) | contradicting
        newest = np.full(size, -1, dtype=np.int64)
        of_total = IS_TOTAL[self.lines.role[samples.line]]
        np.maximum.at(newest, self.lines.account[samples.line[of_total]], samples.at[of_total])
        if patience:
            held = present & IS_TOTAL[self.lines.role]
            np.maximum.at(newest, self.lines.account[held], self.lines.at[held])
        told = scope & self._present(accounts, present, size)
        told &= self._sane(new, wrong, contradicting, told, size)
        told &= self._recent(accounts, newest, now, told)
        poll = self._count(new.only(told[self.lines.account[new.line]]), told, np.minimum(newest, now), size)
        for derived in self._derived.values():
            if any(scope[account.number] for account, _ in derived.parts):
                number = derived.own.number
                poll.good[number], poll.bad[number] = derived.close(self.accounts, self.grid)
                poll.told[number] = derived.own.silent is None
        return poll

    def _samples(self, account: Account, points: Sequence[Sequence[Point]]) -> Samples:
        by_line: dict[int, list[Point]] = {}
        for role, held in zip(account.roles, points, strict=False):
            for point in held:
                by_line.setdefault(self.lines.of(account.number, role, point.labels, account.slice_by), []).append(
                    point
                )
        return counters.of_points(by_line)

    def _present(self, accounts: Sequence[Account], present: Flags, size: int) -> Flags:
        """Accounts whose series are there; of the others, why they say nothing."""
        has = np.zeros((2, size), dtype=bool)
        total = IS_TOTAL[self.lines.role]
        has[0, self.lines.account[present & ~total]] = True
        has[1, self.lines.account[present & total]] = True
        whole: Flags = has[1] & (has[0] | self.accounts.part_may_lack[:size])
        for account in accounts if not whole.all() else ():
            if not whole[account.number]:
                account.silent = account.lacks(
                    total=bool(has[1, account.number]), before=bool(self.accounts.seen[account.number] >= 0)
                )
        return whole

    def _sane(self, new: Samples, wrong: Flags, contradicting: Flags, told: Flags, size: int) -> Flags:
        sane = np.ones(size, dtype=bool)
        for index in np.flatnonzero(wrong):
            line = int(new.line[index])
            account = self.accounts.by_number[int(self.lines.account[line])]
            if not sane[account.number] or not told[account.number]:
                continue
            sane[account.number] = False
            what = account.names(Role(int(self.lines.role[line])))
            account.silent = (
                f"{what} gives one series two values at one time"
                if contradicting[index]
                else counters.why_insane(float(new.value[index]), what, self.lines.labels[line])
            )
        return sane

    def _recent(self, accounts: Sequence[Account], newest: Ints, now: int, told: Flags) -> Flags:
        size = len(newest)
        recent = now - newest <= self.accounts.silence[:size]
        if not np.all(recent[told]):
            for account in accounts:
                if told[account.number] and not recent[account.number]:
                    account.silent = stale(now - int(newest[account.number]))
        return np.asarray(recent, dtype=bool)

    def _count(self, new: Samples, told: Flags, newest: Ints, size: int) -> Poll:
        books = self.accounts
        seen = books.seen[:size]
        baseline = told & (seen < 0)
        watched = told & (seen >= 0) & (newest - seen <= books.silence[:size])
        role = self.lines.role[new.line] if len(new.line) else np.zeros(0, dtype=np.int64)
        counted = new.only(role <= Role.TOTAL)
        gain = counters.increases(
            counted, self.lines, silence=books.silence[:size], births=watched & books.births[:size], size=size
        )
        gained = gain.gained
        if books.mixed:
            gained = gained + self._judged(new, role, watched, newest, size)
        counters.remember(new, self.lines)
        books.seen[:size] = np.where(told, np.maximum(newest, seen), seen)
        books.held[:, :size] = np.where(told & ~watched, 0, books.held[:, :size]) + gained
        return self._settle(told, watched, baseline, gain, size)

    def _judged(self, new: Samples, role: Ints, watched: Flags, newest: Ints, size: int) -> Ints:
        """What gauges, shares and rates add: (2, accounts)."""
        books = self.accounts
        gauges, parts = new.only(role == Role.GAUGE), new.only(role == Role.SHARE)
        account = self.lines.account[gauges.line]
        value = np.where(books.ages[account], gauges.at / 1000 - gauges.value, gauges.value)
        limit, operator = books.limit[account], books.operator[account]
        sides = (value < limit, value <= limit, value > limit, value >= limit)
        good = np.select([operator == place for place in range(len(OPERATORS))], sides, default=False)
        found = counters.judged(gauges, self.lines, good, size) + counters.shares(parts, self.lines, size)
        rates = new.only(role >= Role.PART_RATE)
        if len(rates.line):
            latest = np.concatenate((np.diff(rates.line) != 0, [True]))
            of = rates.only(latest)
            cell = self.lines.account[of.line] * 2 + (self.lines.role[of.line] - Role.PART_RATE)
            held = np.bincount(cell, weights=of.value, minlength=2 * size).reshape(size, 2).T
            lasted = np.where(watched, (newest - books.seen[:size]) / 1000, 0.0)
            events = held * lasted + books.rest[:, :size]
            whole = np.floor(events + 1e-9)
            books.rest[:, :size] = np.where(watched, events - whole, books.rest[:, :size])
            found = found + np.where(watched, whole, 0).astype(np.int64)
        return np.where(watched | (books.seen[:size] < 0), found, 0) if not len(rates.line) else found

    def _settle(self, told: Flags, watched: Flags, baseline: Flags, gain: counters.Increase, size: int) -> Poll:
        """Book what is in order; keep back what contradicts itself."""
        gap = gain.gap
        books = self.accounts
        held = books.held[:, :size]
        torn = told & (held[0] > held[1] + held[1] // SKEW)
        for number in np.flatnonzero(torn):
            self._hold(books.by_number[int(number)])
        sound = told & ~torn
        part = np.where(sound, np.minimum(held[0], held[1]), 0)
        total = np.where(sound, held[1], 0)
        counts_good = books.counts_good[:size]
        good, bad = np.where(counts_good, part, total - part), np.where(counts_good, total - part, part)
        lost_part, lost = np.where(sound, gap[0], 0), np.where(sound, gap[1], 0)
        gap_good = np.where(counts_good, np.minimum(lost_part, lost), np.maximum(lost - lost_part, 0))
        gap_bad = np.where(counts_good, lost - np.minimum(lost_part, lost), lost_part)
        held[0] = np.where(sound, held[0] - part, held[0])
        held[1] = np.where(sound, 0, held[1])
        chosen = np.flatnonzero(sound)
        since_last = np.where(watched[chosen], SINCE_LAST, 0)
        self.grid.add(chosen, books.seen[chosen], good[chosen], bad[chosen], since_last)
        for number in np.flatnonzero(gap_good | gap_bad):
            self.grid.add_gap(int(number), int(books.seen[number]), int(gap_good[number]), int(gap_bad[number]))
        for number in np.flatnonzero(sound & books.troubled[:size]):
            books.by_number[int(number)].silent = None
        books.held_since[chosen] = -1
        return Poll(sound, good, bad, gap_good, gap_bad, baseline & sound, gain.slices)

    def by_slice(self, slo: Slo, poll: Poll) -> dict[str, tuple[int, int]]:
        """What each slice of an objective counted in this poll: events, and failures among them."""
        account = self.account(slo)
        if not poll.told[account.number]:
            return {}
        counts_good, found = self.accounts.counts_good[account.number], {}
        for number in self.lines.by_account.get(account.number, ()):
            if number >= poll.slices.shape[1]:
                continue
            part, total = (int(each) for each in poll.slices[:, number])
            if total > 0:
                failed = max(total - part, 0) if counts_good else min(part, total)
                found[self.lines.slices[number][1]] = (total, failed)
        return found

    def _hold(self, account: Account) -> None:
        """Keep a contradiction back: a scrape in mid-request heals with the next, a wrong selector does not."""
        books, number = self.accounts, account.number
        part, total = (int(each) for each in books.held[:, number])
        at = int(books.seen[number])
        if books.held_since[number] < 0:
            books.held_since[number] = at
        elif at - books.held_since[number] > books.silence[number]:
            books.held[:, number] = 0
            books.held_since[number] = -1
        account.silent = account.contradiction(part, total)

    def miss(self, slo: Slo, because: str, at: datetime) -> NoData:
        """Note that the source did not answer at all."""
        for account in {self.account(slo), *self.asked(slo)}:
            account.silent = because
        return NoData(because, at)


def counted(slo: Slo) -> str:
    """What an objective counts, in words that change when it does."""
    parts = parts_of(slo)
    if not parts:
        return str(slo.indicator)
    held = " and ".join(f"{each.weight:g} × {each.measure} ({each.good_from:g})" for each in parts)
    return f"{slo.method.kind} of {slo.method.length.total_seconds():g} s: {held}"


def _joined(held: Sequence[Samples]) -> Samples:
    if not held:
        return Samples(np.zeros(0, dtype=np.int64), np.zeros(0, dtype=np.int64), np.zeros(0))
    return Samples(
        np.concatenate([each.line for each in held]),
        np.concatenate([each.at for each in held]),
        np.concatenate([each.value for each in held]),
    )


def stale(age: int) -> str:
    """The sentence about a newest sample of that age in milliseconds."""
    return f"the newest sample is {age / 1000:.0f} s old"
