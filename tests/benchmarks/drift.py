"""What drift of ten million predictions costs, whole and in fifty slices: scipy's exact statistics beside our counts.

Both work on the same Parquet files, which lie in the page cache. What is counted against scipy is the statistics alone
(`ks_2samp`, `wasserstein_distance`, PSI over numpy's quantiles): neither reading nor cutting the rows into slices. What is
counted against us is everything: reading, counting, the distinct rows, the three statistics.
"""

from __future__ import annotations

import asyncio
import contextlib
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from bot.clients.duckdb import Limits, Look, Source, Where, look
from bot.evidence._log import SAMPLED
from bot.slo import binned, drift
from bot.slo.bins import Grid
from bot.slo.histogram import Histogram, Layout, Tally

SLICES = 50
FEATURES = 20
STEP = 500_000  # rows made at a time
NAMES = [f"f{number:02}" for number in range(FEATURES)]
TOLD = tuple(f"s{number:02}" for number in range(SLICES))
SHAPES = ("normal", "lognormal, sigma 2", "uniform", "Poisson")
Kinds = dict[str, float]


@dataclass
class Cost:
    """Seconds on the clock and of the processor, added up."""

    wall: float = 0.0
    cpu: float = 0.0

    @contextlib.contextmanager
    def counting(self) -> Iterator[None]:
        wall, cpu = time.perf_counter(), time.process_time()
        yield
        self.wall += time.perf_counter() - wall
        self.cpu += time.process_time() - cpu

    def __str__(self) -> str:
        return f"{self.wall:8.1f} s, {self.cpu:8.1f} s of processor"


@dataclass
class Exact:
    """What scipy says: cost, and for each feature and table ("" for all rows) the three statistics."""

    cost: Cost = field(default_factory=Cost)
    found: dict[tuple[str, str], Kinds] = field(default_factory=dict)


def measure(rows: int, exact: int, say: Callable[[str], None]) -> None:
    """Make the files, measure both, say the ratios. `exact` features are given to scipy, and its time is scaled up."""
    with tempfile.TemporaryDirectory(prefix="tocsin-drift-") as folder:
        paths = [Path(folder) / name for name in ("reference.parquet", "live.parquet")]
        for number, path in enumerate(paths):
            _write(path, rows, seed=number, drifted=bool(number))
        say(
            f"drift of {rows:,} rows x {FEATURES} features (double), {SLICES} slices: {', '.join(SHAPES)}; half drifted"
        )
        layout, fitting = asyncio.run(_layout(paths[0]))
        reference, before = asyncio.run(_count(paths[0], layout))
        live, now = asyncio.run(_count(paths[1], layout))
        ours, judging = _ours(reference, live)
        # one of every shape first, drifted and not by turns
        order = [NAMES[5 * shape + turn] for turn in range(5) for shape in range(4)]
        chosen = order[:exact]
        told = _exact(paths, chosen)
    scale = FEATURES / len(chosen)
    theirs = Cost(told.cost.wall * scale, told.cost.cpu * scale)
    scaled = "" if scale == 1 else f" (measured on {len(chosen)} features, times {scale:g})"
    once, all_of_it = _sum(now, judging), _sum(fitting, before, now, judging)
    say(f"  scipy, exact                         {theirs}{scaled}")
    say(f"  ours, reference counted before       {once}   {_ratio(theirs, once)}")
    say(f"  ours, fitting and counting it too    {all_of_it}   {_ratio(theirs, all_of_it)}")
    say(
        f"    bins {fitting.wall:.1f} s, reference {before.wall:.1f} s, live {now.wall:.1f} s, judged {judging.wall:.1f} s"
    )
    for line in _errors(told.found, ours, reference, rows):
        say(line)


