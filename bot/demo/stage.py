"""The demonstration's processes: MLflow, world, practice Slack and bot, each its own, each restarted where it stood.

All but the bot outlive the bot, as they do in life. What a killed demonstration left running is taken over by the
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
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import httpx

from bot.demo import papers, parts, setup
from bot.domain.errors import Unavailable
from bot.slack import manifest

READY_WITHIN = 60.0
MLFLOW_WITHIN = 120.0  # 10 to 25 s on an idle machine, most of it imports
GRACE = 8.0
TOKENS = {"TOCSIN_DEMO_BOT_TOKEN": "xoxb-local", "TOCSIN_DEMO_APP_TOKEN": "xapp-local"}

RegistryLine = Callable[[Path, int], Sequence[str]]  # the command line of a server with this folder, on this port


class Stage:
    """Starts what is not running, and ends what it is told to end."""

    def __init__(self, folder: Path, extras: Sequence[str] = (), registry: RegistryLine | None = None) -> None:
        """`extras` are the world's own arguments; `registry` starts an MLflow server for it to enter versions into."""
        self.folder, self.extras, self.registry = folder, tuple(extras), registry
        self.without = ""  # why there is no registry although one was wanted
        self.http = httpx.AsyncClient(timeout=5, trust_env=False)
        self.world: dict[str, Any] = {}
        self.slack_url = ""
        self.web_url = ""
        self._children: dict[str, asyncio.subprocess.Process] = {}

    # -- up ----------------------------------------------------------------------------------------------------------

    async def up(self) -> None:
        """Registry and Slack, then world, then bot. Raises Unavailable naming the one that does not come up.

        A registry that does not come up (its command is there, its server's parts are not) is done without.
        """
        self.folder.mkdir(parents=True, exist_ok=True)
        slack = asyncio.create_task(self._slack())
        try:
            registry = await self._registry(self.registry) if self.registry else ""
        finally:
            await slack
        await self._world(registry)
        config = setup.write(self.folder / "tocsin", self.world, self.slack_url, self._port("web"))
        self.web_url = f"http://127.0.0.1:{self._port('web')}"
        await self._bot(config)

    async def _registry(self, line: RegistryLine) -> str:
        """The URL of a running MLflow server, "" where it cannot be had."""
        url = f"http://127.0.0.1:{self._port('mlflow')}"
        if self._alive("mlflow") and await self._answers(f"{url}/health"):
            return url
        home = self.folder / "mlflow"
        home.mkdir(exist_ok=True)
        try:
            await self._stop("mlflow")  # one that is there and does not answer holds the port
            await self._start("mlflow", line(home, self._port("mlflow")), parts.MLFLOW_QUIET, home)
            await self._until_answers("mlflow", f"{url}/health", MLFLOW_WITHIN)
        except Unavailable as trouble:
            self.without = str(trouble)
            await self._stop("mlflow")
            return ""
        return url

    async def _world(self, registry: str) -> None:
        ports = self.folder / "world.json"
        told = papers.read(ports) if self._alive("world") else None
        if told is None or not await self._answers(f"{told['world']}/world"):
            ports.unlink(missing_ok=True)
            line = ["bot.demo.world", "--state", str(self.folder / "world"), "--ports-file", str(ports), *self.extras]
            await self._start("world", _python(*line, *(("--mlflow", registry) if registry else ())))
            await self._until("world", ports.is_file)
            told = papers.read(ports)
        self.world = dict(told or {})

    async def _slack(self) -> None:
        port = self._port("slack")
        self.slack_url = f"http://127.0.0.1:{port}"
        if not (self._alive("slack") and await self._answers(f"{self.slack_url}/control/state")):
            page = self.folder / "slack-manifest.json"  # the menus and hints of the page are the bot's own
            page.parent.mkdir(parents=True, exist_ok=True)
            page.write_text(manifest.as_json(manifest.build()), "utf-8")
            line = ["bot.localslack", "--port", str(port), "--state", str(self.folder / "slack")]
            await self._start("slack", _python(*line, "--manifest", str(page)))
            await self._until_answers("slack", f"{self.slack_url}/control/state")

    async def _bot(self, config: Path) -> None:
        if not (self._alive("bot") and await self._answers(f"{self.web_url}/healthz")):
            await self._start("bot", _python("bot", "run", "-c", str(config), "--log-level", "warning"), TOKENS)
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
        """End bot, Slack, world and registry, in this order, by the ids written down when they were started."""
        for name in ("bot", "slack", "world", "mlflow"):
            await self._stop(name)
        await self.http.aclose()

    async def _stop(self, name: str) -> None:
        pid = self._pid(name) if self._alive(name) else None
        child = self._children.pop(name, None)
        end = os.killpg if name == "mlflow" else os.kill  # MLflow is a server and the workers it started
        for sign in (signal.SIGTERM, signal.SIGKILL):
            if pid is None:
                break
            with contextlib.suppress(ProcessLookupError, PermissionError):
                end(pid, sign)
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

    async def _start(
        self, name: str, line: Sequence[str], environ: Mapping[str, str] | None = None, cwd: Path | None = None
    ) -> None:
        log = (self.folder / f"{name}.log").open("ab")
        try:
            child = await asyncio.create_subprocess_exec(
                *line,
                cwd=cwd,
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
        """Whether the process written down is there: not one of ours that ended, not a stranger with its number."""
        child = self._children.get(name)
        if child is not None:
            return child.returncode is None
        pid = self._pid(name)
        if pid is None:
            return False
        try:
            os.kill(pid, 0)
            line = Path(f"/proc/{pid}/cmdline")
            return not line.parent.is_dir() or str(self.folder).encode() in line.read_bytes()
        except OSError:
            return False

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

    async def _until_answers(self, name: str, url: str, within: float = READY_WITHIN) -> None:
        deadline = asyncio.get_running_loop().time() + within
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
            raise Unavailable(f"the demonstration's {name}", "is not ready in time")
        await asyncio.sleep(0.1)

    def _last_words(self, name: str) -> str:
        lines = (self.folder / f"{name}.log").read_text(errors="replace").strip().splitlines()
        return lines[-1] if lines else "it said nothing"


def _python(*line: str) -> list[str]:
    """A module of this installation as a command line."""
    return [sys.executable, "-m", *line]
