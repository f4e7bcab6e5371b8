"""Groups of people under watch: whether one gets the favourable answer less often than the others."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from bot.domain.errors import Invalid
from bot.slo.fairness import Gap, Measure, Parity
from bot.slo.ledger import Ledger, Poll
from bot.slo.spec import Indicator, Selector, Slo
from bot.telemetry import log as logger

MEASURES: Mapping[str, Measure] = {"positive_total": "true positive rate", "negative_total": "false positive rate"}


@dataclass
class Fair:
    """One objective whose good events are favourable answers to people, by group.

    `told` while an incident is open for its gap: no data end that, but the person who resolves it.
    """

    slo: Slo
    every: timedelta
    parity: Parity = field(init=False)
    gap: Gap = field(init=False)
    began: datetime | None = None  # when the gap most likely opened
    told: bool = False

    def __post_init__(self) -> None:
        self.parity = Parity(
            self.slo.slice_by, self.every, measure=measure(self.slo), tolerance=self.slo.allowed_gap or 0.0
        )
        self.gap = self.parity.gap()

    @property
    def name(self) -> str:
        """What the gap is called among objectives."""
        return f"{self.slo.name}[parity by {self.slo.slice_by}]"

    def see(self, counts: Mapping[str, tuple[int, int]], at: datetime) -> None:
        """Take in one look, (events, failures) by group: what did not fail was favourable."""
        try:
            self.gap = self.parity.see({group: (events, events - failed) for group, (events, failed) in counts.items()})
        except ValueError as trouble:  # a label that is no table of groups
            logger().warning("groups are not compared", slo=self.slo.name, because=str(trouble))
        self.began = at - self.parity.looks * self.every

    def settle(self) -> None:
        """Begin anew, after a person resolved what was told."""
        self.parity.settle()
        self.gap, self.began, self.told = self.parity.gap(), None, False


def measure(slo: Slo) -> Measure:
    """What the objective's ratio says of a group: among whom the favourable answers are counted."""
    total = slo.indicator.total if isinstance(slo.indicator, Indicator) else None
    metric = total.metric if isinstance(total, Selector) else ""
    return MEASURES.get(metric, "demographic parity")


class FairWatch:
    """Every objective that is watched for fairness."""

    def __init__(self, slos: Sequence[Slo], every: timedelta) -> None:
        self.by_name = {slo.name: Fair(slo, every) for slo in slos if slo.allowed_gap is not None and slo.slice_by}

    def see(self, ledger: Ledger, poll: Poll, at: datetime) -> None:
        """Take in what one poll counted of every group."""
        excused = ledger.excused(at) if self.by_name else ()
        for each in self.by_name.values():
            counts = ledger.by_slice(each.slo, poll)
            if counts and not excused[ledger.account(each.slo).number]:
                each.see(counts, at)

    def __iter__(self) -> Iterator[Fair]:
        return iter(self.by_name.values())

    def checkpoint(self) -> dict[str, Any]:
        """All evidence, and what was told."""
        return {
            name: {
                "parity": each.parity.checkpoint(),
                "told": each.told,
                "began": each.began.isoformat() if each.began else None,
            }
            for name, each in self.by_name.items()
        }

    def restore(self, state: Mapping[str, Any]) -> None:
        """Take up what can be taken up; an objective whose evidence cannot begins anew."""
        for name, held in state.items():
            each = self.by_name.get(name)
            if each is None:
                continue
            try:
                each.parity.restore(held["parity"])
                each.gap, each.told = each.parity.gap(), bool(held["told"])
                each.began = datetime.fromisoformat(held["began"]) if held["began"] else None
            except (Invalid, KeyError, TypeError, ValueError, AttributeError) as trouble:
                logger().warning("what was known of groups cannot be taken up", slo=name, because=str(trouble))
                self.by_name[name] = Fair(each.slo, each.every)
