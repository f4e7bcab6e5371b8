"""A process that exposes thousands of counters whose every value is known: `python -m tests.benchmarks.exporter PORT START SIZE...`.

It says "scraped" on its standard output each time somebody has read the page. The same formula writes the past and tells
the truth, so that whoever counts can be held against it.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import numpy as np
from numpy.typing import NDArray

CODES = ("200", "404", "500", "503")  # four series an objective
BAD = (2, 3)
SHARES = np.array([1.0, 0.02, 0.0002, 0.0001])  # of an objective's requests a second


def metric(size: int) -> str:
    """The counter that has so many series."""
    return f"requests_{size}_total"


def name(number: int) -> str:
    """What objective a series belongs to, as its label says."""
    return f"slo-{number:05}"


def labels(size: int) -> list[str]:
    """The series of that counter as they are written."""
    return [
        f'{metric(size)}{{slo="{name(number)}",code="{code}"}}'
        for number in range(size // len(CODES))
        for code in CODES
    ]


def values(size: int, seconds: float) -> NDArray[np.int64]:
    """What each of these series stands at, so many seconds after the start."""
    rates = (1 + np.arange(size // len(CODES)) % 20)[:, None] * SHARES
    return np.floor(rates * seconds).astype(np.int64).ravel()


def page(size: int, seconds: float) -> Iterator[str]:
    """The lines of one scrape."""
    yield f"# TYPE {metric(size)} counter"
    for series, value in zip(labels(size), values(size, seconds).tolist(), strict=True):
        yield f"{series} {value}"


def serve(port: int, start: float, sizes: list[int]) -> None:
    """Serve until ended."""

    class Page(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            now = time.time() - start
            body = "\n".join([line for size in sizes for line in page(size, now)] + [""]).encode()
            self.send_response(200)
            self.send_header("Content-Type", "text/plain; version=0.0.4")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)
            sys.stdout.write("scraped\n")
            sys.stdout.flush()

        def log_message(self, *_words: object) -> None:
            """Say nothing."""

    ThreadingHTTPServer(("127.0.0.1", port), Page).serve_forever()


if __name__ == "__main__":
    serve(int(sys.argv[1]), float(sys.argv[2]), [int(each) for each in sys.argv[3:]])
