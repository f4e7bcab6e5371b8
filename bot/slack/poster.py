"""Posts one surface so that it is there at least once always, and exactly once in the end, whatever the network does.

The row is claimed before the call and carries the surface's name into the message's metadata; a post whose answer was
lost is looked for by that name (by its words where a server drops metadata), adopted where it is found, and sent again
where it is not.
"""

import logging
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from bot.blockkit.blocks import Block
from bot.blockkit.validate import validate_message
from bot.clock import Clock
from bot.domain.errors import RateLimited, Unavailable
from bot.engine.ports import Mirror
from bot.engine.values import Posted
from bot.slack import likeness
from bot.slack.client import Client, Json
from bot.slack.meaning import SlackRefused
from bot.slack.message import Message, Surface
from bot.slack.pacing import Rank
from bot.slack.picture import Pictures
from bot.slack.settings import SlackSettings

_log = logging.getLogger(__name__)
EVENT = "tocsin_surface"
SENDING, POSTED, GONE = "sending", "posted", "gone"
BLOCKS_REFUSED = frozenset({"invalid_blocks", "invalid_blocks_format", "msg_blocks_too_long"})
LOST = frozenset({"message_not_found", "cant_update_message", "edit_window_closed"})
LATE = timedelta(minutes=10)
"""How long a post may still land after its answer was lost."""


@dataclass(frozen=True, slots=True)
class Copy:
    """A message of ours found in a channel."""

    ts: str
    shown: str
    replies: int


