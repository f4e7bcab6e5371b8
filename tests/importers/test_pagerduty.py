"""PagerDuty's schedules, escalation policies and users as files of ours, held against PagerDuty's documented semantics.

The export is made to the format of PagerDuty's "REST API v2" reference. What is true before the import is computed here
from the export alone, the way the reference describes schedules: turns counted from `rotation_virtual_start`, hand-offs
and restrictions by the wall clock of `time_zone`, the first layer of the list before the others, overrides before all.
"""

from __future__ import annotations

from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
import yaml

from bot.importers import _compare, _yaml, pagerduty
from bot.rota.escalation import Level
from bot.rota.rota import Turn, Unit
from tests.importers import kit
from tests.importers.kit import AUTUMN, NINETY, WINTER, Seen

KEYS = {"PANA001": "ana", "PBEN001": "ben-okafor", "PCLEO01": "cleo", "PDAN001": "dan"}
ROTAS = {
    "PSFIRST": "ml-platform-first-line",
    "PSSUN00": "follow-the-sun",
    "PSSECND": "ml-platform-second-line",
}


@pytest.fixture
def data():
    return kit.export("pagerduty")


def schedule(data, key):
    return next(each["schedule"] for each in data["schedules"] if each["schedule"]["id"] == key)


def who(user):
    return KEYS[user["id"]]


def reference(data, key, now):
    """Who is on call by PagerDuty's documented rules, from `now` for ninety days."""
    held = schedule(data, key)
    zone, end = ZoneInfo(held["time_zone"]), now + NINETY
    found = []
    for layer in reversed(held["schedule_layers"]):
        found = kit.over(layer_entries(layer, zone, now, end), found)
    overrides = held.get("overrides", []) + data["overrides"].get(key, {}).get("overrides", [])
    covers = [Seen(who(one["user"]), instant(one["start"]), instant(one["end"])) for one in overrides]
    return kit.over(covers, found)


def layer_entries(layer, zone, now, end):
    begin, stop = instant(layer["start"]), instant(layer["end"]) if layer["end"] else end
    wall = datetime.fromisoformat(layer["rotation_virtual_start"]).astimezone(zone).replace(tzinfo=None)
    step = timedelta(seconds=layer["rotation_turn_length_seconds"])
    users = [who(each["user"]) for each in layer["users"]]
    if len(users) == 1:
        step = timedelta(days=1)
    entries, turn = [], 0
    while (since := wall.replace(tzinfo=zone).astimezone(UTC)) < end:
        wall += step
        until = wall.replace(tzinfo=zone).astimezone(UTC)
        if until > now - timedelta(days=1) and max(since, begin) < min(until, stop):
            entries.append(Seen(users[turn % len(users)], max(since, begin), min(until, stop)))
        turn += 1
    if not layer["restrictions"]:
        return entries

    def spans(weekday):
        for each in layer["restrictions"]:
            if each["type"] == "daily_restriction" or each["start_day_of_week"] == weekday + 1:
                yield time.fromisoformat(each["start_time_of_day"]), timedelta(seconds=each["duration_seconds"])

    return kit.cut(entries, kit.day_by_day(now, end, zone, spans))


def instant(text):
    return datetime.fromisoformat(text).astimezone(UTC)


@pytest.mark.parametrize("now", [WINTER, AUTUMN], ids=["forward", "back"])
@pytest.mark.parametrize("key", ROTAS)
def test_who_is_on_call_is_the_same_before_and_after(data, tmp_path, key, now):
    """For the next ninety days, over the nights on which the clocks change, every instant has the same person."""
    rotas = kit.written(kit.converted(pagerduty, data, tmp_path, now), tmp_path)
    kit.same(reference(data, key, now), [rotas[ROTAS[key]]], now)


