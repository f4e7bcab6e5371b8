"""What the tests of the importers share: an export, a folder it goes into, and who is on call there, read back from the files."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable, Iterable, Sequence
from datetime import UTC, datetime, time, timedelta
from itertools import pairwise
from pathlib import Path
from types import ModuleType
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

from pydantic import BaseModel

from bot.config.escalations import read_escalations
from bot.config.fit import Fitter
from bot.config.rotas import read_rotas
from bot.config.secrets import Secrets
from bot.domain.errors import Invalid
from bot.importers import _export, _files
from bot.importers._found import Harvest
from bot.rota.rota import Rota
from bot.rota.shifts import shifts

EXPORTS = Path(__file__).parent / "exports"
WINTER = datetime(2026, 2, 20, 12, 0, tzinfo=UTC)  # ninety days from here the clocks go forward, in Europe and America
AUTUMN = datetime(2026, 9, 1, 12, 0, tzinfo=UTC)  # and from here back
NINETY = timedelta(days=90)


class Seen(NamedTuple):
    """Somebody is on call from one instant to another."""

    person: str
    start: datetime
    end: datetime


def export(name: str) -> dict[str, Any]:
    """A fresh copy of a whole export, to be changed as one likes."""
    return copy.deepcopy(json.loads((EXPORTS / f"{name}.json").read_text()))


def converted(module: ModuleType, data: Any, folder: Path, now: datetime = WINTER) -> Harvest:
    """What the importer makes of it, with the people of that folder known."""
    path = folder / "export.json"
    path.write_text(json.dumps(data, indent=1))
    return module.convert(_export.read(path), _files.known(folder), now)


def put(data: Any, path: Sequence[str | int], value: Any) -> None:
    """Write a value at that place of an export."""
    held = data
    for part in path[:-1]:
        held = held[part]
    held[path[-1]] = value


def refused(module: ModuleType, data: Any, folder: Path) -> list[str]:
    """The complaints about an export, without the file's name."""
    try:
        converted(module, data, folder)
    except Invalid as wrong:
        return [str(problem).removeprefix(str(folder / "export.json") + ":") for problem in wrong.problems]
    raise AssertionError("nothing was complained of")


def written(harvest: Harvest, folder: Path) -> dict[str, Rota]:
    """The rotas as Tocsin reads them from the files that the import writes."""
    _files.write(_files.plan(harvest, folder).wanted)
    fitter = Fitter(Secrets({"DATA_SECOND_LINE_CALENDAR": "https://calendar.example/feed"}, folder))
    rotas = read_rotas(folder / "rotas", fitter, _models)
    read_escalations(folder / "escalations", fitter)
    assert [str(problem) for problem in fitter.problems] == []
    return rotas.by_name


class Anything(BaseModel):
    """Settings of a calendar that is kept elsewhere: those are its provider's business."""

    url: Any = None


def _models(shelf: str, name: str) -> type[BaseModel]:
    assert (shelf, name) == ("oncall", "ical")
    return Anything


def same(
    theirs: Sequence[Seen], rotas: Iterable[Rota], now: datetime, upto: timedelta = NINETY, least: int = 10
) -> None:
    """At every instant from now on the same people are on call: between two changes of either nothing happens."""
    end = now + upto
    ours = [Seen(each.person, each.start, each.end) for rota in rotas for each in shifts(rota, now, end)]
    edges = {now, *(edge for each in (*theirs, *ours) for edge in each[1:] if now < edge < end)}
    assert len(edges) > least, "too little happens to show anything"
    for at in sorted(edges):
        there, here = ({each.person for each in given if each.start <= at < each.end} for given in (theirs, ours))
        assert there == here, f"at {at.astimezone(UTC)}: {sorted(there)} there, {sorted(here)} here"


def day_by_day(
    first: datetime, last: datetime, zone: ZoneInfo, spans: Callable[[int], Iterable[tuple[time, timedelta]]]
):
    """(start, end) of each span on each day: `spans` tells by weekday from which time for how long on the wall clock."""
    day = first.astimezone(zone).date() - timedelta(days=8)
    while day <= last.astimezone(zone).date():
        for since, lasting in spans(day.weekday()):
            wall = datetime.combine(day, since)
            yield wall.replace(tzinfo=zone).astimezone(UTC), (wall + lasting).replace(tzinfo=zone).astimezone(UTC)
        day += timedelta(days=1)


def cut(entries: Iterable[Seen], spans: Iterable[tuple[datetime, datetime]]) -> list[Seen]:
    """The parts of the entries that lie in one of the spans."""
    kept = list(spans)
    return [
        Seen(each.person, max(each.start, since), min(each.end, until))
        for each in entries
        for since, until in kept
        if max(each.start, since) < min(each.end, until)
    ]


def over(top: Sequence[Seen], below: Sequence[Seen]) -> list[Seen]:
    """Both, where the top counts wherever it has anybody."""
    edges = sorted({edge for each in (*top, *below) for edge in each[1:]})
    found = list(top)
    for each in below:
        inner = [each.start, *(edge for edge in edges if each.start < edge < each.end), each.end]
        for since, until in pairwise(inner):
            if not any(one.start <= since < one.end for one in top):
                found.append(Seen(each.person, since, until))
    return found


def remarks(harvest: Harvest) -> dict[str, str]:
    """Place → what does not carry over."""
    return {each.place.partition(" (")[0]: each.what for each in harvest.remarks}
