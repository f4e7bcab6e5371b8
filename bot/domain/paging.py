"""Somebody who can help must know: pages with a receipt each, and the acknowledgement that stops them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from enum import StrEnum
from typing import TYPE_CHECKING, ClassVar

from bot.domain.errors import Refused
from bot.domain.log import Ask, Command, Entry, Event, Sentence, Who, Words, says
from bot.domain.phase import RESPONDERS, Phase, require_open
from bot.domain.roles import Part, PartAssigned

if TYPE_CHECKING:
    from bot.domain.incident import Incident


class Receipt(StrEnum):
    """How far a page got, as far as the channel can tell. That it was acknowledged is the incident's own fact."""

    ACCEPTED = "accepted"
    DELIVERED = "delivered"
    SEEN = "seen"
    FAILED = "failed"


ORDER = (Receipt.FAILED, Receipt.ACCEPTED, Receipt.DELIVERED, Receipt.SEEN)
"""A receipt only goes further."""


@dataclass(frozen=True, slots=True)
class Page:
    """One page to one person through one channel; `key` is its idempotency key, `attempts` counts the tries.

    `ref` is the provider's name for it, by which it is followed; it `rings` where the provider goes on calling until it
    is told that it is over, which `stood_down` says it was. `receipts` holds when each receipt was had. `lost` are the
    channels that took it and could not deliver it, since all of them were last tried.
    """

    key: str
    person: str
    channel: str
    receipt: Receipt
    at: datetime
    attempts: int
    detail: str = ""
    ref: str = ""
    rings: bool = False
    looks: int = 0  # how often the provider was asked what became of it
    final: bool = False  # nothing more is to be learned
    stood_down: str = ""
    receipts: Mapping[Receipt, datetime] = field(default_factory=dict)
    lost: tuple[str, ...] = ()

    @property
    def lost_at(self) -> datetime | None:
        """When it was lost on the way; None where it was not, or no channel took it."""
        return self.receipts.get(Receipt.FAILED) if Receipt.ACCEPTED in self.receipts else None

    @property
    def reached(self) -> bool:
        """Whether a channel took it, and did not say later that it was lost."""
        return self.receipt is not Receipt.FAILED

    @property
    def took(self) -> timedelta | None:
        """How long after a channel took it its latest receipt was had; None where that is all there is."""
        taken, last = self.receipts.get(Receipt.ACCEPTED), self.receipts.get(self.receipt)
        return last - taken if taken and last and self.receipt is not Receipt.ACCEPTED else None


@dataclass(frozen=True, slots=True)
class ReportPage(Command):
    """What became of a page; only the bot reports it."""

    key: str
    person: str
    channel: str
    receipt: Receipt
    detail: str = ""
    ref: str = ""
    rings: bool = False

    def decide(self, incident: Incident, ask: Ask) -> Iterator[Event]:
        if not ask.person.is_bot:
            raise Refused("pages are reported by the pager, not by hand")
        known = incident.pages.get(self.key)
        if known is not None and known.reached:
            return
        yield Paged(self.key, self.person, self.channel, self.receipt, self.detail, self.ref, self.rings)


@dataclass(frozen=True, slots=True)
class Paged(Event):
    """A page was sent, or could not be."""

    pressing: ClassVar[bool] = True  # were its record lost to a crash, the person would be paged again

    key: str
    person: str
    channel: str
    receipt: Receipt
    detail: Words
    ref: str = ""
    rings: bool = False

    def evolve(self, incident: Incident, entry: Entry) -> Incident:
        known = incident.pages.get(self.key)
        attempts = known.attempts + 1 if known else 1
        page = Page(
            self.key, self.person, self.channel, self.receipt, entry.at, attempts, self.detail, self.ref, self.rings,
            receipts={self.receipt: entry.at}, lost=known.lost if known and self.receipt is not Receipt.FAILED else (),
        )  # fmt: skip
        return replace(incident, pages={**incident.pages, self.key: page})

    def says(self, by: str) -> Sentence:
        if self.receipt is Receipt.FAILED:
            return says(
                "paging {person} by {channel} failed: {detail}",
                person=Who(self.person),
                channel=self.channel,
                detail=self.detail,
            )
        return says("{person} was paged by {channel}", person=Who(self.person), channel=self.channel)


@dataclass(frozen=True, slots=True)
class Call:
    """Somebody asked for a person by name; `number` counts these in the incident.

    `change` is the mitigation it is about, where nobody can tell what became of it.
    """

    number: int
    person: str
    by: str
    at: datetime
    because: str
    change: str = ""

    def key(self, incident: str) -> str:
        """The key of the page that is owed for it."""
        return f"page:{incident}:call:{self.number}"


JUST_NOW = timedelta(minutes=2)
"""So soon the same person is not paged by name again."""


@dataclass(frozen=True, slots=True)
class AskFor(Command):
    """Page a person by name, whoever is on call: they can help."""

    person: str
    because: str = ""

    def decide(self, incident: Incident, ask: Ask) -> Iterator[Event]:
        ask.policy.require(ask.person, RESPONDERS, "page somebody")
        require_open(incident, "page somebody")
        before = [call for call in incident.calls if call.person == self.person]
        if before and ask.at - before[-1].at < JUST_NOW:
            return
        yield AskedFor(len(incident.calls) + 1, self.person, self.because.strip())


@dataclass(frozen=True, slots=True)
class AskedFor(Event):
    """A person was asked for by name."""

    number: int
    person: str
    because: Words

    def evolve(self, incident: Incident, entry: Entry) -> Incident:
        call = Call(self.number, self.person, entry.by, entry.at, self.because)
        return replace(incident, calls=(*incident.calls, call))

    def says(self, by: str) -> Sentence:
        if self.because:
            return says("{who} asked for {person}: {because}", who=Who(by), person=Who(self.person),
                        because=self.because)  # fmt: skip
        return says("{who} asked for {person}", who=Who(by), person=Who(self.person))


@dataclass(frozen=True, slots=True)
class Acknowledge(Command):
    """Take the page: the person answers for it from now on, and leads unless somebody does."""

    def decide(self, incident: Incident, ask: Ask) -> Iterator[Event]:
        ask.policy.require(ask.person, RESPONDERS, "acknowledge an incident")
        if not incident.exists:
            raise Refused(f"there is no incident {incident.id}")
        if incident.phase in (Phase.RESOLVED, Phase.CLOSED):
            raise Refused(f"{incident.id} is {incident.phase} already; an acknowledgement never re-opens it")
        if not incident.unclaimed:
            return
        yield Acknowledged(ask.policy.next_update(incident.severity, ask.at))
        if Part.COMMANDER not in incident.parts:
            yield PartAssigned(Part.COMMANDER, ask.by)


@dataclass(frozen=True, slots=True)
class Acknowledged(Event):
    """A person took the page. Time to acknowledge is that of the first who did."""

    next_due: datetime | None = None  # when the first update is due

    def evolve(self, incident: Incident, entry: Entry) -> Incident:
        phase = Phase.ACKNOWLEDGED if incident.phase is Phase.DECLARED else incident.phase
        first = incident.acknowledged or entry.at
        due = incident.update_due or self.next_due
        return replace(incident, phase=phase, acknowledged=first, acknowledged_by=entry.by, update_due=due)

    def says(self, by: str) -> Sentence:
        return says("{who} acknowledged", who=Who(by))
