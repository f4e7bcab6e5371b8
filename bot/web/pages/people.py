"""People and access: everybody with their roles and where these come from, how they come in, and what was done."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from fastapi import APIRouter, Request
from fastapi.responses import Response

from bot.domain.errors import NotFound, Refused
from bot.domain.policy import Role
from bot.engine.access import Account, Deed, HeldToken, Session
from bot.engine.values import Profile
from bot.web.access import Area, reading
from bot.web.door import ByMachine, Console, ForeignError, Here, Who
from bot.web.pages._done import after, just_done
from bot.web.pages._forms import typed
from bot.web.pages._page import Form, show

router = APIRouter()

DONE = {
    "sessions": "Their sessions have ended.",
    "token": "That token has ended.",
    "tokens": "Their tokens have ended.",
    "link": "Linked: from now on they come in with that account.",
    "unlink": "That account is nobody's now, and the sessions of whoever had it have ended.",
}
LOOKED_BACK = 100


@dataclass(frozen=True, slots=True)
class Row:
    """One person: who they are, how they come in, when they were here last."""

    who: Profile
    accounts: Sequence[Account]
    granted: bool
    """Their roles are those of their groups with the provider."""
    sessions: Sequence[Session]
    tokens: Sequence[HeldToken]
    seen: datetime | None


@dataclass(frozen=True, slots=True)
class Line:
    """One deed with names."""

    deed: Deed
    by: str
    about: str


@router.get("/people")
async def look(request: Request, here: Here, who: Who) -> Response:
    """Everybody, and what was done to their access."""
    reading(who, Area.PEOPLE)
    return await _show(request, here, who, done=just_done(request, DONE))


@router.post("/people/{deed}")
async def change(request: Request, here: Here, who: Who, deed: str) -> Response:
    """What an administrator does to somebody's access; it is written down first."""
    reading(who, Area.PEOPLE)
    if isinstance(who, ByMachine) or Role.ADMIN not in who.roles:
        raise ForeignError("this is for an administrator alone, with a login or a token of their own")
    if deed not in DEEDS:
        raise NotFound("request", deed, sorted(DEEDS))
    words = await typed(request)
    try:
        await DEEDS[deed](here, who, words)
    except Refused as refused:
        form = Form(deed, words.get("person", ""), str(refused), "accounts", words)
        return await _show(request, here, who, form=form, status=409)
    return after(request, "/people", deed)


async def _sessions(here: Console, who: Profile, words: Mapping[str, str]) -> None:
    about = await _person(here, words)
    await here.note(who, "ended sessions", about, f"{len(await here.door.visits.of(about.id))} of them")
    await here.house.access.sessions.end_all(about.id)


async def _tokens(here: Console, who: Profile, words: Mapping[str, str]) -> None:
    about = await _person(here, words)
    await here.note(who, "tokens revoked", about, f"all {len(await here.tokens.of(about.id))}")
    await here.tokens.revoke(about.id)


async def _token(here: Console, who: Profile, words: Mapping[str, str]) -> None:
    held = next((each for each in await here.tokens.of() if each.id == words.get("token", "")), None)
    if held is None:
        return  # it has ended already, which is what was wanted
    about = await here.desk.people.by_id(held.person)
    if about is not None:
        await here.note(who, "revoked a token", about, held.id)
    await here.house.access.tokens.end(held.id)


async def _link(here: Console, who: Profile, words: Mapping[str, str]) -> None:
    account, about = await _account(here, words), await _person(here, words)
    if account.person == about.id:
        return
    if account.person:
        raise Refused("that account is somebody's; take it from them first")
    if about.key in here.house.sign_in.subjects.values():
        raise Refused(f"people.yaml says as whom the provider knows {about.key}; change it there")
    await here.note(who, "linked an account", about, f"subject {account.subject} of {account.issuer}")
    await here.house.access.accounts.met(replace(account, person=about.id, roles=None))


async def _unlink(here: Console, who: Profile, words: Mapping[str, str]) -> None:
    account = await _account(here, words)
    if not account.person:
        return
    if account.subject in here.house.sign_in.subjects:
        raise Refused("people.yaml says whose account that is; change it there")
    about = await here.desk.people.by_id(account.person)
    if about is not None:
        await here.note(who, "took an account away", about, f"subject {account.subject} of {account.issuer}")
    await here.house.access.accounts.met(replace(account, person="", roles=None))
    await here.house.access.sessions.end_all(account.person)


DEEDS: Mapping[str, Callable[[Console, Profile, Mapping[str, str]], Awaitable[None]]] = {
    "sessions": _sessions,
    "tokens": _tokens,
    "token": _token,
    "link": _link,
    "unlink": _unlink,
}


async def _person(here: Console, words: Mapping[str, str]) -> Profile:
    """Raises Refused."""
    found = await here.desk.people.by_key(words.get("person", ""))
    if found is None:
        raise Refused("say who: somebody whom people.yaml names")
    return found


async def _account(here: Console, words: Mapping[str, str]) -> Account:
    """Raises Refused."""
    issuer, _, subject = words.get("account", "").partition(" ")
    found = await here.house.access.accounts.account(issuer, subject) if subject else None
    if found is None:
        raise Refused("that account is not known any more; whoever has it tries to log in once more")
    return found


async def _show(
    request: Request, here: Console, who: Profile, *, form: Form | None = None, done: str = "", status: int = 200
) -> Response:
    kept, sign_in = here.house.access, here.house.sign_in
    accounts = await kept.accounts.accounts()
    context = {
        "rows": sorted(await everybody(here), key=lambda row: row.who.name.casefold()),
        "strangers": [each for each in accounts if not each.person],
        "deeds": [await _line(here, each) for each in await kept.accounts.deeds(limit=LOOKED_BACK)],
        "admin": Role.ADMIN in who.roles,
        "provider": sign_in.title if sign_in.provider is not None else "",
        "groups": {role: sorted(names) for role, names in sorted(sign_in.groups.items())},
        "form": form or Form(),
        "done": done,
    }
    return show(request, "people", who, context, status=status)


async def everybody(here: Console) -> list[Row]:
    """Everybody of people.yaml, with how they come in and when they were here last. Raises Unavailable."""
    sessions, tokens = await here.door.visits.of(), await here.tokens.of()
    accounts = await here.house.access.accounts.accounts()
    return [_row(each, accounts, sessions, tokens) for each in await here.desk.people.everyone()]


def _row(who: Profile, accounts: Sequence[Account], sessions: Sequence[Session], tokens: Sequence[HeldToken]) -> Row:
    own = [each for each in accounts if each.person == who.id]
    mine = [each for each in sessions if each.person == who.id]
    held = [each for each in tokens if each.person == who.id]
    moments = [*(each.seen for each in mine), *(each.used for each in held), *(each.seen for each in own)]
    granted = any(each.roles is not None for each in own)
    return Row(who, own, granted, mine, held, max((at for at in moments if at is not None), default=None))


async def _line(here: Console, deed: Deed) -> Line:
    by = await here.desk.people.by_id(deed.by) if deed.by else None
    about = await here.desk.people.by_id(deed.about)
    somebody = "somebody who was erased"
    by_name = by.name if by is not None else somebody
    return Line(deed, by_name if deed.by else "whoever runs the machine", about.name if about is not None else somebody)
