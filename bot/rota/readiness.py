"""Whether rotas are ready for a stretch: gaps, double bookings, ends, strangers, and what clocks do to hand-offs."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from itertools import combinations, pairwise
from zoneinfo import ZoneInfo

from bot.rota.clockwork import moves, nights, odd_hours
from bot.rota.finding import Finding, Kind, Plan, said, span, together
from bot.rota.rota import Override, Rota, Shift
from bot.rota.shifts import joined, staffed
from bot.rota.turns import Stretch, zone_of
from bot.rota.wallclock import instant

MOST = 5
"""So many gaps of one rota are told one by one."""


def readiness(
    rotas: Iterable[Rota],
    start: datetime,
    end: datetime,
    *,
    covers: Mapping[str, Sequence[Override]] | None = None,
    elsewhere: Sequence[Plan] = (),
    known: Collection[str] | None = None,
    zones: Mapping[str, str] | None = None,
) -> list[Finding]:
    """Everything to look at in rotas from `start` up to `end`, rota by rota.

    Args:
        rotas: those of our own.
        start: from when.
        end: up to when.
        covers: further overrides by the rota's name.
        elsewhere: schedules kept elsewhere, with the shifts they were asked for.
        known: the keys of everybody there is; left out, nobody is a stranger.
        zones: by key, the zone in which somebody sleeps; whoever is not there sleeps in the rota's.

    """
    start, end, given, asleep = start.astimezone(UTC), end.astimezone(UTC), covers or {}, zones or {}
    plans, found = list[Plan](), list[Finding]()
    for rota in rotas:
        full = replace(rota, overrides=(*rota.overrides, *given.get(rota.name, ())))
        stretches = staffed(full, start, end)
        plan = Plan(rota.name, rota.zone, joined(stretches))
        plans.append(plan)
        ends = list(_ends(full, plan, start, end))
        over = {finding.start for finding in ends if finding.end == end}
        found += ends
        open_ones = [gap for gap in gaps(plan.shifts, start, end) if gap[1] < end or gap[0] not in over]
        found += _gaps(plan, open_ones)
        found += _short(plan, stretches)
        found += _strangers(full, start, end, known) if known is not None else ()
        found += _idle(full, start, end)
        found += nights(plan, start, asleep)
        found += moves(full, start, end, asleep)
        found += odd_hours(full, start, end)
    for plan in elsewhere:
        plans.append(plan)
        found += _gaps(plan, gaps(plan.shifts, start, end))
        found += nights(plan, start, asleep)
    return [*found, *_twice(plans)]


def gaps(shifts: Iterable[Shift], start: datetime, end: datetime) -> list[tuple[datetime, datetime]]:
    """The stretches from `start` up to `end` in which nobody has a shift."""
    found, at = [], start
    for shift in sorted(shifts, key=lambda each: each.start):
        if shift.start > at:
            found.append((at, min(shift.start, end)))
        at = max(at, shift.end)
    return [*found, (at, end)] if at < end else found


def _gaps(plan: Plan, found: Sequence[tuple[datetime, datetime]]) -> Iterator[Finding]:
    clocks = plan.clocks
    told = found if len(found) <= MOST else found[: MOST - 1]
    for begin, stop in told:
        says = f"nobody is on call in {plan.name} from {said(begin, clocks)} to {said(stop, clocks)} ({plan.zone})"
        yield Finding(plan.name, Kind.GAP, begin, stop, (), says)
    rest = found[len(told) :]
    if rest:
        length = span(sum((stop - begin for begin, stop in rest), start=rest[0][0] - rest[0][0]))
        says = (
            f"nobody is on call in {plan.name} in {len(rest)} more stretches, {length} in all, "
            f"the last until {said(rest[-1][1], clocks)} ({plan.zone})"
        )
        yield Finding(plan.name, Kind.GAP, rest[0][0], rest[-1][1], (), says)


def _ends(rota: Rota, plan: Plan, start: datetime, end: datetime) -> Iterator[Finding]:
    last = max((shift.end for shift in plan.shifts), default=start)
    for number, layer in enumerate(rota.layers, start=1):
        if layer.end is None:
            continue
        over, zone = instant(layer.end, zone_of(layer, rota)), zone_of(layer, rota)
        if not start < over < end:
            continue
        people = tuple(dict.fromkeys(person for turn in layer.turns for person in turn))
        name = layer.name or f"layer {number}"
        says = f"{name} of {rota.name} ends on {said(over, zone)} ({zone.key})"
        if last <= over:
            yield Finding(rota.name, Kind.ENDS, over, end, people, f"{says}: from then on nobody is on call")
        else:
            yield Finding(rota.name, Kind.ENDS, over, over, people, f"{says}; others are on call after that")


def _short(plan: Plan, stretches: Iterable[Stretch]) -> Iterator[Finding]:
    """Stretches in which seats are empty or one person has two, those that follow one another as one."""
    held: tuple[Stretch, datetime] | None = None
    for each in stretches:
        short = bool(each.people) and len(each.people) < len(each.ever)
        if held and short and held[1] == each.start and held[0].people == each.people:
            held = held[0], each.end
            continue
        if held:
            yield _one_short(plan, *held)
        held = (each, each.end) if short else None
    if held:
        yield _one_short(plan, *held)


def _one_short(plan: Plan, stretch: Stretch, until: datetime) -> Finding:
    says = (
        f"only {together(stretch.people)} is on call in {plan.name} from {said(stretch.start, plan.clocks)} to "
        f"{said(until, plan.clocks)} ({plan.zone}), where {len(stretch.ever)} people are planned"
    )
    if len(stretch.people) > 1:
        says = says.replace(" is on call", " are on call", 1)
    return Finding(plan.name, Kind.SHORT, stretch.start, until, stretch.people, says)


def _strangers(rota: Rota, start: datetime, end: datetime, known: Collection[str]) -> Iterator[Finding]:
    places: dict[str, str] = {}
    for number, layer in enumerate(rota.layers, start=1):
        zone = zone_of(layer, rota)
        if instant(layer.start, zone) < end and (layer.end is None or instant(layer.end, zone) > start):
            for person in (person for turn in layer.turns for person in turn):
                places.setdefault(person, f"in {layer.name or f'layer {number}'} of {rota.name}")
    for override in _within(rota, start, end):
        places.setdefault(override.person, f"by an override of {rota.name}")
    for person, place in places.items():
        if person and person not in known:
            says = f"{person} is on call {place} and stands for nobody in people.yaml: a page would reach nobody"
            yield Finding(rota.name, Kind.UNKNOWN, start, end, (person,), says)


def _idle(rota: Rota, start: datetime, end: datetime) -> Iterator[Finding]:
    """Overrides for somebody who is not on call then."""
    zone = ZoneInfo(rota.zone)
    for number, override in enumerate(rota.overrides):
        begin, stop = instant(override.start, zone), instant(override.end, zone)
        if not override.instead_of or begin >= end or stop <= start:
            continue
        before = staffed(replace(rota, overrides=rota.overrides[:number]), begin, stop)
        if not any(override.instead_of in seat for stretch in before for seat in stretch.ever):
            who = f"{override.person} is to stand in" if override.person else "nobody is to stand in"
            says = (
                f"{who} for {override.instead_of} in {rota.name} from {said(begin, zone)} to {said(stop, zone)} "
                f"({rota.zone}), and {override.instead_of} is not on call then: it changes nothing"
            )
            people = tuple(filter(None, (override.person, override.instead_of)))
            yield Finding(rota.name, Kind.IDLE, begin, stop, people, says)


def _within(rota: Rota, start: datetime, end: datetime) -> Iterator[Override]:
    zone = ZoneInfo(rota.zone)
    for override in rota.overrides:
        if instant(override.start, zone) < end and instant(override.end, zone) > start:
            yield override


def _twice(plans: Sequence[Plan]) -> Iterator[Finding]:
    """For each person and two rotas one finding, with the first time and how many there are."""
    by_person = [_by_person(plan.shifts) for plan in plans]
    for one, other in combinations(range(len(plans)), 2):
        for person in sorted(by_person[one].keys() & by_person[other].keys()):
            both = list(_common(by_person[one][person], by_person[other][person]))
            if not both:
                continue
            first, clocks = both[0], plans[one].clocks
            times = "" if len(both) == 1 else f"; {len(both)} such stretches in all"
            says = (
                f"{person} is on call in {plans[one].name} and {plans[other].name} at once from "
                f"{said(first[0], clocks)} to {said(first[1], clocks)} ({clocks.key}){times}"
            )
            yield Finding(plans[one].name, Kind.TWICE, first[0], both[-1][1], (person,), says)


def _by_person(shifts: Iterable[Shift]) -> dict[str, list[tuple[datetime, datetime]]]:
    found: dict[str, list[tuple[datetime, datetime]]] = {}
    for shift in shifts:
        found.setdefault(shift.person, []).append((shift.start, shift.end))
    return found


def _common(
    one: Sequence[tuple[datetime, datetime]], other: Sequence[tuple[datetime, datetime]]
) -> Iterator[tuple[datetime, datetime]]:
    edges = sorted({edge for each in (*one, *other) for edge in each})
    held: tuple[datetime, datetime] | None = None
    at = [0, 0]
    for begin, stop in pairwise(edges):
        for index, spans in enumerate((one, other)):
            while at[index] < len(spans) and spans[at[index]][1] <= begin:
                at[index] += 1
        both = all(at[i] < len(spans) and spans[at[i]][0] <= begin for i, spans in enumerate((one, other)))
        if both:
            held = (held[0], stop) if held and held[1] == begin else (begin, stop)
        elif held:
            yield held
            held = None
    if held:
        yield held
