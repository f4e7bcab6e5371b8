"""The Home tab: what waits for this person, their incidents, and what they promised to change."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date

from bot.blockkit.blocks import Block, View, actions, context, divider, header, section, untrusted
from bot.blockkit.blocks import home as tab
from bot.domain.execution import in_doubt
from bot.domain.incident import Incident
from bot.domain.named import named
from bot.domain.phase import Phase
from bot.domain.policy import Person, Policy, Role
from bot.engine.situation import Situation
from bot.engine.waits import RANKS, Kind, Wait, waits
from bot.slack.views import question
from bot.slack.views._words import PHASES, at, brief, bulleted, console, leading, press, title
from bot.slack.views.followup import changing, kept

ITEMS = 12
ASKED = 2
"""So many questions of one incident stand there at a time."""
CALM = "Nothing waits for you. When something does, it stands here with its button."
SILENT = "The record does not answer right now. What waits for you stands here as soon as it does."
UNKNOWN = "Tocsin does not know you here. Ask an administrator to add you to people.yaml."
NONE_OF_MINE = "You are in no open incident."


@dataclass(frozen=True, slots=True)
class Waiting:
    """One thing that waits for a person: in words, and the button that takes them there; no label is no button."""

    words: str
    label: str
    deed: str
    incident: str
    item: str = ""


@dataclass(frozen=True, slots=True)
class Shift:
    """Who is on call for a service, first one first: (id, Slack user, name) of each."""

    service: str
    people: tuple[tuple[str, str, str], ...] = ()


def may_see(incident: Incident, person: str, on_call: Sequence[str] = ()) -> bool:
    """A restricted incident is shown only to the people it names."""
    return not incident.restricted or person in named(incident) or person in on_call


def waiting(situations: Sequence[Situation], who: Person, policy: Policy) -> list[Waiting]:
    """Everything that waits for this person, page first, then approvals, notices and steps."""
    found: list[tuple[int, Waiting]] = []
    for situation in situations:
        if not may_see(situation.incident, who.id, situation.on_call):
            continue
        items = _waiting(situation, who, policy)
        if situation.incident.restricted:
            items = [(rank, _veiled(situation, item)) for rank, item in items]
        found += items
    return [item for _rank, item in sorted(found, key=lambda pair: pair[0])]


def _veiled(situation: Situation, item: Waiting) -> Waiting:
    """Of a restricted incident only that it waits; whoever it concerns may acknowledge here, all else is done there."""
    incident, way = situation.incident, console(situation)
    if item.deed == "ack":
        words = f"*{brief(incident)}* is restricted and waits for you since {at(incident.onset)}. {way}"
        return replace(item, words=words.strip())
    thing = "a question" if item.deed == question.OPEN else item.item or "something"  # its name tells what it is about
    words = f"*{brief(incident)}* is restricted: {thing} waits for you on the console. {way}"
    return replace(item, words=words.strip(), label="")


def _waiting(situation: Situation, who: Person, policy: Policy) -> list[tuple[int, Waiting]]:
    """What waits in one incident, each with its rank."""
    incident = situation.incident
    what = f"*{brief(incident)}* {title(incident, 80)}"
    found = [(RANKS[Kind.UPDATE], item) for item in _questions(situation, who, what)]
    for wait in waits(incident, who, situation.on_call, policy, situation.now):
        words, label, deed = _worded(wait, what)
        item = wait.item if wait.kind is not Kind.STEP else ""
        found.append((wait.rank, Waiting(words, label, deed, incident.id, item)))
    return found


def _worded(wait: Wait, what: str) -> tuple[str, str, str]:
    """In words, with the label of its button and what it does."""
    incident, until = wait.incident, f", due {at(wait.at)}" if wait.at else ""
    match wait.kind:
        case Kind.UNACKNOWLEDGED:
            return f"{what} waits for you since {at(wait.at)}", "Acknowledge", "ack"
        case Kind.SIGNATURE:
            return f"{what}: notice {wait.item} waits for approval{until}", "Review", "notice.open"
        case Kind.FILING:
            return f"{what}: notice {wait.item} is approved and not sent{until}", "Record filing", "notice.open"
        case Kind.STATEMENT:
            return f"{what}: {wait.item} for the status page waits for approval, on the console", "", ""
        case Kind.PUBLISHING:
            return f"{what}: {wait.item} for the status page is approved and not published", "", ""
        case Kind.STEP:
            step = incident.run.step if incident.run else None
            titled = untrusted(step.title if step else "", 80)
            return f"{what}: step {wait.item}, {titled}, since {at(wait.at)}", "Continue", "runbook.open"
        case Kind.LATE_UPDATE:
            return f"{what}: ⚠ update overdue since {at(wait.at)}", "Post update", "update.open"
        case Kind.UPDATE:
            return f"{what}: next update due {at(wait.at)}", "Post update", "update.open"
        case _:
            return _change(wait, what)


def _change(wait: Wait, what: str) -> tuple[str, str, str]:
    m = wait.incident.mitigations[wait.item]
    words = f"{what}: {m.id} {untrusted(f'{m.plan.means} on {m.plan.target}', 80)}"
    if wait.kind is Kind.APPROVAL:
        so_far = f", {len(m.approvers)} of {m.needs} approved" if m.needs > 1 else ""
        return f"{words}{so_far}, until {at(m.expires_at)}", "Review & approve", "approve.open"
    if wait.kind is Kind.DOUBT:
        return f"{words}: nobody can tell whether {in_doubt(m)}", "Settle by hand", "settle.open"
    return f"{words} was done by one person alone", "Review", "review.open"


def _questions(situation: Situation, who: Person, what: str) -> list[Waiting]:
    """What the law asks of managers, and of counsel; responders read theirs in the thread."""
    incident, found = situation.incident, []
    for role, asks in ((Role.MANAGER, question.MANAGER), (Role.COUNSEL, question.COUNSEL)):
        asked = question.asked(situation, asks) if role in who.roles and incident.phase is not Phase.CLOSED else []
        for one in asked[:ASKED]:
            words = f"{what}: {question.words(one)}"
            found.append(Waiting(words, "Answer", question.OPEN, incident.id, one.fact.key))
    return found


def queue(items: Sequence[Waiting]) -> list[Block]:
    """What waits, each with its button."""
    if not items:
        return [section("Nothing waits for you.")]
    blocks = [_queued(one) for one in items[:ITEMS]]
    left = len(items) - len(blocks)
    return [*blocks, context(f"… and {left} more on the console")] if left else blocks


def _queued(one: Waiting) -> Block:
    way = press(one.label, one.deed, one.incident, one.item) if one.label else None
    return section(one.words, accessory=way)


def line(incident: Incident, web_url: str = "") -> str:
    """One incident in a list, in mrkdwn; of a restricted one the way to the console in place of what it is."""
    what = title(incident, 100)
    if incident.restricted:
        what = f"is restricted. {leading(web_url, incident.id, 'Open in the console')}".strip()
    return f"*{brief(incident)}* {what} · {PHASES[incident.phase]} · since {at(incident.onset)}"


def render(
    situations: Sequence[Situation],
    who: Person,
    policy: Policy,
    shifts: Sequence[Shift] = (),
    promised: Sequence[Incident] = (),
    today: date | None = None,
    own: Sequence[Block] = (),
) -> View:
    """The Home tab of a known person: what waits, their incidents, who is on call, and what they promised.

    `promised` are the incidents with open follow-ups of theirs, closed ones too; `own` is about their own shifts.
    """
    items = waiting(situations, who, policy)
    blocks: list[Block] = [header("Waiting for you"), *(queue(items) if items else [section(CALM)]), divider()]
    seen = [s for s in situations if s.incident.is_open and may_see(s.incident, who.id, s.on_call)]
    mine = [line(s.incident, s.web_url) for s in seen if who.id in named(s.incident)]
    blocks += [header("Your incidents"), section(bulleted(mine, 10, 2_900) or NONE_OF_MINE)]
    others = [line(s.incident, s.web_url) for s in seen if who.id not in named(s.incident)]
    if others:
        blocks += [header("Other open incidents"), section(bulleted(others, 10, 2_900))]
    blocks += [divider(), *own] if own else []
    if shifts:
        blocks += [divider(), header("On call"), section(_on_call(shifts, who))]
    blocks += [divider(), header("Your follow-ups"), *_followups(promised, who, today), divider()]
    blocks.append(actions(press("Declare incident", "declare.open", "")))
    return tab(blocks, callback_id="home")


def _on_call(shifts: Sequence[Shift], who: Person) -> str:
    """Now and next for each service, one's own first."""
    mine = sorted(shifts, key=lambda shift: not any(one == who.id for one, _user, _name in shift.people))
    return bulleted([_shift(shift) for shift in mine], 15, 2_900)


