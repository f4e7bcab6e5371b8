"""What a card shows of its SLI: the workspace's own chart, else an uploaded picture of it, else words alone.

The card never waits for a picture: it is uploaded behind it, and shown with the card's next change.
"""

import asyncio
import json
import logging
from collections import OrderedDict
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta

from bot.blockkit.blocks import Block, plain
from bot.clock import Clock
from bot.domain.errors import RateLimited, Refused, Unavailable
from bot.engine.values import Posted
from bot.slack import drawing
from bot.slack.client import Client
from bot.slack.message import Message

_log = logging.getLogger(__name__)
CHART, PICTURE = "chart", "picture"
AGAIN = timedelta(days=1)
"""How long a refused shape is not tried; a restart tries at once."""
EVERY = timedelta(minutes=5)
"""The shortest time between two pictures of one card."""
YOUNG = timedelta(minutes=1)
"""A picture this new may still be worked on by Slack: its refusal says nothing about the workspace."""
CARDS = 500
Key = tuple[str, str]


@dataclass(slots=True)
class _Kept:
    """The picture of one card: the file in Slack ("" before the first), what it shows, and when it was drawn."""

    at: datetime
    file: str = ""
    alt: str = ""
    title: str = ""


class Pictures:
    """Knows what the workspace takes, and keeps each card's picture."""

    def __init__(self, client: Client, clock: Clock, *, wanted: bool = True) -> None:
        self._client, self._clock = client, clock
        never = datetime.max.replace(tzinfo=UTC)
        self._refused = {} if wanted else {CHART: never, PICTURE: never}  # shape → until when it is not tried
        self._kept: OrderedDict[Key, _Kept] = OrderedDict()
        self._one = asyncio.Lock()  # one drawing at a time: others are answered in between
        self._tasks: set[asyncio.Task[None]] = set()

    def takes(self, shape: str) -> bool:
        """Whether the workspace takes it, as far as is known."""
        now = self._clock.now()
        return now >= self._refused.get(shape, now)

    def dress(self, message: Message, row: Posted) -> Message:
        """The message with the richest blocks this workspace takes: its chart, the card's picture, or nothing more."""
        if message.rich is None or self.takes(CHART):
            return message
        kept = self._kept.get((row.incident, row.surface))
        if kept is None or not kept.file or not self.takes(PICTURE):
            return replace(message, rich=None)
        return replace(message, rich=pictured(message.rich, kept.file, kept.alt, kept.title))

    def refused(self, blocks: list[Block]) -> None:
        """Slack took the message only without what these blocks have more."""
        if any(_is_chart(one) for one in blocks):
            self._rest(CHART, "charts are not known here yet")
        files = {one["slack_file"]["id"] for one in blocks if "slack_file" in one}
        for kept in self._kept.values():
            if kept.file in files:
                if self._clock.now() - kept.at >= YOUNG:
                    self._rest(PICTURE, "pictures are refused")
                kept.file = ""

    def _rest(self, shape: str, because: str) -> None:
        if self.takes(shape):
            _log.warning("cards go without a %s for a day: %s", shape, because)
        self._refused[shape] = self._clock.now() + AGAIN

    def sent(self, message: Message, row: Posted) -> None:
        """A card was posted or changed: where it lacks a chart, its picture is made behind it, at most now and then."""
        key = (row.incident, row.surface)
        chart = next((one for one in message.rich or [] if _is_chart(one)), None)
        if chart is None or self.takes(CHART) or not self.takes(PICTURE):
            return
        now, kept = self._clock.now(), self._kept.get(key)
        if kept is not None and now - kept.at < EVERY:
            return
        kept = self._kept.setdefault(key, _Kept(now))
        kept.at = now
        self._kept.move_to_end(key)
        while len(self._kept) > CARDS:
            self._kept.popitem(last=False)
        task = asyncio.get_running_loop().create_task(self._draw(chart, kept, key[0]))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _draw(self, chart: Block, kept: _Kept, incident: str) -> None:
        """Draw and upload; whatever fails, the card stands, and the next change tries again."""
        try:
            graph = drawing.read(chart)
            async with self._one:
                raw = await asyncio.to_thread(drawing.png, graph)
            kept.file, kept.alt, kept.title = await self._upload(raw, incident), drawing.said(graph), graph.title
        except (Unavailable, RateLimited) as error:
            _log.info("the picture of %s is left out: %s", incident, error)
        except Refused as refused:
            self._rest(PICTURE, str(refused))
        except Exception:  # noqa: BLE001 - nobody waits for it
            _log.exception("the picture of %s could not be made", incident)

    async def _upload(self, raw: bytes, incident: str) -> str:
        """The id of the file; it is shared with nobody but the readers of the card."""
        name = f"{incident}.png"
        asked = await self._client.form("files.getUploadURLExternal", filename=name, length=len(raw))
        await self._client.upload(str(asked.get("upload_url") or ""), raw)
        file = str(asked.get("file_id") or "")
        await self._client.form("files.completeUploadExternal", files=json.dumps([{"id": file, "title": name}]))
        return file

    async def settle(self) -> None:
        """Wait for the pictures under way."""
        while self._tasks:
            await asyncio.gather(*self._tasks, return_exceptions=True)

    async def close(self) -> None:
        """Leave unfinished pictures."""
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)


def _is_chart(block: Block) -> bool:
    return block.get("type") == "data_visualization"


def pictured(blocks: list[Block], file: str, alt: str, title: str) -> list[Block]:
    """The blocks with a picture kept in Slack in place of their chart."""
    image = {"type": "image", "slack_file": {"id": file}, "alt_text": alt, "title": plain(f"{title} (dashed: allowed)")}
    return [image if _is_chart(one) else one for one in blocks]