def test_it_agrees_with_what_pagerduty_rendered(data, tmp_path):
    """The entries of `final_schedule`, written down by hand for six weeks around a change of the clocks, hold too."""
    entries = schedule(data, "PSSECND")["final_schedule"]["rendered_schedule_entries"]
    theirs = [Seen(who(one["user"]), instant(one["start"]), instant(one["end"])) for one in entries]
    rotas = kit.written(kit.converted(pagerduty, data, tmp_path), tmp_path)
    start, end = theirs[0].start, theirs[-1].end
    ours = kit.shifts(rotas["ml-platform-second-line"], start, end)
    assert [(each.person, each.start, each.end) for each in ours] == theirs


def test_the_import_compares_itself_with_what_was_rendered(data, tmp_path):
    """Where the export carries rendered entries the report says that all is the same, or from when to when it is not."""
    (same,) = _compare.compare(kit.converted(pagerduty, data, tmp_path), WINTER)
    assert (same.rotas, same.differences) == (("ml-platform-second-line",), ())
    entries = schedule(data, "PSSECND")["final_schedule"]["rendered_schedule_entries"]
    entries[1]["user"]["id"] = "PBEN001"
    del entries[3]
    (other,) = _compare.compare(kit.converted(pagerduty, data, tmp_path), WINTER)
    assert [(each.start.isoformat(), each.theirs, each.ours) for each in other.differences] == [
        ("2026-03-28T22:00:00+00:00", ("ben-okafor",), ("cleo",)),
        ("2026-03-30T08:00:00+00:00", (), ("dan",)),
    ]
    assert other.differences[0].end == datetime(2026, 3, 29, 6, tzinfo=UTC)


def test_turns_are_named_as_people_name_them(data, tmp_path):
    """Whole days and weeks become days and weeks at the hand-off's local time, other whole hours stay hours."""
    harvest = kit.converted(pagerduty, data, tmp_path)
    layers = {layer.name: layer for found in harvest.rotas for layer in found.rota.layers}
    assert layers["Weekends"].every == Turn(1, Unit.WEEKS)
    assert layers["Office hours"].every == Turn(1, Unit.DAYS)
    assert layers["Always"].every == Turn(12, Unit.HOURS)
    assert layers["Always"].start == datetime(2025, 10, 1, 8, 0)
    assert layers["Asia"].every == Turn(3, Unit.WEEKS)
    assert layers["Europe"].every == Turn(3, Unit.DAYS)
    assert layers["America"].turns == (("ben-okafor",),)


def test_the_file_is_one_a_person_could_have_written(data, tmp_path):
    """Title, zone, layers from the lowest to the highest, restrictions by weekdays, and where each part came from."""
    harvest = kit.converted(pagerduty, data, tmp_path)
    found = next(each for each in harvest.rotas if each.rota.name == "ml-platform-first-line")
    assert _yaml.rota(found) == (
        "# From PagerDuty schedule PSFIRST.\n"
        'title: "ML platform: first line"\n'
        "zone: Europe/Berlin\n"
        "layers:\n"
        "  - name: Always    # layer PLREST0\n"
        "    from: 2025-10-01 08:00\n"
        "    turn: {hours: 12}\n"
        "    people: [ana, dan, ben-okafor]\n"
        "  - name: Office hours    # layer PLDAYS0\n"
        "    from: 2025-12-01 09:00\n"
        "    turn: daily\n"
        "    people: [ana, ben-okafor, cleo]\n"
        "    only:\n"
        '      - {days: mon-thu, from: "09:00", to: "17:00"}\n'
        '      - {days: fri, from: "09:00", to: "16:30"}\n'
        "  - name: Weekends    # layer PLWEEKE\n"
        "    from: 2026-01-02 17:00\n"
        "    turn: weekly\n"
        "    people: [cleo, dan]\n"
        "    only:\n"
        "      - {from: fri 17:00, to: mon 09:00}\n"
        "overrides:\n"
        "  - {from: 2026-04-03 09:00, to: 2026-04-07 09:00, person: ben-okafor}    # override PO00002\n"
        "  - {from: 2026-10-24 20:00, to: 2026-10-25 09:30, person: ana}    # override PO00003\n"
    )


