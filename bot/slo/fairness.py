"""Whether a model treats groups of people unlike one another: gaps between groups, with evidence that they are real.

Demographic parity compares how often each group gets the favourable answer, and needs no labels. Equalised odds
compares how often it does among those who deserve it and among those who do not (Hardt, Price and Srebro, "Equality of
opportunity in supervised learning", 2016). A gap in the data is not yet a gap in the model: small groups differ by
chance, so the evidence is that of bot.slo.slices, each group against the rest, in both directions.
"""

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Literal

import numpy as np

from bot.domain.errors import Invalid, Problem
from bot.slo.detector import log_threshold
from bot.slo.interval import percent, wilson
from bot.slo.slices import LIMIT, Counts, often
from bot.slo.streams import Floats, TwoStreams, array, log_sum, plain, refused

Measure = Literal["demographic parity", "true positive rate", "false positive rate"]


@dataclass(frozen=True, slots=True)
class Gap:
    """The difference between the group that gets the favourable answer most often and the one that gets it least.

    `counts` are (people, favourable answers) by group, since the gap most likely opened where there is evidence of one,
    else since the start. `gap` is None, and `high` and `low` empty, while fewer than two groups were seen. `evidence`
    is ln SR against "no group differs from the rest by more than the tolerance"; it is proved at `level`.
    """

    measure: Measure
    gap: float | None
    high: str
    low: str
    counts: Mapping[str, Counts]
    evidence: float
    level: float
    because: str

    @property
    def proved(self) -> bool:
        return self.evidence >= self.level


class Parity:
    """One measure over the groups of one attribute, fed each look with (people, favourable answers) per group.

    The evidence is the mean SR over groups and directions: an e-detector itself, so groups cost no more false alarms.
    """

    def __init__(
        self,
        attribute: str,
        poll: timedelta,
        *,
        measure: Measure = "demographic parity",
        alarms_per_year: float = 1.0,
        tolerance: float = 0.0,
    ) -> None:
        self.attribute, self.measure, self.tolerance = attribute, measure, tolerance
        self.alarms_per_year, self.level = alarms_per_year, log_threshold(poll, alarms_per_year)
        self._groups: dict[str, int] = {}
        self._streams = TwoStreams()  # two rows per group: more often than the rest, and less often
        self._run = 0.0
        self._whole, self._since = np.zeros((0, 2)), np.zeros((0, 2))
        self.looks = 0  # since the gap most likely opened

    @property
    def evidence(self) -> float:
        """The logarithm of the mean SR; −∞ before two groups were seen in one look."""
        return _mean(self._streams.evidence)

    def see(self, counts: Mapping[str, Counts]) -> Gap:
        """Take in one look. Raises ValueError for impossible counts, and beyond 1,000 groups."""
        self._meet(counts)
        seen = np.zeros((len(self._groups), 2))
        for group, pair in counts.items():
            seen[self._groups[group]] = pair
        rest = seen.sum(axis=0) - seen
        here, there = np.hstack((seen, rest)).reshape(-1, 2), np.hstack((rest, seen)).reshape(-1, 2)
        before = float(np.logaddexp(self.evidence, 0.0))
        told = (seen[:, 0] > 0).sum() > 1
        self._streams.see(here[:, 0], here[:, 1], there[:, 0], there[:, 1])
        if told and self._run <= 0:
            self._run, self._since, self.looks = 0.0, np.zeros_like(self._since), 0
        self.looks += 1
        self._whole, self._since = self._whole + seen, self._since + seen
        if told:
            self._run += self.evidence - before
        return self.gap()

    def _meet(self, groups: Iterable[str]) -> None:
        new = [group for group in groups if group not in self._groups]
        if len(self._groups) + len(new) > LIMIT:
            raise ValueError(f"{self.attribute} has more than {LIMIT:,} groups, which no table of groups has")
        self._streams.grow([self.tolerance] * (2 * len(new)))
        self._groups |= {group: len(self._groups) + index for index, group in enumerate(new)}
        self._whole, self._since = (np.vstack((each, np.zeros((len(new), 2)))) for each in (self._whole, self._since))

    def gap(self) -> Gap:
        """What is known now."""
        evidence = self.evidence
        proved = evidence >= self.level
        table = self._since if proved and (self._since[:, 0] > 0).sum() > 1 else self._whole
        counts = {group: (float(n), float(k)) for group, (n, k) in zip(self._groups, table, strict=True) if n > 0}
        if len(counts) < 2:  # noqa: PLR2004 - a gap is between two
            because = f"No {self.measure} by {self.attribute} yet: fewer than two groups were seen."
            return Gap(self.measure, None, "", "", counts, evidence, self.level, because)
        ranked = sorted(counts, key=lambda group: counts[group][1] / counts[group][0])
        low, high = ranked[0], ranked[-1]
        size = counts[high][1] / counts[high][0] - counts[low][1] / counts[low][0]
        verdict = (
            f"chance shows this at most {often(self.alarms_per_year)}"
            if proved
            else "not more than chance shows, so far"
        )
        because = (
            f"{self.measure} by {self.attribute}: {self._told(high, counts[high])}, {self._told(low, counts[low])}; "
            f"a gap of {size * 100:.1f} points{self._allowed()}, {verdict}."
        )
        return Gap(self.measure, size, high, low, counts, evidence, self.level, because)

    def _told(self, group: str, pair: Counts) -> str:
        n, k = pair
        low, high = wilson(k, n)
        return f"{group} {percent(k / n)} of {n:,.0f} (95 % interval {percent(low)} to {percent(high)})"

    def _allowed(self) -> str:
        return f" ({self.tolerance * 100:g} allowed)" if self.tolerance else ""

    def settle(self) -> None:
        """Begin anew, after an incident settled or a model was replaced."""
        for row in range(len(self._streams)):
            self._streams.forget(row)
        self._run, self._whole, self._since = 0.0, np.zeros_like(self._whole), np.zeros_like(self._since)
        self.looks = 0

    def checkpoint(self) -> dict[str, Any]:
        """Its state as plain JSON-able data."""
        return {
            "attribute": self.attribute,
            "measure": self.measure,
            "groups": list(self._groups),
            "run": self._run,
            "looks": self.looks,
            "whole": plain(self._whole),
            "since": plain(self._since),
            "streams": self._streams.checkpoint(),
        }

    def restore(self, state: Mapping[str, Any]) -> None:
        """Take up a checkpoint of the same measure and attribute. Raises Invalid, changing nothing, else."""
        groups = state.get("groups")
        if (state.get("attribute"), state.get("measure")) != (self.attribute, self.measure) or not (
            isinstance(groups, list) and all(isinstance(each, str) for each in groups)
        ):
            raise Invalid([Problem("fairness checkpoint", 1, 1, f"holds no {self.measure} by {self.attribute}")])
        shape = (len(groups), 2)
        streams = TwoStreams([self.tolerance] * (2 * len(groups)))
        try:
            whole, since = array(state["whole"], shape), array(state["since"], shape)
            run, looks = float(array([state["run"]], (1,))[0]), int(state.get("looks", 0))
            streams.restore(state["streams"])
            if not (_possible(whole) and _possible(since)) or len(set(groups)) < len(groups) or math.isinf(run):
                raise ValueError("its counts are none")  # noqa: TRY301 - worded once, below
        except (KeyError, TypeError, ValueError) as error:
            raise refused(error) from error
        self._groups = {group: row for row, group in enumerate(groups)}
        self._run, self._whole, self._since, self._streams = run, whole, since, streams
        self.looks = looks


