"""The Evidently report is written by a child that does its work, or is gone."""

from __future__ import annotations

import asyncio
import json
import os
from pathlib import Path

import numpy as np
import pytest

from bot.domain.errors import Unavailable
from bot.evidence._evidently import write_report
from tests.evidence.fakes import ModelService, asked, instrument

pytestmark = pytest.mark.xdist_group("evidently")


def children() -> set[int]:
    """Processes running our child file, wherever they hang in the tree."""
    found = set()
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                words = (entry / "cmdline").read_bytes().split(b"\0")
                parent = int((entry / "stat").read_text().rsplit(")", 1)[1].split()[1])
            except (OSError, ValueError):
                continue
            if any(word.endswith(b"_child.py") for word in words) and parent in {os.getpid(), 1}:
                found.add(int(entry.name))
    return found


def environment(pid: int) -> bytes:
    try:
        return Path(f"/proc/{pid}/environ").read_bytes()
    except OSError:
        return b""


def table(rows: int, shift: float = 0.0) -> dict[str, list[float]]:
    dice = np.random.default_rng(1)
    return {"age": dice.normal(40 + shift, 5, rows).tolist(), "plan": dice.integers(0, 3, rows).tolist()}


async def test_a_report_of_one_incident() -> None:
    """The drift instrument writes the slice's report: strict JSON with every feature, and no process stays."""
    door = instrument("drift", ModelService(broken={"disea": 0.0}).app)
    name, kind, content = await door.report(asked())
    await door.close()
    told = json.loads(content, parse_constant=lambda word: pytest.fail(f"{word} is not JSON"))
    assert (name, kind) == ("drift-report-health-poor.json", "application/json")
    assert told["rows"] == {"current": 200, "reference": 800}
    assert told["report"]["metrics"]
    assert {"age", "disea", "plan"} == told["missing"].keys()
    assert children() == set()


async def test_columns_that_cannot_be_compared_are_named() -> None:
    """A column on one side only, or empty, is left out by name instead of failing the report or vanishing."""
    current = table(50) | {"empty": [None] * 50, "new": [1.0] * 50}
    told = json.loads(await write_report(current, table(60) | {"empty": [1.0] * 60, "old": [1.0] * 60}, 60))
    assert told["left_out"] == {
        "empty": "empty in the live rows",
        "new": "not in the reference",
        "old": "not in the live rows",
    }


async def test_nothing_to_compare_is_a_sentence() -> None:
    """Two tables without a common column have no report."""
    with pytest.raises(Unavailable, match="no column can be compared"):
        await write_report({"a": [1.0] * 30}, {"b": [1.0] * 30}, 60)


async def test_a_report_that_takes_too_long_is_ended() -> None:
    """After its time the child is killed, and the sentence says how long it had."""
    with pytest.raises(Unavailable, match=r"longer than 0\.5 s"):
        await write_report(table(50), table(50), 0.5)
    assert children() == set()


async def test_a_report_that_is_called_off_leaves_nothing() -> None:
    """Cancelled in the middle, the child is gone before the caller goes on."""
    task = asyncio.create_task(write_report(table(50), table(50), 60))
    for _ in range(200):
        await asyncio.sleep(0.01)
        if children():
            break
    assert children()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert children() == set()


async def test_the_child_gets_nothing_of_our_environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A secret in our environment is not in the child's."""
    monkeypatch.setenv("TOCSIN_SECRET", "canary")
    task = asyncio.create_task(write_report(table(50), table(50), 60))
    seen = b""
    for _ in range(200):
        await asyncio.sleep(0.01)
        for pid in children():
            seen = environment(pid)
        if b"DO_NOT_TRACK" in seen:
            break
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert b"DO_NOT_TRACK=1" in seen
    assert b"canary" not in seen
