"""Reviewing a notice: its words with the gaps marked, what changed since the last version, and the decision on it."""

from __future__ import annotations

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse, Response

from bot.domain.errors import NotFound
from bot.domain.notice import Notice, Standing
from bot.engine.situation import Situation
from bot.engine.values import Profile
from bot.notices.redline import Piece, changed, redline
from bot.web.door import Here, Who, console
from bot.web.pages._page import Form, show
from bot.web.telling import FROZEN, current
from bot.web.verbs import VERBS

router = APIRouter()


@router.get("/incidents/{name}/notices/{notice}")
async def look(request: Request, name: str, notice: str, here: Here, who: Who, done: str = "") -> Response:
    """One notice."""
    situation = await here.situation(name, who)
    if notice not in situation.incident.notices:
        raise NotFound("notice", notice, sorted(situation.incident.notices))
    return page(request, who, situation, notice, done=done)


def page(
    request: Request,
    who: Profile,
    situation: Situation,
    name: str,
    *,
    form: Form | None = None,
    done: str = "",
    status: int = 200,
) -> HTMLResponse:
    """The notice page."""
    notice = situation.incident.notices[name]
    draft = situation.drafts.get(name)
    text, digest, gaps, version = current(notice, draft)
    latest, allowed = notice.latest, console(request).desk.handler.policy.approve_notice
    duty = situation.incident.duties.get(notice.regime)
    to_compare = draft is not None or notice.standing in FROZEN
    pieces = changes(notice, draft.text if draft else "") if to_compare else []
    context: dict[str, object] = {
        "i": situation.incident,
        "n": notice,
        "kind": situation.notice_kinds.get(notice.template, notice.template),
        "text": text,
        "digest": digest,
        "gaps": gaps,
        "version": version,
        "latest": latest,
        "asked_by": situation.name(latest.asked_by) if latest else "",
        "approved_by": situation.name(notice.approved_by) if notice.approved_by else "",
        "unfilled": situation.unfilled.get(name, ""),
        "pieces": pieces,
        "changed": changed(pieces),
        "against": _against(notice) if to_compare else "",
        "duty": duty,
        "is_counsel": bool(who.roles & allowed),
        "own": latest is not None and latest.asked_by == who.id,
        "kinds": sorted(each.suffix.lstrip(".") for each in console(request).house.documents.values()),
        "waits": notice.standing is Standing.FROZEN,
        "stands": notice.standing in FROZEN,
        "form": form or Form(),
        "done": VERBS[done].done if done in VERBS else "",
        "live": "" if form else situation.incident.head,
    }
    return show(request, "notice", who, context, status=status)


def changes(notice: Notice, draft: str) -> list[Piece]:
    """What changed: a standing version against the one before it, else today's words against the last version."""
    if notice.standing in FROZEN and len(notice.versions) > 1:
        return redline(notice.versions[-2].text, notice.versions[-1].text)
    if notice.standing in FROZEN or not notice.versions:
        return []
    return redline(notice.versions[-1].text, draft)


def _against(notice: Notice) -> str:
    """What the redline compares, in words."""
    if not notice.versions:
        return ""
    last = notice.versions[-1].number
    if notice.standing in FROZEN:
        return f"version {last} against version {last - 1}" if last > 1 else ""
    return f"the words as they would be now against version {last}"
