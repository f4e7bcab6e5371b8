"""The well-known parts a deployment has: the demonstration on Prometheus, HAProxy and MLflow, and a user's own Prometheus.

Real here: all of them, and every process of the demonstration. Contract: the practice Slack.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from prometheus_client import CollectorRegistry, Counter, start_http_server

from bot.demo.play import Play
from bot.demo.stage import Stage
from tests.parts import binary, free_port, running

pytestmark = [pytest.mark.real, pytest.mark.xdist_group("demo")]
ROOT = Path(__file__).parents[2]
SERVERS = ("mlflow", "world", "slack", "bot")


async def incident(play: Play) -> dict[str, Any]:
    token = (play.folder / "tocsin" / "state" / "api-token").read_text().strip()
    headers = {"Authorization": f"Bearer {token}", "X-Tocsin-Person": "ben"}
    answer = await play.stage.http.get(f"{play.stage.web_url}/api/incidents/INC-1", headers=headers)
    told: dict[str, Any] = answer.raise_for_status().json()
    return told


async def alias(play: Play, name: str) -> str:
    """The model version an alias of the registry names, asked of MLflow itself."""
    url = f"{play.stage.world['mlflow']['url']}/api/2.0/mlflow/registered-models/alias"
    answer = await play.stage.http.get(url, params={"name": "visits", "alias": name}, timeout=30)
    return str(answer.raise_for_status().json()["model_version"]["version"])


def pids(folder: Path) -> dict[str, int]:
    return {name: int((folder / f"{name}.pid").read_text()) for name in SERVERS}


def alive(pid: int) -> bool:
    """Whether the process runs (one that ended and waits to be collected does not)."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"
    except FileNotFoundError:
        return False


async def test_act_one_on_real_parts(tmp_path: Path) -> None:
    """Prometheus counts, HAProxy is turned, MLflow tells why and gets its alias back, each once and proved by the data.

    What runs is taken over by the next demonstration on the folder, which ends it all.
    """
    for name in ("prometheus", "haproxy", "mlflow"):
        binary(name)
    play = Play(tmp_path, acts=(1,), say=lambda _text: None)
    async with asyncio.timeout(240), contextlib.AsyncExitStack() as stack:
        stack.push_async_callback(play.stage.down)
        (result,) = await play.run()
        assert play.stage.without == ""
        assert {name: result["parts"][name] for name in ("source", "router", "registry")} == {
            "source": "prometheus", "router": "haproxy", "registry": "mlflow",
        }  # fmt: skip
        assert result["cause"] == "training_data"
        assert [(each["kind"], each["action"], each["outcome"]) for each in result["actions"]] == [
            ("bypass", "haproxy", "undone"), ("rollback", "haproxy", "verified"), ("rollback", "mlflow", "verified"),
        ]  # fmt: skip
        assert result["verified"]
        assert result["chain_ok"]
        assert 0 < result["ttd_s"] < 30
        assert 0 < result["tta_s"] < result["ttr_s"]
        assert result["ttd_s"] < result["ttm_s"] <= result["ttr_s"]

        seen = await incident(play)
        told = [finding["text"] for finding in seen["findings"] if finding["source"] == "mlflow"]
        assert any("label" in text for text in told), seen["findings"]
        assert "lineage" not in {finding["source"] for finding in seen["findings"]}
        lines = [line["text"] for line in seen["timeline"]]
        assert sum("M3 is being carried out" in line for line in lines) == 1
        versions = play.stage.world["mlflow"]["versions"]
        assert (await alias(play, "champion"), await alias(play, "previous")) == (versions["v1"], versions["v1"])

        before = pids(tmp_path)
        again = Stage(tmp_path, play.stage.extras, play.stage.registry)
        await again.up()
        assert pids(tmp_path) == before
        assert again.world == play.stage.world
        await again.down()
        assert not [name for name, pid in before.items() if alive(pid)]


async def test_a_registry_that_does_not_come_up_is_done_without(tmp_path: Path) -> None:
    """The command may be there without what its server needs: the demonstration says so and goes on."""
    stage = Stage(tmp_path, (), lambda _folder, _port: [sys.executable, "-c", "raise SystemExit('no flask here')"])
    try:
        assert stage.registry is not None
        assert await stage._registry(stage.registry) == ""
        assert "no flask here" in stage.without
        assert not (tmp_path / "mlflow.pid").exists()
    finally:
        await stage.down()


async def test_a_stranger_with_the_number_of_an_old_process_is_left_alone(tmp_path: Path) -> None:
    """Numbers of processes are given again: what is not this folder's is neither taken over nor ended."""
    stranger = await asyncio.create_subprocess_exec("sleep", "60", start_new_session=True)
    try:
        for name in SERVERS:
            (tmp_path / f"{name}.pid").write_text(str(stranger.pid))
        stage = Stage(tmp_path)
        assert not any(stage._alive(name) for name in SERVERS)
        await stage.down()
        assert stranger.returncode is None
        assert alive(stranger.pid)
    finally:
        stranger.kill()
        await stranger.wait()


