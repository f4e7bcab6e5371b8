"""A dialog that asks for the reason of a deed: decline, undo, settle, re-open, go ahead without, hold and release."""

from bot.blockkit.blocks import Block, View, alert, input_block, modal, option, plain_text_input, radio_buttons, section
from bot.blockkit.text import clean, untrusted
from bot.domain.execution import settlements
from bot.domain.guard import MOVING
from bot.domain.hold import WAITING, held_back
from bot.domain.incident import Incident
from bot.domain.mitigation import Mitigation, Outcome, State
from bot.engine.situation import Situation
from bot.slack.ids import Ref
from bot.slack.views import request
from bot.slack.views._change import evidence
from bot.slack.views._words import about, at, person, several

SETTLED = {
    Outcome.APPLIED: "It was applied", Outcome.FAILED: "It was not applied, nothing was changed",
    Outcome.TAKEN_BACK: "It was taken back", Outcome.STANDS: "It still stands, it was not taken back",
}  # fmt: skip
HEADINGS = {
    "decline": "Decline", "undo": "Undo", "settle": "Settle by hand", "reopen": "Re-open",
    "skip": "Skip evidence for", "override": "Override hold for", "hold": "Legal hold", "release": "Release hold",
}  # fmt: skip
SUBMITS = {"skip": "Go ahead", "override": "Override", "hold": "Place hold", "release": "Release"}
LABELS = {
    "settle": "What did you look at?",
    "skip": "Who is at risk, and why can it not wait?",
    "override": "Why can it not wait for counsel?",
    "hold": "Why must nothing be altered?",
    "release": "Why may it go on?",
}
OF_THE_INCIDENT = frozenset({"reopen", "hold", "release"})


def render(deed: str, situation: Situation, mitigation: Mitigation | None = None) -> View:
    """The dialog for a deed on a mitigation (decline, undo, settle, skip, override) or on the incident (the others)."""
    incident = situation.incident
    words = about(situation)
    if mitigation is not None:
        words += f"\n{mitigation.id}: {request.standing(situation, mitigation)}"
        words += f"\n{_back(mitigation) if deed == 'undo' else request.changes(mitigation, 1_200)}"
    blocks = [section(words), *_consequences(deed, situation, mitigation)]
    if deed == "settle" and mitigation is not None:
        choices = [option(SETTLED[each], each.value) for each in settlements(mitigation)]
        blocks.append(input_block("What does the target show?", radio_buttons("value", choices), block_id="outcome"))
    field = plain_text_input("value", multiline=True, max_length=1_000)
    hint = "Everybody in the incident reads it: write nothing that is privileged." if deed in _TOLD else None
    blocks.append(input_block(LABELS.get(deed, "Why?"), field, block_id="reason", hint=hint))
    item = mitigation.id if mitigation is not None else ""
    heading = HEADINGS[deed] if deed in ("hold", "release") else f"{HEADINGS[deed]} {item or incident.id}"
    return modal(
        clean(heading, 24), blocks, callback_id=deed, submit=SUBMITS.get(deed, HEADINGS[deed]),
        private_metadata=Ref(incident.id, item).metadata,
    )  # fmt: skip


_TOLD = frozenset({"hold", "release", "override"})


def _back(mitigation: Mitigation) -> str:
    """What taking it back does, in mrkdwn: the way back of the plan, not its way there."""
    return f"*What changes*\n{untrusted(mitigation.plan.undo or 'the target says no way back', 1_200)}"


def _consequences(deed: str, situation: Situation, mitigation: Mitigation | None) -> list[Block]:
    """What whoever says it should know first."""
    incident, hold = situation.incident, situation.incident.legal_hold
    placed = ""
    if hold is not None:
        placed = f"*Legal hold* by {person(situation, hold.by)} since {at(hold.at)}: {untrusted(hold.because, 600)}"
    match deed:
        case "undo" if mitigation is not None and mitigation.state is State.VERIFIED:
            return [section("*The data say that it helps.* Taken back, what it mitigates may come back.")]
        case "skip" if mitigation is not None:
            words = "What there is of it is still collected, and what is missing is recorded."
            return [alert("Only where people are at risk.", level="error"), section(f"{evidence(mitigation)}\n{words}")]
        case "override":
            words = "This one change goes ahead; for everything else the hold stays. Counsel is told."
            return [alert("Counsel wants nothing altered.", level="error"), section(f"{placed}\n{words}".strip())]
        case "hold":
            again = f"\n{placed}\nYour words take the place of these." if placed else ""
            return [section(f"{_stopped(incident)}{again}")]
        case "release":
            return [section(f"{placed}\n{_freed(incident)}".strip())]
    return []


def _stopped(incident: Incident) -> str:
    """What a hold stops, and what not."""
    waits = [m.id for m in incident.mitigations.values() if m.plan.klass in MOVING and m.state in WAITING]
    gone = [m.id for m in incident.mitigations.values() if m.state is State.CLAIMED]
    words = "Until you release it no change is carried out that moves traffic or is wider, and none is taken back."
    words += f" {several(waits)} will wait." if waits else ""
    return words + (f" Not stopped, because it is being carried out already: {several(gone)}." if gone else "")


def _freed(incident: Incident) -> str:
    """What goes on once it is released."""
    waits = [m.id for m in incident.mitigations.values() if m.state is State.APPROVED and held_back(incident, m)]
    return f"Carried out then, if still in time: {several(waits)}." if waits else "Nothing waits for it yet."
