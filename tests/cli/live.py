"""A real house in a thread, and a server that answers what a test wrote down: both on this machine, both for the CLI."""

import asyncio
import contextlib
import json
import socket
import threading
from collections.abc import Coroutine, Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, Self, TypeVar

import uvicorn

from bot import serving
from bot.cli._main import run
from tests.world import World

T = TypeVar("T")


class Live:
    """A world whose console listens; `do` runs a coroutine in its thread, `tocsin` runs a command against it."""

    def __init__(self, folder: Path, **changes: Any) -> None:
        """`changes` are those of the installation."""
        self.folder, self.config, self._changes = folder, folder / "tocsin.yaml", changes
        self.world: World
        self.port = 0
        self._loop = asyncio.new_event_loop()
        self._ready, self._stop = threading.Event(), asyncio.Event()
        self._failed: BaseException | None = None
        self._thread = threading.Thread(target=self._run)

    def __enter__(self) -> Self:
        self._thread.start()
        assert self._ready.wait(30)
        if self._failed is not None:
            raise self._failed
        self.config.write_text(f"web: {{port: {self.port}}}\nstate: .\n")
        return self

    def __exit__(self, *_about: object) -> None:
        self._loop.call_soon_threadsafe(self._stop.set)
        self._thread.join(30)
        self._loop.close()

    def do(self, work: Coroutine[Any, Any, T]) -> T:
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(60)

    def tocsin(self, *words: str, person: str = "ana") -> int:
        return run([*words, "-c", str(self.config), *(["--as", person] if person else [])])

    def token(self, person: str) -> None:
        """Give somebody a token of their own, saved where the commands find it."""
        assert self.tocsin("token", person, "--save", person="") == 0

    def _run(self) -> None:
        try:
            self._loop.run_until_complete(self._serve())
        except BaseException as error:  # noqa: BLE001 - told to the test's own thread
            self._failed = error
        finally:
            self._ready.set()

    async def _serve(self) -> None:
        async with World.open(self.folder, **self._changes) as self.world:
            with socket.socket() as listening:
                listening.bind(("127.0.0.1", 0))
                self.port = listening.getsockname()[1]
                app = serving.console(self.world.house)
                server = uvicorn.Server(uvicorn.Config(app, log_config=None, access_log=False, ws="none"))
                server.capture_signals = contextlib.nullcontext
                task = asyncio.create_task(server.serve(sockets=[listening]))
                while not server.started and not task.done():  # noqa: ASYNC110 - uvicorn has no event to wait for
                    await asyncio.sleep(0.01)
                self._ready.set()
                await self._stop.wait()
                server.should_exit = True
                await task


@dataclass
class Answer:
    """What to answer next; `cut` hangs up without a word."""

    status: int = 200
    body: bytes = b"{}"
    headers: dict[str, str] = field(default_factory=dict)
    cut: bool = False


def says(status: int, **fields: object) -> Answer:
    return Answer(status, json.dumps(fields).encode())


@dataclass
class Scripted:
    """A server that answers in the order written down, the last one for ever, and remembers what it was asked."""

    folder: Path
    answers: list[Answer] = field(default_factory=list)
    asked: list[tuple[str, str, dict[str, str], bytes]] = field(default_factory=list)

    @contextlib.contextmanager
    def listening(self) -> Iterator["Scripted"]:
        script = self

        class Handler(BaseHTTPRequestHandler):
            def _answer(self) -> None:
                body = self.rfile.read(int(self.headers.get("content-length", 0)))
                script.asked.append((self.command, self.path, {k.lower(): v for k, v in self.headers.items()}, body))
                answer = script.answers.pop(0) if len(script.answers) > 1 else script.answers[0]
                if answer.cut:
                    self.close_connection = True
                    self.connection.shutdown(socket.SHUT_RDWR)
                    return
                self.send_response(answer.status)
                for name, value in answer.headers.items():
                    self.send_header(name, value)
                self.send_header("content-length", str(len(answer.body)))
                self.end_headers()
                self.wfile.write(answer.body)

            do_GET = do_POST = _answer  # noqa: N815 - the names http.server looks for

            def log_message(self, *_about: object) -> None:
                return

        with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
            thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
            thread.start()
            (self.folder / "api-token").write_text("a-token\n")
            (self.folder / "tocsin.yaml").write_text(f"web: {{port: {server.server_address[1]}}}\nstate: .\n")
            try:
                yield self
            finally:
                server.shutdown()
                thread.join()

    def tocsin(self, *words: str) -> int:
        return run([*words, "-c", str(self.folder / "tocsin.yaml"), "--as", "ana"])


def free_port() -> int:
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))
        return int(held.getsockname()[1])
