"""A drill in which people click for themselves, in a practice workspace of their own names."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest

from bot.domain.lifecycle import Resolve
from bot.domain.mitigation import State
from bot.domain.undo import UndoMitigation
from bot.drill.course import Course
from bot.drill.house import Stage, opened
from bot.drill.practice import ROOM
from bot.drill.report import Report
from bot.localslack import Person
from tests.drill.test_drill import NOWHERE, folder, link, read


def card(message: dict[str, Any]) -> bool:
    return "ack" in str(message.get("blocks")) and "INC-1" in str(message.get("blocks"))


async def until(stage: Stage, state: State) -> None:
    async with asyncio.timeout(30):
        while (await stage.house.desk.log.load("INC-1")).mitigations["M1"].state is not state:  # noqa: ASYNC110 - the drill's own course
            await asyncio.sleep(0.05)


async def turn(said: list[str], words: str) -> None:
    async with asyncio.timeout(30):
        while not any(words in each for each in said):  # noqa: ASYNC110 - the drill's own course
            await asyncio.sleep(0.05)


async def people(stage: Stage, ana: Person, ben: Person, said: list[str]) -> str:
    """Ana and Ben at their tabs; what the page of the incident said of it."""
    await turn(said, "is paged: press Acknowledge")
    found = await ana.wait_for(card, within=30)
    header = str(found["blocks"][0])
    ts = str(found["ts"])
    await ana.click("ack", ts=ts, within=10)
    await ana.click("propose.open", ts=ts, within=10)
    await ana.wait_for_view("propose")
    await ana.submit({"offer": "rollback-v1", "reason": "it is a drill"})
    waits = await ben.wait_for(lambda m: "approve.open" in str(m.get("blocks")), in_thread_of=ts, within=20)
    await ben.click("approve.open", in_thread_of=ts, ts=str(waits["ts"]), within=10)
    await ben.wait_for_view("approve")
    assert "DRILL" in str((await ben.views())[-1])
    await ben.submit()
    await turn(said, "takes M1 back")
    desk = stage.house.desk
    who = await desk.people.by_key("ben")
    await desk.submit("INC-1", UndoMitigation("M1", "the drill"), who)
    await until(stage, State.UNDONE)
    await turn(said, "resolves")
    await desk.submit("INC-1", Resolve("over", waive="a drill"), who)
    return header


@pytest.mark.xdist_group("drill")
async def test_people_click_for_themselves_and_time_passes_where_nobody_waits(tmp_path: Path) -> None:
    """Card, dialogs and direct message of the practice workspace say DRILL; between clicks the clock jumps ahead."""
    state = tmp_path / "drill"
    state.mkdir()
    installation = read(folder(tmp_path, NOWHERE))
    said: list[str] = []
    async with opened(installation, state, offline=True, people=True) as stage:
        accounts = {each.key: each.slack_user for each in stage.house.installation.people}
        report = Report("visits", "recall-poor", offline=True)
        async with (
            Person(stage.slack.url, accounts["ana"], room=ROOM) as ana,
            Person(stage.slack.url, accounts["ben"], room=ROOM) as ben,
        ):
            async with asyncio.timeout(50), asyncio.TaskGroup() as both:
                played = both.create_task(people(stage, ana, ben, said))
                both.create_task(Course(stage, report, said.append).run())
            assert "DRILL" in played.result()
    assert report.held
    assert link(report, "acknowledge").told == "Ana Aydin took it"
    assert link(report, "propose").told.startswith("Ana Aydin proposed rollback of visits-router")
    assert link(report, "approve").told == "Ben Okafor read the plan and approved it"
    assert link(report, "verify").passed >= 9
    assert any(each.startswith("your turn: Ana Aydin is paged") for each in said)
