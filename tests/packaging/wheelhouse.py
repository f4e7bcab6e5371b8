"""Builds the wheel and the source archive once, and an environment that holds nothing but what the locks and it name."""

from __future__ import annotations

import contextlib
import os
import re
import shutil
import signal
import subprocess
import sys
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NoReturn

import pytest

ROOT = Path(__file__).resolve().parents[2]
_PIN = re.compile(r"^([a-z0-9][a-z0-9.-]*)(?:\[[^\]]*\])?==([^\s;\\]+)")


@dataclass(frozen=True, slots=True)
class Built:
    """What one build left: the wheel made from the source archive, and the wheel made from the checkout."""

    wheel: Path
    archive: Path
    direct: Path


def project() -> dict[str, Any]:
    """pyproject.toml."""
    return tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))


def pins(lines: Sequence[str]) -> dict[str, set[str]]:
    """Each part's pinned versions (more than one where they differ by Python version), by name."""
    found: dict[str, set[str]] = {}
    for line in lines:
        if pin := _PIN.match(line):
            found.setdefault(pin[1], set()).add(pin[2])
    return found


def tracked() -> list[Path]:
    """The files that git has or would take, as paths from the root; skipped by name where there is no checkout."""
    git = shutil.which("git")
    if git is None or not (ROOT / ".git").exists():
        pytest.skip("this is no git checkout")
    listed = run([git, "ls-files", "--cached", "--others", "--exclude-standard", "-z"], cwd=ROOT).stdout
    return [Path(name) for name in listed.split("\0") if name and (ROOT / name).is_file()]


def build(folder: Path) -> Built:
    """Build with uv, from its cache where it can; skipped by name where neither cache nor network has hatchling."""
    uv("build", "--out-dir", str(folder / "both"), str(ROOT))
    uv("build", "--wheel", "--out-dir", str(folder / "direct"), str(ROOT))
    return Built(
        wheel=_only(folder / "both", "*.whl"),
        archive=_only(folder / "both", "*.tar.gz"),
        direct=_only(folder / "direct", "*.whl"),
    )


def environment(folder: Path, wheel: Path) -> Path:
    """A fresh virtual environment with the locked parts, by hash, and the wheel; its `bin` folder."""
    uv("venv", "--python", sys.executable, str(folder))
    python = folder / "bin" / "python"
    locked = ("--no-deps", "--require-hashes", "-r", str(ROOT / "requirements.lock"))
    uv("pip", "install", "--python", str(python), *locked)
    uv("pip", "install", "--python", str(python), "--no-deps", str(wheel))
    return folder / "bin"


def uv(*words: str) -> str:
    """Run uv, first without the network, then with it; what it said. Without either the test is skipped by name."""
    program = shutil.which("uv") or missing("uv is not installed")
    line = [program, "--quiet", *words]
    done = run([*line, "--offline"], check=False)
    if done.returncode:
        done = run(line, check=False)
    if done.returncode:
        missing(f"`uv {words[0]}` had neither what it needs nor a network: {done.stderr.strip()[-600:]}")
    return done.stdout + done.stderr


def run(
    line: Sequence[str],
    *,
    cwd: Path = ROOT,
    check: bool = True,
    within: float = 300,
    more: Mapping[str, str] | None = None,
) -> subprocess.CompletedProcess[str]:
    """A child that sees neither this checkout nor this environment; its words are shown when it fails."""
    hidden = ("PYTHON", "VIRTUAL_ENV", "UV_PROJECT", "TOCSIN_", "COV_", "PYTEST_")
    env = {name: value for name, value in os.environ.items() if not name.startswith(hidden)}
    child = subprocess.Popen(
        line,
        cwd=cwd,
        env={**env, **(more or {})},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    try:
        out, err = child.communicate(timeout=within)
    except subprocess.TimeoutExpired:
        out, err = _ended(child)
        pytest.fail(f"{' '.join(line)} took more than {within:g} s:\n{out[-2000:]}\n{err[-4000:]}")
    done = subprocess.CompletedProcess(list(line), child.returncode, out, err)
    if check and done.returncode:
        pytest.fail(f"{' '.join(line)} ended with {done.returncode}:\n{done.stdout[-2000:]}\n{done.stderr[-4000:]}")
    return done


def missing(because: str) -> NoReturn:
    """Skip this test because a part is not here; fail instead where the run promised to have it."""
    if os.environ.get("CI") == "true":
        pytest.fail(because)
    pytest.skip(because)


def _ended(child: subprocess.Popen[str]) -> tuple[str, str]:
    """Ask a child to end, so that it can end its own; then end it and its session."""
    for sign, patience in ((signal.SIGINT, 20), (signal.SIGKILL, 10)):
        with contextlib.suppress(ProcessLookupError):
            os.killpg(child.pid, sign)
        with contextlib.suppress(subprocess.TimeoutExpired):
            return child.communicate(timeout=patience)
    return "", ""


def _only(folder: Path, pattern: str) -> Path:
    (found,) = folder.glob(pattern)
    return found
