"""Duties: read them all, decide on one with a reason, begin its notice, and say who answers for its clocks."""

from bot.blockkit.text import untrusted
from bot.domain.duty import READERS, Answer, AssignDuty, DecideDuty, Duty
from bot.domain.errors import Refused
from bot.engine.situation import Situation
from bot.slack.handlers import notice as notices
from bot.slack.knock import Errors, Knock, Redraw, Reply, Show, Tell
from bot.slack.views import duties, duty


async def _duty(knock: Knock) -> tuple[Situation, Duty]:
    """The duty that is meant, for somebody who works on the incident. Raises Refused."""
    situation = await notices.seen(knock)
    known = situation.incident.duties.get(knock.ref.item)
    if known is None:
        raise Refused(f"{knock.ref.item} was not asked for {situation.incident.id}")
    return situation, known


def _decider(knock: Knock, situation: Situation) -> None:
    situation.policy.require(
        knock.who.person.among(situation.on_call), situation.policy.approve_notice, "decide a duty"
    )


async def opened(knock: Knock) -> Reply:
    """One duty in full."""
    return Show(duty.one(*await _duty(knock)))


async def reasons(knock: Knock) -> Reply:
    """Every answer with its reason, from the first page on."""
    return Show(duty.reasons(await notices.seen(knock)))


async def turned(knock: Knock) -> Reply:
    """Another page of it, in the same dialog."""
    notices.reader(knock)
    page = int(knock.ref.item) if knock.ref.item.isdecimal() else 0

    async def draw() -> dict[str, object]:
        return duty.reasons(await notices.seen(knock), page)

    return Redraw(draw)


async def deciding(knock: Knock) -> Reply:
    """Ask why it is the other way round."""
    return Show(duty.decide(*await _duty(knock)))


async def choosing(knock: Knock) -> Reply:
    """Ask whether there is a duty, and why."""
    situation, known = await _duty(knock)
    _decider(knock, situation)
    return Show(duty.decide(situation, known, free=True))


async def decided(knock: Knock) -> Reply:
    """Counsel decided, with a reason; the duties as they stand now."""
    said = knock.values.text("answer") or knock.ref.digest
    if not said:
        return Errors({"answer": "Say whether there is a duty."})
    try:
        answer = Answer(said)
    except ValueError:
        raise Refused("this form is from another version of Tocsin; open the duties again") from None
    reason = knock.values.text("reason")
    if not reason:
        return Errors({"reason": "A decision needs its reason."})
    await knock.submit(DecideDuty(knock.ref.item, answer, reason))
    return await notices.overview(knock)


async def beginning(knock: Knock) -> Reply:
    """Ask which notice of it to begin."""
    situation, known = await _duty(knock)
    situation.policy.require(knock.who.person, READERS, "request a notice")
    return Show(duty.begin(situation, known))


async def assigning(knock: Knock) -> Reply:
    """Ask who answers for it."""
    situation, known = await _duty(knock)
    situation.policy.require(knock.who.person, READERS, "say who answers for a duty")
    return Show(duty.owner(situation, known))


async def assigned(knock: Knock) -> Reply:
    """Somebody answers for it from now on."""
    found = {}
    for name in ("owner", "deputy"):
        user = knock.values.text(name)
        person = await knock.desk.people.by_slack(knock.who.slack_team, user) if user else None
        if user and person is None:
            return Errors({name: "The directory does not know this person."})
        found[name] = person.id if person is not None else ""
    if not found["owner"]:
        return Errors({"owner": "Choose who answers for it."})
    if found["owner"] == found["deputy"]:
        return Errors({"deputy": "The deputy is somebody else: they step in where the first person cannot."})
    await knock.submit(AssignDuty(knock.ref.item, found["owner"], found["deputy"]))
    known = [await knock.desk.people.by_id(one) for one in found.values() if one]
    names = [untrusted(each.name, 80) for each in known if each]
    return Tell(f"{' and '.join(names)} answer{'s' if len(names) == 1 else ''} for it now.")


CLICKS = {duties.OPEN: opened, duties.REASONS: reasons, "duty.reasons.on": turned, "duty.reasons.back": turned,
          duty.DECIDE_OPEN: deciding, "duty.choose": choosing, "duty.begin": beginning,
          duty.OWNER: assigning}  # fmt: skip
SUBMITS = {duty.DECIDE: decided, duty.OWNER: assigned}
