"""Counting on a Dask cluster gives the counts of one machine. Against a real scheduler with one worker in this process."""

from __future__ import annotations

from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from bot.clients import dask
from bot.clients.duckdb import Limits, Source, Where, look
from bot.domain.errors import Unavailable
from tests.clients.test_duckdb import LAYOUT, same, table
from tests.kit import at
from tests.parts import free_port

ALONE = {"n_workers": 1, "processes": False, "asynchronous": True, "dashboard_address": ":0"}

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::ResourceWarning")


@pytest.fixture
def log(tmp_path: Path) -> Source:
    """Four files: four partitions."""
    pytest.importorskip("distributed", reason="Dask is not installed (tocsin[dask])")
    rows = table()
    for number in range(4):
        part = {name: values[number * 1250 : (number + 1) * 1250] for name, values in rows.items()}
        pq.write_table(pa.table(part), tmp_path / f"part-{number}.parquet")
    return Source(f"{tmp_path}/part-*.parquet")


@pytest.mark.parametrize("where", [Where(), Where("at", at(100), at(4_000), {"version": ("v2",), "slice": ("po'or",)})])
async def test_a_cluster_counts_what_one_machine_counts(log: Source, where: Where, tmp_path: Path) -> None:
    """Filled partition by partition and merged: exactly DuckDB's counts, in every slice, filtered or not."""
    from dask import config
    from distributed import LocalCluster

    expected = await look(log, lambda door: door.tally(LAYOUT, where), Limits())
    with config.set({"temporary-directory": str(tmp_path)}):
        async with LocalCluster(**ALONE) as cluster:
            address = cluster.scheduler_address
            counted = await dask.count(log, LAYOUT, where, scheduler=address, seconds=30)
    assert same(counted, expected)


async def test_no_scheduler_is_a_sentence(log: Source) -> None:
    """Nobody at that address, or files it cannot read, is Unavailable in time."""
    nobody = f"tcp://127.0.0.1:{free_port()}"
    with pytest.raises(Unavailable, match=r"did not count|could not count"):
        await dask.count(log, LAYOUT, Where(), scheduler=nobody, seconds=1)
    with pytest.raises(Unavailable, match="reads Parquet files"):
        dask.frame(Source("log.csv"), LAYOUT, Where())
