"""Posts one surface so that it is there at least once always, and exactly once in the end, whatever the network does.

The row is claimed before the call and carries the surface's name into the message's metadata; a post whose answer was
lost is looked for by that name, adopted where it is found, and sent again where it is not.
"""

import logging
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from bot.blockkit.blocks import Block
from bot.blockkit.validate import validate_message
from bot.clock import Clock
from bot.domain.errors import RateLimited, Unavailable
from bot.engine.ports import Mirror, Posted
from bot.slack.client import Client, SlackRefused
from bot.slack.message import Message, Surface
from bot.slack.pacing import UPDATES, Pacer
from bot.slack.picture import Pictures
from bot.slack.settings import SlackSettings

_log = logging.getLogger(__name__)
EVENT = "tocsin_surface"
SENDING, POSTED, GONE = "sending", "posted", "gone"
BLOCKS_REFUSED = frozenset({"invalid_blocks", "invalid_blocks_format", "msg_blocks_too_long"})
LOST = frozenset({"message_not_found", "cant_update_message", "edit_window_closed"})
PATIENCE = 30.0
"""The longest wait Slack may ask for that is waited out in place, seconds."""
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

    def __init__(self, client: Client, mirror: Mirror, pacer: Pacer, settings: SlackSettings, clock: Clock) -> None:
        self.client, self.mirror, self.pacer, self.settings, self.clock = client, mirror, pacer, settings, clock
        self.pictures = Pictures(client, clock, wanted=settings.charts)

    # -- posting -----------------------------------------------------------------------------------------------------

    async def post(self, surface: Surface, row: Posted, *, thread_ts: str = "", urgent: bool = False) -> Posted:
        """Post what `row` (state sending, saved before) claims; the row as it then stands.

        Raises Unavailable where nobody knows whether it arrived (the row stays as it is), SlackRefused where it
        certainly did not (the row is gone).
        """
        metadata = _metadata(row, surface.message)
        try:
            channel, ts = await self._in_shape(
                row.channel,
                self.pictures.dress(surface.message, row),
                lambda text, blocks: self.client.post(
                    row.channel, text, blocks, thread_ts=thread_ts, broadcast=surface.broadcast, metadata=metadata
                ),
                urgent=urgent,
            )
        except (SlackRefused, RateLimited):
            await self.mirror.save(replace(row, state=GONE))
            raise
        done = replace(row, channel=channel, ts=ts, shown=surface.message.shown, state=POSTED)
        await self.mirror.save(done)
        self.pictures.sent(surface.message, done)
        return done

    async def change(self, surface: Surface, row: Posted) -> Posted | None:
        """Make the message say what the surface says; None where it stands no more (the row is then gone)."""
        metadata = _metadata(row, surface.message)
        try:
            await self._in_shape(
                UPDATES,
                self.pictures.dress(surface.message, row),
                lambda text, blocks: self.client.update(row.channel, row.ts, text, blocks, metadata),
            )
        except SlackRefused as refused:
            if refused.code not in LOST:
                raise
            await self.mirror.save(replace(row, state=GONE))
            return None
        done = replace(row, shown=surface.message.shown)
        await self.mirror.save(done)
        self.pictures.sent(surface.message, done)
        return done

    async def _in_shape(self, lane: str, message: Message, send: Any, *, urgent: bool = False) -> Any:
        """Send the richest shape Slack takes; waits where Slack asks for it. The turn was taken by the caller."""
        shapes = self._shapes(message)
        best = shapes[0]
        while True:
            try:
                taken = await send(message.text, shapes[0])
            except RateLimited as limited:
                self.pacer.hold(lane, limited.retry_after)
                if limited.retry_after > PATIENCE:
                    raise
                await self.pacer.turn(lane, urgent=urgent)
            except SlackRefused as refused:
                if refused.code not in BLOCKS_REFUSED or len(shapes) == 1:
                    raise
                _log.warning("Slack refused the blocks of a message, a plainer one is sent: %s", refused)
                shapes = [shapes[-1] if len(shapes) > 1 else message.bare]
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

    async def copies(self, row: Posted, *, thread_ts: str = "", since: datetime | None = None) -> list[Copy]:
        """Our messages for this surface, oldest first. Raises SlackRefused where the channel cannot be read."""
        me = await self.client.me()
        oldest = ((since or row.at) - timedelta(seconds=60)).timestamp()
        found = []
        for said in await self.client.messages(row.channel, thread_ts=thread_ts, oldest=oldest):
            data = said.get("metadata") or {}
            payload = data.get("event_payload") or {}
            ours = said.get("user") == me.get("user_id") or said.get("bot_id") == me.get("bot_id")
            same = (payload.get("incident"), payload.get("surface")) == (row.incident, row.surface)
            if ours and same and data.get("event_type") == EVENT and said.get("subtype") != "tombstone":
                found.append(Copy(str(said["ts"]), str(payload.get("shown", "")), int(said.get("reply_count") or 0)))
        return sorted(found, key=lambda one: float(one.ts))

    async def adopt(self, row: Posted, found: list[Copy]) -> Posted:
        """Keep the oldest of the copies as the surface's message, and take the others away."""
        kept = found[0]
        if (row.state, row.ts) != (POSTED, kept.ts):
            row = replace(row, ts=kept.ts, shown=kept.shown, state=POSTED)
            await self.mirror.save(row)
        for extra in found[1:]:
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
            found = await self.copies(row, thread_ts=thread_ts)
        except SlackRefused as refused:  # no right to read the channel: better twice than never
            _log.warning("cannot look for a message in doubt: %s", refused)
            found = []
        if found:
            return await self.adopt(row, found)
        if patient and age < self.settings.repost_after:
            raise Unavailable("Slack", f"{row.surface} of {row.incident} was not found yet; it is sent again soon")
        return None


def _metadata(row: Posted, message: Message) -> dict[str, Any]:
    payload = {"incident": row.incident, "surface": row.surface, "attempt": row.attempt, "shown": message.shown}
    return {"event_type": EVENT, "event_payload": payload}
