"""Tells machines how the bot is: alive, ready, and a few numbers about itself; never what an incident is about."""

from collections.abc import Callable, Sequence
from datetime import timedelta
from typing import Any

from fastapi import APIRouter, Depends, Request, Response
from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, Counter, Gauge, Histogram, generate_latest

from bot.domain.errors import TocsinError, Unavailable
from bot.domain.measures import lag
from bot.engine.desk import Desk
from bot.engine.lists import Sight
from bot.engine.vigil import Vigil
from bot.web.alerts.numbers import SenderNumbers
from bot.web.door import Here, scraper
from bot.web.house import ChatHealth, Inbox, Watching

health = APIRouter()

SETTLED = timedelta(minutes=5)  # a page that was not accepted by then will not be part of the lag


class Numbers:
    """The bot's own metrics, in a registry of their own; no label ever names an incident."""

    def __init__(
        self,
        desk: Desk,
        watch: Watching,
        chat: Callable[[], ChatHealth] | None = None,
        vigil: Vigil | None = None,
    ) -> None:
        self.desk, self.watch, self._chat, self._vigil = desk, watch, chat, vigil
        self.registry = CollectorRegistry()
        self.commits = Counter("tocsin_commits", "Commits to the log since the start", registry=self.registry)
        self.open = Gauge(
            "tocsin_open_incidents",
            "Open incidents, without restricted ones",
            registry=self.registry,
        )
        self.age = Gauge(
            "tocsin_poll_age_seconds", "Seconds since the sources were last asked; NaN before", registry=self.registry
        )
        self.slos = Gauge("tocsin_slos", "Objectives by verdict", ["state"], registry=self.registry)
        self.lag = Histogram(
            "tocsin_detection_lag_seconds",
            "The bot's own share of the time to detect, by stage",
            ["stage"],
            buckets=(0.1, 0.25, 0.5, 1, 2.5, 5, 10, 15, 30, 60, 120),
            registry=self.registry,
        )
        if chat is not None:
            self.connected = Gauge("tocsin_chat_connected", "1 while the chat answers", registry=self.registry)
            self.behind = Gauge(
                "tocsin_chat_behind_incidents",
                "Incidents the chat does not show as they stand for more than a minute",
                registry=self.registry,
            )
        self._senders: SenderNumbers | None = None
        self._inbox: Inbox | None = None
        self._lagged: set[str] = set()  # incidents whose lag was observed
        desk.handler.after_commit(lambda _incident: self.commits.inc())

    def of_senders(self, senders: SenderNumbers, inbox: Inbox) -> None:
        """Tell of those who send alerts as well."""
        self._senders, self._inbox = senders, inbox

    async def text(self) -> bytes:
        """The metrics as they are now, in the Prometheus text format; without a database all that is known without it.

        Whoever reads them must learn above all that the database is silent.
        """
        try:
            await self._observe(await self.desk.log.open_ids())
            phases = (await self.desk.log.tally(Sight())).by_phase
            self.open.set(sum(number for phase, number in phases.items() if phase != "closed"))
        except Unavailable:
            self.open.set(float("nan"))
            self._answers(False)
        else:
            self._answers(True)
        polled = self.watch.polled
        self.age.set((self.desk.clock.now() - polled).total_seconds() if polled else float("nan"))
        if self._chat is not None:
            chat = self._chat()
            self.connected.set(chat.connected)
            self.behind.set(chat.behind)
        for state in ("met", "breached", "no_data"):
            self.slos.labels(state).set(self.watch.states.get(state, 0))
        own = self._vigil.vitals.text() if self._vigil is not None else b""
        return generate_latest(self.registry) + own + await self._of_senders()

    async def _of_senders(self) -> bytes:
        if self._senders is None or self._inbox is None:
            return b""
        try:
            last = await self._inbox.last_heard()
        except Unavailable:
            last = {}  # nobody knows
        return self._senders.text(self.desk.clock.now(), last, self._inbox.waiting_of)

    def _answers(self, answers: bool) -> None:
        if self._vigil is not None:
            self._vigil.vitals.answered(answers)

    async def _observe(self, names: Sequence[str]) -> None:
        """The lag of each incident once, when all its stages are known or will not be."""
        for name in names:
            if name in self._lagged:
                continue
            incident = await self.desk.handler.legible.one(name)
            if incident is None:
                continue
            stages = lag(incident)
            late = incident.declared_at is None or self.desk.clock.now() - incident.declared_at > SETTLED
            if not stages or "post" in stages or late:
                self._lagged.add(name)
                for stage, seconds in stages.items():
                    self.lag.labels(stage).observe(seconds)


@health.get("/healthz")
async def alive() -> dict[str, bool]:
    """The process answers."""
    return {"ok": True}


@health.get("/readyz")
async def ready(here: Here, request: Request, response: Response) -> dict[str, Any]:
    """The parts behind it answer: the database, and a poll that is not too old."""
    try:
        found: dict[str, Any] = dict(await here.house.ready())
    except TocsinError as trouble:
        found = {"ok": False, "because": str(trouble)}
    if not found.get("ok"):
        response.status_code = 503
    chat = here.house.chat() if here.house.chat is not None else None
    if chat is not None:  # the house is ready without its chat
        since = chat.since.isoformat() if chat.since else None
        found["chat"] = {"connected": chat.connected, "behind": chat.behind, "since": since}
    door = request.app.state.alerts
    if door is not None and here.house.inbox is not None:
        found["alerts"] = door.told(here.house.inbox.waiting)
    if here.house.intake is not None:  # an alert nobody could take in pages nobody: whoever looks here must see it
        intake = here.house.intake
        found.setdefault("alerts", {}).update(held=len(intake.held), aside=len(intake.aside))
    if here.house.vigil is not None:
        found["own"] = {
            each.name: {"state": each.state, "burn": each.burn, "budget_remaining": round(each.remaining, 4)}
            for each in here.house.vigil.promises()
        }
        found["troubles"] = here.house.vigil.care.kinds
    return found


@health.get("/metrics", dependencies=[Depends(scraper)])
async def metrics(request: Request) -> Response:
    """The bot's own metrics; from this machine, with its token, or with the one for this page alone."""
    numbers: Numbers = request.app.state.numbers
    return Response(await numbers.text(), headers={"Content-Type": CONTENT_TYPE_LATEST})