def test_people_keep_how_they_want_to_be_reached(data, tmp_path):
    """Numbers in E.164, ways in the order of the rules for what is urgent; a number in doubt is left out and named."""
    harvest = kit.converted(pagerduty, data, tmp_path)
    ana, ben, cleo, dan = harvest.people
    assert (ana.phone, ana.reach, ana.zone) == ("+491511234567", ("sms", "voice"), "Europe/Berlin")
    assert (ben.phone, ben.reach, ben.email) == ("+12125550147", ("email",), "Ben.Okafor@example.com")
    assert (cleo.phone, cleo.reach) == ("", ())
    said = kit.remarks(harvest)
    assert "is left out" in said["users[0].users[1].contact_methods[1]"]
    assert "app is left behind" in said["users[0].users[0].notification_rules[2]"]
    assert "delays are not kept" in said["users[0].users[0].notification_rules[0]"]
    assert "low urgency" in said["users[0].users[0].notification_rules[3]"]
    assert "further mail address" in said["users[0].users[0].contact_methods[1]"]
    read = yaml.safe_load(_yaml.people(harvest.people))
    assert read["dan"]["name"] == "Dan O'Neill: on call"
    assert read["ana"]["phone"] == "+491511234567"
    assert list(read) == ["ana", "ben-okafor", "cleo", "dan"]
    assert dan.is_new


def test_escalation_policies_become_levels(data, tmp_path):
    """Targets of a rule are paged together, its delay is the time to the next, and every round counts."""
    harvest = kit.converted(pagerduty, data, tmp_path)
    first, sun = harvest.escalations
    assert first.levels == (
        Level(("rota:ml-platform-first-line",), timedelta(minutes=5)),
        Level(("rota:ml-platform-second-line", "ana"), timedelta(minutes=15)),
        Level(("ben-okafor", "cleo"), timedelta(hours=1)),
    )
    assert (first.name, first.rounds, sun.rounds) == ("ml-platform", 3, 1)
    assert yaml.safe_load(_yaml.escalation(first)) == {
        "levels": [
            {"page": ["rota:ml-platform-first-line"], "within": "5m"},
            {"page": ["rota:ml-platform-second-line", "ana"], "within": "15m"},
            {"page": ["ben-okafor", "cleo"], "within": "1h"},
        ],
        "rounds": 3,
    }
    said = kit.remarks(harvest)
    policy = "escalation_policies.escalation_policies[0]"
    assert "round robin" in said[f"{policy}.escalation_rules[1]"]
    assert "escalation: ml-platform" in said[f"{policy}.services[0]"]
    assert policy in said


def test_what_cannot_be_kept_is_left_out_and_named(data, tmp_path):
    """Turns of no whole hours, lengths of no whole minutes, layers that are over, pages that are missing."""
    layers = schedule(data, "PSSUN00")["schedule_layers"]
    layers[2]["users"].append({"user": {"id": "PANA001"}})
    layers[0]["restrictions"][0]["duration_seconds"] = 28_815
    layers[1]["restrictions"][0]["start_time_of_day"] = "03:00:20"
    layers[1]["users"] = []
    data["escalation_policies"]["more"] = True
    data["escalation_policies"]["escalation_policies"][1]["escalation_rules"][0]["targets"] = []
    harvest = kit.converted(pagerduty, data, tmp_path)
    said = kit.remarks(harvest)
    place = "schedules[1].schedule.schedule_layers"
    assert "5400 s are no whole hours" in said[f"{place}[2].rotation_turn_length_seconds"]
    assert "480 min are kept" in said[f"{place}[0].restrictions[0].duration_seconds"]
    assert "kept as 03:00" in said[f"{place}[1].restrictions[0].start_time_of_day"]
    assert "has no users" in said[f"{place}[1]"]
    assert "ended on 2025-12-10" in said["schedules[0].schedule.schedule_layers[2]"]
    assert "1 override is over" in said["schedules[0].schedule"]
    assert "fetch every page" in said["escalation_policies"]
    assert "no rule that pages anybody" in said["escalation_policies.escalation_policies[1]"]
    sun = next(each.rota for each in harvest.rotas if each.rota.name == "follow-the-sun")
    assert [layer.name for layer in sun.layers] == ["Asia"]


