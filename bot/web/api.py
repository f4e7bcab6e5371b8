"""The API: what the pages and the command line do, as JSON; every verb is a route, described in OpenAPI."""

import hashlib
import secrets
from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Header, Query, Request, Response
from pydantic import BaseModel, ConfigDict, Field

from bot.domain.errors import NotFound
from bot.domain.incident import Incident
from bot.engine.access import Scope
from bot.engine.situation import Situation
from bot.engine.values import Profile
from bot.telemetry import log
from bot.web.described import describe
from bot.web.door import ByMachine, Console, Here, Who, operator, presented, visitor
from bot.web.lines import PAGE, found
from bot.web.lines import Sought as SoughtLines
from bot.web.listing import Cursor, Filter, Limit, Severities, Since, Sought, State, Until, follow, paged
from bot.web.listing import incidents as listed
from bot.web.objectives import standing
from bot.web.pages.affected import as_file
from bot.web.shapes import ImpactShape, IncidentShape, PostmortemShape, SloShape, SummaryShape, TimelineShape
from bot.web.shapes_change import CodeShape, PreviewShape
from bot.web.shapes_notice import ClockShape, FrozenShape
from bot.web.telling import summary, tell, timeline
from bot.web.telling_notice import frozen
from bot.web.tokens import EVERYDAY, LONGEST, TOKEN_LASTS
from bot.web.trying import tried
from bot.web.verbs import VERBS, Asking, Declaring
from bot.web.verbs._asking import Name
from bot.web.verbs.affected import ListWanted

Key = Annotated[str, Header(alias="Idempotency-Key", max_length=200)]
"""Sent twice with the same words, a request has one effect."""


class Because(BaseModel):
    """Why not, in a sentence for the person who asked."""

    because: str


class LoginWanted(BaseModel):
    """Whom to make a login link for, by key."""

    model_config = ConfigDict(extra="forbid")

    person: str


class LoginLink(BaseModel):
    """A link that logs in once, within 15 minutes."""

    url: str


class TokensEnd(BaseModel):
    """Whose personal tokens are to end, by key."""

    model_config = ConfigDict(extra="forbid")

    person: str


class TokenWanted(BaseModel):
    """Whose personal token is asked for, by key; what it is called, what it is for, and for how many days."""

    model_config = ConfigDict(extra="forbid")

    person: str
    name: str = Field(default="", max_length=80)
    scopes: list[Scope] = Field(default=sorted(EVERYDAY), min_length=1)
    days: int = Field(default=TOKEN_LASTS.days, ge=1, le=LONGEST)


class Token(BaseModel):
    """A token that acts as one person. It is told once; only its hash is kept."""

    person: str
    token: str
    expires: datetime
    name: str = ""
    scopes: list[Scope] = []


class CodeWanted(BaseModel):
    """The mitigation a one-time code is wanted for."""

    model_config = ConfigDict(extra="forbid")

    mitigation: Name


class Revoked(BaseModel):
    """How many personal tokens ended."""

    ended: int


class Head(BaseModel):
    """Where the log of an incident stands; it changes exactly when the incident does."""

    head: str
    seq: int
    phase: str


ANSWERS: dict[int | str, dict[str, Any]] = {
    401: {"model": Because},
    403: {"model": Because},
    404: {"model": Because},
    409: {"model": Because},
    422: {"model": Because},
    503: {"model": Because},
}

api = APIRouter(prefix="/api", responses=ANSWERS)


@api.get("/incidents")
async def incidents(
    request: Request,
    response: Response,
    here: Here,
    who: Who,
    limit: Limit = 100,
    before: Cursor = "",
    q: Sought = "",
    state: State = "",
    service: Sought = "",
    severity: Severities = "",
    cause: Sought = "",
    since: Since = None,
    until: Until = None,
) -> list[SummaryShape]:
    """The newest incidents first: with these words in them, of one state, service, severity, cause or time."""
    wanted = Filter(q, state, service, severity, cause, since, until)
    these, more = await listed(here, who, wanted, limit=limit, before=before)
    follow(request, response, "before", these[-1].id if more else "")
    return [summary(each) for each in these]


