"""Webhooks out of a house as `tocsin run` starts it, to a port that listens: signed, in order, across a kill."""

from __future__ import annotations

import base64
import contextlib
import hashlib
import hmac
import json
import signal
import sqlite3
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from email.message import Message
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import Any

import httpx

from tests.cli.live import free_port
from tests.cli.test_run import started
from tests.serving import served

KEY = b"0123456789abcdef0123456789abcdef"
SECRET = f"whsec_{base64.b64encode(KEY).decode()}"
PAGE = """\
organisation: {{name: Example}}
web: {{port: {port}}}
webhooks:
- name: ops
  url: http://127.0.0.1:{receiver}/changes
  secret: {{env: HOOK}}
  events: [declared, acknowledged, update-posted, severity-changed]
"""
IN_TIME = 90


@dataclass
class Told:
    """A receiver of webhooks: what came, and how it was answered."""

    answer: int = 204
    came: list[tuple[int, str, Message, bytes]] = field(default_factory=list)
    news: threading.Condition = field(default_factory=threading.Condition)

    def take(self, path: str, headers: Message, body: bytes) -> int:
        with self.news:
            self.came.append((self.answer, path, headers, body))
            self.news.notify_all()
            return self.answer

    def wait(self, number: int, answer: int = 204) -> list[dict[str, Any]]:
        """What was answered so, once there is so much of it."""
        with self.news:
            assert self.news.wait_for(lambda: len(self.answered(answer)) >= number, IN_TIME), self.came
            return self.answered(answer)

    def answered(self, answer: int) -> list[dict[str, Any]]:
        return [json.loads(body) for given, _path, _headers, body in self.came if given == answer]


@contextlib.contextmanager
def listening() -> Iterator[tuple[Told, int]]:
    told = Told()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["content-length"]))
            self.send_response(told.take(self.path, self.headers, body))
            self.end_headers()

        def log_message(self, *_given: Any) -> None: ...

    with served(Handler) as port:
        yield told, port


@contextlib.contextmanager
def house(page: Path, port: int, end: int = signal.SIGTERM) -> Iterator[httpx.Client]:
    """`tocsin run`, ready; ended by that signal. The client speaks for ana."""
    process = started(page, HOOK=SECRET)
    try:
        _until(process, lambda: _ready(port) and _known(page))
        token = (page.parent / ".tocsin" / "api-token").read_text().strip()
        headers = {"Authorization": f"Bearer {token}", "X-Tocsin-Person": "ana"}
        with httpx.Client(base_url=f"http://127.0.0.1:{port}", headers=headers, trust_env=False) as client:
            yield client
    finally:
        process.send_signal(end)
        process.communicate(timeout=60)


def _until(process: subprocess.Popen[str], held: Callable[[], bool]) -> None:
    until = time.monotonic() + IN_TIME
    while not held():
        assert process.poll() is None, process.stderr and process.stderr.read()
        assert time.monotonic() < until, "never ready"
        time.sleep(0.05)


def _ready(port: int) -> bool:
    try:
        return httpx.get(f"http://127.0.0.1:{port}/readyz", timeout=2, trust_env=False).status_code == 200
    except httpx.HTTPError:
        return False


def _known(page: Path) -> bool:
    """The receiver is known: from now on it is told."""
    with contextlib.closing(sqlite3.connect(page.parent / ".tocsin" / "tocsin.db")) as database:
        return bool(database.execute("SELECT 1 FROM hooks WHERE hook = 'ops' AND incident = ''").fetchall())


def post(client: httpx.Client, path: str, **body: Any) -> dict[str, Any]:
    answer = client.post(f"/api/incidents{path}", json=body)
    assert answer.is_success, answer.text
    return dict(answer.json())


def test_what_was_owed_at_a_kill_is_told_once(tmp_path: Path) -> None:
    """The house dies while its receiver is away; the next one tells what is owed, in order, each change once and signed."""
    (tmp_path / "people.yaml").write_text("ana: {name: Ana Aydin, roles: [responder]}\n")
    page = tmp_path / "tocsin.yaml"
    port = free_port()
    with listening() as (told, receiver):
        page.write_text(PAGE.format(port=port, receiver=receiver))
        with house(page, port, signal.SIGKILL) as client:
            name = post(client, "", title="answers are odd", severity=2)["id"]
            told.wait(1)
            told.answer = 503
            post(client, f"/{name}/acknowledge")
            told.wait(1, 503)
            post(client, f"/{name}/update", text="zzz-words of an update")
        told.answer = 204
        with house(page, port) as client:
            told.wait(3)
            post(client, f"/{name}/severity", severity=1, because="more of them")
            took = told.wait(4)
    assert [each["data"]["change"] for each in took] == [
        "declared",
        "acknowledged",
        "update-posted",
        "severity-changed",
    ]
    assert len({each["id"] for each in took}) == len(took)
    assert {each["source"] for each in took} == {f"http://127.0.0.1:{port}"}
    assert "zzz-words" not in json.dumps(took)
    for _answer, path, headers, body in told.came:
        assert path == "/changes"
        moment, about = headers["webhook-timestamp"], headers["webhook-id"]
        mac = hmac.new(KEY, f"{about}.{moment}.".encode() + body, hashlib.sha256).digest()
        assert headers["webhook-signature"] == f"v1,{base64.b64encode(mac).decode()}"
        assert about == json.loads(body)["id"]
        assert abs(int(moment) - time.time()) < 600
