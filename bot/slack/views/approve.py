"""The dialog in which a second person reads exactly what will be done, and approves that and nothing else."""

from collections.abc import Mapping

from bot.blockkit import limits
from bot.blockkit.blocks import (
    Block,
    View,
    alert,
    context,
    divider,
    input_block,
    modal,
    plain_text_input,
    rich_text,
    section,
)
from bot.blockkit.blocks import preformatted as box
from bot.blockkit.text import clean, untrusted
from bot.domain.mitigation import Mitigation, Plan, State
from bot.domain.policy import Severity
from bot.engine.situation import Situation
from bot.slack.ids import Ref
from bot.slack.views import info
from bot.slack.views._words import Reading, about, at, person, too_long

NAME = "approve"
_FIELD = 1_900


def render(situation: Situation, mitigation: Mitigation) -> View:
    """The frozen plan. Its digest travels with the dialog, so what is approved is what was read."""
    incident, plan = situation.incident, mitigation.plan
    if mitigation.state is not State.PROPOSED:
        words = f"{mitigation.id} is {mitigation.state}; there is nothing to approve."
        return info.render(f"{mitigation.id}", words)
    reading = Reading()
    blocks = [section(about(situation)), *_plan(plan, reading)]
    blocks += [
        divider(),
        section(f"Proposed by {person(situation, mitigation.proposed_by)}: "
                f"{untrusted(mitigation.because or 'no reason given', 600)}"),
        context(f"digest `{mitigation.digest}` · class {plan.klass.value} · until {at(mitigation.expires_at)}"),
    ]  # fmt: skip
    heading = clean(f"Approve {mitigation.id}", 24)
    if not reading.whole:
        return modal(heading, [too_long(situation), *blocks], callback_id=NAME, close="Close")
    if needs_name(situation):
        label = clean(f"Type {plan.target} to confirm", 400)
        blocks.append(input_block(label, plain_text_input("value", max_length=300), block_id="confirm"))
    return modal(
        heading, blocks, callback_id=NAME, submit="Approve",
        private_metadata=Ref(incident.id, mitigation.id, mitigation.digest).metadata,
    )  # fmt: skip


def whole(mitigation: Mitigation) -> bool:
    """Whether the dialog shows everything the digest covers; only then may it be approved there."""
    reading = Reading()
    _plan(mitigation.plan, reading)
    return reading.whole


def _plan(plan: Plan, reading: Reading) -> list[Block]:
    """Every field of the plan, because the digest covers every field."""
    target = reading.mrkdwn(plan.target, 200)
    blocks = [
        section(f"*{plan.means} on {target}*"),
        rich_text(box(reading.plain("\n".join(plan.diff), 2_500) or "nothing")),
        section(fields=[
            f"*Blast radius*\n{reading.mrkdwn(plan.blast_radius or 'not stated', _FIELD)}",
            f"*Way back*\n{reading.mrkdwn(plan.undo or 'none', _FIELD)}",
            f"*Now*\n{_state(plan.before, reading)}",
            f"*Afterwards*\n{_state(plan.after, reading)}",
        ]),
    ]  # fmt: skip
    asked = [("Asked of the target", plan.params, plan.after), ("Asked to go back", plan.undo_params, plan.before)]
    more = [f"*{label}*\n{_state(values, reading)}" for label, values, told in asked if values != told]
    blocks += [section(fields=more)] if more else []
    blocks.append(context(f"{reading.mrkdwn(f'{plan.action} · {plan.target_uid} · from state {plan.token}', 2_000)}"))
    if plan.warnings:
        warnings = "Careful: " + "; ".join(plan.warnings)
        fits = len(untrusted(warnings, 3_000)) <= limits.ALERT
        blocks[:0] = (
            [alert(reading.mrkdwn(warnings, limits.ALERT))]
            if fits
            else [alert("Careful: read the warnings first"), section(reading.mrkdwn(warnings, 2_900))]
        )
    return blocks


def needs_name(situation: Situation) -> bool:
    """The worst incidents ask the approver to type the target's name."""
    return situation.incident.severity is Severity.SEV1


def _state(values: Mapping[str, object], reading: Reading) -> str:
    told = "\n".join(f"{name}: {_plain(value)}" for name, value in values.items())
    return reading.mrkdwn(told, _FIELD) or "–"


def _plain(value: object) -> str:
    """A state's value without the marks of any notation: `v1 0, v2 100`."""
    if isinstance(value, Mapping):
        return ", ".join(f"{name} {'none' if one is None else one}" for name, one in value.items()) or "none"
    return "none" if value is None else str(value)
