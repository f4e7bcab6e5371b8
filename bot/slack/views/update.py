"""A status update for everybody who follows, and the page that reaches one person."""

from collections.abc import Sequence
from typing import Any

from bot.blockkit.blocks import actions, context, header, section, untrusted
from bot.blockkit.text import clean
from bot.domain.lifecycle import UpdatePosted
from bot.domain.log import Entry
from bot.domain.nobody import why_them
from bot.domain.phase import Phase
from bot.engine.calling import Kind, Summons
from bot.engine.situation import Situation
from bot.slack.message import Message
from bot.slack.views._words import (
    PHASES,
    at,
    brief,
    called,
    console,
    headline,
    in_full,
    paragraphs,
    person,
    press,
    title,
)

ALSO = 5
"""So many incidents that went with a page have a line of their own."""
HOUSE = "About Tocsin itself: there is nothing to acknowledge. See how it is with `tocsin doctor`."


def render(situation: Situation, entry: Entry) -> Message:
    """One update, as it was written, with its author and time."""
    event = entry.event
    text = event.text if isinstance(event, UpdatePosted) else ""
    blocks = [section(piece) for piece in paragraphs(text, most=3)] or [section("(empty)")]
    incident = situation.incident
    due = event.next_due if isinstance(event, UpdatePosted) else None
    again = f" · next update {at(due)}" if due is not None else ""
    blocks.append(context(f"Update on {incident.id} by {person(situation, entry.by)}, {at(entry.at)}{again}"))
    told = untrusted(" ".join(text.split()), 300)
    return Message(f"Update on {brief(incident)} by {called(situation, entry.by)}: {told}", in_full(situation, blocks))


def page(situation: Situation, key: str = "", also: Sequence[Situation] = ()) -> Message:
    """What the paged person reads: what is broken, since when, and one button. A restricted incident tells nothing.

    Each of the incidents that went with it has a line and a button of its own.
    """
    incident = situation.incident
    if incident.restricted:
        words = f"{brief(incident)}: you are paged. The incident is restricted; open the console."
        blocks = [section(f"{words} {why_them(incident, key)}".rstrip())]
    else:
        blocks = [
            header(headline(incident)),
            section(f"{_paged(situation, key)} {_asked(situation, key)}"),
            context(f"{untrusted(incident.service or 'no service named', 100)} · since {at(incident.onset)}"),
        ]
        words = f"Page: {brief(incident)} {title(incident, 200)}"
    text = words.rstrip(".")
    if incident.phase is Phase.DECLARED:
        blocks.append(actions(press("Acknowledge", "ack", incident.id, style="primary")))
        text += ". Acknowledge it."
    else:
        text += f". {PHASES[incident.phase]}."
        who = f" by {person(situation, incident.acknowledged_by)}" if incident.acknowledged_by else ""
        blocks.append(context(f"{PHASES[incident.phase]}{who}"))
    link = console(situation)
    blocks += [context(link)] if link else []
    for other in also[:ALSO]:
        blocks += _beside(other)
    if len(also) > ALSO:
        blocks.append(context(f"and {len(also) - ALSO} more: see the Home tab"))
    text += f" With it: {', '.join(each.incident.id for each in also[:ALSO])}." if also else ""
    return Message(text, blocks)


def _beside(situation: Situation) -> list[dict[str, Any]]:
    """An incident that went with a page: its line, and a button where nobody has it."""
    incident = situation.incident
    words = "The incident is restricted; open the console." if incident.restricted else title(incident, 200)
    blocks = [section(f"*Also* {brief(incident)}: {words}")]
    if incident.phase is Phase.DECLARED:
        blocks.append(actions(press("Acknowledge", "ack", incident.id)))
    return blocks


def apart(summons: Summons) -> Message:
    """A page about no incident: one that somebody asked for themselves, or one about Tocsin itself."""
    house = summons.kind is Kind.HOUSE
    about = clean(summons.headline, 150).strip() or ("About Tocsin itself" if house else "A test page")
    text = untrusted(summons.text, 2_500).strip()
    blocks = [header(about), *([section(text)] if text else []), *([context(HOUSE)] if house else [])]
    return Message(untrusted(about, 300), blocks)


def _paged(situation: Situation, key: str) -> str:
    """That they are paged, and why them where they are not on call."""
    why = why_them(situation.incident, key)
    return f"*You are paged* {why.removeprefix('You are paged ')}" if why else "*You are paged.*"


def _asked(situation: Situation, key: str) -> str:
    """Why: somebody asked for this person, or what is broken."""
    incident = situation.incident
    call = next((one for one in incident.calls if one.key(incident.id) == key), None)
    if call is None:
        return untrusted(incident.because or incident.title, 600)
    words = untrusted(call.because or incident.title, 600)
    return f"{person(situation, call.by)} asks for you: {words}"
