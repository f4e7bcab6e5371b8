"""The exact record of good and bad events behind every verdict: whole numbers, counted from raw samples.

Windows asked of a monitoring server are extrapolated; increases of raw counters are not. The ledger counts each event
once, through restarts of the counted process, births and deaths of series, silences of the source and of the bot; and
it counts thousands of objectives in one pass.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

import numpy as np

from bot.slo import counters
from bot.slo.accounts import OPERATORS, Account, Accounts
from bot.slo.batch import Batch, Directory
from bot.slo.counters import Flags, Lines, Role, Samples
from bot.slo.grid import MILLISECOND, SINCE_LAST, Bucket, Counts, Grid, Ints, Row, from_ms, to_ms
from bot.slo.spec import Point, Query, Slo

__all__ = ["Bucket", "Counts", "Delta", "Ledger", "NoData", "Poll"]

SKEW = 1000  # good may run ahead of the total by 1 in 1000: both are read while traffic goes on
THINNED = (  # what is older than the first is kept by the second
    (timedelta(hours=2), timedelta(minutes=1)),
    (timedelta(hours=6), timedelta(minutes=5)),
    (timedelta(days=1), timedelta(hours=1)),
)


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


IS_TOTAL = np.array([role in counters.OF_TOTAL for role in Role])


class Ledger:
    """Exact counts of every objective, in buckets of `width`.

    A silence longer than `continuity` (or than the objective's own `no_data_after`, if shorter) is a gap: what happened
    in it counts for the budget only.
    """

    def __init__(self, width: timedelta = timedelta(seconds=1), continuity: timedelta = timedelta(minutes=2)) -> None:
        self.width, self.continuity = width, continuity
        self.grid = Grid(width)
        self.accounts = Accounts(self.grid)
        self.lines = Lines()

    # -- counting ----------------------------------------------------------------------------------------------------

    def account(self, slo: Slo) -> Account:
        """The account of an objective, opened where there is none; another measure makes another account."""
        return self.accounts.open(slo, min(self.continuity, slo.no_data_after))

    def ingest(self, slo: Slo, part: Sequence[Point], total: Sequence[Point], at: datetime) -> Delta | NoData:
        """Count what one objective's series gained since the last poll.

        `part` are the raw samples its good (or bad) selector matches (or its only query), `total` those of its total
        selector, `at` the time of the poll. A poll that tells nothing changes nothing: the next good one still counts
        what it missed.
        """
        account = self.account(slo)
        poll = self.poll([account], self._samples(account, [part, total]), at)
        number = account.number
        if not poll.told[number]:
            return NoData(str(account.silent), at)
        return Delta(
            from_ms(int(self.accounts.seen[number])),
            int(poll.good[number]),
            int(poll.bad[number]),
            int(poll.gap_good[number]),
            int(poll.gap_bad[number]),
            baseline=bool(poll.baseline[number]),
        )

    def read(self, slos: Iterable[Slo], points: Mapping[Query, Sequence[Point]], at: datetime) -> Poll:
        """Count what a source answered for several objectives."""
        accounts = [self.account(slo) for slo in slos]
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
        return self._count(new.only(told[self.lines.account[new.line]]), told, np.minimum(newest, now), size)

    def _samples(self, account: Account, points: Sequence[Sequence[Point]]) -> Samples:
        by_line: dict[int, list[Point]] = {}
        for role, held in zip(account.roles, points, strict=False):
            for point in held:
                by_line.setdefault(self.lines.of(account.number, role, point.labels), []).append(point)
        return counters.of_points(by_line)

    def _present(self, accounts: Sequence[Account], present: Flags, size: int) -> Flags:
        """Accounts whose series are there; of the others, why they say nothing."""
        has = np.zeros((2, size), dtype=bool)
        total = IS_TOTAL[self.lines.role]
        has[0, self.lines.account[present & ~total]] = True
        has[1, self.lines.account[present & total]] = True
        whole = has[1] & (has[0] | self.accounts.part_may_lack[:size])
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
                    account.silent = _stale(now - int(newest[account.number]))
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
        return self._settle(told, watched, baseline, gain.gap, size)

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

    def _settle(self, told: Flags, watched: Flags, baseline: Flags, gap: Ints, size: int) -> Poll:
        """Book what is in order; keep back what contradicts itself."""
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
        return Poll(sound, good, bad, gap_good, gap_bad, baseline & sound)

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
        self.account(slo).silent = because
        return NoData(because, at)

    # -- looking -----------------------------------------------------------------------------------------------------

    def silence(self, slo: Slo, now: datetime) -> str | None:
        """Why nothing is known of `slo` at `now`, or None where the last poll told something recent."""
        account = self.accounts.known(slo)
        if account is None:
            return "it was never polled"
        if account.silent is not None:
            return account.silent
        seen = int(self.accounts.seen[account.number])
        if seen < 0:
            return "it was never polled"
        age = to_ms(now) - seen
        return _stale(age) if age > int(self.accounts.silence[account.number]) else None

    def silent(self, now: datetime) -> Flags:
        """(accounts,) where nothing is known at `now`."""
        books, size = self.accounts, self.accounts.size
        seen = books.seen[:size]
        return books.troubled[:size] | (seen < 0) | (to_ms(now) - seen > books.silence[:size])

    def seen(self, account: Account) -> datetime | None:
        """The time of the newest sample an account counted."""
        at = int(self.accounts.seen[account.number])
        return from_ms(at) if at >= 0 else None

    def behind(self, accounts: Sequence[Account], at: datetime) -> list[Account]:
        """Accounts whose newest sample is so old that the next one would come after a gap."""
        numbers = np.array([each.number for each in accounts], dtype=np.int64)
        seen = self.accounts.seen[numbers]
        late = (seen < 0) | (to_ms(at) - seen > self.accounts.silence[numbers])
        return [accounts[place] for place in np.flatnonzero(late)]

    def overdue(self, accounts: Sequence[Account], at: datetime, after: timedelta) -> bool:
        """Whether any of these accounts' newest samples is older than `after`."""
        numbers = np.array([each.number for each in accounts], dtype=np.int64)
        return bool(np.any(to_ms(at) - self.accounts.seen[numbers] > after // MILLISECOND))

    def last_seen(self, slo: Slo) -> datetime | None:
        """The time of the newest sample counted."""
        account = self.accounts.by_name.get(slo.name)
        return None if account is None else self.seen(account)

    def counts(self, slo: Slo, end: datetime, length: timedelta) -> Counts:
        """What happened in the `length` before `end`."""
        account = self.accounts.by_name.get(slo.name)
        return Counts() if account is None else self.grid.counts(account.number, to_ms(end), length // MILLISECOND)

    def windows(self, end: datetime, length: timedelta) -> Row:
        """(3, accounts): good, bad and covered milliseconds of every account in the `length` before `end`."""
        return self.grid.window(to_ms(end), length // MILLISECOND)[:, : self.accounts.size]

    def buckets(self, slo: Slo, start: datetime, end: datetime, step: timedelta | None = None) -> list[Bucket]:
        """The same as a series: buckets of `step` (for charts), or as recorded (for finding when something began)."""
        account = self.accounts.by_name.get(slo.name)
        if account is None:
            return []
        size = None if step is None else step // MILLISECOND
        return list(self.grid.buckets(account.number, to_ms(start), to_ms(end), size))

    def recorded(self, slo: Slo, start: datetime, end: datetime) -> tuple[Ints, Ints, Ints, Ints]:
        """The buckets as recorded in columns: starts and ends (milliseconds since 1970), good and bad events."""
        account = self.accounts.by_name.get(slo.name)
        return self.grid.recorded(-1 if account is None else account.number, to_ms(start), to_ms(end))

    # -- letting go --------------------------------------------------------------------------------------------------

    def forget(self, before: datetime) -> None:
        """Let go of events and of series not seen since `before`."""
        self.grid.forget(to_ms(before))
        self.lines.settle()
        old = (self.lines.at >= 0) & (self.lines.at < to_ms(before))
        if np.any(old):
            self.lines = self.lines.keep(~old)

    def thin(self, now: datetime) -> None:
        """Keep what is older than two hours by the minute, than six by five minutes, than a day by the hour."""
        for age, step in THINNED:
            self.grid.thin(to_ms(now - age), step // MILLISECOND)

    def keep(self, names: set[str]) -> None:
        """Let go of objectives that are no longer configured."""
        gone = [account.number for name, account in self.accounts.by_name.items() if name not in names]
        for number in gone:
            self.accounts.close(number)
        if gone:
            self.lines.settle()
            self.lines = self.lines.keep(~np.isin(self.lines.account, gone))


def _joined(held: Sequence[Samples]) -> Samples:
    if not held:
        return Samples(np.zeros(0, dtype=np.int64), np.zeros(0, dtype=np.int64), np.zeros(0))
    return Samples(
        np.concatenate([each.line for each in held]),
        np.concatenate([each.at for each in held]),
        np.concatenate([each.value for each in held]),
    )


def _stale(age: int) -> str:
    return f"the newest sample is {age / 1000:.0f} s old"
