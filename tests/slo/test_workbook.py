"""The detection and reset times that the SRE Workbook gives for its alerts (ch. 5), reproduced by the product's rule.

For an error rate e, t = (1 − SLO) / e · window · factor; a window resets after a long total outage once its share of bad
events is below factor · (1 − SLO): W · (1 − factor · (1 − SLO)), the short window's where there are two.
"""

from dataclasses import replace
from datetime import timedelta

import numpy as np
import pytest

from bot.slo.burn import judge
from bot.slo.grid import SINCE_LAST, to_ms
from bot.slo.ledger import Ledger
from bot.slo.notation import parse_tiers
from tests.slo.kit import T0, slo

MONTH = timedelta(days=30)
RATE = 100_000  # events per second: the fluid the formulas speak of

TIERS = {
    "1h&5m 14.4": ("page:1h/5m@14.4", 3600, 300, 14.4, 1.0),
    "6h&30m 6": ("page:6h/30m@6", 21_600, 1800, 6.0, 5.0),
    "3d&6h 1": ("ticket:3d/6h@1", 259_200, 21_600, 1.0, 30.0),
    "1h 36": ("page:1h/59m59s@36", 3600, 3599, 36.0, 1.0),  # method 4: one window
}


class Fluid:
    """Traffic that flows evenly, booked in steps as fine as the answer must be."""

    def __init__(self, name: str) -> None:
        text, self.long, self.short, self.factor, self.step = TIERS[name]
        self.slo = replace(slo(rule="burn_rate"), tiers=parse_tiers(text, MONTH))
        self.ledger, self.now = Ledger(width=timedelta(seconds=self.step)), T0
        self.account = self.ledger.account(self.slo)
        self.flow(self.long * 1.1, 0.0)

    def flow(self, length: float, errors: float, step: float | None = None) -> None:
        """Let so many seconds pass."""
        size = step or self.step
        for _ in range(round(length / size)):
            self.now += timedelta(seconds=size)
            events, bad = round(RATE * size), round(RATE * size * errors)
            books, number = self.ledger.accounts, self.account.number
            first = books.seen[number] < 0
            books.seen[number] = to_ms(self.now)
            columns = (number, to_ms(self.now), events - bad, bad, 0 if first else SINCE_LAST)
            self.ledger.grid.add(*(np.array([each], dtype=np.int64) for each in columns))

    @property
    def fires(self) -> bool:
        return judge(self.slo, self.ledger, self.now).state == "breached"


@pytest.mark.parametrize("name", TIERS)
@pytest.mark.parametrize("errors", [1.0, 0.5, 0.1, 0.05, 0.02, 0.01])
def test_time_to_detect(name, errors):
    """As printed there: 51.8 s, 129.6 s and 259 s for a total outage, in proportion for less; never below the factor."""
    fluid = Fluid(name)
    expected = 0.001 / errors * fluid.long * fluid.factor
    if errors < fluid.factor * 0.001 or expected > fluid.long:
        fluid.flow(fluid.long, errors, step=60.0)
        assert not fluid.fires
        return
    fluid.flow(max(expected - 2 * fluid.step, 0) // fluid.step * fluid.step, errors)
    assert not fluid.fires
    fluid.flow(4 * fluid.step, errors)
    assert fluid.fires


@pytest.mark.parametrize(("name", "expected"), [("1h&5m 14.4", 296), ("6h&30m 6", 1789), ("3d&6h 1", 21_578),
                                                ("1h 36", 3470)])  # fmt: skip
def test_time_to_reset(name, expected):
    """After a long total outage an alert ends with its short window; with one window alone, after 58 minutes."""
    fluid = Fluid(name)
    fluid.flow(fluid.long, 1.0)
    assert fluid.fires
    fluid.flow((expected - 2 * fluid.step) // fluid.step * fluid.step, 0.0)
    assert fluid.fires
    fluid.flow(4 * fluid.step, 0.0)
    assert not fluid.fires
