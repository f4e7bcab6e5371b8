"""What everybody must hear: one person acts alone, counsel holds everything, nobody can tell what was applied."""

from bot.blockkit.blocks import Block, Element, actions, context, section, untrusted
from bot.domain.execution import OutcomeReported, UndoReported
from bot.domain.glass import GlassBroken
from bot.domain.hold import HoldOverridden, HoldPlaced, HoldReleased, held_back
from bot.domain.log import Entry
from bot.domain.mitigation import Mitigation, Outcome, State
from bot.engine.situation import Situation
from bot.slack.message import Message, sentence
from bot.slack.views._words import at, brief, called, in_full, person, press, several

LOUD = (GlassBroken, HoldPlaced, HoldReleased, OutcomeReported, UndoReported)
"""Their entries are told in the thread, each in a message of its own; only a release not to the whole channel."""


def told(situation: Situation) -> list[Entry]:
    """The entries that everybody must hear of, oldest first."""
    loud = [entry for entry in situation.entries if isinstance(entry.event, LOUD)]
    return [
        entry for entry in loud
        if not isinstance(entry.event, OutcomeReported | UndoReported) or entry.event.outcome is Outcome.UNKNOWN
    ]  # fmt: skip


def stands(situation: Situation, entry: Entry) -> bool:
    """Whether it is still so: what became history while Slack was away is not told any more."""
    incident, event = situation.incident, entry.event
    match event:
        case HoldPlaced():
            return incident.legal_hold is not None and incident.legal_hold.at == entry.at
        case HoldReleased():
            return incident.legal_hold is None and incident.exists
        case GlassBroken(id=name):
            return name in incident.mitigations and not incident.mitigations[name].reviewed_by
        case OutcomeReported(id=name) | UndoReported(id=name):
            return name in incident.mitigations and incident.mitigations[name].state is State.UNKNOWN
    return False


def broadcast(entry: Entry) -> bool:
    """Whether the whole channel hears it, not the thread alone."""
    return not isinstance(entry.event, HoldReleased)


def render(situation: Situation, entry: Entry) -> Message:
    """One such entry, with the button that settles it while it does."""
    incident, event = situation.incident, entry.event
    row: list[Element] = []
    match event:
        case GlassBroken(id=name, because=why):
            mitigation = incident.mitigations[name]
            who = person(situation, entry.by)
            words = f"⚠ *{who} acts alone in {name}* · {_what(mitigation)}\n{untrusted(why, 800)}"
            text = f"{called(situation, entry.by)} acts alone in {name}, {_what(mitigation)}"
            heard = several([person(situation, each) for each in event.told[:8]])
            small = f"paged: {heard}" if heard else "nobody else was there to be paged"
            small += f" · reviewed by {person(situation, mitigation.reviewed_by)}" if mitigation.reviewed_by else ""
            row += [press("Review", "review.open", incident.id, name)] if mitigation.wants_review else []
        case HoldPlaced(because=why):
            over = not stands(situation, entry)
            what = "placed a legal hold, which is over" if over else "placed a legal hold: alter nothing that matters"
            words = f"⚠ *{person(situation, entry.by)} {what}*\n{untrusted(why, 800)}"
            text, small = f"{called(situation, entry.by)} {what}", waiting(situation)
        case HoldReleased(because=why):
            words = f"*{person(situation, entry.by)} released the legal hold*\n{untrusted(why, 800)}"
            text, small = f"{called(situation, entry.by)} released the legal hold", ""
        case OutcomeReported(id=name, detail=why) | UndoReported(id=name, detail=why):
            mitigation = incident.mitigations[name]
            done = "was applied" if isinstance(event, OutcomeReported) else "was taken back"
            words = f"⚠ *Nobody can tell whether {name} {done}* · {_what(mitigation)}\n{untrusted(why, 800)}"
            text, small = f"Nobody can tell whether {name} {done}, {_what(mitigation)}", f"now {mitigation.state}"
            if stands(situation, entry):
                small = "A person must look at the target; it is not tried again by itself."
                row.append(press("Settle by hand", "settle.open", incident.id, name, style="danger"))
        case _:
            raise TypeError(f"{event} is not told aloud")
    blocks: list[Block] = [section(words), context(" · ".join([each for each in (small, at(entry.at)) if each]))]
    blocks += [actions(*row)] if row else []
    return Message(f"{brief(incident)} {text}. {_why(why)}", in_full(situation, blocks))


def _what(mitigation: Mitigation) -> str:
    return untrusted(" ".join(f"{mitigation.plan.means} on {mitigation.plan.target}".split()), 200)


def _why(words: str) -> str:
    """A reason for a notification."""
    return untrusted(sentence(" ".join(words.split())), 300)


def waiting(situation: Situation) -> str:
    """Which approved changes wait for counsel; "" where there is no hold."""
    incident = situation.incident
    if incident.legal_hold is None:
        return ""
    found = [m.id for m in incident.mitigations.values() if m.state is State.APPROVED and held_back(incident, m)]
    return f"{several(found)} wait{'s' if len(found) == 1 else ''} for it" if found else "nothing waits for it yet"


# -- counsel's own channel -------------------------------------------------------------------------------------------


def held(situation: Situation, entry: Entry) -> Message:
    """A hold as counsel sees it: what waits for it, what went ahead all the same, and the way to release it."""
    incident = situation.incident
    over = not stands(situation, entry)
    why = entry.event.because if isinstance(entry.event, HoldPlaced) else ""
    state = "is over" if over else "stands"
    words = f"*Legal hold on {incident.id} {state}*\nPlaced by {person(situation, entry.by)}: {untrusted(why, 800)}"
    small = [at(entry.at)] if over else [waiting(situation), at(entry.at)]
    blocks: list[Block] = [section(words), context(" · ".join(small))]
    if not over:
        blocks.append(actions(press("Release hold", "release.open", incident.id)))
    text = f"{brief(incident)} Legal hold {state}. {_why(why)}"
    return Message(text, in_full(situation, blocks))


def overridden(situation: Situation, entry: Entry) -> Message:
    """Counsel hears at once that somebody set their hold aside for one change."""
    incident, event = situation.incident, entry.event
    name, why = (event.id, event.because) if isinstance(event, HoldOverridden) else ("", "")
    mitigation = incident.mitigations[name]
    words = f"⚠ *{person(situation, entry.by)} overrode the legal hold for {name}* · {_what(mitigation)}"
    small = f"now {mitigation.state} · {at(entry.at)}"
    blocks: list[Block] = [section(f"{words}\n{untrusted(why, 800)}"), context(small)]
    text = f"{brief(incident)} {called(situation, entry.by)} overrode the legal hold for {name}."
    return Message(f"{text} {_why(why)}", in_full(situation, blocks))