@api.post("/incidents", status_code=201)
async def declare(body: Declaring, here: Here, who: Who, key: Key = "") -> IncidentShape:
    """Open an incident by hand."""
    made = await here.declare(body, who, inbound(who, "declare", key, body))
    return _told(here, await here.situation(made.id, who))


@api.get("/incidents/{incident}")
async def one(
    incident: str, here: Here, who: Who, timeline: Annotated[int, Query(ge=1, le=1_000_000)] = PAGE
) -> IncidentShape:
    """Everything known of one incident, of its timeline so many of the newest lines."""
    return _told(here, await here.situation(incident, who), timeline)


def _told(here: Console, situation: Situation, lines: int = PAGE) -> IncidentShape:
    return tell(situation, here.desk.handler.policy, lines)


@api.get("/incidents/{incident}/timeline")
async def told(
    incident: str, here: Here, who: Who, request: Request, limit: Annotated[int, Query(ge=1, le=1000)] = PAGE
) -> TimelineShape:
    """Its timeline, the newest lines first to be had: `kind`, `by` and `q` choose, `before` goes on from `older`."""
    situation = await here.situation(incident, who)
    lines = found(situation, SoughtLines.of(request.query_params), limit)
    return TimelineShape(
        lines=timeline(situation, lines), matching=lines.matching, total=lines.total, older=lines.older or None
    )


@api.get("/incidents/{incident}/preview")
async def previewed(incident: str, offer: str, here: Here, who: Who) -> PreviewShape:
    """The plan of a prepared mitigation as of now, tried without changing anything."""
    return await tried(here, incident, offer, who)


@api.post("/incidents/{incident}/code")
async def code(
    incident: str, body: CodeWanted, here: Here, who: Who, token: Annotated[str, Depends(presented)]
) -> CodeShape:
    """A fresh one-time code, to approve a wide change with; only for the personal token the request itself brings."""
    made, until = await here.code(incident, body.mitigation, who, token)
    return CodeShape(mitigation=body.mitigation, code=made, until=until)


@api.get("/incidents/{incident}/head")
async def head(incident: str, here: Here, who: Who) -> Head:
    """Where its log stands, for whoever watches for changes."""
    known = await here.incident(incident, who)
    return Head(head=known.head, seq=known.seq, phase=known.phase)


@api.get("/incidents/{incident}/impact")
async def estimated(incident: str, here: Here, who: Who) -> ImpactShape:
    """What the data and the catalogue alone say of the impact."""
    await here.incident(incident, who)
    return ImpactShape.model_validate(await here.desk.estimate_impact(incident))


@api.post("/incidents/{incident}/affected/list", response_class=Response)
async def people(incident: str, body: ListWanted, here: Here, who: Who, key: Key = "") -> Response:
    """The list of those decided about, as CSV; only with one's own token, and the timeline says who took it."""
    return as_file(incident, await here.people(incident, body, who, inbound(who, f"{incident}:list", key, body)))


@api.get("/incidents/{incident}/postmortem")
async def postmortem(incident: str, here: Here, who: Who) -> PostmortemShape:
    """The draft of its post-mortem, read off the log as of now."""
    await here.incident(incident, who)
    return PostmortemShape(
        incident=incident, as_of=here.desk.clock.now(), markdown=await here.desk.postmortem(incident)
    )


@api.get("/incidents/{incident}/notices/{notice}/versions/{version}")
async def frozen_version(incident: str, notice: str, version: int, here: Here, who: Who) -> FrozenShape:
    """One version of a notice as it was frozen: words, digest, facts, and who signed it."""
    situation = await here.situation(incident, who)
    known = situation.incident.notices.get(notice)
    if known is None:
        raise NotFound("notice", notice, sorted(situation.incident.notices))
    return frozen(known, version, situation)


