"""What it costs to start again with thousands of objectives: reading five thousand files, and the whole of `tocsin run`."""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

from tests import many
from tests.benchmarks import house
from tests.benchmarks.exporter import CODES, metric
from tests.benchmarks.server import cpu, serving
from tests.parts import free_port

LOAD = """\
import resource, sys, time
from pathlib import Path
from bot import openings, wiring
from bot.config.load import load
wall, used = time.perf_counter(), time.process_time()
read = load(Path(sys.argv[1]), environ={}, models=openings.models)
peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
print(len(read.slos), time.perf_counter() - wall, time.process_time() - used, peak)
"""
WATCH = 50.0  # seconds of polling before it is ended: three polls and as many savings


def measure(slos: int, rounds: int, say: Callable[[str], None]) -> None:
    """Read the folder, start on it, end, start again; say the times and the memory."""
    size = slos * len(CODES)
    with tempfile.TemporaryDirectory(prefix="tocsin-restart-") as name, serving([size], 0, say) as server:
        server.scraped()
        os.environ.pop("PYTHONDONTWRITEBYTECODE", None)  # an installation compiles its modules once, not at each start
        os.environ["PYTHONPYCACHEPREFIX"] = str(Path(name) / "compiled")
        page = many.folder(Path(name) / "house", slos, url=server.url, metric=metric(size), port=free_port())
        say(f"{slos:,} objectives in as many files, {size:,} series in a real Prometheus")
        found = [_load(page) for _ in range(rounds)]
        wall, used, peak = (statistics.median(column) for column in zip(*found, strict=True))
        say(f"  configuration read             {wall:6.1f} s, {used:6.1f} s of processor, peak {peak:6.1f} MiB")
        for turn in range(rounds + 1):
            spent: list[float] = []
            taken, held, said = house.once(page, WATCH, ready=lambda pid, spent=spent: spent.append(cpu(pid)))
            words = "started again, and ready     " if turn else "first start, polled and ready"
            again = ", caught up from the source" if turn and "caught up" in said else ""
            say(f"  {words}  {taken:6.1f} s, {spent[0]:6.1f} s of processor, then {held}{again}")


def _load(page: Path) -> tuple[float, float, float]:
    child = subprocess.run(
        [sys.executable, "-c", LOAD, str(page)], stdin=subprocess.DEVNULL, capture_output=True, check=True, text=True
    )
    _, wall, used, peak = child.stdout.split()
    return float(wall), float(used), float(peak)
