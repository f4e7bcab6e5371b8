"""What people type does the same as what they click: mentions in threads and the slash command."""

import logging
import re
from collections.abc import Awaitable, Callable, Collection
from dataclasses import replace

from bot.blockkit.blocks import section
from bot.blockkit.text import untrusted
from bot.domain.checks import resolve_checks
from bot.domain.errors import NotFound, Refused, Unavailable
from bot.domain.finding import RecordFinding
from bot.domain.five_whys import AddWhy
from bot.domain.hold import PlaceHold, ReleaseHold
from bot.domain.incident import Incident
from bot.domain.lengths import length
from bot.domain.lifecycle import ChangeSeverity, Resolve, Update
from bot.domain.paging import AskFor
from bot.domain.phase import RESPONDERS, Phase
from bot.domain.policy import Severity
from bot.domain.promotion import Promote
from bot.domain.room import OpenRoom
from bot.domain.runbook import CompleteStep
from bot.domain.saying import TakeOut
from bot.engine.desk import Desk
from bot.engine.situation import Situation
from bot.slack import verbs
from bot.slack.audience import shown
from bot.slack.handlers import cover, declare, group, lead, oncall, quiet, talk
from bot.slack.keeping import RESPONDER, in_words
from bot.slack.knock import Knock, Reply, Tell
from bot.slack.verbs import Verb
from bot.slack.views import card, home
from bot.slack.views.step import answers

_log = logging.getLogger(__name__)
LISTED = 15


async def said(knock: Knock, verb: Verb) -> Reply:
    """A verb about one incident; None where it was done. What changed nothing is never called done."""
    deed = _VERBS.get(verb.name)
    if deed is None:
        return Tell("\n".join([await _unknown(knock, verb), verbs.HELP_THREAD]))
    log, name = knock.desk.log, knock.ref.incident
    again = bool(knock.inbound) and await log.seen(knock.inbound)  # delivered again: done by the first delivery
    before = await log.load(name)
    reply = await deed(knock, verb)
    kept = bool(knock.ts) and verb.name in verbs.KEPT  # the message itself stands, whoever kept it first
    if reply is not None or again or kept:
        return reply
    try:
        new = [entry for entry in await log.entries(name) if entry.seq > before.seq]
        unchanged = not any(entry.by == knock.who.id for entry in new)
        return Tell(_unchanged(verb, await log.load(name))) if unchanged else None
    except Unavailable as away:
        _log.info("whether %s changed %s is not known: %s", verb.name, name, away)
        return None


def _unchanged(verb: Verb, incident: Incident) -> str:  # noqa: C901 - one sentence per verb
    """Why a verb that was understood changed nothing."""
    match verb.name:
        case "ack":
            return f"You have {incident.id} already."
        case "sev":
            return f"{incident.id} is {incident.severity} already."
        case "lead":
            return f"{incident.id} has that lead already."
        case "room":
            return f"{incident.id} has a war room already."
        case "page":
            return "They were paged less than two minutes ago; so soon nobody is paged again."
        case "retract":
            return f"{_which(verb)} was taken back already."
        case "hold":
            return f"{incident.id} is held for that reason already."
        case "release":
            return f"There is no legal hold on {incident.id}."
        case "promote":
            return f"{incident.id} has a card of its own already."
        case "resolve" if incident.phase is Phase.RESOLVED:
            return f"{incident.id} is resolved already; `close` files it away."
        case "resolve" | "close":
            return f"{incident.id} is {incident.phase} already."
        case _:
            return f"Nothing changed: {incident.id} says so already."


async def _unknown(knock: Knock, verb: Verb) -> str:
    word = next(iter((await in_words(knock.desk, verb.rest)).split()), "")
    return f"I do not know “{untrusted(word, 60)}”."


async def _ack(knock: Knock, _verb: Verb) -> Reply:
    return await lead.acknowledge(knock)


async def _next(knock: Knock, verb: Verb) -> Reply:
    incident = await knock.desk.log.load(knock.ref.incident)
    step = incident.run.step if incident.run else None
    if step is None:
        raise Refused("no runbook step is live; start one with the button on the card")
    choices = answers(step)
    words = await in_words(knock.desk, verb.rest)
    first, _, note = words.partition(" ")
    value = next((v for v, label in choices if first.casefold() in (v.casefold(), label.casefold())), "")
    if not value and len(choices) == 1:
        value, note = choices[0][0], words
    if not value:
        raise Refused(f"{step.title}: say `next` and one of {', '.join(v for v, _label in choices)}")
    await knock.submit(CompleteStep(step.id, value, note))
    return None


