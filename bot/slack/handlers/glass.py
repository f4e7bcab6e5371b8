"""Acting alone, and looking at it afterwards: read first what follows, then say why."""

from bot.domain.errors import Refused, Unproved
from bot.domain.glass import SHORTEST, ReviewGlass, may_review
from bot.domain.mitigation import State, mitigation_of
from bot.slack.handlers.mitigation import misnamed
from bot.slack.knock import Close, Errors, Knock, Reply, Show
from bot.slack.message import sentence
from bot.slack.views import glass
from bot.slack.views._words import TOO_LONG


async def alone_open(knock: Knock) -> Reply:
    """The whole plan and what follows, for somebody who may."""
    situation = await knock.situation()
    mitigation, policy = mitigation_of(situation.incident, knock.ref.item), situation.policy
    policy.require(knock.who.person.among(situation.on_call), policy.break_glass, "act alone")
    told = await knock.desk.changes.heard_by(situation.incident.id)
    return Show(glass.alone(situation, mitigation, [each for each in told if each != knock.who.id]))


async def alone(knock: Knock) -> Reply:
    """Carry out exactly the digest the dialog carried; the approval's dialog below it is void then."""
    situation = await knock.situation()
    mitigation = mitigation_of(situation.incident, knock.ref.item)
    if mitigation.state in (State.PROPOSED, State.APPROVED) and not glass.whole(mitigation):
        raise Refused(TOO_LONG)
    because = knock.values.text("reason")
    if len(because) < SHORTEST:
        return Errors({"reason": f"Say it in a sentence: {SHORTEST} characters at least."})
    if (wrong := misnamed(knock, mitigation)) is not None:
        return wrong
    try:
        await knock.desk.changes.break_glass(
            situation.incident.id, mitigation.id, knock.ref.digest, because, knock.who,
            code=knock.values.text("code"), inbound=knock.inbound,
        )  # fmt: skip
    except Unproved as unproved:
        return Errors({"code": sentence(unproved.because)})
    return Close()


async def review_open(knock: Knock) -> Reply:
    """What was done alone, for somebody who had no part in it."""
    situation = await knock.situation()
    mitigation, who = mitigation_of(situation.incident, knock.ref.item), knock.who.person.among(situation.on_call)
    if mitigation.wants_review and not may_review(mitigation, who, situation.policy):
        acted = who.id in {mitigation.proposed_by, *mitigation.approvers}
        raise Refused(
            f"you acted in {mitigation.id}; somebody else must review it"
            if acted
            else f"{mitigation.id} is reviewed by somebody who could have approved it"
        )
    return Show(glass.review(situation, mitigation))


async def reviewed(knock: Knock) -> Reply:
    """Right or not, and what follows."""
    justified, words = knock.values.text("justified"), knock.values.text("reason")
    missing = {"justified": "Choose one.", "reason": "Say what you found."}
    wrong = {name: said for name, said in missing.items() if not {"justified": justified, "reason": words}[name]}
    if wrong:
        return Errors(wrong)
    await knock.submit(ReviewGlass(knock.ref.item, justified == "yes", words))
    return None


CLICKS = {"glass.open": alone_open, "review.open": review_open}
SUBMITS = {glass.ALONE: alone, glass.REVIEW: reviewed}
