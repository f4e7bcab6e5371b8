"""Writes the Evidently report of an incident in its own process: its seconds and half gigabyte must not be ours."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import signal
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from bot.domain.errors import Unavailable

WHAT = "drift report"
_CHILD = Path(__file__).with_name("_child.py")
_THREADS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")

Columns = Mapping[str, Sequence[Any]]


async def write_report(current_rows: Columns, reference_rows: Columns, within: float) -> bytes:
    """Evidently's drift report of two tables (columns by name) as JSON. Raises Unavailable, after `within` s at most.

    The child is alone in its session and does not outlive this call, however it ends.
    """
    asked = json.dumps({"current": current_rows, "reference": reference_rows}, default=float).encode()
    with TemporaryDirectory(prefix="tocsin-report-") as home:
        try:
            async with asyncio.timeout(within):
                return await _child(asked, home)
        except TimeoutError:
            raise Unavailable(WHAT, f"took longer than {within:g} s") from None


async def _child(asked: bytes, home: str) -> bytes:
    # nothing of our environment but where programs are: it may hold secrets; and no telemetry
    quiet = {"PATH": os.environ.get("PATH", os.defpath), "HOME": home, "TMPDIR": home, "DO_NOT_TRACK": "1"}
    child = await asyncio.create_subprocess_exec(
        sys.executable,
        "-I",
        str(_CHILD),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        env=quiet | dict.fromkeys(_THREADS, "1"),
        cwd=home,
        start_new_session=True,
    )
    try:
        answer, complaint = await child.communicate(asked)
    finally:
        await _end(child)
    if child.returncode:
        raise Unavailable(WHAT, _because(child.returncode, complaint))
    try:
        json.loads(answer)
    except ValueError:
        raise Unavailable(WHAT, "was not written as JSON") from None
    return answer


async def _end(child: asyncio.subprocess.Process) -> None:
    """Kill the child and all it started, if it still runs, and wait until it is gone even while being cancelled."""
    if child.returncode is None:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(child.pid, signal.SIGKILL)
        await asyncio.shield(child.wait())


def _because(status: int, complaint: bytes) -> str:
    lines = complaint.decode(errors="replace").strip().splitlines()
    if status < 0:
        return f"ended by signal {-status}"
    return f"could not be written: {lines[-1][:200]}" if lines else f"ended with status {status}"
