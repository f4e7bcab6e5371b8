"""Opsgenie's schedules, escalations and users as files of ours, held against Opsgenie's documented semantics.

The export is made to the format of Opsgenie's API reference (Schedule, Schedule Rotation, Schedule Override, Escalation,
User, Contact and Notification Rule API). What is true before the import is computed here from the export alone: every
rotation that applies is on call, side by side with the others, and an override takes the rotations it names, or all.
"""

from __future__ import annotations

from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest

from bot.importers import opsgenie
from bot.rota.escalation import Level
from bot.rota.rota import Turn, Unit
from tests.importers import kit
from tests.importers.kit import AUTUMN, NINETY, WINTER, Seen

KEYS = {"u-ana": "ana", "u-ben": "ben", "u-cleo": "cleo", "u-dan": "dan", "dan@example.com": "dan"}
DAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
STEPS = {"hourly": timedelta(hours=1), "daily": timedelta(days=1), "weekly": timedelta(weeks=1)}
INFERENCE = ["inference-schedule-primary", "inference-schedule-office-shadow", "inference-schedule-weekend-second"]


@pytest.fixture
def data():
    return kit.export("opsgenie")


def schedule(data, key):
    return next(each for each in data["schedules"][0]["data"] if each["id"] == key)


def instant(text):
    return datetime.fromisoformat(text).astimezone(UTC)


def reference(data, key, now):
    """Who is on call by Opsgenie's documented rules, from `now` for ninety days."""
    held = schedule(data, key)
    found = []
    for rotation in held["rotations"]:
        entries = rotation_entries(rotation, ZoneInfo(held["timezone"]), now, now + NINETY)
        for one in data["overrides"][key]["data"]:
            theirs = [each["id"] for each in one.get("rotations") or held["rotations"]]
            if rotation["id"] in theirs:
                cover = Seen(KEYS[one["user"]["id"]], instant(one["startDate"]), instant(one["endDate"]))
                entries = kit.over([cover], entries)
        found += entries
    return found


def rotation_entries(rotation, zone, now, end):
    wall = instant(rotation["startDate"]).astimezone(zone).replace(tzinfo=None)
    stop = min(end, instant(rotation["endDate"])) if "endDate" in rotation else end
    entries, turn = [], 0
    while (since := wall.replace(tzinfo=zone).astimezone(UTC)) < stop:
        wall += STEPS[rotation["type"]] * rotation["length"]
        until = min(stop, wall.replace(tzinfo=zone).astimezone(UTC))
        someone = rotation["participants"][turn % len(rotation["participants"])]
        if someone["type"] != "none":
            entries.append(Seen(KEYS[someone.get("id") or someone["username"]], since, until))
        turn += 1
    if "timeRestriction" not in rotation:
        return entries
    held = rotation["timeRestriction"]

    def spans(weekday):
        for each in [held["restriction"]] if held["type"] == "time-of-day" else held["restrictions"]:
            if each.get("startDay", DAYS[weekday]) != DAYS[weekday]:
                continue
            days = (DAYS.index(each["endDay"]) - weekday) % 7 if "endDay" in each else 0
            lasting = timedelta(
                days=days, hours=each["endHour"] - each["startHour"], minutes=each["endMin"] - each["startMin"]
            )
            yield (
                time(each["startHour"], each["startMin"]),
                lasting if lasting > timedelta() else lasting + timedelta(days=1),
            )

    return kit.cut(entries, kit.day_by_day(now, end, zone, spans))


@pytest.mark.parametrize("now", [WINTER, AUTUMN], ids=["forward", "back"])
@pytest.mark.parametrize(("key", "names"), [("s-inference", INFERENCE), ("s-sun", ["follow-the-sun"])])
def test_who_is_on_call_is_the_same_before_and_after(data, tmp_path, key, names, now):
    """For the next ninety days, over the nights on which the clocks change, every instant has the same people."""
    rotas = kit.written(kit.converted(opsgenie, data, tmp_path, now), tmp_path)
    assert len(rotas) == 4
    kit.same(reference(data, key, now), [rotas[name] for name in names], now)


def test_rotations_that_never_meet_share_a_rota_and_others_do_not(data, tmp_path):
    """Three thirds of a day are layers of one rota; what is on call side by side has rotas of its own, and it is said."""
    harvest = kit.converted(opsgenie, data, tmp_path)
    layers = {found.rota.name: [layer.name for layer in found.rota.layers] for found in harvest.rotas}
    assert layers == {
        "inference-schedule-primary": ["Primary"],
        "inference-schedule-office-shadow": ["Office shadow"],
        "inference-schedule-weekend-second": ["Weekend second"],
        "follow-the-sun": ["East", "Middle", "Middle (2)", "West"],
    }
    said = kit.remarks(harvest)
    assert "become rotas of their own" in said["schedules[0].data[0].rotations"]
    assert "is over" in said["schedules[0].data[0].rotations[3]"]
    assert "switched off" in said["schedules[0].data[2]"]
    assert "1 override is over" in said["schedules[0].data[0]"]


def test_lengths_and_empty_turns(data, tmp_path):
    """Hours stay hours, and a turn of `none` is a turn that nobody has."""
    layers = {
        layer.name: layer for found in kit.converted(opsgenie, data, tmp_path).rotas for layer in found.rota.layers
    }
    assert layers["West"].every == Turn(36, Unit.HOURS)
    assert layers["East"].every == Turn(2, Unit.DAYS)
    assert layers["Weekend second"].every == Turn(2, Unit.WEEKS)
    assert layers["Primary"].turns == (("ana",), ("ben",), (), ("cleo",))


