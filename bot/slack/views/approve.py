"""The dialog in which a second person reads exactly what will be done, and approves that and nothing else."""

from collections.abc import Sequence

from bot.blockkit.blocks import Block, View, actions, alert, context, divider, modal, section
from bot.blockkit.text import clean, untrusted
from bot.domain.approval import ENDED
from bot.domain.glass import nobody_else
from bot.domain.mitigation import Mitigation, State
from bot.domain.policy import Person
from bot.engine.situation import Situation
from bot.slack.ids import Ref
from bot.slack.message import sentence
from bot.slack.views import _plan, info
from bot.slack.views._change import alone_button, evidence, frozen, held_by_counsel, quorum
from bot.slack.views._words import Reading, about, at, person, too_long

NAME = "approve"
ONE = "One approval is enough; its proposer cannot give it."


def render(
    situation: Situation, mitigation: Mitigation, viewer: Person | None = None, spent: Sequence[str] = ()
) -> View:
    """The frozen plan. Its digest travels with the dialog, so what is approved is what was read.

    `viewer` is who reads it; `spent` says which limits among all incidents hold it back now.
    """
    incident, plan = situation.incident, mitigation.plan
    heading = clean(f"Approve {mitigation.id}", 24)
    if mitigation.state is not State.PROPOSED:
        words = f"{mitigation.id} is {mitigation.state}; there is nothing to approve."
        return info.render(f"{mitigation.id}", words)
    if viewer is not None and viewer.id in mitigation.approvers:
        left = mitigation.needs - len(mitigation.approvers)
        return info.render(heading, f"You approved {mitigation.id}; {left} more must, until then nothing is changed.")
    reading = Reading()
    covered = _plan.read(plan, reading)
    barred = _barred(situation, mitigation)
    blocks = [section(about(situation)), *([alert(barred, level="error")] if barred else []), *covered]
    blocks += _around(situation, mitigation, [each for each in spent if each not in plan.warnings])
    blocks += [
        divider(),
        section(f"Proposed by {person(situation, mitigation.proposed_by)}: "
                f"{untrusted(mitigation.because or 'no reason given', 600)}"),
        section(f"*{quorum(situation, mitigation)}*" if mitigation.needs > 1 else ONE),
        *_plan.small(plan, reading),
        context(f"digest `{mitigation.digest}` · until {at(mitigation.expires_at)}"),
    ]  # fmt: skip
    blocks += _alone(situation, mitigation, viewer)
    if not reading.whole:
        return modal(heading, [too_long(situation), *blocks], callback_id=NAME, close="Close")
    if barred:
        return modal(heading, blocks, callback_id=NAME, close="Close")
    if _plan.needs_code(situation, mitigation):
        blocks.append(_plan.code(situation, mitigation))
    if _plan.needs_name(situation):
        blocks.append(_plan.confirm(mitigation))
    return modal(
        heading, blocks, callback_id=NAME, submit="Approve",
        private_metadata=Ref(incident.id, mitigation.id, mitigation.digest).metadata,
    )  # fmt: skip


def whole(mitigation: Mitigation) -> bool:
    """Whether the dialog shows everything the digest covers; only then may it be approved there."""
    return _plan.whole(mitigation.plan)


def _barred(situation: Situation, mitigation: Mitigation) -> str:
    """Why nobody can approve it now, whoever they are; "" where somebody can."""
    if situation.now >= mitigation.expires_at:
        return f"It ran out {at(mitigation.expires_at)}. Propose it again."
    if mitigation.plan.rules != situation.policy.fingerprint:
        return f"{sentence(ENDED)}."
    now = situation.policy.frozen(mitigation.plan.target, mitigation.plan.klass, situation.now)
    return f"Nothing may move until {at(now[1])}: nobody can approve it before." if now is not None else ""


def _around(situation: Situation, mitigation: Mitigation, spent: Sequence[str]) -> list[Block]:
    """What is not of the plan, and decides whether and when it is carried out."""
    warned = "; ".join(mitigation.plan.warnings)
    words = [*frozen(situation, mitigation, warned), *(f"⚠ {untrusted(sentence(each), 400)}" for each in spent)]
    told = [one for one in (*words, held_by_counsel(situation, mitigation), evidence(mitigation)) if one]
    return [section("\n".join(told))] if told else []


def _alone(situation: Situation, mitigation: Mitigation, viewer: Person | None) -> list[Block]:
    """The way for one person, once nobody else comes; only for whoever may go it."""
    policy = situation.policy
    why = nobody_else(mitigation, policy, situation.directory, situation.now)
    if not why or viewer is None or not viewer.badges & policy.break_glass:
        return []
    words = f"{sentence(why)}. You may act alone: everybody hears of it, and somebody else reviews it."
    return [context(words), actions(alone_button(situation, mitigation))]
