"""Holds what another system itself shows of a schedule against what our files would do: the import proves itself."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import pairwise

from bot.importers._found import Harvest, Seen
from bot.rota.rota import Rota
from bot.rota.shifts import shifts


@dataclass(frozen=True, slots=True)
class Difference:
    """From `start` to `end` they say `theirs` are on call, and our files `ours`."""

    rotas: tuple[str, ...]
    start: datetime
    end: datetime
    theirs: tuple[str, ...]
    ours: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Compared:
    """What was compared of one schedule, and where it differs."""

    rotas: tuple[str, ...]
    start: datetime
    end: datetime
    differences: tuple[Difference, ...]


def compare(harvest: Harvest, now: datetime) -> list[Compared]:
    """Each schedule of which the export says who is on call, from now on; the past is not imported."""
    by_name = {found.rota.name: found.rota for found in harvest.rotas}
    found = []
    for called, seen in harvest.seen.items():
        start = max(now.astimezone(UTC), min(each.start for each in seen).astimezone(UTC))
        end = max(each.end for each in seen).astimezone(UTC)
        if start < end:
            differences = _differences(called, [by_name[name] for name in called], seen, start, end)
            found.append(Compared(called, start, end, tuple(differences)))
    return found


def _differences(
    called: tuple[str, ...], rotas: Sequence[Rota], seen: Sequence[Seen], start: datetime, end: datetime
) -> list[Difference]:
    ours = [Seen(each.person, each.start, each.end) for rota in rotas for each in shifts(rota, start, end)]
    edges = sorted({start, end, *(edge for each in (*seen, *ours) for edge in _edges(each) if start < edge < end)})
    found: list[Difference] = []
    for since, until in pairwise(edges):
        both = _there(seen, since), _there(ours, since)
        if both[0] == both[1]:
            continue
        last = found[-1] if found else None
        if last is not None and last.end == since and (last.theirs, last.ours) == both:
            found[-1] = Difference(called, last.start, until, *both)
        else:
            found.append(Difference(called, since, until, *both))
    return found


def _edges(seen: Seen) -> tuple[datetime, datetime]:
    return seen.start.astimezone(UTC), seen.end.astimezone(UTC)


def _there(seen: Sequence[Seen], at: datetime) -> tuple[str, ...]:
    return tuple(sorted({each.person for each in seen if each.start <= at < each.end}))
