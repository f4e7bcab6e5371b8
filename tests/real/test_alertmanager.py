"""A real Prometheus and a real Alertmanager drive the intake of a running house: from a rule to a row, and back."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import Any

import httpx
import pytest

from bot.intake.kinds.alertmanager import fingerprint
from tests.parts import binary, free_port, running
from tests.serving import served

pytestmark = [pytest.mark.real, pytest.mark.xdist_group("alertmanager")]

TOKEN = "the-token-of-the-real-alertmanager"
PROMETHEUS = """
global: {{scrape_interval: 1s, evaluation_interval: 1s}}
rule_files: [rules.json]
alerting: {{alertmanagers: [{{static_configs: [{{targets: ["127.0.0.1:{alertmanager}"]}}]}}]}}
scrape_configs:
- job_name: api
  static_configs: [{{targets: ["127.0.0.1:{port}"]}}]
"""
ALERTMANAGER = """
route:
  receiver: tocsin
  group_by: [alertname]
  group_wait: 100ms
  group_interval: 1s
  repeat_interval: 1h
  routes: [{{receiver: nobody, matchers: ['alertname = "Unsent"']}}]
receivers:
- name: nobody
- name: tocsin
  webhook_configs:
  - url: http://127.0.0.1:{house}/alerts/prod
    http_config: {{authorization: {{credentials: {token}}}}}
"""
TOCSIN = """
organisation: {{name: Praxis AG}}
web: {{port: {house}}}
alerts:
- name: prod
  kind: alertmanager
  auth: {{bearer: {{env: AM_TOKEN}}}}
  pull: {{url: 'http://127.0.0.1:{alertmanager}', every: 1s, settle: 12s}}
"""
RULES = {
    "groups": [{
        "name": "all",
        "rules": [
            {"alert": name, "expr": f'broken{{part="{name}"}} == 1', "labels": {"severity": "critical", "service": "loans"},
             "annotations": {"summary": f"{name} is broken"}}
            for name in ("Latency", "Unsent")
        ],
    }]
}  # fmt: skip


def until(holds: Callable[[], Any], what: str, *, within: float = 40) -> Any:
    """Wait for the real world; what it came to."""
    end = time.monotonic() + within
    while not (found := holds()):
        assert time.monotonic() < end, f"not within {within:g} s: {what}"
        time.sleep(0.1)
    return found


def get(url: str, **how: Any) -> Any:
    """The JSON that is answered, None where nobody answers."""
    with contextlib.suppress(httpx.HTTPError, ValueError):
        answer = httpx.get(url, trust_env=False, timeout=5, **how)
        return answer.json() if answer.status_code == 200 else None
    return None


def up(port: int) -> bool:
    """Whether that program says it is ready."""
    with contextlib.suppress(httpx.HTTPError):
        return httpx.get(f"http://127.0.0.1:{port}/-/ready", trust_env=False).status_code == 200
    return False


@dataclass
class World:
    """What is broken, and where everything listens."""

    folder: Path
    broken: set[str] = field(default_factory=set)
    alertmanager: int = field(default_factory=free_port)
    prometheus: int = field(default_factory=free_port)
    house: int = field(default_factory=free_port)

    @contextlib.contextmanager
    def parts(self) -> Iterator[int]:
        """A page of metrics; its port."""
        world = self

        class Page(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                lines = (f'broken{{part="{name}"}} {int(name in world.broken)}\n' for name in ("Latency", "Unsent"))
                body = "".join(("# TYPE broken gauge\n", *lines)).encode()
                self.send_response(200)
                self.send_header("content-type", "text/plain; version=0.0.4")
                self.send_header("content-length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *args: object) -> None:
                """Quiet."""

        with served(Page) as port:
            yield port

    def run_prometheus(self, port: int) -> Any:
        place = self.folder / "prometheus"
        place.mkdir()
        (place / "rules.json").write_text(json.dumps(RULES))
        (place / "prometheus.yml").write_text(PROMETHEUS.format(alertmanager=self.alertmanager, port=port))
        command = [binary("prometheus"), "--config.file=prometheus.yml", "--storage.tsdb.path=data"]
        command += ["--rules.alert.resend-delay=1s", f"--web.listen-address=127.0.0.1:{self.prometheus}"]
        return running(command, lambda: up(self.prometheus), within=60, cwd=place)

    def run_alertmanager(self) -> Any:
        place = self.folder / "alertmanager"
        place.mkdir(exist_ok=True)
        (place / "config.yml").write_text(ALERTMANAGER.format(house=self.house, token=TOKEN))
        command = [binary("prometheus-alertmanager"), "--config.file=config.yml", "--storage.path=data"]
        command += ["--cluster.listen-address=", f"--web.listen-address=127.0.0.1:{self.alertmanager}"]
        return running(command, lambda: up(self.alertmanager), within=60, cwd=place)

    def run_house(self) -> Any:
        place = self.folder / "house"
        (place / "services").mkdir(parents=True, exist_ok=True)
        (place / "tocsin.yaml").write_text(TOCSIN.format(house=self.house, alertmanager=self.alertmanager))
        (place / "people.yaml").write_text("ana: {name: Ana Ruiz, roles: [responder], email: ana@example.com}\n")
        (place / "services" / "loans.yaml").write_text("name: loans\nowner: ml\non_call: [ana]\n")
        command = [sys.executable, "-m", "bot", "run", "-c", "tocsin.yaml"]
        environ = {**os.environ, "AM_TOKEN": TOKEN, "PYTHONPATH": str(Path(__file__).parents[2])}
        ready = lambda: get(f"http://127.0.0.1:{self.house}/healthz") is not None  # noqa: E731
        return running(command, ready, within=60, env=environ, cwd=place)

    def asked(self, path: str) -> Any:
        """What the house's API answers; None where it does not."""
        token = (self.folder / "house" / ".tocsin" / "api-token").read_text().strip()
        headers = {"Authorization": f"Bearer {token}", "X-Tocsin-Person": "ana"}
        return get(f"http://127.0.0.1:{self.house}/api/{path}", headers=headers)

    def fires(self) -> dict[str, dict[str, Any]] | None:
        """What the house says fires, by title; None where it does not answer."""
        told = self.asked("alerts")
        return None if told is None else {each["title"]: each for each in told["alerts"]}

    def incidents(self) -> list[dict[str, Any]]:
        """Every incident of the service the alerts are of."""
        return [each for each in self.asked("incidents") or [] if each["service"] == "loans"]

    def there(self) -> list[dict[str, Any]]:
        """What the Alertmanager says is active."""
        return get(f"http://127.0.0.1:{self.alertmanager}/api/v2/alerts") or []


