"""How far a notice is, in words: its version, who signed and who still must, its clock, its gaps and its remarks."""

from bot.blockkit.blocks import untrusted
from bot.domain.clocks import running
from bot.domain.notice import Comment, Notice, Standing
from bot.domain.signing import wanting
from bot.engine.situation import Situation
from bot.slack.views import _duty
from bot.slack.views._words import at, called, person

PRIVILEGED = "A privileged document is read on the console, by counsel alone."


def kind(situation: Situation, notice: Notice) -> str:
    """What kind of notice it is (not escaped); of a privileged one nothing."""
    if notice.privilege is not None:
        return "A privileged document"
    name = called_for(notice)
    if name in situation.notice_kinds:
        return situation.notice_kinds[name]
    words = situation.notice_kinds.get(notice.template, notice.template)
    return f"{words} ({notice.locale})" if notice.locale else words


def called_for(notice: Notice) -> str:
    """Under which name it was asked for: in another language the template's name carries it."""
    return f"{notice.template}.{notice.locale}" if notice.locale else notice.template


def standing(situation: Situation, notice: Notice) -> str:
    """Where it stands and what comes next, in mrkdwn."""
    latest = notice.latest
    if notice.standing is Standing.DROPPED:
        return f"Given up: {untrusted(notice.note, 400)}"
    if latest is None:
        return f"Requested by {person(situation, notice.requested_by)}; the draft follows the facts."
    version = f"Version {latest.number}, asked for by {person(situation, latest.asked_by)}"
    match notice.standing:
        case Standing.FROZEN:
            return f"{version}, waits for approval: {missing(situation, notice)}."
        case Standing.APPROVED:
            return f"{version}, approved; a person must send it and record that here."
        case Standing.STALE:
            return f"{version}, is stale: later facts change its words. Ask for approval again."
        case Standing.CHANGES:
            return f"{version}, needs other words: {untrusted(notice.note, 400)}"
        case Standing.FILED:
            return f"{version}, was filed{_filed(situation, notice)}"
        case _:
            return f"{version}, is being drafted."


def private(notice: Notice) -> str:
    """Where a privileged document stands, without a word of what was said about it."""
    return f"It is read on the console, by counsel alone, and is {said(notice)}."


def said(notice: Notice) -> str:
    """Its standing as it reads behind "N1 is"."""
    return "being drafted" if notice.standing is Standing.DRAFTING else notice.standing.said


def _filed(situation: Situation, notice: Notice) -> str:
    filing = notice.filing
    if filing is None:
        return "."
    reference = f", reference {untrusted(filing.reference, 120)}" if filing.reference else ", no reference yet"
    proof = f", proof: {untrusted(filing.proof, 200)}" if filing.proof else ""
    where = untrusted(filing.where, 200)
    return f" with {where} {at(filing.at)} by {person(situation, filing.by)}{reference}{proof}."


def missing(situation: Situation, notice: Notice) -> str:
    """Which signatures are still wanted, and by whom they may be given."""
    left = wanting(notice, situation.policy)
    if not left:
        return "every signature is there"
    each = [f"{untrusted(one.capacity, 40)} ({untrusted(' or '.join(sorted(one.badges)), 80)})" for one in left]
    return f"{' and '.join(each)} must still sign, not who wrote it or asked for it"


def signed(situation: Situation, notice: Notice) -> str:
    """Who signed the latest version in which capacity; "" while nobody did."""
    latest = notice.latest
    if latest is None or not latest.signatures:
        return ""
    told = [f"{person(situation, one.by)} as {untrusted(one.capacity, 40)} {at(one.at)}" for one in latest.signatures]
    return "signed: " + ", ".join(told)


def clock(situation: Situation, notice: Notice) -> str:
    """By when it is due and how much of its time is gone; the outer date where the situation is shown to counsel."""
    duty = situation.incident.duties.get(notice.regime)
    if duty is None or notice.over:
        return "no clock runs"
    for each in running(situation.incident):
        if each.item == f"{notice.regime}/{notice.stage}":
            outer = f", outer {at(each.due.outer)}" if each.due.outer else ""
            return f"due {at(each.strict)}, {_duty.gone(each, situation.now)}{outer}"
    if duty.strict is None or duty.dues:
        return "no clock runs"
    return f"due {at(duty.strict)}" + (f", outer {at(duty.outer)}" if duty.outer else "")


def gaps(situation: Situation, notice: Notice) -> int:
    """How many places are still empty: in the frozen words while they count, else in the draft."""
    draft, latest = situation.drafts.get(notice.id), notice.latest
    frozen = notice.standing in (Standing.FROZEN, Standing.APPROVED, Standing.FILED)
    if latest is not None and (frozen or draft is None):
        return len(latest.gaps)
    return len(draft.gaps) if draft is not None else 0


def small(situation: Situation, notice: Notice) -> str:
    """The line of small print below a notice."""
    parts = [clock(situation, notice)]
    many = gaps(situation, notice)
    parts.append(f"{many} gap{'s' if many != 1 else ''}" if many else "no gaps")
    latest = notice.latest
    if latest is not None:
        parts.append(f"digest `{latest.digest[:12]}` · as of {at(latest.as_of)}")
    draft = situation.drafts.get(notice.id)
    if draft is not None and draft.clashes:
        parts.append(f"{len(draft.clashes)} places where the wording and the facts differ")
    return " · ".join(parts)


def remarks(situation: Situation, notice: Notice) -> str:
    """How many remarks are open, and the latest one; "" where nobody remarked."""
    if not notice.comments:
        return ""
    open_ones = [each for each in notice.comments if not each.resolved_by]
    if not open_ones:
        return f"{len(notice.comments)} remark{'s' if len(notice.comments) != 1 else ''}, all settled"
    many = f"{len(open_ones)} open remark{'s' if len(open_ones) != 1 else ''}"
    return f"*{many}*, the latest by {remark(situation, open_ones[-1], 400)}"


def remark(situation: Situation, comment: Comment, limit: int) -> str:
    """One remark: by whom, when, about which words."""
    about = f" on “{untrusted(' '.join(comment.quote.split()), 150)}”" if comment.quote else ""
    words = untrusted(" ".join(comment.text.split()), limit)
    return f"{called(situation, comment.by)} {at(comment.at)}{about}: {words}"
