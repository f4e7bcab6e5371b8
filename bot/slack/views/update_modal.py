"""The dialog to tell everybody where things stand, and when they hear again."""

from datetime import timedelta

from bot.blockkit.blocks import (
    Block,
    Option,
    View,
    checkboxes,
    context,
    input_block,
    modal,
    option,
    plain_text_input,
    section,
    static_select,
    untrusted,
)
from bot.domain.lifecycle import UpdatePosted
from bot.domain.policy import Policy
from bot.engine.situation import Situation
from bot.slack.ids import Ref
from bot.slack.views._words import PHASES, about, at, lasted, person
from bot.slack.views.card import now_line

NAME = "update"
TOMORROW, NEVER = "tomorrow", "never"
LENGTHS = {
    "15m": timedelta(minutes=15),
    "30m": timedelta(minutes=30),
    "1h": timedelta(hours=1),
    "2h": timedelta(hours=2),
    "4h": timedelta(hours=4),
}


def render(situation: Situation, policy: Policy) -> View:
    """Where things stand, the last update, and the fields for the next."""
    incident = situation.incident
    blocks = [section(f"{about(situation)}\n{PHASES[incident.phase]}")]
    if incident.is_open:
        blocks.append(context(f"Now: {now_line(situation)}"))
    last = next((entry for entry in reversed(situation.entries) if isinstance(entry.event, UpdatePosted)), None)
    if last is not None and isinstance(last.event, UpdatePosted):
        words = untrusted(last.event.text, 600)
        blocks.append(context(f"Last update, by {person(situation, last.by)} {at(last.at)}: {words}"))
    field = plain_text_input("value", multiline=True, max_length=2_900)
    hint = "What people notice, and what you do about it."
    blocks.append(input_block("Where do things stand?", field, block_id="text", hint=hint))
    if incident.is_open:
        blocks.append(_next(policy.update_every.get(incident.severity)))
    blocks.append(_audience(told=policy.tells_everybody(incident.severity)))
    return modal("Update", blocks, callback_id=NAME, submit="Post", private_metadata=Ref(incident.id).metadata)


def _next(rhythm: timedelta | None) -> Block:
    """When they hear again: the policy's rhythm is chosen, also one that is not on the list."""
    choices = dict(LENGTHS)
    if rhythm is not None and rhythm not in choices.values():
        choices[f"{max(1, int(rhythm.total_seconds() // 60))}m"] = rhythm
    options: list[Option] = [
        option(f"In {lasted(long)}".removesuffix(" 0 s").removesuffix(" 0 min"), value)
        for value, long in sorted(choices.items(), key=lambda pair: pair[1])
    ]
    options += [option("Tomorrow 9:00", TOMORROW), option("No further update", NEVER)]
    chosen = next((value for value, long in choices.items() if long == rhythm), NEVER)
    element = static_select("value", options, initial=chosen)
    return input_block("Next update", element, block_id="next", hint="You are reminded when it is due.")


def _audience(*, told: bool) -> Block:
    everybody = option("Show it in the channel too", "yes", description="Otherwise it stands in the thread alone.")
    return input_block(
        "Who should notice?", checkboxes("value", [everybody], initial=["yes"] if told else []), block_id="broadcast",
        optional=True,
    )  # fmt: skip
