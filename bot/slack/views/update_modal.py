"""The dialog to tell everybody where things stand."""

from bot.blockkit.blocks import View, context, input_block, modal, plain_text_input, section, untrusted
from bot.domain.lifecycle import UpdatePosted
from bot.engine.situation import Situation
from bot.slack.ids import Ref
from bot.slack.views._words import about, at, person

NAME = "update"


def render(situation: Situation) -> View:
    """The last update and a field for the next."""
    incident = situation.incident
    blocks = [section(about(situation))]
    last = next((entry for entry in reversed(situation.entries) if isinstance(entry.event, UpdatePosted)), None)
    if last is not None and isinstance(last.event, UpdatePosted):
        words = untrusted(last.event.text, 600)
        blocks.append(context(f"Last, by {person(situation, last.by)} {at(last.at)}: {words}"))
    field = plain_text_input("value", multiline=True, max_length=2_900)
    hint = "What people notice, what you do about it, when they hear again."
    blocks.append(input_block("Where do things stand?", field, block_id="text", hint=hint))
    return modal("Update", blocks, callback_id=NAME, submit="Post", private_metadata=Ref(incident.id).metadata)