def test_a_layer_that_begins_ahead_in_mid_turn_begins_with_what_is_left_of_it(data, tmp_path):
    """Whoever has the turn on the day gets the rest of it, and the next hand-off is where it would have been."""
    harvest = kit.converted(pagerduty, data, tmp_path)
    rota = next(each.rota for each in harvest.rotas if each.rota.name == "ml-platform-second-line")
    _base, first, rest = rota.layers
    assert (first.start, first.end, first.turns) == (
        datetime(2026, 4, 15, 13, 0), datetime(2026, 4, 20, 9, 0), (("cleo",),)
    )  # fmt: skip
    assert (rest.start, rest.turns) == (datetime(2026, 4, 20, 9, 0), (("ben-okafor",), ("dan",), ("cleo",)))


BROKEN = {
    "an unknown user": (
        ("schedules", 0, "schedule", "schedule_layers", 1, "users", 1, "user", "id"), "PGONE00",
        "schedules[0].schedule.schedule_layers[1].users[1].user: user PGONE00 is not among them",
    ),
    "no length": (
        ("schedules", 0, "schedule", "schedule_layers", 0, "rotation_turn_length_seconds"), None,
        "schedules[0].schedule.schedule_layers[0].rotation_turn_length_seconds: rotation_turn_length_seconds is missing",
    ),
    "a negative length": (
        ("schedules", 0, "schedule", "schedule_layers", 0, "rotation_turn_length_seconds"), -5,
        "is the number -5",
    ),
    "no turn at all": (
        ("schedules", 0, "schedule", "schedule_layers", 0, "rotation_turn_length_seconds"), 0,
        "is the number 0",
    ),
    "a time without an offset": (
        ("schedules", 0, "schedule", "schedule_layers", 0, "start"), "2026-01-02T17:00:00",
        "schedules[0].schedule.schedule_layers[0].start: start is the text '2026-01-02T17:00:00'",
    ),
    "no zone": (
        ("schedules", 2, "schedule", "time_zone"), "Europe/Atlantis",
        "schedules[2].schedule.time_zone: there is no time zone 'Europe/Atlantis'",
    ),
    "a day that is none": (
        ("schedules", 0, "schedule", "schedule_layers", 0, "restrictions", 0, "start_day_of_week"), 8,
        "start_day_of_week is the number 8",
    ),
    "a restriction of another kind": (
        ("schedules", 0, "schedule", "schedule_layers", 0, "restrictions", 0, "type"), "lunar_restriction",
        "type is the text 'lunar_restriction'",
    ),
    "an override that ends before it starts": (
        ("overrides", "PSFIRST", "overrides", 1, "end"), "2026-10-24T19:00:00+02:00",
        "overrides.PSFIRST.overrides[1]: the override ends before it starts",
    ),
    "an unknown schedule": (
        ("escalation_policies", "escalation_policies", 0, "escalation_rules", 0, "targets", 0, "id"), "PSGONE0",
        "escalation_policies.escalation_policies[0].escalation_rules[0].targets[0]: schedule PSGONE0 is not among them",
    ),
    "two people of one address": (
        ("users", 1, "users", 0, "email"), "ANA@example.com",
        "users[1].users[0]: ANA@example.com is the mail address of PANA001 too",
    ),
    "users that are no list": (
        ("users",), "ana", "users: users is the text 'ana'",
    ),
}  # fmt: skip


