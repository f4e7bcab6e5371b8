"""A file replaced by real processes: none of two writers is lost, and a killed one leaves the old content or the new."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from bot.clients.heldfile import HeldFile
from bot.domain.errors import Refused, Unavailable
from tests.parts import Hands

ROOT = Path(__file__).parents[2]
COUNTS = """
import asyncio, json, sys
from pathlib import Path
from bot.clients.heldfile import HeldFile
from bot.clock import SystemClock
from bot.domain.errors import Refused

async def main(path, times):
    file, done, refused = HeldFile("file", Path(path), clock=SystemClock(), seconds=20), 0, 0
    while done < times:
        old = file.read()
        told = json.loads(old)
        try:
            await file.replace(old, json.dumps({"n": told["n"] + 1, "pad": "x" * 20000}).encode())
            done += 1
            print(done, flush=True)
        except Refused:
            refused += 1

asyncio.run(main(sys.argv[1], int(sys.argv[2])))
"""


def counting(file: Path, times: int) -> subprocess.Popen[str]:
    """A process that counts the file up so many times, saying so after each."""
    command = [sys.executable, "-c", COUNTS, str(file), str(times)]
    return subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    made = tmp_path / "flags.json"
    made.write_text('{"n": 0}')
    return made


def test_two_processes_lose_nothing_of_one_another(file: Path) -> None:
    """Each counts up fifty times, refused whenever the other was first: a hundred in the end."""
    children = [counting(file, 50) for _ in range(2)]
    for child in children:
        _out, errors = child.communicate(timeout=60)
        assert child.returncode == 0, errors
    assert json.loads(file.read_text())["n"] == 100
    assert [each.name for each in file.parent.iterdir()] == ["flags.json"]


@pytest.mark.parametrize("after", [1, 2, 3, 5, 8])
async def test_a_writer_killed_at_any_moment_leaves_a_whole_file(file, after: int) -> None:
    """Readable, at least as far as it said it had come; the lock is free, and what lay beside it is used up."""
    child = counting(file, 100_000)
    assert child.stdout is not None
    for _ in range(after):
        said = int(child.stdout.readline())
    child.kill()
    child.communicate()
    content = file.read_bytes()
    assert json.loads(content)["n"] >= said == after
    held = HeldFile("file", file, clock=Hands(), seconds=1)
    await held.replace(content, b"{}")
    assert [(each.name, each.read_bytes()) for each in file.parent.iterdir()] == [("flags.json", b"{}")]


async def test_who_has_the_file_open_reads_the_old_content_to_its_end(file) -> None:
    """A reader in the middle of it while it is replaced meets no part of the new."""
    old = json.dumps({"n": 1, "pad": "x" * 100_000}).encode()
    file.write_bytes(old)
    with file.open("rb") as reader:
        begun = reader.read(10)
        await HeldFile("file", file, clock=Hands(), seconds=1).replace(old, b"{}")
        assert begun + reader.read() == old
    assert file.read_bytes() == b"{}"


async def test_an_editor_who_asks_nobody_is_noticed(file) -> None:
    """Written by hand after we read it: refused, and the hand's words stay."""
    held = HeldFile("file", file, clock=Hands(), seconds=1)
    old = held.read()
    file.write_text('{"n": 7}')
    with pytest.raises(Refused, match=r"flags\.json was changed since; nothing was done"):
        await held.replace(old, b"{}")
    assert file.read_text() == '{"n": 7}'


async def test_a_folder_that_is_not_there_is_unavailable(tmp_path) -> None:
    """Neither read nor replaced."""
    held = HeldFile("file", tmp_path / "nowhere" / "flags.json", clock=Hands(), seconds=1)
    with pytest.raises(Unavailable, match=r"could not be reached \(no such file or directory\)"):
        held.read()
    with pytest.raises(Unavailable, match="could not be reached"):
        await held.replace(b"", b"{}")
