"""Asked of what belongs together: merge an incident into another, split alerts off, give a storm's child a card."""

from __future__ import annotations

from typing import Annotated, Any, ClassVar

from pydantic import BeforeValidator, Field

from bot.domain.incident import Incident
from bot.domain.log import Command
from bot.domain.promotion import Promote
from bot.engine.desk import Desk
from bot.engine.values import Profile
from bot.web.verbs._asking import Asking, Name, Text


def _lines(value: Any) -> Any:
    """A form has one box for several: one a line."""
    return [line.strip() for line in value.splitlines() if line.strip()] if isinstance(value, str) else value


class MergeIt(Asking):
    """It is the same thing as another incident: that goes on with its alerts, this one is resolved and points there."""

    verb: ClassVar[str] = "merge"
    section: ClassVar[str] = "end"
    done: ClassVar[str] = "Merged."

    into: Name
    because: Text = ""

    async def ask(self, desk: Desk, incident: str, who: Profile, inbound: str) -> Incident:
        return await desk.merge(incident, self.into, who, self.because, inbound=inbound)


class SplitIt(Asking):
    """These alerts, by key, are another thing: a new incident goes on with them."""

    verb: ClassVar[str] = "split"
    section: ClassVar[str] = "end"
    done: ClassVar[str] = "Split off."

    alerts: Annotated[list[Name], BeforeValidator(_lines), Field(min_length=1, max_length=1000)]
    because: Text = ""

    async def ask(self, desk: Desk, incident: str, who: Profile, inbound: str) -> Incident:
        return await desk.split(incident, self.alerts, who, self.because, inbound=inbound)


class PromoteIt(Asking):
    """Give a child of a storm a card of its own, and all its duties."""

    verb: ClassVar[str] = "promote"
    section: ClassVar[str] = "top"
    done: ClassVar[str] = "It has a card of its own now."

    because: Text = ""

    def command(self) -> Command:
        return Promote(self.because)
