"""Holds: go ahead without the evidence, counsel's hold and its release, and setting it aside for one change."""

from bot.domain.errors import Refused
from bot.domain.hold import OverrideHold, PlaceHold, ReleaseHold, SkipHold
from bot.domain.log import Command
from bot.domain.mitigation import mitigation_of
from bot.slack.knock import Close, Errors, Knock, Reply, Show
from bot.slack.views import reason

BLANK = {"skip": "Say who is at risk.", "override": "Say why it cannot wait."}


async def of_one(knock: Knock) -> Reply:
    """Ask why one change goes ahead: without its evidence, or in spite of counsel's hold."""
    situation, deed = await knock.situation(), knock.deed.removesuffix(".open")
    incident, mitigation = situation.incident, mitigation_of(situation.incident, knock.ref.item)
    policy, plan = situation.policy, mitigation.plan
    to = "go ahead without the evidence" if deed == "skip" else "override a legal hold"
    policy.require(knock.who.person.among(situation.on_call), policy.approvers(plan.target, plan.klass), to)
    if deed == "skip" and mitigation.hold_finished:
        raise Refused(f"nothing waits for the evidence of {mitigation.id} any more")
    if deed == "override" and incident.legal_hold is None:
        raise Refused(f"there is no legal hold on {incident.id} any more")
    return Show(reason.render(deed, situation, mitigation))


async def of_all(knock: Knock) -> Reply:
    """Ask counsel why everything is held as it is, or why it may go on."""
    situation, deed = await knock.situation(), knock.deed.removesuffix(".open")
    to = "place a legal hold" if deed == "hold" else "release a legal hold"
    situation.policy.require(knock.who.person.among(situation.on_call), situation.policy.counsel, to)
    if deed == "release" and situation.incident.legal_hold is None:
        raise Refused(f"there is no legal hold on {situation.incident.id} any more")
    return Show(reason.render(deed, situation))


async def said(knock: Knock) -> Reply:
    """The reason was given; the dialog below, if any, shows what is over and goes too."""
    because = knock.values.text("reason")
    if not because:
        return Errors({"reason": BLANK.get(knock.deed, "Say why.")})
    commands: dict[str, Command] = {
        "skip": SkipHold(knock.ref.item, because),
        "override": OverrideHold(knock.ref.item, because),
        "hold": PlaceHold(because),
        "release": ReleaseHold(because),
    }
    await knock.submit(commands[knock.deed])
    return Close()


CLICKS = {"skip.open": of_one, "override.open": of_one, "hold.open": of_all, "release.open": of_all}
SUBMITS = dict.fromkeys(("skip", "override", "hold", "release"), said)
