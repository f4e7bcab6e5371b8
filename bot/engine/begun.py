"""Which pages were begun as one message: when the house dies over it, they go again as that one and under its key."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from bot.domain.climbing import PageOwed
from bot.domain.paging import Page
from bot.telemetry import log as logger


@dataclass(frozen=True, slots=True)
class Part:
    """One page of a message."""

    incident: str
    owed: PageOwed


@dataclass(frozen=True, slots=True)
class Message:
    """One or more pages to a person that go out together, begun at that time; `key` is what its channel knows it by."""

    key: str
    parts: tuple[Part, ...]
    at: datetime

    def may_have_told(self, owed: PageOwed, page: Page | None) -> bool:
        """Whether that page went out in it, or did not: nobody wrote down what became of it, by whichever try it is.

        `page` is what the log knows of it. Whoever wrote that down had begun the message, by the same clock.
        """
        return any(part.owed.key == owed.key for part in self.parts) and (page is None or page.at < self.at)


class Begun(Protocol):
    """Remembers messages from before they are sent until what became of them is long written down."""

    async def keep(self, message: Message) -> None:
        """Write it down before it is sent. Raises Unavailable."""

    async def of(self, key: str) -> Message | None:
        """The message that page was begun in last, if any. Raises Unavailable."""


class Memory:
    """Asks and tells what remembers; where it is silent pages go out all the same."""

    def __init__(self, begun: Begun | None) -> None:
        self.port = begun

    async def keep(self, key: str, parts: Sequence[Part], at: datetime) -> None:
        """Write down what is about to be sent."""
        if self.port is not None:
            try:
                await self.port.keep(Message(key, tuple(parts), at))
            except Exception as trouble:  # noqa: BLE001 - whatever is wrong with the memory, people are paged
                logger().warning("a page goes out unremembered: after a crash it may come twice", because=repr(trouble))

    async def of(self, owed: PageOwed, page: Page | None) -> Message | None:
        """The message in which that page was begun, though nobody wrote down what became of it."""
        if self.port is None:
            return None
        try:
            known = await self.port.of(owed.key)
        except Exception as trouble:  # noqa: BLE001 - as above
            logger().warning("nobody can say whether a page was begun before; it is sent", because=repr(trouble))
            return None
        return known if known is not None and known.may_have_told(owed, page) else None
