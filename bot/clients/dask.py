"""Counts a prediction log that outgrew one machine on the Dask cluster its owners already have (`tocsin[dask]`).

Every partition is counted where it lies, and only counts travel. The workers need this package beside Dask; the
scheduler sees the log under the same path as we do.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any

from bot.clients.duckdb import Source, Where
from bot.domain.errors import Unavailable
from bot.slo.bins import Grid
from bot.slo.histogram import Layout, Tally

WHAT = "Dask"
_PAIR = 2  # tallies merged by one task


async def count(source: Source, layout: Layout, where: Where, *, scheduler: str, seconds: float) -> Tally:
    """All rows counted by the scheduler at that address (`tcp://host:8786`). Raises Unavailable."""
    try:
        import distributed  # noqa: F401 - asked first, so that the sentence can name the extra
    except ImportError as lacking:
        raise Unavailable(WHAT, f"needs the Python package {lacking.name}: install tocsin[dask]") from lacking
    try:
        async with asyncio.timeout(seconds):
            return await _on(scheduler, source, layout, where, seconds)
    except TimeoutError:
        raise Unavailable(WHAT, f"did not count {source} within {seconds:g} s") from None
    except (OSError, ValueError, TypeError, KeyError, RuntimeError) as error:
        raise Unavailable(WHAT, f"could not count {source}: {' '.join(str(error).split())[:300]}") from error


async def _on(scheduler: str, source: Source, layout: Layout, where: Where, seconds: float) -> Tally:
    import distributed

    connect: Any = distributed.Client
    async with connect(scheduler, asynchronous=True, timeout=seconds, set_as_default=False) as client:
        # reading the files' footers takes a while: not on our loop
        planned = await asyncio.to_thread(lambda: plan(frame(source, layout, where), layout, where))
        counted: Tally = await client.compute(planned)
        return counted


def frame(source: Source, layout: Layout, where: Where) -> Any:
    """The files as a Dask dataframe of the columns that are needed."""
    import dask.dataframe as dd

    if source.table or not source.path.endswith(".parquet"):
        raise Unavailable(WHAT, f"reads Parquet files, and {source} is none")
    times = [where.time] if where.time else []
    wanted = dict.fromkeys([*layout.features, *layout.slices, *times, *where.among])
    return dd.read_parquet(source.path, columns=list(wanted))


def plan(rows: Any, layout: Layout, where: Where) -> Any:
    """The delayed `Tally` of a Dask dataframe: partitions counted apart, merged two by two."""
    from dask.delayed import delayed

    count_one, merge, told = delayed(_counted), delayed(_merged), delayed(layout)
    tallies = [count_one(part, told, where) for part in rows.to_delayed()]
    if not tallies:
        return merge([Tally(layout)])
    while len(tallies) > 1:
        tallies = [merge(tallies[start : start + _PAIR]) for start in range(0, len(tallies), _PAIR)]
    return tallies[0]


def _counted(part: Any, layout: Layout, where: Where) -> Tally:
    """One partition, a pandas dataframe."""
    for name, among in where.among.items():
        part = part[_texts(part[name]).isin(among)]
    if where.time:
        times = part[where.time]
        zone = times.dt.tz
        for moment, later in ((where.since, True), (where.until, False)):
            if moment is not None:
                limit = _moment(moment, zone)
                part = part[part[where.time] >= limit if later else part[where.time] <= limit]
    counted = Tally(layout)
    table = {
        name: part[name].to_numpy(dtype=float, na_value=float("nan")) if isinstance(bins, Grid) else _told(part[name])
        for name, bins in layout.features.items()
    }
    counted.fill(table | {name: _told(part[name]) for name in layout.slices})
    return counted


def _merged(tallies: Sequence[Tally]) -> Tally:
    first, *rest = tallies
    for each in rest:
        first = first.merge(each)
    return first


def _texts(column: Any) -> Any:
    """Values as DuckDB would write them; missing ones stay missing."""
    if column.dtype.kind == "b":
        return column.map({True: "true", False: "false"})
    return column.where(column.isna(), column.astype(str))


def _told(column: Any) -> list[str | None]:
    texts = _texts(column).astype(object)
    told: list[str | None] = texts.where(texts.notna(), None).tolist()
    return told


def _moment(at: Any, zone: Any) -> Any:
    import pandas as pd

    moment = pd.Timestamp(at).tz_convert("UTC")
    return moment if zone is not None else moment.tz_localize(None)