def test_an_override_by_nobody_is_told(data, tmp_path):
    """Schedule Override API: `user` may be the reserved word none. We have no such gap, and the report says so."""
    data["overrides"]["s-inference"]["data"][0]["user"] = {"type": "none"}
    harvest = kit.converted(opsgenie, data, tmp_path)
    assert "stays on call" in kit.remarks(harvest)["overrides.s-inference.data[0]"]


def test_an_override_of_one_rotation_leaves_the_others(data, tmp_path):
    """It stands in the rota of that rotation alone; one of the whole schedule stands in each."""
    harvest = kit.converted(opsgenie, data, tmp_path)
    overrides = {found.rota.name: [one.person for one in found.rota.overrides] for found in harvest.rotas}
    assert overrides["inference-schedule-primary"] == ["dan"]
    assert overrides["inference-schedule-office-shadow"] == ["dan", "ana"]


def test_escalations_count_their_delays_from_the_one_before(data, tmp_path):
    """What has one delay is one level; repeats are rounds; a team and who is next on call are named as lost."""
    (found,) = kit.converted(opsgenie, data, tmp_path).escalations
    assert found.levels == (
        Level(tuple(f"rota:{name}" for name in INFERENCE), timedelta(minutes=10)),
        Level(("rota:follow-the-sun", "ana"), timedelta(minutes=50)),
        Level(("ben",), timedelta(minutes=20)),
    )
    assert (found.name, found.rounds) == ("inference-escalation", 4)
    said = kit.remarks(kit.converted(opsgenie, data, tmp_path))
    assert "whoever is next" in said["escalations.data[0].rules[1]"]
    assert "acknowledging stops it" in said["escalations.data[0].rules[2]"]
    assert "the team 'Inference' is not paged" in said["escalations.data[0].rules[3].recipient"]
    assert "escalations.data[0].repeat" in said
    assert "no rule that pages anybody" in said["escalations.data[1]"]


def test_people_keep_how_they_want_to_be_reached(data, tmp_path):
    """By the steps for a new alert, or by their contacts; the app and other occasions are named as lost."""
    harvest = kit.converted(opsgenie, data, tmp_path)
    ana, ben, cleo, dan = harvest.people
    assert (ana.phone, ana.reach) == ("+491511234567", ("sms", "voice"))
    assert (ben.phone, ben.reach) == ("+12125550147", ("voice", "email"))
    assert (cleo.phone, cleo.reach, cleo.zone) == ("", (), "Asia/Tokyo")
    assert (dan.name, dan.zone) == ("Dan", "")
    said = kit.remarks(harvest)
    assert "app is left behind" in said["notification_rules.u-ana.data[0].steps[1]"]
    assert "schedule-start" in said["notification_rules.u-ana.data[1]"]
    assert "not repeated" in said["notification_rules.u-ana.data[0].repeat"]
    assert "blocked" in said["users.data[3]"]


def test_a_participant_who_is_a_team_leaves_the_turn_empty(data, tmp_path):
    """Its place in the rotation stays, so that the others' turns are where they were."""
    schedule(data, "s-sun")["rotations"][0]["participants"][1] = {"type": "team", "id": "t-1", "name": "Inference"}
    harvest = kit.converted(opsgenie, data, tmp_path)
    sun = next(found.rota for found in harvest.rotas if found.rota.name == "follow-the-sun")
    assert sun.layers[0].turns == (("cleo",), ())
    assert "stays empty" in kit.remarks(harvest)["schedules[0].data[1].rotations[0].participants[1]"]


BROKEN = {
    "an unknown user": (
        ("schedules", 0, "data", 0, "rotations", 0, "participants", 0), {"type": "user", "id": "u-gone"},
        "schedules[0].data[0].rotations[0].participants[0]: user u-gone is not among them",
    ),
    "a length of nothing": (
        ("schedules", 0, "data", 0, "rotations", 0, "length"), 0, "rotations[0].length: length is the number 0",
    ),
    "a type that is none": (
        ("schedules", 0, "data", 0, "rotations", 0, "type"), "monthly", "type is the text 'monthly'",
    ),
    "a day that is none": (
        ("schedules", 0, "data", 0, "rotations", 1, "timeRestriction", "restrictions", 0, "startDay"), "lundi",
        "startDay is the text 'lundi'",
    ),
    "an hour that is none": (
        ("schedules", 0, "data", 1, "rotations", 0, "timeRestriction", "restriction", "endHour"), 25, "25:00 is none",
    ),
    "no zone": (("schedules", 0, "data", 0, "timezone"), "", "timezone is empty"),
    "a date that is none": (
        ("schedules", 0, "data", 0, "rotations", 0, "startDate"), "3 November", "startDate is the text '3 November'",
    ),
    "schedules without rotations": (
        ("schedules", 0, "data", 0, "rotations"), None, "rotations is missing (expected its rotations",
    ),
    "an unknown schedule": (
        ("escalations", "data", 0, "rules", 0, "recipient"), {"type": "schedule", "id": "s-gone"},
        "escalations.data[0].rules[0].recipient: schedule s-gone is not among them",
    ),
    "a unit that is none": (
        ("escalations", "data", 0, "rules", 0, "delay", "timeUnit"), "fortnights", "timeUnit is the text 'fortnights'",
    ),
    "an override that ends before it starts": (
        ("overrides", "s-inference", "data", 0, "endDate"), "2026-03-28T11:00:00Z",
        "overrides.s-inference.data[0]: the override ends before it starts",
    ),
}  # fmt: skip


@pytest.mark.parametrize(("path", "value", "told"), BROKEN.values(), ids=BROKEN)
def test_a_broken_export_names_the_place(data, tmp_path, path, value, told):
    """Each mistake is told with its place in the export."""
    kit.put(data, path, value)
    problems = kit.refused(opsgenie, data, tmp_path)
    assert any(told in each for each in problems), problems
