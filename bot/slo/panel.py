"""All objectives under one look: what each poll adds to the evidence, and which objectives need a closer one."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

import numpy as np

from bot.domain.errors import Invalid, Problem
from bot.slo.detector import Evidence, log_threshold, nulls
from bot.slo.grid import MILLISECOND, Ints, to_ms
from bot.slo.ledger import Ledger, Poll
from bot.slo.rule import Proof, Ruling, Terms, decide
from bot.slo.spec import Slo
from bot.slo.streams import EDetectors


class Panel:
    """The evidence on every objective, and the rule applied to all of them at once.

    It decides by the same rule as `bot.slo.burn.judge` does for one, so what that would call for shows.
    """

    def __init__(self, ledger: Ledger, slos: Sequence[Slo], poll: timedelta) -> None:
        self.ledger, self.slos = ledger, tuple(slos)
        self.place = {slo.name: place for place, slo in enumerate(self.slos)}
        self.numbers = np.array([ledger.account(slo).number for slo in self.slos], dtype=np.int64)
        self.terms = Terms.of(self.slos)
        self.threshold = log_threshold(poll)
        self._units = np.array([slo.unit for slo in self.slos], dtype=float)
        null = [nulls(slo) for slo in self.slos]
        self.slow = EDetectors([each[0] for each in null])
        self.fast = EDetectors([each[1] for each in null])
        self.burn = np.zeros(len(self.slos))
        self.floor: Ints = np.zeros((3, len(self.slos)), dtype=np.int64)  # totals at the end of the last failure
        lengths, places = np.unique(np.stack((self.terms.long, self.terms.short)), return_inverse=True)
        self._lengths = [int(each) for each in lengths]
        self._long, self._short = places.reshape(2, *self.terms.long.shape)

    def see(self, poll: Poll, now: datetime) -> None:
        """Take in what one poll added: evidence grows or wanes by it, gaps left out."""
        told = poll.told[self.numbers] & ~self.ledger.excused(now)[self.numbers]
        good = np.where(told, poll.good[self.numbers], 0) / self._units
        bad = np.where(told, poll.bad[self.numbers], 0) / self._units
        total = good + bad
        self.slow.see(total, bad)
        self.fast.see(total, bad)
        with np.errstate(invalid="ignore", divide="ignore"):
            self.burn = np.where(total > 0, bad / total / self.terms.budget, self.burn)

    def rule(self, now: datetime) -> Ruling:
        """What the data of every objective call for at `now`."""
        grid, end = self.ledger.grid, to_ms(now)
        upto = int(grid.ceil(np.int64(end)))
        high = grid.row(upto)[:, self.numbers]
        windows = np.stack(
            [high - np.maximum(grid.row(upto - length)[:, self.numbers], self.floor) for length in self._lengths]
        )  # (lengths, 3, objectives)
        for index, length in enumerate(self._lengths):
            for number, counts in self.ledger.left_out(now, length * MILLISECOND):
                taken = [counts.good, counts.bad, counts.covered // MILLISECOND]
                windows[index, :, self.numbers == number] -= np.array(taken, dtype=np.int64)
        rows = np.arange(len(self.slos))[:, None]
        long = windows[self._long, :, rows].transpose(2, 0, 1)
        short = windows[self._short, :, rows].transpose(2, 0, 1)
        silent = self.ledger.silent(now)[self.numbers]
        return decide(self.terms, np.maximum(long, 0), np.maximum(short, 0), self._proof(), silent)

    def _proof(self) -> Proof:
        there = np.ones(len(self.slos), dtype=bool)
        burning, blazing = self.slow.evidence >= self.threshold, self.fast.evidence >= self.threshold
        return Proof(burning, blazing, self.burn, there)

    def evidence(self, name: str) -> Evidence:
        """The evidence on one objective."""
        place = self.place[name]
        return Evidence(self.slow.of(place), self.fast.of(place), self.threshold, float(self.burn[place]))

    def settle(self, name: str, at: datetime | None) -> None:
        """A failure is over: what came before `at` is neither judged again nor evidence any more."""
        place = self.place[name]
        self.slow.forget(place)
        self.fast.forget(place)
        self.leave_out(name, at)

    def leave_out(self, name: str, at: datetime | None) -> None:
        """Judge only what came after `at`."""
        if at is not None:
            place = self.place[name]
            end = self.ledger.grid.pin(to_ms(at))
            self.floor[:, place] = self.ledger.grid.row(end)[:, self.numbers[place]]

    # -- surviving ---------------------------------------------------------------------------------------------------

    def checkpoint(self) -> dict[str, Any]:
        """The evidence as plain data, by objective; those without any are left out."""
        held = {}
        for name, place in self.place.items():
            if self.slow.looks[place]:
                held[name] = [
                    [round(float(each), 6) if np.isfinite(each) else None for each in logs]
                    for logs in (self.slow.logs[place], self.fast.logs[place])
                ]
        return held

    def restore(self, state: Mapping[str, Any]) -> None:
        """Take up the evidence of the objectives that are still there. Raises Invalid where it is none."""
        try:
            for name, pair in state.items():
                place = self.place.get(name)
                if place is None:
                    continue
                for detectors, logs in zip((self.slow, self.fast), pair, strict=True):
                    if len(logs) != detectors.logs.shape[1]:
                        raise ValueError(f"the evidence on {name} is of another form")  # noqa: TRY301 - worded once
                    detectors.logs[place] = [-np.inf if each is None else float(each) for each in logs]
                    detectors.looks[place] = 1
        except (TypeError, ValueError, AttributeError) as error:
            raise Invalid([Problem("evidence", 1, 1, f"cannot be taken up: {error}")]) from error
