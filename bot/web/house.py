"""What the console is handed by whoever wires the house: the desk, the watch, the writers, and where its state lies."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, Protocol, runtime_checkable

from bot.clients.oidc import Provider
from bot.domain.policy import Role
from bot.engine.access import Access
from bot.engine.as_read import Settings
from bot.engine.calendar import Calendar
from bot.engine.desk import Desk
from bot.engine.hindsight import Hindsight
from bot.engine.intake import Intake
from bot.engine.intake_ports import Arrived
from bot.engine.intake_ports import Inbox as AnyInbox
from bot.engine.parcel import Parcel
from bot.engine.proofs import Proofs
from bot.engine.record import Record
from bot.engine.situation import Chart
from bot.engine.standing import Standing
from bot.engine.status import StatusBoard
from bot.engine.trial import Trials
from bot.engine.values import Summary
from bot.engine.vigil import Vigil
from bot.intake.sender import Sender
from bot.slo.burn import Verdict
from bot.slo.spec import Slo
from bot.web.pace import Pace
from bot.words import Words


class Writer(Protocol):
    """Writes one kind of file; `suffix` with its dot is what an export is asked for by."""

    @property
    def suffix(self) -> str: ...

    @property
    def media_type(self) -> str: ...

    @property
    def write(self) -> Callable[[Any], bytes]:
        """The file's bytes of a document that `make_document` made."""
        ...


@runtime_checkable
class Redlining(Writer, Protocol):
    """A writer that can also mark what changed since an earlier text."""

    def write_redline(
        self, document: Any, before: str, *, by: str = ..., at: datetime | None = ..., against: str = ...
    ) -> bytes: ...


class Watching(Protocol):
    """What the SLO page looks at."""

    @property
    def slos(self) -> Mapping[str, Slo]: ...

    @property
    def verdicts(self) -> Mapping[str, Verdict]: ...

    @property
    def states(self) -> Mapping[str, int]:
        """How many objectives are met, breached, and without data."""
        ...

    @property
    def polled(self) -> datetime | None:
        """When the sources were last asked, or None before the first time."""
        ...

    def chart(self, slo: str, since: datetime | None, until: datetime) -> Chart | None: ...

    def standing(self, slo: str, at: datetime) -> Standing:
        """The budget, the slices and the outcomes of an objective."""
        ...


class Past(Protocol):
    """The list of incidents by service."""

    async def of_service(self, service: str, *, limit: int = 50) -> Sequence[Summary]: ...

    async def open_now(self, *, limit: int = 2_000) -> Sequence[Summary]: ...


class MakeDocument(Protocol):
    """A document of a notice's Markdown, in the shape the writers take."""

    def __call__(
        self,
        markdown: str,
        *,
        title: str,
        regime: str,
        stage: str,
        status: str,
        as_of: datetime,
        digest: str,
        standing: str = ...,
        approvals: Iterable[tuple[str, datetime]] = ...,
        remarks: Iterable[Any] = ...,
        privileged: str = ...,
        regime_name: str = ...,
        form: str = ...,
    ) -> Any: ...


class Calendars(Protocol):
    """The secret addresses of people's calendars, by their hash; one a person."""

    async def give(self, person: str, digest: str, at: datetime) -> None: ...

    async def end(self, person: str) -> bool: ...

    async def whose(self, digest: str) -> str: ...


class Inbox(AnyInbox, Protocol):
    """The inbox of alerts, as far as the console shows it."""

    @property
    def waiting(self) -> int:
        """How many alerts wait to be kept."""
        ...

    @property
    def waiting_of(self) -> Mapping[str, int]:
        """The same by sender."""
        ...

    def hear(self, sender: str) -> None:
        """Keep that this sender proved now that it lives; nobody waits for it."""
        ...

    async def last_heard(self) -> Mapping[str, datetime]:
        """By sender, when it last proved that it lives. Raises Unavailable."""
        ...

    async def firing(
        self, *, limit: int = 100, after: str = "", source: str = "", service: str | None = None
    ) -> Sequence[Arrived]: ...


def _ignore(_name: str) -> None:
    """Nobody can be asked."""


def _plain_rows(rows: Iterable[Sequence[object]]) -> bytes:
    """Rows with tabs between: nobody handed in a writer of CSV."""
    return "".join("\t".join(map(str, row)) + "\r\n" for row in rows).encode()


Ready = Callable[[], Awaitable[Mapping[str, object]]]
"""Whether the parts behind the console answer: `{"ok": bool, ...}`; may raise Unavailable."""


@dataclass(frozen=True, slots=True)
class ChatHealth:
    """How the chat stands: connected or not, how many incidents it does not show as they are, since when, why."""

    connected: bool
    behind: int = 0
    since: datetime | None = None
    because: str = ""


@dataclass(frozen=True)
class SignIn:
    """How people come in: how long they stay, and who vouches for them beside our own links."""

    idle: timedelta = timedelta(minutes=30)
    lasts: timedelta = timedelta(hours=12)
    provider: Provider | None = None
    title: str = ""
    """What people call the provider."""
    subjects: Mapping[str, str] = field(default_factory=dict)
    """The provider's subject of those whom people.yaml names → their key."""
    groups: Mapping[Role, frozenset[str]] = field(default_factory=dict)
    """Which of its groups give which role; none of them means that people.yaml gives the roles."""


@dataclass(frozen=True)
class WebHouse:
    """Everything the console stands on. `slack_http` is Slack's signed HTTP ingress where that mode is chosen."""

    desk: Desk
    watch: Watching
    documents: Mapping[str, Writer]
    make_document: MakeDocument
    state: Path
    organisation: str
    ready: Ready
    slack_http: Any = None
    access: Access = field(kw_only=True)
    sign_in: SignIn = SignIn()
    words: Words = field(default_factory=Words)
    pack: Callable[[Parcel], bytes] | None = None
    calendars: Calendars | None = None
    write_calendar: Callable[[Calendar], bytes] | None = None
    trials: Trials | None = None
    chat: Callable[[], ChatHealth] | None = None
    """How the chat stands, where there is one: what it does not show must be told elsewhere than in it."""
    inbox: Inbox | None = None
    senders: Sequence[Sender] = ()
    """Who may send alerts."""
    truncated: Callable[[str], None] = _ignore
    """Told the name of a sender that left alerts out of a message."""
    intake: Intake | None = None
    """What takes them into incidents."""
    vigil: Vigil | None = None
    """The watch over Tocsin itself."""
    status: StatusBoard | None = None
    """The status page, where there is one."""
    metrics_token: str = field(default="", repr=False)
    """Lets whoever has it read /metrics from elsewhere, and nothing else."""
    pace: Pace = field(default_factory=Pace)
    """How fast one token may ask."""
    secret: str = field(default="", repr=False)
    """What addresses are signed with; "" means that of the state folder."""
    record: Record | None = None
    """The record below the incidents, for whoever audits it."""
    proofs: Proofs | None = None
    """What proves it beside everything else."""
    past: Past | None = None
    """The incidents of each service."""
    hindsight: Hindsight | None = None
    """What looks at what objectives would have paged."""
    settings: Settings | None = None
    """The configuration folder as it is read."""
    write_rows: Callable[[Iterable[Sequence[object]]], bytes] = _plain_rows
    """Rows as CSV that no spreadsheet runs."""
