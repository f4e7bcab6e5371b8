"""Starts the well-known parts a deployment has beside it (HAProxy, Prometheus, MLflow) as children on loopback."""

import asyncio
import contextlib
import json
import os
import shutil
import signal
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import httpx

from bot.demo import hosting, papers
from bot.demo.gateway import SLICE_HEADER
from bot.domain.errors import Invalid, Unavailable

_PIDS = "parts.json"
_DOORS = 3  # ports tried when another takes the one we found
_GRACE = 5.0  # seconds between asking a part to end and ending it


@dataclass(frozen=True, slots=True)
class Part:
    """A running child: where it answers, and what it was started as. `folder` keeps its files."""

    name: str
    process: asyncio.subprocess.Process
    url: str
    folder: Path

    async def stop(self) -> None:
        """End it and all it started; harmless when it has ended already."""
        for sign in (signal.SIGTERM, signal.SIGKILL):
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self.process.pid, sign)
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self.process.wait(), _GRACE)
                break
        _forget(self.folder.parent, self.process.pid)


class HAProxy:
    """HAProxy's runtime interface: weights and the slice map. Its changes last until it restarts."""

    def __init__(self, part: Part) -> None:
        self.part = part
        self.socket, self.slices = part.folder / "admin.sock", part.folder / "slices.map"

    async def say(self, line: str) -> str:
        """One command, its whole answer; raises Unavailable when the socket is dead."""
        try:
            reader, writer = await _connect(self.socket)
            writer.write(line.encode() + b"\n")
            await writer.drain()
            answer = await asyncio.wait_for(reader.read(), 5)
            writer.close()
        except (OSError, TimeoutError) as error:
            raise Unavailable("HAProxy", f"its socket did not answer: {type(error).__name__}") from error
        return answer.decode().strip()

    async def weigh(self, weights: Mapping[str, int]) -> None:
        """Set the servers' weights; raises Unavailable with HAProxy's own words when it refuses."""
        # raised before lowered: there is never a moment in which nobody has any weight
        for name, weight in sorted(weights.items(), key=lambda each: -each[1]):
            # success answers nothing at all
            if said := await self.say(f"set server visits/{name} weight {weight}"):
                raise Unavailable("HAProxy", said)

    async def clear(self) -> None:
        """Lift every slice bypass."""
        if said := await self.say(f"clear map {self.slices}"):
            raise Unavailable("HAProxy", said)


def binary(name: str) -> str:
    """The program beside this interpreter, on PATH or among the system's; raises Unavailable without it."""
    places = [str(Path(sys.executable).parent), os.environ.get("PATH", ""), "/usr/local/sbin", "/usr/sbin", "/sbin"]
    found = shutil.which(name, path=os.pathsep.join(places))
    if found is None:
        raise Unavailable(name, "not installed on this machine")
    return found


async def haproxy(home: Path, backends: Mapping[str, str], weighted: Sequence[str]) -> HAProxy:
    """HAProxy in front of the model service: first of `weighted` at 100, slices by the header X-Health and a map."""
    program, folder = binary("haproxy"), _folder(home, "haproxy")
    (folder / "slices.map").write_text("")
    for left in reversed(range(_DOORS)):
        sock = hosting.door(None)
        url = hosting.url(sock)
        (folder / "haproxy.cfg").write_text(_balancing(folder, url, backends, weighted))
        sock.close()
        part = await _start("haproxy", folder, url, [program, "-db", "-f", str(folder / "haproxy.cfg")], {})
        try:
            await _ready(part, "/healthz", 10)
        except Unavailable as error:
            # between our letting go of the port and its taking it, somebody else may have
            if not left or "already in use" not in str(error):
                raise
        else:
            return HAProxy(part)
    raise AssertionError("unreachable: the last door opens or raises")


def _balancing(folder: Path, url: str, backends: Mapping[str, str], weighted: Sequence[str]) -> str:
    """Its configuration. Its admin socket is named from where it runs: a whole path may be too long for one."""
    servers = "\n".join(
        f"  server {name} {_host(backends[name])} weight {100 * (name == weighted[0])}" for name in weighted
    )
    others = "\n".join(
        f"backend {name}\n  server {name} {_host(backends[name])}" for name in backends if name not in weighted
    )
    return f"""global
  stats socket unix@admin.sock mode 600 level admin
  maxconn 512
defaults
  mode http
  timeout connect 2s
  timeout client 60s
  timeout server 10s
  option http-keep-alive
frontend people
  bind {_host(url)}
  http-request use-service prometheus-exporter if {{ path /metrics }}
  http-request return status 200 if {{ path /healthz }}
  use_backend %[req.hdr({SLICE_HEADER}),map({folder}/slices.map,visits)]
backend visits
  balance random
{servers}
{others}
"""


