"""Lets people in: every request is told whose it is, what they may see, and what was wrong with what they asked."""

from __future__ import annotations

import hmac
import re
from dataclasses import dataclass, fields
from datetime import datetime
from typing import Annotated

from fastapi import Depends, Request

from bot.domain.clocks import running
from bot.domain.errors import NotFound, Refused, TocsinError
from bot.domain.incident import Incident
from bot.domain.mitigation import mitigation_of
from bot.domain.named import named
from bot.domain.policy import Role
from bot.engine.access import Deed, Scope, Session
from bot.engine.affected import Listing
from bot.engine.desk import Desk
from bot.engine.lists import Place, Sight, Wanted
from bot.engine.sight import as_seen, hidden
from bot.engine.situation import Situation
from bot.engine.values import Profile, Summary
from bot.web.auth import LOOPBACK, SAFE, Doorkeeper
from bot.web.house import WebHouse
from bot.web.shapes_notice import ClockShape
from bot.web.signing_in import SigningIn
from bot.web.telling_notice import clocks
from bot.web.tokens import PersonalTokens
from bot.web.turnover import FRESH
from bot.web.verbs import Asking, Declaring
from bot.web.verbs.affected import ListWanted

NAMED = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")
EVERYTHING = frozenset({Role.COUNSEL, Role.ADMIN})
OWN_HAND = frozenset({
    "approve", "alone", "review", "go-ahead", "hold", "release", "override", "undo", "settle",
    "approve-notice", "decide-duty", "file", "reword", "drop-notice", "claim-privilege", "waive-privilege",
    "decide-disclosure", "approve-statement", "return-statement", "publish-statement", "withdraw-statement",
})  # fmt: skip
"""What only a person does: with the machine's token one pair of hands could be both of four eyes."""


STREAM = "/stream"


class NotLoggedInError(TocsinError):
    """Nobody knows whose request that is."""


class ForeignError(TocsinError):
    """The request is somebody's, but they may not make it here."""


@dataclass(frozen=True, slots=True)
class ByMachine(Profile):
    """A person named by whoever holds the machine's token: it may have been them, or anybody on that machine."""


@dataclass(frozen=True, slots=True)
class ByToken(Profile):
    """A person by a token of their own: no more than its scopes, and no more than they themselves may now."""

    scopes: frozenset[Scope] = frozenset()


