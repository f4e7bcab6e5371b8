"""The API of access: who one is here, one's own tokens, and, for whoever may read them, the people of the house."""

from __future__ import annotations

from datetime import timedelta
from typing import Annotated

from fastapi import APIRouter, Request, Response
from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from bot.engine.access import HeldToken, Scope
from bot.web.access import Area, reading
from bot.web.api import ANSWERS
from bot.web.door import ByToken, Here, Who, by_login
from bot.web.listing import Cursor, Limit, follow, paged
from bot.web.pages.me import oneself
from bot.web.pages.people import Row, everybody
from bot.web.shape import Instant, Shape
from bot.web.tokens import EVERYDAY, LONGEST, TOKEN_LASTS
from bot.web.verbs._asking import Name

access = APIRouter(prefix="/api", responses=ANSWERS)


class MeShape(Shape):
    """Who asks; `scopes` is what the token that asks is for, and empty for a login."""

    key: str
    name: str
    roles: list[str]
    scopes: list[Scope]
    zone: str


class OwnTokenShape(Shape):
    """A token as it is kept; nobody can read the token itself again."""

    id: str
    name: str
    scopes: list[Scope]
    made: Instant
    expires: Instant
    used: Instant | None

    @classmethod
    def of(cls, held: HeldToken) -> OwnTokenShape:
        """As it is told."""
        return cls.model_validate({**{name: getattr(held, name) for name in cls.model_fields}, "scopes": _sorted(held)})


class OwnTokenWanted(BaseModel):
    """What a token of one's own is called, what it is for, and for how many days."""

    model_config = ConfigDict(extra="forbid")

    name: Annotated[Name, StringConstraints(max_length=80)]
    scopes: list[Scope] = Field(default=sorted(EVERYDAY), min_length=1)
    days: int = Field(default=TOKEN_LASTS.days, ge=1, le=LONGEST)


class OwnTokenMade(OwnTokenShape):
    """A new token; `token` is told this once."""

    token: str


class OwnTokenEnd(BaseModel):
    """Which of one's own tokens is to end, by its id."""

    model_config = ConfigDict(extra="forbid")

    token: Name


class Ended(Shape):
    """Whether there was one to end."""

    ended: bool


class PersonShape(Shape):
    """Somebody of people.yaml: their roles, whether groups with the provider give these, and how they are there."""

    key: str
    name: str
    roles: list[str]
    by_groups: bool
    sessions: int
    tokens: int
    seen: Instant | None

    @classmethod
    def of(cls, row: Row) -> PersonShape:
        """As it is told."""
        who = row.who
        return cls(
            key=who.key,
            name=who.name,
            roles=sorted(who.roles),
            by_groups=row.granted,
            sessions=len(row.sessions),
            tokens=len(row.tokens),
            seen=row.seen,
        )


def _sorted(held: HeldToken) -> list[Scope]:
    return sorted(held.scopes)


@access.get("/me")
async def me(here: Here, who: Who) -> MeShape:
    """Who this request is taken for."""
    scopes = sorted(who.scopes) if isinstance(who, ByToken) else []
    zone = here.desk.roster.zone_of(who).key
    return MeShape(key=who.key, name=who.name, roles=sorted(who.roles), scopes=scopes, zone=zone)


@access.get("/me/tokens")
async def tokens(here: Here, who: Who) -> list[OwnTokenShape]:
    """One's own tokens that have not ended."""
    return [OwnTokenShape.of(each) for each in await here.tokens.of(who.id)]


@access.post("/me/tokens", status_code=201)
async def make(body: OwnTokenWanted, here: Here, who: Who) -> OwnTokenMade:
    """Make a token of one's own, logged in: a token makes no tokens."""
    by_login(who)
    made, held = await here.tokens.mint(who.id, name=body.name, scopes=body.scopes, lasts=timedelta(days=body.days))
    await here.note(who, "made a token", who, f"{held.id}, {', '.join(_sorted(held))}")
    return OwnTokenMade(**OwnTokenShape.of(held).model_dump(), token=made)


@access.post("/me/tokens/end")
async def end(body: OwnTokenEnd, here: Here, who: Who) -> Ended:
    """End one of one's own tokens, also the one that asks; again is no mistake."""
    oneself(who)
    ended = await here.house.access.tokens.end(body.token, who.id)
    if ended:
        await here.note(who, "revoked a token", who, body.token)
    return Ended(ended=bool(ended))


@access.get("/people")
async def people(
    request: Request, response: Response, here: Here, who: Who, limit: Limit = 1000, after: Cursor = ""
) -> list[PersonShape]:
    """Everybody, by key, with their roles and when they were here last."""
    reading(who, Area.PEOPLE)
    rows = sorted(await everybody(here), key=lambda row: row.who.key)
    page, cursor = paged(rows, lambda row: row.who.key, limit=limit, after=after)
    follow(request, response, "after", cursor)
    return [PersonShape.of(each) for each in page]