async def prometheus(home: Path, targets: Sequence[str], *, every: str = "1s") -> Part:
    """Prometheus scraping these /metrics addresses."""
    program, folder = binary("prometheus"), _folder(home, "prometheus")
    hosts = [_host(target.removesuffix("/metrics")) for target in targets]
    # JSON is YAML
    (folder / "prometheus.yml").write_text(json.dumps({
        "global": {"scrape_interval": every, "scrape_timeout": every, "evaluation_interval": every},
        "scrape_configs": [{"job_name": "visits", "static_configs": [{"targets": hosts}]}],
    }))  # fmt: skip
    sock = hosting.door(None)
    url = hosting.url(sock)
    sock.close()
    line = [program, f"--config.file={folder}/prometheus.yml", f"--storage.tsdb.path={folder}/data",
            f"--web.listen-address={_host(url)}", "--log.level=warn"]  # fmt: skip
    part = await _start("prometheus", folder, url, line, {})
    await _ready(part, "/-/ready", 30)
    return part


MLFLOW_QUIET: Mapping[str, str] = {
    "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false",  # its job workers would take four times the memory
    "MLFLOW_DISABLE_TELEMETRY": "true",
}


def mlflow_line(folder: Path, port: int) -> list[str]:
    """The command line of an MLflow server that keeps all it knows in this folder. Raises Unavailable without it."""
    return [binary("mlflow"), "server", "--host", hosting.LOOPBACK, "--port", str(port), "--workers", "1",
            "--backend-store-uri", f"sqlite:///{folder}/mlflow.db",
            "--artifacts-destination", f"{folder}/artifacts"]  # fmt: skip


async def mlflow(home: Path) -> Part:
    """An MLflow tracking server on SQLite (ready after 10 to 25 s, half a gigabyte)."""
    folder = _folder(home, "mlflow")
    sock = hosting.door(None)
    url = hosting.url(sock)
    line = mlflow_line(folder, sock.getsockname()[1])
    sock.close()
    part = await _start("mlflow", folder, url, line, MLFLOW_QUIET)
    await _ready(part, "/health", 90)
    return part


def reap(home: Path) -> None:
    """End parts that a killed world left behind: only processes whose command line names this folder."""
    for pid in _pids(home):
        try:
            line = Path(f"/proc/{pid}/cmdline").read_bytes().decode(errors="replace")
        except OSError:
            line = ""
        if str(home) in line:
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.killpg(pid, signal.SIGKILL)
        _forget(home, pid)


async def _start(name: str, folder: Path, url: str, line: Sequence[str], more: Mapping[str, str]) -> Part:
    with (folder / "output.log").open("ab") as log:
        process = await asyncio.create_subprocess_exec(
            *line, cwd=folder, stdin=asyncio.subprocess.DEVNULL, stdout=log, stderr=log,
            env={**os.environ, **more}, start_new_session=True,
        )  # fmt: skip
    papers.write(folder.parent / _PIDS, {"pids": [*_pids(folder.parent), process.pid]})
    return Part(name, process, url, folder)


async def _ready(part: Part, path: str, seconds: float) -> None:
    """Wait until it answers; else stop it and raise Unavailable with the end of its output."""
    async with httpx.AsyncClient(timeout=2) as client:
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                while part.process.returncode is None:
                    with contextlib.suppress(httpx.HTTPError):
                        if (await client.get(f"{part.url}{path}")).is_success:
                            return
                    await asyncio.sleep(0.05)
    await part.stop()
    tail = (part.folder / "output.log").read_text("utf-8", "replace").strip().splitlines()[-3:]
    raise Unavailable(part.name, f"did not become ready within {seconds:g} s: {' / '.join(tail) or 'no output'}")


async def _connect(path: Path) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    """A connection to that socket, however deep its folder lies: a socket's address holds 107 bytes."""
    folder = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY)
    try:
        short = Path(f"/proc/self/fd/{folder}") / path.name
        return await asyncio.open_unix_connection(str(short if short.exists() else path))
    finally:
        os.close(folder)


def _folder(home: Path, name: str) -> Path:
    folder = home / name
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def _host(url: str) -> str:
    return url.removeprefix("http://").rstrip("/")


def _pids(home: Path) -> list[int]:
    with contextlib.suppress(Invalid):
        return [pid for pid in (papers.read(home / _PIDS) or {}).get("pids", []) if isinstance(pid, int)]
    return []


def _forget(home: Path, pid: int) -> None:
    papers.write(home / _PIDS, {"pids": [other for other in _pids(home) if other != pid]})
