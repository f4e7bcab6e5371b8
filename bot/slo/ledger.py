"""The exact record of good and bad events behind every verdict: whole numbers, counted from raw counters.

Windows asked of a monitoring server are extrapolated; increases of raw counters are not. The ledger counts each event
once, through restarts of the counted process, births and deaths of series, silences of the source and of the bot.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from bot.domain.errors import Invalid, Problem
from bot.slo.book import MILLISECOND, Book, Bucket, Counts, from_ms, to_ms
from bot.slo.series import Series, insane
from bot.slo.spec import Point, Slo

__all__ = ["Bucket", "Counts", "Delta", "Ledger", "NoData"]

VERSION = 1
SKEW = 1000  # good may run ahead of the total by 1 in 1000: both are read while traffic goes on
FINE, MEDIUM = timedelta(hours=6), timedelta(days=1)


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


@dataclass(slots=True)
class _Account:
    """All that is known of one objective."""

    measures: str
    book: Book
    part: Series = field(default_factory=Series)
    total: Series = field(default_factory=Series)
    seen: int | None = None  # the newest sample's time
    held: list[int] = field(default_factory=lambda: [0, 0])  # part and total not yet booked: they contradict
    held_since: int | None = None
    silent: str | None = None  # why the last poll told nothing


class Ledger:
    """Exact counts of every objective, in buckets of `width`.

    A silence longer than `continuity` (or than the objective's own `no_data_after`, if shorter) is a gap: what happened
    in it counts for the budget only.
    """

    def __init__(self, width: timedelta = timedelta(seconds=1), continuity: timedelta = timedelta(minutes=2)) -> None:
        self.width, self.continuity = width, continuity
        self._accounts: dict[str, _Account] = {}

    def ingest(self, slo: Slo, part: Sequence[Point], total: Sequence[Point], at: datetime) -> Delta | NoData:
        """Count what `slo`'s series gained since the last poll.

        `part` are the raw samples its good (or bad) selector matches, `total` those of its total selector, `at` the
        time of the poll. A poll that tells nothing changes nothing: the next good one still counts what it
        missed.
        """
        account = self._account(slo)
        because = self._objection(slo, account, part, total, at)
        if because is not None:
            account.silent = because
            return NoData(because, at)
        continuity, newest = self._continuity(slo), min(max(map(to_ms, (p.at for p in total))), to_ms(at))
        baseline = account.seen is None
        watched = account.seen is not None and from_ms(newest) - from_ms(account.seen) <= continuity
        anew = account.part.restarted(part) | account.total.restarted(total)
        parts = account.part.advance(part, born_counts=watched, continuity=continuity, restarted=anew)
        totals = account.total.advance(total, born_counts=watched, continuity=continuity, restarted=anew)
        account.seen = max(newest, account.seen or newest)
        if not watched:
            account.held, account.held_since = [0, 0], None
        account.held = [account.held[0] + parts.gained, account.held[1] + totals.gained]
        if account.held[0] > account.held[1] + account.held[1] // SKEW:
            return self._hold(slo, account, from_ms(account.seen))
        return self._book(slo, account, from_ms(account.seen), (parts.gap, totals.gap), baseline=baseline)

    def miss(self, slo: Slo, because: str, at: datetime) -> NoData:
        """Note that the source did not answer at all."""
        self._account(slo).silent = because
        return NoData(because, at)

    def silence(self, slo: Slo, now: datetime) -> str | None:
        """Why nothing is known of `slo` at `now`, or None where the last poll told something recent."""
        account = self._accounts.get(slo.name)
        if account is None or account.measures != str(slo.indicator):
            return "it was never polled"
        if account.silent is not None:
            return account.silent
        if account.seen is None:
            return "it was never polled"
        return self._stale(slo, account.seen, now)

    def last_seen(self, slo: Slo) -> datetime | None:
        """The time of the newest sample counted."""
        account = self._accounts.get(slo.name)
        return None if account is None or account.seen is None else from_ms(account.seen)

    def counts(self, slo: Slo, end: datetime, length: timedelta) -> Counts:
        """What happened in the `length` before `end`."""
        account = self._accounts.get(slo.name)
        return Counts() if account is None else account.book.counts(end, length)

    def buckets(self, slo: Slo, start: datetime, end: datetime, step: timedelta | None = None) -> list[Bucket]:
        """The same as a series: buckets of `step` (for charts), or as recorded (for finding when something began)."""
        account = self._accounts.get(slo.name)
        return [] if account is None else list(account.book.buckets(start, end, step))

    def forget(self, before: datetime) -> None:
        """Let go of events and of series not seen since `before`."""
        for account in self._accounts.values():
            account.book.forget(before)
            account.part.forget(before)
            account.total.forget(before)

    def thin(self, now: datetime) -> None:
        """Keep what is older than six hours by the minute and what is older than a day by the hour; sums stay exact."""
        for account in self._accounts.values():
            account.book.thin(now - FINE, timedelta(minutes=1))
            account.book.thin(now - MEDIUM, timedelta(hours=1))

    def keep(self, names: set[str]) -> None:
        """Let go of objectives that are no longer configured."""
        self._accounts = {name: account for name, account in self._accounts.items() if name in names}

    def checkpoint(self) -> dict[str, Any]:
        """Everything, as plain JSON-able data."""
        return {
            "version": VERSION,
            "width_ms": self.width // MILLISECOND,
            "slos": {
                name: {
                    "measures": account.measures,
                    "book": account.book.dump(),
                    "part": account.part.dump(),
                    "total": account.total.dump(),
                    "seen": account.seen,
                    "held": list(account.held),
                    "held_since": account.held_since,
                }
                for name, account in self._accounts.items()
            },
        }

    def restore(self, state: Mapping[str, Any]) -> None:
        """Take up a checkpoint in place of what is held. Raises Invalid, changing nothing, where it is not one."""
        try:
            if state["version"] != VERSION or state["width_ms"] != self.width // MILLISECOND:
                raise ValueError("it was written with another version or bucket width")  # noqa: TRY301 - worded once, below
            accounts = {str(name): self._load(held) for name, held in state["slos"].items()}
        except (KeyError, TypeError, ValueError, AttributeError, OverflowError) as error:
            raise Invalid(
                [Problem("ledger checkpoint", 1, 1, f"cannot be taken up: {error}", "a checkpoint of this version")]
            ) from error
        self._accounts = accounts

    def _load(self, held: Mapping[str, Any]) -> _Account:
        part, total = map(int, held["held"])
        return _Account(
            measures=str(held["measures"]),
            book=Book.load(self.width, held["book"]),
            part=Series.load(held["part"]),
            total=Series.load(held["total"]),
            seen=None if held["seen"] is None else int(held["seen"]),
            held=[part, total],
            held_since=None if held["held_since"] is None else int(held["held_since"]),
            silent="the bot has just started and not polled yet",
        )

    def _account(self, slo: Slo) -> _Account:
        account = self._accounts.get(slo.name)
        if account is None or account.measures != str(slo.indicator):  # another indicator makes other counts
            account = self._accounts[slo.name] = _Account(str(slo.indicator), Book(self.width))
        return account

    def _continuity(self, slo: Slo) -> timedelta:
        return min(self.continuity, slo.no_data_after)

    def _stale(self, slo: Slo, seen: int, now: datetime) -> str | None:
        age = now - from_ms(seen)
        if age <= self._continuity(slo):
            return None
        return f"the newest sample is {age.total_seconds():.0f} s old"

    def _objection(
        self, slo: Slo, account: _Account, part: Sequence[Point], total: Sequence[Point], at: datetime
    ) -> str | None:
        indicator = slo.indicator
        if not total:
            return f"no series matches the total, {indicator.total}"
        if not part and not (indicator.counts == "bad" and indicator.missing_bad == "zero"):
            gone = "no series matches any more" if account.part.last else "no series matches"
            return f"{gone}: {indicator.counts} {indicator.part}, though the total is there"
        return (
            insane(part, f"{indicator.counts} {indicator.part}")
            or insane(total, f"total {indicator.total}")
            or self._stale(slo, max(to_ms(point.at) for point in total), at)
        )

    def _book(self, slo: Slo, account: _Account, at: datetime, gap: tuple[int, int], *, baseline: bool) -> Delta:
        part, total = min(account.held), account.held[1]
        account.held, account.held_since, account.silent = [account.held[0] - part, 0], None, None
        if slo.indicator.counts == "good":
            good, bad = part, total - part
            gap_good, gap_bad = min(gap), gap[1] - min(gap)
        else:
            good, bad = total - part, part
            gap_good, gap_bad = max(gap[1] - gap[0], 0), gap[0]
        watched = account.book.last is not None and at - account.book.last <= self._continuity(slo)
        account.book.add(at, good, bad, watched=watched, gap_good=gap_good, gap_bad=gap_bad)
        return Delta(at, good, bad, gap_good, gap_bad, baseline=baseline)

    def _hold(self, slo: Slo, account: _Account, at: datetime) -> NoData:
        """Keep a contradiction back: a scrape in mid-request heals with the next, a wrong selector does not."""
        part, total = account.held
        if account.held_since is None:
            account.held_since = to_ms(at)
        elif at - from_ms(account.held_since) > self._continuity(slo):
            account.held, account.held_since = [0, 0], None
        account.silent = (
            f"sanity: {part} {slo.indicator.counts} events out of {total} in all; "
            f"{slo.indicator.part} counts what {slo.indicator.total} does not"
        )
        return NoData(account.silent, at)
