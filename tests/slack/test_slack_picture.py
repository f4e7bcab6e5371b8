"""Where a workspace does not draw charts, the card shows a picture of the same, and words where it takes none."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import httpx
import pytest

from bot.blockkit.blocks import chart
from bot.domain.finding import RecordFinding
from bot.engine.situation import Situation
from bot.localslack import LocalSlack
from bot.localslack.traffic import Fault
from bot.slack import drawing
from bot.slack.message import Message
from bot.slack.picture import CHART, PICTURE
from tests.slack.bench import Bench

CHARTED = frozenset({"data_visualization"})


@pytest.fixture
async def bench(tmp_path: Path) -> AsyncIterator[Bench]:
    """A workspace that does not have charts yet."""
    async with Bench.open(tmp_path) as opened:
        opened.slack.workspace.without_blocks = CHARTED
        await opened.desk.declare("Recall is down", 2, "visits", "the SLI fell", await opened.who("ana"))
        yield opened


async def drawn(bench: Bench) -> Situation:
    """The incident as it stands, with the chart of its objective."""
    situation = await bench.desk.situation("INC-1")
    made = bench.desk.charts.chart("recall", None, bench.clock.now())
    return replace(situation, incident=replace(situation.incident, slo="recall"), charts=(made,))


async def show(bench: Bench) -> dict[str, Any]:
    """Show it, let the picture be made, and read the card."""
    await bench.room.chat.show(await drawn(bench))
    await bench.room.chat.poster.pictures.settle()
    (card,) = bench.posts("card")
    return card


async def change(bench: Bench, words: str) -> dict[str, Any]:
    """Something happens that changes the card."""
    await bench.desk.submit("INC-1", RecordFinding(words, "test"), await bench.who("ana"))
    return await show(bench)


def kinds(card: dict[str, Any]) -> list[str]:
    return [one["type"] for one in card["blocks"]]


async def test_the_picture_comes_with_the_next_change(bench: Bench):
    """The card first, in classic blocks after one retry; the picture with the next change, its figures in words."""
    card = await show(bench)
    assert "image" not in kinds(card)
    assert [one["outcome"] for one in bench.calls("chat.postMessage")] == ["invalid_blocks", "ok"]
    card = await change(bench, "v2 was released")
    (image,) = [one for one in card["blocks"] if one["type"] == "image"]
    assert "allowed 10" in image["alt_text"]
    assert "bad events 38.5 now, highest 38.5 at 12:38:00" in image["alt_text"]
    assert [one["outcome"] for one in bench.calls("chat.update")] == ["ok"], "charts were tried once, not again"
    async with httpx.AsyncClient() as http:
        file = await http.get(f"{bench.slack.url}/files/{image['slack_file']['id']}")
    assert file.headers["content-type"] == "image/png"
    assert file.content.startswith(b"\x89PNG")
    assert len(file.content) < 60_000


async def test_a_picture_is_made_at_most_every_five_minutes(bench: Bench):
    """Ten changes in a row upload nothing new; the next one after five minutes does, and nothing is uploaded unasked."""
    await show(bench)
    for number in range(10):
        await change(bench, f"finding {number}")
    assert len(bench.calls("files.completeUploadExternal")) == 1
    bench.clock.forward(301)
    await show(bench)
    assert len(bench.calls("files.completeUploadExternal")) == 1, "the card did not change"
    before = await change(bench, "eleven")
    after = await change(bench, "twelve")
    assert len(bench.calls("files.completeUploadExternal")) == 2
    assert _file(before) != _file(after)


def _file(card: dict[str, Any]) -> str:
    return next(str(one["slack_file"]["id"]) for one in card["blocks"] if one["type"] == "image")


@pytest.mark.parametrize("step", ["files.getUploadURLExternal", "files.completeUploadExternal"])
async def test_without_the_right_to_upload_there_are_words(bench: Bench, step: str):
    """`missing_scope` is believed for a day: the card stands in words, and nobody asks again at each change."""
    ask = bench.room.client.form

    async def narrow(method: str, **given: Any) -> Any:
        if method == step:
            from bot.slack.client import SlackRefused

            raise SlackRefused(method, "missing_scope")
        return await ask(method, **given)

    bench.room.client.form = narrow
    await show(bench)
    bench.room.client.form = ask
    for number in range(3):
        bench.clock.forward(400)
        assert "image" not in kinds(await change(bench, f"finding {number}"))
    assert bench.calls("files.completeUploadExternal") == []
    bench.clock.forward(86_400)
    await change(bench, "a day later charts are tried, then pictures")
    assert len(bench.calls("files.completeUploadExternal")) == 1


@pytest.mark.parametrize("kind", ["500", "cut", "429", "outage"])
async def test_a_failed_upload_neither_delays_nor_loses_the_card(bench: Bench, kind: str):
    """The card is there; the picture is tried again with a change five minutes later."""
    bench.slack.workspace.faults.add(Fault("files.getUploadURLExternal", kind, 1, 1))
    card = await show(bench)
    assert "header" in kinds(card)
    assert "image" not in kinds(await change(bench, "one"))
    bench.clock.forward(301)
    await change(bench, "two")
    assert "image" in kinds(await change(bench, "three"))


async def test_a_picture_the_workspace_refuses_is_left_out(bench: Bench):
    """One classic retry; a young picture may still be worked on, an old one that is refused ends pictures for a day."""
    pictures = bench.room.chat.poster.pictures
    await show(bench)
    bench.slack.workspace.without_blocks = CHARTED | {"image"}
    assert "image" not in kinds(await change(bench, "young"))
    assert pictures.takes(PICTURE)
    bench.clock.forward(301)
    await change(bench, "uploads another")
    bench.clock.forward(61)
    assert "image" not in kinds(await change(bench, "old"))
    assert not pictures.takes(PICTURE)
    calls = len(bench.calls("chat.update"))
    await change(bench, "words from now on")
    assert len(bench.calls("chat.update")) == calls + 1


async def test_charts_are_tried_again_after_a_day_and_after_a_restart(bench: Bench):
    """A workspace that learnt charts meanwhile shows them."""
    await show(bench)
    assert not bench.room.chat.poster.pictures.takes(CHART)
    bench.slack.workspace.without_blocks = frozenset()
    assert "data_visualization" not in kinds(await change(bench, "too early"))
    await bench.restart()
    assert "data_visualization" in kinds(await change(bench, "after the restart"))
    bench.slack.workspace.without_blocks = CHARTED
    assert "data_visualization" not in kinds(await change(bench, "taken away"))
    bench.slack.workspace.without_blocks = frozenset()
    bench.clock.forward(86_401)
    assert "data_visualization" in kinds(await change(bench, "a day later"))


async def test_other_faults_of_a_message_are_not_blamed_on_the_chart(bench: Bench):
    """Where the classic blocks are refused too, it was not the chart."""
    bench.slack.workspace.without_blocks = CHARTED | {"header"}
    with pytest.raises(Exception, match="invalid_blocks"):
        await bench.room.chat.show(await drawn(bench))
    assert bench.room.chat.poster.pictures.takes(CHART)


async def test_charts_switched_off_mean_words(tmp_path: Path):
    """Neither chart nor picture is tried."""
    async with Bench.open(tmp_path, charts=False) as bench:
        await bench.desk.declare("Recall is down", 2, "visits", "the SLI fell", await bench.who("ana"))
        await show(bench)
        assert set(kinds(await change(bench, "one"))).isdisjoint({"image", "data_visualization"})
        assert bench.calls("files.getUploadURLExternal") == []


async def test_a_file_that_is_not_there_is_refused():
    """The practice workspace takes a picture by its id only once it was uploaded, as Slack does."""
    from slack_sdk.errors import SlackApiError
    from slack_sdk.web.async_client import AsyncWebClient

    async with LocalSlack() as slack:
        web = AsyncWebClient(token=slack.bot_token, base_url=slack.api_url)
        picture = {"type": "image", "slack_file": {"id": "F0NONE"}, "alt_text": "x"}
        with pytest.raises(SlackApiError, match="invalid_blocks"):
            await web.chat_postMessage(channel="C0INC", text="x", blocks=[picture])


# -- the drawing itself ----------------------------------------------------------------------------------------------

BLOCK = chart("Recall: bad events, %", [f"20 12:{n:02}:00" for n in range(20)],
              {"bad events": [float(n) for n in range(20)], "allowed": [10.0] * 20})  # fmt: skip


def test_the_picture_in_words():
    """Where it is now, its peak, what is allowed, and the time it covers."""
    said = drawing.said(drawing.read(BLOCK))
    assert said == ("Recall: bad events, %. bad events 19 now, highest 19 at 20 12:19:00; allowed 10. "
                    "From 20 12:00:00 to 20 12:19:00 UTC.")  # fmt: skip


@pytest.mark.parametrize("values", [[0.0, 0.0], [1e-9, 2e-9], [100.0, 0.0], [1e12, 5.0], [-3.0, 3.0], [7.0]])
def test_any_figures_make_a_well_formed_picture(values: list[float]):
    """Nothing but strokes, all inside the frame; no letter that would need a font."""
    labels = [str(n) for n in range(len(values))]
    graph = drawing.read(chart("t <&\"'", labels, {"x": values}))
    root = ET.fromstring(drawing.svg(graph))
    assert {one.tag.rpartition("}")[2] for one in root} == {"rect", "polyline"}
    for line in root.iter("{http://www.w3.org/2000/svg}polyline"):
        for pair in line.attrib["points"].split():
            across, down = (float(one) for one in pair.split(","))
            assert 0 <= across <= drawing.WIDTH
            assert 0 <= down <= drawing.HEIGHT
    assert drawing.png(graph).startswith(b"\x89PNG")


def test_a_picture_is_no_news_by_itself():
    """What counts as shown is the words; a moved chart alone changes nothing."""
    plain, moved = Message("t", [], [BLOCK]), Message("t", [], [])
    assert plain.shown == moved.shown
