"""Files to take away: a notice in the form counsel needs, and the evidence kept with an incident."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import datetime
from typing import Any
from urllib.parse import quote

from fastapi import APIRouter, Response

from bot.domain.errors import NotFound, Refused
from bot.domain.log import TOCSIN
from bot.domain.notice import Notice, Standing
from bot.engine.parcel import gather
from bot.engine.situation import Situation
from bot.engine.values import Profile
from bot.telemetry import log
from bot.web.access import Area, reading
from bot.web.door import Console, Here, Who
from bot.web.house import Redlining, Writer
from bot.web.phrases import clock
from bot.web.telling_notice import current

router = APIRouter()


def attachment(content: bytes, name: str, media_type: str) -> Response:
    """A file the browser saves and never shows: what is inside can do nothing here."""
    plain = "".join(letter if letter.isascii() and (letter.isalnum() or letter in "._-") else "_" for letter in name)
    disposition = f"attachment; filename=\"{plain}\"; filename*=UTF-8''{quote(name, safe='')}"
    return Response(content, headers={"Content-Type": media_type, "Content-Disposition": disposition})


@router.get("/incidents/{name}/notices/{notice}/export.{kind}")
async def export(name: str, notice: str, kind: str, here: Here, who: Who) -> Response:
    """The words that count now, as a file; the status on it says what they are worth."""
    situation, found = await _notice(name, notice, here, who)
    writer = _writer(kind, here)
    document, version = _document(situation, found, here)
    content = await asyncio.to_thread(writer.write, document)
    mark = f"-v{version}" if version else "-draft"
    return attachment(content, f"{name}-{notice}{mark}{writer.suffix}", writer.media_type)


@router.get("/incidents/{name}/notices/{notice}/redline.{kind}")
async def redline(name: str, notice: str, kind: str, here: Here, who: Who, against: int = 0) -> Response:
    """The words that count now with what changed since version `against`, or since the one before."""
    situation, found = await _notice(name, notice, here, who)
    writer = _writer(kind, here)
    if not isinstance(writer, Redlining):
        raise NotFound("redline", kind, ["docx"])
    document, version = _document(situation, found, here)
    earlier = {each.number: each for each in found.versions if not version or each.number < version}
    if not earlier:
        raise Refused(f"{notice} has no earlier version to compare with")
    before = earlier.get(against or max(earlier))
    if before is None:
        raise NotFound("version", str(against), [str(number) for number in earlier])
    latest = found.latest if version else None
    content = await asyncio.to_thread(
        writer.write_redline,
        document,
        before.text,
        by=situation.name(latest.asked_by if latest else TOCSIN),
        at=latest.as_of if latest else situation.now,
        against=f"version {before.number}",
    )
    mark = f"v{before.number}-to-{f'v{version}' if version else 'draft'}"
    return attachment(content, f"{name}-{notice}-{mark}{writer.suffix}", writer.media_type)


async def _notice(name: str, notice: str, here: Console, who: Profile) -> tuple[Situation, Notice]:
    situation = await here.situation(name, who)
    found = situation.incident.notices.get(notice)
    if found is None:
        raise NotFound("notice", notice, sorted(situation.incident.notices))
    return situation, found


def _writer(kind: str, here: Console) -> Writer:
    writers = {each.suffix.lstrip("."): each for each in here.house.documents.values()}
    if kind not in writers:
        raise NotFound("export", kind, sorted(writers))
    return writers[kind]


def _document(situation: Situation, notice: Notice, here: Console) -> tuple[Any, int]:
    """The words that count now as the writers take them, and which version they are, 0 for a draft."""
    draft = situation.drafts.get(notice.id)
    text, digest, _gaps, version = current(notice, draft)
    if not text:
        raise Refused(situation.unfilled.get(notice.id) or f"{notice.id} has no words yet")
    latest = notice.latest
    duty = situation.incident.duties.get(notice.regime)
    document = here.house.make_document(
        text,
        title=situation.notice_kinds.get(notice.template, notice.template),
        regime=notice.regime,
        stage=notice.stage,
        status=status_of(notice, situation),
        as_of=latest.as_of if latest and version else situation.now,
        digest=digest,
        standing="draft" if notice.standing is Standing.DRAFTING else str(notice.standing),
        approvals=signed(notice, situation),
        remarks=[replace(each, by=situation.name(each.by)) for each in notice.comments if not each.resolved_by],
        privileged=marking(notice),
        regime_name=duty.name if duty else "",
        form=latest.form if latest and version else draft.form if draft else "",
    )
    return document, version


def signed(notice: Notice, situation: Situation) -> list[tuple[str, datetime]]:
    """Who approved the version that counts, in which capacity, and when."""
    latest = notice.latest
    if latest is None or notice.standing not in {Standing.FROZEN, Standing.APPROVED, Standing.FILED}:
        return []
    return [(f"{situation.name(each.by)} ({each.capacity})", each.at) for each in latest.signatures]


def marking(notice: Notice) -> str:
    """The line a privileged document carries: counsel's claim with its basis, nothing where there is none."""
    claim = notice.privilege
    return f"Privileged and confidential: {claim.basis}" if claim is not None else ""


def status_of(notice: Notice, situation: Situation) -> str:
    """What the words of an export are worth, as it stands at their top."""
    version = f"version {notice.latest.number}" if notice.latest else "no version yet"
    match notice.standing:
        case Standing.APPROVED | Standing.FILED:
            done = f"{version}, approved by {situation.name(notice.approved_by)} at {clock(notice.approved_at)}"
            return f"{done}, filed" if notice.standing is Standing.FILED else done
        case Standing.FROZEN:
            return f"{version}, waiting for approval"
        case _:
            return f"draft, not approved ({version})"


@router.get("/incidents/{name}/export.pack")
async def pack(name: str, here: Here, who: Who) -> Response:
    """The auditor's pack: the whole record as a zip that proves itself."""
    await here.situation(name, who)  # refused where the incident is not theirs to see
    reading(who, Area.RECORD)
    if here.house.pack is None:
        raise NotFound("export", "pack")
    parcel = await gather(here.desk, name)
    content = await asyncio.to_thread(here.house.pack, parcel)
    log().info("the record of an incident was taken away", person=who.key, incident=name)
    return attachment(content, f"{name}-pack.zip", "application/zip")


@router.get("/incidents/{name}/exhibits/{exhibit}")
async def keepsake(name: str, exhibit: str, here: Here, who: Who) -> Response:
    """An exhibit's bytes, exactly as they were kept."""
    await here.incident(name, who)
    found = await here.desk.exhibits.get(exhibit)
    if found is None or found.incident != name:
        raise NotFound("exhibit", exhibit)
    return attachment(found.content, found.name, found.media_type)
