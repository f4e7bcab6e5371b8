"""Changes of production at every point of their way, put before the console by the desk's own commands."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

from bot.domain.approval import ApproveMitigation
from bot.domain.claim import ClaimMitigation
from bot.domain.execution import ReportOutcome
from bot.domain.hold import ReportHold
from bot.domain.mitigation import Mitigation, Outcome, ProposeMitigation
from bot.domain.policy import ActionClass, Policy
from tests.kit import held, plan
from tests.web.fakes import Place
from tests.web.rich import declared

INCIDENT = "INC-1"
WHY = "the clinic turns people away and nobody answers"


def under(home: Place, **rules: object) -> Policy:
    """Put other rules in force."""
    home.desk.handler.policy = replace(home.desk.handler.policy, **rules)
    return home.desk.handler.policy


async def proposed(home: Place, by: str = "ana", **changes: object) -> str:
    """An incident with one change proposed; its digest."""
    if not (await home.desk.log.load(INCIDENT)).exists:
        await declared(home)
    made = plan(**changes)
    after = await home.desk.submit(INCIDENT, ProposeMitigation(made, "v2 is bad"), await home.who(by))
    return list(after.mitigations.values())[-1].digest


async def wide(home: Place, by: str = "ana", **changes: object) -> str:
    """One of class 3: it takes a one-time code."""
    return await proposed(home, by, klass=ActionClass.WIDE, **changes)


async def claimed(home: Place, **changes: object) -> None:
    """Proposed, its evidence held, approved by ben, and being carried out."""
    digest = await proposed(home, **changes)
    ben = await home.who("ben")
    await home.desk.submit(INCIDENT, ReportHold("M1", held("router.json"), ("lineage: no answer",)))
    await home.desk.submit(INCIDENT, ApproveMitigation("M1", digest), ben)
    await home.desk.submit(INCIDENT, ClaimMitigation("M1", "7", (ben.person,)))


async def applied(home: Place, **changes: object) -> None:
    """Carried out."""
    await claimed(home, **changes)
    await home.desk.submit(INCIDENT, ReportOutcome("M1", Outcome.APPLIED, "weights are v1 100, v2 0"))


async def mitigation(home: Place, name: str = "M1") -> Mitigation:
    return (await home.desk.log.load(INCIDENT)).mitigations[name]


async def post(home: Place, who: str, verb: str, status: int = 200, /, **body: object) -> Any:
    """Ask by API with one's own token; the answer, or why not."""
    async with await home.own(who) as api:
        sent = {"content": json.dumps(body), "headers": {"Content-Type": "application/json"}}
        answer = await api.post(f"/api/incidents/{INCIDENT}/{verb}", **sent)
        assert answer.status_code == status, answer.text
        return answer.json() if status == 200 else answer.json()["because"]


async def told(home: Place, who: str = "audrey", name: str = "M1") -> dict[str, Any]:
    """One mitigation as the API tells it."""
    async with home.api(who) as api:
        found = (await api.get(f"/api/incidents/{INCIDENT}")).json()["mitigations"]
    return next(each for each in found if each["id"] == name)
