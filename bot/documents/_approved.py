"""What was approved in an incident, by whom and when: every decision, and every notice as it was frozen and signed."""

from __future__ import annotations

import json

from bot.documents import Document
from bot.documents.docx import Docx
from bot.documents.json import Json
from bot.documents.markdown import Markdown
from bot.documents.pdf import Pdf
from bot.domain.approval import MitigationApproved
from bot.domain.glass import GlassBroken
from bot.domain.log import Entry
from bot.domain.notice import NoticeRequested, Standing
from bot.domain.signing import NoticeApproved, NoticeFrozen
from bot.engine.situation import Situation
from bot.engine.values import Chain

WRITERS = (Pdf(), Docx(), Markdown(), Json())


def decisions(situation: Situation) -> list[dict[str, object]]:
    """Every yes to a change of production or to a notice's words: whose, when, and to which digest."""
    return [
        {
            "entry": entry.seq,
            "what": type(entry.event).__name__,
            "of": entry.event.id,
            "digest": entry.event.digest,
            "by": entry.by,
            "name": situation.name(entry.by),
            "at": entry.at.isoformat().replace("+00:00", "Z"),
        }
        for entry in situation.entries
        if isinstance(entry.event, MitigationApproved | GlassBroken | NoticeApproved)
    ]


def notices(situation: Situation, erased: set[str], chain: Chain) -> dict[str, bytes]:
    """Every frozen version's text as it was frozen; an approved one as PDF, Word, Markdown and JSON too.

    `erased` are the references of texts that are gone: of such a version the digest is all that is left.
    """
    files: dict[str, bytes] = {}
    rows: list[dict[str, object]] = []
    begun_by = ((each.event, each.seq) for each in situation.entries if isinstance(each.event, NoticeRequested))
    requested = {event.id: (event.template, seq) for event, seq in begun_by}
    stored = {each.seq: each.stored for each in chain.entries}
    for entry in situation.entries:
        if not isinstance(entry.event, NoticeFrozen):
            continue
        frozen = entry.event
        template, begun = requested[frozen.id]
        folder = f"notices/{frozen.id}/v{frozen.number}"
        gone = bool(_references(stored[entry.seq]) & erased)
        signed = [each for each in situation.entries if _signs(each, frozen)]
        row: dict[str, object] = {
            "id": frozen.id,
            "version": frozen.number,
            "template": template,
            "digest": frozen.digest,
            "entry": entry.seq,
            "requested": begun,
            "frozen_by": entry.by,
            "facts_as_of": frozen.as_of.isoformat(),
            "erased": gone,
            "approved_in_entries": [each.seq for each in signed],
            "file": "" if gone else f"{folder}.md",
            "exports": [],
        }
        if not gone:
            files[f"{folder}.md"] = frozen.text.encode()
        if any(isinstance(each.event, NoticeApproved) and each.event.complete for each in signed) and not gone:
            document = _document(situation, frozen, signed)
            made = {f"{folder}/{frozen.id}-v{frozen.number}{each.suffix}": each.write(document) for each in WRITERS}
            row["exports"] = sorted(made)
            files |= made
        rows.append(row)
    index = json.dumps(rows, ensure_ascii=False, indent=2, sort_keys=True).encode() + b"\n"
    return files | {"notices/index.json": index}


def _references(stored: bytes) -> set[str]:
    """The reference of a frozen version's text, as the entry holds it."""
    text = json.loads(stored)["body"]["text"]
    return {text["ref"]} if isinstance(text, dict) else set()


def _signs(entry: Entry, frozen: NoticeFrozen) -> bool:
    event = entry.event
    return isinstance(event, NoticeApproved) and (event.id, event.number) == (frozen.id, frozen.number)


def _document(situation: Situation, frozen: NoticeFrozen, signed: list[Entry]) -> Document:
    """An approved version as it stands today: it may have been filed, or later facts may have made it void."""
    notice = situation.incident.notices[frozen.id]
    latest = notice.latest is not None and notice.latest.number == frozen.number
    standing = str(notice.standing) if latest else "replaced"
    approvals = [
        (f"{situation.name(each.by)} ({each.event.capacity})", each.at)
        for each in signed
        if isinstance(each.event, NoticeApproved)
    ]
    duty = situation.incident.duties.get(notice.regime)
    claim = notice.privilege
    still = latest and notice.standing in {Standing.APPROVED, Standing.FILED}
    worth = standing if still else f"was approved, now {standing}"
    return Document.of(
        frozen.text,
        title=situation.notice_kinds.get(notice.template, notice.template),
        regime=notice.regime,
        stage=notice.stage,
        status=f"version {frozen.number}, {worth}",
        as_of=frozen.as_of,
        digest=frozen.digest,
        standing=standing,
        approvals=approvals,
        privileged=f"Privileged and confidential: {claim.basis}" if claim else "",
        regime_name=duty.name if duty else "",
        form=frozen.form,
    )
