"""The dialog to write down what somebody found out."""

from bot.blockkit.blocks import View, context, input_block, modal, plain_text_input, section
from bot.blockkit.text import clean, untrusted
from bot.engine.situation import Situation
from bot.slack.ids import Ref
from bot.slack.views._words import about, bulleted

NAME = "finding"


def render(situation: Situation, text: str = "", link: str = "", said: str = "") -> View:
    """What was found, with its source; text, link and key (`said`) may come from a message."""
    incident = situation.incident
    blocks = [section(about(situation))]
    standing = [one for one in incident.findings if one.gone is None]
    known = [f"{one.id} ({untrusted(one.source, 40)}) {untrusted(one.text, 160)}" for one in standing[-8:]]
    earlier = len(standing) - len(known)
    if known:
        blocks.append(context(bulleted(known, 8, 2_000) + (f"\n… and {earlier} before" if earlier else "")))
    words = plain_text_input("value", multiline=True, initial=clean(text, 2_900) or None, max_length=3_000)
    blocks.append(input_block("What did you find?", words, block_id="text"))
    where = plain_text_input("value", initial=clean(link, 1_000) or None, max_length=1_000)
    hint = "A dashboard, a query, a commit."
    blocks.append(input_block("Link", where, block_id="link", optional=True, hint=hint))
    return modal("Add finding", blocks, callback_id=NAME, submit="Record",
                 private_metadata=Ref(incident.id, said=said).metadata)  # fmt: skip
