"""Asked of what belongs together: merge an incident into another, split alerts off, give a storm's child a card."""

from __future__ import annotations

from typing import Annotated, Any, ClassVar
from urllib.parse import quote, unquote

from pydantic import AfterValidator, BeforeValidator, Field, StringConstraints

from bot.domain.incident import Incident
from bot.domain.log import Command
from bot.domain.promotion import Promote
from bot.engine.desk import Desk
from bot.engine.values import Profile
from bot.web.verbs._asking import Asking, Name, Text, storable

Key = Annotated[str, StringConstraints(min_length=1, max_length=300, strip_whitespace=False), AfterValidator(storable)]
"""Of an alert: its sender's name and a fingerprint, which may be as long as a name, and any signs at all."""


def boxed(key: str) -> str:
    """A key as the value of a form's box: several stand in one field, apart by ";"."""
    return quote(key, safe="/:@")


def _boxes(value: Any) -> Any:
    """What a form's boxes say; a list is one already."""
    return [unquote(each.strip()) for each in value.split(";") if each.strip()] if isinstance(value, str) else value


class MergeIt(Asking):
    """It is the same thing as another incident: that goes on with its alerts, this one is resolved and points there."""

    verb: ClassVar[str] = "merge"
    section: ClassVar[str] = "merge"
    done: ClassVar[str] = "Merged."

    into: Name
    because: Text = ""

    async def ask(self, desk: Desk, incident: str, who: Profile, inbound: str) -> Incident:
        return await desk.merge(incident, self.into, who, self.because, inbound=inbound)


class SplitIt(Asking):
    """These alerts, by key, are another thing: a new incident goes on with them."""

    verb: ClassVar[str] = "split"
    section: ClassVar[str] = "alerts"
    done: ClassVar[str] = "Split off."

    alerts: Annotated[list[Key], BeforeValidator(_boxes), Field(max_length=1000)] = Field(default_factory=list)
    because: Text = ""

    async def ask(self, desk: Desk, incident: str, who: Profile, inbound: str) -> Incident:
        return await desk.split(incident, self.alerts, who, self.because, inbound=inbound)


class PromoteIt(Asking):
    """Give a child of a storm a card of its own, and all its duties."""

    verb: ClassVar[str] = "promote"
    section: ClassVar[str] = "alerts"
    done: ClassVar[str] = "It has a card of its own now."

    because: Text = ""

    def command(self) -> Command:
        return Promote(self.because)
