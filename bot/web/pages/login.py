"""The way in and out: a one-time link and a button begin a session, logging out ends every session of that person."""

from fastapi import APIRouter, Depends, Request
from fastapi.responses import RedirectResponse, Response

from bot.web.auth import SESSION_LASTS
from bot.web.door import ForeignError, Here, visitor
from bot.web.pages._forms import typed
from bot.web.pages._page import show
from bot.web.phrases import own_path

router = APIRouter()


@router.get("/login")
async def look(request: Request, here: Here, token: str = "", next: str = "/") -> Response:  # noqa: A002 - the address says next
    """Ask whether to enter, or say how to get a link: who merely opens one, such as a scanner, uses nothing up."""
    key = here.door.logins.peek(token) if token else None
    found = await here.door.named(key) if key else None
    if token and found is None:
        return _no(request)
    return show(request, "login", None, {"entering": found, "token": token, "then": own_path(next), "because": ""})


@router.post("/login")
async def login(request: Request, here: Here) -> Response:
    """Redeem the link: a session begins."""
    door, headers = here.door, request.headers
    site, origin = headers.get("sec-fetch-site", ""), headers.get("origin", "")
    if not door.same_origin(request.method, site, origin, headers.get("host", "")):
        raise ForeignError("that form was not sent from this console; nobody was logged in")
    words = await typed(request)
    key = door.logins.redeem(words.get("token", ""))
    found = await door.named(key) if key else None
    if found is None:
        return _no(request)
    answer = RedirectResponse(own_path(words.get("next", "/")), 303)
    answer.set_cookie(
        door.cookie,
        door.sessions.begin(found.id),
        max_age=int(SESSION_LASTS.total_seconds()),
        path="/",
        secure=door.secure,
        httponly=True,
        samesite="lax",
    )
    return answer


def _no(request: Request) -> Response:
    because = "That link was used already, or is older than 15 minutes."
    return show(request, "login", None, {"because": because, "entering": None}, status=403)


@router.post("/logout", dependencies=[Depends(visitor)])
async def logout(request: Request, here: Here) -> Response:
    """End every session of this person."""
    here.door.sessions.end(request.cookies.get(here.door.cookie, ""))
    answer = RedirectResponse("/login", 303)
    answer.delete_cookie(here.door.cookie, path="/", secure=here.door.secure, httponly=True, samesite="lax")
    return answer
