"""What remains when it is over: how fast it was, how it ended, what must still be done; and that it was re-opened."""

from bot.blockkit.blocks import Block, actions, context, section, untrusted
from bot.domain.followup import unanswered
from bot.domain.lifecycle import IncidentReopened, IncidentResolved
from bot.domain.log import Entry
from bot.domain.measures import DEFINITIONS
from bot.domain.mitigation import EFFECTIVE
from bot.domain.urgency import SuspicionWithdrawn
from bot.engine.situation import Situation
from bot.slack.message import Message
from bot.slack.views import followup
from bot.slack.views._words import at, brief, bulleted, console, in_full, lasted, person, press, title


def render(situation: Situation) -> Message:
    """The summary posted at resolution."""
    incident, times = situation.incident, situation.measures
    ended = next((e for e in reversed(situation.entries) if isinstance(e.event, IncidentResolved)), None)
    words, by = "", ""
    if ended is not None and isinstance(ended.event, IncidentResolved):
        words, by = ended.event.summary, ended.by
        if ended.event.exceptions:
            words += f" (waived: {ended.event.exceptions})"
    blocks: list[Block] = [
        section(f"*{incident.id} is resolved* · {title(incident)}\n{untrusted(words, 1_500)}"),
        section(fields=[
            f"*Time to detect*\n{lasted(times.ttd)}", f"*Time to acknowledge*\n{lasted(times.tta)}",
            f"*Time to mitigate*\n{lasted(times.ttm)}", f"*Time to resolve*\n{lasted(times.ttr)}",
        ]),
    ]  # fmt: skip
    rows = _learned(situation)
    blocks += [section(rows)] if rows else []
    if incident.followups:
        blocks += [section("*Follow-ups*"), *followup.listed(situation, list(incident.followups.values()))]
    blocks.append(actions(
        press("5 Whys", "whys.open", incident.id), press("Add follow-up", "followup.open", incident.id),
        press("Post-mortem draft", "postmortem", incident.id),
    ))  # fmt: skip
    small = [f"resolved by {person(situation, by)}"] if by else []
    small.append("; ".join(definition for definition in DEFINITIONS.values()))
    blocks.append(context(" · ".join(small)))
    link = console(situation, "Timeline and post-mortem")
    blocks += [context(link)] if link else []
    told = untrusted(" ".join(words.split()), 300) or title(incident)
    return Message(f"{brief(incident)} is resolved: {told}", blocks)


def endings(situation: Situation) -> list[tuple[Entry, Entry | None]]:
    """Each time it was resolved or withdrawn, in order, with what re-opened it; None where that end stands."""
    found: list[tuple[Entry, Entry | None]] = []
    for entry in situation.entries:
        if isinstance(entry.event, IncidentResolved | SuspicionWithdrawn):
            found.append((entry, None))
        elif isinstance(entry.event, IncidentReopened) and found and found[-1][1] is None:
            found[-1] = (found[-1][0], entry)
    return found


def past(situation: Situation, ended: Entry, again: Entry) -> Message:
    """What a summary says once the incident was re-opened: it is history, and offers nothing any more."""
    incident = situation.incident
    words = _said(ended)
    blocks: list[Block] = [
        section(f"*{incident.id} was re-opened after this* · {title(incident)}\n{untrusted(words, 1_500)}"),
        context(
            f"ended by {person(situation, ended.by)}, {at(ended.at)}"
            f" · re-opened by {person(situation, again.by)}, {at(again.at)}"
        ),
    ]
    told = untrusted(" ".join(words.split()), 300) or title(incident)
    return Message(f"{brief(incident)} was re-opened after this: {told}", in_full(situation, blocks))


def reopened(situation: Situation, again: Entry) -> Message:
    """Everybody who heard that it is over hears that it is not, and why."""
    incident = situation.incident
    words = _said(again)
    blocks: list[Block] = [
        section(f"*{incident.id} was re-opened: it is not over* · {title(incident)}\n{untrusted(words, 1_500)}"),
        context(f"re-opened by {person(situation, again.by)}, {at(again.at)}"),
    ]
    told = untrusted(" ".join(words.split()), 300) or title(incident)
    return Message(f"{brief(incident)} was re-opened: {told}", in_full(situation, blocks))


def _said(entry: Entry) -> str:
    match entry.event:
        case IncidentResolved(summary=words):
            return words
        case IncidentReopened(because=words) | SuspicionWithdrawn(because=words):
            return words
    return ""


def _learned(situation: Situation) -> str:
    incident = situation.incident
    waiting = {why.id for why in unanswered(incident)}
    lines = [
        f"root cause: {untrusted(why.text, 300)}" + (" · *no follow-up yet*" if why.id in waiting else "")
        for why in incident.whys.values()
        if why.root
    ]
    lines += [
        f"{m.id} {untrusted(f'{m.plan.means} on {m.plan.target}', 120)} stays in place: make it permanent or undo it"
        for m in incident.mitigations.values()
        if m.state in EFFECTIVE
    ]
    return bulleted(lines, 15, 2_500)
