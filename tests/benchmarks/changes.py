"""What a change of production costs: from the click to its effect, and how long a killed house takes to take all up."""

from __future__ import annotations

import contextlib
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

from tests import postgres
from tests.crash.target import Router, routing

Say = Callable[[str], None]
LEAST = 40
DATABASES = ("sqlite", "postgresql")


def measure(clicks: int, pending: int, say: Say) -> None:
    """Say what each database costs."""
    with server() as fresh:
        for name in DATABASES:
            with fresh(name) as (log, work, folder):
                _clicks(name, max(clicks, LEAST), (log, work, folder), say)
        for name in DATABASES:
            with fresh(name) as (log, work, folder):
                _recovered(name, pending, (log, work, folder), say)


@contextlib.contextmanager
def server() -> Iterator[Callable[[str], Any]]:
    """A PostgreSQL for the while, and a fresh state on either database."""
    cluster = postgres.start()

    @contextlib.contextmanager
    def fresh(name: str) -> Iterator[tuple[str, str, Path]]:
        with tempfile.TemporaryDirectory(prefix="tocsin-changes-") as place:
            folder = Path(place)
            if name == "sqlite":
                yield f"sqlite:///{folder / 'tocsin.db'}", f"sqlite:///{folder / 'work.db'}", folder
                return
            running = postgres.Postgres(str(cluster["url"]), folder / "lock")
            with running.database() as url:
                yield url, url, folder

    try:
        yield fresh
    finally:
        postgres.stop(cluster)


class Timed(Router):
    """A router that remembers when it was changed."""

    def __init__(self) -> None:
        super().__init__()
        self.moments: list[float] = []

    def turn(self, weights: dict[str, int]) -> None:
        super().turn(weights)
        self.moments.append(time.monotonic())


def _clicks(name: str, many: int, where: tuple[str, str, Path], say: Say) -> None:
    with routing(Timed()) as router:
        told = _child("click", many, where, router.address)
    moments = router.moments
    assert len(moments) == many, f"{many} clicks, {len(moments)} effects"
    effects = [1000 * (done - click) for click, done in zip(told["clicked"], moments, strict=True)]
    answers = [1000 * (done - click) for click, done in zip(told["clicked"], told["acknowledged"], strict=True)]
    say(f"{name}, {many} changes, one after the other")
    say(f"  from the click to its record       {_told(answers)}")
    say(f"  from the click to the effect       {_told(effects)}")


def _recovered(name: str, many: int, where: tuple[str, str, Path], say: Say) -> None:
    _child("fill", many, where, "", code=9)
    told = _child("recover", many, where, "")
    once = "each once" if told["effects"] == told["keys"] == many else f"{told['effects']} effects of {many}"
    say(f"{name}, {many:,} approved changes, half of them claimed, when the house was killed; started again ({once})")
    say(f"  rounds going {told['opened']:6.1f} s, first effect {told['first']:6.1f} s, last {told['last']:6.1f} s")
    say(f"  all written down {told['told']:6.1f} s after the start, {told['peak']:6.1f} MiB at most")


def _child(what: str, many: int, where: tuple[str, str, Path], address: str, code: int = 0) -> dict[str, Any]:
    log, work, folder = where
    words = [sys.executable, "-m", "tests.benchmarks.changing", what, str(many), log, work, str(folder), address]
    child = subprocess.run(words, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False, env=os.environ)
    if child.returncode != code:
        raise RuntimeError(f"{what} ended with {child.returncode}: {child.stderr[-3000:]}")
    told: dict[str, Any] = json.loads(child.stdout.splitlines()[-1])
    return told


def _told(times: Sequence[float]) -> str:
    cuts = statistics.quantiles(times, n=100, method="inclusive")
    return f"p50 {cuts[49]:7.1f} ms, p99 {cuts[98]:7.1f} ms, most {max(times):7.1f} ms, n={len(times)}"
