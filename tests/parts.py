"""Real parts for tests and servers that behave badly: programs found or skipped by name, children that never stay."""

from __future__ import annotations

import asyncio
import contextlib
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from datetime import datetime, timedelta
from pathlib import Path
from typing import NoReturn

import pytest

from tests.kit import NOON

CANARY = "canary-7f3a9c-must-not-be-told"
REQUIRED = frozenset(
    {
        "prometheus",
        "prometheus-alertmanager",
        "haproxy",
        "mlflow",
        "etcd",
        "node",
        "@slack/types",
        "moto_server",
        "botocore",
    }
    | {"soffice", "pdftoppm", "pdftotext"}
    | {"unleash-server", "openfeature-provider-flagd", "apache-airflow-client"}
)


def binary(name: str) -> str:
    """The program of that name; without it the test is skipped by name, and fails under CI=true where it is required."""
    places = [str(Path(sys.executable).parent), os.environ.get("PATH", ""), "/usr/local/sbin", "/usr/sbin", "/sbin"]
    found = shutil.which(name, path=os.pathsep.join(places))
    if found is None:
        missing(name)
    return found


def missing(name: str) -> NoReturn:
    """Skip this test because that part is not here; fail instead where the run promised to have it."""
    if os.environ.get("CI") == "true" and name in REQUIRED:
        pytest.fail(f"{name} is required under CI=true and is not installed")
    pytest.skip(f"{name} is not installed")


def free_port() -> int:
    """A port nobody listens on at this moment."""
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        return int(sock.getsockname()[1])


@contextlib.contextmanager
def running(
    command: Sequence[str], ready: Callable[[], bool], *, within: float, env: dict[str, str] | None = None, cwd: Path
) -> Iterator[subprocess.Popen[bytes]]:
    """A child in a session of its own, ready when `ready()` says so; it and all it started are gone afterwards."""
    log = cwd / "output.log"
    with log.open("wb") as output:
        child = subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            env=env,
            cwd=cwd,
            start_new_session=True,
        )
    try:
        until = time.monotonic() + within
        while not ready():
            if child.poll() is not None or time.monotonic() > until:
                pytest.fail(f"{command[0]} did not come up: {log.read_text(errors='replace')[-2000:]}")
            time.sleep(0.05)
        yield child
    finally:
        for sign in (signal.SIGTERM, signal.SIGKILL):
            with contextlib.suppress(ProcessLookupError):
                os.killpg(child.pid, sign)
            with contextlib.suppress(subprocess.TimeoutExpired):
                child.wait(5)
                break


class Hands:
    """A clock moved by hand."""

    def __init__(self, at: datetime = NOON) -> None:
        self.at = at

    def now(self) -> datetime:
        return self.at

    def forward(self, seconds: float) -> None:
        self.at += timedelta(seconds=seconds)

    async def sleep(self, seconds: float) -> None:
        self.forward(seconds)
        await asyncio.sleep(0)


# -- servers that behave badly ---------------------------------------------------------------------------------------


def _http(status: str, body: bytes, *, length: int | None = None, kind: str = "application/json") -> bytes:
    told = len(body) if length is None else length
    return f"HTTP/1.1 {status}\r\ncontent-type: {kind}\r\ncontent-length: {told}\r\n\r\n".encode() + body


_SAYS = CANARY.encode()
MANNERS: dict[str, bytes] = {
    "hangs": b"",
    "hangs up": b"",
    "drips": b"",
    "404": _http("404 Not Found", b'{"detail": "' + _SAYS + b'"}'),
    "401": _http("401 Unauthorized", b'{"detail": "Bearer ' + _SAYS + b'"}'),
    "400": _http("400 Bad Request", b'{"reasons": ["you sent Bearer ' + _SAYS + b'"]}'),
    "429": _http("429 Too Many Requests", _SAYS),
    "500": _http("500 Internal Server Error", b"Traceback ... token=" + _SAYS),
    "302": b"HTTP/1.1 302 Found\r\nlocation: http://127.0.0.1:1/\r\ncontent-length: 0\r\n\r\n",
    "junk": _http("200 OK", b"\x00\xffnot json {" + _SAYS),
    "html": _http("200 OK", b"<html><body>" + _SAYS + b"</body></html>", kind="text/html"),
    "other json": _http("200 OK", b'[1, "' + _SAYS + b'"]'),
    "empty object": _http("200 OK", b"{}"),
    "empty": _http("200 OK", b""),
    "truncated": _http("200 OK", b'{"status": "succ', length=4000),
    "not http": b"SSH-2.0-OpenSSH " + _SAYS + b"\r\n",
}


@contextlib.asynccontextmanager
async def badly(manners: str) -> AsyncIterator[int]:
    """A port of this machine where something answers with these manners."""
    open_ones: set[asyncio.Task[None]] = set()

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        open_ones.add(task)
        try:
            if manners == "hangs up":
                return
            await reader.read(65536)
            if manners == "hangs":
                await asyncio.sleep(3600)
            if manners == "drips":
                writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: 100000\r\n\r\n")
                while True:
                    writer.write(b" ")
                    await writer.drain()
                    await asyncio.sleep(0.02)
            writer.write(MANNERS[manners])
            await writer.drain()
        except (asyncio.CancelledError, ConnectionError):
            pass
        finally:
            open_ones.discard(task)
            writer.close()

    server = await asyncio.start_server(answer, "127.0.0.1", 0)
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        server.close()
        for task in list(open_ones):
            task.cancel()
        await asyncio.sleep(0)


async def nothing_there() -> int:
    """A port where nobody listens."""
    return free_port()
