"""What goes through a pager: whom to reach and where, what to say, and what the channel says became of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Protocol, runtime_checkable

from bot.domain.paging import Receipt
from bot.domain.policy import Severity
from bot.engine.situation import Situation
from bot.engine.values import Profile


@dataclass(frozen=True, slots=True)
class Contact:
    """Where a person is reached beside the chat; it stands in the configuration alone and is never stored.

    `phone` is E.164, `zone` an IANA name ("" for the organisation's), `reach` names pagers in the person's own order
    (empty: that of the installation), `handles` the person's name with a push service.
    """

    key: str
    email: str = ""
    phone: str = field(default="", repr=False)
    zone: str = ""
    reach: tuple[str, ...] = ()
    handles: Mapping[str, str] = field(default_factory=dict, repr=False)


class Kind(StrEnum):
    """What a page is about; channels word and mark each differently."""

    PAGE = "page"
    """Incidents: somebody is to acknowledge."""
    TEST = "test"
    """Nothing: somebody sees whether pages reach them."""
    HOUSE = "house"
    """Tocsin itself: there is something to see to, and nothing to acknowledge."""


@dataclass(frozen=True, slots=True)
class Need:
    """What a channel must know of a person: in words, and as `people.yaml` says it."""

    what: str
    written: str


NEEDS: Mapping[str, Need] = {
    "slack": Need("a Slack account", "a Slack account: slack: {user: …}"),
    "email": Need("a mail address", "an email"),
    "sms": Need("a phone number", "a phone"),
    "voice": Need("a phone number", "a phone"),
    "ntfy": Need("a topic of ntfy", "push: {ntfy: …}"),
    "pushover": Need("a user key of Pushover", "push: {pushover: …}"),
}
"""By the channel's name; the others reach whoever they are set up for."""


def has_address(channel: str, contact: Contact, *, slack: bool, email: str = "") -> bool:
    """Whether that channel knows where somebody is; `email` is an address known elsewhere than in the contact."""
    match channel:
        case "slack":
            return slack
        case "email":
            return bool(contact.email or email)
        case "sms" | "voice":
            return bool(contact.phone)
        case "ntfy" | "pushover":
            return bool(contact.handles.get(channel))
        case _:
            return True


@dataclass(frozen=True, slots=True)
class Summons:
    """One page to one person, about one incident or several at once.

    Without any it is a test page to oneself or, where `house` says so, about Tocsin itself.
    `headline` and `text` are fit for any channel: plain words, nothing of a restricted incident but its number. `key`
    is the idempotency key; `url` is where the page is acknowledged ("" without a console).
    """

    key: str
    person: Profile
    contact: Contact
    headline: str
    text: str = ""
    url: str = ""
    severity: Severity = Severity.SEV3
    situations: tuple[Situation, ...] = ()  # the worst first
    house: bool = False

    @property
    def kind(self) -> Kind:
        """What it is about."""
        if self.situations:
            return Kind.PAGE
        return Kind.HOUSE if self.house else Kind.TEST

    @property
    def ordered(self) -> tuple[Situation, ...]:
        """The incident of the key first."""
        _kind, _, rest = self.key.partition(":")
        mine = rest.partition(":")[0]
        return tuple(sorted(self.situations, key=lambda each: each.incident.id != mine))


@dataclass(frozen=True, slots=True)
class Sent:
    """The channel took it: `where` it went, in words.

    `ref` is the provider's own name for it, by which it can be asked what became of it. `rings` where it goes on
    calling until it is told to stop.
    """

    where: str
    ref: str = ""
    rings: bool = False


@dataclass(frozen=True, slots=True)
class Became:
    """What a provider says of a page it took earlier; `final` where nothing more is to be learned."""

    receipt: Receipt
    at: datetime | None = None
    detail: str = ""
    final: bool = False


class Over(StrEnum):
    """Why a page may stop ringing."""

    ACKNOWLEDGED = "acknowledged"
    RESOLVED = "resolved"


class Pager(Protocol):
    """A channel that reaches a person."""

    def way(self, summons: Summons) -> str:
        """Where a page would go, in words without the whole number or address. Raises Refused: this person has none."""

    async def page(self, summons: Summons) -> Sent:
        """Reach them. Raises Unavailable, Refused. A page in doubt is sent again under the same key.

        Raises Unheard where it arrived and will not be noticed: the next channel is tried, and this one counts where
        there is none.
        """

    async def close(self) -> None: ...


@runtime_checkable
class Following(Protocol):
    """A pager whose provider can be asked what became of a page."""

    async def became(self, ref: str) -> Became:
        """What it says now. Raises Unavailable."""


@runtime_checkable
class Ringing(Protocol):
    """A pager whose provider goes on calling until it is told that somebody answers."""

    async def stand_down(self, key: str, ref: str, over: Over) -> None:
        """Stop it; harmless where it has stopped. Raises Unavailable, Refused."""
