"""Notices: request, ask for approval, approve the words that were read, want others, record the filing."""

from datetime import UTC, datetime

from bot.domain.errors import Refused
from bot.domain.filing import FileNotice
from bot.domain.notice import DropNotice, Notice, Standing, notice_of
from bot.domain.policy import Person, Role
from bot.domain.signing import ApproveNotice, RequestChanges
from bot.engine.sight import dated
from bot.engine.situation import Situation
from bot.slack.knock import Close, Errors, Knock, Reply, Show, Tell
from bot.slack.views import legal, notice, notice_form
from bot.slack.views._words import TOO_LONG
from bot.slack.views.duty import REQUEST

READERS = frozenset({Role.COUNSEL, Role.RESPONDER, Role.APPROVER, Role.MANAGER, Role.ADMIN})


def reader(knock: Knock) -> None:
    """Drafts are read by those who work on them. Raises Refused."""
    if not knock.who.roles & READERS:
        raise Refused("only those who work on an incident, or counsel, read its notices")


def viewer(knock: Knock, situation: Situation) -> Person:
    """Whoever knocks, with the badges they have in this incident."""
    return knock.who.person.among(situation.on_call)


async def seen(knock: Knock) -> Situation:
    """The incident as whoever knocks may read it: the latest dates are counsel's. Raises Refused."""
    reader(knock)
    situation = await knock.situation()
    return dated(situation, viewer(knock, situation), situation.policy)


async def overview(knock: Knock) -> Reply:
    """Duties, notices, and a form to request another."""
    situation = await seen(knock)
    badges = viewer(knock, situation).badges
    decides = bool(badges & situation.policy.approve_notice)
    return Show(legal.overview(situation, decides=decides, holds=bool(badges & situation.policy.counsel)))


async def requested(knock: Knock) -> Reply:
    """Begin a notice."""
    kind = knock.values.text("kind")
    if not kind:
        return Errors({"kind": "Choose what to draft."})
    await knock.desk.request_notice(knock.ref.incident, kind, knock.who, inbound=knock.inbound)
    return await overview(knock)


async def meant(knock: Knock) -> tuple[Situation, Notice]:
    """The notice that is meant, for somebody who works on the incident. Raises Refused."""
    situation = await seen(knock)
    return situation, notice_of(situation.incident, knock.ref.item.partition("/")[0])


async def opened(knock: Knock) -> Reply:
    """Read one notice."""
    situation, found = await meant(knock)
    return Show(notice.review(situation, found, viewer(knock, situation)))


async def asked(knock: Knock) -> Reply:
    """Freeze the words as they are now and ask for approval of exactly those."""
    await knock.desk.ask_approval(knock.ref.incident, knock.ref.item, knock.who, inbound=knock.inbound)
    return None


async def approved(knock: Knock) -> Reply:
    """Approve the words of the digest the dialog carried, in the capacity that was chosen there."""
    situation = await knock.situation()
    found = notice_of(situation.incident, knock.ref.item)
    if found.standing is Standing.FROZEN and found.latest is not None and not notice.whole(found.latest):
        raise Refused(TOO_LONG)
    chosen, offs = knock.values.text("capacity"), situation.policy.sign_offs_of(found.template)
    capacity = next((each.capacity for each in offs if notice.marked(each.capacity) == chosen), "")
    if chosen and not capacity:
        raise Refused("who must sign it has changed since you opened it; read it again")
    await knock.submit(ApproveNotice(knock.ref.item, knock.ref.digest, capacity))
    return None


async def changes_open(knock: Knock) -> Reply:
    """Ask what must change."""
    return Show(notice_form.changes(*await meant(knock)))


async def changed(knock: Knock) -> Reply:
    """Counsel wants other words; the review below offers an approval that is void now, so it goes as well."""
    await knock.submit(RequestChanges(knock.ref.item, knock.values.text("reason")))
    return Close()


async def drop_open(knock: Knock) -> Reply:
    """Ask why it is given up."""
    situation, found = await meant(knock)
    situation.policy.require(viewer(knock, situation), situation.policy.approve_notice, "give a notice up")
    if found.over:
        return Tell(f"{found.id} is {found.standing} already.")
    return Show(notice_form.drop(situation, found))


async def dropped(knock: Knock) -> Reply:
    """It is given up; the review below goes as well."""
    await knock.submit(DropNotice(knock.ref.item, knock.values.text("reason")))
    return Close()


async def filed(knock: Knock) -> Reply:
    """A person sent it: where, when, under which reference, with which proof."""
    values = knock.values
    found = notice_of((await knock.situation()).incident, knock.ref.item)
    if not values.text("where"):
        return Errors({"where": "Say where it was filed."})
    at = None
    if when := values.text("when"):
        try:
            at = _sent(int(when), found.approved_at)
        except (ValueError, OverflowError, OSError):
            return Errors({"when": "That is no time; choose day and hour."})
    where, reference, proof = (values.text(each) for each in ("where", "reference", "proof"))
    command = FileNotice(found.id, where, reference, at, proof, knock.ref.digest)
    try:
        await knock.submit(command)
    except Refused as refused:
        if at is not None and refused.because.startswith(("it cannot have been", f"{found.id} was approved after")):
            return Errors({"when": f"{refused.because[:1].upper()}{refused.because[1:]}."})
        raise
    return None


def _sent(seconds: int, approved: datetime | None) -> datetime:
    """When it was sent; a picker knows minutes alone, and within that of the approval it was after the approval."""
    at = datetime.fromtimestamp(seconds, UTC)
    if approved is not None and at < approved and at.replace(second=0) == approved.replace(second=0, microsecond=0):
        return approved
    return at


CLICKS = {"legal.open": overview, "notice.open": opened, "notice.changes.open": changes_open,
          "notice.drop.open": drop_open}  # fmt: skip
SUBMITS = {REQUEST: requested, notice.ASK: asked, notice.APPROVE: approved, notice_form.CHANGES: changed,
           notice_form.DROP: dropped, notice_form.FILE: filed}  # fmt: skip
