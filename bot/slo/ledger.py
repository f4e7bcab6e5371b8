"""The exact record of good and bad events behind every verdict: whole numbers, counted from raw samples.

Windows asked of a monitoring server are extrapolated; increases of raw counters are not. The ledger counts each event
once, through restarts of the counted process, births and deaths of series, silences of the source and of the bot; and
it counts thousands of objectives in one pass.
"""

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime, timedelta

import numpy as np

from bot.slo.accounts import Account
from bot.slo.counters import Flags
from bot.slo.grid import MILLISECOND, Bucket, Counts, Ints, Row, from_ms, to_ms
from bot.slo.intake import Delta, Intake, NoData, Poll, counted, stale
from bot.slo.slicing import PART
from bot.slo.spec import Slo

__all__ = ["Bucket", "Counts", "Delta", "Ledger", "NoData", "Poll"]

THINNED = (  # what is older than the first is kept by the second
    (timedelta(hours=2), timedelta(minutes=1)),
    (timedelta(hours=6), timedelta(minutes=5)),
    (timedelta(days=1), timedelta(hours=1)),
)


class Ledger(Intake):
    """Exact counts of every objective, in buckets of `width`.

    A silence longer than `continuity` (or than the objective's own `no_data_after`, if shorter) is a gap: what happened
    in it counts for the budget only.
    """

    def adopt(self, other: "Ledger") -> None:
        """Take over all that another ledger holds."""
        self.grid, self.accounts, self.lines, self._derived = other.grid, other.accounts, other.lines, {}

    def excuse(self, slo: str, windows: Iterable[tuple[datetime, datetime]]) -> None:
        """Leave out what an objective counts in these windows (start, end): planned maintenance."""
        self._excused[slo] = tuple((to_ms(start), to_ms(end)) for start, end in windows)

    def excused(self, now: datetime) -> Flags:
        """(accounts,) where `now` lies in a window that is left out."""
        found = np.zeros(self.accounts.size, dtype=bool)
        for name, windows in self._excused.items():
            account = self.accounts.by_name.get(name)
            if account is not None:
                found[account.number] = any(start < to_ms(now) <= end for start, end in windows)
        return found

    # -- looking -----------------------------------------------------------------------------------------------------

    def silence(self, slo: Slo, now: datetime) -> str | None:
        """Why nothing is known of `slo` at `now`, or None where the last poll told something recent."""
        account = self.accounts.known(slo.name, counted(slo))
        if account is None:
            return "it was never polled"
        if account.silent is not None:
            return account.silent
        seen = int(self.accounts.seen[account.number])
        if seen < 0:
            return "it was never polled"
        age = to_ms(now) - seen
        return stale(age) if age > int(self.accounts.silence[account.number]) else None

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
        return [accounts[int(place)] for place in np.flatnonzero(late)]

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
        counts = self.seen_in(slo, end, length)
        for excused in self._left_out(slo.name, to_ms(end) - length // MILLISECOND, to_ms(end)):
            counts -= excused
        return counts

    def seen_in(self, slo: Slo, end: datetime, length: timedelta) -> Counts:
        """The same with what maintenance leaves out."""
        account = self.accounts.by_name.get(slo.name)
        return Counts() if account is None else self.grid.counts(account.number, to_ms(end), length // MILLISECOND)

    def _left_out(self, name: str, start: int, end: int) -> Iterator[Counts]:
        account = self.accounts.by_name.get(name)
        for first, last in self._excused.get(name, ()) if account is not None else ():
            low, high = max(first, start), min(last, end)
            if account is not None and low < high:
                yield self.grid.counts(account.number, high, high - low)

    def left_out(self, end: datetime, length: timedelta) -> Iterator[tuple[int, Counts]]:
        """Of each account that maintenance takes something from in this window: its number and what."""
        upto = to_ms(end)
        for name in self._excused:
            for counts in self._left_out(name, upto - length // MILLISECOND, upto):
                yield self.accounts.by_name[name].number, counts

    def windows(self, end: datetime, length: timedelta) -> Row:
        """(3, accounts): good, bad and covered milliseconds of every account in the `length` before `end`."""
        return self.grid.window(to_ms(end), length // MILLISECOND)[:, : self.accounts.size]

    def buckets(self, slo: Slo, start: datetime, end: datetime, step: timedelta | None = None) -> list[Bucket]:
        """The same as a series: buckets of `step` (for charts), or as recorded (for finding when something began)."""
        account = self.accounts.by_name.get(slo.name)
        if account is None:
            return []
        size = None if step is None else step // MILLISECOND
        held = self.grid.buckets(account.number, to_ms(start), to_ms(end), size)
        windows = self._excused.get(slo.name, ())
        return [each for each in held if not any(first < to_ms(each.end) <= last for first, last in windows)]

    def recorded(self, slo: Slo, start: datetime, end: datetime) -> tuple[Ints, Ints, Ints, Ints]:
        """The buckets as recorded in columns: starts and ends (milliseconds since 1970), good and bad events."""
        account = self.accounts.by_name.get(slo.name)
        found = self.grid.recorded(-1 if account is None else account.number, to_ms(start), to_ms(end))
        for first, last in self._excused.get(slo.name, ()):
            beside = (found[1] <= first) | (found[1] > last)
            found = (found[0][beside], found[1][beside], found[2][beside], found[3][beside])
        return found

    # -- letting go --------------------------------------------------------------------------------------------------

    def forget(self, before: datetime) -> None:
        """Let go of events and of series not seen since `before`."""
        self.grid.forget(to_ms(before))
        self.lines.settle()
        old = (self.lines.at >= 0) & (self.lines.at < to_ms(before))
        if np.any(old):
            self.lines = self.lines.keep(~old, self.accounts.sliced)

    def thin(self, now: datetime) -> None:
        """Keep what is older than two hours by the minute, than six by five minutes, than a day by the hour."""
        for age, step in THINNED:
            self.grid.thin(to_ms(now - age), step // MILLISECOND)

    def reslice(self) -> None:
        """Find the slices of all series anew: after a restart, by what the objectives say now."""
        if self.accounts.sliced:
            self.lines.settle()
            self.lines = self.lines.keep(np.ones(len(self.lines), dtype=bool), self.accounts.sliced)

    def keep(self, names: set[str]) -> None:
        """Let go of objectives that are no longer configured."""
        gone = [each.number for name, each in self.accounts.by_name.items() if name.split(PART)[0] not in names]
        self._derived = {name: derived for name, derived in self._derived.items() if name in names}
        for number in gone:
            self.accounts.close(number)
        if gone:
            self.lines.settle()
            self.lines = self.lines.keep(~np.isin(self.lines.account, gone), self.accounts.sliced)
