"""The world as its own process: up within seconds, harmed by a release, unmoved by SIGKILL, gone on SIGTERM."""

import asyncio
import json
import os
import shutil
import signal
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any

import httpx
import pytest

from bot.demo import parts

pytestmark = pytest.mark.xdist_group("demo")
Start = Callable[..., Awaitable[tuple[asyncio.subprocess.Process, dict[str, Any]]]]


@pytest.fixture
async def start(tmp_path: Path, trained_in: Path) -> AsyncIterator[Start]:
    """Starts a world on one folder and waits until it is ready; ends what is left of it afterwards."""
    state = tmp_path / "state"
    shutil.copytree(trained_in, state)
    started: list[asyncio.subprocess.Process] = []

    async def start_(*more: str) -> tuple[asyncio.subprocess.Process, dict[str, Any]]:
        ports = tmp_path / "ports.json"
        ports.unlink(missing_ok=True)
        line = [sys.executable, "-m", "bot.demo.world", "--state", str(state), "--ports-file", str(ports), *more]
        process = await asyncio.create_subprocess_exec(
            *line, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE
        )
        started.append(process)
        async with asyncio.timeout(20):
            while not ports.exists() and process.returncode is None:  # noqa: ASYNC110 - another process
                await asyncio.sleep(0.02)
        return process, json.loads(ports.read_text()) if ports.exists() else {}

    yield start_
    for process in started:
        if process.returncode is None:
            process.kill()
        await process.communicate()


def alive(pid: int) -> bool:
    """Whether the process runs (one that ended and waits to be collected does not)."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"
    except FileNotFoundError:
        return False


async def wait_for(client: httpx.AsyncClient, url: str, holds: Callable[[dict[str, Any]], bool]) -> dict[str, Any]:
    async with asyncio.timeout(10):
        while not holds(told := (await client.get(url)).json()):  # noqa: ASYNC110 - another process
            await asyncio.sleep(0.05)
    return told


async def test_release_kill_restart_stop(start: Start) -> None:
    """A release harms the slice at once; after SIGKILL the world is back on the same ports with the same settings."""
    process, urls = await start("--rate", "200")
    async with httpx.AsyncClient() as client:
        up = await wait_for(client, f"{urls['world']}/world", lambda told: told["traffic"]["answered"] > 100)
        assert (up["traffic"]["errors"], up["harmed_now"]) == (0, False)
        assert (await client.post(f"{urls['world']}/release", json={"version": "v2"})).status_code == 200
        harmed = await wait_for(client, f"{urls['world']}/world", lambda told: told["harmed_now"])
        assert harmed["harm"][-1]["because"] == "version v2"
        assert harmed["harm"][-1]["since"] >= harmed["events"][-1]["at"]
        before = (await client.get(f"{urls['router']}/state")).json()
        assert before.pop("requests")["v2"] > 0
    process.kill()
    await process.wait()
    process, again = await start("--rate", "50")
    assert {name: again[name] for name in ("router", "service", "world")} == {
        name: urls[name] for name in ("router", "service", "world")
    }
    async with httpx.AsyncClient() as client:
        state = (await client.get(f"{again['router']}/state")).json()
        state.pop("requests")  # counted from the start of the process
        assert state == before
        fix = {"key": "m1", "expect_revision": before["revision"], "weights": {"v1": 100}}
        assert (await client.post(f"{again['router']}/apply", json=fix)).status_code == 200
        scraped = (await client.get(again["metrics"][0])).text
        assert 'predictions_total{health="poor",model="visits",version="v1"}' in scraped
        assert [d["version"] for d in (await client.get(f"{again['world']}/deploys")).json()["deploys"]] == ["v1", "v2"]
    os.kill(process.pid, signal.SIGHUP)  # whoever started it is gone
    await asyncio.sleep(0.2)
    assert process.returncode is None
    process.send_signal(signal.SIGTERM)
    said, errors = await asyncio.wait_for(process.communicate(), 10)
    assert process.returncode == 0
    assert said.decode().count("\n") == 1
    assert errors == b""


async def test_a_second_world_in_the_same_folder_is_refused(start: Start) -> None:
    """One folder, one world: the second says so and ends; the first goes on."""
    first, _ = await start("--rate", "0")
    second, _ = await start("--rate", "0")
    _, errors = await second.communicate()
    assert second.returncode == 1
    assert b"another demonstration world lives in" in errors
    assert first.returncode is None


async def test_unreadable_state_is_one_sentence(start: Start, tmp_path: Path) -> None:
    """Half a router file: no start, the file is named, no traceback."""
    (tmp_path / "state" / "router.json").write_text('{"revision":')
    process, urls = await start()
    _, errors = await process.communicate()
    assert (process.returncode, urls) == (1, {})
    assert b"router.json:1:1: not JSON" in errors
    assert b"Traceback" not in errors


@pytest.mark.real
async def test_traffic_through_haproxy_follows_its_weights_and_its_map(start: Start) -> None:
    """With HAProxy in front, a release moves its weights, and an entry in its map takes the slice elsewhere."""
    try:
        parts.binary("haproxy")
    except parts.Unavailable as missing:
        if os.environ.get("CI") == "true":
            raise
        pytest.skip(str(missing))
    process, urls = await start("--rate", "200", "--haproxy")
    assert urls, (await process.communicate())[1].decode()
    folder = Path(urls["haproxy"]["socket"]).parent
    child = asyncio.subprocess.Process  # only its socket is needed here
    balancer = parts.HAProxy(parts.Part("haproxy", child, urls["haproxy"]["url"], folder))  # type: ignore[arg-type]
    async with httpx.AsyncClient() as client:
        up = await wait_for(client, f"{urls['world']}/world", lambda told: told["traffic"]["answered"] > 100)
        assert up["traffic"]["errors"] == 0
        await client.post(f"{urls['world']}/release", json={"version": "v2"})
        await wait_for(client, f"{urls['world']}/world", lambda told: told["harmed_now"])
        assert await balancer.say("get weight visits/v2") == "100 (initial 0)"
        assert await balancer.say(f"add map {balancer.slices} poor rules") == ""
        told = await wait_for(client, f"{urls['world']}/world", lambda told: not told["harmed_now"])
        assert told["traffic"]["errors"] == 0
        with pytest.raises(parts.Unavailable, match="No such server"):
            await balancer.weigh({"v9": 1})
        assert "haproxy_server_weight" in (await client.get(urls["metrics"][-1])).text
    process.kill()
    await process.wait()
    (pid,) = json.loads((folder.parent / "parts.json").read_text())["pids"]
    parts.reap(folder.parent)
    await asyncio.sleep(0.3)
    with pytest.raises(parts.Unavailable):
        await balancer.say("show info")
    assert not alive(pid)


async def test_reaping_leaves_strangers_alone(tmp_path: Path) -> None:
    """A number in the file that belongs to somebody else by now is forgotten, not ended."""
    stranger = await asyncio.create_subprocess_exec("sleep", "30", start_new_session=True)
    (tmp_path / "parts.json").write_text(json.dumps({"pids": [stranger.pid]}))
    parts.reap(tmp_path)
    assert stranger.returncode is None
    assert alive(stranger.pid)
    stranger.kill()
    await stranger.wait()
    assert json.loads((tmp_path / "parts.json").read_text()) == {"pids": []}