@pytest.mark.parametrize(("path", "value", "told"), BROKEN.values(), ids=BROKEN)
def test_a_broken_export_names_the_place(data, tmp_path, path, value, told):
    """Each mistake is told with its line and its place in the export."""
    kit.put(data, path, value)
    problems = kit.refused(pagerduty, data, tmp_path)
    assert any(told in each for each in problems), problems


def test_a_complaint_has_the_line_of_the_value(data, tmp_path):
    """An editor jumps to it."""
    schedule(data, "PSSUN00")["time_zone"] = "Mars/Base"
    (problem,) = kit.refused(pagerduty, data, tmp_path)
    line, column = (int(part) for part in problem.split(":")[:2])
    assert (tmp_path / "export.json").read_text().splitlines()[line - 1][column - 1 :].startswith('"Mars/Base"')


def test_schedules_listed_without_their_layers_are_not_taken_for_empty(data, tmp_path):
    """GET /schedules alone says nothing of layers: that is told, with what to ask for."""
    del schedule(data, "PSFIRST")["schedule_layers"]
    (problem,) = kit.refused(pagerduty, data, tmp_path)
    assert "schedule_layers is missing" in problem
    assert "ask for each schedule by its id" in problem


def test_a_schedule_that_nobody_is_left_on_is_left_out(data, tmp_path):
    """A rota without layers is none; whoever pages the schedule pages the others of the level, and it is said."""
    schedule(data, "PSSECND")["schedule_layers"] = []
    schedule(data, "PSSUN00")["schedule_layers"] = []
    harvest = kit.converted(pagerduty, data, tmp_path)
    assert list(kit.written(harvest, tmp_path)) == ["ml-platform-first-line"]
    (found,) = harvest.escalations
    assert found.levels[1].page == ("ana",)
    said, place = kit.remarks(harvest), "escalation_policies.escalation_policies"
    assert "left out" in said["schedules[2].schedule"]
    assert "nobody is paged" in said[f"{place}[0].escalation_rules[1].targets[0]"]
    assert "no rule that pages anybody" in said[f"{place}[1]"]


def test_overrides_are_taken_from_the_schedule_where_they_were_not_fetched(data, tmp_path):
    """`overrides_subschedule` shows those of the stretch asked for; a list of them, even an empty one, goes before it."""
    held = schedule(data, "PSSECND")
    entry = {"start": "2026-05-01T09:00:00+01:00", "end": "2026-05-02T09:00:00+01:00", "user": {"id": "PBEN001"}}
    held["overrides_subschedule"] = {"name": "Overrides", "rendered_schedule_entries": [entry]}
    assert [one.person for one in overrides_of(data, tmp_path)] == ["cleo"]
    held["overrides"] = []
    assert overrides_of(data, tmp_path) == ()
    del held["overrides"]
    (one,) = overrides_of(data, tmp_path)
    assert (one.person, one.start, one.end) == ("ben-okafor", datetime(2026, 5, 1, 9), datetime(2026, 5, 2, 9))
    said = kit.remarks(kit.converted(pagerduty, data, tmp_path))
    assert "outside of" in said["schedules[2].schedule.overrides_subschedule.rendered_schedule_entries"]


def overrides_of(data, folder):
    found = kit.converted(pagerduty, data, folder).rotas
    return next(each.rota.overrides for each in found if each.rota.name == "ml-platform-second-line")


def test_what_becomes_of_seconds_is_said_where_clocks_change(data, tmp_path):
    """For rotations of several people in zones that move their clocks, and for no others."""
    schedule(data, "PSSUN00")["time_zone"] = "Asia/Kolkata"
    places = {
        place for place, what in kit.remarks(kit.converted(pagerduty, data, tmp_path)).items() if "wall clock" in what
    }
    layers = "schedule.schedule_layers"
    assert places == {
        *(f"schedules[0].{layers}[{at}].rotation_turn_length_seconds" for at in (0, 1, 3)),
        *(f"schedules[2].{layers}[{at}].rotation_turn_length_seconds" for at in (0, 1)),
    }
