"""One file, one test: an action put on the shelf under a new name is found and tried by the suite as it stands."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

HOUSE = Path(__file__).parents[2]
SUITE = ["tests/shelves/test_every_action.py", "tests/shelves/test_every_file.py"]
RUN = """
import sys
import bot.actions, tests.actions, pytest
bot.actions.__path__.append(sys.argv[1] + "/actions")
tests.actions.__path__.append(sys.argv[1] + "/tests")
sys.exit(pytest.main([*sys.argv[2:], "-n0", "-p", "no:cacheprovider", "-k", "balancer"]))
"""


def suite(folder: Path) -> subprocess.CompletedProcess[str]:
    """The suite's tests of the new file, in a process whose shelf has one folder more."""
    command = [sys.executable, "-c", RUN, str(folder), *SUITE]
    return subprocess.run(command, cwd=HOUSE, capture_output=True, text=True, timeout=300, check=False)


@pytest.fixture
def added(tmp_path: Path) -> Path:
    """The router's action and its test, as somebody would write them anew."""
    for path, name in ((HOUSE / "bot/actions/router.py", "actions/balancer.py"),
                       (HOUSE / "tests/actions/test_router.py", "tests/test_balancer.py")):  # fmt: skip
        (tmp_path / name).parent.mkdir()
        (tmp_path / name).write_text(path.read_text().replace('make("router"', 'make("balancer"'))
    return tmp_path


def test_a_new_action_and_its_test_are_all_it_takes(added: Path) -> None:
    """Every promise of an action and every promise of a file is tried on it, and nothing else is edited."""
    done = suite(added)
    assert done.returncode == 0, done.stdout + done.stderr
    (passed,) = re.findall(r"(\d+) passed", done.stdout)
    assert int(passed) > 20


def test_a_new_action_without_its_test_is_told_what_to_write(added: Path) -> None:
    """The suite fails by name rather than passing it over."""
    (added / "tests" / "test_balancer.py").unlink()
    done = suite(added)
    assert done.returncode == 1
    assert "bot/actions/balancer.py has no tests/actions/test_balancer.py" in done.stdout
