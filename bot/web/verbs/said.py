"""Asked of what people said: a line of one's own in the timeline, one thing taken back, a reminder put off."""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from typing import Annotated, ClassVar

from pydantic import AfterValidator

from bot.domain.errors import Refused
from bot.domain.incident import Incident
from bot.domain.log import Command
from bot.domain.saying import KeepNote, TakeOut
from bot.engine.desk import Desk
from bot.engine.snoozing import snooze
from bot.engine.values import Profile
from bot.web.verbs._asking import Asking, BlankIsNone, Moment, Name, Text


class NoteIt(Asking):
    """Put a line into the timeline, under the time `at` it was so; left out, that is now."""

    verb: ClassVar[str] = "note"
    section: ClassVar[str] = "timeline"
    done: ClassVar[str] = "In the timeline."
    moments: ClassVar[tuple[str, ...]] = ("at",)

    text: Text
    at: Annotated[Moment | None, BlankIsNone] = None

    async def ask(self, desk: Desk, incident: str, who: Profile, inbound: str) -> Incident:
        now = desk.clock.now()
        if self.at is not None and self.at > now:
            raise Refused("that time is still to come; a line says what was so")
        said = inbound or f"note:{secrets.token_hex(16)}"
        note = KeepNote(self.text, said, who.id, self.at or now)
        return await desk.submit(incident, note, who, inbound=inbound)


class TakeBackIt(Asking):
    """Take one note (T1) or one person's finding (F2) back with a reason; the record keeps it."""

    verb: ClassVar[str] = "take-back"
    section: ClassVar[str] = "timeline"
    done: ClassVar[str] = "Taken back; the record keeps it, and when."
    about: ClassVar[str] = "name"

    name: Annotated[Name, AfterValidator(str.upper)]
    because: Text = ""

    @classmethod
    def place(cls, words: Mapping[str, str]) -> str:
        """A finding's form stands among the findings."""
        return "findings" if words.get("name", "").upper().startswith("F") else cls.section

    def command(self) -> Command:
        return TakeOut(self.name, self.because)


class SnoozeIt(Asking):
    """Put off what you were last reminded of here, and in every incident that reminder named."""

    verb: ClassVar[str] = "snooze"
    done: ClassVar[str] = "You hear of it again in 15 minutes."

    async def ask(self, desk: Desk, incident: str, who: Profile, inbound: str) -> Incident:
        found = await snooze(desk, incident, who, inbound=inbound)
        if found is None:
            raise Refused("you were not reminded of anything here")
        if not found.done and found.until is None:
            raise Refused("all that you were reminded of is settled")
        if not found.done:
            raise Refused(f"that is put off already: you hear of it again at {found.until:%H:%M} UTC")
        return await desk.log.load(incident)
