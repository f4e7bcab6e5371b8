"""Notices: request, ask for approval, approve the words that were read, want others, record the filing."""

from bot.domain.duty import Answer, DecideDuty
from bot.domain.errors import Refused
from bot.domain.filing import FileNotice
from bot.domain.notice import Standing, notice_of
from bot.domain.policy import Role
from bot.domain.signing import ApproveNotice, RequestChanges
from bot.slack.knock import Close, Errors, Knock, Reply, Show
from bot.slack.views import notice
from bot.slack.views._words import TOO_LONG

READERS = frozenset({Role.COUNSEL, Role.RESPONDER, Role.APPROVER, Role.MANAGER, Role.ADMIN})


def _reader(knock: Knock) -> None:
    """Drafts are read by those who work on them."""
    if not knock.who.roles & READERS:
        raise Refused("only those who work on an incident, or counsel, read its notices")


async def overview(knock: Knock) -> Reply:
    """Duties, notices, and a form to request another."""
    _reader(knock)
    policy = knock.desk.handler.policy
    decides = bool(knock.who.person.badges & policy.approve_notice)
    holds = bool(knock.who.person.badges & policy.counsel)
    return Show(notice.overview(await knock.situation(), decides=decides, holds=holds))


async def deciding(knock: Knock) -> Reply:
    """Ask why a duty applies, or does not."""
    _reader(knock)
    situation = await knock.situation()
    duty = situation.incident.duties.get(knock.ref.item)
    if duty is None:
        raise Refused(f"{knock.ref.item} was not asked for {situation.incident.id}")
    return Show(notice.decide(situation, duty))


async def decided(knock: Knock) -> Reply:
    """Counsel decided, with a reason; the duties as they stand now."""
    try:
        answer = Answer(knock.ref.digest)
    except ValueError:
        raise Refused("this form is from another version of Tocsin; open the duties again") from None
    reason = knock.values.text("reason")
    if not reason:
        return Errors({"reason": "A decision needs its reason."})
    await knock.submit(DecideDuty(knock.ref.item, answer, reason))
    return await overview(knock)


async def requested(knock: Knock) -> Reply:
    """Begin a notice."""
    kind = knock.values.text("kind")
    if not kind:
        return Errors({"kind": "Choose what to draft."})
    await knock.desk.request_notice(knock.ref.incident, kind, knock.who, inbound=knock.inbound)
    return await overview(knock)


async def opened(knock: Knock) -> Reply:
    """Read one notice."""
    _reader(knock)
    situation = await knock.situation()
    return Show(notice.review(situation, notice_of(situation.incident, knock.ref.item)))


async def asked(knock: Knock) -> Reply:
    """Freeze the words as they are now and ask for approval of exactly those."""
    await knock.desk.ask_approval(knock.ref.incident, knock.ref.item, knock.who, inbound=knock.inbound)
    return None


async def approved(knock: Knock) -> Reply:
    """Approve the words of the digest the dialog carried."""
    found = notice_of((await knock.situation()).incident, knock.ref.item)
    if found.standing is Standing.FROZEN and found.latest is not None and not notice.whole(found.latest):
        raise Refused(TOO_LONG)
    await knock.submit(ApproveNotice(knock.ref.item, knock.ref.digest))
    return None


async def changes_open(knock: Knock) -> Reply:
    """Ask what must change."""
    situation = await knock.situation()
    return Show(notice.changes(situation, notice_of(situation.incident, knock.ref.item)))


async def changed(knock: Knock) -> Reply:
    """Counsel wants other words; the review below offers an approval that is void now, so it goes as well."""
    await knock.submit(RequestChanges(knock.ref.item, knock.values.text("reason")))
    return Close()


async def filed(knock: Knock) -> Reply:
    """A person sent it."""
    command = FileNotice(knock.ref.item, knock.values.text("where"), knock.values.text("reference"))
    await knock.submit(command)
    return None


CLICKS = {"legal.open": overview, "notice.open": opened, "notice.changes.open": changes_open,
          notice.DECIDE_OPEN: deciding}  # fmt: skip
SUBMITS = {notice.REQUEST: requested, notice.ASK: asked, notice.APPROVE: approved, notice.CHANGES: changed,
           notice.FILE: filed, notice.DECIDE: decided}  # fmt: skip
