"""Keeps what somebody said as a note, a finding or a follow-up: once per message, however often it is asked for."""

from dataclasses import dataclass
from datetime import date, timedelta
from enum import StrEnum

from bot.blockkit.blocks import actions, section
from bot.blockkit.text import untrusted
from bot.domain.errors import Refused
from bot.domain.finding import RecordFinding
from bot.domain.followup import AddFollowUp
from bot.domain.incident import Incident
from bot.domain.saying import FINDING, NOTE, FollowSaying, KeepNote, TakeBack
from bot.engine.desk import Desk
from bot.engine.talk import Mark, Saying
from bot.engine.values import Profile
from bot.slack import verbs
from bot.slack.client import Client
from bot.slack.knock import Knock, Tell
from bot.slack.saying import address, plain
from bot.slack.views._words import press

RESPONDER = "responder"
"""The source of what a person found."""
MENU = "menu:"
"""Begins the sign of what was kept from a message's menu, or by saying so."""
PROMISED_FOR = timedelta(days=14)
"""Until when a follow-up is promised that names no date."""


class Kind(StrEnum):
    """What a message is kept as; `ignore` takes it out again."""

    TIMELINE = "timeline"
    FINDING = "finding"
    FOLLOWUP = "followup"
    IGNORE = "ignore"


@dataclass(frozen=True, slots=True)
class Kept:
    """Under which name a message stands (T1, F3, U2), and whether it stood so before."""

    incident: Incident
    name: str
    already: bool

    @property
    def told(self) -> str:
        """A sentence for the person who asked."""
        if self.already:
            return f"This message is {self.name} of {self.incident.id} already."
        where = " in the timeline" if self.name.startswith("T") else ""
        return f"Kept as {self.name}{where} of {self.incident.id}."


def standing(incident: Incident, said: str, kind: Kind) -> str:
    """The name under which a message stands as that; "" where it does not."""
    match kind:
        case Kind.TIMELINE:
            names = [note.id for note in incident.notes if (note.said, note.gone) == (said, None)]
        case Kind.FINDING:
            names = [one.id for one in incident.findings if (one.said, one.gone) == (said, None)]
        case Kind.FOLLOWUP:
            names = [one.id for one in incident.followups.values() if one.said == said]
        case Kind.IGNORE:
            names = []
    return names[0] if names else ""


def stands(incident: Incident, said: str) -> bool:
    """Whether anything was kept of a message that still counts."""
    return any(standing(incident, said, kind) for kind in Kind)


async def wording(desk: Desk, client: Client, text: str) -> str:
    """What a message says in words: names for mentions; of words addressed to Tocsin, those that were to be kept."""
    me = str(client.known_me.get("user_id") or "")
    if me and f"<@{me}>" in text:
        text = _asked(text, me, desk.clock.now().date())
    return await in_words(desk, text)


async def in_words(desk: Desk, text: str) -> str:
    """Slack's notation as anybody can read it: names for mentions, links by label and address."""
    names = {one.slack_user: one.name for one in await desk.people.everyone()} if "<@" in text else {}
    return plain(text, names).strip()


def _asked(text: str, me: str, today: date) -> str:
    verb = verbs.mention(text, me)
    if verb.name not in verbs.KEPT:
        return text
    try:
        return verbs.promise(verb.rest, today).text if verb.name == "follow" else verb.rest
    except Refused:  # its date became none
        return verb.rest


async def keep(
    knock: Knock,
    saying: Saying,
    kind: Kind,
    *,
    sign: str = "",
    text: str = "",
    link: str = "",
    owner: str = "",
    due: date | None = None,
    why: str = "",
) -> Kept:
    """Keep a message for whoever knocks, in the incident meant. Raises Refused, Unavailable, Conflict.

    `sign` is how they said so (an emoji's mark is written by whoever heard it); text, link, owner, due and why are as
    somebody filled them in, else they follow from the message and the person.
    """
    desk, said, who = knock.desk, saying.said, knock.who
    before = standing(await desk.log.load(knock.ref.incident), said, kind)
    if sign:
        await desk.talk.mark(Mark(saying.channel, saying.ts, who.id, sign, stands=True, at=desk.clock.now()))
    text = text or await wording(desk, knock.slack, saying.text)
    here = address(knock.slack.known_me, saying.channel, saying.ts, saying.thread_ts)
    if kind is Kind.FOLLOWUP:
        until = due or desk.clock.now().date() + PROMISED_FOR
        after = await knock.submit(AddFollowUp(text, owner or who.id, until, why, said))
    elif kind is Kind.FINDING:
        seen = min(saying.at, desk.clock.now())
        after = await knock.submit(RecordFinding(text, RESPONDER, link=link or here, seen=seen, said=said))
    else:
        after = await knock.submit(KeepNote(text, said, saying.author, saying.at, here))
    if saying.incident != after.id:
        await desk.talk.belongs(saying.channel, saying.ts, after.id)
    after = await _caught_up(knock, saying) or after
    name = standing(after, said, kind) or _same_words(after, text, kind)
    return Kept(after, name, already=bool(before) or not standing(after, said, kind))


async def take_back(knock: Knock, said: str, kind: Kind) -> Incident:
    """Take out what was kept of a message as that kind; as `ignore`, its note and its finding."""
    what = {Kind.TIMELINE: NOTE, Kind.FINDING: FINDING}.get(kind, "")
    return await knock.submit(TakeBack(said, what))


async def follow(desk: Desk, client: Client, saying: Saying, *, inbound: str = "") -> Incident | None:
    """Let what was kept of a message read as the message does now; None where nothing is kept of it."""
    mine = await desk.log.load(saying.incident)
    incidents = [mine]
    if mine.restricted:  # whoever may not know of it keeps the message in another incident
        incidents += [one for one in await desk.open_incidents() if one.id != mine.id]
    after = None
    for one in incidents:
        if stands(one, saying.said):
            text = None if saying.deleted_at is not None else await wording(desk, client, saying.text)
            key = f"{inbound}#{one.id}" if inbound and one is not mine else inbound
            after = await desk.submit(one.id, FollowSaying(saying.said, text), inbound=key)
    return after


async def _caught_up(knock: Knock, saying: Saying) -> Incident | None:
    """Its author may have edited or deleted it while it was being kept."""
    now = await knock.desk.talk.find(saying.channel, saying.ts)
    if now is None or (now.text, now.deleted_at) == (saying.text, saying.deleted_at):
        return None
    return await follow(knock.desk, knock.slack, now)


def _same_words(incident: Incident, text: str, kind: Kind) -> str:
    """Where the same words stand already, from another message."""
    if kind is Kind.FINDING:
        return next((f.id for f in incident.findings if (f.text, f.source, f.gone) == (text, RESPONDER, None)), "")
    return next((u.id for u in incident.followups.values() if u.text == text), "") if kind is Kind.FOLLOWUP else ""


def promised(kept: Kept, who: Profile) -> Tell:
    """What the person reads who promised something in passing, with the way to change it."""
    incident, name = kept.incident, kept.name
    item = incident.followups.get(name)
    if item is None or item.owner != who.id:
        return Tell(kept.told)
    words = f"*{name}* of {incident.id} is yours until {item.due.isoformat()}: {untrusted(item.text, 500)}"
    return Tell(words, (section(words), actions(press("Change", "followup.change", incident.id, name))))