def test_from_a_rule_to_a_row_and_back(tmp_path: Path) -> None:
    """Fires, is resolved, fires anew; the Alertmanager is restarted; the house is killed, and what began meanwhile is found.

    Against Debian's prometheus and prometheus-alertmanager, and `tocsin run` as a process of its own.
    """
    world = World(tmp_path)
    with world.parts() as port, world.run_prometheus(port), contextlib.ExitStack() as stack:
        alertmanager = contextlib.ExitStack()
        stack.callback(alertmanager.close)
        alertmanager.enter_context(world.run_alertmanager())
        with world.run_house() as house:
            assert world.fires() == {}
            world.broken.add("Latency")
            first = until(lambda: (world.fires() or {}).get("Latency is broken"), "the rule fires and the row is there")
            assert (first["source"], first["service"], first["severity"]) == ("prod", "loans", 1)
            (there,) = until(world.there, "the Alertmanager lists it")
            assert first["fingerprint"] == there["fingerprint"] == fingerprint(there["labels"])
            assert first["starts"] == there["startsAt"]
            (opened,) = until(world.incidents, "an incident is opened")
            assert (opened["severity"], opened["title"]) == ("SEV1", "Latency is broken")

            world.broken.clear()
            until(lambda: world.fires() == {}, "it is resolved and the row is over")
            until(lambda: world.incidents()[0]["mitigated"], "the incident knows that all its alerts are over")
            time.sleep(1.1)
            world.broken.add("Latency")
            again = until(lambda: (world.fires() or {}).get("Latency is broken"), "it fires anew")
            assert again["starts"] > first["starts"]
            assert [each["id"] for each in world.incidents()] == [opened["id"]], "it is the same incident again"

            alertmanager.close()  # and its memory with it
            alertmanager.enter_context(world.run_alertmanager())
            end = time.monotonic() + 4
            while time.monotonic() < end:  # it lists nothing at first, and nothing is over by that
                assert (world.fires() or {})["Latency is broken"]["starts"] == again["starts"]
                time.sleep(0.2)
            house.send_signal(signal.SIGKILL)
            house.wait(10)
            world.broken.add("Unsent")  # which its Alertmanager sends to nobody
            until(lambda: len(world.there()) == 2, "it fires while the house is down")
        with world.run_house():
            both = until(lambda: len(found := world.fires() or {}) == 2 and found, "the pull at the start finds it")
            assert both["Latency is broken"]["starts"] == again["starts"]
            world.broken.discard("Unsent")
            until(lambda: (world.fires() or {}).keys() == {"Latency is broken"}, "what is not listed any more is over")
            assert [each["id"] for each in world.incidents()] == [opened["id"]], (
                "of one service at one time: one incident"
            )


def test_amtool_knows_the_configuration(tmp_path: Path) -> None:
    """The Alertmanager configuration of this test, which is the one people are told to write, is sound to Alertmanager's own tool."""
    place = tmp_path / "config.yml"
    place.write_text(ALERTMANAGER.format(house=8080, token=TOKEN))
    told = subprocess.run([binary("amtool"), "check-config", str(place)], capture_output=True, text=True, check=False)
    assert told.returncode == 0, told.stderr
