"""Turns other systems' instants and seconds into the wall-clock time of a zone, in which our rotas are written."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo

from bot.importers._export import Node
from bot.importers._found import Harvest
from bot.rota.rota import Layer, Only, Turn, Unit

DAY = timedelta(days=1)
WEEK = timedelta(weeks=1)
HOUR = timedelta(hours=1)
MINUTE = timedelta(minutes=1)
_MONDAY = datetime(2024, 1, 1)  # noqa: DTZ001 - any Monday, on a wall clock


def local(moment: datetime, zone: ZoneInfo) -> datetime:
    """What the wall clock of the zone shows at that instant, to the minute."""
    return moment.astimezone(zone).replace(tzinfo=None, fold=0, second=0, microsecond=0)


def kept(node: Node, moment: datetime, zone: ZoneInfo, harvest: Harvest) -> datetime:
    """The same for a time of the export; with a remark where the wall clock cannot say it exactly."""
    wall = local(moment, zone)
    if moment.second or moment.microsecond:
        harvest.remark(node, "times are kept to the minute")
    if wall.replace(tzinfo=zone).astimezone(UTC) != moment.replace(second=0, microsecond=0).astimezone(UTC):
        harvest.remark(node, "the clocks show this time twice that night; the first of the two is kept")
    return wall


def changes_clocks(zone: ZoneInfo, now: datetime) -> bool:
    """Whether the zone moves its clocks within a year."""
    return len({(now.astimezone(UTC) + weeks * WEEK).astimezone(zone).utcoffset() for weeks in range(53)}) > 1


def turn(length: timedelta) -> Turn | None:
    """A turn of that length: weeks and days where they are whole, hours otherwise; None where it has no whole hours."""
    for size, unit in ((WEEK, Unit.WEEKS), (DAY, Unit.DAYS), (HOUR, Unit.HOURS)):
        if length >= size and length % size == timedelta():
            return Turn(length // size, unit)
    return None


def length(every: Turn) -> timedelta:
    """How long such a turn is on the wall clock."""
    return every.amount * {Unit.WEEKS: WEEK, Unit.DAYS: DAY, Unit.HOURS: HOUR}[every.unit]


def only(day: int, since: time, lasting: timedelta) -> Only | None:
    """Each week from that weekday (0 is Monday) and time for so long; None where that is always."""
    if lasting >= WEEK:
        return None
    begin = datetime.combine(_MONDAY + day * DAY, since)
    end = begin + lasting
    return Only(begin.weekday(), begin.time(), end.weekday(), end.time())


def whole(given: Iterable[Only | None]) -> tuple[Only, ...] | None:
    """Restrictions as a layer holds them; None where together they are always so, and the layer needs none."""
    each = list(given)
    if any(one is None for one in each):
        return None
    kept = tuple(one for one in dict.fromkeys(each) if one is not None)
    return None if _covers(kept) else kept


def _covers(given: Iterable[Only]) -> bool:
    """Whether together they leave no minute of the week out."""
    upto = 0
    spans = sorted(part for one in given for part in spans_of(one))
    for since, until in spans:
        if since > upto:
            return False
        upto = max(upto, until)
    return bool(spans) and upto >= WEEK // MINUTE


def spans_of(one: Only) -> list[tuple[int, int]]:
    """Its stretches as minutes of the week, cut at the week's end."""
    week = WEEK // MINUTE
    since = one.since_day * 1440 + one.since.hour * 60 + one.since.minute
    until = one.until_day * 1440 + one.until.hour * 60 + one.until.minute
    if until > since:
        return [(since, until)]
    return [part for part in ((since, week), (0, until)) if part[0] < part[1]]


def rotation(layer: Layer, begin: datetime, now: datetime) -> list[Layer]:
    """The layer whose turns are counted from its start, on call from `begin` on.

    `begin` need not be a hand-off. Where it has passed already the layer simply starts with a turn before it, for the
    past is not imported; where it lies ahead, whoever has the turn then gets what is left of it as a layer of its own.
    """
    step, count = length(layer.every), len(layer.turns)
    passed = (begin - layer.start) // step
    if passed >= 0 and begin <= now:
        return [layer]
    hand_off = layer.start + passed * step
    there = _turned(layer, passed % count, hand_off)
    if hand_off == begin or begin <= now:
        return [there]
    after = hand_off + step
    first = replace(
        there,
        name=f"{layer.name}, until the first hand-off",
        turns=there.turns[:1],
        start=begin,
        end=after if layer.end is None else min(after, layer.end),
    )
    rest = _turned(layer, (passed + 1) % count, after)
    return [each for each in (first, rest) if each.end is None or each.end > each.start]


def distinct(layers: Iterable[Layer]) -> tuple[Layer, ...]:
    """The layers of a rota, each by a name of its own on one line: by a name people see who has put them on call."""
    kept: list[Layer] = []
    taken: set[str] = set()
    for each in layers:
        plain = " ".join(each.name.split()) or "layer"
        name, number = plain, 1
        while name in taken:
            number += 1
            name = f"{plain} ({number})"
        taken.add(name)
        kept.append(replace(each, name=name))
    return tuple(kept)


def _turned(layer: Layer, by: int, start: datetime) -> Layer:
    return replace(layer, turns=layer.turns[by:] + layer.turns[:by], start=start)