class Poster:
    """Posts, changes, finds and collapses the messages of surfaces."""

    def __init__(self, client: Client, mirror: Mirror, settings: SlackSettings, clock: Clock) -> None:
        self.client, self.mirror, self.settings, self.clock = client, mirror, settings, clock
        self.pictures = Pictures(client, clock, wanted=settings.charts)

    # -- posting -----------------------------------------------------------------------------------------------------

    async def post(
        self,
        surface: Surface,
        row: Posted,
        *,
        thread_ts: str = "",
        rank: Rank = Rank.POST,
        earlier: frozenset[str] = frozenset(),
    ) -> Posted:
        """Post what `row` (state sending, saved before) claims, the turn being taken; the row as it then stands.

        `earlier` are the marks of attempts in doubt that may land yet.

        Raises Unavailable where nobody knows whether it arrived (the row stays as it is), SlackRefused or RateLimited
        where it certainly did not (the row is gone).
        """
        metadata = _metadata(row, surface.message)

        async def send(text: str, blocks: list[Block], *, paced: bool) -> tuple[str, str]:
            return await self.client.post(row.channel, text, blocks, thread_ts=thread_ts, broadcast=surface.broadcast,
                                          metadata=metadata, rank=rank, paced=paced)  # fmt: skip

        try:
            channel, ts = await self._in_shape(self.pictures.dress(surface.message, row), send)
        except (SlackRefused, RateLimited):
            await self.mirror.save(replace(row, shown=likeness.noted("", earlier), state=GONE))
            raise
        marks = likeness.marks(row.shown) if earlier else ()
        shown = likeness.noted(surface.message.shown, marks)
        done = replace(row, channel=channel, ts=ts, shown=shown, state=POSTED)
        await self.mirror.save(done)
        self.pictures.sent(surface.message, done)
        return done

    async def change(self, surface: Surface, row: Posted) -> Posted | None:
        """Make the message say what the surface says, the turn being taken; None where it stands no more (the row is
        then gone).
        """  # noqa: D205
        metadata = _metadata(row, surface.message)

        async def send(text: str, blocks: list[Block], *, paced: bool) -> None:
            await self.client.update(row.channel, row.ts, text, blocks, metadata, paced=paced)

        try:
            await self._in_shape(self.pictures.dress(surface.message, row), send)
        except SlackRefused as refused:
            if refused.code not in LOST:
                raise
            await self.mirror.save(replace(row, state=GONE))
            return None
        marks = likeness.marks(row.shown) if self.clock.now() - row.at < LATE else ()
        done = replace(row, shown=likeness.noted(surface.message.shown, marks))
        await self.mirror.save(done)
        self.pictures.sent(surface.message, done)
        return done

    async def _in_shape(self, message: Message, send: Any) -> Any:
        """Send the richest shape Slack takes. The turn of the first one was taken by the caller."""
        shapes, paced = self._shapes(message), True
        best = shapes[0]
        while True:
            try:
                taken = await send(message.text, shapes[0], paced=paced)
            except SlackRefused as refused:
                if refused.code not in BLOCKS_REFUSED or len(shapes) == 1:
                    raise
                _log.warning("Slack refused the blocks of a message, a plainer one is sent: %s", refused)
                shapes, paced = [shapes[-1] if len(shapes) > 1 else message.bare], False
            else:
                if shapes[0] is not best and best is message.rich:
                    self.pictures.refused(best)  # the plainer one was taken: it was the chart or the picture
                return taken

    def _shapes(self, message: Message) -> list[list[Block]]:
        """What may be sent, the best first: with a chart, classic, words alone. Only what the validator takes."""
        wished = [message.rich] if message.rich is not None else []
        fitting = []
        for blocks in (*wished, message.blocks):
            faults = validate_message(blocks, message.text)
            if faults:
                _log.error("a view made blocks Slack would refuse: %s", faults[0])
            else:
                fitting.append(blocks)
        if not fitting:
            return [message.bare]
        return fitting if len(fitting) > 1 else [fitting[0], message.bare]

    # -- finding -----------------------------------------------------------------------------------------------------

    async def read(
        self, channel: str, thread_ts: str, since: datetime, *, rank: Rank = Rank.CHANGE
    ) -> list[Json]:  # fmt: skip
        """What was said there since a little before. Raises SlackRefused where the channel cannot be read."""
        oldest = (since - timedelta(seconds=60)).timestamp()
        return await self.client.messages(channel, thread_ts=thread_ts, oldest=oldest, rank=rank)

    async def copies(self, row: Posted, said: list[Json], *, thread_ts: str = "") -> list[Copy]:
        """Our messages for this surface among those, oldest first."""
        me = await self.client.me()
        marks = likeness.marks(row.shown)
        found = []
        for one in said:
            ours = one.get("user") == me.get("user_id") or one.get("bot_id") == me.get("bot_id")
            if not ours or one.get("subtype") == "tombstone":
                continue
            data = one.get("metadata") or {}
            payload = data.get("event_payload") or {}
            ts = str(one["ts"])
            if data.get("event_type"):
                same = (payload.get("incident"), payload.get("surface")) == (row.incident, row.surface)
                same = same and data["event_type"] == EVENT
            else:
                same = ts == row.ts or (_below(one, thread_ts) and likeness.mark(str(one.get("text"))) in marks)
                same = same and await self._nobody_elses(row, ts)
            if same:
                shown = likeness.shown(row.shown) if ts == row.ts else str(payload.get("shown", ""))
                found.append(Copy(ts, shown, int(one.get("reply_count") or 0)))
        return sorted(found, key=lambda one: float(one.ts))

    async def _nobody_elses(self, row: Posted, ts: str) -> bool:
        """Two surfaces may say the same words: a message that is known as another's is not this one's."""
        known = await self.mirror.find(row.channel, ts)
        return known is None or (known.incident, known.surface) == (row.incident, row.surface)

    async def adopt(self, row: Posted, found: list[Copy]) -> Posted:
        """Keep one of the copies (the one that stands, else the oldest) for the surface; collapse the others."""
        kept = next((one for one in found if row.state == POSTED and one.ts == row.ts), found[0])
        if (row.state, row.ts) != (POSTED, kept.ts):
            shown = likeness.noted(kept.shown, likeness.marks(row.shown))
            row = replace(row, ts=kept.ts, shown=shown, state=POSTED)
            await self.mirror.save(row)
        for extra in found:
            if extra is not kept:
                await self._collapse(row, extra)
        return row

    async def _collapse(self, row: Posted, extra: Copy) -> None:
        """Delete a duplicate; where people answered below it, it becomes a pointer and their words stay."""
        words = "This message was posted twice; the other one is kept up to date."
        try:
            if extra.replies:
                link = await self.client.permalink(row.channel, row.ts)
                text = f"{words} <{link}|Go there>" if link else words
                await self.client.update(row.channel, extra.ts, text, Message(text, []).bare,
                                         {"event_type": "tocsin_pointer", "event_payload": {"to": row.ts}})  # fmt: skip
            else:
                await self.client.call("chat.delete", channel=row.channel, ts=extra.ts)
        except SlackRefused as refused:
            if refused.code not in LOST:
                _log.warning("a duplicate in %s could not be taken away: %s", row.channel, refused)
        _log.info("a duplicate of %s %s was collapsed", row.incident, row.surface)

    async def resolve(self, row: Posted, *, thread_ts: str = "", patient: bool = True) -> Posted | None:
        """Find out what became of a post in doubt: the adopted row, or None where it must be sent again.

        Raises Unavailable while it is too early to say.
        """
        age = (self.clock.now() - row.at).total_seconds()
        if patient and age < self.settings.settle_after:
            raise Unavailable("Slack", f"{row.surface} of {row.incident} may have been posted; it is looked for soon")
        try:
            said = await self.read(row.channel, thread_ts, row.at, rank=Rank.CHANGE if patient else Rank.PAGE)
            found = await self.copies(row, said, thread_ts=thread_ts)
        except SlackRefused as refused:  # no right to read the channel: better twice than never
            _log.warning("cannot look for a message in doubt: %s", refused)
            found = []
        if found:
            return await self.adopt(row, found)
        if patient and age < self.settings.repost_after:
            raise Unavailable("Slack", f"{row.surface} of {row.incident} was not found yet; it is sent again soon")
        return None


def _below(message: Json, thread_ts: str) -> bool:
    """Whether a message hangs in that thread; with none, whether it stands in the channel itself."""
    parent = str(message.get("thread_ts") or "")
    own = parent in ("", str(message.get("ts")))
    return not own and parent == thread_ts if thread_ts else own


def _metadata(row: Posted, message: Message) -> dict[str, Any]:
    payload = {"incident": row.incident, "surface": row.surface, "attempt": row.attempt, "shown": message.shown}
    return {"event_type": EVENT, "event_payload": payload}
