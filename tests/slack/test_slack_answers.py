"""People's answers while much else is under way: an acknowledgement waits for no lane, no Slack call, no connection."""

from pathlib import Path

from bot.localslack import Limits
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
