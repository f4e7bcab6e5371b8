"""Watches how fast new incidents come: in a storm one umbrella stands for them, and critical ones are shown at once."""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from bot.domain.errors import Conflict, NotFound, Refused, Taken, Tampered
from bot.domain.incident import Incident
from bot.domain.lifecycle import Declare, Resolve, open_claim
from bot.domain.policy import Severity, Urgency
from bot.domain.promotion import HOME, Promote, is_critical
from bot.domain.service import Service
from bot.domain.storm import FINGERPRINT, OVER, BeginStorm, EndStorm, Gauge, judge, rate
from bot.engine.handle import Handler
from bot.telemetry import log as logger

LOOK_THROUGH = 20_000
"""So many of the newest incidents are looked through for critical ones once a storm is over."""

REFRESH = timedelta(seconds=5)
"""How often the digest on the umbrella's card is counted anew at most."""


@dataclass(frozen=True, slots=True)
class Child:
    """How an incident is opened now: below an umbrella or by itself, with a card or without."""

    umbrella: str = ""
    promote: str = ""
    channel: str = ""


class Storm:
    """One for the house; only the replica that leads asks it. All methods may raise Unavailable."""

    def __init__(self, handler: Handler, services: Mapping[str, Service]) -> None:
        self.handler, self.services = handler, services
        self.changed: Callable[[str], None] = lambda _incident: None  # its card says something else now
        self._opened: deque[tuple[datetime, str]] = deque()
        self._gauge = Gauge()
        self._umbrella = ""
        self._channels: list[str] = []  # those the storm's cards are in, the umbrella's own first
        self._refreshed: datetime | None = None

    @property
    def storms(self) -> bool:
        """Whether it does."""
        return self._gauge.storms

    @property
    def umbrella(self) -> str:
        """The incident that stands for the storm; of one that is over, until it is resolved. "" for none."""
        return self._umbrella

    async def restore(self) -> None:
        """Take up where another replica, or this one before a restart, left off: all of it stands in the log."""
        log, now = self.handler.log, self.handler.clock.now()
        self._opened.clear()
        rules = self.handler.policy.storm
        for each in reversed(await log.summaries(limit=max(4 * rules.incidents_per_minute, 100))):
            if each.declared > now - OVER:
                self._opened.append((each.declared, each.service))
        self._umbrella = await log.holder(open_claim(FINGERPRINT)) or ""
        self._gauge, self._channels = Gauge(), []
        umbrella = await self._read(self._umbrella)
        if umbrella is None:
            self._umbrella = ""
        else:
            self._gauge = Gauge(storms=umbrella.storm is None or umbrella.storm.until is None)
            self._channels = [self._own(umbrella.service)]
            for child in await self._critical(umbrella):
                if child.promoted and child.card_channel != HOME:
                    self._touch(child.card_channel or self._own(child.service))

    # -- while incidents are opened ----------------------------------------------------------------------------------

    async def expects(self, coming: Sequence[tuple[int, str]]) -> None:
        """These incidents (severity, service) are about to be opened: if that is a storm, its umbrella is first."""
        now = self.handler.clock.now()
        self._forget(now)
        if not coming:
            return
        times = [at for at, _service in self._opened] + [now] * len(coming)
        self._gauge = judge(self._gauge, times, self.handler.policy.storm, now)
        if self._gauge.storms and not await self._stands():
            await self._begin(coming, rate(times, now), now)

    def child(self, severity: int, service: str) -> Child:
        """How an incident of that severity and service is opened now."""
        if not self._gauge.storms or not self._umbrella:
            return Child()
        if not is_critical(severity, self._tier(service)):
            return Child(self._umbrella)
        return Child(self._umbrella, "it is critical", self._channel(service))

    def opened(self, service: str) -> None:
        """An incident was opened just now."""
        self._opened.append((self.handler.clock.now(), service))

    async def grown(self, incident: Incident) -> None:
        """A child may have become critical by another alert: then it is shown like one."""
        if incident.is_silent and incident.is_open and is_critical(incident.severity, self._tier(incident.service)):
            await self._promote(incident)

    # -- by the clock ------------------------------------------------------------------------------------------------

    async def tick(self) -> None:
        """See whether it is over; keep the digest current meanwhile."""
        now = self.handler.clock.now()
        self._forget(now)
        if self._gauge.storms:
            if not await self._stands():  # somebody resolved it: what comes from now on is counted anew
                self._umbrella, self._gauge = "", Gauge()
                return
            after = judge(self._gauge, [at for at, _service in self._opened], self.handler.policy.storm, now)
            if not after.storms:
                await self._end(self._gauge.calm_since or now, now)
            self._gauge = after
        elif self._umbrella:
            await self._settle(now)
        if self._umbrella and (self._refreshed is None or now - self._refreshed >= REFRESH):
            self._refreshed = now
            self.changed(self._umbrella)

    async def _begin(self, coming: Sequence[tuple[int, str]], per_minute: int, now: datetime) -> None:
        policy = self.handler.policy
        services = Counter([service for _at, service in self._opened] + [service for _severity, service in coming])
        services.pop("", None)
        busiest = min(services, key=lambda name: (-services[name], name), default="")
        worst = min(severity for severity, _service in coming)
        name = await self.handler.log.holder(open_claim(FINGERPRINT))
        if name is not None and await self._read(name) is None:  # its card shows nobody what comes below it
            self._umbrella = ""
            return
        if name is None:
            because = f"{per_minute:,} new incidents within a minute, more than {policy.storm.incidents_per_minute:,}"
            declare = Declare(
                title="Alert storm",
                severity=Severity(worst),
                service=policy.storm.service or busiest,
                because=because,
                onset=now,
                detected=now,
                fingerprint=FINGERPRINT,
                urgency=Urgency.PAGE if worst <= policy.alerts.page_from else Urgency.TICKET,
            )
            try:
                name = (await self.handler.open(declare, cause=FINGERPRINT)).id
            except Taken as taken:
                name = taken.holder
        umbrella = await self.handler.submit(name, BeginStorm(per_minute, now), cause=FINGERPRINT)
        self._umbrella, self._channels = name, [self._own(umbrella.service)]
        logger().warning("a storm began", incident=name, per_minute=per_minute)

    async def _end(self, calm_since: datetime, now: datetime) -> None:
        umbrella = await self._read(self._umbrella)
        if umbrella is not None and umbrella.storm is not None:
            digest = await self.handler.log.digest(umbrella.id, umbrella.storm.since, now)
            for child in await self._critical(umbrella):
                if child.is_silent and is_critical(child.severity, self._tier(child.service)):
                    await self._promote(child)
            await self.handler.submit(
                umbrella.id, EndStorm(digest.incidents, digest.open, calm_since), cause=FINGERPRINT
            )
            logger().warning("the storm is over", incident=umbrella.id, incidents=digest.incidents, open=digest.open)

    async def _settle(self, now: datetime) -> None:
        """The umbrella of a storm that is over, which nobody took, is resolved once all that came in it is over."""
        umbrella = await self._read(self._umbrella)
        if umbrella is None or not umbrella.is_open:
            self._umbrella = ""
            return
        after, storm = self.handler.policy.alerts.resolve_after, umbrella.storm
        if umbrella.acknowledged or not after or storm is None or storm.until is None or now < storm.until + after:
            return
        if (await self.handler.log.digest(umbrella.id, storm.since, storm.until)).open == 0:
            summary = "the storm is over, and so is every incident that came in it; nobody had taken it"
            await self.handler.submit(umbrella.id, Resolve(summary), cause=FINGERPRINT)
            self._umbrella = ""

    async def _promote(self, child: Incident) -> None:
        try:
            await self.handler.submit(
                child.id, Promote("it is critical", self._channel(child.service)), cause=FINGERPRINT
            )
        except (Refused, Conflict, NotFound, Tampered) as refused:
            logger().info("a child of the storm has no card of its own", incident=child.id, because=str(refused))

    async def _critical(self, umbrella: Incident) -> list[Incident]:
        """Its children that may be critical and are open."""
        since = umbrella.storm.since if umbrella.storm is not None else umbrella.declared_at
        found = []
        for each in await self.handler.log.summaries(limit=LOOK_THROUGH):
            if since is not None and each.declared < since:
                break
            if each.severity <= Severity.SEV2 and each.phase not in ("resolved", "closed"):
                child = await self._read(each.id)
                found += [child] if child is not None and child.umbrella == umbrella.id else []
        return found

    # -- where -------------------------------------------------------------------------------------------------------

    def _forget(self, now: datetime) -> None:
        while self._opened and self._opened[0][0] <= now - OVER:
            self._opened.popleft()

    async def _stands(self) -> bool:
        """Whether the umbrella is open and knows that it storms."""
        umbrella = await self._read(self._umbrella)
        if umbrella is None or umbrella.storm is None:
            return False
        return umbrella.is_open and umbrella.storm.until is None

    async def _read(self, name: str) -> Incident | None:
        """That incident; None where there is none, or where it cannot be read: then each stands for itself."""
        return await self.handler.legible.one(name) if name else None

    def _tier(self, service: str) -> int | None:
        known = self.services.get(service)
        return known.tier if known is not None else None

    def _own(self, service: str) -> str:
        known = self.services.get(service)
        return (known.channel if known is not None else "") or HOME

    def _touch(self, channel: str) -> bool:
        if channel in self._channels:
            return True
        if len(self._channels) >= self.handler.policy.storm.channels:
            return False
        self._channels.append(channel)
        return True

    def _channel(self, service: str) -> str:
        """Where a critical child's card goes: its own channel while the storm touches few, else the umbrella's."""
        return "" if self._touch(self._own(service)) else self._channels[0]