@dataclass
class Console:
    """What every request finds: the house, its doorkeeper, the provider's side, and the tokens people hold."""

    house: WebHouse
    door: Doorkeeper
    tokens: PersonalTokens
    signing_in: SigningIn

    @property
    def desk(self) -> Desk:
        """The desk every door stands at."""
        return self.house.desk

    async def note(self, by: Profile | None, what: str, about: Profile, detail: str = "") -> None:
        """Write down what somebody (None: whoever runs the machine) did to somebody's access. Raises Unavailable."""
        deed = Deed(self.desk.clock.now(), by.id if by is not None else "", what, about.id, detail)
        await self.house.access.accounts.write(deed)

    async def may_see(self, who: Profile, incident: Incident) -> bool:
        """A restricted incident is for the people it names or pages, counsel and administrators."""
        if not incident.restricted or who.roles & EVERYTHING:
            return True
        return who.id in named(incident) or who.id in await self.desk.on_call(incident.service)

    async def incident(self, name: str, who: Profile) -> Incident:
        """The incident, or NotFound: whether a hidden one is there is nobody's business either."""
        if not NAMED.fullmatch(name):
            raise NotFound("incident", name)
        known = await self.desk.log.load(name)
        if not known.exists or not await self.may_see(who, known):
            raise NotFound("incident", name)
        return known

    async def situation(self, name: str, who: Profile) -> Situation:
        """Everything a page may show this person of it. Raises NotFound."""
        await self.incident(name, who)
        return as_seen(await self.desk.situation(name), who.person, self.desk.handler.policy)

    def _notice_is_theirs(self, incident: Incident, asking: Asking, who: Profile) -> None:
        """Raise NotFound for a privileged notice they may not see, as for one that never was."""
        name = str(getattr(asking, "notice", ""))
        known = incident.notices.keys() - hidden(incident, who.person, self.desk.handler.policy)
        if name and name not in known:
            raise NotFound("notice", name, sorted(known))

    async def sight(self, who: Profile) -> Sight:
        """Which restricted incidents this person may see, as the lists are told it; the same rule as `may_see`."""
        if who.roles & EVERYTHING:
            return Sight(who.id, everything=True)
        sealed = await self.desk.log.sealed()
        services = [name for name in sealed if who.id in await self.desk.on_call(name)]
        return Sight(who.id, services=frozenset(services))

    async def summaries(self, who: Profile, *, limit: int = 200) -> list[Summary]:
        """The newest incidents this person may see."""
        return await self.found(who, Wanted(), limit=limit)

    async def found(
        self, who: Profile, wanted: Wanted, *, limit: int = 50, after: Place | None = None
    ) -> list[Summary]:
        """The newest of those incidents that this person may see."""
        return await self.desk.log.found(wanted, await self.sight(who), limit=limit, after=after)

    async def unfinished(self, who: Profile) -> list[Incident]:
        """Every incident that is not closed and that this person may see, oldest first."""
        known = await self.desk.open_incidents()
        return [each for each in known if not each.restricted or await self.may_see(who, each)]

    async def clocks(self, who: Profile) -> list[ClockShape]:
        """Every legal clock of every open incident this person may see, the one that ends first before the others."""
        found: list[ClockShape] = []
        for known in await self.desk.handler.legible.all(await self.desk.log.clocked()):
            if running(known) and await self.may_see(who, known):
                found += clocks(await self.situation(known.id, who), self.desk.handler.policy)
        return sorted(found, key=lambda each: (each.strict, each.incident, each.regime, each.stage))

    async def ask(self, incident: str, asking: Asking, who: Profile, inbound: str = "") -> Incident:
        """Carry out what was asked of an incident, once per `inbound`. Raises ForeignError for a borrowed name."""
        if asking.verb in OWN_HAND:
            own_hand(who)
        self._notice_is_theirs(await self.incident(incident, who), asking, who)
        return await asking.ask(self.desk, incident, who, inbound)

    async def people(self, incident: str, asked: ListWanted, who: Profile, inbound: str = "") -> Listing:
        """The list of those decided about. Raises ForeignError for a borrowed name; Refused, NotFound, Unavailable."""
        own_hand(who)
        await self.incident(incident, who)
        return await self.desk.affected.take(incident, who, asked.wanted, inbound=inbound)

    async def code(
        self, incident: str, mitigation: str, who: Profile, token: str, session: Session | None = None
    ) -> tuple[str, datetime]:
        """A fresh one-time code and until when it is good, for whoever presents their personal token for it now.

        Without a token, a session will do whose person proved to the provider within five minutes who they are; each
        proof is good for one code. Each asking makes a new one, and the one before is void. Raises Refused, NotFound.
        """
        own_hand(who)
        await self.incident(incident, who)
        if not token and session is not None and self.house.sign_in.provider is not None:
            if not await self.door.visits.use_proof(session):
                raise Refused("prove who you are first: that is good for five minutes, and for one code")
        else:
            held = await self.tokens.held(token)
            if held is None or held.person != who.id:
                raise Refused(f"that is not your personal token; `tocsin token {who.key}` makes one")
            if Scope.APPROVE not in held.scopes:
                raise Refused("that token of yours is not for approving; make one that is")
        code = await self.desk.changes.give_code(incident, mitigation, who)
        known = await self.desk.log.load(incident)
        return code, mitigation_of(known, mitigation).codes[who.id].until

    async def declare(self, asking: Declaring, who: Profile, inbound: str = "") -> Incident:
        """Open an incident."""
        return await asking.ask(self.desk, who, inbound)


def own_hand(who: Profile) -> None:
    """Raise ForeignError for a borrowed name, and for a token that is not for approving."""
    if isinstance(who, ByMachine):
        raise ForeignError(f"this needs your own token or login: ask for one with `tocsin token {who.key}`")
    _within(who, Scope.APPROVE)


def by_login(who: Profile) -> None:
    """Raise ForeignError for whoever is not logged in: a token makes no tokens, and a borrowed name none either."""
    if isinstance(who, ByMachine | ByToken):
        raise ForeignError("this is for you alone, logged in to the console: no token does it")


def _within(who: Profile, scope: Scope) -> None:
    if isinstance(who, ByToken) and scope not in who.scopes:
        raise ForeignError(f"that token is not for this: it lacks the scope {scope.value}")


def console(request: Request) -> Console:
    """The console this request came to."""
    held: Console = request.app.state.console
    return held


