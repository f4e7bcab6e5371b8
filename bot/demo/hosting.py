"""Runs several web services in one process on loopback, on the same ports again after a restart."""

import asyncio
import contextlib
import socket
from collections.abc import AsyncIterator, Iterator, Mapping

import uvicorn
from starlette.applications import Starlette

LOOPBACK = "127.0.0.1"


class _Server(uvicorn.Server):
    """A server that leaves signals to the world it runs in."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


def door(wanted: int | None) -> socket.socket:
    """A bound socket on loopback: the wanted port if it is free, else one the system chooses."""
    for port in [wanted, 0] if wanted else [0]:
        sock = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)  # inherited; see bot.serving.bound
        try:
            sock.bind((LOOPBACK, port))
        except OSError:
            sock.close()
            if port == 0:
                raise
        else:
            return sock
    raise AssertionError("unreachable: port 0 either binds or raises")


def url(sock: socket.socket) -> str:
    """The base URL of a bound socket."""
    return f"http://{LOOPBACK}:{sock.getsockname()[1]}"


@contextlib.asynccontextmanager
async def serving(apps: Mapping[str, tuple[socket.socket, Starlette]]) -> AsyncIterator[None]:
    """All apps answer while inside; on the way out they finish what is under way (2 s at most) and close."""
    servers = [
        _Server(uvicorn.Config(app, access_log=False, log_level="warning", timeout_graceful_shutdown=2))
        for _, app in apps.values()
    ]
    doors = [sock for sock, _ in apps.values()]
    tasks = [asyncio.create_task(server.serve(sockets=[sock])) for server, sock in zip(servers, doors, strict=True)]
    try:
        while not all(server.started for server in servers):
            if any(task.done() for task in tasks):
                raise RuntimeError("a web service of the demonstration ended while starting")
            await asyncio.sleep(0.01)
        yield
    finally:
        for server in servers:
            server.should_exit = True
        await asyncio.gather(*tasks, return_exceptions=True)
