"""Lets people in: every request is told whose it is, what they may see, and what was wrong with what they asked."""

from __future__ import annotations

import hmac
import re
from collections.abc import Sequence
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
from bot.engine.affected import Listing
from bot.engine.desk import Desk
from bot.engine.sight import as_seen, hidden
from bot.engine.situation import Situation
from bot.engine.values import Profile, Summary
from bot.web.auth import LOOPBACK, Doorkeeper
from bot.web.house import WebHouse
from bot.web.shapes_notice import ClockShape
from bot.web.telling_notice import clocks
from bot.web.tokens import PersonalTokens
from bot.web.verbs import Asking, Declaring
from bot.web.verbs.affected import ListWanted

NAMED = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")
EVERYTHING = frozenset({Role.COUNSEL, Role.ADMIN})
OWN_HAND = frozenset({
    "approve", "alone", "review", "go-ahead", "hold", "release", "override", "undo", "settle",
    "approve-notice", "decide-duty", "file", "reword", "drop-notice", "claim-privilege", "waive-privilege",
    "decide-disclosure",
})  # fmt: skip
"""What only a person does: with the machine's token one pair of hands could be both of four eyes."""


class NotLoggedInError(TocsinError):
    """Nobody knows whose request that is."""


class ForeignError(TocsinError):
    """The request is somebody's, but they may not make it here."""


@dataclass(frozen=True, slots=True)
class ByMachine(Profile):
    """A person named by whoever holds the machine's token: it may have been them, or anybody on that machine."""


@dataclass
class Console:
    """What every request finds: the house, its doorkeeper, and the tokens people hold themselves."""

    house: WebHouse
    door: Doorkeeper
    tokens: PersonalTokens

    @property
    def desk(self) -> Desk:
        """The desk every door stands at."""
        return self.house.desk

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

    async def summaries(self, who: Profile, *, limit: int = 200) -> list[Summary]:
        """The newest incidents this person may see."""
        return await self.seen(await self.desk.summaries(limit=limit), who)

    async def seen(self, found: Sequence[Summary], who: Profile) -> list[Summary]:
        """Those of them this person may see."""
        return [each for each in found if not each.restricted or await self._may_see(who, each.id)]

    async def _may_see(self, who: Profile, name: str) -> bool:
        """Whether a restricted incident is theirs to see; of one that cannot be read nobody can tell."""
        known = await self.desk.handler.legible.one(name)
        return known is not None and await self.may_see(who, known)

    async def clocks(self, who: Profile) -> list[ClockShape]:
        """Every legal clock of every open incident this person may see, the one that ends first before the others."""
        found: list[ClockShape] = []
        for known in await self.desk.open_incidents():
            if running(known) and await self.may_see(who, known):
                found += clocks(await self.situation(known.id, who), self.desk.handler.policy)
        return sorted(found, key=lambda each: (each.strict, each.incident, each.regime, each.stage))

    async def ask(self, incident: str, asking: Asking, who: Profile, inbound: str = "") -> Incident:
        """Carry out what was asked of an incident, once per `inbound`. Raises ForeignError for a borrowed name."""
        if isinstance(who, ByMachine) and asking.verb in OWN_HAND:
            raise ForeignError(_own_hand(who))
        self._notice_is_theirs(await self.incident(incident, who), asking, who)
        return await asking.ask(self.desk, incident, who, inbound)

    async def people(self, incident: str, asked: ListWanted, who: Profile, inbound: str = "") -> Listing:
        """The list of those decided about. Raises ForeignError for a borrowed name; Refused, NotFound, Unavailable."""
        if isinstance(who, ByMachine):
            raise ForeignError(_own_hand(who))
        await self.incident(incident, who)
        return await self.desk.affected.take(incident, who, asked.wanted, inbound=inbound)

    async def code(self, incident: str, mitigation: str, who: Profile, token: str) -> tuple[str, datetime]:
        """A fresh one-time code and until when it is good, for whoever presents their personal token for it now.

        Each asking makes a new one, and the one before is void. Raises Refused, NotFound.
        """
        if isinstance(who, ByMachine):
            raise ForeignError(_own_hand(who))
        await self.incident(incident, who)
        if self.tokens.person(token) != who.id:
            raise Refused(f"that is not your personal token; `tocsin token {who.key}` makes one")
        code = await self.desk.changes.give_code(incident, mitigation, who)
        known = await self.desk.log.load(incident)
        return code, mitigation_of(known, mitigation).codes[who.id].until

    async def declare(self, asking: Declaring, who: Profile, inbound: str = "") -> Incident:
        """Open an incident."""
        return await asking.ask(self.desk, who, inbound)


def _own_hand(who: Profile) -> str:
    return f"this needs your own token or login: ask for one with `tocsin token {who.key}`"


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
        return await (_named(here, key) if door.is_token(authorization) else _own(here, authorization, key))
    found = await door.of_cookie(request.cookies.get(door.cookie, ""))
    if found is None:
        raise NotLoggedInError("log in first; `tocsin login NAME` makes a link")
    headers = request.headers
    site, origin = headers.get("sec-fetch-site", ""), headers.get("origin", "")
    if not door.same_origin(request.method, site, origin, headers.get("host", "")):
        raise ForeignError("that form was not sent from this console; nothing was changed")
    return found


async def _named(here: Console, key: str) -> ByMachine:
    """Whom the holder of the machine's token speaks for. Raises ForeignError."""
    found = await here.door.named(key) if key else None
    if found is None:
        wanted = f"{key!r} is nobody in people.yaml" if key else "say for whom"
        raise ForeignError(f"{wanted}: the header X-Tocsin-Person holds a person's key")
    return ByMachine(**{field.name: getattr(found, field.name) for field in fields(found)})


async def _own(here: Console, authorization: str, key: str) -> Profile:
    """Whose personal token that is, with the roles they have now. Raises NotLoggedInError, ForeignError."""
    scheme, _, given = authorization.partition(" ")
    person = here.tokens.person(given.strip()) if scheme.lower() == "bearer" else None
    found = await here.desk.people.by_id(person) if person else None
    if found is None or not found.roles:
        raise NotLoggedInError(
            "that token is not this house's, or has ended; the machine's is kept in the state folder, "
            "file api-token, and `tocsin token NAME` makes a personal one"
        )
    if key not in {"", found.key}:
        raise ForeignError(f"that token is not {key!r}'s own, and a personal token speaks for nobody else")
    return found


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
