"""What it costs to count those decided about, and to make their list, in a prediction log of a million decisions."""

from __future__ import annotations

import asyncio
import tempfile
import time
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import duckdb

from bot.decisions import DecisionLog
from bot.documents.csv import lines
from bot.domain.service import PredictionLog
from bot.engine.affected import Listing
from bot.engine.decisions import Asked

NOON = datetime(2026, 11, 20, 12, 0, tzinfo=UTC)
ROWS = """
SELECT TIMESTAMPTZ '2026-11-20 12:00:00+00' + to_seconds(i) AS at, 'v' || (1 + i % 2) AS version,
       'person-' || (i % {people}) AS person, CASE WHEN hash(i) % 10 < 3 + i % 4 THEN 'reject' ELSE 'invite' END AS outcome,
       'D' || i AS decision, ['f', 'm', 'x'][1 + i % 3] AS sex, ['CA', 'NY', 'TX', 'WA'][1 + i % 4] AS state
FROM range({rows}) t(i)
"""


def measure(rows: int, say: Callable[[str], None]) -> None:
    """Print seconds for a count with the list's digest, and for the list kept, of Parquet and CSV."""
    say(f"{rows:,} decisions about {rows // 4:,} people, half of them by the bad version; one run each")
    with tempfile.TemporaryDirectory() as folder:
        for name in ("log.parquet", "log.csv"):
            path = Path(folder) / name
            with duckdb.connect() as connection:
                connection.execute("SET TimeZone = 'UTC'")
                connection.execute(f"COPY ({ROWS.format(rows=rows, people=rows // 4)}) TO '{path}'")
            told = PredictionLog(
                str(path), "at", "version", "person", "outcome", ("reject",),
                decision="decision", groups=("sex",), state="state",
            )  # fmt: skip
            say(f"  {name} ({path.stat().st_size / 2**20:,.0f} MiB)")
            for what, asked in (
                ("nothing listed", Asked(NOON, NOON + timedelta(seconds=rows), ("v9",))),
                ("counted, list hashed", Asked(NOON, NOON + timedelta(seconds=rows), ("v2",))),
                ("counted, list kept", Asked(NOON, NOON + timedelta(seconds=rows), ("v2",))),
            ):
                listing, keep = Listing(), what.endswith("kept")
                began, cpu = time.perf_counter(), time.process_time()
                log = DecisionLog("hiring", replace(told, seconds=600), lines)
                asyncio.run(
                    log.count(asked, lambda n, content, into=listing, keep=keep: into.add(n, content, keep=keep))
                )
                took, spent = time.perf_counter() - began, time.process_time() - cpu
                say(f"    {what:<22} {took:6.1f} s, {spent:6.1f} s of processor, {listing.rows:>9,} rows")
