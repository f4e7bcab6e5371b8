"""What every verb is made of: the words it takes, where its form stands on the page, and what it does at the desk."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Annotated, Any, ClassVar
from zoneinfo import ZoneInfo

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, StringConstraints

from bot.domain.errors import NotFound, Refused
from bot.domain.incident import Incident
from bot.domain.log import Command
from bot.domain.policy import Severity
from bot.engine.desk import Desk
from bot.engine.values import Profile
from bot.web.phrases import meant


def _blank_is_none(value: Any) -> Any:
    return None if isinstance(value, str) and not value.strip() else value


def _severity(value: Any) -> Any:
    text = str(value).strip().upper().removeprefix("SEV")
    if text not in {"1", "2", "3", "4"}:
        raise ValueError("a severity is SEV1, SEV2, SEV3 or SEV4")
    return Severity(int(text))


def storable(value: str) -> str:
    """Databases keep no NUL, and half a surrogate pair is no letter."""
    if "\x00" in value or any("\ud800" <= letter <= "\udfff" for letter in value):
        raise ValueError("holds a sign that no text may hold")
    return value


Text = Annotated[str, StringConstraints(max_length=20_000), AfterValidator(storable)]
Word = Annotated[str, StringConstraints(max_length=200), AfterValidator(storable)]
Name = Annotated[str, StringConstraints(min_length=1, max_length=200), AfterValidator(storable)]
BlankIsNone = BeforeValidator(_blank_is_none)
Grade = Annotated[Severity, BeforeValidator(_severity)]
Moment = Annotated[datetime, AfterValidator(meant)]
"""A time; without a zone it is read as UTC, which is what the pages show."""


class Asking(BaseModel):
    """One thing a person asks. `section` is where its form stands; `done` is what the page says afterwards."""

    model_config = ConfigDict(extra="forbid", frozen=True, str_strip_whitespace=True)

    verb: ClassVar[str] = ""
    section: ClassVar[str] = "top"
    done: ClassVar[str] = "Recorded."
    about: ClassVar[str] = ""
    """The field that tells forms of the same verb apart, such as `mitigation`."""
    moments: ClassVar[tuple[str, ...]] = ()
    """Fields that a form fills by the clocks by which its page tells times."""
    of_notice: ClassVar[bool] = False
    """Whether its form stands on the page of the notice it names in `notice`."""

    @classmethod
    def place(cls, words: Mapping[str, str]) -> str:  # noqa: ARG003 - some verbs have forms in more than one place
        """Where the form of these words stands."""
        return cls.section

    def command(self) -> Command:
        """The command it stands for, where no more than that is needed."""
        raise NotImplementedError  # pragma: no cover - a verb has a command or its own way to ask

    async def ask(self, desk: Desk, incident: str, who: Profile, inbound: str) -> Incident:
        """Carry it out. Raises Refused, NotFound, Unavailable."""
        return await desk.submit(incident, self.command(), who, inbound=inbound)


async def person(desk: Desk, name: str) -> str:
    """The opaque id of the person of that key (or id). Raises NotFound naming the keys there are."""
    found = await desk.people.by_key(name) or await desk.people.by_id(name)
    if found is None:
        raise NotFound("person", name, sorted(each.key for each in await desk.people.everyone()))
    return found.id


def by_the_clock(value: datetime, zone: str, *, later: bool) -> datetime:
    """A time with its offset as it is, else by the wall clocks of that zone.

    An hour that comes twice is read as the `later` or the earlier one. Raises Refused for one that never was.
    """
    try:
        if value.tzinfo is not None:
            return value.astimezone(UTC)
        early, late = (value.replace(tzinfo=ZoneInfo(zone), fold=fold).astimezone(UTC) for fold in (0, 1))
    except OverflowError:
        raise Refused(f"{value.date()} is no day anything was done on") from None
    if early > late:
        raise Refused(f"{value:%Y-%m-%d %H:%M} does not exist in {zone}: the clocks were put forward then")
    return late if later else early
