"""Starts children and measures them: wall time, resident memory, and what they imported."""

from __future__ import annotations

import os
import re
import signal
import statistics
import subprocess
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

# each costs hundreds of milliseconds or tens of megabytes
HEAVY = ("evidently", "sklearn", "pandas", "scipy", "statsmodels", "pyarrow", "duckdb", "mlflow", "numpy", "alembic")


@dataclass(frozen=True, slots=True)
class Times:
    """Wall times of repeated runs, in seconds."""

    all: Sequence[float]

    @property
    def median(self) -> float:
        return statistics.median(self.all)

    @property
    def best(self) -> float:
        return min(self.all)

    def __str__(self) -> str:
        return f"median {1000 * self.median:7.1f} ms, best {1000 * self.best:7.1f} ms, n={len(self.all)}"


@dataclass(frozen=True, slots=True)
class Memory:
    """Resident memory of a process and all its children, in MiB, and the process's own highest."""

    resident: float
    peak: float
    processes: int

    def __str__(self) -> str:
        return f"{self.resident:6.1f} MiB in {self.processes} process(es), peak {self.peak:6.1f} MiB"


def times(commands: Sequence[Sequence[str]], rounds: int) -> list[Times]:
    """Run the commands in turn, `rounds` times each after one that warms the disk's cache; taking turns shares the noise.

    Raises CalledProcessError when one fails.
    """
    found: list[list[float]] = [[] for _ in commands]
    for number in range(rounds + 1):
        for place, command in enumerate(commands):
            begun = time.perf_counter()
            subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, check=True)
            if number:
                found[place].append(time.perf_counter() - begun)
    return [Times(taken) for taken in found]


def memory(pid: int) -> Memory:
    """What the kernel says of a process and those it started. Raises OSError when it is gone."""
    family = [pid, *_descendants(pid)]
    resident = sum(_kib(member, "VmRSS") for member in family)
    return Memory(resident / 1024, _kib(pid, "VmHWM") / 1024, len(family))


def heavy(importtime: str) -> list[str]:
    """Which of the heavy packages a child imported, by what `python -X importtime` wrote."""
    imported = {line.rpartition("|")[2].strip() for line in importtime.splitlines() if line.startswith("import time:")}
    return [name for name in HEAVY if name in imported]


def end(process: subprocess.Popen[bytes], within: float = 10) -> int:
    """Ask a child to end; its exit code, or -9 where it had to be ended."""
    process.send_signal(signal.SIGTERM)
    try:
        return process.wait(within)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        return process.wait()


def _descendants(pid: int) -> list[int]:
    try:
        tasks = [(task / "children").read_text() for task in Path(f"/proc/{pid}/task").iterdir()]
    except OSError:
        return []
    children = [int(child) for text in tasks for child in text.split()]
    return children + [further for child in children for further in _descendants(child)]


def _kib(pid: int, field: str) -> int:
    found = re.search(rf"(?m)^{field}:\s+(\d+) kB$", Path(f"/proc/{pid}/status").read_text())
    return int(found[1]) if found else 0
