"""Turns what PagerDuty's REST API v2 answers into our rotas, escalations and people.

The file is one JSON object that holds the API's answers under their own names, for instance:

    {"users":               [GET /users?include[]=contact_methods&include[]=notification_rules, every page],
     "schedules":           [GET /schedules/{id}?since=…&until=…, one for each schedule],
     "overrides":           {"{id}": GET /schedules/{id}/overrides?since=…&until=…}, or those the schedules show,
     "escalation_policies": [GET /escalation_policies, every page]}

Written with curl and jq, `jq -s .` makes the lists. A schedule asked for with `since` and `until` carries
`final_schedule.rendered_schedule_entries`: what PagerDuty shows; the import compares it with what it wrote. The fields
are those of PagerDuty's "REST API v2" reference: Schedules, Escalation Policies, Users.

A layer's turns are counted from `rotation_virtual_start` in steps of `rotation_turn_length_seconds`; the hand-offs stay
at the same time of the wall clock in the schedule's `time_zone` when the clocks change. So whole days and weeks become
days and weeks, other whole hours stay hours, all of them by the wall clock. The API lists the layer that goes first
first, we list it last.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, time, timedelta
from zoneinfo import ZoneInfo

from bot.importers import _wall
from bot.importers._export import Export, Node, pages
from bot.importers._found import Escalation, Found, Harvest, Known, Seen, names, waiting
from bot.importers._pagerduty_people import read_users
from bot.importers._people import People
from bot.rota.escalation import Level
from bot.rota.rota import Layer, Only, Override, Rota, Turn

TITLE = "PagerDuty"
DAILY, WEEKLY = "daily_restriction", "weekly_restriction"
ROUND_ROBIN = "round_robin"
SECONDS = (
    "turns counted in seconds become turns of the wall clock: hand-offs stay at their local time when clocks change"
)
_EVERY_DAY = range(7)


def convert(export: Export, known: Sequence[Known], now: datetime) -> Harvest:
    """Everything in the export in our terms, as of `now`. Raises Invalid naming each place that cannot be read."""
    reader = _Reader(export, known, now)
    export.finish()
    return reader.harvest


class _Reader:
    def __init__(self, export: Export, known: Sequence[Known], now: datetime) -> None:
        self.now, self.harvest = now, Harvest(TITLE)
        root = export.root
        users = self._listed(root, "users", "user")
        schedules = self._listed(root, "schedules", "schedule")
        policies = self._listed(root, "escalation_policies", "escalation_policy")
        if not (users or schedules or policies):
            root.complain("schedules, escalation_policies and users", what="holds nothing of PagerDuty's")
        self.people = People(read_users(users, self.harvest), known, self.harvest)
        self.rotas = names((each.text("id"), each.text("name")) for each in schedules)
        self.policies = names((each.text("id"), each.text("name")) for each in policies)
        self.empty: set[str] = set()  # schedules that nobody is left on
        for each in schedules:
            self._schedule(each, root)
        for each in policies:
            self._policy(each)

    def _listed(self, root: Node, name: str, one: str) -> list[Node]:
        things, more = pages(root, name, name, one=one)
        self.harvest.read[name.replace("_", " ")] = len(things)
        if more:
            self.harvest.remark(more, f"PagerDuty has more {name.replace('_', ' ')} than this file: fetch every page")
        return things

    # schedules

    def _schedule(self, node: Node, root: Node) -> None:
        key, title = node.text("id"), node.text("name")
        zone = node.zone("time_zone")
        if zone is None:
            return
        if not node.at("schedule_layers"):
            node.at("schedule_layers").complain("the layers: ask for each schedule by its id")
        layers: list[Layer] = []
        sources: list[str] = []
        for each in reversed(node.many("schedule_layers")):
            for layer in self._layer(each, zone):
                layers.append(layer)
                sources.append(f"layer {each.at('id').word or each.at('name').word}")
        overrides, ids = self._overrides(node, root, key, zone)
        name = self.rotas[key]
        if not layers:
            self.empty.add(key)
            self.harvest.remark(node, "the schedule has no layer that can be kept; it is left out")
            return
        rota = Rota(name, zone.key, _wall.distinct(layers), tuple(overrides), title)
        self.harvest.rotas.append(Found(rota, f"{TITLE} schedule {key}", tuple(sources), tuple(ids)))
        entries = node.at("final_schedule").many("rendered_schedule_entries") if node.at("final_schedule") else []
        seen = [self._seen(each) for each in entries]
        if seen:
            self.harvest.seen[(name,)] = [each for each in seen if each is not None]

    def _layer(self, node: Node, zone: ZoneInfo) -> list[Layer]:
        title = node.text("name", required=False) or node.at("id").word
        start, virtual = node.required_moment("start"), node.moment("rotation_virtual_start") or node.moment("start")
        end = node.moment("end")
        seconds = node.number("rotation_turn_length_seconds")
        if not seconds and node.at("rotation_turn_length_seconds"):
            node.at("rotation_turn_length_seconds").complain("a length of more than 0 s")
        turns = tuple((self._user(each.at("user") or each),) for each in node.many("users"))
        only = self._restrictions(node, zone)
        if start is None or virtual is None or "" in [person for turn in turns for person in turn]:
            return []
        if end is not None and end <= max(start, self.now):
            self.harvest.remark(node, f"the layer {title!r} ended on {_wall.local(end, zone):%Y-%m-%d}; it is left out")
            return []
        if not turns:
            self.harvest.remark(node, f"the layer {title!r} has no users; it is left out")
            return []
        every = _wall.turn(timedelta(seconds=seconds))
        if len(set(turns)) == 1:
            turns, every = turns[:1], every or Turn()
        if every is None:
            what = (
                f"turns of {seconds} s are no whole hours: the layer {title!r} is left out, and nobody takes its turns"
            )
            self.harvest.remark(node.at("rotation_turn_length_seconds"), what)
            return []
        anchor = self._wall(node.at("rotation_virtual_start"), virtual, zone)
        if _wall.changes_clocks(zone, self.now) and len(turns) > 1:
            self.harvest.remark(node.at("rotation_turn_length_seconds"), SECONDS)
        until = None if end is None else self._wall(node.at("end"), end, zone)
        layer = Layer(title, turns, anchor, every, until, only or ())
        begin = _wall.local(start, zone) if start <= self.now else self._wall(node.at("start"), start, zone)
        return _wall.rotation(layer, begin, _wall.local(self.now, zone))

    def _wall(self, node: Node, moment: datetime, zone: ZoneInfo) -> datetime:
        return _wall.kept(node, moment, zone, self.harvest)

    def _restrictions(self, node: Node, zone: ZoneInfo) -> tuple[Only, ...] | None:
        given: list[Only | None] = []
        for each in node.many("restrictions"):
            kind, seconds = each.text("type"), each.number("duration_seconds")
            since = self._time(each)
            lasting = self._whole_minutes(each, seconds)
            if since is None or lasting is None:
                continue
            if kind == DAILY:
                whole_day = lasting >= _wall.DAY
                given += [None] if whole_day else [_wall.only(day, since, lasting) for day in _EVERY_DAY]
            elif kind == WEEKLY:
                day = each.number("start_day_of_week")
                if day not in range(1, 8):
                    each.at("start_day_of_week").complain("1 (Monday) to 7")
                    continue
                given.append(_wall.only(day - 1, since, lasting))
            else:
                each.at("type").complain(f"{DAILY} or {WEEKLY}")
        return _wall.whole(given)

    def _time(self, node: Node) -> time | None:
        text = node.text("start_time_of_day")
        try:
            found = time.fromisoformat(text).replace(tzinfo=None)
        except ValueError:
            if text:
                node.at("start_time_of_day").complain("a time of day such as 09:00:00")
            return None
        if found.second:
            self.harvest.remark(node.at("start_time_of_day"), f"{text} is kept as {found:%H:%M}")
        return found.replace(second=0, microsecond=0)

    def _whole_minutes(self, node: Node, seconds: int) -> timedelta | None:
        """How long a restriction lasts: whole minutes, which is what our files hold."""
        if not seconds:
            node.at("duration_seconds").complain("a length of more than 0 s")
            return None
        minutes = max(1, (seconds + 30) // 60)
        if minutes * 60 != seconds:
            what = (
                f"{seconds} s are no whole minutes: {minutes} min are kept, so {abs(seconds - minutes * 60)} s differ"
            )
            self.harvest.remark(node.at("duration_seconds"), what)
        return timedelta(minutes=minutes)

    def _overrides(self, node: Node, root: Node, key: str, zone: ZoneInfo) -> tuple[list[Override], list[str]]:
        found, _more = pages(node, "overrides", "overrides")
        apart, _more = pages(root.at("overrides"), key, "overrides") if root.at("overrides", key) else ([], None)
        if not node.at("overrides") and not root.at("overrides", key):
            found = self._shown_overrides(node)
        overrides: list[tuple[Override, str]] = []
        over = 0
        for each in (*found, *apart):
            person = self._user(each.at("user"))
            if (stretch := each.stretch("start", "end", "the override")) is None:
                continue
            start, end = stretch
            if end <= self.now:
                over += 1
                continue
            source = f"override {each.at('id').word}".strip()
            overrides.append(
                (
                    Override(self._wall(each.at("start"), start, zone), self._wall(each.at("end"), end, zone), person),
                    source,
                )
            )
        self.harvest.read["overrides"] += len(found) + len(apart)
        if over:
            some = "1 override is" if over == 1 else f"{over} overrides are"
            self.harvest.remark(node, f"{some} over and left out")
        overrides.sort(key=lambda one: one[0].start)
        return [one for one, _source in overrides], [source for _one, source in overrides]

    def _shown_overrides(self, node: Node) -> list[Node]:
        """Those of the stretch that the schedule was asked for, where the export has no list of them."""
        shown = node.at("overrides_subschedule", "rendered_schedule_entries")
        found = shown.many()
        if found:
            self.harvest.remark(
                shown, "overrides outside of `since` and `until` are not among these; fetch them by themselves"
            )
        return found

    def _seen(self, node: Node) -> Seen | None:
        start, end = node.required_moment("start"), node.required_moment("end")
        if start is None or end is None:
            return None
        return Seen(self.people.seen(node.text("user", "id")), start, end)

    def _user(self, node: Node) -> str:
        return self.people.key(node, node.text("id"))

    # escalation policies

    def _policy(self, node: Node) -> None:
        key, title = node.text("id"), node.text("name")
        levels = [level for each in node.many("escalation_rules") if (level := self._rule(each))]
        if not levels:
            self.harvest.remark(node, f"{title!r} has no rule that pages anybody; it is left out")
            return
        name = self.policies[key]
        rounds = 1 + node.number("num_loops", otherwise=0)
        source = f"{TITLE} escalation policy {key}"
        self.harvest.escalations.append(Escalation(name, tuple(levels), rounds, title=title, source=source))
        for each in node.many("services"):
            service = each.at("summary").word or each.at("name").word or each.at("id").word
            what = f"the service {service!r} is not imported: write `escalation: {name}` into its file in services/"
            self.harvest.remark(each, what)
        if node.at("on_call_handoff_notifications").word == "always":
            self.harvest.remark(node, "nobody is told of a hand-off by the escalation; rotas have calendars instead")

    def _rule(self, node: Node) -> Level | None:
        page: list[str] = []
        for each in node.many("targets"):
            kind, key = each.text("type").removesuffix("_reference"), each.text("id")
            if kind == "user":
                page.append(self._user(each))
            elif kind == "schedule" and key in self.empty:
                self.harvest.remark(each, "the schedule is left out, so nobody is paged for it")
            elif kind == "schedule" and key in self.rotas:
                page.append(f"rota:{self.rotas[key]}")
            elif kind == "schedule":
                each.complain("a schedule of the export", what=f"schedule {key} is not among them")
            else:
                self.harvest.remark(each, f"a target of type {kind!r} cannot be paged")
        strategy = node.at("escalation_rule_assignment_strategy", "type").word
        if strategy == ROUND_ROBIN and len(page) > 1:
            self.harvest.remark(node, "round robin: PagerDuty pages one of them in turn, here all are paged together")
        minutes = node.number("escalation_delay_in_minutes")
        return (
            Level(tuple(dict.fromkeys(page)), waiting(timedelta(minutes=minutes), node, self.harvest)) if page else None
        )
