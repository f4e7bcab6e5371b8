"""The request for approval of a change: exactly what would happen, how far it reaches, and how it is taken back."""

from collections.abc import Callable
from datetime import datetime

from bot.blockkit.blocks import Element, actions, context, section, untrusted
from bot.domain.glass import nobody_else
from bot.domain.hold import held_back
from bot.domain.mitigation import EFFECTIVE, Mitigation, State
from bot.domain.proof import MitigationVerified
from bot.domain.reminder import asked
from bot.domain.service import Offer
from bot.engine.situation import Situation
from bot.slack.message import Message
from bot.slack.views import _plan
from bot.slack.views._change import (
    Naming,
    alone,
    alone_button,
    approved_by,
    evidence,
    frozen,
    held_by_counsel,
    next_offer,
    quorum,
)
from bot.slack.views._words import at, brief, bulleted, called, clock, ended, in_full, person, press

PENDING = frozenset({State.PROPOSED, State.APPROVED})


def render(situation: Situation, mitigation: Mitigation) -> Message:
    """One mitigation, from proposal to its end; buttons only while they do something."""
    plan = mitigation.plan
    what = untrusted(f"{plan.means} on {plan.target}", 200)
    blocks = [section(f"*{mitigation.id} · {what}*\n{standing(situation, mitigation)}")]
    loud = [line for line in (alone(situation, mitigation), *_held_up(situation, mitigation)) if line]
    blocks += [section("\n".join(loud))] if loud else []
    blocks += [section(f"*What changes*\n{changes(mitigation)}")]
    reach = f"{_plan.reach(plan.share)}: {untrusted(plan.blast_radius or 'not stated', 400)}"
    reach += f"\nthen {untrusted(_plan.serving(plan.serves), 300)}" if plan.serves else ""
    blocks.append(section(fields=[
        f"*How much of production*\n{reach}",
        f"*Way back*\n{untrusted(plan.undo, 400) if plan.reversible else '⚠ *None*: it stays'}",
        f"*Proposed by*\n{person(situation, mitigation.proposed_by)}",
        f"*Because*\n{untrusted(mitigation.because or 'no reason given', 400)}",
    ]))  # fmt: skip
    warnings = [*plan.warnings, *([f"managed by {plan.managed_by}"] if plan.managed_by else [])]
    if warnings:
        blocks.append(context(untrusted("⚠ " + "; ".join(warnings), 600)))
    told = [line for line in (_asked(situation, mitigation), _proof(situation, mitigation)) if line]
    blocks += [context(line) for line in told]
    blocks.append(context(_small_print(mitigation)))
    row = _buttons(situation, mitigation)
    blocks += [actions(*row)] if row else []
    words = standing(situation, mitigation, who=called, when=clock)
    todo = {State.PROPOSED: " Review it in the thread.", State.UNKNOWN: " Settle it by hand."}.get(mitigation.state, "")
    return Message(f"{brief(situation.incident)} {mitigation.id}: {what}. {words}{todo}", in_full(situation, blocks))


def changes(mitigation: Mitigation, limit: int = 2_000) -> str:
    """The dry run's lines, in mrkdwn."""
    return bulleted([untrusted(line, 300) for line in mitigation.plan.diff], 30, limit) or "nothing"


def standing(
    situation: Situation,
    mitigation: Mitigation,
    who: Naming = person,
    when: Callable[[datetime | None], str] = at,
) -> str:
    """Where it stands, in one sentence of mrkdwn; `who` names a person, `when` a time."""
    detail = untrusted(mitigation.detail, 300) if mitigation.detail else ""
    by = approved_by(situation, mitigation, who)
    words = {
        State.PROPOSED: _waiting(situation, mitigation, who, when),
        State.APPROVED: f"{by}; {_next(situation, mitigation)}.",
        State.CLAIMED: f"{by}; being carried out." + (f" {detail}" if mitigation.accepted_at and detail else ""),
        State.APPLIED: f"Applied {when(mitigation.applied_at)}; the data tell if it helps. {by}.",
        State.VERIFIED: f"Verified {when(mitigation.verified_at)}: the SLI is met again. {by}.",
        State.NOT_HELPING: f"Applied, but does not seem to help: {detail}",
        State.FAILED: f"Failed, nothing was changed: {detail}",
        State.UNKNOWN: f"Nobody can tell whether it was {_doubted(mitigation)}: {ended(detail)} "
        "A person must look; it is not tried again.",
        State.DECLINED: f"Declined: {detail}",
        State.EXPIRED: "Its time ran out; nothing was changed.",
        State.STALE: f"Not carried out, nothing was changed: {_stale(detail)}",
        State.UNDOING: "Being undone." + (f" {detail}" if mitigation.accepted_at and detail else ""),
        State.UNDONE: f"Undone: {detail}",
    }
    return words[mitigation.state]


def _doubted(mitigation: Mitigation) -> str:
    return "taken back" if mitigation.undo_in_doubt else "applied"


def _waiting(situation: Situation, mitigation: Mitigation, who: Naming, when: Callable[[datetime | None], str]) -> str:
    """What a proposal waits for."""
    if mitigation.plan.rules != situation.policy.fingerprint:
        return "The rules of the house changed since; nobody can approve it any more. Propose it again."
    until = when(mitigation.expires_at)
    if mitigation.needs == 1:
        return f"Waits for the approval of a second person until {until}."
    left = mitigation.needs - len(mitigation.approvers)
    people = "1 more person" if left == 1 else f"{left} people"
    return f"{quorum(situation, mitigation, who)}. Waits for {people} until {until}."


