"""What the room sends over the wire is as harmless as what its views make: each recorded call is read again."""

from __future__ import annotations

from pathlib import Path

from bot.domain.finding import RecordFinding
from bot.domain.lifecycle import Update
from bot.domain.policy import Severity
from bot.slack.rooms import Rooms
from tests.slack.bench import Bench
from tests.slack.hostile import faults, live

WORDS = "<!channel> see https://evil.example/x or <https://evil.example|the console> @here \u202e <@U0EVIL>"


async def test_every_call_of_a_walk_is_harmless(tmp_path: Path):
    """Card, thread, dialogs, Home tab, list and refusals, with such words everywhere: no call pings or links."""
    async with Bench.open(tmp_path) as bench:
        who = await bench.who("ana")
        await bench.desk.declare(WORDS, Severity.SEV2, "visits", WORDS, who)
        await bench.settle()
        await bench.say(RecordFinding(WORDS, WORDS, link=WORDS), "ana")
        await bench.say(Update(WORDS), "ana")
        ana, ben = await bench.person("ana"), await bench.person("ben")
        (card,) = bench.posts("card")
        await ana.click("ack")
        await ben.click("ack", ts=card["ts"])
        for verb in ("list", "approve", "help", f"no such verb {WORDS}", "INC-1", f"INC-1 sev 9 {WORDS}"):
            await ana.command("/incident", verb)
        await ana.say(f"<@U0TOCSIN> next {WORDS}", in_thread_of=card["ts"])
        await ana.open_home()
        await bench.slack.delivery.settle()
        for deed in ("runbook.open", "update.open", "propose.open"):
            await ana.click(deed, ts=card["ts"])
        await bench.settle()
        sent = [one for one in bench.slack.traffic.entries if one["way"] == "app->slack"]
        methods = {one["what"] for one in sent}
        assert {"chat.postMessage", "chat.update", "chat.postEphemeral", "views.open", "views.publish"} <= methods
        for one in sent:
            given = one["sent"]
            if "view" in given:
                assert faults(given["view"]["type"], given["view"]) == [], one["what"]
            elif "text" in given:
                assert given.get("blocks"), f"{one['what']}: words that are no block may be linked by Slack"
                assert faults("message", given) == [], one["what"]
            if one["what"] in {"chat.postMessage", "chat.update"}:
                assert (given["parse"], given["link_names"]) == ("none", False)
        answers = [one for one in bench.slack.traffic.entries if one["what"] == "/incident"]
        shown = [note for note in bench.slack.workspace.ephemerals if note.get("blocks")]
        assert len(shown) >= len(answers)
        assert len(shown) == len(bench.slack.workspace.ephemerals)
        for note in shown:
            assert faults("message", note) == []


async def test_a_room_s_topic_is_harmless_too(tmp_path: Path):
    """The topic of a war room says which incident it is, in words that ping nobody."""
    async with Bench.open(tmp_path) as bench:
        await bench.desk.declare(WORDS, Severity.SEV2, "visits", "x", await bench.who("ana"))
        await Rooms(bench.room.client).open(await bench.desk.situation("INC-1"))
        (call,) = bench.calls("conversations.setTopic")
        topic = call["sent"]["topic"]
        assert topic.startswith("SEV2 INC-1: ")
        assert len(topic) <= 250
        assert live(topic) == []
