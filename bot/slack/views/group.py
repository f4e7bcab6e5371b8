"""What belongs together: the dialogs that merge an incident, split alerts off, and give a storm's child a card."""

import hashlib
from collections.abc import Sequence

from bot.blockkit.blocks import (
    Block,
    Element,
    View,
    checkboxes,
    context,
    input_block,
    modal,
    option,
    overflow,
    plain_text_input,
    section,
    static_select,
)
from bot.blockkit.text import clean
from bot.domain.alerts import AlertState
from bot.domain.incident import Incident
from bot.engine.situation import Situation
from bot.slack.ids import Ref, choice
from bot.slack.views._words import about, console, filled, left_out, press

MERGE, SPLIT, PROMOTE = "merge", "split", "promote"
MOST = 100
"""Options of a select (Slack)."""
BOX, BOXES = 10, 8
"""So many alerts stand in one group of boxes (Slack), and so many groups in a dialog."""
SEVERAL = 2
"""From so many alerts on some of them can be another thing."""


def way(situation: Situation) -> Element | None:
    """The card's menu of what belongs together; None where there is nothing to choose."""
    incident = situation.incident
    if incident.storm is not None:
        waits = situation.digest is not None and situation.digest.open
        return press("Give one a card", f"{PROMOTE}.open", incident.id) if waits and incident.is_open else None
    if not incident.is_open:
        return None
    ref = Ref(incident.id)
    menu = [option("Merge into another incident", choice(f"{MERGE}.open", ref))]
    if len(incident.alerts) >= SEVERAL:
        menu.append(option("Split alerts off", choice(f"{SPLIT}.open", ref)))
    return overflow("more.group", menu)


def merge(situation: Situation, others: Sequence[Incident], known: int) -> View:
    """Into which of these incidents, the likeliest first; `known` is how many there are."""
    choices = [option(filled(f"{one.severity} {one.id} · {one.title}", 75), one.id) for one in others[:MOST]]
    blocks: list[Block] = [
        section(about(situation)),
        section("It is the same thing as another incident: that one goes on with its alerts, this one is resolved and "
                "points there."),
        input_block("Into which incident?", static_select("value", choices), block_id="into",
                    hint=_others(len(choices), known, situation, "merge INC-7")),
        _because(),
    ]  # fmt: skip
    return modal("Merge incidents", blocks, callback_id=MERGE, submit="Merge",
                 private_metadata=Ref(situation.incident.id).metadata)  # fmt: skip


def split(situation: Situation) -> View:
    """Which of its alerts are another thing."""
    incident = situation.incident
    alerts = listed(incident)
    blocks: list[Block] = [
        section(about(situation)),
        section("What is ticked goes on in an incident of its own; at least one alert stays here."),
    ]
    for number in range(0, min(len(alerts), BOX * BOXES), BOX):
        some = alerts[number : number + BOX]
        choices = [option(filled(each.title, 75), mark(each.key), description=_small(each)) for each in some]
        label = f"Alerts {number + 1} to {number + len(some)}" if len(alerts) > BOX else "Alerts"
        blocks.append(
            input_block(label, checkboxes("value", choices), block_id=f"alerts{number // BOX}", optional=True)
        )
    if len(alerts) > BOX * BOXES:
        words = (
            f"{BOX * BOXES} of {len(alerts)} alerts; the others can be split off on the console. {console(situation)}"
        )
        blocks.append(context(words.strip()))
    blocks.append(_because())
    return modal("Split alerts off", blocks, callback_id=SPLIT, submit="Split off",
                 private_metadata=Ref(incident.id).metadata)  # fmt: skip


def promote(situation: Situation, children: Sequence[Incident], known: int) -> View:
    """Which of a storm's incidents gets a card and all its duties; the worst come first."""
    choices = [option(filled(f"{one.severity} {one.id} · {one.title}", 75), one.id) for one in children[:MOST]]
    blocks: list[Block] = [
        section(about(situation)),
        section("It becomes an incident like any other: a card, pages, updates and an end of its own."),
        input_block("Which incident?", static_select("value", choices), block_id="child",
                    hint=_others(len(choices), known, situation, "promote")),
        _because(),
    ]  # fmt: skip
    return modal("Give it a card", blocks, callback_id=PROMOTE, submit="Give it a card",
                 private_metadata=Ref(situation.incident.id).metadata)  # fmt: skip


def listed(incident: Incident) -> list[AlertState]:
    """Its alerts: those that fire first, the worst of them first."""
    return sorted(incident.alerts.values(), key=lambda each: (not each.firing, each.severity, each.starts, each.key))


def mark(key: str) -> str:
    """An alert's key as a box carries it: keys may be longer than Slack takes."""
    return hashlib.sha256(key.encode()).hexdigest()[:24]


def _small(alert: AlertState) -> str:
    state = "firing" if alert.firing else "over"
    where = f" · {alert.service}" if alert.service else ""
    return clean(f"SEV{alert.severity} · {state}{where}", 75)


def _because() -> Block:
    return input_block("Why", plain_text_input("value", max_length=500), block_id="because", optional=True,
                       hint="It stands in the timeline.")  # fmt: skip


def _others(shown: int, known: int, situation: Situation, verb: str) -> str | None:
    """How those are reached that the list leaves out."""
    if left_out(shown, known) is None:
        return None
    typed = f"/incident {situation.incident.id} {verb}" if verb != PROMOTE else "/incident INC-7 promote"
    return f"{shown} of {known}; for another one type {typed}"