def _write(path: Path, rows: int, *, seed: int, drifted: bool) -> None:
    import pyarrow as pa
    import pyarrow.parquet as pq

    dice, names = np.random.default_rng(seed), pa.array(TOLD)
    writer = None
    for start in range(0, rows, STEP):
        size = min(STEP, rows - start)
        codes = pa.array(dice.integers(0, SLICES, size).astype(np.int32))
        columns: dict[str, Any] = {"slice": pa.DictionaryArray.from_arrays(codes, names)}
        for number, name in enumerate(NAMES):
            columns[name] = _drawn(dice, number // 5, size, moved=drifted and number % 2 == 1)
        table = pa.table(columns)
        writer = writer or pq.ParquetWriter(path, table.schema, use_dictionary=["slice"])
        writer.write_table(table, row_group_size=STEP // 2)
    if writer is not None:
        writer.close()


def _drawn(dice: np.random.Generator, shape: int, size: int, *, moved: bool) -> np.ndarray:
    drawn: tuple[Callable[[], np.ndarray], ...] = (
        lambda: dice.normal(0.2 * moved, 1, size),
        lambda: dice.lognormal(0.1 * moved, 2, size),
        lambda: dice.random(size) * (1 + 0.2 * moved),
        lambda: dice.poisson(8 + moved, size).astype(float),
    )
    return drawn[shape]()


async def _layout(path: Path) -> tuple[Layout, Cost]:
    def fitted(log: Look) -> Layout:
        sample = log.sample(NAMES, Where(), SAMPLED)
        bins = {name: Grid.fit(values) for name, values in sample.items()}
        return Layout(bins, {"slice": tuple(log.values("slice", Where(), SLICES))})

    cost = Cost()
    with cost.counting():
        layout = await look(Source(str(path)), fitted, Limits(seconds=600))
    return layout, cost


async def _count(path: Path, layout: Layout) -> tuple[Tally, Cost]:
    cost = Cost()
    with cost.counting():
        counted = await look(Source(str(path)), lambda log: log.tally(layout, Where()), Limits(seconds=600))
        counted.distinct()
    return counted, cost


def _ours(reference: Tally, live: Tally) -> tuple[dict[tuple[str, str], Kinds], Cost]:
    cost, found = Cost(), {}
    with cost.counting():
        for told in ("", *TOLD):
            where = ("slice", (told,)) if told else ("", None)
            old, new = reference.histograms(*where), live.histograms(*where)
            for name in NAMES:
                found[name, told] = _binned(old[name], new[name])
    return found, cost


def _binned(old: Histogram, new: Histogram) -> Kinds:
    return {
        "ks": binned.ks(old, new),
        "psi": binned.psi(old, new),
        "wasserstein": binned.wasserstein(old, new),
    }


def _exact(paths: Sequence[Path], names: Sequence[str]) -> Exact:
    import pyarrow as pa
    import pyarrow.compute as pc
    import pyarrow.parquet as pq
    from scipy import stats

    told = Exact()
    for name in names:
        parts = []
        for path in paths:
            table = pq.read_table(path, columns=["slice", name])
            codes = pc.index_in(table["slice"].cast("string"), value_set=pa.array(TOLD)).to_numpy().astype(np.int8)
            parts.append((codes, table[name].to_numpy()))
        for each in ("", *TOLD):
            old, new = (values[codes == TOLD.index(each)] if each else values for codes, values in parts)
            with told.cost.counting():
                told.found[name, each] = {
                    "ks": float(stats.ks_2samp(old, new, method="asymp").statistic),
                    "wasserstein": float(stats.wasserstein_distance(old, new)),
                    "psi": _psi(old, new),
                }
    return told


def _psi(old: np.ndarray, new: np.ndarray) -> float:
    edges = np.unique(np.quantile(old, np.linspace(0, 1, drift.BINS + 1)[1:-1]))
    counts = [np.bincount(np.searchsorted(edges, each, "right"), minlength=edges.size + 1) for each in (old, new)]
    return drift.psi(*counts)


def _errors(
    exact: dict[tuple[str, str], Kinds], ours: dict[tuple[str, str], Kinds], reference: Tally, rows: int
) -> Iterator[str]:
    """Relative errors of what noise does not explain; of the rest how far off they are, in parts of the noise floor."""
    comparisons = FEATURES * (SLICES + 1)
    for kind in ("ks", "psi", "wasserstein"):
        real, rest = [], []
        for (name, told), wanted in exact.items():
            n = rows // SLICES if told else rows
            off = abs(ours[name, told][kind] - wanted[kind])
            if kind == "wasserstein":
                held = reference.histograms("slice", (told,) if told else TOLD)[name]
                _, floor = binned.wasserstein_noise(held, n, clip=0, features=comparisons)
            else:
                floor = drift.ks_floor(n, n, features=comparisons)
                floor = floor if kind == "ks" else drift.psi_floor(n, n, drift.BINS, features=comparisons)
            if wanted[kind] >= floor:
                real.append(off / wanted[kind])
            else:
                rest.append(off / floor)
        yield (
            f"  {kind:<12} above noise: largest relative error {max(real, default=0):.3%} of {len(real)}; "
            f"below: largest error {max(rest, default=0):.1%} of the noise floor, of {len(rest)}"
        )


def _sum(*costs: Cost) -> Cost:
    return Cost(sum(each.wall for each in costs), sum(each.cpu for each in costs))


def _ratio(theirs: Cost, ours: Cost) -> str:
    return f"{theirs.wall / ours.wall:.0f} x faster, {theirs.cpu / ours.cpu:.0f} x less processor"
