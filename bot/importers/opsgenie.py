"""Turns what Opsgenie's REST API answers into our rotas, escalations and people.

The file is one JSON object that holds the API's answers under these names, lists of pages where there are several:

    {"users":       GET /v2/users?expand=contact,
     "contacts":    {"{user id}": GET /v2/users/{id}/contacts},             where the users were listed without them
     "notification_rules": {"{user id}": GET /v2/users/{id}/notification-rules, each rule with its steps},
     "schedules":   GET /v2/schedules?expand=rotation,
     "overrides":   {"{schedule id}": GET /v2/schedules/{id}/overrides},
     "escalations": GET /v2/escalations}

The fields are those of Opsgenie's API reference: Schedule API, Schedule Rotation API, Schedule Override API, Escalation
API, User API, Contact API, Notification Rule API.

All rotations of a schedule that apply are on call side by side, while of our layers one is. Rotations that never meet
share a rota; others get rotas of their own, and an escalation that pages the schedule pages all of them.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from datetime import datetime, time, timedelta
from zoneinfo import ZoneInfo

from bot.importers import _wall
from bot.importers._apart import groups
from bot.importers._export import Export, Node, pages
from bot.importers._found import Found, Harvest, Known, fresh, names, slug
from bot.importers._opsgenie_escalations import escalation
from bot.importers._opsgenie_people import read_users
from bot.importers._people import People
from bot.rota.rota import Layer, Only, Override, Rota

TITLE = "Opsgenie"
_LENGTHS = {"hourly": _wall.HOUR, "daily": _wall.DAY, "weekly": _wall.WEEK}
_DAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")


def convert(export: Export, known: Sequence[Known], now: datetime) -> Harvest:
    """Everything in the export in our terms, as of `now`. Raises Invalid naming each place that cannot be read."""
    reader = _Reader(export, known, now)
    export.finish()
    return reader.harvest


class _Reader:
    def __init__(self, export: Export, known: Sequence[Known], now: datetime) -> None:
        self.now, self.harvest = now, Harvest(TITLE)
        self.root = root = export.root
        users, schedules, escalations = (self._listed(root, name) for name in ("users", "schedules", "escalations"))
        if not (users or schedules or escalations):
            root.complain("schedules, escalations and users", what="holds nothing of Opsgenie's")
        self.people = People(read_users(users, root, self.harvest), known, self.harvest)
        self.rotas: dict[str, tuple[str, ...]] = {}
        self.titles: dict[str, str] = {}
        slugs = names((each.text("id"), each.text("name")) for each in schedules)
        self.taken = set(slugs.values())
        for each in schedules:
            self._schedule(each, slugs[each.text("id")])
        named = names((each.text("id"), each.text("name")) for each in escalations)
        for each in escalations:
            found = escalation(each, named[each.text("id")], self.people, self._pages, self.harvest)
            self.harvest.escalations += [found] if found else []

    def _listed(self, root: Node, name: str) -> list[Node]:
        things, more = pages(root, name, "data")
        self.harvest.read[name] = len(things)
        if more:
            self.harvest.remark(more, f"Opsgenie has more {name} than this file: fetch every page")
        return things

    def _pages(self, node: Node) -> tuple[str, ...]:
        """What pages the schedule that is meant there."""
        key = node.text("id", required=False) or self.titles.get(node.text("name", required=False), "")
        if key not in self.rotas:
            shown = key or node.text("name", required=False)
            node.complain("a schedule of the export", what=f"schedule {shown} is not among them")
            return ()
        if not self.rotas[key]:
            self.harvest.remark(node, "the schedule is left out, so nobody is paged for it")
        return tuple(f"rota:{name}" for name in self.rotas[key])

    def _schedule(self, node: Node, name: str) -> None:
        key, title = node.text("id"), node.text("name")
        self.titles[title], self.rotas[key] = key, ()
        if not node.yes("enabled", otherwise=True):
            self.harvest.remark(node, f"the schedule {title!r} is switched off; it is left out")
            return
        zone = node.zone("timezone")
        if zone is None:
            return
        if not node.at("rotations"):
            node.at("rotations").complain("its rotations: ask for schedules with expand=rotation")
        overrides = self._overrides(node, key, zone)
        layers: list[tuple[Layer, str]] = []
        for each in node.many("rotations"):
            found = self._rotation(each, zone)
            layers += [(layer, each.text("id", required=False)) for layer in found]
        if not layers:
            self.harvest.remark(node, f"the schedule {title!r} has no rotation that can be kept; it is left out")
            return
        parts = self._parts(layers, overrides, zone)
        called = _called(name, [part[0][0].name for part in parts])
        called = [each if each == name else fresh(each, self.taken, key) for each in called]
        for part_name, part in zip(called, parts, strict=True):
            theirs = [one for one in overrides if not one[1] or part[0][1] in one[1]]
            more = f", {part[0][0].name}" if len(parts) > 1 else ""
            rota = Rota(
                part_name,
                zone.key,
                _wall.distinct(one for one, _ in part),
                tuple(one[0] for one in theirs),
                title + more,
            )
            sources = tuple(f"rotation {rotation}" for _layer, rotation in part)
            source = f"{TITLE} schedule {key}"
            self.harvest.rotas.append(Found(rota, source, sources, tuple(one[2] for one in theirs)))
        self.rotas[key] = tuple(called)
        if len(parts) > 1:
            what = f"rotations on call side by side become rotas of their own: {', '.join(called)}"
            self.harvest.remark(node.at("rotations"), what)

    def _parts(
        self, layers: list[tuple[Layer, str]], overrides: Sequence[_Cover], zone: ZoneInfo
    ) -> list[list[tuple[Layer, str]]]:
        """Layers that may stand in one rota: never on call together, and covered by the same overrides."""
        numbers = groups([layer for layer, _ in layers], zone.key, self.now)
        parts: dict[tuple[int, frozenset[int]], list[tuple[Layer, str]]] = defaultdict(list)
        for number, one in zip(numbers, layers, strict=True):
            covered = frozenset(at for at, cover in enumerate(overrides) if not cover[1] or one[1] in cover[1])
            parts[number, covered].append(one)
        return list(parts.values())

    def _rotation(self, node: Node, zone: ZoneInfo) -> list[Layer]:
        title = node.text("name", required=False) or node.text("id", required=False)
        start, end = node.required_moment("startDate"), node.moment("endDate")
        kind, amount = node.text("type"), node.number("length", otherwise=1)
        if kind and kind not in _LENGTHS:
            node.at("type").complain(", ".join(_LENGTHS))
        if not amount:
            node.at("length").complain("at least 1")
        turns = tuple(self._participant(each) for each in node.many("participants"))
        only = self._restrictions(node.at("timeRestriction")) if node.at("timeRestriction") else None
        every = _wall.turn(amount * _LENGTHS.get(kind, _wall.WEEK))
        if start is None or every is None:
            return []
        if end is not None and end <= max(start, self.now):
            self.harvest.remark(node, f"the rotation {title!r} is over; it is left out")
            return []
        if not any(turns):
            self.harvest.remark(node, f"the rotation {title!r} has nobody who can be on call; it is left out")
            return []
        until = None if end is None else self._wall(node.at("endDate"), end, zone)
        return [Layer(title, turns, self._wall(node.at("startDate"), start, zone), every, until, only or ())]

    def _wall(self, node: Node, moment: datetime, zone: ZoneInfo) -> datetime:
        return _wall.kept(node, moment, zone, self.harvest)

    def _participant(self, node: Node) -> tuple[str, ...]:
        kind = node.text("type")
        if kind == "user":
            key = self.people.key(node, node.text("id", required=False), node.text("username", required=False))
            return (key,) if key else ()
        if kind != "none":
            name = node.at("name").word or node.at("id").word
            self.harvest.remark(node, f"the turn of the {kind} {name!r} stays empty: write people into it")
        return ()

    def _restrictions(self, node: Node) -> tuple[Only, ...] | None:
        kind = node.text("type")
        if kind == "time-of-day":
            one = node.at("restriction") or next(iter(node.many("restrictions")), node.at("restriction"))
            since, lasting = _time(one, "start"), _time(one, "end")
            if since is None or lasting is None:
                return None
            length = _until(since, lasting)
            return _wall.whole(None if length == _wall.DAY else _wall.only(day, since, length) for day in range(7))
        if kind == "weekday-and-time-of-day":
            return _wall.whole(each for one in node.many("restrictions") for each in _weekly(one))
        if kind:
            node.at("type").complain("time-of-day or weekday-and-time-of-day")
        return None

    def _overrides(self, node: Node, key: str, zone: ZoneInfo) -> list[_Cover]:
        beside = self.root.at("overrides")
        apart, _more = pages(beside, key, "data") if beside.at(key) else ([], None)
        inside, _more = pages(node, "overrides", "data")
        found: list[_Cover] = []
        over = 0
        for each in (*inside, *apart):
            person = self._participant(each.at("user"))
            if (stretch := each.stretch("startDate", "endDate", "the override")) is None:
                continue
            start, end = stretch
            if end <= self.now:
                over += 1
                continue
            if not person:
                if each.at("user", "type").word == "none":
                    what = "an override by nobody has no counterpart here: whoever's turn it is stays on call"
                    self.harvest.remark(each, what)
                continue
            rotations = frozenset(one.text("id") for one in each.many("rotations"))
            since, until = self._wall(each.at("startDate"), start, zone), self._wall(each.at("endDate"), end, zone)
            override = Override(since, until, person[0])
            found.append((override, rotations, f"override {each.at('alias').word}".strip()))
        self.harvest.read["overrides"] += len(inside) + len(apart)
        if over:
            self.harvest.remark(node, f"{'1 override is' if over == 1 else f'{over} overrides are'} over and left out")
        return sorted(found, key=lambda one: one[0].start)


_Cover = tuple[Override, frozenset[str], str]
"""An override, the rotations it is for (none: all of them), and its name."""


def _called(name: str, layers: Sequence[str]) -> list[str]:
    """Names of the rotas of one schedule: its own, and where there are several each with its first rotation's."""
    if len(layers) == 1:
        return [name]
    called = names((str(at), f"{name}-{slug(layer)}") for at, layer in enumerate(layers, start=1))
    return list(called.values())


