"""A dialog that asks for the reason of a deed: decline, undo, settle by hand, re-open, change a severity."""

from bot.blockkit.blocks import View, input_block, modal, option, plain_text_input, radio_buttons, section
from bot.blockkit.text import clean, untrusted
from bot.domain.mitigation import Mitigation, State
from bot.engine.situation import Situation
from bot.slack.ids import Ref
from bot.slack.views import request
from bot.slack.views._words import about

SETTLED = (("applied", "It was applied"), ("failed", "It was not applied, nothing was changed"))


def render(deed: str, situation: Situation, mitigation: Mitigation | None = None) -> View:
    """The dialog for `decline`, `undo`, `settle` (of a mitigation) or `reopen` (of the incident)."""
    incident = situation.incident
    heading = {"decline": "Decline", "undo": "Undo", "settle": "Settle by hand", "reopen": "Re-open"}[deed]
    words = about(situation)
    if mitigation is not None:
        words += f"\n{mitigation.id}: {request.standing(situation, mitigation)}"
        words += f"\n{_back(mitigation) if deed == 'undo' else request.changes(mitigation, 1_200)}"
    blocks = [section(words)]
    if deed == "undo" and mitigation is not None and mitigation.state is State.VERIFIED:
        blocks.append(section("*The data say that it helps.* Taken back, what it mitigates may come back."))
    if deed == "settle":
        choices = [option(label, value) for value, label in SETTLED]
        blocks.append(input_block("What does the target show?", radio_buttons("value", choices), block_id="outcome"))
    label = "What did you look at?" if deed == "settle" else "Why?"
    field = plain_text_input("value", multiline=True, max_length=1_000)
    blocks.append(input_block(label, field, block_id="reason"))
    item = mitigation.id if mitigation is not None else ""
    return modal(
        clean(f"{heading} {item or incident.id}", 24), blocks, callback_id=deed, submit=heading,
        private_metadata=Ref(incident.id, item).metadata,
    )  # fmt: skip


def _back(mitigation: Mitigation) -> str:
    """What taking it back does, in mrkdwn: the way back of the plan, not its way there."""
    return f"*What changes*\n{untrusted(mitigation.plan.undo or 'the target says no way back', 1_200)}"
