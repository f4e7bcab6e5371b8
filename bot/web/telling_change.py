"""Puts a change of production into the API's words: the plan, and how far it got."""

from __future__ import annotations

from typing import Any

from bot.domain.hold import held_back
from bot.domain.mitigation import Mitigation, Plan, State
from bot.domain.policy import Policy
from bot.domain.reading import wants_name
from bot.engine.situation import Situation
from bot.web.delta import deltas
from bot.web.shapes_change import (
    ApprovalShape,
    DeltaShape,
    HeldShape,
    LegalHoldShape,
    MitigationShape,
    PreviewShape,
)


def mitigation(each: Mitigation, situation: Situation, policy: Policy) -> MitigationShape:
    """One change with its plan; people by name."""
    name = situation.name
    return MitigationShape(
        **{**_plan(each.plan, policy), "digest": each.digest, "needs": each.needs},
        id=each.id,
        offer=each.offer,
        state=each.state,
        proposed_by=name(each.proposed_by),
        proposed_at=each.proposed_at,
        because=each.because,
        approvals=[
            ApprovalShape(person=name(given.person), digest=given.digest, at=given.at, stepped_up=given.stepped_up)
            for given in each.approvals
        ],
        approved=len(each.approvers),
        expires_at=each.expires_at,
        name_wanted=wants_name(situation.incident, alone=False),
        outdated=each.plan.rules != policy.fingerprint,
        automatic=each.automatic,
        glass=each.glass,
        reviewed_by=name(each.reviewed_by) if each.reviewed_by else "",
        hold_until=each.hold_until,
        hold_finished=each.hold_finished,
        hold_waived=each.hold_waived,
        held=list(each.held) if each.held is not None else None,
        held_as=[HeldShape.model_validate(piece) for piece in each.held_as],
        not_held=list(each.not_held),
        held_back=held_back(situation.incident, each),
        override=each.override,
        waits_because=_waits(each, situation),
        claimed_at=each.claimed_at,
        accepted_at=each.accepted_at,
        applied_at=each.applied_at,
        verified_at=each.verified_at,
        undone_at=each.undone_at,
        undos=each.undos,
        detail=each.detail,
    )


def preview(plan: Plan, policy: Policy, *, offer: str, label: str, refused: str) -> PreviewShape:
    """A plan nobody proposed yet."""
    return PreviewShape(**_plan(plan, policy), offer=offer, label=label, refused=refused)


def legal_hold(situation: Situation) -> LegalHoldShape | None:
    """Counsel's hold, while it stands."""
    held = situation.incident.legal_hold
    return LegalHoldShape(by=situation.name(held.by), at=held.at, because=held.because) if held else None


def _plan(plan: Plan, policy: Policy) -> dict[str, Any]:
    return {
        "means": plan.means,
        "action": plan.action,
        "target": plan.target,
        "target_uid": plan.target_uid,
        "token": plan.token,
        "params": dict(plan.params),
        "before": dict(plan.before),
        "after": dict(plan.after),
        "diff": list(plan.diff),
        "changes": [DeltaShape.model_validate(each) for each in deltas(plan)],
        "blast_radius": plan.blast_radius,
        "share": plan.share,
        "klass": int(plan.klass),
        "serves": dict(plan.serves),
        "dry_run": plan.dry_run,
        "undo": plan.undo,
        "undo_params": dict(plan.undo_params),
        "managed_by": plan.managed_by,
        "warnings": list(plan.warnings),
        "rules": plan.rules,
        "digest": plan.digest,
        "needs": policy.quorum_of(plan.target, plan.klass),
        "approve_by": sorted(policy.approvers(plan.target, plan.klass)),
        "code_wanted": plan.klass in policy.step_up,
    }


def _waits(each: Mitigation, situation: Situation) -> str:
    """What stood in its way when it was last tried, while it is still to be done."""
    name = f"{situation.incident.id}:{each.id}"
    keys = {
        State.APPROVED: f"execute:{name}",
        State.CLAIMED: f"execute:{name}",
        State.UNDOING: f"undo:{name}:{each.undos}",
    }
    trouble = situation.incident.troubles.get(keys.get(each.state, ""))
    return trouble.because if trouble else ""