def _next(situation: Situation, mitigation: Mitigation) -> str:
    """What stands between an approval and its being carried out."""
    if held_back(situation.incident, mitigation):
        return "waits for counsel, who holds everything as it is"
    if not mitigation.hold_finished:
        return "carried out as soon as the evidence is held"
    return "not carried out yet" if _trouble(situation, mitigation) else "carried out now"


def _stale(detail: str) -> str:
    """Why a plan is void, and what to do."""
    because = detail or "the target changed after the plan was made"
    return because if "propose it again" in because else f"{because}. Propose it again."


def _trouble(situation: Situation, mitigation: Mitigation) -> str:
    """Why it could not be carried out, or taken back, when it was last tried."""
    name = f"{situation.incident.id}:{mitigation.id}"
    keys = {State.APPROVED: f"execute:{name}", State.UNDOING: f"undo:{name}:{mitigation.undos}"}
    trouble = situation.incident.troubles.get(keys.get(mitigation.state, ""))
    return f"⚠ Not done yet: {untrusted(trouble.because, 300)}" if trouble is not None else ""


def _held_up(situation: Situation, mitigation: Mitigation) -> list[str]:
    """What keeps it waiting that people may not think of: a freeze, counsel, a cool-down."""
    lines = []
    if mitigation.state in PENDING and not mitigation.glass:
        lines += frozen(situation, mitigation)
    if mitigation.state in PENDING | EFFECTIVE:
        lines.append(held_by_counsel(situation, mitigation))
    if mitigation.hold_waived and mitigation.state in PENDING:
        lines.append(evidence(mitigation) if mitigation.held is None else "")
    lines.append(_trouble(situation, mitigation))
    if (following := _following(situation, mitigation)) is not None:
        lines.append(f"Undo it, or go on with the next that is prepared: *{untrusted(following.label, 100)}*")
    return lines


def _asked(situation: Situation, mitigation: Mitigation) -> str:
    """Who was told by direct message, while it waits."""
    if mitigation.state is not State.PROPOSED:
        return ""
    told = [person(situation, one) for one in asked(situation.incident, mitigation.id)]
    return f"Asked: {', '.join(told[:8])}" if told else ""


def _proof(situation: Situation, mitigation: Mitigation) -> str:
    """What the target, its traffic and the SLI showed when it was said to have helped."""
    if mitigation.state is not State.VERIFIED:
        return ""
    for entry in reversed(situation.entries):
        if isinstance(entry.event, MitigationVerified) and entry.event.id == mitigation.id:
            return f"Proved by: {untrusted(entry.event.because, 600)}"
    return ""


def _small_print(mitigation: Mitigation) -> str:
    plan = mitigation.plan
    parts = [f"digest `{mitigation.digest[:12]}`", plan.klass.said]
    parts += [f"tried dry: {untrusted(plan.dry_run, 200)}"] if plan.dry_run else []
    held = evidence(mitigation)
    shown = mitigation.held is not None or mitigation.is_pending
    return " · ".join([*parts, held] if held and shown and not held.startswith("⚠") else parts)


def _buttons(situation: Situation, mitigation: Mitigation) -> list[Element]:
    incident, name, state = situation.incident.id, mitigation.id, mitigation.state
    back = held_back(situation.incident, mitigation)
    row: list[Element] = []
    match state:
        case State.PROPOSED:
            row += _deciding(situation, mitigation)
        case State.APPROVED:
            if not mitigation.hold_finished and not back and situation.now < mitigation.hold_until:
                row.append(press("Go ahead without the evidence", "skip.open", incident, name))
            row.append(press("Decline", "decline.open", incident, name))
            if nobody_else(mitigation, situation.policy, situation.directory, situation.now):
                row.append(alone_button(situation, mitigation))
        case State.UNKNOWN:
            row.append(press("Settle by hand", "settle.open", incident, name, style="danger"))
        case State.APPLIED | State.VERIFIED | State.NOT_HELPING if mitigation.plan.reversible and not back:
            row.append(press("Undo", "undo.open", incident, name, style="danger"))
    if back and state in {State.APPROVED} | EFFECTIVE:
        row.append(press("Override the hold", "override.open", incident, name, style="danger"))
    if (following := _following(situation, mitigation)) is not None:
        row.append(press(f"Propose: {following.label}", "propose.open", incident, f"offer:{following.name}"))
    if mitigation.wants_review:
        row.append(press("Review", "review.open", incident, name, style="primary"))
    return row


def _deciding(situation: Situation, mitigation: Mitigation) -> list[Element]:
    """Of a proposal: yes while the rules are those it was made under, no, and alone once nobody else comes."""
    incident, name = situation.incident.id, mitigation.id
    no = press("Decline", "decline.open", incident, name)
    if mitigation.plan.rules != situation.policy.fingerprint:
        return [no]
    row = [press("Review & approve", "approve.open", incident, name, style="primary"), no]
    alone_now = nobody_else(mitigation, situation.policy, situation.directory, situation.now)
    return [*row, alone_button(situation, mitigation)] if alone_now else row


def _following(situation: Situation, mitigation: Mitigation) -> Offer | None:
    """The next that is prepared, where this one does not help."""
    unhelpful = mitigation.state is State.NOT_HELPING and situation.incident.is_open
    return next_offer(situation, mitigation) if unhelpful else None