def _shift(shift: Shift) -> str:
    who = [f"<@{user}>" if user.replace("_", "").isalnum() else untrusted(name, 80) for _id, user, name in shift.people]
    what = f"*{untrusted(shift.service, 80)}*"
    if not who:
        return f"{what}: ⚠ nobody is on call"
    return f"{what}: {who[0]} now" + (f", then {', '.join(who[1:4])}" if who[1:] else "")


def _followups(promised: Sequence[Incident], who: Person, today: date | None) -> list[Block]:
    """What is due first comes first; of a restricted incident no content and no button."""
    found = [(item.due, one, item) for one in promised for item in one.followups.values()
             if item.owner == who.id and item.done is None]  # fmt: skip
    found.sort(key=lambda each: (each[0], each[1].id, each[2].id))
    blocks: list[Block] = []
    for due, incident, item in found[:ITEMS]:
        late = " · ⚠ *overdue*" if today is not None and item.overdue(today) else ""
        small = f"{incident.id} · until {due.isoformat()}{late}"
        if incident.restricted:
            blocks.append(section(f"A follow-up of a restricted incident; it is on the console.\n{small}"))
            continue
        done = kept(incident.id, item)
        blocks.append(section(f"{untrusted(item.text, 400)}\n{small}", accessory=done))
    if len(found) > ITEMS:
        blocks.append(context(f"… and {len(found) - ITEMS} more on the console, due later"))
    blocks += changing([(incident.id, item) for _due, incident, item in found if not incident.restricted])
    return blocks or [section("You promised nothing that is still open.")]


def stranger(because: str = UNKNOWN) -> View:
    """The Home tab of somebody who may not act here, and why."""
    return tab([section(untrusted(because, 2_500))])


def silent() -> View:
    """The Home tab while the record does not answer."""
    return tab([section(SILENT)])
