"""The queue: every legal clock that runs, soonest first, and what else of the words to others waits for the reader."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

from fastapi import APIRouter, Request
from fastapi.responses import Response

from bot.domain.clocks import called
from bot.domain.incident import Incident
from bot.engine.sight import hidden
from bot.engine.values import Profile
from bot.engine.waits import Kind, Wait, waits
from bot.web.door import Console, Here, Who
from bot.web.pages._page import show

router = APIRouter()
NOTICES = {Kind.SIGNATURE: "waits for your signature", Kind.FILING: "is approved and not sent"}
STATEMENTS = {
    Kind.STATEMENT: "for the status page, waits for your approval",
    Kind.PUBLISHING: "for the status page, is approved and not published",
}


@dataclass(frozen=True, slots=True)
class Matter:
    """Words to others that wait for the reader, whether or not a clock runs for them."""

    incident: Incident
    name: str
    says: str
    address: str


@router.get("/notices")
async def look(request: Request, here: Here, who: Who) -> Response:
    """What is due, of the incidents this person may see, and what waits for them."""
    clocks = await here.clocks(who)
    counted = {(each.incident, each.notice) for each in clocks}
    found = [each for incident in await here.unfinished(who) for each in await _matters(here, who, incident, counted)]
    return show(request, "notices", who, {"clocks": clocks, "called": called, "matters": found})


async def _matters(
    here: Console, who: Profile, incident: Incident, counted: Collection[tuple[str, str]]
) -> list[Matter]:
    """Notices without a clock to sign or to send, and statements to approve or to publish."""
    if not incident.notices and not incident.statements:
        return []
    policy, person = here.desk.handler.policy, who.person
    on_call = await here.desk.on_call(incident.service)
    known = waits(incident, person, on_call, policy, here.desk.clock.now())
    away = hidden(incident, person, policy)
    kinds = here.desk.drafter.kinds()
    return [
        _statement(each) if each.kind in STATEMENTS else _notice(each, kinds.get(_template(each), _template(each)))
        for each in known
        if each.kind in STATEMENTS
        or (each.kind in NOTICES and each.item not in away and (incident.id, each.item) not in counted)
    ]


def _template(wait: Wait) -> str:
    return wait.incident.notices[wait.item].template


def _notice(wait: Wait, kind: str) -> Matter:
    address = f"/incidents/{wait.incident.id}/notices/{wait.item}"
    return Matter(wait.incident, kind, NOTICES[wait.kind], address)


def _statement(wait: Wait) -> Matter:
    title, address = wait.incident.statements[wait.item].title, f"/incidents/{wait.incident.id}#statement-{wait.item}"
    return Matter(wait.incident, title, STATEMENTS[wait.kind], address)
