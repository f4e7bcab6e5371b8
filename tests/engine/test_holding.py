"""The evidence hold: everything an investigation asks for, in time, by its hash; what is late is named and collected."""

from __future__ import annotations

import asyncio
import hashlib
import json
import re
from dataclasses import dataclass, field, replace
from datetime import timedelta
from pathlib import Path

import pytest
from pydantic import SecretStr, ValidationError

from bot.config.services import ServiceModel
from bot.domain.approval import ApproveMitigation
from bot.domain.mitigation import Mitigation, State
from bot.domain.paging import Acknowledge
from bot.engine.values import Question
from bot.serving import console
from bot.wiring import House
from tests.world import Instrument, World, shipped

RECORDS = {
    "logs": "https://logs.example/{service}?from={since}&to={until}&slice={slice}",
    "predictions": "/data/visits",
}
OF_THE_HOUSE = {"M1-target-before.json", "M1-configuration.json", "M1-routing.json"}


@dataclass
class Reports(Instrument):
    """An instrument that also writes the drift report, slowly if it must, and remembers what it was asked."""

    questions: list[Question] = field(default_factory=list)
    holds: bool = False
    reached: asyncio.Event = field(default_factory=asyncio.Event)

    async def report(self, question: Question) -> tuple[str, str, bytes]:
        self.questions.append(question)
        self.reached.set()
        if self.holds:
            await asyncio.Event().wait()
        return "drift.html", "text/html", b"<h1>drift</h1>"


class Slow(World):
    """A world whose house gives what does not answer a moment of real time."""

    least = 1.0

    def engine(self, house: House) -> None:
        hands = house.reconciler.hands
        hands.holder.least, hands.diagnosis.report_within = self.least, 0.5


SHORT = replace(shipped().policy, evidence_hold=timedelta(milliseconds=50))


async def proposed(world: World) -> Mitigation:
    """A rollback is proposed; who does not answer is let go after a moment of real time, the clock stands still."""
    await world.declare("scores look wrong", "ana")
    holder = world.house.reconciler.hands.holder
    holder.least = holder.late = world.house.reconciler.hands.diagnosis.deadline = 0.5
    await world.propose("rollback-v1", "ana")
    return (await world.incident()).mitigations["M1"]


async def restarted(world: Slow, reports: Reports, *, least: float = 1.0) -> None:
    """Another house on the same state, whose instrument of that name is this one."""
    world.instruments = {"drift": reports}
    world.least = least
    await world.stop()
    await world.start(policy=world.house.installation.policy)


async def breached(world: World) -> None:
    await world.healthy()
    await world.broken()
    await world.say(Acknowledge(), "ana")


async def test_the_hold_captures_all_an_investigation_asks_for(tmp_path: Path) -> None:
    """Target, configuration, routing, the SLI since the onset, findings, drift report and pointers; each hash is true."""
    services = {"visits": replace(shipped().services["visits"], records=RECORDS)}
    async with World.open(tmp_path, services=services) as world:
        await breached(world)
        await world.propose("rollback-v1", "ana")
        held = (await world.incident()).mitigations["M1"].held_as
        assert {each.name for each in held} == OF_THE_HOUSE | {
            "M1-metrics.json", "M1-records.json", "drift-rows.json", "drift.json",
        }  # fmt: skip
        kept = {each.name: each for each in await world.house.desk.exhibits.of("INC-1")}
        content = {}
        for each in held:
            exhibit = await world.house.desk.exhibits.get(kept[each.name].id)
            content[each.name] = exhibit.content
            assert hashlib.sha256(exhibit.content).hexdigest() == each.sha256
        metrics = json.loads(content["M1-metrics.json"])
        assert sum(bad for _, _, bad in metrics["rows"]) >= 60
        configuration = json.loads(content["M1-configuration.json"])
        assert configuration["policy"]["fingerprint"] == world.house.installation.policy.fingerprint
        assert (configuration["objective"]["name"], configuration["service"]["name"]) == ("recall-poor", "visits")
        assert json.loads(content["M1-routing.json"])["before"] == {"weights": {"v1": 0, "v2": 100}}
        pointers = json.loads(content["M1-records.json"])
        assert pointers["logs"].startswith("https://logs.example/visits?from=2026-11-20T")
        assert pointers["logs"].endswith("&slice=health=poor")


async def test_the_exported_pack_holds_the_same_bytes(tmp_path: Path) -> None:
    """What the console exports names every held exhibit with the hash in the log, and gives out those very bytes."""
    import httpx

    async with World.open(tmp_path) as world:
        await breached(world)
        await world.propose("rollback-v1", "ana")
        held = (await world.incident()).mitigations["M1"].held_as
        app = console(world.house)
        token = (tmp_path / "api-token").read_text().strip()
        headers = {"Authorization": f"Bearer {token}", "X-Tocsin-Person": "ben"}
        async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://127.0.0.1") as client:
            told = (await client.get("/api/incidents/INC-1", headers=headers)).json()
            listed = {each["name"]: each for each in told["exhibits"]}
            for each in held:
                assert listed[each.name]["sha256"] == each.sha256
                path = f"/incidents/INC-1/exhibits/{listed[each.name]['id']}"
                bytes_given = (await client.get(path, headers=headers)).content
                assert hashlib.sha256(bytes_given).hexdigest() == each.sha256


