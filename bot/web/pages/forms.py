"""Where every form of an incident goes: the same verbs as the API; what is refused comes back with its sentence."""

from __future__ import annotations

from urllib.parse import quote

from fastapi import APIRouter, Request
from fastapi.responses import RedirectResponse, Response
from pydantic import ValidationError

from bot.domain.errors import Conflict, NotFound, Refused, TocsinError, Unavailable
from bot.domain.mitigation import State
from bot.domain.reading import wants_name
from bot.engine.values import Profile
from bot.web.door import Console, Here, Who
from bot.web.pages import impact, incident, notice
from bot.web.pages._done import after
from bot.web.pages._forms import in_utc, inbound, typed
from bot.web.pages._page import Form
from bot.web.phrases import wrong_fields
from bot.web.verbs import VERBS, Asking
from bot.web.verbs.change import Alone, Approve

router = APIRouter()

OF_THE_FORM = frozenset({"once", "confirm"})
"""Fields that no request by a program has: it names a digest, and no finger slips there."""


@router.get("/incidents/{name}/{verb}")
async def back(name: str, verb: str, here: Here, who: Who) -> Response:
    """A form's address opened by hand, or again: back to the incident."""
    await here.incident(name, who)
    if verb not in VERBS:
        raise NotFound("page", verb)
    return RedirectResponse(f"/incidents/{name}", 303)


@router.post("/incidents/{name}/{verb}")
async def ask(request: Request, name: str, verb: str, here: Here, who: Who) -> Response:
    """Do what the form asks, or show it again with the reason beside it."""
    kind = VERBS.get(verb)
    if kind is None:
        raise NotFound("request", verb, sorted(VERBS))
    words = await typed(request)
    try:
        told = in_utc(words, kind.moments)
        asking = kind.model_validate({field: value for field, value in told.items() if field not in OF_THE_FORM})
        if kind in (Approve, Alone):
            await _named(here, name, who, words, alone=kind is Alone)
        await here.ask(name, asking, who, inbound(who, f"{name}:{verb}", words))
    except ValidationError as wrong:
        fields = wrong_fields(wrong.errors())
        because = "; ".join(f"{field}: {what}" for field, what in fields.items())
        return await _again(request, here, who, name, kind, words, because, 422, fields)
    except (Refused, NotFound, Unavailable, Conflict) as refused:
        return await _again(request, here, who, name, kind, words, _said(refused), _status(refused))
    return after(request, _page(name, kind, words), kind.verb, kind.place(words))


async def _named(here: Console, name: str, who: Profile, words: dict[str, str], *, alone: bool) -> None:
    """Raise Refused where the target's name must be typed and was not."""
    incident = (await here.situation(name, who)).incident
    found = incident.mitigations.get(words.get("mitigation", ""))
    if found is None or found.state is not State.PROPOSED or not wants_name(incident, alone=alone):
        return
    if words.get("confirm", "").strip() != found.plan.target.strip():
        raise Refused(f"type {found.plan.target} exactly, to confirm; nothing was done")


def _said(error: TocsinError) -> str:
    if isinstance(error, Conflict):
        return "somebody else wrote at the same moment; nothing was recorded, try again"
    if isinstance(error, Unavailable):
        return f"{error}; nothing was recorded, try again"
    return str(error)


def _status(error: TocsinError) -> int:
    return 503 if isinstance(error, Unavailable) else 404 if isinstance(error, NotFound) else 409


def _page(name: str, kind: type[Asking], words: dict[str, str]) -> str:
    page = f"/incidents/{name}"
    if kind.of_notice:
        page += f"/notices/{quote(words.get('notice', ''), safe='')}"
    return page


async def _again(
    request: Request,
    here: Console,
    who: Profile,
    name: str,
    kind: type[Asking],
    words: dict[str, str],
    because: str,
    status: int,
    wrong: dict[str, str] | None = None,
) -> Response:
    situation = await here.situation(name, who)
    about = words.get(kind.about, "") if kind.about else ""
    form = Form(kind.verb, about, because, kind.place(words), words, wrong=wrong or {})
    if kind.of_notice and words.get("notice") in situation.incident.notices:
        return notice.page(request, who, situation, words["notice"], form=form, status=status)
    if kind.section == "impact":
        return await impact.page(request, here, who, situation, form=form, status=status)
    return await incident.page(request, here, who, situation, form=form, status=status)
