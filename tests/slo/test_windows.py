"""Windows are sums of what happened, to the integer, whatever the counters went through."""

import random
from dataclasses import dataclass, field
from datetime import datetime, timedelta

import pytest

from bot.slo.ledger import Delta, Ledger
from bot.slo.spec import Point
from tests.slo.kit import T0, seconds, slo

EVERY = seconds(15)


@dataclass
class History:
    """A service of several processes that are born, restart and fall silent; and all that really happened."""

    rng: random.Random
    now: datetime = T0
    pods: dict[str, list[int]] = field(default_factory=dict)  # bad and total as exposed
    events: list[tuple[datetime, int, int, bool]] = field(default_factory=list)  # at, good, bad, unwatched
    pending: list[int] = field(default_factory=lambda: [0, 0])
    polled: dict[str, int] = field(default_factory=dict)
    born: int = 0

    def birth(self, *, old: bool) -> None:
        self.born += 1
        name = f"pod-{self.born}"
        self.pods[name] = [self.rng.randrange(50) if old else 0, 1000 if old else 0]
        if not old:
            self.serve(name)

    def serve(self, *names: str) -> None:
        for name in names:
            held = self.pods[name]
            bad, good = self.rng.choice((0, 0, 1, 7)), self.rng.randrange(40)
            held[0], held[1] = held[0] + bad, held[1] + good + bad
            self.pending = [self.pending[0] + good, self.pending[1] + bad]

    def restart(self) -> str:
        """A process begins anew and serves less than it had when it was last seen, else nobody could tell."""
        name = self.rng.choice(list(self.pods))
        if self.polled.get(name, 0) > 80:
            more_bad, more = self.rng.randrange(3), self.rng.randrange(3, 40)
            self.pods[name] = [more_bad, more + more_bad]
            self.pending = [self.pending[0] + more, self.pending[1] + more_bad]
            return name
        return ""

    def poll(self, ledger: Ledger, objective, *, gap: bool) -> None:
        part = [Point.of(bad, self.now, pod=name) for name, (bad, _) in self.pods.items()]
        total = [Point.of(value, self.now, pod=name) for name, (_, value) in self.pods.items()]
        told = ledger.ingest(objective, part, total, self.now)
        assert isinstance(told, Delta)
        if self.events:
            self.events.append((self.now, *self.pending, gap))
        else:
            self.events.append((self.now, 0, 0, False))
        self.pending = [0, 0]
        self.polled = {name: value for name, (_, value) in self.pods.items()}

    def between(self, start: datetime, end: datetime) -> tuple[int, int, int, int]:
        sums = [0, 0, 0, 0]
        for at, good, bad, unwatched in self.events:
            if start < at <= end:
                sums[2 * unwatched] += good
                sums[2 * unwatched + 1] += bad
        return tuple(sums)


def lived(seed: int) -> tuple[History, Ledger]:
    history, ledger, objective = History(random.Random(seed)), Ledger(width=EVERY), slo()
    history.birth(old=True)
    for step in range(30):
        gap = step > 0 and history.rng.random() < 0.08
        history.now += seconds(15 * history.rng.randrange(12, 200)) if gap else EVERY
        if step:
            anew = history.restart() if not gap and history.rng.random() < 0.15 else ""
            history.serve(*(name for name in history.pods if name != anew))
            if not gap and history.rng.random() < 0.15:
                history.birth(old=False)
        history.poll(ledger, objective, gap=gap)
    return history, ledger


@pytest.mark.parametrize("lot", range(10))
def test_window_sums_equal_what_happened(lot):
    """1,000 generated histories with restarts, births and gaps: any window between buckets is the sum of its events."""
    objective = slo()
    for seed in range(100 * lot, 100 * lot + 100):
        history, ledger = lived(seed)
        for _ in range(12):
            end = T0 + EVERY * history.rng.randrange(0, int((history.now - T0) / EVERY) + 1)
            length = EVERY * history.rng.randrange(1, 400)
            held = ledger.counts(objective, end, length)
            assert (held.good, held.bad, held.gap_good, held.gap_bad) == history.between(end - length, end), seed


def test_thinned_windows_stay_exact_at_their_edges():
    """Coarser rows change no sum between the moments that are kept."""
    objective = slo()
    for seed in range(40):
        history, ledger = lived(seed)
        later = history.now + timedelta(hours=7)
        ledger.thin(later)
        kept = [each for each in ledger.grid.ends if each >= ledger.grid.ends[0]]
        for low, high in ((kept[0], kept[-1]), (kept[len(kept) // 3], kept[-1]), (kept[0], kept[len(kept) // 2])):
            start, end = (datetime.fromtimestamp(each / 1000, T0.tzinfo) for each in (low, high))
            held = ledger.counts(objective, end, end - start)
            assert (held.good, held.bad) == history.between(start, end)[:2], seed
