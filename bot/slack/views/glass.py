"""Acting alone: the dialog in which one person takes it upon themselves, and the one in which another reviews it."""

from collections.abc import Sequence

from bot.blockkit.blocks import (
    Block,
    View,
    alert,
    context,
    divider,
    input_block,
    modal,
    option,
    plain_text_input,
    radio_buttons,
    section,
)
from bot.blockkit.text import clean, untrusted
from bot.domain.glass import SHORTEST
from bot.domain.log import TOCSIN
from bot.domain.mitigation import Mitigation, State
from bot.engine.situation import Situation
from bot.slack.ids import Ref
from bot.slack.views import _plan, info, request
from bot.slack.views._change import alone as aloud
from bot.slack.views._change import held_by_counsel
from bot.slack.views._words import Reading, about, at, in_full, person, several, too_long

ALONE, REVIEW = "glass", "review"
NAMED = 8
"""So many people are named, the others counted."""
JUSTIFIED = (("yes", "Yes, it could not wait"), ("no", "No, a second person should have been asked"))


def alone(situation: Situation, mitigation: Mitigation, told: Sequence[str] = ()) -> View:
    """The whole plan, what follows for whoever acts alone, and their reason; `told` are the people who hear of it."""
    heading = clean(f"Act alone: {mitigation.id}", 24)
    if mitigation.state is not State.PROPOSED:
        return info.render(heading, f"{mitigation.id} is {mitigation.state}; there is nothing to decide alone.")
    reading = Reading()
    covered = _plan.read(mitigation.plan, reading)
    blocks: list[Block] = [
        section(about(situation)),
        alert("You alone decide this: nobody else reads it before it is done.", level="error"),
        *covered,
        section(_consequences(situation, mitigation, told)),
        divider(),
        *_plan.small(mitigation.plan, reading),
        context(f"digest `{mitigation.digest}` · until {at(mitigation.expires_at)}"),
    ]
    if not reading.whole:
        return modal(heading, [too_long(situation), *blocks], callback_id=ALONE, close="Close")
    why = plain_text_input("value", multiline=True, min_length=SHORTEST, max_length=1_000)
    hint = "Everybody in the incident reads it, and whoever reviews it."
    blocks.append(input_block("Why can it not wait for a second person?", why, block_id="reason", hint=hint))
    if _plan.needs_code(situation, mitigation):
        blocks.append(_plan.code(situation, mitigation))
    blocks.append(_plan.confirm(mitigation))
    return modal(
        heading, blocks, callback_id=ALONE, submit="Act alone",
        private_metadata=Ref(situation.incident.id, mitigation.id, mitigation.digest).metadata,
    )  # fmt: skip


def whole(mitigation: Mitigation) -> bool:
    """Whether the dialog shows everything the digest covers."""
    return _plan.whole(mitigation.plan)


def _consequences(situation: Situation, mitigation: Mitigation, told: Sequence[str]) -> str:
    """What follows, plainly."""
    days = situation.policy.review_within.days
    names = [person(situation, each) for each in told[:NAMED]]
    names += [f"{len(told) - NAMED} more"] if len(told) > NAMED else []
    heard = f"Paged at once: {several(names)}." if names else "*Nobody is there to be paged.*"
    lines = [
        "It is carried out at once. It waits for no second person, no freeze, no cool-down and no evidence.",
        heard,
        f"Somebody else reviews it within {days} days; before that {situation.incident.id} cannot be closed.",
    ]
    hold = held_by_counsel(situation, mitigation)
    lines += ["*Counsel's hold still stops it*, until it is released or overridden."] if hold else []
    return "*What follows*\n" + "\n".join(f"• {line}" for line in lines)


def review(situation: Situation, mitigation: Mitigation) -> View:
    """What one person did alone, and what another finds."""
    heading = clean(f"Review {mitigation.id}", 24)
    if not mitigation.glass:
        return info.render(heading, f"Nobody acted alone in {mitigation.id}; there is nothing to review.")
    if mitigation.reviewed_by:
        return info.render(heading, f"{mitigation.id} was reviewed by {situation.name(mitigation.reviewed_by)}.")
    what = untrusted(f"{mitigation.plan.means} on {mitigation.plan.target}", 200)
    proposed = "" if mitigation.proposed_by == TOCSIN else f"\nProposed by {person(situation, mitigation.proposed_by)}."
    choices = [option(label, value) for value, label in JUSTIFIED]
    blocks: list[Block] = [
        section(f"{about(situation)}\n*{mitigation.id} · {what}*\n{request.changes(mitigation, 1_200)}"),
        section(f"{aloud(situation, mitigation)}{proposed}"),
        section(f"*What came of it*\n{request.standing(situation, mitigation)}"),
        input_block("Was acting alone right?", radio_buttons("value", choices), block_id="justified"),
        input_block("What did you find, and what follows?",
                    plain_text_input("value", multiline=True, max_length=1_000), block_id="reason"),
    ]  # fmt: skip
    return modal(
        heading, in_full(situation, blocks), callback_id=REVIEW, submit="Review",
        private_metadata=Ref(situation.incident.id, mitigation.id).metadata,
    )  # fmt: skip