async def _find(knock: Knock, verb: Verb) -> Reply:
    if knock.ts:
        return await talk.found(knock, verb)
    await knock.submit(RecordFinding(await in_words(knock.desk, verb.rest), RESPONDER))
    return None


async def _room(knock: Knock, _verb: Verb) -> Reply:
    await knock.submit(OpenRoom())
    return None


async def _page(knock: Knock, verb: Verb) -> Reply:
    """A person by mention, or whoever is on call for a service; the words after that are why."""
    words = verb.rest.strip()
    if verb.people and words.startswith("<@"):
        other = await knock.desk.people.by_slack(knock.who.slack_team, verb.people[0])
        if other is None:
            raise Refused("the directory does not know this person")
        wanted, because = other.id, words.partition(">")[2].strip()
    else:
        service, _, because = words.partition(" ")
        if service not in knock.desk.catalogue.services:
            there_is = ", ".join(sorted(knock.desk.catalogue.services)[:20])
            raise Refused(f"say whom to page: mention a person, or name a service, of which there is {there_is}")
        on_call = await knock.desk.on_call(service)
        if not on_call:
            raise Refused(f"nobody is on call for {service}")
        wanted = on_call[0]
    await knock.submit(AskFor(wanted, await in_words(knock.desk, because)))
    return None


def _which(verb: Verb) -> str:
    """The name of a note or a finding as it stands, T1 or F2, however it was typed."""
    return next(iter(verb.rest.split()), "").rstrip(":,.").upper()


async def _retract(knock: Knock, verb: Verb) -> Reply:
    """`retract F2 the query was wrong`: what was kept from no message has no message to take the sign from."""
    name = _which(verb)
    if not name:
        raise Refused("say which: retract F2, or retract T1")
    _name, *because = (await in_words(knock.desk, verb.rest)).split(maxsplit=1)
    await knock.submit(TakeOut(name, "".join(because)))
    return None


async def _snooze(knock: Knock, _verb: Verb) -> Reply:
    return await quiet.snooze(knock)


async def _sev(knock: Knock, verb: Verb) -> Reply:
    found = re.match(
        r"(?i)(?:sev)?([1-4])\b[\s:,-]*(?:because\b\s*)?(.*)", await in_words(knock.desk, verb.rest), re.DOTALL
    )
    if found is None:
        raise Refused("say the severity and why: sev 1 all of Europe is affected")
    await knock.submit(ChangeSeverity(Severity(int(found[1])), found[2]))
    return None


async def _lead(knock: Knock, verb: Verb) -> Reply:
    person = knock.who
    if verb.people:
        other = await knock.desk.people.by_slack(knock.who.slack_team, verb.people[0])
        if other is None:
            raise Refused("the directory does not know this person")
        person = other
    elif verb.rest.strip() and verb.rest.strip().casefold() != "me":
        raise Refused("mention the person who leads, or nobody to lead yourself")
    return await lead.given(knock, person)


async def _update(knock: Knock, verb: Verb) -> Reply:
    """`update next 30m: text` also says when everybody hears again."""
    words = await in_words(knock.desk, verb.rest)
    found = re.match(r"(?is)next\s+(\d+\s*[a-z]+|never|none)\s*:\s*(.*)", words)
    await knock.submit(Update(found[2], length(found[1])) if found else Update(words))
    return None


async def _why(knock: Knock, verb: Verb) -> Reply:
    incident = await knock.desk.log.load(knock.ref.incident)
    parent = next((why.id for why in reversed(list(incident.whys.values())) if not why.root), "")
    await knock.submit(AddWhy(await in_words(knock.desk, verb.rest), parent))
    return None


async def _resolve(knock: Knock, verb: Verb) -> Reply:
    """What is still open takes a reason each, for which there is a form."""
    knock.desk.handler.policy.require(knock.who.person, RESPONDERS, "resolve an incident")
    incident = await knock.desk.log.load(knock.ref.incident)
    bare = [check.what for check in resolve_checks(incident) if check.open]
    if incident.is_open and bare:
        raise Refused(f"not yet: {'; '.join(bare)}. Press Resolve on the card to say why it is over all the same")
    await knock.submit(Resolve(await in_words(knock.desk, verb.rest)))
    return None


async def _hold(knock: Knock, verb: Verb) -> Reply:
    await knock.submit(PlaceHold(await in_words(knock.desk, verb.rest)))
    return None


async def _release(knock: Knock, verb: Verb) -> Reply:
    await knock.submit(ReleaseHold(await in_words(knock.desk, verb.rest)))
    return None


