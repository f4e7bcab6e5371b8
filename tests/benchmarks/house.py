"""How long `tocsin run` takes until it answers, how much memory it holds, and which heavy packages it loaded."""

from __future__ import annotations

import contextlib
import itertools
import socket
import subprocess
import sys
import tempfile
import threading
import time
import urllib.request
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import yaml

from tests.benchmarks.child import Memory, Times, end, heavy, memory

PATIENCE = 60.0  # seconds
_DIRECT = urllib.request.build_opener(urllib.request.ProxyHandler({}))


def measure(config: Path | None, rounds: int, watch: float) -> tuple[Times, list[Memory], list[str]]:
    """Times to ready, memory after `watch` seconds of polling, and heavy packages; the starter folder where none is given."""
    ready, held = [], []
    with contextlib.ExitStack() as stack:
        chosen = config or stack.enter_context(starter())
        for _ in range(rounds):
            taken, resident, _said = once(chosen, watch)
            ready.append(taken)
            held.append(resident)
        _taken, _resident, said = once(chosen, watch, "-X", "importtime")
    return Times(ready), held, heavy(said)


def once(
    config: Path, watch: float, *options: str, ready: Callable[[int], None] = lambda _pid: None
) -> tuple[float, Memory, str]:
    """Start the house, wait until /healthz answers, let it poll, look, and end it. Raises RuntimeError if it does not come up."""
    address = _address(config)
    with tempfile.TemporaryFile() as output:
        begun = time.perf_counter()
        process = subprocess.Popen(
            [sys.executable, *options, "-m", "bot", "run", "-c", str(config)],
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            start_new_session=True,
        )
        try:
            came_up = _answers(process, address, begun + PATIENCE)
            taken = time.perf_counter() - begun
            if came_up:
                ready(process.pid)
                time.sleep(watch)
            resident = memory(process.pid) if process.poll() is None else Memory(0, 0, 0)
        finally:
            end(process)
        output.seek(0)
        said = output.read().decode(errors="replace")
    if not came_up or not resident.processes:
        raise RuntimeError(f"tocsin run did not stay up: {said[-3000:]}")
    return taken, resident, said


@contextlib.contextmanager
def starter() -> Iterator[Path]:
    """A folder as `tocsin init` writes it, polling every second a model service whose counters move."""
    with tempfile.TemporaryDirectory(prefix="tocsin-bench-") as folder, model() as metrics:
        place = Path(folder) / "tocsin"
        subprocess.run([sys.executable, "-m", "bot", "init", str(place)], capture_output=True, check=True)
        page = place / "tocsin.yaml"
        settings = yaml.safe_load(page.read_text("utf-8"))
        settings["web"]["port"] = _free_port()
        settings["sources"] = {"prometheus": {"kind": "openmetrics", "urls": [metrics]}}
        settings["poll"]["every"] = "1s"
        page.write_text(yaml.safe_dump(settings), "utf-8")
        yield page


@contextlib.contextmanager
def model() -> Iterator[str]:
    """The address of a /metrics page whose request counter grows with every look."""
    looks = itertools.count(1)

    class Page(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            total = 100 * next(looks)
            text = f'# TYPE http_requests_total counter\nhttp_requests_total{{job="scoring",code="200"}} {total}\n'
            self.send_response(200)
            self.send_header("Content-Type", "text/plain; version=0.0.4")
            self.end_headers()
            self.wfile.write(text.encode())

        def log_message(self, *_words: object) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Page)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}/metrics"
    finally:
        server.shutdown()
        server.server_close()


def _address(config: Path) -> str:
    web = (yaml.safe_load(config.read_text("utf-8")) or {}).get("web") or {}
    return f"http://{web.get('host', '127.0.0.1')}:{web.get('port', 8080)}/healthz"


def _answers(process: subprocess.Popen[bytes], address: str, until: float) -> bool:
    while process.poll() is None and time.perf_counter() < until:
        with contextlib.suppress(OSError), _DIRECT.open(address, timeout=2) as answer:
            return bool(answer.status == 200)
        time.sleep(0.01)
    return False


def _free_port() -> int:
    with socket.socket() as door:
        door.bind(("127.0.0.1", 0))
        return int(door.getsockname()[1])
