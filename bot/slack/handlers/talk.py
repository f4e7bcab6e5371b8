"""From a message's menu, or by saying so: what somebody said becomes a note, a finding, a follow-up or an incident."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from bot.domain.errors import Conflict, Refused, Unavailable
from bot.domain.followup import AddFollowUp
from bot.domain.saying import KeepNote
from bot.engine.talk import Saying
from bot.slack import saying, verbs
from bot.slack.ids import Ref
from bot.slack.keeping import MENU, PROMISED_FOR, Kept, Kind, keep, promised, standing, wording
from bot.slack.knock import Knock, Reply, Show, Tell
from bot.slack.verbs import Verb
from bot.slack.views import choose, finding, followup

NO_INCIDENT = "No incident is open. Declare one from the message's menu: its first note is then this message."


# -- from a message's menu -------------------------------------------------------------------------------------------


async def timeline(knock: Knock) -> Reply:
    """Into the timeline, at once where the incident is known."""
    said = await message(knock)
    if not knock.ref.incident:
        return await _choose(knock, said, Kind.TIMELINE)
    return Tell((await keep(knock, said, Kind.TIMELINE, sign=MENU + Kind.TIMELINE)).told)


async def as_finding(knock: Knock) -> Reply:
    """The form, its words filled in."""
    said = await message(knock)
    if not knock.ref.incident:
        return await _choose(knock, said, Kind.FINDING)
    situation = await knock.situation()
    if name := standing(situation.incident, said.said, Kind.FINDING):
        return Tell(Kept(situation.incident, name, already=True).told)
    text = await wording(knock.desk, knock.slack, said.text)
    return Show(finding.render(situation, text, link(knock, said), said.said))


async def as_followup(knock: Knock) -> Reply:
    """The form, its words filled in."""
    said = await message(knock)
    if not knock.ref.incident:
        return await _choose(knock, said, Kind.FOLLOWUP)
    situation = await knock.situation()
    if name := standing(situation.incident, said.said, Kind.FOLLOWUP):
        return Tell(Kept(situation.incident, name, already=True).told)
    text = await wording(knock.desk, knock.slack, said.text)
    return Show(followup.render(situation, knock.user, text, said.said))


async def _choose(knock: Knock, said: Saying, kind: Kind) -> Reply:
    """Nobody can tell of which incident it is: ask. What is restricted is shown on the console only."""
    found = [one for one in await knock.desk.open_incidents() if not one.restricted]
    if not found:
        return Tell(NO_INCIDENT)
    text = await wording(knock.desk, knock.slack, said.text)
    return Show(choose.render(found, kind, text, Ref(item=kind, said=said.said)))


async def chosen(knock: Knock) -> Reply:
    """Keep it in the incident they chose."""
    try:
        kind = Kind(knock.ref.item)
    except ValueError:
        raise Refused("this form is from another version of Tocsin; use the message's menu again") from None
    name = knock.values.text("incident")
    incident = await knock.desk.log.load(name)
    if not incident.exists or incident.restricted:
        raise Refused(f"there is no incident {name}")
    said = await _known(knock)
    meant = replace(knock, ref=Ref(name, said=said.said))
    kept = await keep(meant, said, kind, sign=MENU + kind, text=knock.values.text("text"))
    return promised(kept, knock.who) if kind is Kind.FOLLOWUP and not kept.already else Tell(kept.told)


async def filled(knock: Knock, kind: Kind, **given: Any) -> Reply:
    """A form that was opened from a message: keep it as it was filled in; who was slower is told."""
    kept = await keep(knock, await _known(knock), kind, sign=MENU + kind, **given)
    return Tell(kept.told) if kept.already else None


async def first_note(knock: Knock, incident: str) -> str:
    """The message an incident was declared from is its first note; words where it could not be, for it is declared."""
    try:
        said = await _known(knock)
        meant = replace(knock, ref=Ref(incident, said=said.said), inbound=f"{knock.inbound}#note")
        await keep(meant, said, Kind.TIMELINE, sign=MENU + Kind.TIMELINE)
    except (Refused, Unavailable, Conflict):
        return " The message could not be kept: add it to the timeline from its menu."
    return ""


# -- by saying so ----------------------------------------------------------------------------------------------------


async def found(knock: Knock, _verb: Verb) -> Reply:
    """`find …`: the message itself is the finding."""
    await keep(knock, await _mention(knock), Kind.FINDING, sign=MENU + Kind.FINDING)
    return None


async def noted(knock: Knock, verb: Verb) -> Reply:
    """`note …`: the message itself is in the timeline; from a command, its words."""
    if not knock.ts:
        now = knock.desk.clock.now()
        await knock.submit(
            KeepNote(await wording(knock.desk, knock.slack, verb.rest), knock.inbound, knock.who.id, now)
        )
        return None
    await keep(knock, await _mention(knock), Kind.TIMELINE, sign=MENU + Kind.TIMELINE)
    return None


async def followed(knock: Knock, verb: Verb) -> Reply:
    """`follow …`: promised by whom and until when it says, else by who says it and in 14 days."""
    today = knock.desk.clock.now().date()
    promise = verbs.promise(verb.rest, today)
    owner = knock.who
    if promise.owner:
        profile = await knock.desk.people.by_slack(knock.who.slack_team, promise.owner)
        if profile is None:
            raise Refused("the directory does not know this person")
        owner = profile
    due = promise.due or today + PROMISED_FOR
    if not knock.ts:
        await knock.submit(AddFollowUp(await wording(knock.desk, knock.slack, promise.text), owner.id, due))
        return None
    said = await _mention(knock)
    await keep(knock, said, Kind.FOLLOWUP, sign=MENU + Kind.FOLLOWUP, owner=owner.id, due=due)
    return None


async def _mention(knock: Knock) -> Saying:
    """The message that addresses us, written down wherever it was said, so that it is followed."""
    return await knock.desk.talk.keep(saying.read(knock.body, knock.channel, knock.ref.incident, knock.who.id))


# -- which message ---------------------------------------------------------------------------------------------------


async def message(knock: Knock) -> Saying:
    """The message whose menu was used, written down. Raises Refused for one that nobody said."""
    said: Mapping[str, Any] = knock.body.get("message") or {}
    if saying.is_ours(said, knock.slack.known_me):
        raise Refused("Tocsin's own messages are in the timeline already")
    if not saying.is_talk(said) or not knock.channel:
        raise Refused("this is no message that can be kept")
    team = str(said.get("user_team") or said.get("team") or knock.who.slack_team)
    person = None if said.get("bot_id") else await knock.desk.people.by_slack(team, str(said.get("user") or ""))
    read = saying.read(said, knock.channel, knock.ref.incident, person.id if person else "")
    kept = await knock.desk.talk.keep(read)
    if kept.deleted_at is not None:
        raise Refused("this message was deleted")
    return kept


async def _known(knock: Knock) -> Saying:
    """The message a form was opened from."""
    known = await knock.desk.talk.find(*saying.place(knock.ref.said))
    if known is None or known.deleted_at is not None:
        raise Refused("this message is not there any more")
    return known


def link(knock: Knock, said: Saying) -> str:
    """Where the message is."""
    return saying.address(knock.slack.known_me, said.channel, said.ts, said.thread_ts)


CLICKS = {"talk.timeline": timeline, "talk.finding": as_finding, "talk.followup": as_followup}
SUBMITS = {choose.NAME: chosen}
