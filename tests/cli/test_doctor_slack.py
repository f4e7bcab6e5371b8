"""`tocsin doctor --slack` as a command: its lines, its exit code, its JSON, and the door for requests over HTTP."""

import asyncio
import contextlib
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from bot.cli._checks import BAD, NOTE
from bot.cli._main import run
from bot.cli._slack import _requests
from bot.clock import SystemClock
from tests.cli.live import Answer, Scripted, free_port
from tests.world import FOLDER


@pytest.fixture(scope="module")
def workspace() -> Iterator[str]:
    """A practice workspace as a process of its own."""
    line = [sys.executable, "-m", "bot.localslack", "--port", "0"]
    with subprocess.Popen(
        line, stdout=subprocess.PIPE, text=True, env={**os.environ, "PYTHONPATH": str(Path.cwd())}
    ) as process:
        try:
            yield process.stdout.readline().split("workspace at ")[1].split("/ ")[0]
        finally:
            process.terminate()


def written(folder: Path, slack: str, *, web: str = "") -> Path:
    """A configuration folder that leads to a workspace; everybody of it has an account."""
    root = folder / "house"
    shutil.copytree(FOLDER, root)
    (root / "secret").write_text("xoxb-local")
    (root / "app").write_text("xapp-local")
    (root / "signing").write_text("local-signing-secret")
    page = root / "tocsin.yaml"
    page.write_text(page.read_text() + slack + web)
    people = root / "people.yaml"
    users = {"ana": "U0ANA", "ben": "U0BEN", "cleo": "U0CLEO", "max": "U0DEV"}
    rows = [
        row.replace("}", f", slack: {{user: {users[row.partition(':')[0]]}}}}}")
        for row in people.read_text().splitlines()
    ]
    people.write_text("\n".join(rows) + "\n")
    return page


OFF = "slack: {mode: 'off', team: T0TOCSIN}\n"


def by_socket(url: str, **changes: str) -> str:
    given = {"mode": "socket", "team": "T0TOCSIN", "api_url": f"'{url}/api/'", "bot_token": "{file: secret}", "app_token": "{file: app}",
             "home_channel": "'#ml-incidents'", "legal_channel": "legal-review"} | changes  # fmt: skip
    return "slack: {" + ", ".join(f"{name}: {value}" for name, value in given.items()) + "}\n"


def test_a_workspace_in_order(workspace, tmp_path, capsys):
    """One line a part, exit code 0, and no token in any of it."""
    page = written(tmp_path, by_socket(workspace))
    assert run(["doctor", "--slack", "-c", str(page)]) == 0, capsys.readouterr()
    out = capsys.readouterr().out
    lines = {line[6:].partition(":")[0]: line[:5].strip() for line in out.splitlines()[:-1]}
    assert [name for name, mark in lines.items() if mark == "ok"] == [
        "workspace", "clock", "socket", "home channel", "channel of visits", "legal channel", "people", "views"]  # fmt: skip
    assert out.splitlines()[-1] == "all is well"
    assert "xoxb" not in out
    assert "xapp" not in out


def test_what_is_wrong_is_counted_and_told_to_machines(workspace, tmp_path, capsys):
    """A public legal channel and a misspelt home: exit code 1, and both in the JSON."""
    page = written(tmp_path, by_socket(workspace, legal_channel="general", home_channel="nowhere"))
    assert run(["doctor", "--slack", "-c", str(page)]) == 1
    assert capsys.readouterr().out.splitlines()[-1] == "2 parts are not well"
    assert run(["doctor", "--slack", "--json", "-c", str(page)]) == 1
    told = {one["what"]: one for one in json.loads(capsys.readouterr().out)}
    assert {what for what, one in told.items() if one["mark"] == BAD} == {"home channel", "legal channel"}


def test_slack_that_is_off(tmp_path, capsys):
    """Nothing to look at is no fault."""
    page = written(tmp_path, OFF)
    assert run(["doctor", "--slack", "-c", str(page)]) == 0
    assert "note  Slack: is off" in capsys.readouterr().out


def test_looking_and_rebuilding_are_two_things(tmp_path, capsys):
    """Both at once is a usage error."""
    assert run(["doctor", "--slack", "--rebuild", "-c", str(written(tmp_path, OFF))]) == 2
    assert "say one of them" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("answer", "mark", "words"),
    [
        (Answer(200, b'{"challenge": "tocsin-doctor"}'), NOTE, "Slack posts to https:// alone"),
        (Answer(401, b"not signed by Slack"), BAD, "another signing secret"),
        (Answer(404, b"nothing here"), BAD, "does it lead to Tocsin?"),
        (None, NOTE, "is `tocsin run` up?"),
    ],
)
def test_the_door_for_requests(workspace, tmp_path, answer, mark, words):
    """Signed as Slack signs: taken, refused, led elsewhere, or nobody there."""
    from bot.cli._database import configured

    served = Scripted(tmp_path)
    with contextlib.ExitStack() as stack:
        port = free_port()
        if answer is not None:
            stack.enter_context(served.listening())
            port = int((tmp_path / "tocsin.yaml").read_text().split("port: ")[1].split("}")[0])
            served.answers = [answer]
        slack = by_socket(workspace, mode="http", signing_secret="{file: signing}")
        page = written(tmp_path, slack, web=f"web: {{port: {port}}}\n")
        found = asyncio.run(_requests(configured(page), SystemClock()))
    assert (found.mark, words in found.said) == (mark, True), found
