"""The dialog to resolve: what must hold first, each met or waived with a reason."""

from bot.blockkit.blocks import View, input_block, modal, plain_text_input, section, untrusted
from bot.domain.checks import resolve_checks
from bot.engine.situation import Situation
from bot.slack.ids import Ref
from bot.slack.views import info
from bot.slack.views._words import title

NAME = "resolve"


def render(situation: Situation) -> View:
    """The checks, how it ended, and a reason where a check is waived."""
    incident = situation.incident
    if not incident.is_open:
        return info.render("Resolve", f"{incident.id} is {incident.phase} already.")
    checks = resolve_checks(incident)
    lines = [f"{'✓' if check.met else '✗'} {untrusted(check.what, 200)}" for check in checks[:20]]
    blocks = [section(f"*{incident.id}* · {title(incident)}\n" + "\n".join(lines))]
    field = plain_text_input("value", multiline=True, max_length=2_000)
    blocks.append(input_block("How did it end?", field, block_id="summary"))
    if not all(check.met for check in checks):
        reason = plain_text_input("value", multiline=True, max_length=1_000)
        hint = "Missing data is no good news: say what else shows that it is over."
        blocks.append(input_block("Resolve although ✗, because", reason, block_id="waive", optional=True, hint=hint))
    return modal("Resolve", blocks, callback_id=NAME, submit="Resolve", private_metadata=Ref(incident.id).metadata)
