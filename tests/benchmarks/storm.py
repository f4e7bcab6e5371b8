"""What a storm costs: ten thousand distinct alerts in ten seconds, from the sender's answer to the last incident."""

from __future__ import annotations

import asyncio
import resource
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from bot.clock import SystemClock
from bot.domain.alert import Alert
from bot.domain.policy import Policy
from bot.engine.handle import Handler
from bot.engine.intake import Intake
from bot.engine.storm import Storm
from bot.store import Store

Say = Callable[[str], None]
SECONDS = 10
PIECE = 100
EVERY = 100
"""Each so many alerts one is of the worst severity."""


class _Leads:
    async def holds(self) -> bool:
        return True


def measure(alerts: int, say: Say, within: float = 240.0) -> None:
    """Say it for alerts of no service, an incident each, and for those of forty services."""
    for services in (0, 40):
        with tempfile.TemporaryDirectory(prefix="tocsin-storm-") as folder:
            asyncio.run(_one(alerts, services, Path(folder), say, within))


async def _one(alerts: int, services: int, folder: Path, say: Say, within: float) -> None:
    clock = SystemClock()
    async with await Store.open(f"sqlite:///{folder / 'tocsin.db'}", clock) as store:
        handler = Handler(store.log, clock, Policy())
        intake = Intake(store.alerts, handler, {}, Storm(handler, {}), _Leads())
        store.alerts.accepted = intake.wake
        taking = asyncio.create_task(intake.run())
        began, answered = time.perf_counter(), 0.0
        for start in range(0, alerts, PIECE):
            due = began + SECONDS * start / alerts
            await asyncio.sleep(max(due - time.perf_counter(), 0))
            asked = time.perf_counter()
            await store.alerts.accept([_alert(n, services, clock) for n in range(start, min(start + PIECE, alerts))])
            answered = max(answered, time.perf_counter() - asked)
        accepted = time.perf_counter() - began
        critical = done = 0.0
        while not done and time.perf_counter() - began < within:
            await asyncio.sleep(0.25)
            waiting = await store.alerts.since(await store.alerts.applied(), 1)
            if not critical and await _critical(store, alerts):
                critical = time.perf_counter() - began
            done = time.perf_counter() - began if not waiting else 0.0
        taking.cancel()
        await asyncio.gather(taking, return_exceptions=True)
        many = len(await store.log.open_ids())
        held = len(await store.log.holders([f"open:alert/am/n{n}" for n in range(alerts)]))
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
        what = f"{services} services" if services else "no service, an incident each"
        say(f"{alerts:,} alerts in {SECONDS} s, {what}")
        say(
            f"  answered to the sender  all after {accepted:.1f} s, the slowest 100 in {answered * 1000:.0f} ms (wanted: 15 s)"
        )
        say(
            f"  critical ones declared  after {critical:.1f} s"
            if critical
            else "  critical ones           not all in time"
        )
        say(f"  all in incidents        after {done:.1f} s" if done else f"  not all in incidents after {within:g} s")
        say(f"  {many:,} incidents, {alerts - held:,} alerts lost, {peak:.0f} MiB at most (wanted: 0, 300)")


def _alert(number: int, services: int, clock: SystemClock) -> Alert:
    service = f"s{number % services}" if services else ""
    severity = 1 if number % EVERY == 0 else 3
    return Alert("am", f"n{number}", clock.now(), None, f"node {number} is gone", service, severity)


async def _critical(store: Store, alerts: int) -> bool:
    wanted = [f"open:alert/am/n{n}" for n in range(0, alerts, EVERY)]
    return len(await store.log.holders(wanted)) == len(wanted)
