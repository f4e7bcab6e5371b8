"""`tocsin run` begins with the port: what stands in the way is one sentence, and nothing has been started by then."""

import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import httpx
import pytest

from bot.config.model import Web
from bot.domain.errors import Unavailable
from bot.serving import bound
from tests.cli.live import free_port

PAGE = """\
organisation: {{name: Example}}
web: {{port: {port}}}
{more}"""


def installed(folder: Path, port: int, more: str = "") -> Path:
    path = folder / "tocsin.yaml"
    path.write_text(PAGE.format(port=port, more=more))
    return path


def started(path: Path, **environ: str) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "bot", "run", "-c", str(path)]
    return subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env={**os.environ, **environ}
    )


def test_a_taken_port_is_one_sentence_and_nothing_was_started(tmp_path: Path) -> None:
    """No traceback, no poll, no state folder, no database."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        process = started(installed(tmp_path, port))
        out, err = process.communicate(timeout=60)
    (last,) = [line for line in err.splitlines() if not line.startswith("{")]
    assert (process.returncode, out) == (1, "")
    assert last.startswith(f"tocsin: 127.0.0.1:{port}: the console cannot listen there: another program listens there")
    assert [each.name for each in tmp_path.iterdir()] == ["tocsin.yaml"]


def test_an_address_of_another_machine_is_a_sentence() -> None:
    """So is a host that is no host."""
    for host in ("192.0.2.1", "no-such-host.invalid"):
        with pytest.raises(Unavailable, match="the console cannot listen there"):
            bound(Web(host=host, port=free_port()))


def test_localhost_is_heard_on_all_its_addresses() -> None:
    """At least the one of IPv4, which every machine has."""
    port = free_port()
    sockets = bound(Web(host="localhost", port=port))
    try:
        with socket.create_connection(("127.0.0.1", port), timeout=5):
            pass
    finally:
        for each in sockets:
            each.close()


@pytest.mark.long
def test_a_slack_that_never_answers_delays_nothing(tmp_path: Path) -> None:
    """The console is ready within seconds, the log says in sentences that Slack is away, and the end is in order."""
    port = free_port()
    with socket.create_server(("127.0.0.1", 0)) as silent:
        slack = f"""\
slack: {{mode: socket, team: T0X, bot_token: {{env: BOT}}, app_token: {{env: APP}},
        api_url: "http://127.0.0.1:{silent.getsockname()[1]}/api/"}}
"""
        process = started(installed(tmp_path, port, slack), BOT="xoxb-1", APP="xapp-1")
        try:
            until = time.monotonic() + 60
            while True:
                try:
                    answer = httpx.get(f"http://127.0.0.1:{port}/readyz", timeout=2)
                except httpx.HTTPError:
                    answer = None
                if answer is not None and answer.status_code == 200:
                    break
                assert time.monotonic() < until, "never ready"
                assert process.poll() is None, process.stderr.read()
                time.sleep(0.05)
        finally:
            process.send_signal(signal.SIGTERM)
            _, err = process.communicate(timeout=60)
    assert process.returncode == 0
    assert '"message": "stopped"' in err
    assert "Traceback" not in err
    assert '"message": "ready"' in err
    assert "Slack does not say who we are" not in err  # ready came first: that is said after ten seconds of waiting
