"""The request for approval of a change: exactly what would happen, how far it reaches, and how it is taken back."""

from collections.abc import Callable
from datetime import datetime

from bot.blockkit.blocks import Block, actions, context, section, untrusted
from bot.domain.mitigation import EFFECTIVE, Mitigation, State
from bot.domain.reminder import asked
from bot.engine.situation import Situation
from bot.slack.message import Message
from bot.slack.views._words import at, brief, bulleted, called, clock, in_full, person, press


def render(situation: Situation, mitigation: Mitigation) -> Message:
    """One mitigation, from proposal to its end; buttons only while they do something."""
    plan = mitigation.plan
    what = untrusted(f"{plan.means} on {plan.target}", 200)
    blocks = [section(f"*{mitigation.id} · {what}*\n{standing(situation, mitigation)}")]
    blocks += [section(f"*What changes*\n{changes(mitigation)}")]
    blocks.append(section(fields=[
        f"*Blast radius*\n{untrusted(plan.blast_radius or 'not stated', 400)}",
        f"*Way back*\n{untrusted(plan.undo or 'none', 400)}",
        f"*Proposed by*\n{person(situation, mitigation.proposed_by)}",
        f"*Because*\n{untrusted(mitigation.because or 'no reason given', 400)}",
    ]))  # fmt: skip
    if plan.warnings:
        blocks.append(context(untrusted("⚠ " + "; ".join(plan.warnings), 600)))
    waiting = _asked(situation, mitigation)
    blocks += [context(waiting)] if waiting else []
    blocks.append(context(_small_print(mitigation)))
    row = _buttons(situation, mitigation)
    blocks += [row] if row else []
    words = standing(situation, mitigation, who=called, when=clock)
    todo = {State.PROPOSED: " Review it in the thread.", State.UNKNOWN: " Settle it by hand."}.get(mitigation.state, "")
    return Message(f"{brief(situation.incident)} {mitigation.id}: {what}. {words}{todo}", in_full(situation, blocks))


def changes(mitigation: Mitigation, limit: int = 2_000) -> str:
    """The dry run's lines, in mrkdwn."""
    return bulleted([untrusted(line, 300) for line in mitigation.plan.diff], 30, limit) or "nothing"


def standing(
    situation: Situation,
    mitigation: Mitigation,
    who: Callable[[Situation, str], str] = person,
    when: Callable[[datetime | None], str] = at,
) -> str:
    """Where it stands, in one sentence of mrkdwn; `who` names a person, `when` a time."""
    detail = untrusted(mitigation.detail, 300) if mitigation.detail else ""
    approver = who(situation, mitigation.approvals[-1].person) if mitigation.approvals else "somebody"
    words = {
        State.PROPOSED: f"Waits for the approval of a second person until {when(mitigation.expires_at)}.",
        State.APPROVED: f"Approved by {approver}; carried out as soon as the evidence is held.",
        State.CLAIMED: f"Approved by {approver}; being carried out.",
        State.APPLIED: f"Applied {when(mitigation.applied_at)}, approved by {approver}; the data tell if it helps.",
        State.VERIFIED: f"Verified {when(mitigation.verified_at)}: the SLI is met again. Approved by {approver}.",
        State.NOT_HELPING: f"Applied, but does not seem to help: {detail}",
        State.FAILED: f"Failed, nothing was changed: {detail}",
        State.UNKNOWN: f"Nobody can tell whether it was applied: {detail} A person must look; it is not tried again.",
        State.DECLINED: f"Declined: {detail}",
        State.EXPIRED: "Nobody approved in time; nothing was changed.",
        State.STALE: "The target changed after the plan was made; nothing was done. Propose it again.",
        State.UNDOING: "Being undone.",
        State.UNDONE: f"Undone: {detail}",
    }
    return words[mitigation.state]


def _asked(situation: Situation, mitigation: Mitigation) -> str:
    """Who was told by direct message, while it waits."""
    if mitigation.state is not State.PROPOSED:
        return ""
    told = [person(situation, one) for one in asked(situation.incident, mitigation.id)]
    return f"Asked: {', '.join(told[:8])}" if told else ""


def _small_print(mitigation: Mitigation) -> str:
    parts = [f"digest `{mitigation.digest[:12]}`", f"class {mitigation.plan.klass.value}"]
    if mitigation.held is not None:
        held = ", ".join(mitigation.held) or "nothing"
        parts.append(f"evidence held: {untrusted(held, 200)}")
        if mitigation.not_held:
            parts.append(f"missing: {untrusted(', '.join(mitigation.not_held), 200)}")
    elif mitigation.plan.means.needs_hold and mitigation.is_pending:
        parts.append("evidence is being secured")
    return " · ".join(parts)


def _buttons(situation: Situation, mitigation: Mitigation) -> Block | None:
    incident, name = situation.incident.id, mitigation.id
    if mitigation.state is State.PROPOSED:
        return actions(
            press("Review & approve", "approve.open", incident, name, style="primary"),
            press("Decline", "decline.open", incident, name),
        )
    if mitigation.state is State.UNKNOWN:
        return actions(press("Settle by hand", "settle.open", incident, name, style="danger"))
    if mitigation.state in EFFECTIVE:
        return actions(press("Undo", "undo.open", incident, name, style="danger"))
    return None
