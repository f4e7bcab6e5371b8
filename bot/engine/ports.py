"""Every door of the engine on one page: what it asks of the world, and nothing about how the world does it."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Collection, Mapping, Sequence
from datetime import date, datetime, timedelta
from typing import Protocol, runtime_checkable

from bot.domain.duty import Duty
from bot.domain.incident import Incident
from bot.domain.log import Entry, Event
from bot.domain.mitigation import Means, Plan
from bot.domain.notice import Notice
from bot.domain.service import Service, Target
from bot.domain.storm import Digest
from bot.engine.lists import Lists
from bot.engine.situation import Situation, Words
from bot.engine.talk import Mark, Saying, Spoken
from bot.engine.values import Chain, Collected, Exhibit, Observation, Posted, Profile, Question, Received, Waiting
from bot.notices.applicability import Applicability
from bot.notices.ask import OpenQuestion
from bot.notices.regime import Regime
from bot.slo.batch import Batch
from bot.slo.spec import Point, Query

# -- remembering -----------------------------------------------------------------------------------------------------


class Log(Lists, Protocol):
    """The log of every incident: appended to with optimistic concurrency, claims and inbound ids in one transaction."""

    async def load(self, incident: str) -> Incident:
        """The incident folded from its entries; one that never was is void (`exists` is False)."""

    def at_hand(self, incident: str) -> Incident | None:
        """The incident as it was last known here, without asking; only `append` tells whether it still stands so."""

    async def entries(self, incident: str) -> list[Entry]:
        """Its entries in order, free text resolved ("[erased]" where it was)."""

    async def append(
        self, incident: Incident, events: Sequence[Event], *, by: str, at: datetime, cause: str, inbound: str = ""
    ) -> Incident:
        """Append after `incident.seq`, take and free the events' claims, remember `inbound`: all or nothing.

        Raises Conflict where somebody wrote first or `inbound` is known already, Taken where a claim is held,
        Unavailable where the database does not answer within 1.5 s.
        """

    async def seen(self, inbound: str) -> bool:
        """True where that inbound id was committed before."""

    async def received(self, inbound: str) -> Received | None:
        """What became of an inbound id that was committed before; None where it is new."""

    async def remember(self, inbound: str, incident: str = "", refused: str = "") -> bool:
        """Commit an inbound id that led to no event, with the refusal if it was one; False where it was known."""

    async def fresh_id(self) -> str:
        """An id no incident has, such as INC-7; two callers may be given the same (append settles it)."""

    async def holder(self, claim: str) -> str | None:
        """The incident that holds a claim."""

    async def holders(self, keys: Sequence[str]) -> dict[str, str]:
        """Of those claims that are held, which incident holds them."""

    async def digest(self, umbrella: str, since: datetime, until: datetime) -> Digest:
        """What was declared in that time beside the umbrella, counted; nothing of restricted incidents."""

    async def counted(self, key: str, since: datetime) -> list[datetime]:
        """When something was counted after `since` in whatever incident, the earliest first."""

    async def heads(self) -> dict[str, str]:
        """By id, the newest hash of every incident that is not closed: who else wrote shows in it."""

    async def verify(self, incident: str = "") -> dict[str, str]:
        """Head hash per incident after walking every chain (or one). Raises Tampered."""

    async def chain(self, incident: str) -> Chain:
        """Its entries byte by byte as they are stored, with the texts they refer to; all from one moment."""

    async def prune(self, before: datetime) -> int:
        """Forget inbound ids older than that, which nobody sends again; how many that were."""

    async def rebuild(self) -> int:
        """Write every projection anew from the log; how many incidents that were."""


class People(Protocol):
    """Everybody the organisation named, one person behind all their accounts."""

    async def enrol(self, profiles: Sequence[Profile]) -> None:
        """Make the directory say what the configuration says; ids of known keys stay (given ids are ignored)."""

    async def everyone(self) -> list[Profile]:
        """The whole directory."""

    async def by_id(self, person: str) -> Profile | None: ...

    async def as_of_now(self, person: str) -> Profile | None:
        """Like `by_id`, asked anew: what was known a moment ago is not enough for a change of production."""

    async def by_key(self, key: str) -> Profile | None: ...

    async def by_slack(self, team: str, user: str) -> Profile | None: ...


class Exhibits(Protocol):
    """Evidence and reports, kept beside the log."""

    async def put(
        self, incident: str, name: str, media_type: str, content: bytes, at: datetime, note: str = ""
    ) -> Exhibit:
        """Keep it; the same name and content in one incident is one exhibit."""

    async def get(self, exhibit: str) -> Exhibit | None: ...

    async def of(self, incident: str) -> list[Exhibit]:
        """Without their content, oldest first."""


class Checkpoints(Protocol):
    """Where the detection ledger and the episodes survive a restart: named JSON documents."""

    async def save(
        self, documents: Mapping[str, Mapping[str, object]], at: datetime, *, drop: Collection[str] = ()
    ) -> None:
        """Write these documents in place of those of the same names and let go of `drop`: all or nothing."""

    async def load(self, names: Collection[str]) -> dict[str, dict[str, object]]:
        """The documents of these names, as far as they are there."""


class Mirror(Protocol):
    """What was posted where: the chat's side of "wanted against posted"."""

    async def of(self, incident: str) -> dict[str, Posted]:
        """By surface."""

    async def claim(self, posted: Posted) -> bool:
        """Write down that this surface is about to be posted (state sending); False where another did so already."""

    async def save(self, posted: Posted) -> None: ...

    async def standing(self, channel: str, prefix: str) -> list[Posted]:
        """What stands in a channel, of every incident, whose surface begins so; oldest message first."""

    async def find(self, channel: str, ts: str) -> Posted | None:
        """Which surface a message is."""

    async def spoken_of(self, channel: str, thread_ts: str = "") -> str:
        """The incident people speak of there: below its card, or anywhere in its war room; "" where of none."""

    async def hosts(self, channel: str) -> bool:
        """Whether any incident has its card or its war room there."""


