"""The dialog to declare an incident by hand."""

from collections.abc import Sequence

from bot.blockkit.blocks import (
    View,
    checkboxes,
    input_block,
    modal,
    option,
    plain_text_input,
    radio_buttons,
    static_select,
)
from bot.blockkit.text import clean
from bot.domain.policy import Severity
from bot.domain.service import Service
from bot.slack.ids import Ref
from bot.slack.views._words import filled, left_out

NAME = "declare"
OTHER = "-"
SEVERITIES = {
    Severity.SEV1: "SEV1 · everybody is affected, or somebody is harmed",
    Severity.SEV2: "SEV2 · many are affected",
    Severity.SEV3: "SEV3 · some are affected, there is a way around",
    Severity.SEV4: "SEV4 · can wait until tomorrow",
}


def render(services: Sequence[Service], text: str = "", link: str = "", said: str = "") -> View:
    """What is broken, where, how bad; text, link and key (`said`) may come from a message."""
    first = text.strip().splitlines()[0] if text.strip() else ""
    title = plain_text_input("value", initial=clean(first, 150) or None, max_length=150)
    blocks = [input_block("What is broken?", title, block_id="title")]
    choices = [option("Another service", OTHER)]
    choices += [option(filled(one.title or one.name, 75), one.name[:150]) for one in services[:99]]
    hint = left_out(len(choices) - 1, len(services))
    select = static_select("value", choices, initial=OTHER)
    blocks.append(input_block("Service or model", select, block_id="service", hint=hint))
    levels = [option(label, str(int(level))) for level, label in SEVERITIES.items()]
    blocks.append(input_block("Severity", radio_buttons("value", levels, initial="3"), block_id="severity"))
    seen = plain_text_input("value", multiline=True, initial=_seen(text, link) or None, max_length=3_000)
    blocks.append(input_block("What do you see?", seen, block_id="because", optional=True))
    shut = checkboxes("value", [option("Restricted: only named people, no content in channels", "restricted")])
    blocks.append(input_block("Who may read it", shut, block_id="restricted", optional=True))
    return modal("Declare incident", blocks, callback_id=NAME, submit="Declare",
                 private_metadata=Ref(said=said).metadata if said else None)  # fmt: skip


def _seen(text: str, link: str) -> str:
    """The message and where it is."""
    return "\n".join(part for part in (clean(text, 2_500), clean(link, 400)) if part)
