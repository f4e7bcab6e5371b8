"""The demonstration as a newcomer plays it, on its own processes: model service, router, practice Slack and bot.

Real here: the processes, HTTP, SQLite, DBOS, slack-bolt over Socket Mode, Evidently. Contract: the practice Slack, which
answers in Slack's shapes.
"""

from __future__ import annotations

import asyncio
import json
import os
import random
import signal
import subprocess
import sys
from collections.abc import Sequence
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest

from bot.demo.play import Play
from bot.domain.errors import TocsinError
from tests.counsel import every_regime

pytestmark = [pytest.mark.real, pytest.mark.xdist_group("demo")]

ACT_ONE = ("onset", "detected", "acknowledged", "mitigated", "resolved")


def at(text: str) -> datetime:
    return datetime.fromisoformat(text)


async def truth(play: Play) -> dict[str, Any]:
    async with httpx.AsyncClient(trust_env=False) as http:
        return (await http.get(f"{play.stage.world['world']}/world")).json()


async def router_history(play: Play) -> list[dict[str, Any]]:
    async with httpx.AsyncClient(trust_env=False) as http:
        told = (await http.get(f"{play.stage.world['router']}/history")).json()
    return told["history"] if isinstance(told, dict) else told


async def cards(play: Play, incident: str) -> list[dict[str, Any]]:
    """Parent messages of an incident in its channel."""
    async with httpx.AsyncClient(trust_env=False) as http:
        told = (await http.get(f"{play.stage.slack_url}/people/U0ANA/messages", params={"channel": "C0INC"})).json()
    return [
        message
        for message in told["messages"]
        if message.get("thread_ts") in (None, message["ts"]) and f" {incident} " in str(message.get("blocks", ""))[:400]
    ]


def check_measures(result: dict[str, Any]) -> None:
    """The durations are what their definitions say, from the times beside them."""
    assert result["ttd_s"] == pytest.approx((at(result["detected"]) - at(result["onset"])).total_seconds(), abs=0.01)
    assert result["tta_s"] == pytest.approx(
        (at(result["acknowledged"]) - at(result["detected"])).total_seconds(), abs=0.01
    )
    assert result["ttm_s"] == pytest.approx((at(result["mitigated"]) - at(result["onset"])).total_seconds(), abs=0.01)
    assert result["ttr_s"] == pytest.approx((at(result["resolved"]) - at(result["onset"])).total_seconds(), abs=0.01)


@pytest.mark.long
async def test_both_acts_by_script(tmp_path: Path) -> None:
    """A bad release is rolled back, a broken pipeline is not; causes, actions, duties, notices and chain as promised."""
    play = Play(tmp_path, embedded=True, say=lambda _text: None)
    try:
        one, two = await play.run()
        told = await truth(play)
    finally:
        await play.stage.down()
    for act, result in ((1, one), (2, two)):
        assert result["act"] == act
        check_measures(result)
        assert result["verified"]
        assert result["chain_ok"]
        assert {duty["regime"] for duty in result["duties"]} == set(every_regime())
        assert {duty["answer"] for duty in result["duties"]} == {"no"}
        assert all(duty["because"] for duty in result["duties"])
        (notice,) = result["notices"]
        assert (notice["template"], notice["standing"]) == ("stakeholders/update", "approved")
    assert one["cause"] == "training_data"
    assert [action["kind"] for action in one["actions"]] == ["bypass", "rollback"]
    assert two["cause"] == "feature_pipeline"
    assert {action["kind"] for action in two["actions"]} == {"bypass", "pause"}
    harm = [at(span["since"]) for span in told["harm"]]
    for result in (one, two):
        nearest = min(abs(at(result["onset"]) - began) for began in harm)
        assert nearest <= timedelta(seconds=5), "the onset is the data's, not the clock's"
        assert result["ttd_s"] < 30


def test_the_command_tells_its_result_and_nothing_else(tmp_path: Path) -> None:
    """`tocsin demo --auto --act 1 --embedded --json` as a script calls it: one JSON object on stdout, exit code 0."""
    command = [sys.executable, "-m", "bot", "demo", "--auto", "--act", "1", "--embedded", "--json"]
    done = subprocess.run(
        [*command, "--state", str(tmp_path / "demo")], capture_output=True, text=True, timeout=300, check=False
    )
    assert done.returncode == 0, done.stderr[-3000:]
    (line,) = done.stdout.splitlines()
    result = json.loads(line)
    assert (result["act"], result["incident"], result["cause"]) == (1, "INC-1", "training_data")
    assert result["verified"]
    assert result["chain_ok"]
    check_measures(result)
    assert "act 1" in done.stderr.lower() or result["incident"] in done.stderr


