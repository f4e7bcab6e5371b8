"""The demonstration's processes: world, practice Slack and bot, each its own, each restarted where it stood.

The world and Slack outlive the bot, as they do in life. What a killed demonstration left running is taken over by the
next one on the same state folder.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import signal
import socket
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import httpx

from bot.demo import papers, setup
from bot.domain.errors import Unavailable

READY_WITHIN = 60.0
GRACE = 8.0
TOKENS = {"TOCSIN_DEMO_BOT_TOKEN": "xoxb-local", "TOCSIN_DEMO_APP_TOKEN": "xapp-local"}


class Stage:
    """Starts what is not running, and ends what it is told to end."""

    def __init__(self, folder: Path, extras: Sequence[str] = ()) -> None:
        self.folder, self.extras = folder, tuple(extras)
        self.http = httpx.AsyncClient(timeout=5, trust_env=False)
        self.world: dict[str, Any] = {}
        self.slack_url = ""
        self.web_url = ""
        self._children: dict[str, asyncio.subprocess.Process] = {}

    # -- up ----------------------------------------------------------------------------------------------------------

    async def up(self) -> None:
        """World, Slack and bot, in this order. Raises Unavailable naming the one that does not come up."""
        self.folder.mkdir(parents=True, exist_ok=True)
        await self._world()
        await self._slack()
        config = setup.write(self.folder / "tocsin", self.world, self.slack_url, self._port("web"))
        self.web_url = f"http://127.0.0.1:{self._port('web')}"
        await self._bot(config)

    async def _world(self) -> None:
        ports = self.folder / "world.json"
        told = papers.read(ports) if self._alive("world") else None
        if told is None or not await self._answers(f"{told['world']}/world"):
            ports.unlink(missing_ok=True)
            arguments = ["-m", "bot.demo.world", "--state", str(self.folder / "world"), "--ports-file", str(ports)]
            await self._start("world", [*arguments, *self.extras])
            await self._until("world", ports.is_file)
            told = papers.read(ports)
        self.world = dict(told or {})

    async def _slack(self) -> None:
        port = self._port("slack")
        self.slack_url = f"http://127.0.0.1:{port}"
        if not (self._alive("slack") and await self._answers(f"{self.slack_url}/control/state")):
            arguments = ["-m", "bot.localslack", "--port", str(port), "--state", str(self.folder / "slack")]
            await self._start("slack", arguments)
            await self._until_answers("slack", f"{self.slack_url}/control/state")

    async def _bot(self, config: Path) -> None:
        if not (self._alive("bot") and await self._answers(f"{self.web_url}/healthz")):
            await self._start("bot", ["-m", "bot", "run", "-c", str(config), "--log-level", "warning"], TOKENS)
            await self._until_answers("bot", f"{self.web_url}/healthz")

    async def revive(self) -> bool:
        """Start the bot again if it died, as any service manager would; True if it had."""
        child = self._children.get("bot")
        dead = child.returncode is not None if child else not self._alive("bot")
        if dead:
            await self._bot(self.folder / "tocsin" / "tocsin.yaml")
        return dead

    # -- down --------------------------------------------------------------------------------------------------------

    async def down(self) -> None:
        """End bot, Slack and world, in this order, by the ids written down when they were started."""
        for name in ("bot", "slack", "world"):
            await self._stop(name)
        await self.http.aclose()

    async def _stop(self, name: str) -> None:
        pid = self._pid(name)
        child = self._children.pop(name, None)
        if pid is None:
            return
        for sign in (signal.SIGTERM, signal.SIGKILL):
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.kill(pid, sign)
            if child is not None:
                with contextlib.suppress(TimeoutError):
                    await asyncio.wait_for(child.wait(), GRACE)
                    break
            elif await self._gone(name):
                break
        self._pid_file(name).unlink(missing_ok=True)

    async def _gone(self, name: str) -> bool:
        for _ in range(int(GRACE / 0.1)):
            if not self._alive(name):
                return True
            await asyncio.sleep(0.1)
        return False

    # -- processes ---------------------------------------------------------------------------------------------------

    async def _start(self, name: str, arguments: Sequence[str], environ: Mapping[str, str] | None = None) -> None:
        log = (self.folder / f"{name}.log").open("ab")
        try:
            child = await asyncio.create_subprocess_exec(
                sys.executable,
                *arguments,
                stdin=asyncio.subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                env={**os.environ, **(environ or {})},
                start_new_session=True,
            )
        finally:
            log.close()
        self._children[name] = child
        self._pid_file(name).write_text(str(child.pid))

    def _pid_file(self, name: str) -> Path:
        return self.folder / f"{name}.pid"

    def _pid(self, name: str) -> int | None:
        try:
            return int(self._pid_file(name).read_text())
        except (OSError, ValueError):
            return None

    def _alive(self, name: str) -> bool:
        """Whether the process written down is there; one of our own that ended is not."""
        child = self._children.get(name)
        if child is not None:
            return child.returncode is None
        pid = self._pid(name)
        if pid is None:
            return False
        try:
            os.kill(pid, 0)
        except OSError:
            return False
        return True

    def _port(self, name: str) -> int:
        """A port kept for as long as the folder is."""
        path = self.folder / "ports.json"
        kept: dict[str, int] = json.loads(path.read_text()) if path.is_file() else {}
        if name not in kept:
            with socket.socket() as found:
                found.bind(("127.0.0.1", 0))
                kept[name] = found.getsockname()[1]
            path.write_text(json.dumps(kept))
        return kept[name]

    # -- waiting -----------------------------------------------------------------------------------------------------

    async def _answers(self, url: str) -> bool:
        try:
            return (await self.http.get(url)).is_success
        except httpx.HTTPError:
            return False

    async def _until_answers(self, name: str, url: str) -> None:
        deadline = asyncio.get_running_loop().time() + READY_WITHIN
        while not await self._answers(url):
            await self._patience(name, deadline)

    async def _until(self, name: str, ready: Any) -> None:
        deadline = asyncio.get_running_loop().time() + READY_WITHIN
        while not ready():
            await self._patience(name, deadline)

    async def _patience(self, name: str, deadline: float) -> None:
        if not self._alive(name):
            raise Unavailable(f"the demonstration's {name}", f"ended at once: {self._last_words(name)}")
        if asyncio.get_running_loop().time() > deadline:
            raise Unavailable(f"the demonstration's {name}", f"is not ready after {READY_WITHIN:g} s")
        await asyncio.sleep(0.1)

    def _last_words(self, name: str) -> str:
        lines = (self.folder / f"{name}.log").read_text(errors="replace").strip().splitlines()
        return lines[-1] if lines else "it said nothing"
