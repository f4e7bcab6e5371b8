"""Promises: the dialogs that make one or move it, and how a list of them is shown."""

from collections.abc import Sequence
from datetime import timedelta

from bot.blockkit.blocks import (
    Block,
    Element,
    View,
    actions,
    context,
    datepicker,
    input_block,
    modal,
    option,
    plain_text_input,
    section,
    static_select,
    untrusted,
    users_select,
)
from bot.blockkit.text import clean
from bot.domain.followup import FollowUp
from bot.domain.glass import REVIEW
from bot.engine.situation import Situation
from bot.slack.ids import Ref, choice
from bot.slack.views._words import about, filled, left_out, person, press

NAME, MOVE = "followup", "followup.move"
NONE = "-"
BACK = "whys"
"""Where a dialog came from the 5 Whys, and leads back there."""
IN = timedelta(days=14)
LISTED = 10


def render(
    situation: Situation, me: str = "", words: str = "", said: str = "", *, why: str = "", back: bool = False
) -> View:
    """A promise to fill in.

    `me` is the Slack user proposed as its owner, `words` and `said` a message's text and key, `why` what it answers.
    """
    incident = situation.incident
    blocks: list[Block] = [section(about(situation))]
    asked = incident.whys.get(why)
    if asked is not None:
        blocks.append(section(f"*Root cause* {untrusted(asked.text, 600)}"))
    turn = f":{len(incident.followups)}:{why}"
    text = plain_text_input("value", multiline=True, initial=clean(words, 1_000) or None, max_length=1_000)
    blocks.append(input_block("What will change?", text, block_id=f"text{turn}"))
    blocks.append(input_block("Owner", users_select("value", initial=me or None), block_id=f"owner{turn}"))
    due = datepicker("value", initial=(situation.now + IN).date())
    blocks.append(input_block("Until", due, block_id=f"due{turn}"))
    if asked is None:
        choices = [option("No particular why", NONE)]
        choices += [option(clean(f"{one.id} {one.text}", 75), one.id) for one in list(incident.whys.values())[-99:]]
        select, hint = static_select("value", choices, initial=NONE), left_out(len(choices) - 1, len(incident.whys))
        blocks.append(input_block("Answers", select, block_id=f"why{turn}", hint=hint))
    ref = Ref(incident.id, asked.id if asked is not None else "", BACK if back else "", said)
    heading = f"Follow-up for {asked.id}" if asked is not None else "Add follow-up"
    return modal(clean(heading, 24), blocks, callback_id=NAME, submit="Promise", close="Later" if back else "Cancel",
                 private_metadata=ref.metadata)  # fmt: skip


def change(situation: Situation, item: FollowUp) -> View:
    """Another owner, or another date."""
    shown = situation.people.get(item.owner)
    owner = users_select("value", initial=(shown.slack_user if shown else "") or None)
    blocks = [
        section(f"{about(situation)}\n*{item.id}* {untrusted(item.text, 600)}"),
        input_block("Owner", owner, block_id="owner"),
        input_block("Until", datepicker("value", initial=item.due), block_id="due"),
    ]
    return modal(clean(f"Change {item.id}", 24), blocks, callback_id=MOVE, submit="Change",
                 private_metadata=Ref(situation.incident.id, item.id).metadata)  # fmt: skip


def listed(situation: Situation, items: Sequence[FollowUp]) -> list[Block]:
    """Each promise with who and when; those still open with a button, and a menu to move one."""
    ordered = sorted(items, key=lambda item: (item.done is not None, item.due))
    blocks: list[Block] = []
    for item in ordered[:LISTED]:
        way = kept(situation.incident.id, item) if item.done is None else None
        blocks.append(section(_line(situation, item), accessory=way))
    if len(ordered) > LISTED:
        blocks.append(context(f"… and {len(ordered) - LISTED} more on the console"))
    waiting = [(situation.incident.id, item) for item in ordered if item.done is None]
    return [*blocks, *changing(waiting)]


def kept(incident: str, item: FollowUp) -> Element:
    """The button that keeps a promise; to review what one person did alone is kept by reviewing it."""
    if item.said.startswith(REVIEW):
        return press("Review", "review.open", incident, item.said.removeprefix(REVIEW))
    return press("Done", "followup.done", incident, item.id)


def changing(items: Sequence[tuple[str, FollowUp]]) -> list[Block]:
    """The menu that moves one of these promises (incident, promise) to another owner or date."""
    if not items:
        return []
    choices = [
        option(filled(f"{item.id} {item.text}", 75), choice("followup.change", Ref(incident, item.id)))
        for incident, item in items[:100]
    ]
    return [actions(static_select("more.followup", choices, placeholder="Change owner or date"))]


def _line(situation: Situation, item: FollowUp) -> str:
    words = untrusted(item.text, 300)
    if item.done is not None:
        return f"✓ {item.id} {words} · {person(situation, item.owner)}, done"
    late = " · *overdue*" if item.overdue(situation.now.date()) else ""
    answers = f" · for {item.why}" if item.why else ""
    return f"{item.id} {words}\n{person(situation, item.owner)} until {item.due.isoformat()}{answers}{late}"