class Assassin:
    """Kills the bot when the incident's log has grown to each of some lengths."""

    def __init__(self, folder: Path, moments: Sequence[int]) -> None:
        self.folder, self.moments, self.killed = folder, sorted(moments), 0

    async def lurk(self, play: Play) -> None:
        async with httpx.AsyncClient(trust_env=False, timeout=2) as http:
            while self.moments:
                await asyncio.sleep(0.05)
                try:
                    token = (self.folder / "tocsin" / "state" / "api-token").read_text().strip()
                    headers = {"Authorization": f"Bearer {token}", "X-Tocsin-Person": "ben"}
                    told = (await http.get(f"{play.stage.web_url}/api/incidents/INC-1", headers=headers)).json()
                    length = len(told["timeline"])
                    pid = int((self.folder / "bot.pid").read_text())
                except (OSError, ValueError, KeyError, httpx.HTTPError):
                    continue
                if length >= self.moments[0]:
                    self.moments.pop(0)
                    os.kill(pid, signal.SIGKILL)
                    self.killed += 1
                    await asyncio.sleep(1)


CAUSES = {1: "training_data", 2: "feature_pipeline"}
ACTIONS = {1: ["bypass", "rollback"], 2: ["bypass", "pause"]}
AT_THE_ROUTER = {1: 3, 2: 1}  # act one: the bypass, the rollback, the bypass taken back; act two: the bypass


async def killed_at(folder: Path, moments: Sequence[int], act: int = 1) -> None:
    """Play an act, killing the bot at these lengths of the log; the end must be as if nothing had happened."""
    play = Play(folder, acts=(act,), embedded=True, say=lambda _text: None)
    assassin = Assassin(folder, moments)
    lurking = asyncio.create_task(assassin.lurk(play))
    try:
        (result,) = await play.run()
        history = await router_history(play)
        parents = await cards(play, "INC-1")
    finally:
        lurking.cancel()
        await play.stage.down()
    assert assassin.killed == len(moments)
    assert result["verified"]
    assert result["chain_ok"]
    assert result["cause"] == CAUSES[act]
    assert sorted(action["kind"] for action in result["actions"]) == ACTIONS[act]
    ours = [change for change in history if str(change.get("key", "")).startswith("INC-1/")]
    assert len({change["key"] for change in ours}) == len(ours), "no key was applied twice"
    assert len(ours) == AT_THE_ROUTER[act], "each change once"
    assert len(parents) == 1, "one card"


@pytest.mark.long
async def test_three_kills_change_nothing(tmp_path: Path) -> None:
    """SIGKILL of the bot at three seeded moments of act one: same end, each change once, one card, chain verifies."""
    seed = int(os.environ.get("TOCSIN_SEED", "1"))
    await killed_at(tmp_path, random.Random(seed).sample(range(2, 34), 3))


@pytest.mark.nightly
@pytest.mark.parametrize("seed", range(10))
async def test_a_kill_at_any_moment_changes_nothing(tmp_path: Path, seed: int) -> None:
    """The same, once for each of ten seeded moments."""
    await killed_at(tmp_path, [random.Random(f"moment {seed}").randrange(1, 40)])


@pytest.mark.nightly
@pytest.mark.parametrize("seed", range(5))
async def test_a_kill_in_act_two_changes_nothing(tmp_path: Path, seed: int) -> None:
    """The broken pipeline likewise: bypass and pause each once, whenever the bot dies."""
    await killed_at(tmp_path, [random.Random(f"act two {seed}").randrange(1, 36)], act=2)


@pytest.mark.long
async def test_a_demonstration_goes_on_where_it_was_interrupted(tmp_path: Path) -> None:
    """Stopped in the middle with the world left running, then played again on the same folder: one incident, one end."""
    first = Play(tmp_path, acts=(1,), embedded=True, say=lambda _text: None)
    running = asyncio.create_task(first.run())
    for _ in range(600):
        await asyncio.sleep(0.1)
        if running.done() or ((tmp_path / "play.json").is_file() and (await _acknowledged(first))):
            break
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)
    again = Play(tmp_path, acts=(1,), embedded=True, say=lambda _text: None)
    try:
        (result,) = await again.run()
    finally:
        await again.stage.down()
        await first.stage.http.aclose()
    assert result["incident"] == "INC-1"
    assert result["verified"]


async def _acknowledged(play: Play) -> bool:
    try:
        token = (play.folder / "tocsin" / "state" / "api-token").read_text().strip()
        headers = {"Authorization": f"Bearer {token}", "X-Tocsin-Person": "ben"}
        told = (await play.stage.http.get(f"{play.stage.web_url}/api/incidents/INC-1", headers=headers)).json()
        return bool(told.get("acknowledged"))
    except (OSError, ValueError, TocsinError, httpx.HTTPError):
        return False
