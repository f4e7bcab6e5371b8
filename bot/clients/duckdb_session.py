"""Opens DuckDB for one job: bounded in memory, threads and time, and fetching nothing from anywhere."""

from __future__ import annotations

import asyncio
import contextlib
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any, TypeVar

from bot.domain.errors import Unavailable

T = TypeVar("T")

FILES = (".parquet", ".csv", ".csv.gz", ".tsv", ".duckdb")
GRACE = 5.0  # seconds a job that was interrupted has to end


@dataclass(frozen=True, slots=True)
class Limits:
    """What one job may take."""

    memory: str = "1GB"
    threads: int = 2
    seconds: float = 12.0


@dataclass
class Job:
    """Work in a thread of its own: whoever does it asks `stop`, and what it opened can be interrupted."""

    stop: threading.Event = field(default_factory=threading.Event)
    opened: list[Any] = field(default_factory=list)

    def end(self) -> None:
        """Let it come to nothing: queries that run are interrupted."""
        self.stop.set()
        for each in self.opened:
            each.interrupt()


async def within(what: str, limits: Limits, work: Callable[[Job], T]) -> T:
    """What the work finds, in a thread. Raises Unavailable where it takes too long; then it is ended."""
    job = Job()
    thread = asyncio.create_task(asyncio.to_thread(work, job))
    try:
        async with asyncio.timeout(limits.seconds):
            return await asyncio.shield(thread)
    except TimeoutError:
        raise Unavailable(what, f"was not read within {limits.seconds:g} s") from None
    finally:
        if not thread.done():
            job.end()
            await asyncio.wait([thread], timeout=GRACE)
            thread.cancel()


@contextlib.contextmanager
def connected(limits: Limits, *, attach: str = "", spill: bool = True) -> Iterator[Any]:
    """A connection to nothing, or with the DuckDB file `attach` as `source`, read only; its settings are locked.

    `spill` says whether what does not fit into memory may be laid down in a temporary file.
    """
    import duckdb

    # nothing is fetched from anywhere: extensions are those that come with DuckDB
    config: dict[str, str | bool | int | float | list[str]] = {
        "memory_limit": limits.memory,
        "threads": limits.threads,
        "autoinstall_known_extensions": False,
        "autoload_known_extensions": False,
        **({} if spill else {"temp_directory": ""}),
    }
    with duckdb.connect(config=config) as connection:
        if attach:
            path = attach.replace("'", "''")
            connection.execute(f"ATTACH '{path}' AS source (READ_ONLY)")
        connection.execute("SET TimeZone = 'UTC'")
        connection.execute("SET lock_configuration = true")
        yield connection