# -- a user's own Prometheus -----------------------------------------------------------------------------------------


def tocsin(*line: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "bot", *line]
    return subprocess.run(command, capture_output=True, text=True, timeout=60, check=False, cwd=ROOT)


def answers(url: str) -> Callable[[], bool]:
    def asked() -> bool:
        with contextlib.suppress(httpx.HTTPError):
            return httpx.get(url, timeout=2, trust_env=False).is_success
        return False

    return asked


@contextlib.contextmanager
def prometheus(folder: Path, scraped: int) -> Iterator[str]:
    """A Prometheus that scrapes a service called `scoring` on that port once a second."""
    program, port = binary("prometheus"), free_port()
    folder.mkdir()
    (folder / "prometheus.yml").write_text(f"""
global: {{scrape_interval: 1s, scrape_timeout: 1s}}
scrape_configs:
  - job_name: scoring
    static_configs: [{{targets: ["127.0.0.1:{scraped}"]}}]
""")
    line = [program, f"--config.file={folder}/prometheus.yml", f"--storage.tsdb.path={folder}/data",
            f"--web.listen-address=127.0.0.1:{port}", "--log.level=warn"]  # fmt: skip
    url = f"http://127.0.0.1:{port}"
    with running(line, answers(f"{url}/-/ready"), within=30, cwd=folder):
        yield url


@pytest.mark.long
def test_the_starter_folder_watches_a_users_prometheus(tmp_path: Path) -> None:
    """`tocsin init`, an address changed, `tocsin check`, `tocsin run`: ready, its objective judged from real counters.

    When the service begins to fail, an incident opens; asked to end, it ends in order. (The starter's own tiers are an
    hour's; here one of seconds is written where the file shows how.)
    """
    registry = CollectorRegistry()
    requests = Counter("http_requests", "Answered.", ["code"], registry=registry)
    for _ in range(50):
        requests.labels("200").inc()
    service, thread = start_http_server(free_port(), addr="127.0.0.1", registry=registry)
    try:
        with prometheus(tmp_path / "prometheus", service.server_address[1]) as url:
            folder, port = tmp_path / "tocsin", free_port()
            assert tocsin("init", str(folder)).returncode == 0
            config = folder / "tocsin.yaml"
            text = config.read_text()
            for was, now in (
                ("http://127.0.0.1:9090", url),
                ("port: 8080", f"port: {port}"),
                ("every: 15s", "every: 1s"),
            ):
                assert text.count(was) == 1
                text = text.replace(was, now)
            config.write_text(text)
            slo = folder / "slos" / "scoring-answers.yaml"
            slow = "# tocsin.dev/tiers: page:1h/5m@14.4, page:6h/30m@6, ticket:3d/6h@1"
            assert slow in slo.read_text()
            slo.write_text(slo.read_text().replace(slow, "tocsin.dev/tiers: page:15s/5s@14.4"))
            checked = tocsin("check", "-c", str(config))
            assert checked.returncode == 0, checked.stderr
            assert "in order" in checked.stdout
            home = f"http://127.0.0.1:{port}"
            line = [sys.executable, "-m", "bot", "run", "-c", str(config)]
            environ = {**os.environ, "PYTHONPATH": str(ROOT)}
            with running(line, answers(f"{home}/readyz"), within=40, cwd=tmp_path, env=environ) as child:
                watched(home, folder, requests)
                child.send_signal(signal.SIGTERM)
                assert child.wait(20) == 0
    finally:
        service.shutdown()
        service.server_close()
        thread.join()
        shutil.rmtree(tmp_path / "prometheus", ignore_errors=True)


def watched(home: str, folder: Path, requests: Counter) -> None:
    """The objective is met by what Prometheus counted, then the service fails and an incident opens."""
    token = (folder / ".tocsin" / "api-token").read_text().strip()
    headers = {"Authorization": f"Bearer {token}", "X-Tocsin-Person": "ada"}
    with httpx.Client(base_url=home, headers=headers, trust_env=False, timeout=10) as http:
        assert http.get("/healthz").json() == {"ok": True}
        assert http.get("/readyz").json()["ok"] is True

        def until(holds: Callable[[], bool], code: str) -> None:
            for _ in range(300):
                requests.labels(code).inc(5)
                if holds():
                    return
                time.sleep(0.1)  # in which Prometheus may scrape
            raise AssertionError(f"{http.get('/api/slos').text}\n{(folder.parent / 'output.log').read_text()[-2000:]}")

        def slo() -> dict[str, Any]:
            (only,) = http.get("/api/slos").raise_for_status().json()
            return dict(only)

        until(lambda: slo()["state"] == "met" and slo()["value"] == 1.0, "200")
        until(lambda: bool(http.get("/api/incidents").json()), "500")
        (opened,) = http.get("/api/incidents").json()
        assert opened["service"] == "scoring"
        assert slo()["state"] == "breached"
