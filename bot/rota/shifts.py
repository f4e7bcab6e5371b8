"""Who is on call by a rota: at an instant, and shift by shift between two.

The last layer that applies is on call, then each override puts one person in another's seat. An override that names
somebody takes the seats they sit in or were to sit in, so that of two covers for one person the later one counts, and a
cover can itself be covered.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

from bot.rota.rota import Override, Rota, Shift
from bot.rota.turns import Stretch, seated, stretches, zone_of
from bot.rota.wallclock import instant

OVERRIDE = "override"
Seats = tuple[tuple[str, ...], ...]


def on_call(rota: Rota, at: datetime, covers: Sequence[Override] = ()) -> tuple[str, ...]:
    """Who is on call at an instant; `covers` are further overrides, later than those of the file."""
    at = at.astimezone(UTC)
    seats: Seats = ()
    for layer in reversed(rota.layers):
        if people := seated(layer, at, zone_of(layer, rota)):
            seats = tuple((person,) for person in people)
            break
    zone = ZoneInfo(rota.zone)
    for override in (*rota.overrides, *covers):
        if instant(override.start, zone) <= at < instant(override.end, zone):
            seats = _replaced(seats, override)
    return Stretch(at, at, seats).people


def shifts(rota: Rota, start: datetime, end: datetime, covers: Sequence[Override] = ()) -> list[Shift]:
    """Each person's shifts from `start` up to `end`, cut off at both, by their start.

    What a person has without a break is one shift; `because` is the layer or the override it begins by.
    """
    return joined(staffed(rota, start, end, covers))


def joined(found: Iterable[Stretch]) -> list[Shift]:
    """Each person's shifts in stretches that follow one another."""
    done: list[Shift] = []
    held: dict[str, Shift] = {}
    for stretch in found:
        people = stretch.people
        over = [person for person, shift in held.items() if person not in people or shift.end < stretch.start]
        done += [held.pop(person) for person in over]
        for person in people:
            known = held.get(person)
            begun = known.start if known else stretch.start
            held[person] = Shift(person, begun, stretch.end, known.because if known else stretch.because)
    done += held.values()
    return sorted(done, key=lambda shift: shift.start)


def staffed(rota: Rota, start: datetime, end: datetime, covers: Sequence[Override] = ()) -> list[Stretch]:
    """The stretches from `start` up to `end` in which somebody is on call, or was and was taken away, in order."""
    start, end = start.astimezone(UTC), end.astimezone(UTC)
    found: list[Stretch] = []
    for number, layer in enumerate(rota.layers, start=1):
        name = layer.name or f"layer {number}"
        found = _over(stretches(layer, start, end, zone_of(layer, rota), name), found)
    zone = ZoneInfo(rota.zone)
    for override in (*rota.overrides, *covers):
        begin, stop = max(instant(override.start, zone), start), min(instant(override.end, zone), end)
        if begin < stop:
            found = _overridden(found, override, begin, stop)
    return found


def _over(top: list[Stretch], below: list[Stretch]) -> list[Stretch]:
    """Both laid on one another: where they overlap, the top counts."""
    if not below or not top:
        return top or below
    found = list(top)
    at = 0
    for stretch in below:
        begin = stretch.start
        while at < len(top) and top[at].end <= begin:
            at += 1
        here = at
        while here < len(top) and top[here].start < stretch.end:
            if begin < top[here].start:
                found.append(replace(stretch, start=begin, end=top[here].start))
            begin, here = top[here].end, here + 1
        if begin < stretch.end:
            found.append(replace(stretch, start=begin))
    return sorted(found, key=lambda each: each.start)


def _overridden(found: list[Stretch], override: Override, begin: datetime, stop: datetime) -> list[Stretch]:
    first = bisect_right(found, begin, key=lambda each: each.end)
    last = bisect_left(found, stop, key=lambda each: each.start)
    within = found[first:last]
    inside: list[Stretch] = []
    for each in within:
        seats = _replaced(each.ever, override)
        because = each.because if seats == each.ever else OVERRIDE
        inside.append(Stretch(max(each.start, begin), min(each.end, stop), seats, because))
    if not override.instead_of:
        inside = _filled(inside, override, begin, stop)
    around = [replace(each, end=begin) for each in within[:1] if each.start < begin]
    around += inside + [replace(each, start=stop) for each in within[-1:] if each.end > stop]
    return [*found[:first], *around, *found[last:]]


def _filled(inside: list[Stretch], override: Override, begin: datetime, stop: datetime) -> list[Stretch]:
    """An override of everybody also holds where nobody is on call."""
    filled: list[Stretch] = []
    at = begin
    for each in [*inside, Stretch(stop, stop, ())]:
        if at < each.start:
            filled.append(Stretch(at, each.start, _replaced((), override), OVERRIDE))
        filled.append(each)
        at = each.end
    return filled[:-1]


def _replaced(seats: Seats, override: Override) -> Seats:
    if override.instead_of:
        return tuple((*seat, override.person) if override.instead_of in seat else seat for seat in seats)
    everybody = dict.fromkeys(person for seat in seats for person in seat)
    return ((*everybody, override.person),)
