"""People's answers while much else is under way: an acknowledgement waits for no lane, no Slack call, no connection."""

from pathlib import Path
from typing import Any

import pytest

from bot.blockkit.blocks import modal, section
from bot.domain.lifecycle import Resolve
from bot.engine.situation import Situation
from bot.localslack import Limits
from bot.slack import payload
from bot.slack.answer import FAILED, NOT_OPENED
from bot.slack.client import SlackRefused
from bot.slack.knock import Reply, Show, Slow
from tests.slack.bench import Bench
from tests.slack.storm import Storm


async def test_a_click_is_acknowledged_while_slack_takes_its_time(tmp_path: Path):
    """Slack does not answer at all: the click is acknowledged in time, and the dialog opens when Slack does."""
    async with Storm.open(tmp_path) as s:
        (first,) = await s.declare_many(1)
        await s.pass_by(20)
        s.slack.workspace.strict.delay = 4.0
        s.click("ana", "update.open", first.id)
        await s.quiet()
        assert s.acks == [True]
        assert s.slack.traffic.entries[-1]["what"] == "interactive block_actions"
        await s.pass_by(10)
        assert len(s.accepted("views.open")) == 1


async def test_forty_clicks_are_answered_while_everything_waits_for_its_turn(tmp_path: Path):
    """Every lane is spent and held, twenty calls hang: forty people acknowledge, each in time, and it is recorded."""
    async with Storm.open(tmp_path, strict={"limits": Limits(per_minute=20)}) as s:
        names = [one.id for one in await s.declare_many(40)]
        await s.pass_by(260)
        s.slack.workspace.strict.delay = 60.0
        for name in names:
            s.click("ben", "ack", name)
        await s.quiet()
        assert s.acks == [True] * 40
        assert all(one.acknowledged for one in await s.desk.open_incidents())


async def test_a_dialog_slack_does_not_open_is_told(tmp_path: Path):
    """Refused at once or after the acknowledgement: the person learns that nothing was changed, and may press again."""
    async with Bench.open(tmp_path) as bench:
        await bench.declared()
        ana = await bench.person("ana")
        bench.fault("views.open", "429", retry_after=20)
        assert (await ana.click("update.open"))["acked"]
        await bench.settle()
        assert any("nothing was changed" in words for words in bench.whispers("ana"))
        assert (await ana.click("update.open"))["acked"]
        assert (await ana.wait_for_view())["callback_id"]
    async with Storm.open(tmp_path / "slow") as s:
        (first,) = await s.declare_many(1)
        await s.pass_by(20)
        s.fault("views.open", "500")
        s.slack.workspace.strict.delay = 1.0
        s.click("ana", "update.open", first.id)
        await s.pass_by(5)
        assert s.acks == [True]
        assert any("nothing was changed" in one["text"] for one in s.slack.workspace.ephemerals)


@pytest.mark.parametrize("error", ["500", "cut"])
async def test_slack_is_named_where_it_is_slack_that_does_not_answer(tmp_path: Path, error: str):
    """views.open fails at once: told by command and by click, and nobody is sent to look at the record."""
    async with Bench.open(tmp_path) as bench:
        await bench.declared()
        ana = await bench.person("ana")
        bench.fault("views.open", error)
        await ana.click("update.open")
        await bench.settle()
        assert bench.whispers("ana") == [NOT_OPENED]
        bench.fault("views.open", error)
        await ana.command("/incident", "declare Recall fell")
        await bench.settle()
        assert bench.whispers("ana") == [NOT_OPENED, NOT_OPENED]


async def test_a_trigger_that_is_used_up_is_told_in_words(tmp_path: Path):
    """Slack refuses the click's key: no name of a method and no error code, but what to do."""
    async with Bench.open(tmp_path) as bench:
        await bench.declared()
        ana = await bench.person("ana")
        call = bench.room.client.call

        async def refusing(method: str, /, **given: Any) -> Any:
            if method == "views.open":
                raise SlackRefused("views.open", "invalid_trigger_id")
            return await call(method, **given)

        bench.room.client.call = refusing
        await ana.click("update.open")
        await bench.settle()
        assert bench.whispers("ana") == [NOT_OPENED]


async def test_work_behind_a_button_that_breaks_is_told(tmp_path: Path):
    """The drafter fails in a way nobody thought of: whoever pressed learns it, and the next press works."""
    async with Bench.open(tmp_path) as bench:
        await bench.declared()
        await bench.say(Resolve("v1 is back"), "ana")
        ana = await bench.person("ana")
        (card,) = bench.posts("card")
        draft = bench.drafts.postmortem

        def broken(situation: Situation) -> str:
            raise KeyError(situation.incident.id)

        bench.drafts.postmortem = broken
        await ana.click("postmortem", in_thread_of=card["ts"])
        await bench.settle()
        assert bench.whispers("ana") == [FAILED]
        bench.drafts.postmortem = draft
        await ana.click("postmortem", in_thread_of=card["ts"])
        await bench.settle()
        kept = bench.slack.workspace.memory.messages["C0INC"].values()
        assert len([one for one in kept if one.get("files")]) == 1


@pytest.mark.parametrize("slow", [False, True])
async def test_a_dialog_after_a_dialog_is_one_slack_takes(tmp_path: Path, slow: bool):
    """What takes a sent form's place is looked at as what a click opens is: too long, it becomes its reason."""
    async with Bench.open(tmp_path) as bench:
        long = modal("Resolve", [section("a")] * 101, callback_id="resolve", submit="Resolve")

        async def work() -> Reply:
            return Show(long)

        body = {"type": "view_submission", "view": {"id": "V1", "blocks": [], "callback_id": "resolve"}}
        reply = Slow(work(), "Reading") if slow else Show(long)
        answer = await bench.room.ingress.answers.give(payload.read(body), reply)
        assert "This dialog cannot be shown here; use the console." in str(answer.body)
