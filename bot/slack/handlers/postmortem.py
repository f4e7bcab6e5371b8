"""The draft of the post-mortem as a file in the thread; where files may not be sent, where to read it."""

import asyncio
from weakref import WeakValueDictionary

from bot.slack.client import SlackRefused
from bot.slack.files import share
from bot.slack.knock import Handler, Knock, Reply, Slow, Tell
from bot.slack.views._words import console

_turns: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()
THERE = "The draft as of now is in the thread already."


async def asked(knock: Knock) -> Reply:
    """Filling and sending it takes longer than a click may wait."""
    return Slow(_share(knock), "Post-mortem draft")


async def _share(knock: Knock) -> Reply:
    """One file in each place for each state of the record, whoever asks and however often."""
    name = knock.ref.incident
    turn = _turns.setdefault(name, asyncio.Lock())
    async with turn:
        situation = await knock.situation()
        thread = knock.thread_ts or knock.ts
        mark = f"slack:postmortem:{name}:{situation.incident.seq}:{knock.channel}:{thread}"
        if await knock.desk.log.seen(mark):
            return Tell(THERE)
        text = await knock.desk.postmortem(name)
        page = console(situation, "Read it on the console", "postmortem")
        try:
            words = f"{name}: post-mortem draft, read off the record as it stands now."
            await share(knock.slack, knock.channel, thread, f"{name}-postmortem.md", text.encode(), words)
        except SlackRefused as refused:
            where = page or f"`tocsin incident postmortem {name}` prints it."
            return Tell(f"The draft cannot be sent here ({refused.code}). {where}")
        await knock.desk.log.remember(mark, name)
        return None


CLICKS: dict[str, Handler] = {"postmortem": asked}
SUBMITS: dict[str, Handler] = {}
