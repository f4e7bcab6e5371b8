"""What a person gets to see at once: a dialog, a correction in it, or a sentence for them alone."""

import asyncio
import contextlib
import logging
from collections.abc import Coroutine, Sequence
from typing import Any

from slack_bolt.response import BoltResponse

from bot.blockkit.blocks import Block, View
from bot.blockkit.text import shorten, untrusted
from bot.blockkit.validate import validate_view
from bot.domain.errors import Conflict, Invalid, NotFound, Refused, Unavailable
from bot.slack import payload
from bot.slack.client import Client, SlackRefused
from bot.slack.knock import Close, Errors, Redraw, Reply, Show, Slow, Tell, Values
from bot.slack.message import said, verbatim
from bot.slack.pacing import Rank
from bot.slack.payload import Door
from bot.slack.views import info

_log = logging.getLogger(__name__)
HEAD_START = 0.1
"""Seconds a dialog may take to open before the click is acknowledged all the same."""
PATIENCE = 1.6
"""Seconds a slow piece of work may take before the person sees that it is going on."""
NOT_OPENED = "Slack did not open the dialog; nothing was changed. Please press again."
UNSHOWN = "Slack did not show the change; what was recorded stands. Close this and press again."
FAILED = "It could not be finished; look at the thread before you try again."


