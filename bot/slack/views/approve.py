"""The dialog in which a second person reads exactly what will be done, and approves that and nothing else."""

from collections.abc import Mapping

from bot.blockkit.blocks import View, alert, context, divider, input_block, modal, plain_text_input, rich_text, section
from bot.blockkit.blocks import preformatted as box
from bot.blockkit.text import clean, shorten, untrusted
from bot.domain.mitigation import Mitigation, State
from bot.domain.policy import Severity
from bot.engine.situation import Situation
from bot.slack.ids import Ref
from bot.slack.views import info, request
from bot.slack.views._words import at, person, title

NAME = "approve"


def render(situation: Situation, mitigation: Mitigation) -> View:
    """The frozen plan. Its digest travels with the dialog, so what is approved is what was read."""
    incident, plan = situation.incident, mitigation.plan
    if mitigation.state is not State.PROPOSED:
        words = f"{mitigation.id} is {mitigation.state}; there is nothing to approve."
        return info.render(f"{mitigation.id}", words)
    diff = shorten("\n".join(clean(line, 300) for line in plan.diff), 2_500) or "nothing"
    blocks = [
        section(f"*{untrusted(f'{plan.means} on {plan.target}', 200)}*\n{incident.id} · {title(incident)}"),
        rich_text(box(diff)),
        section(fields=[
            f"*Blast radius*\n{untrusted(plan.blast_radius or 'not stated', 600)}",
            f"*Way back*\n{untrusted(plan.undo or 'none', 600)}",
            f"*Now*\n{_state(plan.before)}",
            f"*Afterwards*\n{_state(plan.after)}",
        ]),
    ]  # fmt: skip
    if plan.warnings:
        blocks.insert(0, alert(untrusted("Careful: " + "; ".join(plan.warnings), 190)))
    blocks += [
        divider(),
        section(f"Proposed by {person(situation, mitigation.proposed_by)}: "
                f"{untrusted(mitigation.because or 'no reason given', 600)}"),
        context(f"digest `{mitigation.digest}` · class {plan.klass.value} · until {at(mitigation.expires_at)}"),
    ]  # fmt: skip
    if needs_name(situation):
        label = clean(f"Type {plan.target} to confirm", 200)
        blocks.append(input_block(label, plain_text_input("value", max_length=300), block_id="confirm"))
    return modal(
        clean(f"Approve {mitigation.id}", 24), blocks, callback_id=NAME, submit="Approve",
        private_metadata=Ref(incident.id, mitigation.id, mitigation.digest).metadata,
    )  # fmt: skip


def needs_name(situation: Situation) -> bool:
    """The worst incidents ask the approver to type the target's name."""
    return situation.incident.severity is Severity.SEV1


def _state(values: object) -> str:
    pairs = dict(values) if hasattr(values, "items") else {}  # type: ignore[call-overload]
    return untrusted("\n".join(f"{name}: {_plain(value)}" for name, value in pairs.items()), 800) or "–"


def _plain(value: object) -> str:
    """A state's value without the marks of any notation: `v1 0, v2 100`."""
    if isinstance(value, Mapping):
        return ", ".join(f"{name} {'none' if one is None else one}" for name, one in value.items()) or "none"
    return "none" if value is None else str(value)


def line(situation: Situation, mitigation: Mitigation) -> str:
    """One line for a queue, in mrkdwn."""
    what = untrusted(f"{mitigation.plan.means} on {mitigation.plan.target}", 120)
    return f"*{situation.incident.id} {mitigation.id}* {what}: {request.standing(situation, mitigation)}"
