"""The bot's promises about itself as objectives like any other: read from its own numbers, judged by the same code."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime, timedelta

from bot.domain.service import Service
from bot.engine.ports import Checkpoints
from bot.engine.vitals import PAGES, PROMISES, Promise, Vitals
from bot.slo.spec import MIN_EVENTS, Indicator, Point, Query, Selector, Slo

SERVICE = "tocsin"
"""The name under which the bot is a service of its own."""

WINDOW = timedelta(days=30)
FEW_PAGES = 2
"""Pages are few: a second one that came too late is no accident."""

EVENTS, ERRORS = "tocsin_slo_events_total", "tocsin_slo_errors_total"


def service(on_call: Sequence[str], channel: str = "") -> Service:
    """The bot as a service, where the catalogue does not name it."""
    owner = on_call[0] if on_call else ""
    return Service(name=SERVICE, title="Tocsin itself", owner=owner, channel=channel, on_call=tuple(on_call))


def objective(promise: Promise) -> Slo:
    """A promise as an objective. Silence is no trouble: on a quiet day nobody is paged."""

    def counted(name: str) -> Selector:
        return Selector.parse(f'{name}{{slo="{promise.name}"}}')

    return Slo(
        name=f"{SERVICE}-{promise.name}",
        service=SERVICE,
        indicator=Indicator("bad", counted(ERRORS), counted(EVENTS)),
        target=promise.target,
        window=WINDOW,
        display=promise.title,
        source=SERVICE,
        rule="burn_rate",
        blind_opens=False,
        min_events=FEW_PAGES if promise is PAGES else MIN_EVENTS,
    )


OBJECTIVES = tuple(objective(each) for each in PROMISES)


class Mirrored:
    """The port Source on our own numbers."""

    def __init__(self, vitals: Vitals) -> None:
        self._vitals = vitals

    async def read(self, queries: Collection[Query], at: datetime) -> Mapping[Query, Sequence[Point]]:
        """The samples as they are now."""
        asked = [query for query in queries if isinstance(query, Selector)]
        samples = self._vitals.samples(query.metric for query in asked)
        return {
            query: tuple(
                Point(frozenset(labels.items()), value, at)
                for name, labels, value in samples
                if name == query.metric and query.matches(labels)
            )
            for query in asked
        }

    async def close(self) -> None:
        return


class Beside:
    """The port Checkpoints, its names apart from those of the watch over everything else."""

    def __init__(self, checkpoints: Checkpoints) -> None:
        self._checkpoints = checkpoints

    async def save(
        self, documents: Mapping[str, Mapping[str, object]], at: datetime, *, drop: Collection[str] = ()
    ) -> None:
        renamed = {f"{SERVICE}/{name}": held for name, held in documents.items()}
        await self._checkpoints.save(renamed, at, drop=[f"{SERVICE}/{name}" for name in drop])

    async def load(self, names: Collection[str]) -> dict[str, dict[str, object]]:
        found = await self._checkpoints.load([f"{SERVICE}/{name}" for name in names])
        return {name.removeprefix(f"{SERVICE}/"): held for name, held in found.items()}