async def visitor(request: Request) -> Profile:
    """Whose request it is: by token or by session. Raises NotLoggedInError, ForeignError."""
    here = console(request)
    door = here.door
    if authorization := request.headers.get("authorization", ""):
        key = request.headers.get("x-tocsin-person", "")
        if door.is_token(authorization):
            return await _named(here, key)
        own = await _own(here, authorization, key)
        _within(own, _needed(request))
        return own
    session = await door.visits.find(request.cookies.get(door.cookie, ""))
    found = await here.desk.people.by_id(session.person) if session is not None else None
    if session is None or found is None or not found.roles:
        raise NotLoggedInError("log in first; `tocsin login NAME` makes a link")
    headers = request.headers
    site, origin = headers.get("sec-fetch-site", ""), headers.get("origin", "")
    if not door.same_origin(request.method, site, origin, headers.get("host", "")):
        raise ForeignError("that form was not sent from this console; nothing was changed")
    request.state.session = session
    if request.method not in SAFE or not _by_itself(request):
        fresh = await door.visits.awake(session, found)
        if fresh:
            setattr(request.state, FRESH, fresh)
    return found


def _by_itself(request: Request) -> bool:
    """Whether a page looks by itself: nobody need be there, and what a stream answers sets no cookie."""
    return request.headers.get("sec-fetch-dest", "") == "empty" or request.url.path == STREAM


def session_of(request: Request) -> Session | None:
    """The session this request came with, once the door has let it in."""
    held: Session | None = getattr(request.state, "session", None)
    return held


async def _named(here: Console, key: str) -> ByMachine:
    """Whom the holder of the machine's token speaks for. Raises ForeignError."""
    found = await here.door.named(key) if key else None
    if found is None:
        wanted = f"{key!r} is nobody in people.yaml" if key else "say for whom"
        raise ForeignError(f"{wanted}: the header X-Tocsin-Person holds a person's key")
    return ByMachine(**{field.name: getattr(found, field.name) for field in fields(found)})


def _needed(request: Request) -> Scope:
    """What a token must be for to make that request; what only a person does is asked for where it is done."""
    if request.method in SAFE:
        return Scope.READ
    return Scope.ADMIN if request.url.path.startswith("/people") else Scope.RESPOND


async def _own(here: Console, authorization: str, key: str) -> ByToken:
    """Whose personal token that is, with the roles they have now. Raises NotLoggedInError, ForeignError."""
    scheme, _, given = authorization.partition(" ")
    held = await here.tokens.held(given.strip()) if scheme.lower() == "bearer" else None
    found = await here.desk.people.by_id(held.person) if held is not None else None
    if held is None or found is None or not found.roles:
        raise NotLoggedInError(
            "that token is not this house's, or has ended; the machine's is kept in the state folder, "
            "file api-token, and `tocsin token NAME` makes a personal one"
        )
    if key not in {"", found.key}:
        raise ForeignError(f"that token is not {key!r}'s own, and a personal token speaks for nobody else")
    await here.tokens.note(held)
    return ByToken(**{field.name: getattr(found, field.name) for field in fields(found)}, scopes=held.scopes)


def presented(request: Request) -> str:
    """The token this request itself brings. Raises ForeignError: a session was begun by somebody, some time ago."""
    scheme, _, given = request.headers.get("authorization", "").partition(" ")
    if scheme.lower() != "bearer":
        raise ForeignError("a login alone gives no one-time code: present your personal token for it")
    return given.strip()


def operator(request: Request) -> None:
    """Only whoever holds the machine's token. Raises NotLoggedInError."""
    if not console(request).door.is_token(request.headers.get("authorization", "")):
        raise NotLoggedInError("only the token of the state folder (file api-token) may ask this")


def nearby(request: Request) -> None:
    """Only this machine itself, or whoever holds its token. Raises NotLoggedInError."""
    here = request.client is not None and request.client.host in LOOPBACK
    if here and "x-forwarded-for" not in request.headers and "forwarded" not in request.headers:
        return
    operator(request)


def scraper(request: Request) -> None:
    """Only this machine, or whoever holds its token or the one for /metrics alone. Raises NotLoggedInError."""
    scheme, _, given = request.headers.get("authorization", "").partition(" ")
    wanted = console(request).house.metrics_token
    if wanted and scheme.lower() == "bearer" and hmac.compare_digest(given.strip().encode(), wanted.encode()):
        return
    nearby(request)


Here = Annotated[Console, Depends(console)]
Who = Annotated[Profile, Depends(visitor)]