async def _close(knock: Knock, _verb: Verb) -> Reply:
    return await lead.close(knock)


async def _merge(knock: Knock, verb: Verb) -> Reply:
    return await group.merged_typed(knock, await in_words(knock.desk, verb.rest))


async def _promote(knock: Knock, verb: Verb) -> Reply:
    await knock.submit(Promote(await in_words(knock.desk, verb.rest)))
    return None


async def _oncall(knock: Knock, verb: Verb) -> Reply:
    return await oncall.told(knock, verb.rest)


async def _show(knock: Knock, _verb: Verb) -> Reply:
    message = card.render(await knock.situation(), charts=False)
    return Tell(message.text, tuple(message.blocks))


async def _help(_knock: Knock, _verb: Verb) -> Reply:
    return Tell(verbs.HELP_THREAD)


_VERBS: dict[str, Callable[[Knock, Verb], Awaitable[Reply]]] = {
    "ack": _ack, "next": _next, "find": _find, "sev": _sev, "lead": _lead, "update": _update, "why": _why,
    "resolve": _resolve, "close": _close, "show": _show, "help": _help, "note": talk.noted, "follow": talk.followed,
    "room": _room, "page": _page, "snooze": _snooze, "retract": _retract, "hold": _hold, "release": _release,
    "merge": _merge, "promote": _promote, "oncall": _oncall,
}  # fmt: skip


# -- the slash command -----------------------------------------------------------------------------------------------


async def slash(knock: Knock, verb: Verb) -> Reply:
    """A command that names no incident."""
    match verb.name:
        case "declare":
            return await declare.opened(replace(knock, text=await in_words(knock.desk, verb.rest)))
        case "list":
            return await _list(knock)
        case "oncall":
            return await oncall.told(knock, verb.rest.strip())
        case "cover":
            return await cover.typed(knock, verb.rest.strip())
        case "page":
            return Tell("For which incident? Say `/incident INC-7 page …`, or page in its thread.")
        case "approve" if verb.rest.strip():
            return await _named(knock, verb.rest.strip().split()[0].upper())
        case "approve":
            return await _queue(knock, "approve")
        case "legal":
            return await _queue(knock, "legal")
        case "" if verb.rest.strip():
            return Tell("\n".join([await _unknown(knock, verb), verbs.HELP_ROOM, verbs.HELP_THREAD]))
        case _:
            return Tell(f"{verbs.HELP_ROOM}\n{verbs.HELP_THREAD}")


async def _list(knock: Knock) -> Reply:
    found = [one for one in await knock.desk.open_incidents() if one.is_open]
    seen = [one for one in found if await shown(knock.desk, one, (knock.who.id,))]
    if not seen:
        return Tell("No incident is open.")
    lines = [home.line(one, knock.desk.catalogue.web_url) for one in reversed(seen[-LISTED:])]
    left = len(seen) - len(lines)
    return Tell("\n".join([*lines, *([f"… and {left} more"] if left else [])]))


async def _named(knock: Knock, name: str) -> Reply:
    """Of what waits for this person, what was named: M1, or N2."""
    situations = await open_situations(knock.desk, (knock.who.id,))
    items = home.waiting(situations, knock.who.person, knock.desk.catalogue.policy)
    chosen = [one for one in items if one.item == name]
    if not chosen:
        there_is = ", ".join(f"{one.item} of {one.incident}" for one in items if one.item) or "nothing"
        raise Refused(f"no {untrusted(name, 40)} waits for you; there is {there_is}")
    return Tell(f"{len(chosen)} waiting for you", (section("*Waiting for you*"), *home.queue(chosen)))


async def _queue(knock: Knock, which: str) -> Reply:
    situations = await open_situations(knock.desk, (knock.who.id,))
    items = home.waiting(situations, knock.who.person, knock.desk.catalogue.policy)
    legal = [one for one in items if one.deed == "notice.open"]
    chosen = legal if which == "legal" else items
    if not chosen:
        return Tell("Nothing waits for you.")
    return Tell(f"{len(chosen)} waiting for you", (section("*Waiting for you*"), *home.queue(chosen)))


async def open_situations(desk: Desk, viewers: Collection[str], most: int = 50) -> list[Situation]:
    """Everything that is not closed and one of these people may see, newest first."""
    found: list[Situation] = []
    for one in list(reversed(await desk.open_incidents()))[:most]:
        if not await shown(desk, one, viewers):
            continue
        try:
            found.append(await desk.situation(one.id))
        except NotFound:
            continue
    return found
