"""The dialog that asks of which incident a message is, where nobody can tell by where it was said."""

from collections.abc import Sequence

from bot.blockkit.blocks import (
    Block,
    View,
    context,
    input_block,
    modal,
    option,
    plain_text_input,
    section,
    static_select,
)
from bot.blockkit.text import clean, untrusted
from bot.domain.incident import Incident
from bot.slack.ids import Ref

NAME = "keep"
MOST = 100
"""Options of a select (Slack)."""
_TITLES = {"timeline": "Add to timeline", "finding": "Record as finding", "followup": "Make follow-up"}
_ASKS = {"finding": "What did you find?", "followup": "What will change?"}


def render(incidents: Sequence[Incident], kind: str, text: str, ref: Ref) -> View:
    """The open incidents, the newest first, and the words that will be kept."""
    newest = list(reversed(incidents))[:MOST]
    choices = [option(clean(f"{one.id} · {one.title}", 75), one.id) for one in newest]
    chosen = newest[0].id if len(newest) == 1 else None
    blocks: list[Block] = [
        input_block("Which incident?", static_select("value", choices, initial=chosen), block_id="incident")
    ]
    if kind in _ASKS:
        words = plain_text_input("value", multiline=True, initial=clean(text, 2_900) or None, max_length=3_000)
        blocks.append(input_block(_ASKS[kind], words, block_id="text"))
    else:
        blocks.append(section(untrusted(text, 2_500).strip() or "–"))
    if kind == "followup":
        blocks.append(context("It is yours, until in two weeks; both can be changed afterwards."))
    return modal(_TITLES[kind], blocks, callback_id=NAME, submit="Keep", private_metadata=ref.metadata)
