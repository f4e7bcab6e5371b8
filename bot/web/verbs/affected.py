"""Asked about those decided about: count them, or take their list away."""

from __future__ import annotations

from typing import Annotated, Any, ClassVar

from pydantic import BaseModel, BeforeValidator, ConfigDict

from bot.domain.incident import Incident
from bot.engine.affected import Wanted
from bot.engine.desk import Desk
from bot.engine.values import Profile
from bot.web.verbs._asking import Asking, BlankIsNone, Moment, Name, Word


def _by_comma(value: Any) -> Any:
    return tuple(each.strip() for each in value.split(",") if each.strip()) if isinstance(value, str) else value


Versions = Annotated[tuple[Name, ...], BeforeValidator(_by_comma)]
Time = Annotated[Moment | None, BlankIsNone]


class CountWanted(Asking):
    """Count who was decided about; what is left out is as the incident says, `all` tells nothing apart."""

    verb: ClassVar[str] = "affected"
    section: ClassVar[str] = "affected"
    done: ClassVar[str] = "Counted from the prediction log."
    moments: ClassVar[tuple[str, ...]] = ("since", "until")

    since: Time = None
    until: Time = None
    versions: Versions = ()
    slice: Word = ""

    async def ask(self, desk: Desk, incident: str, who: Profile, inbound: str) -> Incident:
        wanted = Wanted(self.since, self.until, self.versions, self.slice)
        return await desk.affected.count(incident, who, wanted, inbound=inbound)


class ListWanted(BaseModel):
    """The list of those decided about, as a file; the same words as to count them."""

    model_config = ConfigDict(extra="forbid", frozen=True, str_strip_whitespace=True)
    moments: ClassVar[tuple[str, ...]] = CountWanted.moments

    since: Time = None
    until: Time = None
    versions: Versions = ()
    slice: Word = ""

    @property
    def wanted(self) -> Wanted:
        """What to list."""
        return Wanted(self.since, self.until, self.versions, self.slice)