@pytest.mark.long
async def test_one_slow_instrument_keeps_nobody_else_from_being_held(tmp_path: Path) -> None:
    """It is named as missing with its reason, everything else is secured, and the change need not wait for it."""
    async with World.open(tmp_path, policy=SHORT) as world:
        world.instrument.hangs = True
        mitigation = await proposed(world)
        assert mitigation.not_held == ("drift: no answer within 0.5 s",)
        assert {each.name for each in mitigation.held_as} == OF_THE_HOUSE | {"drift.json"}
        assert (await world.approve("M1")).mitigations["M1"].state is State.APPLIED


async def test_only_what_was_missing_is_collected_later(tmp_path: Path) -> None:
    """A drift report that hung is asked for once more, about the time before the change; nothing else is asked again."""
    async with Slow.open(tmp_path, policy=SHORT) as world:
        world.instrument = reports = Reports(holds=True)
        await restarted(world, reports)
        before = await proposed(world)
        assert before.not_held == ("drift report: no answer within 0.5 s",)
        asked, reports.holds = reports.asked, False
        await world.approve("M1")
        await world.round(seconds=61)
        after = (await world.incident()).mitigations["M1"]
        assert after.not_held == ()
        assert {each.name for each in after.held_as} - {each.name for each in before.held_as} == {"drift.html"}
        assert reports.asked == asked
        assert {each.until for each in reports.questions[-2:]} == {before.proposed_at}


async def test_what_stays_missing_is_asked_for_a_few_times_and_said(tmp_path: Path) -> None:
    """Its gap stands in the log with the reason, and nobody asks for ever."""
    async with World.open(tmp_path, policy=SHORT) as world:
        world.instrument.broken = "no route"
        await proposed(world)
        for _ in range(12):
            await world.round(seconds=400)
        mitigation = (await world.incident()).mitigations["M1"]
        assert mitigation.not_held == ("drift: instrument: no route",)
        assert (await world.incident()).troubles["collect:INC-1:M1"].count == 5


async def test_a_restart_in_the_midst_of_a_hold_holds_again(tmp_path: Path) -> None:
    """Killed while a reporter hung, the house secures everything after its return, each piece once, and goes on."""
    async with Slow.open(tmp_path) as world:
        world.instrument = reports = Reports(holds=True)
        await restarted(world, reports)
        await world.declare("scores look wrong", "ana")
        await world.house.desk.changes.propose("INC-1", "rollback-v1", "", await world.who("ana"))
        await world.house.reconciler.settle()
        await asyncio.wait_for(reports.reached.wait(), 5)
        assert (await world.incident()).mitigations["M1"].held is None
        reports.holds = False
        await world.memory.crash()
        await restarted(world, reports)
        await world.settle()
        mitigation = (await world.incident()).mitigations["M1"]
        assert not mitigation.not_held
        assert {each.name for each in mitigation.held_as} == OF_THE_HOUSE | {"drift-rows.json", "drift.html"}
        names = [each.name for each in await world.house.desk.exhibits.of("INC-1")]
        assert len(names) == len(set(names))


async def test_a_hold_that_was_overtaken_is_still_made(tmp_path: Path) -> None:
    """The house died during the hold and came back after its time: the change goes ahead, the evidence is kept too."""
    async with Slow.open(tmp_path) as world:
        world.instrument = reports = Reports(holds=True)
        await restarted(world, reports)
        await world.declare("scores look wrong", "ana")
        after = await world.house.desk.changes.propose("INC-1", "rollback-v1", "", await world.who("ana"))
        digest = after.mitigations["M1"].digest
        await world.house.desk.submit("INC-1", ApproveMitigation("M1", digest), await world.who("ben"))
        await world.house.reconciler.settle()
        await asyncio.wait_for(reports.reached.wait(), 5)
        await world.memory.crash()
        world.clock.forward(seconds=25)
        await restarted(world, reports, least=0.5)
        await world.settle()
        mitigation = (await world.incident()).mitigations["M1"]
        assert mitigation.state is State.APPLIED
        assert mitigation.not_held == ("drift report: no answer within 0.5 s",)
        assert {each.name for each in mitigation.held_as} >= OF_THE_HOUSE


async def test_secrets_and_people_stay_out_of_the_configuration(tmp_path: Path) -> None:
    """The catalogue's entry is kept as evidence with its secrets masked and without the names of those on call."""
    target = replace(shipped().services["visits"].targets[0], settings={"token": SecretStr("hush-hush")})
    services = {"visits": replace(shipped().services["visits"], targets=(target,))}
    async with World.open(tmp_path, services=services) as world:
        await world.declare("scores look wrong", "ana")
        await world.propose("rollback-v1", "ana")
        (kept,) = [e for e in await world.house.desk.exhibits.of("INC-1") if e.name == "M1-configuration.json"]
        text = (await world.house.desk.exhibits.get(kept.id)).content.decode()
        assert "visits-router" in text
        assert "hush-hush" not in text
        assert '"on_call"' not in text


@pytest.mark.parametrize(
    ("pointer", "says"),
    [
        ("https://logs.example/{password}", "nothing is known of {password}; there is service, slice"),
        ("https://logs.example/{service.legal}", "nothing is known of {service.legal}"),
        ("https://bot:secret@logs.example/", "a password stands in it"),
        ("/data/{", "a brace that is meant is written twice"),
        (" ", "it points nowhere"),
    ],
)
def test_a_pointer_that_cannot_be_filled_is_a_problem(pointer: str, says: str) -> None:
    """It is found when the files are read, not in the night in which the evidence is held."""
    with pytest.raises(ValidationError, match=re.escape(says)):
        ServiceModel(name="visits", owner="care", records={"logs": pointer})
