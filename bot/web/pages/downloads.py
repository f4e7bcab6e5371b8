"""Files to take away: a notice in the form counsel needs, and the evidence kept with an incident."""

from __future__ import annotations

import asyncio
from urllib.parse import quote

from fastapi import APIRouter, Response

from bot.domain.errors import NotFound, Refused
from bot.domain.notice import Notice, Standing
from bot.engine.situation import Situation
from bot.web.door import Here, Who
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
    situation = await here.situation(name, who)
    found = situation.incident.notices.get(notice)
    if found is None:
        raise NotFound("notice", notice, sorted(situation.incident.notices))
    writers = {each.suffix.lstrip("."): each for each in here.house.documents.values()}
    writer = writers.get(kind)
    if writer is None:
        raise NotFound("export", kind, sorted(writers))
    text, digest, _gaps, version = current(found, situation.drafts.get(notice))
    if not text:
        raise Refused(situation.unfilled.get(notice) or f"{notice} has no words yet")
    latest = found.latest
    document = here.house.make_document(
        text,
        title=situation.notice_kinds.get(found.template, found.template),
        regime=found.regime,
        stage=found.stage,
        status=status_of(found, situation),
        as_of=latest.as_of if latest and version else situation.now,
        digest=digest,
    )
    content = await asyncio.to_thread(writer.write, document)
    mark = f"-v{version}" if version else "-draft"
    return attachment(content, f"{name}-{notice}{mark}{writer.suffix}", writer.media_type)


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


@router.get("/incidents/{name}/exhibits/{exhibit}")
async def keepsake(name: str, exhibit: str, here: Here, who: Who) -> Response:
    """An exhibit's bytes, exactly as they were kept."""
    await here.incident(name, who)
    found = await here.desk.exhibits.get(exhibit)
    if found is None or found.incident != name:
        raise NotFound("exhibit", exhibit)
    return attachment(found.content, found.name, found.media_type)
