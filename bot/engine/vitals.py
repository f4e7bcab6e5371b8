"""The bot's own numbers: what it promised and how often it kept it, counted where it happens, for Prometheus to read.

No label names an incident, a person or a service: whoever reads them learns how the bot is, never what it knows.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest

from bot.clock import Clock
from bot.engine.lines import Lines

PAGE_WITHIN = timedelta(seconds=60)
LOOK_WITHIN = timedelta(seconds=5)
WAITS_AT_MOST = timedelta(seconds=60)
"""So long nothing noted waits to be acted on, and no accepted alert to be taken in, while the house works."""
MOST_LATE, LEAST_LATE = timedelta(seconds=5), timedelta(seconds=1)
LETTERS_STAND = timedelta(hours=1)
"""So long work that was given up is told after it was taken up again."""


@dataclass(frozen=True, slots=True)
class Promise:
    """One thing the bot promises of itself: the share of `what` that must go well."""

    name: str
    title: str
    target: float


PAGES, POLLS, WEBHOOKS, LOOKS = (
    Promise("pages", f"Pages accepted within {PAGE_WITHIN.total_seconds():.0f} s of being due", 0.99),
    Promise("polls", "Polls on time", 0.99),
    Promise("webhooks", "Webhooks taken in", 0.999),
    Promise("looks", f"Commits acted on within {LOOK_WITHIN.total_seconds():.0f} s", 0.99),
)
PROMISES = (PAGES, POLLS, WEBHOOKS, LOOKS)


class Vitals:
    """Counts in a registry of its own; every method is cheap and never fails."""

    def __init__(self, clock: Clock, every: timedelta = timedelta(seconds=15)) -> None:
        self.clock, self.every, self.lines = clock, every, Lines()
        # half an interval, but a second is nothing to speak of, and five are something at any interval
        self.late_after = min(MOST_LATE, max(every / 2, LEAST_LATE))
        self.registry = held = CollectorRegistry()
        self._events = Counter("tocsin_slo_events", "What the bot promised to do", ["slo"], registry=held)
        self._errors = Counter("tocsin_slo_errors", "... and did too late or not at all", ["slo"], registry=held)
        target = Gauge("tocsin_slo_objective_ratio", "The share that must go well", ["slo"], registry=held)
        self.burn = Gauge(
            "tocsin_slo_burn_rate", "How fast the error budget is spent", ["slo", "window"], registry=held
        )
        self.budget = Gauge("tocsin_slo_budget_remaining_ratio", "The share of it left", ["slo"], registry=held)
        for each in PROMISES:
            self._events.labels(each.name)
            self._errors.labels(each.name)
            target.labels(each.name).set(each.target)
        self._page_delay = Histogram(
            "tocsin_page_delay_seconds", "From a page being due until a channel took it",
            buckets=(1, 5, 15, 30, 60, 120, 300, 900), registry=held,
        )  # fmt: skip
        self._lateness = Histogram(
            "tocsin_poll_lateness_seconds", "How late polls began", buckets=(0.1, 0.5, 1, 2.5, 5, 15, 60), registry=held
        )
        self._lag = Histogram(
            "tocsin_reconcile_lag_seconds", "From a commit until it was acted on",
            buckets=(0.01, 0.05, 0.1, 0.5, 1, 5, 15, 60), registry=held,
        )  # fmt: skip
        self.beats = Counter("tocsin_heartbeats", "Heartbeats that were taken", registry=held)
        self.missed_beats = Counter("tocsin_heartbeat_failures", "Heartbeats that were not taken", registry=held)
        self.withheld_beats = Counter(
            "tocsin_heartbeats_withheld", "Heartbeats not sent because the house does not work", registry=held
        )
        self.letters = Gauge("tocsin_dead_letters", "Pieces of work given up within the last hour", registry=held)
        self.inbox = Gauge(
            "tocsin_inbox_waiting_seconds", "Age of the oldest alert that no incident has taken in", registry=held
        )
        self.acting = Gauge(
            "tocsin_reconcile_waiting_seconds", "How long what was noted waits to be acted on", registry=held
        )
        self.unreadable = Gauge("tocsin_unreadable_incidents", "Incidents that cannot be read", registry=held)
        self.database = Gauge("tocsin_database_up", "1 while the database answers", registry=held)
        self.hooks_told = Counter("tocsin_webhook_events", "Changes told to webhooks", registry=held)
        self.hooks_failed = Counter("tocsin_webhook_failures", "... and not taken when sent", registry=held)
        self.hooks_waiting = Gauge(
            "tocsin_webhook_waiting_incidents", "Incidents a webhook is behind with", registry=held
        )
        self.hooks_aside = Gauge(
            "tocsin_webhook_dead_letters", "Changes put aside: no webhook took them", registry=held
        )
        self.troubles = Gauge("tocsin_house_troubles", "1 while the bot has that trouble", ["kind"], registry=held)
        self._due: datetime | None = None  # the next poll
        self._noted: dict[str, datetime] = {}  # committed to and not looked at since
        self._overdue: set[str] = set()  # ... and counted as late already
        self._given_up: list[datetime] = []
        self.database.set(1)
        self.answers = True  # the database, as far as it was asked

    def count(self, promise: Promise, *, kept: int = 0, broken: int = 0) -> None:
        """So often it was kept, so often it was not."""
        self._events.labels(promise.name).inc(kept + broken)
        self._errors.labels(promise.name).inc(broken)

    def text(self) -> bytes:
        """Everything as it is now, in the Prometheus text format."""
        self.letters.set(self.dead_letters)
        return generate_latest(self.registry)

    # -- polls -------------------------------------------------------------------------------------------------------

    def poll_began(self) -> None:
        """A poll begins: late if it should have begun long before, and with it those that were left out."""
        now = self.clock.now()
        if self._due is not None:
            self._lateness.observe(max((now - self._due).total_seconds(), 0.0))
        if not self._missed(now):
            self.count(POLLS, kept=1)
        self._due = now + self.every

    def _missed(self, now: datetime) -> int:
        """Count the polls that should have begun by now and did not; how many those are."""
        if self._due is None or now - self._due <= self.late_after:
            return 0
        many = (now - self._due - self.late_after) // self.every + 1
        self.count(POLLS, broken=many)
        self._due += many * self.every
        return many

    # -- acting on what was committed --------------------------------------------------------------------------------

    def noted(self, incident: str) -> None:
        """Something was committed."""
        self._noted.setdefault(incident, self.clock.now())

    def looked(self, incident: str) -> None:
        """It is being acted on."""
        since = self._noted.pop(incident, None)
        if since is None:
            return
        lag = self.clock.now() - since
        self._lag.observe(max(lag.total_seconds(), 0.0))
        if incident in self._overdue:
            self._overdue.discard(incident)
        else:
            self.count(LOOKS, kept=int(lag <= LOOK_WITHIN), broken=int(lag > LOOK_WITHIN))

    def given_up(self) -> None:
        """A piece of work took the process down several times and was given up."""
        self._given_up.append(self.clock.now())

    @property
    def dead_letters(self) -> int:
        """How many were given up within the last hour."""
        now = self.clock.now()
        self._given_up = [at for at in self._given_up if now - at < LETTERS_STAND]
        return len(self._given_up)

    # -- the rest ----------------------------------------------------------------------------------------------------

    def paged(self, delay: timedelta) -> None:
        """A channel took a page, so long after it was due."""
        self._page_delay.observe(max(delay.total_seconds(), 0.0))
        self.count(PAGES, kept=int(delay <= PAGE_WITHIN), broken=int(delay > PAGE_WITHIN))

    def took_longer(self, delay: timedelta) -> None:
        """A page that counted as late already was taken after all."""
        self._page_delay.observe(delay.total_seconds())

    def webhook(self, status: int) -> None:
        """A webhook was answered so: taken in, or turned away because of us; what is wrong with it is the sender's."""
        ours = status >= 500  # noqa: PLR2004
        if ours or status < 300:  # noqa: PLR2004
            self.count(WEBHOOKS, kept=int(not ours), broken=int(ours))

    def overdue(self) -> None:
        """Count what should have happened by now and did not, so that what stands still is seen to."""
        now = self.clock.now()
        self._missed(now)
        for incident, since in self._noted.items():
            if now - since > LOOK_WITHIN and incident not in self._overdue:
                self._overdue.add(incident)
                self.count(LOOKS, broken=1)

    def answered(self, answers: bool) -> None:
        """Whether the database did."""
        self.answers = answers
        self.database.set(answers)

    def stands(self, kinds: Mapping[str, bool]) -> None:
        """Which troubles the house has."""
        for kind, there in kinds.items():
            self.troubles.labels(kind).set(there)

    def samples(self, names: Iterable[str]) -> list[tuple[str, Mapping[str, str], float]]:
        """The samples of these names: name, labels, value."""
        wanted = frozenset(names)
        families = self.registry.collect()
        return [(one.name, one.labels, one.value) for each in families for one in each.samples if one.name in wanted]