class Answers:
    """Turns replies into acknowledgements, and what outlasts them into background work."""

    def __init__(self, client: Client) -> None:
        self._client = client
        self._tasks: set[asyncio.Task[Any]] = set()

    # -- replies -----------------------------------------------------------------------------------------------------

    async def give(self, door: Door, reply: Reply) -> BoltResponse:
        """The acknowledgement for a reply."""
        if isinstance(reply, Slow):
            return await self._slow(door, reply)
        if isinstance(reply, Redraw):
            if _in_dialog(door):
                try:
                    await self._redraw(door, reply)
                except Unavailable as away:
                    _log.info("a dialog is not redrawn: %s", away)
                    self.later(self.whisper(door, UNSHOWN))
                return BoltResponse(status=200)
            reply = Show(await reply.draw())
        if door.family == payload.SUBMIT:
            return self._submitted(door, reply)
        if isinstance(reply, Show):
            return await self._shown(door, reply.view)
        if isinstance(reply, Tell):
            return self._tell(door, reply)
        return BoltResponse(status=200)

    def refuse(self, door: Door, because: str, *, heading: str = "Not done") -> BoltResponse:
        """Tell why nothing happened: in the dialog where there is one, else in a sentence."""
        words = because[:1].upper() + because[1:]
        if door.family == payload.SUBMIT:
            block = Values(door.view).block("")
            if block:
                return _json({"response_action": "errors", "errors": {block: shorten(words, 1_000)}})
            return _json({"response_action": "update", "view": info.render(heading, words)})
        return self._tell(door, Tell(untrusted(words, 2_500)))

    def _submitted(self, door: Door, reply: Reply) -> BoltResponse:
        if isinstance(reply, Errors):
            values = Values(door.view)
            fields = {values.block(name): shorten(words, 1_000) for name, words in reply.fields.items()}
            return _json({"response_action": "errors", "errors": fields})
        if isinstance(reply, Close):
            return _json({"response_action": "clear"})
        view = _as_view(reply)
        return _json({"response_action": "update", "view": _sound(view)}) if view else BoltResponse(status=200)

    async def _shown(self, door: Door, view: View) -> BoltResponse:
        """Open a dialog; where Slack takes its time the click is acknowledged before, and a failure is told after."""
        opening = asyncio.get_running_loop().create_task(self._open(door, view))
        self._keep(opening)
        await asyncio.wait({opening}, timeout=HEAD_START)
        if not opening.done():
            self.later(self._opened(door, opening))
            return BoltResponse(status=200)
        try:
            await opening
        except (SlackRefused, Unavailable) as error:  # it is Slack that did not answer, not the record
            _log.warning("a dialog could not be opened: %s", error)
            return self.refuse(door, NOT_OPENED)
        return BoltResponse(status=200)

    async def _opened(self, door: Door, opening: "asyncio.Task[None]") -> None:
        try:
            await opening
        except (Refused, Unavailable) as error:
            _log.warning("a dialog could not be opened: %s", error)
            await self.whisper(door, NOT_OPENED)

    def _tell(self, door: Door, reply: Tell) -> BoltResponse:
        """To one person, at once: neither owed nor remembered."""
        if door.family == payload.COMMAND:
            blocks = list(reply.blocks) or said(reply.text)
            return _json({"response_type": "ephemeral", "text": reply.text, "blocks": blocks})
        self.later(self.whisper(door, reply.text, reply.blocks))
        return BoltResponse(status=200)

    async def whisper(self, door: Door, text: str, blocks: Sequence[Block] = ()) -> None:
        """A sentence for one person where they are looking; where Slack refuses to show it there, a direct message."""
        try:
            await self._beside(door, text, blocks)
        except SlackRefused as refused:
            _log.info("told by direct message: %s", refused)
            channel = await self._client.direct(door.user)
            await self._client.post(channel, text, list(blocks) or said(text), rank=Rank.ANSWER)

    async def _beside(self, door: Door, text: str, blocks: Sequence[Block]) -> None:
        """An ephemeral message; in a dialog or on the Home tab, a dialog."""
        if door.channel and not door.in_view:
            thread = door.thread_ts  # below a message without a thread Slack would show it to nobody
            try:
                await self._client.whisper(door.channel, door.user, text, thread_ts=thread, blocks=blocks)
            except (Refused, Unavailable) as error:
                if not door.response_url:
                    raise
                _log.info("answered by response_url: %s", error)
                await self._client.respond(door.response_url, text, thread_ts=thread)
        elif door.trigger:
            await self._on_top(door, info.told("Tocsin", text))
        elif door.response_url:
            await self._client.respond(door.response_url, text)

    async def _open(self, door: Door, view: View) -> None:
        """Open a dialog while the trigger lives; a view Slack would refuse becomes its reason in words.

        Where nothing can be put on top of the dialog that was clicked in (three stand there, or the trigger is used
        up), it takes that one's place.
        """
        try:
            await self._on_top(door, _sound(view))
        except SlackRefused as refused:
            if not _in_dialog(door):
                raise
            _log.info("shown in place of the dialog that was clicked in: %s", refused)
            await self._client.update_view(str(door.view.get("id")), _sound(view))

    async def _on_top(self, door: Door, view: View) -> None:
        if _in_dialog(door):
            with contextlib.suppress(SlackRefused):
                await self._client.call("views.push", trigger_id=door.trigger, view=view)
                return
        await self._client.open_view(door.trigger, view)

    async def _redraw(self, door: Door, reply: Redraw) -> None:
        """Change the dialog that was clicked in, unless it is another one by now: then draw it as things are."""
        name, known = str(door.view.get("id")), str(door.view.get("hash") or "")
        try:
            await self._client.update_view(name, _sound(await reply.draw()), hash_=known)
        except SlackRefused as refused:
            if refused.code != "hash_conflict":
                raise
            with contextlib.suppress(SlackRefused):  # the person closed it
                await self._client.update_view(name, _sound(await reply.draw()))

    # -- what takes longer -------------------------------------------------------------------------------------------

    async def _slow(self, door: Door, reply: Slow) -> BoltResponse:
        """Wait a little; then say that it goes on, and show what became of it in the same dialog."""
        task: asyncio.Task[Reply] = asyncio.get_running_loop().create_task(reply.work)
        self._keep(task)
        if door.family != payload.SUBMIT:
            self.later(self._told(door, task))
            return BoltResponse(status=200)
        try:
            done = await asyncio.wait_for(asyncio.shield(task), PATIENCE)
        except TimeoutError:
            self.later(self._afterwards(door, task))
            words = "Still working; nothing is recorded yet. You may close this, the thread shows what comes of it."
            return _json({"response_action": "update", "view": info.render(reply.heading, words)})
        return await self.give(door, None if isinstance(done, Tell) else done)  # done in time: the thread shows it

    async def _told(self, door: Door, task: "asyncio.Task[Reply]") -> None:
        """What became of work behind a button: words for who pressed it, nothing where the thread shows it."""
        try:
            done = await task
        except (Refused, NotFound, Invalid) as error:
            done = Tell(untrusted(str(error), 2_500))
        except (Unavailable, Conflict) as error:
            done = Tell(f"Not done: {untrusted(str(error), 500)}. Please try again.")
        except Exception:  # noqa: BLE001 - never a dead click
            _log.exception("work behind a button failed")
            done = Tell(FAILED)
        if isinstance(done, Tell):
            await self.whisper(door, done.text)

    async def _afterwards(self, door: Door, task: "asyncio.Task[Reply]") -> None:
        view: View | None
        try:
            view = _as_view(await task)
        except (Refused, NotFound, Invalid) as error:
            view = info.render("Not done", str(error))
        except (Unavailable, Conflict) as error:
            view = info.render("Not recorded", f"{error}. Please try again.")
        except Exception:  # noqa: BLE001 - the person learns it
            _log.exception("work behind a dialog failed")
            view = info.render("Not done", FAILED)
        with contextlib.suppress(SlackRefused):  # the person closed it
            await self._client.update_view(str(door.view.get("id")), _sound(view or info.render("Done", "Done.")))

    def later(self, work: Coroutine[Any, Any, None]) -> None:
        """Do something after the acknowledgement; its failure is logged, nobody waits for it."""
        self._keep(asyncio.get_running_loop().create_task(_logged(work)))

    def _keep(self, task: "asyncio.Task[Any]") -> None:
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def settle(self) -> None:
        """Wait until nothing runs any more."""
        while self._tasks:
            await asyncio.gather(*self._tasks, return_exceptions=True)

    async def close(self) -> None:
        """Give background work a moment, then end it."""
        if self._tasks:
            await asyncio.wait(self._tasks, timeout=2.0)
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)


def _sound(view: View) -> View:
    """The view where Slack will take it, else its reason in words."""
    faults = validate_view(view)
    if not faults:
        return view
    _log.error("a dialog Slack would refuse: %s", faults[0])
    return info.render("Tocsin", "This dialog cannot be shown here; use the console.")


def _in_dialog(door: Door) -> bool:
    return door.in_view and door.view.get("type") == "modal"


def _as_view(reply: Reply) -> View | None:
    if isinstance(reply, Show):
        return reply.view
    return info.told("Done", reply.text) if isinstance(reply, Tell) else None


def _json(body: dict[str, Any]) -> BoltResponse:
    return BoltResponse(status=200, body=verbatim(body))


async def _logged(work: Coroutine[Any, Any, None]) -> None:
    try:
        await work
    except (Refused, Unavailable, NotFound, Conflict) as error:
        _log.warning("not done after the acknowledgement: %s", error)
    except Exception:  # noqa: BLE001 - nobody waits for it
        _log.exception("failed after the acknowledgement")
