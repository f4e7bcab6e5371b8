"""Reads incidents so that one that cannot be read keeps no other from being read; which those are is remembered."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from bot.domain.errors import Tampered, TocsinError, Unavailable
from bot.domain.incident import Incident
from bot.engine.ports import Log
from bot.telemetry import log as logger


class Legible:
    """One for the house. That one cannot be read is said once; with each look it is tried again."""

    def __init__(self, log: Callable[[], Log]) -> None:
        self._log = log
        self.unread: dict[str, str] = {}
        """Incidents that could not be read when that was tried last, the first one first, and why."""

    async def one(self, name: str) -> Incident | None:
        """The incident as it stands; None where this program cannot read it. Raises Unavailable."""
        try:
            incident = await self._log().load(name)
        except Unavailable:
            raise
        except Exception as error:  # noqa: BLE001 - whatever is wrong with its entries, the others must be read
            because = why(error)
            if self.unread.get(name) != because:
                logger().error("an incident cannot be read; the others go on", incident=name, because=because)
            self.unread[name] = because
            return None
        if self.unread.pop(name, ""):
            logger().info("an incident can be read again", incident=name)
        return incident

    async def sure(self, name: str) -> Incident:
        """The incident as it stands. Raises Unavailable, and NotFound or Tampered where it cannot be read."""
        try:
            return await self._log().load(name)
        except TocsinError:
            raise
        except Exception as error:
            raise Tampered(f"{name} cannot be read ({type(error).__name__})") from error

    async def all(self, names: Iterable[str]) -> list[Incident]:
        """Those of them that can be read. Raises Unavailable."""
        found = [await self.one(name) for name in names]
        return [each for each in found if each is not None]

    async def open(self) -> list[Incident]:
        """Every incident that is not closed and can be read, oldest first. Raises Unavailable."""
        try:
            return list(await self._log().open_incidents())
        except Unavailable:
            raise
        except Exception:  # noqa: BLE001 - one of them cannot be read: which, is found one by one
            return await self.all(await self._log().open_ids())

    async def still(self) -> dict[str, str]:
        """Which cannot be read now, of those where anything is left to do, and why. Raises Unavailable."""
        if self.unread:
            log = self._log()
            matter = {*await log.open_ids(), *await log.promised()}
            for name in list(self.unread):
                if name not in matter:
                    self.unread.pop(name, None)
                else:
                    await self.one(name)
        return dict(self.unread)


def why(error: Exception) -> str:
    """What kept it from being read, without what it says: an error of ours in its words, another by its name."""
    return str(error).partition("; there is ")[0] if isinstance(error, TocsinError) else type(error).__name__
