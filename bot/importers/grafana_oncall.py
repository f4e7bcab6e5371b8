"""Turns what Grafana OnCall's HTTP API answers into our rotas, escalations and people.

The file is one JSON object that holds the API's answers under these names, lists of pages where there are several:

    {"users":               GET /api/v1/users/,
     "personal_notification_rules": GET /api/v1/personal_notification_rules/,
     "schedules":           GET /api/v1/schedules/,
     "on_call_shifts":      GET /api/v1/on_call_shifts/,
     "shift_swaps":         GET /api/v1/shift_swaps/,
     "final_shifts":        {"{schedule id}": GET /api/v1/schedules/{id}/final_shifts?start_date=…&end_date=…},
     "escalation_chains":   GET /api/v1/escalation_chains/,
     "escalation_policies": GET /api/v1/escalation_policies/}

`final_shifts` is what Grafana OnCall itself shows; the import compares it with what it wrote. The fields are those of
the "Grafana OnCall HTTP API reference": schedules, on-call shifts, shift swaps, escalation chains and policies, users,
personal notification rules.

Of shifts that overlap those of the highest `level` are on call, all of them side by side; of our layers one is. So
where shifts of one level overlap, the schedule becomes several rotas that differ in which of them goes first, and an
escalation that pages the schedule pages all of them.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from zoneinfo import ZoneInfo

from bot.importers import _wall
from bot.importers._apart import groups, overlap
from bot.importers._export import Export, Node, pages
from bot.importers._found import Elsewhere, Escalation, Found, Harvest, Known, Seen, fresh, names
from bot.importers._grafana_chains import chain
from bot.importers._grafana_people import read_users
from bot.importers._grafana_shifts import Groups, layers
from bot.importers._people import People
from bot.rota.rota import Layer, Override, Rota

TITLE = "Grafana OnCall"
ABOVE_ALL = 1_000_000
"""The level of an override."""
_KINDS = ("single_event", "recurrent_event", "rolling_users", "override")


def convert(export: Export, known: Sequence[Known], now: datetime) -> Harvest:
    """Everything in the export in our terms, as of `now`. Raises Invalid naming each place that cannot be read."""
    reader = _Reader(export, known, now)
    export.finish()
    return reader.harvest


class _Reader:
    def __init__(self, export: Export, known: Sequence[Known], now: datetime) -> None:
        self.now, self.harvest = now, Harvest(TITLE)
        self.root = root = export.root
        users, schedules, chains = (self._listed(name) for name in ("users", "schedules", "escalation_chains"))
        if not (users or schedules or chains):
            root.complain("schedules, escalation_chains and users", what="holds nothing of Grafana OnCall's")
        rules = self._listed("personal_notification_rules")
        self.people = People(read_users(users, rules, self.harvest), known, self.harvest)
        self.shifts = {each.text("id"): each for each in self._listed("on_call_shifts")}
        self.swaps = self._listed("shift_swaps")
        self.rotas: dict[str, tuple[str, ...]] = {}
        slugs = names((each.text("id"), each.text("name")) for each in schedules)
        self.taken = set(slugs.values())
        for each in schedules:
            self._schedule(each, slugs[each.text("id")])
        steps = self._listed("escalation_policies")
        named = names((each.text("id"), each.text("name")) for each in chains)
        for each in chains:
            key = each.text("id")
            theirs = [one for one in steps if one.at("escalation_chain_id").word == key]
            found: Escalation | None = chain(each, named[key], theirs, self.people, self.rotas, self.harvest)
            self.harvest.escalations += [found] if found else []

    def _listed(self, name: str) -> list[Node]:
        things, more = pages(self.root, name, "results")
        self.harvest.read[name.replace("_", " ")] = len(things)
        if more:
            self.harvest.remark(
                more, f"Grafana OnCall has more {name.replace('_', ' ')} than this file: get every page"
            )
        return things

    def _schedule(self, node: Node, name: str) -> None:
        key, title, kind = node.text("id"), node.text("name"), node.text("type")
        self.rotas[key] = (name,)
        source = f"{TITLE} schedule {key}"
        zone = node.zone("time_zone") if node.at("time_zone").value else ZoneInfo("UTC")
        if kind == "ical":
            env = f"{name.upper().replace('-', '_')}_CALENDAR"
            settings = {"url": {"env": env}}
            zone_name = zone.key if zone else "UTC"
            self.harvest.elsewhere.append(Elsewhere(name, title, zone_name, "ical", settings, source))
            what = f"whoever knows a calendar's address can read it: put it into the environment as {env}"
            self.harvest.remark(node.at("ical_url_primary"), what)
        elif kind in {"web", "calendar"}:
            if zone is not None:
                self._rotas(node, name, title, source, zone)
        else:
            node.at("type").complain("web, calendar or ical")
        if node.at("ical_url_overrides").value:
            what = "overrides from a calendar are not imported: the rota has those of the export alone"
            self.harvest.remark(node.at("ical_url_overrides"), what)

    def _rotas(self, node: Node, name: str, title: str, source: str, zone: ZoneInfo) -> None:
        key = node.text("id")
        found: list[tuple[int, Layer, str]] = []
        over = 0
        for shift in self._shifts_of(node, key):
            theirs = self._layers(shift, zone)
            gone = [
                each
                for each in theirs
                if each.end is not None and each.end <= _wall.local(self.now, ZoneInfo(each.zone or zone.key))
            ]
            over += bool(theirs) and len(gone) == len(theirs)
            level = ABOVE_ALL if shift.at("type").word == "override" else shift.number("level", otherwise=0)
            found += [(level, each, f"shift {shift.text('id')}") for each in theirs if each not in gone]
        if over:
            some = "1 shift is" if over == 1 else f"{over} shifts are"
            self.harvest.remark(node.at("shifts"), f"{some} over and left out")
        overrides, kept = self._overrides(found, zone)
        if not kept:
            self.rotas[key] = ()
            self.harvest.remark(node, "the schedule has no shift that can be kept; it is left out")
            return
        overrides += self._swapped(key, zone)
        numbers = _classes(kept, zone, self.now)
        count = max(numbers, default=0) + 1
        called = [name, *(fresh(f"{name}-{also}", self.taken, key) for also in range(2, count + 1))]
        for first, each in enumerate(called):
            order = sorted(range(len(kept)), key=lambda at: (kept[at][0], numbers[at] == first))
            distinct = _wall.distinct(kept[at][1] for at in order)
            rota = Rota(
                each,
                zone.key,
                distinct,
                tuple(one for one, _ in overrides),
                title + (f" ({first + 1})" if first else ""),
            )
            sources = tuple(kept[at][2] for at in order)
            self.harvest.rotas.append(Found(rota, source, sources, tuple(one for _, one in overrides)))
        self.rotas[key] = tuple(called)
        if len(called) > 1:
            what = f"shifts of one level that overlap need rotas of their own: {', '.join(called)}"
            self.harvest.remark(node.at("shifts"), what)
        self._final(key, tuple(called))

    def _shifts_of(self, node: Node, key: str) -> list[Node]:
        found = []
        for each in node.many("shifts"):
            if each.word in self.shifts:
                found.append(self.shifts[each.word])
            else:
                each.complain("a shift of the export", what=f"shift {each.value} is not among the on_call_shifts")
        more = [each for each in self.shifts.values() if each.at("schedule").word == key and each not in found]
        return found + more

    def _layers(self, node: Node, schedule: ZoneInfo) -> list[Layer]:
        kind, name = node.text("type"), node.text("name", required=False) or node.text("id")
        if kind not in _KINDS:
            node.at("type").complain(", ".join(_KINDS))
            return []
        zone = node.zone("time_zone") if node.at("time_zone").value else schedule
        turns = self._groups(node)
        if zone is None:
            return []
        if not any(turns):
            self.harvest.remark(node, f"the shift {name!r} has no users; it is left out")
            return []
        now = _wall.local(self.now, zone)
        made = layers(node, name, turns, zone, now, self.harvest)
        same = zone.key == schedule.key
        return [_in(each, "" if same else zone.key) for each in made]

    def _groups(self, node: Node) -> Groups:
        """Whose turns there are, from the one that the rotation starts with."""
        if node.at("rolling_users").value:
            turns = [self._users(each.many()) for each in node.many("rolling_users")]
            start = node.number("start_rotation_from_user_index", otherwise=0) % max(1, len(turns))
            return tuple(turns[start:] + turns[:start])
        return (self._users(node.many("users")),)

    def _users(self, given: Sequence[Node]) -> tuple[str, ...]:
        keys = (self.people.key(each, each.text()) for each in given)
        return tuple(dict.fromkeys(key for key in keys if key))

    def _overrides(
        self, found: list[tuple[int, Layer, str]], zone: ZoneInfo
    ) -> tuple[list[tuple[Override, str]], list[tuple[int, Layer, str]]]:
        """Overrides of one person that meet no other; what else is an override stays a layer above all others."""
        above = [one for one in found if one[0] == ABOVE_ALL]
        overrides, kept = [], [one for one in found if one[0] != ABOVE_ALL]
        for one in above:
            layer = one[1]
            meets = any(overlap(layer, other[1], zone.key, self.now) for other in above if other is not one)
            plain = not layer.zone and layer.end is not None and not layer.only
            if plain and not meets and len(layer.turns) == 1 and len(layer.turns[0]) == 1 and layer.end is not None:
                overrides.append((Override(layer.start, layer.end, layer.turns[0][0]), one[2]))
            else:
                kept.append(one)
        return overrides, kept

    def _swapped(self, key: str, zone: ZoneInfo) -> list[tuple[Override, str]]:
        swaps = []
        for each in self.swaps:
            if each.at("schedule").word != key:
                continue
            start, end = each.required_moment("swap_start"), each.required_moment("swap_end")
            if start is None or end is None or end <= self.now:
                continue
            if not each.at("benefactor").value:
                self.harvest.remark(each, "nobody has taken this shift swap yet; ask for a cover here")
                continue
            person = self.people.key(each.at("benefactor"), each.text("benefactor"))
            instead = self.people.key(each.at("beneficiary"), each.text("beneficiary"))
            since = _wall.kept(each.at("swap_start"), start, zone, self.harvest)
            until = _wall.kept(each.at("swap_end"), end, zone, self.harvest)
            override = Override(since, until, person, instead)
            swaps.append((override, f"shift swap {each.text('id')}"))
        return swaps

    def _final(self, key: str, called: tuple[str, ...]) -> None:
        beside = self.root.at("final_shifts")
        entries = pages(beside, key, "results")[0] if beside.at(key) else []
        seen = []
        for each in entries:
            start, end = each.required_moment("shift_start"), each.required_moment("shift_end")
            if start is not None and end is not None:
                person = self.people.seen(each.text("user_pk"), each.text("user_email", required=False))
                seen.append(Seen(person, start, end))
        if seen:
            self.harvest.seen[called] = seen


def _in(layer: Layer, zone: str) -> Layer:
    return Layer(layer.name, layer.turns, layer.start, layer.every, layer.end, layer.only, zone)


def _classes(found: Sequence[tuple[int, Layer, str]], zone: ZoneInfo, now: datetime) -> list[int]:
    """A number for each shift: those of one level and one number never meet."""
    numbers = [0] * len(found)
    for level in {one[0] for one in found}:
        places = [at for at, one in enumerate(found) if one[0] == level]
        for at, number in zip(places, groups([found[each][1] for each in places], zone.key, now), strict=True):
            numbers[at] = number
    return numbers
