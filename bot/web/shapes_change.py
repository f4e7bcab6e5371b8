"""A change of production in JSON: the plan as it is approved, who said yes and how, and how far it got."""

from __future__ import annotations

from bot.web.shape import Instant, Shape


class DeltaShape(Shape):
    """One field the plan changes; null where it is not there."""

    what: str
    before: str | None
    after: str | None


class PlanShape(Shape):
    """What changes, where and how wide, how it was tried, and the way back: everything the digest covers."""

    means: str
    action: str
    target: str
    target_uid: str
    """Which thing that name stands for, as the target itself calls it."""
    token: str
    """The target's version the plan was made against."""
    params: dict[str, object]
    before: dict[str, object]
    after: dict[str, object]
    diff: list[str]
    changes: list[DeltaShape]
    """The same, field by field, read off `before` and `after`."""
    blast_radius: str
    share: float
    """Of production, 0 to 1."""
    klass: int
    serves: dict[str, float]
    """The share of traffic each version takes afterwards, 0 to 1; empty where the target cannot say."""
    dry_run: str
    undo: str
    undo_params: dict[str, object]
    """What is asked of the target to go back."""
    managed_by: str
    warnings: list[str]
    rules: str
    """The fingerprint of the policy it was planned under; empty before it is proposed."""
    digest: str
    needs: int
    """How many distinct people must approve it."""
    approve_by: list[str]
    """Who may: roles, `@key`, `group:name`, `on-call`."""
    code_wanted: bool
    """Whether each of them approves with a fresh one-time code."""


class PreviewShape(PlanShape):
    """The plan of a prepared mitigation as of now; nothing was changed, and nothing was asked."""

    offer: str
    label: str
    refused: str
    """Why this person could not propose it now, "" where they could."""


class ApprovalShape(Shape):
    """One person's yes to one digest; `stepped_up` where they proved themselves once more for it."""

    person: str
    digest: str
    at: Instant
    stepped_up: bool


class HeldShape(Shape):
    """A piece of evidence secured before the change: its exhibit's name and the SHA-256 of its bytes."""

    name: str
    sha256: str


class MitigationShape(PlanShape):
    """One proposed change and how far it got."""

    id: str
    offer: str
    state: str
    proposed_by: str
    proposed_at: Instant
    because: str
    approvals: list[ApprovalShape]
    approved: int
    """How many distinct people have approved exactly this plan."""
    expires_at: Instant
    name_wanted: bool
    """Whether a person who approves it types the target's name: the incident is SEV1."""
    outdated: bool
    """Whether the rules of the house changed since it was proposed."""
    automatic: bool
    """Whether the policy approved it beforehand."""
    glass: str
    """Why one person acted alone, "" where nobody did."""
    reviewed_by: str
    hold_until: Instant
    """When the change stops waiting for its evidence."""
    hold_finished: bool
    hold_waived: str
    """Why nobody waits for the evidence: people are at risk."""
    held: list[str] | None
    held_as: list[HeldShape]
    not_held: list[str]
    held_back: bool
    """Whether counsel's hold keeps it from being carried out."""
    override: str
    """Why counsel's hold does not stop it."""
    waits_because: str
    """Why it could not be carried out, or taken back, when it was last tried."""
    claimed_at: Instant | None
    accepted_at: Instant | None
    """When the target took it, or its undoing, and went on its way."""
    applied_at: Instant | None
    verified_at: Instant | None
    undone_at: Instant | None
    undos: int
    detail: str


class LegalHoldShape(Shape):
    """Counsel's word that nothing that matters may be altered."""

    by: str
    at: Instant
    because: str


class CodeShape(Shape):
    """A one-time code: told once, good for one person, one plan and a few minutes."""

    mitigation: str
    code: str
    until: Instant
