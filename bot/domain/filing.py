"""Filing: a person sends the approved words, never Tocsin, and records where, when, the reference and the proof."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from bot.domain.errors import Refused
from bot.domain.log import Ask, Command, Entry, Event, Sentence, Slot, When, Who, Words, says
from bot.domain.notice import Filing, Standing, amended, notice_of, outdated, readable

if TYPE_CHECKING:
    from bot.domain.incident import Incident

AHEAD = timedelta(minutes=1)
"""So far a clock may be ahead of ours before a time counts as the future."""


def filed(incident: Incident, regime: str) -> Mapping[str, datetime]:
    """When each stage of a regime was last filed: the clocks of later stages start there."""
    found: dict[str, datetime] = {}
    for notice in incident.notices.values():
        if notice.regime == regime and notice.filing is not None:
            found[notice.stage] = max(notice.filing.at, found.get(notice.stage, notice.filing.at))
    return found


@dataclass(frozen=True, slots=True)
class FileNotice(Command):
    """A person sent the approved words; `at` is when, the moment of recording it if left out.

    `digest` is of the words they sent, where they say so; `unfilled` is why today's words cannot be had.
    """

    id: str
    where: str
    reference: str = ""
    at: datetime | None = None
    proof: str = ""
    digest: str = ""
    unfilled: str = ""

    def decide(self, incident: Incident, ask: Ask) -> Iterator[Event]:
        ask.policy.require(ask.person, ask.policy.approve_notice, "record that a notice was filed")
        notice = readable(notice_of(incident, self.id), ask)
        if notice.standing is Standing.FILED:
            return
        if notice.standing is Standing.STALE:
            raise Refused(f"only approved words are filed: {outdated(notice)}")
        if notice.standing is not Standing.APPROVED:
            raise Refused(f"{self.id} is {notice.standing.said}; only approved words are filed")
        if notice.latest is not None and self.digest not in ("", notice.latest.digest):
            raise Refused(f"{self.id} is at version {notice.latest.number} now, in other words; read it again")
        if self.unfilled:
            raise Refused(
                f"{self.id} cannot be filed while its words cannot be compared with the facts: {self.unfilled}"
            )
        if not self.where.strip():
            raise Refused("say where it was filed")
        if self.at is not None and self.at > ask.at + AHEAD:
            raise Refused("it cannot have been filed in the future; record it once it was sent")
        if self.at is not None and notice.approved_at is not None and self.at < notice.approved_at:
            raise Refused(f"{self.id} was approved after that; what was sent before were not the approved words")
        yield NoticeFiled(self.id, self.where.strip(), self.reference.strip(), self.proof.strip(), self.at)


@dataclass(frozen=True, slots=True)
class NoticeFiled(Event):
    """A person filed the approved words."""

    id: str
    where: Words
    reference: Words
    proof: Words = ""
    at: datetime | None = None

    @property
    def happened_at(self) -> datetime | None:
        """When it was sent."""
        return self.at

    def evolve(self, incident: Incident, entry: Entry) -> Incident:
        filing = Filing(self.where, self.reference, self.proof, entry.happened_at, entry.by)
        was = notice_of(incident, self.id)
        return amended(incident, replace(was, standing=Standing.FILED, filing=filing))

    def says(self, by: str) -> Sentence:
        words = "{who} filed {id} with {where} ({reference})"
        slots: dict[str, Slot] = {"who": Who(by), "id": self.id, "where": self.where}
        slots["reference"] = self.reference or "no reference"
        if self.at is None:
            return says(words, **slots)
        return says(f"{words}, sent {{at}}", **slots, at=When(self.at))
