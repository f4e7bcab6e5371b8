"""Changing production: propose, read and approve, decline, undo, settle an unknown outcome by hand."""

import logging

from bot.domain.approval import ApproveMitigation, DeclineMitigation
from bot.domain.errors import Conflict, Refused, Unavailable, Unproved
from bot.domain.execution import ReportOutcome
from bot.domain.mitigation import Mitigation, Outcome, State, mitigation_of
from bot.domain.runbook import CompleteStep
from bot.domain.undo import UndoMitigation
from bot.slack.knock import Errors, Knock, Reply, Show, Slow, Tell
from bot.slack.message import sentence
from bot.slack.views import approve, info, propose, reason
from bot.slack.views._plan import needs_name
from bot.slack.views._words import TOO_LONG
from bot.steps.act import PROPOSED

_log = logging.getLogger(__name__)


async def propose_open(knock: Knock) -> Reply:
    """The prepared mitigations; from a runbook step, those it speaks of first."""
    kind, _, name = knock.ref.item.partition(":")
    step, first = name if kind == "step" else "", name if kind == "offer" else ""
    return Show(propose.render(await knock.situation(), step, first))


async def proposed(knock: Knock) -> Reply:
    """Resolve the plan: it asks the target, which may take a while."""
    offer = knock.values.text("offer")
    if not offer:
        return Errors({"offer": "Choose an action."})
    return Slow(_propose(knock, offer), "Reading the target")


async def _propose(knock: Knock, offer: str) -> Reply:
    reason_given = knock.values.text("reason")
    before = await knock.desk.log.load(knock.ref.incident)
    after = await knock.desk.changes.propose(knock.ref.incident, offer, reason_given, knock.who, inbound=knock.inbound)
    fresh = [name for name in after.mitigations if name not in before.mitigations]
    name = fresh[0] if fresh else next(reversed(list(after.mitigations)), "It")
    words = f"{name} is proposed. A second person approves it in the thread; you cannot approve it yourself."
    if knock.ref.item and not await _step_done(knock):
        words += " The runbook's step could not be recorded: answer it in the thread."
        return Show(info.told("Proposed", words))
    return Tell(words)


async def _step_done(knock: Knock) -> bool:
    """The step that asked for a proposal is answered by it; False where that could not be recorded."""
    try:
        await knock.submit(CompleteStep(knock.ref.item, PROPOSED), part="#step")
    except Refused as refused:  # the runbook moved on meanwhile; the proposal stands
        _log.info("the step stays as it is: %s", refused)
    except (Unavailable, Conflict) as away:
        _log.warning("the step stays open although its action is proposed: %s", away)
        return False
    return True


async def approve_open(knock: Knock) -> Reply:
    """The frozen plan, to be read."""
    situation = await knock.situation()
    mitigation, changes = mitigation_of(situation.incident, knock.ref.item), knock.desk.changes
    viewer = knock.who.person.among(situation.on_call)
    spent = await changes.spent(situation.incident, mitigation.plan) if mitigation.state is State.PROPOSED else ()
    return Show(approve.render(situation, mitigation, viewer, spent))


async def approved(knock: Knock) -> Reply:
    """Approve exactly the digest the dialog carried."""
    situation = await knock.situation()
    mitigation = mitigation_of(situation.incident, knock.ref.item)
    if mitigation.state is State.PROPOSED and not approve.whole(mitigation):
        raise Refused(TOO_LONG)
    if needs_name(situation) and (wrong := misnamed(knock, mitigation)) is not None:
        return wrong
    try:
        await knock.submit(ApproveMitigation(knock.ref.item, knock.ref.digest, knock.values.text("code")))
    except Unproved as unproved:
        return Errors({"code": sentence(unproved.because)})
    return None


def misnamed(knock: Knock, mitigation: Mitigation) -> Errors | None:
    """What was typed is not the target's name."""
    if knock.values.text("confirm") == mitigation.plan.target:
        return None
    return Errors({"confirm": f"Type {mitigation.plan.target} exactly."})


async def reason_open(knock: Knock) -> Reply:
    """Ask for the reason of a decline, an undo or a settlement."""
    situation = await knock.situation()
    deed = knock.deed.removesuffix(".open")
    return Show(reason.render(deed, situation, mitigation_of(situation.incident, knock.ref.item)))


async def declined(knock: Knock) -> Reply:
    """No, with a reason."""
    await knock.submit(DeclineMitigation(knock.ref.item, knock.values.text("reason")))
    return None


async def undone(knock: Knock) -> Reply:
    """Put it back."""
    await knock.submit(UndoMitigation(knock.ref.item, knock.values.text("reason")))
    return None


async def settled(knock: Knock) -> Reply:
    """A person looked at the target and says what they saw."""
    seen = knock.values.text("outcome")
    if seen not in list(Outcome):
        return Errors({"outcome": "Choose one."})
    outcome = Outcome(seen)
    await knock.submit(ReportOutcome(knock.ref.item, outcome, knock.values.text("reason")))
    return None


CLICKS = {"propose.open": propose_open, "approve.open": approve_open, "decline.open": reason_open,
          "undo.open": reason_open, "settle.open": reason_open}  # fmt: skip
SUBMITS = {"propose": proposed, "approve": approved, "decline": declined, "undo": undone, "settle": settled}