# -- what people say -------------------------------------------------------------------------------------------------


class Talk(Protocol):
    """What people say about incidents, kept as it arrives so that the chat's history is not asked for."""

    async def keep(self, saying: Saying) -> Saying:
        """Write a message, its edit or its deletion down, in whatever order they come; how it reads then."""

    async def find(self, channel: str, ts: str) -> Saying | None: ...

    async def belongs(self, channel: str, ts: str, incident: str) -> None:
        """Say which incident a message speaks of that waited for it."""

    async def of(self, incident: str) -> Sequence[Saying]:
        """In the order in which it was said."""

    async def spoken(self, incident: str) -> Spoken:
        """How much was said, by people."""

    async def speakers(self, incident: str) -> Sequence[str]:
        """Opaque ids of the people who said something, whoever spoke first being first."""

    async def mark(self, mark: Mark) -> bool:
        """Write a sign down; False where something newer is known of it."""

    async def marks(self, channel: str, ts: str) -> Sequence[Mark]:
        """The signs that stand on a message, the oldest first."""


# -- the world -------------------------------------------------------------------------------------------------------


class Source(Protocol):
    """A monitoring system that gives raw samples."""

    async def read(self, queries: Collection[Query], at: datetime) -> Mapping[Query, Sequence[Point]]:
        """Every series each query matches, as raw samples; an empty sequence where none does.

        Raises Unavailable (time-out, refusal, junk): never an empty answer for a failed one.
        """

    async def close(self) -> None: ...


@runtime_checkable
class Wide(Source, Protocol):
    """A source that answers thousands of series at once, in columns, and remembers the past."""

    async def sweep(self, queries: Collection[Query], at: datetime, since: datetime | None = None) -> Batch:
        """The raw samples there are at `at`; with `since` those after it suffice. Raises Unavailable."""

    def past(
        self, queries: Collection[Query], start: datetime, end: datetime, step: timedelta, *, series: int = 1000
    ) -> AsyncIterator[tuple[datetime, Batch]]:
        """What stood at every `step` from `start` to `end`, oldest first. Raises Unavailable.

        `series` is how many there are likely to be: the past is asked for in pieces that fit into memory.
        """


@runtime_checkable
class History(Protocol):
    """Where raw samples of the past stand, each with the time it was scraped."""

    def recall(
        self, queries: Collection[Query], start: datetime, end: datetime, step: timedelta
    ) -> AsyncIterator[tuple[datetime, Batch]]:
        """All samples after `start` up to `end`, stretch by stretch, oldest first: (end of the stretch, its samples).

        Each stretch is a whole number of steps long, the last one what is left. Raises Unavailable.
        """
        ...


class Action(Protocol):
    """One kind of target that can be changed. Settings come from the catalogue's Target."""

    def keyed_for(self, plan: Plan) -> bool:
        """Whether asking again under a key is safe: the target keeps a record of keys that nobody else overwrites."""

    async def plan(self, target: Target, means: Means, params: Mapping[str, object]) -> Plan:
        """Read the target, resolve what would change and try it dry where the target can. Changes nothing.

        The plan holds the snapshot (`before`, `undo_params`) from which `undo` restores; `undo` is empty where nothing
        can be put back. Raises Refused, Unavailable.
        """

    async def uid(self, plan: Plan) -> str:
        """Which target the settings lead to now, as `plan.target_uid` names it. Raises like token."""

    async def token(self, plan: Plan) -> str:
        """The target's version as it is now, to compare with `plan.token`."""

    async def execute(self, plan: Plan, key: str) -> None:
        """Ask the target to change, compare-and-set on `plan.token` where it can. Nothing where `key` is applied.

        Raises Refused (it did not happen), Unavailable (it may have happened).
        """

    async def observe(self, plan: Plan, key: str) -> Observation:
        """Whether that key took effect, by reading the target's effective state: what was answered is no proof.

        Moving while the target is on its way there. Raises Unavailable.
        """

    async def undo(self, plan: Plan, key: str) -> None:
        """Put the state before the plan back, under its own key, and nothing that another hand changed since.

        Raises like execute; Refused too where there is no way back.
        """

    async def undone(self, plan: Plan, key: str) -> Observation:
        """Whether the state before the plan is back."""

    async def close(self) -> None: ...


