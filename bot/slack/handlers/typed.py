"""What people type does the same as what they click: mentions in threads and the slash command."""

import re
from collections.abc import Awaitable, Callable, Collection
from dataclasses import replace

from bot.blockkit.blocks import section
from bot.blockkit.text import untrusted
from bot.domain.errors import NotFound, Refused
from bot.domain.finding import RecordFinding
from bot.domain.five_whys import AddWhy
from bot.domain.lengths import length
from bot.domain.lifecycle import ChangeSeverity, Resolve, Update
from bot.domain.paging import Acknowledge, AskFor
from bot.domain.policy import Severity
from bot.domain.room import OpenRoom
from bot.domain.runbook import CompleteStep
from bot.engine.desk import Desk
from bot.engine.situation import Situation
from bot.slack import verbs
from bot.slack.audience import shown
from bot.slack.handlers import declare, lead, oncall, quiet, talk
from bot.slack.keeping import RESPONDER
from bot.slack.knock import Knock, Reply, Tell
from bot.slack.verbs import Verb
from bot.slack.views import card, home
from bot.slack.views.step import answers

LISTED = 15


async def said(knock: Knock, verb: Verb) -> Reply:
    """A verb about one incident; None where it was done."""
    deed = _VERBS.get(verb.name)
    if deed is None:
        return Tell(verbs.HELP_THREAD)
    rest = verbs.unescape(verb.rest)
    return await deed(knock, replace(verb, rest=rest))


async def _ack(knock: Knock, _verb: Verb) -> Reply:
    await knock.submit(Acknowledge())
    return None


async def _next(knock: Knock, verb: Verb) -> Reply:
    incident = await knock.desk.log.load(knock.ref.incident)
    step = incident.run.step if incident.run else None
    if step is None:
        raise Refused("no runbook step is live; start one with the button on the card")
    choices = answers(step)
    first, _, note = verb.rest.partition(" ")
    value = next((v for v, label in choices if first.casefold() in (v.casefold(), label.casefold())), "")
    if not value and len(choices) == 1:
        value, note = choices[0][0], verb.rest
    if not value:
        raise Refused(f"{step.title}: say `next` and one of {', '.join(v for v, _label in choices)}")
    await knock.submit(CompleteStep(step.id, value, note))
    return None


async def _find(knock: Knock, verb: Verb) -> Reply:
    if knock.ts:
        return await talk.found(knock, verb)
    await knock.submit(RecordFinding(verb.rest, RESPONDER))
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
    await knock.submit(AskFor(wanted, because))
    return None


async def _snooze(knock: Knock, _verb: Verb) -> Reply:
    return await quiet.snooze(knock)


async def _sev(knock: Knock, verb: Verb) -> Reply:
    found = re.match(r"(?i)(?:sev)?([1-4])\b[\s:,-]*(?:because\b\s*)?(.*)", verb.rest, re.DOTALL)
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
    found = re.match(r"(?is)next\s+(\d+\s*[a-z]+|never|none)\s*:\s*(.*)", verb.rest)
    await knock.submit(Update(found[2], length(found[1])) if found else Update(verb.rest))
    return None


async def _why(knock: Knock, verb: Verb) -> Reply:
    incident = await knock.desk.log.load(knock.ref.incident)
    parent = next((why.id for why in reversed(list(incident.whys.values())) if not why.root), "")
    await knock.submit(AddWhy(verb.rest, parent))
    return None


async def _resolve(knock: Knock, verb: Verb) -> Reply:
    await knock.submit(Resolve(verb.rest))
    return None


async def _show(knock: Knock, _verb: Verb) -> Reply:
    message = card.render(await knock.situation(), charts=False)
    return Tell(message.text, tuple(message.blocks))


async def _help(_knock: Knock, _verb: Verb) -> Reply:
    return Tell(verbs.HELP_THREAD)


_VERBS: dict[str, Callable[[Knock, Verb], Awaitable[Reply]]] = {
    "ack": _ack, "next": _next, "find": _find, "sev": _sev, "lead": _lead, "update": _update, "why": _why,
    "resolve": _resolve, "show": _show, "help": _help, "note": talk.noted, "follow": talk.followed, "room": _room,
    "page": _page, "snooze": _snooze,
}  # fmt: skip


# -- the slash command -----------------------------------------------------------------------------------------------


async def slash(knock: Knock, verb: Verb) -> Reply:
    """A command that names no incident."""
    match verb.name:
        case "declare":
            return await declare.opened(replace(knock, text=verbs.unescape(verb.rest)))
        case "list":
            return await _list(knock)
        case "oncall":
            return await oncall.told(knock, verb.rest.strip())
        case "page":
            return Tell("For which incident? Say `/incident INC-7 page …`, or page in its thread.")
        case "approve" if verb.rest.strip():
            return await _named(knock, verb.rest.strip().split()[0].upper())
        case "approve":
            return await _queue(knock, "approve")
        case "legal":
            return await _queue(knock, "legal")
        case "" if verb.rest.strip():
            word = untrusted(verbs.unescape(verb.rest.split()[0]), 60)
            return Tell(f"I do not know “{word}”.\n{verbs.HELP_ROOM}\n{verbs.HELP_THREAD}")
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