@api.get("/notices")
async def due(
    request: Request, response: Response, here: Here, who: Who, limit: Limit = 1000, after: Cursor = ""
) -> list[ClockShape]:
    """Every legal clock that runs, soonest first: what is missing, where its notice stands, who answers for it."""
    clocks = await here.clocks(who)
    page, cursor = paged(clocks, lambda c: f"{c.incident}/{c.regime}/{c.stage}", limit=limit, after=after)
    follow(request, response, "after", cursor)
    return page


@api.get("/slos", dependencies=[Depends(visitor)])
async def slos(
    request: Request, response: Response, here: Here, limit: Limit = 1000, after: Cursor = ""
) -> list[SloShape]:
    """Every objective with its verdict and the reason."""
    page, cursor = paged(standing(here), lambda each: each.slo.name, limit=limit, after=after)
    follow(request, response, "after", cursor)
    return [each.shape() for each in page]


@api.post("/login", dependencies=[Depends(operator)])
async def login(body: LoginWanted, here: Here) -> LoginLink:
    """A one-time login link; only for whoever holds the machine's token."""
    found = await _person(here, body.person)
    await here.note(None, "given a login link", found)
    return LoginLink(url=await here.door.logins.mint(found.key))


@api.post("/tokens", status_code=201, dependencies=[Depends(operator)])
async def token(body: TokenWanted, here: Here) -> Token:
    """A personal token; only for whoever holds the machine's token."""
    found = await _person(here, body.person)
    made, held = await here.tokens.mint(
        found.id, name=body.name or "tocsin token", scopes=body.scopes, lasts=timedelta(days=body.days)
    )
    await here.note(None, "given a token", found, f"{held.id}, {', '.join(sorted(held.scopes))}")
    log().info("a personal token was made", person=found.key, expires=held.expires.isoformat())
    return Token(person=found.key, token=made, expires=held.expires, name=held.name, scopes=sorted(held.scopes))


@api.post("/tokens/revoke", dependencies=[Depends(operator)])
async def revoke(body: TokensEnd, here: Here) -> Revoked:
    """End every personal token of one person; only for whoever holds the machine's token."""
    found = await _person(here, body.person)
    log().info("the personal tokens of a person were ended", person=found.key)
    ended = await here.tokens.revoke(found.id)
    await here.note(None, "tokens revoked", found, f"all {ended}")
    return Revoked(ended=ended)


async def _person(here: Console, key: str) -> Profile:
    """The person of that key. Raises NotFound naming the keys there are."""
    found = await here.door.named(key)
    if found is None:
        raise NotFound("person", key, sorted(each.key for each in await here.desk.people.everyone()))
    return found


@api.get("/openapi.json", include_in_schema=False, dependencies=[Depends(visitor)])
async def described(request: Request) -> dict[str, Any]:
    """The API in OpenAPI's words."""
    return describe(request.app)


def inbound(who: Profile, what: str, key: str, body: BaseModel) -> str:
    """The inbound id of a request that carries a key of its own, "" without one; corrected words are a new request.

    It is the cause in the log's entries: one that came by the machine's token has one always, and it says so.
    """
    by_machine = isinstance(who, ByMachine)
    if not key:
        return f"machine:{who.id}:{secrets.token_hex(16)}" if by_machine else ""
    words = hashlib.sha256(f"{key}\n{body.model_dump_json()}".encode()).hexdigest()
    return f"{'machine' if by_machine else 'web'}:{who.id}:{what}:{words[:32]}"


Ask = Callable[..., Awaitable[IncidentShape]]


def _route(kind: type[Asking]) -> Ask:
    async def ask(incident: str, body: Any, here: Here, who: Who, response: Response, key: Key = "") -> IncidentShape:
        name = inbound(who, f"{incident}:{kind.verb}", key, body)
        if name and await here.desk.log.seen(name):
            response.headers["Idempotency-Replayed"] = "true"
        done: Incident = await here.ask(incident, body, who, name)
        return _told(here, await here.situation(done.id, who))

    ask.__annotations__["body"] = kind
    ask.__name__ = kind.verb.replace("-", "_")
    ask.__doc__ = kind.__doc__
    return ask


for _kind in VERBS.values():
    api.add_api_route(f"/incidents/{{incident}}/{_kind.verb}", _route(_kind), methods=["POST"])
