"""Notices in the private legal channel: each draft, its signatures, gaps, clock and remarks, and what may be done."""

import hashlib

from bot.blockkit.blocks import (
    Block,
    Element,
    View,
    actions,
    context,
    divider,
    input_block,
    modal,
    option,
    radio_buttons,
    section,
    untrusted,
)
from bot.blockkit.text import clean
from bot.domain.duty import READERS
from bot.domain.notice import Notice, Standing, Version
from bot.domain.policy import Person
from bot.domain.signing import may_sign
from bot.engine.situation import Situation
from bot.slack.ids import Ref
from bot.slack.message import Message
from bot.slack.views import _notice, notice_form
from bot.slack.views._notice import kind
from bot.slack.views._words import Reading, at, brief, console, filled, in_full, press, too_long

__all__ = ["APPROVE", "ASK", "kind", "render", "review", "whole"]

ASK, APPROVE = "notice.ask", "notice.approve"
LATEST = 3
"""So many open remarks stand in the dialog."""


def render(situation: Situation, notice: Notice) -> Message:
    """One notice: where it stands, its gaps and its clock; never its text, which is read in the dialog."""
    incident = situation.incident
    what = kind(situation, notice)
    heading = f"*{incident.id} {notice.id} · {untrusted(what, 200)}*"
    text = f"{brief(incident)} {notice.id}: {untrusted(what, 150)} is {_notice.said(notice)}. Review it."
    if notice.privilege is not None:
        way = console(situation, "Open the notice", f"notices/{notice.id}")
        return Message(text, [section(f"{heading}\n{_notice.private(notice)}"), *([context(way)] if way else [])])
    blocks = [
        section(f"{heading}\n{_notice.standing(situation, notice)}"),
        *[context(each) for each in (_notice.signed(situation, notice), _notice.remarks(situation, notice)) if each],
        context(_notice.small(situation, notice)),
        actions(press("Review", "notice.open", incident.id, notice.id, style="primary"), *_beside(situation, notice)),
    ]
    return Message(text, in_full(situation, blocks))


def _beside(situation: Situation, notice: Notice) -> list[Element]:
    """What may be done beside reading it: fill in its empty places while it is drafted, and remark."""
    if notice.over:
        return []
    name, row = situation.incident.id, []
    if notice_form.lines(situation, notice):
        row.append(press("Fill in", "notice.fill", name, notice.id))
    return [*row, press("Comment", "notice.comment.open", name, notice.id)]


def review(situation: Situation, notice: Notice, who: Person | None = None) -> View:
    """One notice to read, and the next deed it allows `who` (None: what it allows those who may)."""
    heading = clean(f"{situation.incident.id} {notice.id}", 24)
    if notice.privilege is not None:
        way = console(situation, page=f"notices/{notice.id}")
        words = f"*A privileged document*\n{_notice.private(notice)}\n{way}".strip()
        return modal(heading, [section(words)], callback_id="info", close="Close")
    latest = notice.latest
    if notice.standing is Standing.FROZEN and latest is not None:
        return _frozen(situation, notice, latest, heading, who)
    if notice.standing in (Standing.APPROVED, Standing.FILED) and latest is not None:
        blocks = _words(situation, notice, latest.text, latest.gaps)
        files = who is None or bool(who.badges & situation.policy.approve_notice)
        if notice.standing is Standing.FILED or not files:
            return modal(heading, in_full(situation, blocks), callback_id="info", close="Close")
        return notice_form.file(situation, notice, heading, blocks)
    draft = situation.drafts.get(notice.id)
    why_not = situation.unfilled.get(notice.id, "There is no draft yet.")
    text, gaps = (draft.text, draft.gaps) if draft else (why_not, ())
    blocks = _words(situation, notice, text, gaps)
    if notice.standing is Standing.DROPPED:
        return modal(heading, in_full(situation, blocks), callback_id="info", close="Close")
    ref = Ref(situation.incident.id, notice.id)
    asks = draft and (who is None or bool(who.badges & READERS))
    return modal(heading, in_full(situation, blocks), callback_id=ASK, submit="Ask for approval" if asks else None,
                 private_metadata=ref.metadata)  # fmt: skip


