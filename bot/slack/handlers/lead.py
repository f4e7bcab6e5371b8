"""Taking an incident: acknowledge, lead, close, re-open."""

import asyncio
import logging

from bot.blockkit.text import untrusted
from bot.domain.errors import Refused, Unavailable
from bot.domain.lifecycle import Close, Reopen
from bot.domain.paging import Acknowledge
from bot.domain.roles import Assign, Part, PartAssigned
from bot.engine.values import Profile
from bot.slack.knock import Knock, Reply, Show, Tell
from bot.slack.views import reason

_log = logging.getLogger(__name__)
PATIENCE = 0.5
"""Seconds an answer waits until somebody else is told."""


async def acknowledge(knock: Knock) -> Reply:
    """The page stops; who presses second is told who was first."""
    after = await knock.submit(Acknowledge())
    if not after.unclaimed and after.acknowledged_by != knock.who.id:
        first = await knock.desk.people.by_id(after.acknowledged_by)
        return Tell(f"{untrusted(first.name, 80) if first else 'Somebody'} acknowledged {after.id} already.")
    return None


async def lead(knock: Knock) -> Reply:
    """The person leads from now on."""
    return await given(knock, knock.who)


async def given(knock: Knock, person: Profile) -> Reply:
    """A person leads from now on; they, and whoever led before, are told by whoever else did it."""
    log, name = knock.desk.log, knock.ref.incident
    before = await log.load(name)
    after = await knock.submit(Assign(Part.COMMANDER, person.id))
    if after.seq == before.seq:
        return Tell(f"{_subject(knock, person)} {name} already.")
    handed = [one.event.person for one in await log.entries(name)
              if isinstance(one.event, PartAssigned) and one.event.part is Part.COMMANDER]  # fmt: skip
    former = next((one for one in reversed(handed) if one != person.id), "")
    known = await knock.desk.people.by_id(former) if former else None
    instead = f" instead of {untrusted(known.name, 80)}" if known is not None else ""
    by = "" if person.id == knock.who.id else f", says {untrusted(knock.who.name, 80)}"
    if person.id != knock.who.id:
        await _tell(knock, person, f"You lead {name} now{instead}{by}.")
    if known is not None and known.id != knock.who.id:
        await _tell(knock, known, f"{untrusted(person.name, 80)} leads {name} now instead of you{by}.")
    return Tell(f"You lead {name} now{instead}.") if instead and person.id == knock.who.id else None


def _subject(knock: Knock, person: Profile) -> str:
    return "You lead" if person.id == knock.who.id else f"{untrusted(person.name, 80)} leads"


async def _tell(knock: Knock, person: Profile, words: str) -> None:
    """For this person alone, where it happened; the card says it to everybody, so that nothing fails for it."""
    if not person.slack_user or not knock.channel:
        return
    try:
        async with asyncio.timeout(PATIENCE):
            await knock.slack.whisper(knock.channel, person.slack_user, words, thread_ts=knock.thread_ts)
    except (Refused, Unavailable, TimeoutError) as error:
        _log.info("%s was not told who leads %s: %s", person.id, knock.ref.incident, error)


async def close(knock: Knock) -> Reply:
    """Filed away."""
    await knock.submit(Close())
    return None


async def reopen_open(knock: Knock) -> Reply:
    """Ask why."""
    return Show(reason.render("reopen", await knock.situation()))


async def reopen(knock: Knock) -> Reply:
    """It came back."""
    await knock.submit(Reopen(knock.values.text("reason")))
    return None


CLICKS = {"ack": acknowledge, "lead": lead, "close": close, "reopen.open": reopen_open}
SUBMITS = {"reopen": reopen}
