"""Says scheduled messages when their time has come by the workspace's clock."""

import asyncio

from bot.localslack.people import BOT_USER
from bot.localslack.workspace import SlackError, Workspace


class Schedule:
    """Runs beside the server; what is due is said in order, also what fell due while nobody served."""

    def __init__(self, workspace: Workspace) -> None:
        self._workspace = workspace
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Begin to wait."""
        self._task = asyncio.get_running_loop().create_task(self._run())

    async def stop(self) -> None:
        """Stop waiting; what is scheduled stays so."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)

    async def _run(self) -> None:
        while True:
            left = self.say_due()
            await self._workspace.delivery.alarm.nudge(left)

    def say_due(self) -> float | None:
        """Say what is due; seconds until the next one, None where nothing is scheduled."""
        workspace = self._workspace
        waiting = sorted((one for _, one in workspace.memory.all("scheduled")), key=lambda one: one["at"])
        for one in waiting:
            if one["at"] > workspace.now():
                return max(0.0, float(one["at"]) - workspace.now())
            workspace.memory.drop("scheduled", one["id"])
            room = workspace.rooms[one["channel"]]
            if room.archived or not room.bot or one["said"].get("metadata"):
                continue
            try:
                workspace.post(room, BOT_USER, one["said"])
            except SlackError:
                continue  # its thread is gone
        return None