@runtime_checkable
class Counting(Protocol):
    """An action whose target counts its own requests."""

    async def traffic(self, plan: Plan) -> Mapping[str, int]:
        """Requests so far of each version the plan names, by the target's own count; empty where it does not count.

        A count that goes back is a target that started anew: then a new first reading is needed. Raises Unavailable.
        """
        ...


@runtime_checkable
class Keeping(Protocol):
    """An action whose target may forget a change, such as a balancer that reloads its configuration."""

    async def keep(self, plan: Plan, key: str, since: datetime) -> str:
        """Make the change stand again where the target forgot it; what was done in words, "" where nothing was.

        `since` is when the change was last known to stand: when it was applied, or set again. What another hand
        changed on purpose is left alone, so this is asked only of the newest change of what the plan is about. Raises
        Refused, Unavailable.
        """
        ...


class Evidence(Protocol):
    """An instrument that looks at one aspect: what changed, what drifted, which upstream. Raises Unavailable."""

    async def collect(self, question: Question) -> Collected: ...

    async def close(self) -> None: ...


class Reporter(Protocol):
    """Writes the drift report of an incident."""

    async def report(self, question: Question) -> tuple[str, str, bytes]:
        """Name, media type and content. Raises Unavailable."""


class Chat(Protocol):
    """Where responders talk: shows situations, never decides."""

    async def show(self, situation: Situation) -> None:
        """Make the messages say what the situation says. Repeating it is harmless. Raises Unavailable."""

    async def remind(self, person: Profile, waiting: Sequence[Waiting], key: str) -> str:
        """Tell a person in one message what waits; the words say where it went. Raises Unavailable, Refused."""

    async def resting(self, person: Profile) -> datetime | None:
        """Until when a person asked not to be disturbed; None where they did not, or nobody can tell."""

    async def open_room(self, situation: Situation) -> tuple[str, str]:
        """The channel (id, name) made for an incident, the same one when asked again. Raises Unavailable, Refused."""

    async def archive_room(self, situation: Situation) -> None:
        """Put that channel away; harmless where it is. Raises Unavailable, Refused."""


# -- time and work ---------------------------------------------------------------------------------------------------


Perform = Callable[[str], Awaitable[None]]


class Durable(Protocol):
    """Performs what is owed, each under its key, across crashes."""

    async def open(self, perform: Perform, wake: Perform) -> None:
        """Begin (and take up what a crash left): `perform(key)` does one owed thing, `wake(incident)` looks again."""

    async def start(self, key: str, attempt: int = 1) -> None:
        """Perform `key` once per attempt; a repetition while or after it ran has no effect. Never waits for it."""

    async def wake_at(self, incident: str, due: datetime, now: datetime) -> None:
        """Call wake(incident) at `due`; asking twice for the same due time is one wake-up."""

    async def prune(self, before: datetime) -> int:
        """Forget what ended before then; how many that were."""

    async def dead_letters(self) -> list[tuple[str, int]]:
        """Keys and attempts given up after repeated crashes."""

    async def close(self) -> None: ...


class Drafter(Protocol):
    """Asks the regimes and fills the templates: pure, but needs both at hand."""

    def duties(self, situation: Situation) -> tuple[Duty, ...]:
        """Every enabled regime's answer by the facts known now."""

    def of_service(self, service: Service, today: date) -> tuple[tuple[Regime, Applicability], ...]:
        """Every enabled regime's answer for a service by what holds of it in every incident, before one happens."""

    def questions(self, situation: Situation) -> tuple[OpenQuestion, ...]:
        """What would settle the duties still open, the most useful question first."""

    def draft(self, situation: Situation, template: str, notice: Notice | None = None) -> Words:
        """The words of that template now, gaps marked, with what was entered in that notice. Raises NotFound."""

    def entered(self, template: str, key: str, value: str) -> str:
        """A line of a form as the log keeps it. Raises Refused where there is no such line or it gives choices."""

    def postmortem(self, situation: Situation) -> str:
        """The post-mortem as the log would have it now, in Markdown. Raises Invalid where its template is wrong."""

    def stated(self, fact: str, given: object) -> str | float | bool | tuple[str, ...] | None:
        """A fact as the log keeps it, from what somebody said. Raises Refused where it is none, or not of its kind."""

    def label(self, fact: str) -> str:
        """What a fact is called by people; its key where no regime knows it."""

    def kinds(self) -> Mapping[str, str]:
        """Templates that can be requested (`stakeholders/update`, `<regime>/<stage>`), each in words."""
