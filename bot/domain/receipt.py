"""What became of a page after a channel took it: delivered, seen, lost on the way; and that it stopped ringing."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, ClassVar

from bot.domain.errors import Refused
from bot.domain.log import Ask, Command, Entry, Event, Sentence, Who, Words, says
from bot.domain.paging import ORDER, Page, Receipt

if TYPE_CHECKING:
    from bot.domain.incident import Incident


@dataclass(frozen=True, slots=True)
class ReportReceipt(Command):
    """What the provider says of a page it took; only the bot reports it, but for having seen it.

    `look` numbers the questions; `final` is that nothing more is to be learned. A receipt never goes back, but that a
    page was lost on the way is heard until somebody has seen it. `ref` is the provider's name for what it speaks of:
    of a sending that another has followed by now nothing is learned ("" is whichever was the last).
    """

    key: str
    receipt: Receipt
    look: int = 0
    detail: str = ""
    final: bool = False
    ref: str = ""

    def decide(self, incident: Incident, ask: Ask) -> Iterator[Event]:
        page = incident.pages.get(self.key)
        if page is None:
            raise Refused(f"{incident.id} knows no page {self.key}")
        if not ask.person.is_bot and (self.receipt is not Receipt.SEEN or ask.by != page.person):
            raise Refused("what became of a page is said by its channel, or seen by whom it was for")
        if page.receipt is Receipt.FAILED or (self.ref and self.ref != page.ref):
            return
        lost = self.receipt is Receipt.FAILED and page.receipt is not Receipt.SEEN
        if lost or ORDER.index(self.receipt) > ORDER.index(page.receipt):
            yield PageFollowed(
                self.key, page.person, page.channel, self.receipt, self.look, self.detail, lost or self.final
            )
        elif self.look > page.looks or (self.final and not page.final):
            yield PageLooked(self.key, self.look, self.final)


@dataclass(frozen=True, slots=True)
class PageFollowed(Event):
    """A page got further, or was lost on the way."""

    key: str
    person: str
    channel: str
    receipt: Receipt
    look: int
    detail: Words
    final: bool

    def evolve(self, incident: Incident, entry: Entry) -> Incident:
        page = incident.pages[self.key]
        lost = page.lost
        if self.receipt is Receipt.FAILED:  # one that is lost for the second time begins the list anew
            lost = (*lost, self.channel) if self.channel not in lost else (self.channel,)
        now = replace(
            page,
            lost=lost,
            receipt=self.receipt,
            receipts={**page.receipts, self.receipt: entry.at},
            looks=max(page.looks, self.look),
            final=self.final,
            detail=self.detail or page.detail,
        )
        return replace(incident, pages={**incident.pages, self.key: now})

    def says(self, by: str) -> Sentence:
        words = {
            Receipt.DELIVERED: "the page to {person} was delivered by {channel}",
            Receipt.SEEN: "{person} opened the page ({channel})",
            Receipt.FAILED: "the page to {person} was lost on the way by {channel}: {detail}",
        }[self.receipt]
        return says(words, person=Who(self.person), channel=self.channel, detail=self.detail or "no reason given")


@dataclass(frozen=True, slots=True)
class PageLooked(Event):
    """A provider was asked about a page and had no news."""

    quiet: ClassVar[bool] = True

    key: str
    look: int
    final: bool

    def evolve(self, incident: Incident, entry: Entry) -> Incident:
        page = incident.pages[self.key]
        now = replace(page, looks=max(page.looks, self.look), final=page.final or self.final)
        return replace(incident, pages={**incident.pages, self.key: now})

    def says(self, by: str) -> Sentence:
        return says("no news of a page yet")


@dataclass(frozen=True, slots=True)
class ReportStoodDown(Command):
    """A provider that goes on calling was told that it is over; `over` is why."""

    key: str
    over: str
    because: str = ""  # why it could not be told and is not asked again

    def decide(self, incident: Incident, ask: Ask) -> Iterator[Event]:
        page = incident.pages.get(self.key)
        if page is None or page.stood_down == self.over:
            return
        if self.because:
            yield PageRingsOn(self.key, page.person, page.channel, self.because)
        yield PageStoodDown(self.key, self.over)


@dataclass(frozen=True, slots=True)
class PageStoodDown(Event):
    """A page was told to stop ringing."""

    quiet: ClassVar[bool] = True

    key: str
    over: str

    def evolve(self, incident: Incident, entry: Entry) -> Incident:
        page: Page = replace(incident.pages[self.key], stood_down=self.over)
        return replace(incident, pages={**incident.pages, self.key: page})

    def says(self, by: str) -> Sentence:
        return says("a page stopped ringing: {over}", over=self.over)


@dataclass(frozen=True, slots=True)
class PageRingsOn(Event):
    """A channel would not take it that a page is over."""

    key: str
    person: str
    channel: str
    because: Words

    def evolve(self, incident: Incident, entry: Entry) -> Incident:
        return incident

    def says(self, by: str) -> Sentence:
        words = "{channel} may go on calling {person}: {because}"
        return says(words, channel=self.channel, person=Who(self.person), because=self.because)
