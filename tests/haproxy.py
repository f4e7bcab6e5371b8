"""A real HAProxy before three backends that answer with their names, started, reloaded and stopped by a test."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler
from pathlib import Path

import httpx
import pytest

from tests.parts import binary, free_port, running
from tests.serving import served

_CONFIG = """
global
  stats socket {folder}/admin.sock mode 600 level admin
  stats socket {folder}/reader.sock mode 600 level user
  server-state-file {folder}/state
defaults
  mode http
  timeout connect 2s
  timeout client 5s
  timeout server 5s
  {load}
frontend front
  bind 127.0.0.1:{port}
  use_backend %[req.hdr(x-slice),map({folder}/slices.map,visits)]
backend visits
  balance {balance}
  {more}
  server v1 127.0.0.1:{v1} weight 0 {v1_more}
  server v2 127.0.0.1:{v2} weight 100
backend rules
  server rules 127.0.0.1:{rules}
"""


@dataclass(frozen=True)
class Front:
    """One running HAProxy in master-worker mode."""

    folder: Path
    url: str
    master: subprocess.Popen[bytes]

    @property
    def address(self) -> str:
        return f"unix:{self.folder}/admin.sock"

    @property
    def map_file(self) -> str:
        return f"{self.folder}/slices.map"

    def ask(self, line: str, socket_: str = "admin.sock") -> str:
        """What its runtime API answers."""
        with socket.socket(socket.AF_UNIX) as door:
            door.settimeout(5)
            door.connect(str(self.folder / socket_))
            door.sendall(f"{line}\n".encode())
            return b"".join(iter(lambda: door.recv(65536), b"")).decode()

    def reload(self) -> None:
        """SIGUSR2 to the master, as `systemctl reload` does; back once the new worker answers."""
        before = self._pid()
        self.master.send_signal(signal.SIGUSR2)
        until = time.monotonic() + 10
        while (now := self._pid()) in {before, ""}:
            if time.monotonic() > until:
                pytest.fail(f"HAProxy did not reload: {now} still answers")
            time.sleep(0.05)

    def answers(self, slice_: str = "health=good", times: int = 20, **headers: str) -> Counter[str]:
        """Who answered so many requests of this slice."""
        with httpx.Client(trust_env=False) as client:
            asked = {"x-slice": slice_, **headers}
            return Counter(client.get(self.url, headers=asked).text for _ in range(times))

    def _pid(self) -> str:
        with contextlib.suppress(OSError):
            lines = self.ask("show info").splitlines()
            return next((line for line in lines if line.startswith("Pid:")), "")
        return ""


@contextlib.contextmanager
def front(*, balance: str = "random", more: str = "", v1_more: str = "", loads: bool = True) -> Iterator[Front]:
    """A fresh HAProxy: v2 has all the weight; `loads` says whether it reads its state file when it starts."""
    program = binary("haproxy")
    folder = Path(tempfile.mkdtemp(prefix="hap"))  # short: a unix socket's path has 107 characters
    try:
        with _naming("v1") as v1, _naming("v2") as v2, _naming("rules") as rules:
            port = free_port()
            (folder / "slices.map").write_text("# slices sent elsewhere\n")
            load = "load-server-state-from-file global" if loads else ""
            told = {"balance": balance, "more": more, "v1_more": v1_more, "load": load}
            config = _CONFIG.format(folder=folder, port=port, v1=v1, v2=v2, rules=rules, **told)
            (folder / "haproxy.cfg").write_text(config)
            ready = (folder / "admin.sock").exists
            line = [program, "-W", "-f", "haproxy.cfg"]
            with running(line, ready, within=10, cwd=folder, env=dict(os.environ)) as master:
                yield Front(folder, f"http://127.0.0.1:{port}", master)
    finally:
        shutil.rmtree(folder)


@contextlib.contextmanager
def _naming(name: str) -> Iterator[int]:
    """A backend that answers with its name."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.send_header("content-length", str(len(name)))
            self.end_headers()
            self.wfile.write(name.encode())

        def log_message(self, *args: object) -> None:
            """Quiet."""

    with served(Handler) as port:
        yield port