class Odds:
    """Equalised odds: the larger of the gaps in true and in false positive rate, each with half the false alarms."""

    def __init__(
        self, attribute: str, poll: timedelta, *, alarms_per_year: float = 1.0, tolerance: float = 0.0
    ) -> None:
        half = alarms_per_year / 2
        self.deserving = Parity(
            attribute, poll, measure="true positive rate", alarms_per_year=half, tolerance=tolerance
        )
        self.others = Parity(attribute, poll, measure="false positive rate", alarms_per_year=half, tolerance=tolerance)

    def see(self, deserving: Mapping[str, Counts], others: Mapping[str, Counts]) -> Gap:
        """Take in one look: (people, favourable answers) per group, with the label y = 1 and with y = 0.

        Returns the gap of the rate with more evidence where one is proved, else the larger gap.
        """
        gaps = (self.deserving.see(deserving), self.others.see(others))
        return max(gaps, key=lambda each: (each.proved, each.evidence if each.proved else each.gap or 0.0))

    def settle(self) -> None:
        """Begin anew, after an incident settled or a model was replaced."""
        self.deserving.settle()
        self.others.settle()

    def checkpoint(self) -> dict[str, Any]:
        return {"deserving": self.deserving.checkpoint(), "others": self.others.checkpoint()}

    def restore(self, state: Mapping[str, Any]) -> None:
        """Take up a checkpoint of the same attribute. Raises Invalid, changing nothing, else."""
        if not all(isinstance(state.get(each), Mapping) for each in ("deserving", "others")):
            raise Invalid([Problem("fairness checkpoint", 1, 1, "holds no pair of rates")])
        before = self.deserving.checkpoint()
        self.deserving.restore(state["deserving"])
        try:
            self.others.restore(state["others"])
        except Invalid:
            self.deserving.restore(before)
            raise


def _mean(logs: Floats) -> float:
    return float(log_sum(logs)) - math.log(logs.size) if logs.size else -math.inf


def _possible(table: Floats) -> bool:
    return bool(((table[:, 1] >= 0) & (table[:, 1] <= table[:, 0])).all())
