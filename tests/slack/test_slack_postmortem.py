"""The post-mortem's draft from the summary: one file for each state of the record, and a way to it without files."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from bot.domain.five_whys import AddWhy
from bot.domain.lifecycle import Resolve
from tests.slack.bench import Bench


@pytest.fixture
async def bench(tmp_path: Path) -> AsyncIterator[Bench]:
    async with Bench.open(tmp_path) as made:
        await made.declared()
        await made.say(AddWhy("The labels are gone"), "ana")
        await made.say(Resolve("over", "seen"), "ana")
        yield made


def files(bench: Bench) -> list[dict[str, Any]]:
    """Messages in the home channel that show a file."""
    return [one for one in bench.slack.workspace.memory.messages["C0INC"].values() if one.get("files")]


def content(bench: Bench, message: dict[str, Any]) -> str:
    kept = bench.slack.workspace.memory.get("bytes", message["files"][0]["id"])
    assert kept is not None
    return str(kept)


async def press(bench: Bench, who: str = "ana") -> None:
    person = await bench.person(who)
    (card,) = bench.posts("card")
    assert (await person.click("postmortem", in_thread_of=card["ts"]))["acked"]
    await bench.settle()


async def test_it_is_a_file_in_the_thread(bench: Bench):
    """Markdown below the card, named after the incident."""
    await press(bench)
    (message,) = files(bench)
    (card,) = bench.posts("card")
    assert message["thread_ts"] == card["ts"]
    assert message["files"][0]["name"] == "INC-1-postmortem.md"
    assert "as it stands now" in message["text"]
    assert bench.whispers("ana") == []


async def test_pressed_again_it_is_there_already_until_the_record_goes_on(bench: Bench):
    """A second click, by whom ever: a sentence. After another why, or a restart, a new draft is a new file."""
    await press(bench)
    await press(bench, "ben")
    assert len(files(bench)) == 1
    assert bench.whispers("ben") == ["The draft as of now is in the thread already."]
    await bench.restart()
    await press(bench)
    assert len(files(bench)) == 1
    await bench.say(AddWhy("Nobody tests the export", "W1"), "ana")
    await press(bench)
    assert len(files(bench)) == 2


async def test_asked_for_in_the_war_room_it_is_not_in_the_thread_yet(bench: Bench):
    """Each place has its own file; pressed again in either it is there already."""
    room = bench.slack.workspace.memory.messages
    _channel, summary = await bench.room.client.post("C0GENERAL", "the end", [
        {"type": "actions", "elements": [{"type": "button", "action_id": "postmortem", "value": "INC-1",
                                          "text": {"type": "plain_text", "text": "Post-mortem draft"}}]}])  # fmt: skip
    ana = await bench.person("ana")
    for _ in range(2):
        await ana.click("postmortem", room="C0GENERAL")
        await bench.settle()
    (there,) = [one for one in room["C0GENERAL"].values() if one.get("files")]
    assert there["thread_ts"] == summary
    assert bench.whispers("ana") == ["The draft as of now is in the thread already."]
    await press(bench)
    assert len(files(bench)) == 1
    await press(bench)
    assert len(files(bench)) == 1
    assert len(bench.whispers("ana")) == 2


async def test_where_files_may_not_be_sent(bench: Bench, monkeypatch: pytest.MonkeyPatch):
    """No such method, or no right to: the person reads where it is."""
    from bot.localslack.methods import METHODS

    monkeypatch.delitem(METHODS, "files.getUploadURLExternal")
    await press(bench)
    assert "incidents/INC-1/postmortem|Read it on the console" in bench.whispers("ana")[0]
    assert files(bench) == []


async def test_slack_goes_away_in_the_middle(bench: Bench):
    """Uploaded and not shown: it is said, and pressed again it is sent."""
    bench.fault("files.completeUploadExternal", "outage")
    await press(bench)
    assert "Please try again" in bench.whispers("ana")[0]
    assert files(bench) == []
    await press(bench)
    assert len(files(bench)) == 1


async def test_a_template_that_cannot_be_filled_is_said(bench: Bench):
    """An installation's own template is wrong: the sentence names it, nothing is sent."""
    from bot.domain.errors import Invalid, Problem

    def broken(_situation: Any) -> str:
        raise Invalid([Problem("postmortem.md.j2", 3, 1, "there is no word 'wat'")])

    bench.drafts.postmortem = broken
    await press(bench)
    assert "postmortem.md.j2:3:1" in bench.whispers("ana")[0]
