"""The way in and out: a one-time link begins a session, logging out ends every session of that person."""

from fastapi import APIRouter, Depends, Request
from fastapi.responses import RedirectResponse, Response

from bot.web.auth import SESSION_LASTS
from bot.web.door import Here, visitor
from bot.web.pages._page import show
from bot.web.phrases import own_path

router = APIRouter()


@router.get("/login")
async def login(request: Request, here: Here, token: str = "", next: str = "/") -> Response:  # noqa: A002 - the address says next
    """Redeem a link, or say how to get one."""
    door = here.door
    key = door.logins.redeem(token) if token else None
    found = await door.named(key) if key else None
    if found is None:
        because = "That link was used already, or is older than 15 minutes." if token else ""
        return show(request, "login", None, {"because": because}, status=403 if token else 200)
    answer = RedirectResponse(own_path(next), 303)
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


@router.post("/logout", dependencies=[Depends(visitor)])
async def logout(request: Request, here: Here) -> Response:
    """End every session of this person."""
    here.door.sessions.end(request.cookies.get(here.door.cookie, ""))
    answer = RedirectResponse("/login", 303)
    answer.delete_cookie(here.door.cookie, path="/", secure=here.door.secure, httponly=True, samesite="lax")
    return answer
