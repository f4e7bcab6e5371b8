"""The dialog to promise a change: what, who, until when, and which why it answers."""

from datetime import timedelta

from bot.blockkit.blocks import View, input_block, modal, option, plain_text_input, section, static_select, users_select
from bot.blockkit.text import clean
from bot.engine.situation import Situation
from bot.slack.ids import Ref
from bot.slack.views._words import about, left_out

NAME = "followup"
NONE = "-"


def render(situation: Situation, me: str = "", words: str = "", said: str = "") -> View:
    """A promise to fill in; `me` is the Slack user proposed as its owner, `words` and key (`said`) a message's."""
    incident = situation.incident
    blocks = [section(about(situation))]
    text = plain_text_input("value", multiline=True, initial=clean(words, 1_000) or None, max_length=1_000)
    blocks.append(input_block("What will change?", text, block_id="text"))
    blocks.append(input_block("Owner", users_select("value", initial=me or None), block_id="owner"))
    due = plain_text_input("value", initial=(situation.now + timedelta(days=14)).date().isoformat(), max_length=10)
    blocks.append(input_block("Until", due, block_id="due", hint="A date such as 2026-12-31."))
    choices = [option("No particular why", NONE)]
    choices += [option(clean(f"{why.id} {why.text}", 75), why.id) for why in list(incident.whys.values())[-99:]]
    hint = left_out(len(choices) - 1, len(incident.whys))
    blocks.append(input_block("Answers", static_select("value", choices, initial=NONE), block_id="why", hint=hint))
    return modal("Add follow-up", blocks, callback_id=NAME, submit="Promise",
                 private_metadata=Ref(incident.id, said=said).metadata)  # fmt: skip
