"""A real Prometheus over thousands of series, with a past of hours, and what its process costs."""

from __future__ import annotations

import contextlib
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from tests.benchmarks.exporter import labels, metric, values
from tests.parts import binary, free_port, running

STEP = 30  # seconds between two samples of the past
BLOCK = 7200  # seconds: Prometheus's own
CONFIG = """
global: {{scrape_interval: 15s}}
scrape_configs:
- job_name: api
  static_configs: [{{targets: ["127.0.0.1:{port}"], labels: {{instance: exporter}}}}]
"""
LIKEWISE = 'instance="exporter",job="api"'  # so that the past is of the series that are scraped
_DIRECT = urllib.request.build_opener(urllib.request.ProxyHandler({}))


@dataclass(frozen=True, slots=True)
class Cost:
    """Seconds on the clock, and of processor: the asker's and the server's."""

    wall: float
    client: float
    server: float

    @property
    def cpu(self) -> float:
        return self.client + self.server

    def times(self, factor: float) -> Cost:
        """As much again for so many times the work."""
        return Cost(self.wall * factor, self.client * factor, self.server * factor)

    def less(self, other: Cost) -> Cost:
        """Without what that took."""
        return Cost(self.wall - other.wall, self.client - other.client, self.server - other.server)

    @staticmethod
    def median(costs: Sequence[Cost]) -> Cost:
        """The median of each."""
        wall, client, server = zip(*((each.wall, each.client, each.server) for each in costs), strict=True)
        return Cost(statistics.median(wall), statistics.median(client), statistics.median(server))


@dataclass
class Served:
    """One Prometheus, and the exporter it scrapes."""

    url: str
    pid: int
    start: float  # when every counter stood at 0, in seconds since 1970
    exporter: subprocess.Popen[bytes]

    def cpu(self) -> float:
        """Seconds of processor the server has used."""
        return cpu(self.pid)

    def scraped(self, settle: float = 1.5) -> None:
        """Wait for the next scrape and until it is stored, so that none falls into what is measured."""
        assert self.exporter.stdout is not None
        self.exporter.stdout.readline()
        time.sleep(settle)


def cpu(pid: int) -> float:
    """Seconds of processor of a process: its threads' own clocks, in nanoseconds, or else its ticks."""
    try:
        return sum(int(p.read_text().split()[0]) for p in Path(f"/proc/{pid}/task").glob("*/schedstat")) / 1e9
    except (OSError, ValueError, IndexError):
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / 100


@contextlib.contextmanager
def serving(sizes: Sequence[int], past: float, say: Callable[[str], None]) -> Iterator[Served]:
    """Prometheus over counters of these sizes with `past` seconds of history (0: none), scraping every 15 s."""
    program = binary("prometheus")
    with tempfile.TemporaryDirectory(prefix="tocsin-polling-") as name:
        folder, port, start = Path(name), free_port(), time.time() - past - 600
        if past:
            begun = time.perf_counter()
            count = _history(folder, sizes, start, past)
            say(f"  history: {count:,} samples written by promtool in {time.perf_counter() - begun:.0f} s")
        exporter = subprocess.Popen(
            [sys.executable, "-m", "tests.benchmarks.exporter", str(port), str(start), *map(str, sizes)],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
        )
        try:
            (folder / "prometheus.yml").write_text(CONFIG.format(port=port))
            url = f"http://127.0.0.1:{(listen := free_port())}"
            # else a count() would look into the past's block too, whose end is minutes ago here and hours ago elsewhere
            command = [program, "--config.file=prometheus.yml", "--storage.tsdb.path=data", "--query.lookback-delta=1m"]
            ready = lambda: _answers(f"{url}/-/ready")  # noqa: E731 - a name for one line
            with running(
                [*command, f"--web.listen-address=127.0.0.1:{listen}"], ready, within=120, cwd=folder
            ) as child:
                yield Served(url, child.pid, start, exporter)
        finally:
            exporter.kill()
            exporter.wait()


def _answers(address: str) -> bool:
    with contextlib.suppress(OSError), _DIRECT.open(address, timeout=2) as answer:
        return bool(answer.status == 200)
    return False


def _history(folder: Path, sizes: Sequence[int], start: float, past: float) -> int:
    """Write blocks with a sample every 30 s of the last `past` seconds; how many there are."""
    promtool, now, count = binary("promtool"), time.time(), 0
    begin = (int(now - past) // STEP) * STEP
    while begin < now:
        until = min((begin // BLOCK + 1) * BLOCK, now)
        text = folder / "past.txt"
        moments = list(range(begin, int(until), STEP))
        with text.open("w") as out:
            for size in sizes:
                out.write(f"# TYPE {metric(size).removesuffix('_total')} counter\n")
                held = [values(size, at - start).tolist() for at in moments]
                for place, scraped in enumerate(labels(size)):
                    series = f"{scraped[:-1]},{LIKEWISE}}}"
                    out.writelines(f"{series} {row[place]} {at}\n" for at, row in zip(moments, held, strict=True))
            out.write("# EOF\n")
        count += sum(sizes) * len(moments)
        subprocess.run(
            [promtool, "tsdb", "create-blocks-from", "openmetrics", "--quiet", text.name, "data"],
            cwd=folder,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            check=True,
        )
        text.unlink()
        begin = moments[-1] + STEP
    return count
