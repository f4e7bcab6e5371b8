"""A container engine of the test's own: Debian's dockerd on a private socket, with a base image made on this machine."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.packaging.wheelhouse import run

_TRUST = Path("etc/ssl/certs/ca-certificates.crt")
_PATH = os.pathsep.join(("/usr/bin", "/usr/sbin", "/sbin", os.environ.get("PATH", "")))


class Engine:
    """Runs docker's client against the private socket."""

    def __init__(self, program: str, socket: Path) -> None:
        self.program, self.socket = program, socket

    def __call__(self, *words: str, check: bool = True, within: float = 120) -> subprocess.CompletedProcess[str]:
        """One docker command."""
        more = {"DOCKER_HOST": f"unix://{self.socket}", "DOCKER_BUILDKIT": "0"}  # BuildKit wants a network of its own
        return run([self.program, *words], check=check, within=within, more=more)


@contextlib.contextmanager
def started() -> Iterator[Engine]:
    """An engine without bridge or firewall rules; skipped with the reason where none can run."""
    programs = {name: shutil.which(name, path=_PATH) for name in ("dockerd", "docker", "debootstrap")}
    if lacking := [name for name, place in programs.items() if place is None]:
        pytest.skip(f"no engine can run: {', '.join(lacking)} missing (Debian: docker.io, debootstrap)")
    if os.geteuid() != 0:
        pytest.skip("no engine can run: dockerd and debootstrap need root")
    folder = Path(tempfile.mkdtemp(prefix="tocsin-engine-"))
    engine = Engine(str(programs["docker"]), folder / "socket")
    try:
        with (folder / "log").open("wb") as log:
            daemon = subprocess.Popen(
                [
                    *(str(programs["dockerd"]), "--host", f"unix://{engine.socket}", "--pidfile", str(folder / "pid")),
                    *("--data-root", str(folder / "data"), "--exec-root", str(folder / "exec")),
                    *("--bridge=none", "--iptables=false", "--ip6tables=false", "--ip-forward=false"),
                ],
                env={**os.environ, "PATH": _PATH},
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        try:
            _wait(engine, daemon, folder / "log")
            yield engine
        finally:
            _end(daemon)
            _unmount(folder)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def base(engine: Engine, tag: str) -> None:
    """Import Debian 12 with its own Python 3.11 under that tag; skipped with the reason where Debian cannot be had."""
    folder = Path(tempfile.mkdtemp(prefix="tocsin-base-"))
    try:
        parts = "--include=python3,python3-venv,ca-certificates"
        program = str(shutil.which("debootstrap", path=_PATH))
        done = run([program, "--variant=minbase", parts, "bookworm", str(folder)], check=False, within=400)
        if done.returncode:
            pytest.skip(f"no base image can be made: {(done.stdout + done.stderr).strip()[-300:]}")
        (folder / "usr/local/bin/python").symlink_to("/usr/bin/python3")
        if ("/" / _TRUST).is_file():
            shutil.copy("/" / _TRUST, folder / _TRUST)  # the build trusts whom this machine trusts
        archive = folder.with_suffix(".tar")
        try:
            run(["tar", "-C", str(folder), "-cf", str(archive), "."])
            engine("import", str(archive), tag)
        finally:
            archive.unlink(missing_ok=True)
    finally:
        shutil.rmtree(folder)


def _wait(engine: Engine, daemon: subprocess.Popen[bytes], log: Path) -> None:
    until = time.monotonic() + 30
    while engine("info", check=False).returncode:
        if daemon.poll() is not None or time.monotonic() > until:
            pytest.skip(f"no engine can run: {log.read_text(errors='replace').strip()[-400:]}")
        time.sleep(0.2)


def _unmount(folder: Path) -> None:
    """The engine leaves its network namespace mounted, which would keep the folder for ever."""
    mounted = [line.split()[1] for line in Path("/proc/mounts").read_text().splitlines()]
    for place in reversed(mounted):
        if place.startswith(f"{folder}/"):
            subprocess.run(["umount", place], env={"PATH": _PATH}, capture_output=True, check=False)


def _end(daemon: subprocess.Popen[bytes]) -> None:
    daemon.send_signal(signal.SIGTERM)
    with contextlib.suppress(subprocess.TimeoutExpired):
        daemon.wait(30)
        return
    with contextlib.suppress(ProcessLookupError):
        os.killpg(daemon.pid, signal.SIGKILL)
    daemon.wait(10)
