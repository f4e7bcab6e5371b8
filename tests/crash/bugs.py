"""Mistakes a house could make, to be planted into a living one: each must be caught by the oracle."""

from __future__ import annotations

from dataclasses import replace

from bot.domain.incident import Incident
from bot.domain.mitigation import Mitigation, Outcome, State, mitigation_of
from bot.domain.undo import ReportUndo
from bot.engine.calling import Sent, Summons
from bot.engine.carry import Carrier
from bot.engine.paging import Paging
from bot.engine.ports import Action
from bot.engine.values import Seen
from bot.wiring import House


class FiresAgain(Carrier):
    """After a crash it asks the target for the change once more, without looking."""

    async def _resume(self, incident: Incident, mitigation: Mitigation, action: Action, key: str) -> None:
        await self._fire(incident.id, mitigation, action, key, again=True)


class ActsFirst(Carrier):
    """It asks the target for the change, and takes the right to do so afterwards."""

    async def execute(self, incident: Incident, name: str) -> None:
        mitigation = mitigation_of(incident, name)
        if mitigation.state is State.APPROVED:
            await self._action(mitigation).execute(mitigation.plan, mitigation.key(incident.id))
        await super().execute(incident, name)


class GivesUp(Carrier):
    """After a crash it says that nothing was changed where the target does not show the change yet."""

    async def _resume(self, incident: Incident, mitigation: Mitigation, action: Action, key: str) -> None:
        seen = await self._observe(action, mitigation, key)
        outcome = Outcome.APPLIED if seen.seen is Seen.APPLIED else Outcome.FAILED
        await self._report(incident.id, mitigation, outcome, seen.detail)


class TakesBackAgain(Carrier):
    """It takes a change back without having written down that it begins, and again after a crash."""

    async def undo(self, incident: Incident, name: str) -> None:
        mitigation = mitigation_of(incident, name)
        action, key = self._action(mitigation), f"{mitigation.key(incident.id)}/undo"
        if (await action.undone(mitigation.plan, key)).seen is not Seen.APPLIED:
            await action.undo(mitigation.plan, key)
        await self.desk.submit(incident.id, ReportUndo(name, Outcome.APPLIED, "done"))


class Forgets(Carrier):
    """What was claimed before the crash it never takes up."""

    async def _resume(self, incident: Incident, mitigation: Mitigation, action: Action, key: str) -> None:
        return


class Mute:
    """A pager that says it reached somebody and did not."""

    def way(self, _summons: Summons) -> str:
        return "phone"

    async def page(self, _summons: Summons) -> Sent:
        return Sent("phone")

    async def close(self) -> None:
        return


CARRIERS: dict[str, type[Carrier]] = {
    "fires again": FiresAgain,
    "acts first": ActsFirst,
    "gives up": GivesUp,
    "takes back again": TakesBackAgain,
    "forgets": Forgets,
}


def plant(bug: str, house: House) -> None:
    """Make the house make that mistake; "" leaves it as it is."""
    hands = house.reconciler.hands
    if bug in CARRIERS:
        house.reconciler.hands = replace(hands, carrier=CARRIERS[bug](house.desk))
    elif bug == "tells nobody":
        house.reconciler.hands = replace(hands, paging=Paging(house.desk, {"phone": Mute()}, {}))
    elif bug not in ("", "acknowledges first"):
        raise ValueError(bug)
