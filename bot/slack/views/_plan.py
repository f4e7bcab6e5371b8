"""A frozen plan as it is read before somebody says yes: what changes first, then how far it reaches and how it ends."""

from collections.abc import Mapping
from typing import Literal

from bot.blockkit import limits
from bot.blockkit.blocks import Block, alert, context, input_block, plain_text_input, rich_text, section
from bot.blockkit.blocks import preformatted as box
from bot.blockkit.text import clean, untrusted
from bot.domain.mitigation import Mitigation, Plan
from bot.domain.reading import wants_name
from bot.engine.situation import Situation
from bot.slack.views._words import Reading, lasted

_FIELD = 1_900
NO_WAY_BACK = "No way back: once it is done, the state before cannot be put back."


def read(plan: Plan, reading: Reading) -> list[Block]:
    """What whoever says yes must know; with `small`, every field of the plan, because the digest covers every field."""
    what = f"*{reading.mrkdwn(f'{plan.means} on {plan.target}', 300)}* · {plan.klass.said}"
    blocks = [section(what), rich_text(box(reading.plain("\n".join(plan.diff), 2_500) or "nothing"))]
    if plan.warnings:
        blocks += loud("Careful: " + "; ".join(plan.warnings), reading)
    if plan.managed_by:
        blocks += loud(f"Managed by {plan.managed_by}, which may put the old state back.", reading)
    if not plan.reversible:
        blocks.append(alert(NO_WAY_BACK, level="error"))
    blocks.append(section(fields=[
        f"*How much of production*\n{reach(plan.share)}: {reading.mrkdwn(plan.blast_radius or 'not stated', 1_800)}",
        f"*Way back*\n{reading.mrkdwn(plan.undo, _FIELD) if plan.reversible else '*None*: it stays'}",
        f"*Who takes the traffic then*\n{reading.mrkdwn(serving(plan.serves), _FIELD)}",
        f"*Tried dry*\n{reading.mrkdwn(plan.dry_run or 'No, this target cannot be asked beforehand', _FIELD)}",
    ]))  # fmt: skip
    return blocks


def small(plan: Plan, reading: Reading) -> list[Block]:
    """The rest of the fields, in small print: what few people need, and the digest covers."""
    states = [("Now", plan.before), ("Afterwards", plan.after)]
    asked = [("Asked of the target", plan.params, plan.after, "the state afterwards"),
             ("Asked to go back", plan.undo_params, plan.before, "the state now")]  # fmt: skip
    lines = [f"*{label}* {_state(values, reading)}" for label, values in states]
    lines += [f"*{label}* {known if values == told else _state(values, reading)}"
              for label, values, told, known in asked if values]  # fmt: skip
    names = [plan.action, plan.target_uid, f"from state {plan.token}", f"class {plan.klass.value}"]
    names.append(f"rules {plan.rules or 'unknown'}")
    return [*(context(line) for line in lines), context(reading.mrkdwn(" · ".join(names), 2_500))]


def whole(plan: Plan) -> bool:
    """Whether a dialog shows everything the digest covers; only then may anybody say yes there."""
    reading = Reading()
    read(plan, reading)
    small(plan, reading)
    return reading.whole


def loud(words: str, reading: Reading, level: Literal["warning", "error"] = "warning") -> list[Block]:
    """A coloured line; what is too long for one follows it in plain words."""
    if len(untrusted(words, 3_000)) <= limits.ALERT:
        return [alert(reading.mrkdwn(words, limits.ALERT), level=level)]
    return [alert("Read this first", level=level), section(reading.mrkdwn(words, 2_900))]


def reach(share: float) -> str:
    """How much of production it reaches: `All of it`, `10 %`."""
    if share >= 1:
        return "All of it"
    return f"{share * 100:.10g} %" if share else "None of it"


def serving(serves: Mapping[str, float]) -> str:
    """The share of traffic each version should take afterwards, the largest first."""
    ordered = sorted(serves.items(), key=lambda pair: (-pair[1], pair[0]))
    return ", ".join(f"{name} {share * 100:.10g} %" for name, share in ordered) or "The target cannot say"


def _state(values: Mapping[str, object], reading: Reading) -> str:
    told = "; ".join(f"{name}: {_plain(value)}" for name, value in values.items())
    return reading.mrkdwn(told, 2_800) or "nothing"


def _plain(value: object) -> str:
    """A state's value without the marks of any notation: `v1 0, v2 100`."""
    if isinstance(value, Mapping):
        return ", ".join(f"{name} {'none' if one is None else one}" for name, one in value.items()) or "none"
    return "none" if value is None else str(value)


# -- what the person who says yes must give ------------------------------------------------------------------------


def needs_code(situation: Situation, mitigation: Mitigation) -> bool:
    """Whether its class is approved with a one-time code."""
    return mitigation.plan.klass in situation.policy.step_up


def code(situation: Situation, mitigation: Mitigation) -> Block:
    """The question for the one-time code, and how to get one: never here, where only Slack says who somebody is."""
    page = f", or on {situation.incident.id}'s page in the console" if situation.web_url else ""
    within = lasted(situation.policy.step_up_within).removesuffix(" 0 s")
    hint = f"Run: tocsin incident code {situation.incident.id} {mitigation.id}{page}. Yours alone, good for {within}."
    return input_block("One-time code", plain_text_input("value", max_length=40), block_id="code", hint=hint)


def needs_name(situation: Situation) -> bool:
    """The worst incidents ask the approver to type the target's name."""
    return wants_name(situation.incident, alone=False)


def confirm(mitigation: Mitigation) -> Block:
    """The question for the target's name, which nobody types by accident."""
    label = clean(f"Type {mitigation.plan.target} to confirm", 400)
    return input_block(label, plain_text_input("value", max_length=300), block_id="confirm")
