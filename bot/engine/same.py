"""The door to the target that was approved and to no other: where the settings lead elsewhere now, nothing follows."""

from __future__ import annotations

from collections.abc import Mapping

from bot.domain.claim import another
from bot.domain.errors import Refused
from bot.domain.mitigation import Means, Plan
from bot.domain.service import Target
from bot.engine.ports import Action
from bot.engine.values import Observation, Seen


class Same:
    """An action that asks first who the door leads to. The claim has asked that for `execute`."""

    def __init__(self, action: Action) -> None:
        self._action = action

    def keyed_for(self, plan: Plan) -> bool:
        """As the action says."""
        return self._action.keyed_for(plan)

    async def plan(self, target: Target, means: Means, params: Mapping[str, object]) -> Plan:
        """As the action plans it."""
        return await self._action.plan(target, means, params)

    async def uid(self, plan: Plan) -> str:
        """Which target the settings lead to now."""
        return await self._action.uid(plan)

    async def token(self, plan: Plan) -> str:
        """The target's version now."""
        return await self._action.token(plan)

    async def execute(self, plan: Plan, key: str) -> None:
        """As the action carries it out."""
        await self._action.execute(plan, key)

    async def observe(self, plan: Plan, key: str) -> Observation:
        """What the approved target shows; another one tells nothing of the change."""
        other = await self._elsewhere(plan)
        return Observation(Seen.UNKNOWN, other) if other else await self._action.observe(plan, key)

    async def undo(self, plan: Plan, key: str) -> None:
        """Take it back on the approved target. Raises Refused too where it is another one."""
        if other := await self._elsewhere(plan):
            raise Refused(other)
        await self._action.undo(plan, key)

    async def undone(self, plan: Plan, key: str) -> Observation:
        """As observe, of the way back."""
        other = await self._elsewhere(plan)
        return Observation(Seen.UNKNOWN, other) if other else await self._action.undone(plan, key)

    async def close(self) -> None:
        """Whoever opened the action closes it."""
        await self._action.close()

    async def _elsewhere(self, plan: Plan) -> str:
        return another(plan, await self._action.uid(plan))
