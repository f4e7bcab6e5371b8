"""Words about a change of production that the dialogs, its message and the card share."""

from collections.abc import Callable

from bot.blockkit.blocks import Element
from bot.blockkit.text import untrusted
from bot.domain.hold import held_back
from bot.domain.mitigation import EFFECTIVE, Mitigation
from bot.domain.service import Offer
from bot.engine.situation import Situation
from bot.slack.views._words import at, person, press, several

Naming = Callable[[Situation, str], str]


def alone_button(situation: Situation, mitigation: Mitigation) -> Element:
    """The way to act alone."""
    return press("Act alone", "glass.open", situation.incident.id, mitigation.id, style="danger")


def quorum(situation: Situation, mitigation: Mitigation, who: Naming = person) -> str:
    """How many people said yes of those it takes, by name: `1 of 2 approved: Ben`."""
    yes = several([who(situation, each) for each in mitigation.approvers])
    return f"{len(mitigation.approvers)} of {mitigation.needs} approved" + (f": {yes}" if yes else "")


def approved_by(situation: Situation, mitigation: Mitigation, who: Naming = person) -> str:
    """Who answers for it: the people who approved, one alone, or the policy."""
    if mitigation.automatic:
        return "Approved beforehand by the policy"
    names = [who(situation, each) for each in mitigation.approvers]
    if mitigation.glass:
        return f"{names[-1] if names else 'Somebody'} {_acts(mitigation)} alone"
    return f"Approved by {several(names) or 'somebody'}"


def alone(situation: Situation, mitigation: Mitigation) -> str:
    """Aloud who acted alone and why, and whether somebody looked at it since; "" where nobody did."""
    if not mitigation.glass:
        return ""
    name = person(situation, mitigation.approvers[-1]) if mitigation.approvers else "Somebody"
    seen = "\nNobody has reviewed it yet." if mitigation.wants_review else ""
    if mitigation.reviewed_by:
        seen = f"\nReviewed by {person(situation, mitigation.reviewed_by)}."
    return f"⚠ *{name} {_acts(mitigation)} alone*: {untrusted(mitigation.glass, 600)}{seen}"


def _acts(mitigation: Mitigation) -> str:
    return "acts" if mitigation.claimed_at is None else "acted"


def frozen(situation: Situation, mitigation: Mitigation, told: str = "") -> list[str]:
    """The freeze that holds it back now, with its reason, unless it is `told` already."""
    found = situation.policy.frozen(mitigation.plan.target, mitigation.plan.klass, situation.now)
    if found is None or f"{found[0].name} holds" in told:
        return []
    freeze, until = found
    return [f"⚠ *{untrusted(freeze.name, 80)}* holds until {at(until)}: {untrusted(freeze.because, 300)}"]


def held_by_counsel(situation: Situation, mitigation: Mitigation) -> str:
    """Counsel's hold where it keeps this change waiting, or that it goes ahead in spite of it."""
    hold = situation.incident.legal_hold
    if hold is None:
        return ""
    if mitigation.override:
        return f"⚠ Goes ahead in spite of the legal hold: {untrusted(mitigation.override, 400)}"
    if not held_back(situation.incident, mitigation):
        return ""
    words = f"⚠ *Legal hold* by {person(situation, hold.by)} since {at(hold.at)}: {untrusted(hold.because, 400)}"
    waits = "Taking it back" if mitigation.state in EFFECTIVE else "It"
    return f"{words}\n{waits} waits until counsel releases the hold, or an approver overrides it for this change."


def evidence(mitigation: Mitigation) -> str:
    """What of the evidence is held; "" for a change that takes nothing away."""
    if mitigation.hold_waived and mitigation.held is None:
        return f"⚠ Does not wait for the evidence: {untrusted(mitigation.hold_waived, 300)}"
    if mitigation.held is not None:
        held = untrusted(", ".join(mitigation.held), 200) or "nothing"
        missing = f"; missing: {untrusted(', '.join(mitigation.not_held), 200)}" if mitigation.not_held else ""
        return f"Evidence held: {held}{missing}"
    if mitigation.plan.means.needs_hold:
        return f"Evidence is being secured, until {at(mitigation.hold_until)} at the latest."
    return ""


def next_offer(situation: Situation, mitigation: Mitigation) -> Offer | None:
    """The prepared mitigation to try after this one: the first that may help and was not tried."""
    tried = {each.offer for each in situation.incident.mitigations.values()} - {""}
    same = (mitigation.plan.means, mitigation.plan.target)
    for offer, unfit in situation.offers:
        if not unfit and offer.name not in tried and (offer.means, offer.target) != same:
            return offer
    return None
