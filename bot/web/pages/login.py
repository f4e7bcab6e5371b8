"""The way in and out: a one-time link and a button, or the provider; logging out ends every session of that person."""

from __future__ import annotations

from fastapi import APIRouter, Depends, Request
from fastapi.responses import RedirectResponse, Response

from bot.clients.oidc import Vouched
from bot.domain.errors import Refused, Unavailable
from bot.engine.access import Errand, Way
from bot.engine.values import Profile
from bot.web.door import Console, ForeignError, Here, Who, session_of, visitor
from bot.web.pages._forms import typed
from bot.web.pages._page import show
from bot.web.phrases import own_path
from bot.web.signing_in import BACK, WAY_LASTS, StrangerError

router = APIRouter()

OLD = "That link was used already, or is older than 15 minutes."


@router.get("/login")
async def look(request: Request, here: Here, token: str = "", next: str = "/") -> Response:  # noqa: A002 - the address says next
    """Ask whether to enter, or say how to get in: who merely opens a link, such as a scanner, uses nothing up."""
    key = await here.door.logins.peek(token) if token else ""
    found = await here.door.named(key) if key else None
    if token and found is None:
        return _no(request, here, OLD)
    return _page(request, here, entering=found, token=token, then=own_path(next))


@router.post("/login")
async def login(request: Request, here: Here) -> Response:
    """Redeem the link: a session begins."""
    door, headers = here.door, request.headers
    site, origin = headers.get("sec-fetch-site", ""), headers.get("origin", "")
    if not door.same_origin(request.method, site, origin, headers.get("host", "")):
        raise ForeignError("that form was not sent from this console; nobody was logged in")
    words = await typed(request)
    key = await door.logins.redeem(words.get("token", ""))
    found = await door.named(key) if key else None
    if found is None:
        return _no(request, here, OLD)
    before = request.cookies.get(door.cookie, "")
    cookie = await door.visits.begin(found, Way.LINK, before=before)
    await here.note(found, "logged in with a link", found)
    answer = RedirectResponse(own_path(words.get("next", "/")), 303)
    door.give(answer, cookie)
    return answer


@router.get("/login/provider")
async def leave(request: Request, here: Here, next: str = "/") -> Response:  # noqa: A002
    """Go to the provider to log in."""
    try:
        url, state = await here.signing_in.leave(own_path(next))
    except Unavailable as silent:
        return _no(request, here, _silent(here, silent), status=503)
    return _sent(here, url, state)


@router.get("/login/prove")
async def prove(request: Request, here: Here, who: Who, next: str = "/") -> Response:  # noqa: A002, ARG001 - the door asks
    """Go to the provider to prove anew who one is: as good as a personal token for one one-time code."""
    session = session_of(request)
    if session is None:
        raise ForeignError("a token proves itself; only a login can be proved anew")
    url, state = await here.signing_in.leave(own_path(next), session)
    return _sent(here, url, state)


@router.get(BACK)
async def back(request: Request, here: Here) -> Response:
    """Come back from the provider: logged in, or proved anew, or told why not."""
    door, asked = here.door, dict(request.query_params)
    try:
        errand, vouched = await here.signing_in.arrive(asked, request.cookies.get(door.way_cookie, ""))
        if errand.session:
            return await _proved(request, here, errand, vouched)
        found = await here.signing_in.somebody(vouched)
    except StrangerError as stranger:
        return _stranger(request, here, stranger)
    except Refused as refused:
        return _no(request, here, f"{refused.because[:1].upper()}{refused.because[1:]}.")
    except Unavailable as silent:
        return _no(request, here, _silent(here, silent), status=503)
    issuer, before = here.signing_in.provider.issuer, request.cookies.get(door.cookie, "")
    cookie = await door.visits.begin(
        found, Way.PROVIDER, issuer=issuer, subject=vouched.subject, hint=vouched.token, before=before
    )
    await here.note(found, "logged in with the provider", found)
    answer = RedirectResponse(own_path(errand.then), 303)
    door.give(answer, cookie)
    door.take(answer, name=door.way_cookie)
    return answer


async def _proved(request: Request, here: Console, errand: Errand, vouched: Vouched) -> Response:
    """The session goes on under a new id, proved. Raises Refused, Unavailable."""
    door = here.door
    session = await door.visits.find(request.cookies.get(door.cookie, ""))
    found = await here.desk.people.by_id(session.person) if session is not None else None
    if session is None or found is None or not found.roles:
        raise Refused("your login ended meanwhile; log in, then ask for the proof once more")
    await here.signing_in.proved(errand, vouched, session)
    cookie = await door.visits.go_on(session, found, proved=True)
    if not cookie:
        raise Refused("your session just went on under another id; ask for the proof once more")
    await here.note(found, "proved anew who they are", found)
    answer = RedirectResponse(own_path(errand.then), 303)
    door.give(answer, cookie)
    door.take(answer, name=door.way_cookie)
    return answer


@router.post("/logout", dependencies=[Depends(visitor)])
async def logout(request: Request, here: Here) -> Response:
    """End every session of this person, and the one with the provider where it has a place for that."""
    door, out = here.door, ""
    session = await door.visits.end(request.cookies.get(door.cookie, ""))
    if session is not None and session.way is Way.PROVIDER and here.house.sign_in.provider is not None:
        try:
            out = await here.house.sign_in.provider.way_out(session.hint, f"{door.address}/login")
        except Unavailable:
            out = ""  # it is silent: here the session has ended all the same
    answer: Response = RedirectResponse("/login", 303)
    if out:  # a form's answer may not lead to another site (form-action 'self'), so the page itself goes on
        context = {"out": out, "title": here.house.sign_in.title}
        answer = show(request, "logged_out", None, context, headers={"Refresh": f"0; url={out}"})
    door.take(answer)
    return answer


def _sent(here: Console, url: str, state: str) -> Response:
    answer = RedirectResponse(url, 303)
    here.door.give(answer, state, name=here.door.way_cookie, lasts=WAY_LASTS)
    return answer


def _page(
    request: Request,
    here: Console,
    *,
    entering: Profile | None = None,
    token: str = "",
    then: str = "/",
    because: str = "",
    stranger: Vouched | None = None,
    status: int = 200,
) -> Response:
    sign_in = here.house.sign_in
    context = {
        "because": because,
        "entering": entering,
        "token": token,
        "then": then,
        "provider": sign_in.title if sign_in.provider is not None else "",
        "issuer": sign_in.provider.issuer if sign_in.provider is not None else "",
        "stranger": stranger,
    }
    return show(request, "login", None, context, status=status)


def _no(request: Request, here: Console, because: str, *, status: int = 403) -> Response:
    answer = _page(request, here, because=because, status=status)
    here.door.take(answer, name=here.door.way_cookie)
    return answer


def _stranger(request: Request, here: Console, stranger: StrangerError) -> Response:
    answer = _page(request, here, because=f"{stranger.because}.", stranger=stranger.vouched, status=403)
    here.door.take(answer, name=here.door.way_cookie)
    return answer


def _silent(here: Console, silent: Unavailable) -> str:
    return f"{here.house.sign_in.title} does not answer as it should, so nobody can log in with it now ({silent})."
