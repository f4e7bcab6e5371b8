"""One's own access: who one is here and why, sessions, tokens, and by which ways one is reached."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta

from fastapi import APIRouter, Request
from fastapi.responses import Response

from bot.domain.errors import Refused
from bot.engine.access import Scope
from bot.engine.values import Profile
from bot.web.door import ByMachine, Console, ForeignError, Here, Who, by_login, session_of
from bot.web.pages._done import after, just_done
from bot.web.pages._forms import typed
from bot.web.pages._page import Form, show
from bot.web.tokens import EVERYDAY, LONGEST, TOKEN_LASTS

router = APIRouter()

DONE = {
    "token-end": "That token has ended.",
    "sessions-end": "Your other sessions have ended.",
}
MEANS = {
    Scope.READ: "read what you may read",
    Scope.RESPOND: "declare, acknowledge, update, propose",
    Scope.APPROVE: "approve, file, decide, and what else only a person does",
    Scope.ADMIN: "end others' sessions and tokens, link accounts",
}


@router.get("/me")
async def look(request: Request, here: Here, who: Who) -> Response:
    """Everything about oneself."""
    return await _show(request, here, who, done=just_done(request, DONE))


@router.post("/me/tokens")
async def make(request: Request, here: Here, who: Who) -> Response:
    """Make a token and show it, this once."""
    by_login(who)
    words = await typed(request)
    try:
        made, held = await here.tokens.mint(
            who.id, name=_name(words), scopes=_scopes(words), lasts=_lasts(words), once=words.get("once", "")
        )
    except Refused as refused:
        form = Form("tokens", "", str(refused), "tokens", words)
        return await _show(request, here, who, form=form, status=409)
    await here.note(who, "made a token", who, f"{held.id}, {', '.join(sorted(held.scopes))}")
    return await _show(request, here, who, made=made)


@router.post("/me/tokens/end")
async def end(request: Request, here: Here, who: Who) -> Response:
    """Revoke one of one's own; again is no mistake."""
    oneself(who)
    token = (await typed(request)).get("token", "")
    if await here.house.access.tokens.end(token, who.id):
        await here.note(who, "revoked a token", who, token)
    return after(request, "/me", "token-end", "tokens")


@router.post("/me/sessions/end")
async def out(request: Request, here: Here, who: Who) -> Response:
    """End one's other sessions: the browser left open elsewhere."""
    oneself(who)
    this = session_of(request)
    others = [each for each in await here.door.visits.of(who.id) if this is None or each.digest != this.digest]
    for each in others:
        await here.house.access.sessions.end(each.digest)
    if others:
        await here.note(who, "ended sessions", who, f"{len(others)} of their own")
    return after(request, "/me", "sessions-end", "sessions")


def oneself(who: Profile) -> None:
    """Raise ForeignError for a borrowed name."""
    if isinstance(who, ByMachine):
        raise ForeignError("this is for you alone, with a login or a token of your own")


def _name(words: Mapping[str, str]) -> str:
    """Raises Refused."""
    if not (name := words.get("name", "").strip()):
        raise Refused("say where the token is used: its name is how you know it again")
    return name


def _scopes(words: Mapping[str, str]) -> list[Scope]:
    """What was ticked. Raises Refused."""
    named = [each for each in words.get("scopes", "").split("; ") if each]
    if strange := [each for each in named if each not in set(Scope)]:
        raise Refused(f"a token is for read, respond, approve or admin, not for {strange[0][:40]}")
    return [Scope(each) for each in named]


def _lasts(words: Mapping[str, str]) -> timedelta:
    """How long it lasts. Raises Refused."""
    days = words.get("days", "").strip() or str(TOKEN_LASTS.days)
    if not (days.isascii() and days.isdigit() and len(days) <= len(str(LONGEST))):
        raise Refused(f"say in days how long the token lasts, from 1 to {LONGEST}")
    return timedelta(days=int(days))


async def _show(
    request: Request,
    here: Console,
    who: Profile,
    *,
    form: Form | None = None,
    done: str = "",
    made: str = "",
    status: int = 200,
) -> Response:
    this, roster = session_of(request), here.desk.roster
    accounts = [each for each in await here.house.access.accounts.accounts() if each.person == who.id]
    granted = next((each for each in accounts if each.roles is not None), None)
    context = {
        "sessions": await here.door.visits.of(who.id),
        "this": this.digest if this is not None else "",
        "tokens": await here.tokens.of(who.id),
        "accounts": accounts,
        "granted": granted is not None,
        "provider": here.house.sign_in.title if here.house.sign_in.provider is not None else "",
        "zone": roster.zone_of(who).key,
        "ways": roster.ways(who),
        "calendars": here.house.calendars is not None,
        "means": MEANS,
        "ticked": set(form.typed.get("scopes", "").split("; ")) if form is not None else set(EVERYDAY),
        "lasts": TOKEN_LASTS.days,
        "longest": LONGEST,
        "idle": here.door.visits.idle,
        "made": made,
        "form": form or Form(),
        "done": done,
    }
    return show(request, "me", who, context, status=status)
