"""A notice on counsel's desk: its words and form, what changed, remarks, signatures, clock and versions."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse, Response

from bot.domain.errors import NotFound
from bot.domain.notice import Notice, Standing
from bot.engine.sight import is_counsel
from bot.engine.situation import Situation
from bot.engine.values import Profile
from bot.notices.redline import Piece, changed, redline
from bot.web.door import Here, Who, console
from bot.web.pages._done import just_done
from bot.web.pages._notice import deeds, groups, signatures, why_not_sign
from bot.web.pages._page import Form, show
from bot.web.pages._plan import badged
from bot.web.phrases import clock
from bot.web.telling_notice import FROZEN, current, duties, frozen, version_of
from bot.web.telling_notice import notice as told_notice
from bot.web.verbs import DONE

router = APIRouter()
AROUND, ENOUGH = 3, 4
"""Lines shown beside a change, and how many must be left out to be worth it."""
TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d(:\d\d(\.\d+)?)?(Z|[+-]\d\d:\d\d)")


def _of(situation: Situation, name: str) -> Notice:
    """The notice, where there is one this person may see. Raises NotFound."""
    found = situation.incident.notices.get(name)
    if found is None:
        raise NotFound("notice", name, sorted(situation.incident.notices))
    return found


@router.get("/incidents/{name}/notices/{notice}")
async def look(request: Request, name: str, notice: str, here: Here, who: Who) -> Response:
    """One notice."""
    situation = await here.situation(name, who)
    _of(situation, notice)
    return page(request, who, situation, notice, done=just_done(request, DONE))


@router.get("/incidents/{name}/notices/{notice}/versions/{number}")
async def version(request: Request, name: str, notice: str, number: int, here: Here, who: Who) -> Response:
    """One version as it was frozen: the words, the facts they rest on, who signed it, and what it changed."""
    situation = await here.situation(name, who)
    known = _of(situation, notice)
    kept = version_of(known, number)
    before = next((each for each in reversed(known.versions) if each.number < number), None)
    pieces = redline(before.text, kept.text) if before else []
    told = frozen(known, number, situation)
    context: dict[str, object] = {
        "i": situation.incident,
        "n": known,
        "kind": situation.notice_kinds.get(known.template, known.template),
        "v": told,
        "facts": facts_of(kept.facts, here.desk.drafter.label),
        "pieces": near(pieces),
        "changed": changed(pieces),
        "before": before.number if before else 0,
    }
    return show(request, "version", who, context)


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
    here = console(request)
    policy, person = here.desk.handler.policy, badged(who, situation)
    notice = situation.incident.notices[name]
    draft = situation.drafts.get(name)
    text, digest, gaps, number = current(notice, draft)
    latest = notice.latest
    told = told_notice(notice, situation, policy)
    to_compare = draft is not None or notice.standing in FROZEN
    pieces = changes(notice, draft.text if draft else "") if to_compare else []
    types = {item.key: item.type for item in draft.items} if draft else {}
    form = form or Form()
    typed = str(form.value("reword", "text", "", name)).replace("\r\n", "\n")
    read = form.value("reword", "digest", "", name)
    duty = next((each for each in duties(situation, policy) if each.regime == notice.regime), None)
    context: dict[str, object] = {
        "i": situation.incident,
        "n": notice,
        "told": told,
        "kind": situation.notice_kinds.get(notice.template, notice.template),
        "text": text,
        "digest": digest,
        "gaps": gaps,
        "version": number,
        "latest": latest,
        "asked_by": situation.name(latest.asked_by) if latest else "",
        "unfilled": situation.unfilled.get(name, ""),
        "draft": draft,
        "pieces": near(pieces),
        "changed": changed(pieces),
        "against": _against(notice) if to_compare else "",
        "duty": duty,
        "due": next((each for each in duty.dues if each.stage == notice.stage), None) if duty else None,
        "may": deeds(notice, person, policy, unfilled=draft is None),
        "why_not_sign": why_not_sign(notice, person, policy),
        "signatures": signatures(notice, policy, told.versions[-1].signatures) if told.versions else [],
        "groups": list(groups(notice, told.items, types)),
        "facts": facts_of(latest.facts if latest and number else draft.facts if draft else "", here.desk.drafter.label),
        "is_counsel": is_counsel(person, policy),
        "zone": here.desk.catalogue.timezone,
        "kinds": sorted(each.suffix.lstrip(".") for each in here.house.documents.values()),
        "waits": notice.standing is Standing.FROZEN,
        "typed": typed,
        "overtaken": overtaken(draft.text, typed) if draft and typed and read != draft.digest else [],
        "form": form,
        "done": done,
        "live": "" if form.verb else situation.incident.head,
    }
    return show(request, "notice", who, context, status=status)


def facts_of(canonical: str, label: Callable[[str], str]) -> list[tuple[str, str]]:
    """The facts a version rests on, as people read them."""
    found = json.loads(canonical) if canonical else {}
    return [(label(name), _fact(value)) for name, value in found.items()]


def _fact(value: object) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, list):
        return ", ".join(_fact(each) for each in value) or "none"
    if isinstance(value, dict):
        return ", ".join(f"{key.replace('_', ' ')}: {_fact(each)}" for key, each in value.items()) or "none"
    words = str(value)
    return clock(datetime.fromisoformat(words)) if TIME.fullmatch(words) else words.replace("_", " ")


def changes(notice: Notice, draft: str) -> list[Piece]:
    """What changed: a standing version against the one before it, else today's words against the last version."""
    if notice.standing in FROZEN and len(notice.versions) > 1:
        return redline(notice.versions[-2].text, notice.versions[-1].text)
    if notice.standing in FROZEN or not notice.versions:
        return []
    return redline(notice.versions[-1].text, draft)


@dataclass(frozen=True, slots=True)
class Skipped:
    """Lines between two changes that are not shown; the words stand whole below."""

    text: str
    op: str = "skip"


def near(pieces: Sequence[Piece]) -> list[Piece | Skipped]:
    """What changed with the lines around it."""
    found: list[Piece | Skipped] = []
    for place, piece in enumerate(pieces):
        lines = piece.text.splitlines(keepends=True)
        head, tail = AROUND if place else 0, AROUND if place < len(pieces) - 1 else 0
        left_out = len(lines) - head - tail
        if piece.op != "same" or left_out < ENOUGH:
            found.append(piece)
            continue
        found.append(Piece("same", "".join(lines[:head])))
        found.append(Skipped(f"{left_out} lines as they were"))
        found.append(Piece("same", "".join(lines[len(lines) - tail :])))
    return found


def overtaken(now: str, typed: str) -> list[Piece | Skipped]:
    """What typed words would change in today's; far longer ones are another text, and are not compared word by word."""
    if len(typed) > 2 * len(now):
        return [Piece("del", now), Piece("ins", typed)]
    return near(redline(now, typed))


def _against(notice: Notice) -> str:
    """What the redline compares, in words."""
    if not notice.versions:
        return ""
    last = notice.versions[-1].number
    if notice.standing in FROZEN:
        return f"version {last} against version {last - 1}" if last > 1 else ""
    return f"the words as they would be now against version {last}"