def _weekly(node: Node) -> list[Only | None]:
    days = []
    for edge in ("startDay", "endDay"):
        day = node.text(edge).lower()
        if day not in _DAYS:
            node.at(edge).complain("monday to sunday")
            return []
        days.append(_DAYS.index(day))
    since, until = _time(node, "start"), _time(node, "end")
    if since is None or until is None:
        return []
    reach = (days[1] - days[0]) % 7 * _wall.DAY + _span(until) - _span(since)
    return [_wall.only(days[0], since, reach if reach > timedelta() else reach + _wall.WEEK)]


def _time(node: Node, edge: str) -> time | None:
    hour, minute = node.number(f"{edge}Hour"), node.number(f"{edge}Min", otherwise=0)
    if hour == 24 and not minute:  # noqa: PLR2004 - midnight, at the day's other end
        hour = 0
    if hour not in range(24) or minute not in range(60):
        node.at(f"{edge}Hour").complain("a time of day", what=f"{hour}:{minute:02} is none")
        return None
    return time(hour, minute)


def _until(since: time, until: time) -> timedelta:
    between = _span(until) - _span(since)
    return between if between > timedelta() else between + _wall.DAY


def _span(at: time) -> timedelta:
    return timedelta(hours=at.hour, minutes=at.minute)