def _frozen(situation: Situation, notice: Notice, latest: Version, heading: str, who: Person | None) -> View:
    """The words that wait: with the button for who may sign them, else with the reason why not."""
    reading = Reading()
    blocks = _words(situation, notice, latest.text, latest.gaps, reading)
    blocks.append(context(f"version {latest.number} · digest `{latest.digest}` · as of {at(latest.as_of)}"))
    if not reading.whole:
        return modal(heading, [too_long(situation), *blocks], callback_id=APPROVE, close="Close")
    offs = may_sign(notice, who, situation.policy) if who is not None else ()
    if who is not None and not offs:
        blocks.append(context(_why_not(notice, latest, who)))
        return modal(heading, in_full(situation, blocks), callback_id="info", close="Close")
    if len(offs) > 1:
        choices = [option(filled(each.capacity, 75), marked(each.capacity)) for each in offs[:10]]
        select = radio_buttons("value", choices, initial=choices[0]["value"])
        blocks.append(input_block("You sign as", select, block_id="capacity"))
    ref = Ref(situation.incident.id, notice.id, latest.digest)
    return modal(heading, in_full(situation, blocks), callback_id=APPROVE, submit="Approve",
                 private_metadata=ref.metadata)  # fmt: skip


def marked(capacity: str) -> str:
    """What stands for a capacity in a form, whatever it is called."""
    return hashlib.sha256(capacity.encode("utf-8", "replace")).hexdigest()[:16]


def _why_not(notice: Notice, latest: Version, who: Person) -> str:
    """Why somebody cannot sign it."""
    if any(each.by == who.id for each in latest.signatures):
        return "You signed this version already; somebody else must give what is still wanted."
    if latest.asked_by == who.id:
        return "You asked for this approval; a second person must give it."
    if who.id in notice.authors:
        return "You wrote part of it; somebody who did not must approve it."
    return "You read it here; those named above sign it."


def whole(version: Version) -> bool:
    """Whether the dialog shows every word and gap of a version; only then may it be approved there."""
    reading = Reading()
    _read(version.text, version.gaps, reading)
    return reading.whole


def _words(
    situation: Situation, notice: Notice, text: str, gaps: tuple[str, ...], reading: Reading | None = None
) -> list[Block]:
    blocks: list[Block] = [
        section(f"*{untrusted(kind(situation, notice), 200)}*\n{_notice.standing(situation, notice)}")
    ]
    signed = _notice.signed(situation, notice)
    blocks += [context(signed)] if signed else []
    blocks.append(context(_notice.small(situation, notice)))
    blocks += _remarks(situation, notice)
    row = _in_dialog(situation, notice)
    blocks += [actions(*row)] if row else []
    return blocks + _read(text, gaps, reading or Reading())


def _in_dialog(situation: Situation, notice: Notice) -> list[Element]:
    """What may be done beside the deed below: fill in, remark, want other words, give it up."""
    if notice.over:
        return []
    name, row = situation.incident.id, _beside(situation, notice)
    if notice.standing in (Standing.FROZEN, Standing.APPROVED):
        row.append(press("Request changes", "notice.changes.open", name, notice.id))
    return [*row, press("Give up", "notice.drop.open", name, notice.id)]


def _remarks(situation: Situation, notice: Notice) -> list[Block]:
    """The latest remarks that are not settled, each with the button that settles it."""
    open_ones = [each for each in notice.comments if not each.resolved_by]
    name = situation.incident.id
    blocks: list[Block] = [
        section(_notice.remark(situation, each, 800),
                accessory=press("Settle", "notice.settle", name, f"{notice.id}/{each.id}"))
        for each in reversed(open_ones[-LATEST:])
    ]  # fmt: skip
    left = len(open_ones) - len(blocks)
    return [*blocks, context(f"… and {left} more remarks on the console")] if left > 0 else blocks


def _read(text: str, gaps: tuple[str, ...], reading: Reading) -> list[Block]:
    """What an approval binds to: the words and what they leave open."""
    blocks = []
    if gaps:
        listed = reading.paragraphs("\n".join(f"• {gap}" for gap in gaps), most=4)
        blocks = [section("*Still open*"), *(section(piece) for piece in listed)]
    return [*blocks, divider(), *(section(piece) for piece in reading.paragraphs(text, most=20))]
