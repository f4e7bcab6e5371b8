"""Tests that share a server run in one worker: that is what `xdist_group` says, and what a new pytest may forget."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

GROUPED = """
import os, pathlib, pytest

@pytest.mark.xdist_group("one")
@pytest.mark.parametrize("n", range(6))
def test_one(n):
    pathlib.Path(f"{n}.worker").write_text(os.environ["PYTEST_XDIST_WORKER"])
"""


def test_a_group_stays_in_one_worker(tmp_path: Path) -> None:
    """Not half of it here and half there, with a server each, and each counting what the other did."""
    (tmp_path / "test_grouped.py").write_text(GROUPED)
    (tmp_path / "pytest.ini").write_text("[pytest]\n")
    words = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-n2", "--dist", "loadgroup"]
    done = subprocess.run(words, cwd=tmp_path, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stdout
    workers = [each.read_text() for each in tmp_path.glob("*.worker")]
    assert len(workers) == 6
    assert len(set(workers)) == 1, workers
