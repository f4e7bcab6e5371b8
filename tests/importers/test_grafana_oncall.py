"""Grafana OnCall's schedules, escalation chains and users as files of ours, held against its documented semantics.

The export is made to the format of the "Grafana OnCall HTTP API reference". What is true before the import is computed
the way Grafana OnCall documents shifts: as recurring events of RFC 5545, here expanded by an iCalendar library; of what
overlaps the highest level is on call, all of it side by side, and overrides before everything.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
import recurring_ical_events
import yaml
from icalendar import Calendar

from bot.importers import _compare, _yaml, grafana_oncall
from bot.rota.escalation import Level
from tests.importers import kit
from tests.importers.kit import AUTUMN, NINETY, WINTER, Seen

KEYS = {"UANA": "ana", "UBEN": "ben", "UCLEO": "cleo", "UDAN": "dan"}
DAYS = ("MO", "TU", "WE", "TH", "FR", "SA", "SU")
ROTAS = {"SWEB": ["ml-platform", "ml-platform-2"], "SSUN": ["follow-the-sun"]}


@pytest.fixture
def data():
    return kit.export("grafana_oncall")


def shift(data, key):
    return next(each for page in data["on_call_shifts"] for each in page["results"] if each["id"] == key)


def schedule(data, key):
    return next(each for each in data["schedules"]["results"] if each["id"] == key)


def reference(data, key, now):
    """Who is on call by the documented rules, from `now` for ninety days."""
    held, end = schedule(data, key), now + NINETY
    by_level = {}
    for each in (shift(data, name) for name in held["shifts"]):
        level = 1000 if each["type"] == "override" else each["level"]
        zone = ZoneInfo(each["time_zone"] or held["time_zone"])
        by_level.setdefault(level, []).extend(entries(each, zone, now, end))
    found = []
    for level in sorted(by_level):
        found = kit.over(by_level[level], found)
    for swap in data["shift_swaps"]["results"]:
        if swap["schedule"] == key and swap["benefactor"]:
            span = datetime.fromisoformat(swap["swap_start"]), datetime.fromisoformat(swap["swap_end"])
            found = [
                part
                for one in found
                for part in swapped(one, span, KEYS[swap["beneficiary"]], KEYS[swap["benefactor"]])
            ]
    return found


def swapped(one, span, beneficiary, benefactor):
    if one.person != beneficiary:
        return [one]
    outside = [(datetime(2000, 1, 1, tzinfo=UTC), span[0]), (span[1], datetime(2100, 1, 1, tzinfo=UTC))]
    return kit.cut([one], outside) + [each._replace(person=benefactor) for each in kit.cut([one], [span])]


def entries(each, zone, now, end):
    """The shift's events: one recurring event for each group, as Grafana OnCall itself makes of it."""
    groups = each.get("rolling_users") or [each["users"]]
    start = each.get("start_rotation_from_user_index") or 0
    groups = groups[start:] + groups[:start]
    found = []
    for number, group in enumerate(groups):
        for since, until in expanded(each, zone, number, len(groups), now, end):
            found += [Seen(KEYS[user], since, until) for user in group]
    return found


def expanded(each, zone, number, count, now, end):
    begin = datetime.fromisoformat(each["start"])
    frequency, interval = each.get("frequency"), each.get("interval") or 1
    lasting = timedelta(seconds=each["duration"])
    if frequency is None:
        rule = ""
    elif frequency == "daily" and each.get("by_day"):  # the next group on each of the days, whatever week it is
        yield from listed_days(each, zone, number, count, now, end)
        return
    else:
        unit = {"hourly": timedelta(hours=1), "daily": timedelta(days=1), "weekly": timedelta(weeks=1)}[frequency]
        begin = begin + number * interval * unit
        rule = f"RRULE:FREQ={frequency.upper()};INTERVAL={interval * count}"
        if each.get("by_day"):
            week = timedelta(days=(begin.weekday() - DAYS.index(each["week_start"])) % 7)
            first = begin if number == 0 else begin - week
            while DAYS[first.weekday()] not in each["by_day"]:
                first += timedelta(days=1)
            begin = first
            rule += f";BYDAY={','.join(each['by_day'])};WKST={each['week_start']}"
        if each.get("until"):
            until = datetime.fromisoformat(each["until"]).replace(tzinfo=zone).astimezone(UTC)
            rule += f";UNTIL={until:%Y%m%dT%H%M%SZ}"
    feed = [
        "BEGIN:VCALENDAR", "VERSION:2.0", "PRODID:test", "BEGIN:VEVENT", f"UID:{each['id']}-{number}",
        f"DTSTART;TZID={zone.key}:{begin:%Y%m%dT%H%M%S}", f"DTEND;TZID={zone.key}:{begin + lasting:%Y%m%dT%H%M%S}",
        *([rule] if rule else []), "END:VEVENT", "END:VCALENDAR",
    ]  # fmt: skip
    calendar = Calendar.from_ical("\r\n".join(feed) + "\r\n")
    for event in recurring_ical_events.of(calendar).between(now - timedelta(days=8), end):
        since = event["DTSTART"].dt
        wall = since.replace(tzinfo=None) + lasting  # a shift's length is the wall clock's
        yield since.astimezone(UTC), wall.replace(tzinfo=since.tzinfo).astimezone(UTC)


def listed_days(each, zone, number, count, now, end):
    wall, at = datetime.fromisoformat(each["start"]), 0
    while wall.replace(tzinfo=zone) < end:
        if DAYS[wall.weekday()] in each["by_day"]:
            if at % count == number and wall.replace(tzinfo=zone) > now - timedelta(days=2):
                lasting = timedelta(seconds=each["duration"])
                yield wall.replace(tzinfo=zone).astimezone(UTC), (wall + lasting).replace(tzinfo=zone).astimezone(UTC)
            at += 1
        wall += timedelta(days=1)


@pytest.mark.parametrize("now", [WINTER, AUTUMN], ids=["forward", "back"])
@pytest.mark.parametrize("key", ROTAS)
def test_who_is_on_call_is_the_same_before_and_after(data, tmp_path, key, now):
    """For the next ninety days, over the nights on which the clocks change, every instant has the same people."""
    data["schedules"]["results"].pop()  # its calendar is not in the export
    rotas = kit.written(kit.converted(grafana_oncall, data, tmp_path, now), tmp_path)
    theirs = [rota for name, rota in rotas.items() if name in ROTAS[key]]
    assert theirs
    kit.same(reference(data, key, now), theirs, now)


def test_what_overlaps_within_a_level_needs_a_rota_more(data, tmp_path):
    """Only where it does: zones that follow one another share one, and each further rota puts the other shift on top."""
    harvest = kit.converted(grafana_oncall, data, tmp_path)
    layers = {found.rota.name: [layer.name for layer in found.rota.layers] for found in harvest.rotas}
    assert layers["ml-platform"][:2] == ["Weekend help", "Always"]
    assert layers["ml-platform-2"][:2] == ["Always", "Weekend help"]
    assert layers["follow-the-sun"] == ["Base", "Asia", "Europe", "America", "Every other weekend"]
    assert "rotas of their own" in kit.remarks(harvest)["schedules.results[0].shifts"]


def test_the_file_is_one_a_person_could_have_written(data, tmp_path):
    """Turns nobody has where an event is not daily, a zone of its own where a shift has one, and where it came from."""
    harvest = kit.converted(grafana_oncall, data, tmp_path)
    sun = next(found for found in harvest.rotas if found.rota.name == "follow-the-sun")
    assert _yaml.rota(sun) == (
        "# From Grafana OnCall schedule SSUN.\n"
        "title: Follow the sun\n"
        "zone: America/New_York\n"
        "layers:\n"
        "  - name: Base    # shift OSUNBASE\n"
        "    from: 2026-01-01 00:00\n"
        "    zone: UTC\n"
        "    turn: {hours: 12}\n"
        "    people: [ben, ana, dan]\n"
        "  - name: Asia    # shift OASIA\n"
        "    from: 2026-01-01 09:00\n"
        "    zone: Asia/Tokyo\n"
        "    turn: daily\n"
        "    people: [cleo]\n"
        "    only:\n"
        '      - {days: mon-sun, from: "09:00", to: "17:00"}\n'
        "  - name: Europe    # shift OEURO\n"
        "    from: 2026-01-01 10:00\n"
        "    zone: Europe/Berlin\n"
        "    turn: daily\n"
        "    people: [ana, dan]\n"
        "    only:\n"
        '      - {days: mon-sun, from: "10:00", to: "14:00"}\n'
        "  - name: America    # shift OAMER\n"
        "    from: 2026-01-01 10:00\n"
        "    turn: daily\n"
        "    people: [ben, [], dan, [], ana, []]\n"
        "    only:\n"
        '      - {days: mon-sun, from: "10:00", to: "18:00"}\n'
        "  - name: Every other weekend    # shift OFORT\n"
        "    from: 2026-01-02 18:00\n"
        "    turn: weekly\n"
        "    people: [ana, [], cleo, []]\n"
        "    only:\n"
        "      - {from: fri 18:00, to: mon 08:00}\n"
        "overrides:\n"
        "  - {from: 2026-03-06 19:00, to: 2026-03-11 20:00, person: cleo, instead_of: ana}    # shift swap SSR1\n"
    )


def test_the_import_compares_itself_with_the_final_shifts(data, tmp_path):
    """Where the export carries what Grafana OnCall shows, the report says where that differs."""
    (same,) = _compare.compare(kit.converted(grafana_oncall, data, tmp_path), WINTER)
    assert (same.rotas, same.differences) == (("follow-the-sun",), ())
    data["final_shifts"]["SSUN"]["results"][1]["user_pk"] = "UNKNOWN"
    data["final_shifts"]["SSUN"]["results"][1]["user_email"] = ""
    (other,) = _compare.compare(kit.converted(grafana_oncall, data, tmp_path), WINTER)
    assert [(each.theirs, each.ours) for each in other.differences] == [(("UNKNOWN",), ("dan",))]


def test_a_calendar_stays_where_it_is(data, tmp_path):
    """It becomes a rota kept elsewhere; its address, by which anybody can read it, goes into no file."""
    harvest = kit.converted(grafana_oncall, data, tmp_path)
    (kept,) = harvest.elsewhere
    text = _yaml.elsewhere(kept)
    assert yaml.safe_load(text) == {
        "title": "Data, second line",
        "zone": "UTC",
        "provider": "ical",
        "settings": {"url": {"env": "DATA_SECOND_LINE_CALENDAR"}},
    }
    assert "secret-calendar" not in text
    said = kit.remarks(harvest)
    assert "DATA_SECOND_LINE_CALENDAR" in said["schedules.results[2].ical_url_primary"]
    assert "overrides from a calendar" in said["schedules.results[1].ical_url_overrides"]


def test_chains_become_levels(data, tmp_path):
    """What nothing waits between is paged together, a wait is the time to the next level, repeating is six rounds."""
    harvest = kit.converted(grafana_oncall, data, tmp_path)
    (found,) = harvest.escalations
    assert found.levels == (
        Level(("rota:ml-platform", "rota:ml-platform-2", "dan"), timedelta(minutes=5)),
        Level(("ana", "ben"), timedelta(minutes=15)),
    )
    assert (found.name, found.rounds) == ("ml-platform", 6)
    said, place = kit.remarks(harvest), "escalation_policies.results"
    assert "at once" in said[f"{place}[1]"]
    assert "important" in said[f"{place}[3]"]
    assert "round robin" in said[f"{place}[5]"]
    assert "do not depend on the hour" in said[f"{place}[6]"]
    assert "outgoing webhook" in said[f"{place}[8]"]
    assert "no step that pages anybody" in said["escalation_chains.results[1]"]


def test_people_keep_their_slack_account_and_their_ways(data, tmp_path):
    """The important rules count; a way that cannot reach them by what the export has is left out and named."""
    harvest = kit.converted(grafana_oncall, data, tmp_path)
    ana, ben, cleo, _dan = harvest.people
    assert (ana.slack_user, ana.slack_team, ana.reach, ana.zone) == (
        "U0ANA0001", "T0EXAMPLE", ("slack", "email"), "Europe/Berlin",
    )  # fmt: skip
    assert (ben.slack_user, ben.reach, cleo.reach) == ("U0BEN0001", ("slack",), ())
    said = kit.remarks(harvest)
    assert "without voice" in said["users.results[0]"]
    assert "without slack" in said["users.results[2]"]
    assert "no way like notify_by_telegram" in said["personal_notification_rules.results[5]"]
    assert "the important one is kept" in said["personal_notification_rules.results[0]"]
    assert yaml.safe_load(_yaml.people([ana]))["ana"]["slack"] == {"team": "T0EXAMPLE", "user": "U0ANA0001"}


LOST = {
    "by the month": ({"frequency": "monthly"}, "months have no counterpart"),
    "in some months": ({"by_month": [1, 2]}, "months have no counterpart"),
    "by the hour on some days": ({"frequency": "hourly", "interval": 12}, "go with every day or with weeks alone"),
    "longer than a day on several days": ({"duration": 90_000}, "last longer than a day"),
    "one over the other": ({"by_day": None, "duration": 700_000}, "begins before the one before is over"),
    "no whole hours": ({"by_day": None, "frequency": "hourly", "duration": 900}, "no whole hours"),
    "nobody": ({"rolling_users": [[], []]}, "has no users"),
}


@pytest.mark.parametrize(("changes", "told"), LOST.values(), ids=LOST)
def test_a_shift_that_has_no_counterpart_is_left_out_and_named(data, tmp_path, changes, told):
    """The others of its schedule stay."""
    shift(data, "OWEEK").update(changes)
    harvest = kit.converted(grafana_oncall, data, tmp_path)
    assert told in kit.remarks(harvest)["on_call_shifts[0].results[0]" + (".by_month" if "by_month" in changes else "")]
    layers = [layer.name for found in harvest.rotas if found.rota.name == "ml-platform" for layer in found.rota.layers]
    assert "Office hours" not in layers
    assert "Always" in layers


UNUSUAL = {
    "two days in three": ("OEVERY3", {"duration": 172_800, "until": None}),
    "thirty hours in three days": ("OEVERY3", {"duration": 108_000, "until": None}),
    "eight hours in twelve": ("OSUNBASE", {"duration": 28_800}),
    "a week in two, from a Thursday": (
        "OWEEK", {"by_day": None, "start": "2026-01-08T09:00:00", "interval": 2, "duration": 604_800},
    ),
    "one day of the week that is not the first": ("OWEEK", {"by_day": ["TH"], "duration": 198_000, "interval": 3}),
    "days before the start": ("OWEEK", {"start": "2026-01-07T09:00:00", "by_day": ["MO", "TU", "WE"], "interval": 2}),
    "weeks that begin on Sunday": ("OWEEK", {"week_start": "SU", "by_day": ["SU", "MO", "SA"]}),
    "from a day ahead": ("OWEEK", {"start": "2026-04-01T09:00:00", "start_rotation_from_user_index": 0}),
    "until a day ahead": ("OWEEK", {"until": "2026-03-31T23:00:00"}),
    "hours until": ("OSUNBASE", {"until": "2026-03-31T12:00:00"}),
    "three groups on two days": ("ODAYS", {"by_day": ["MO", "WE"], "rolling_users": [["UANA"], ["UBEN"], ["UDAN"]]}),
    "a single event by weeks": ("OSINGLE", {"duration": 1_000_020}),
}  # fmt: skip


@pytest.mark.parametrize("now", [WINTER, AUTUMN], ids=["forward", "back"])
@pytest.mark.parametrize(("key", "changes"), UNUSUAL.values(), ids=UNUSUAL)
def test_unusual_shifts_are_the_same_before_and_after(data, tmp_path, key, changes, now):
    """Alone in their schedule, at every instant of the next ninety days."""
    shift(data, key).update(changes)
    base = shift(data, "OBASE")["id"]
    schedule(data, "SWEB")["shifts"] = [base, key]
    shift(data, key)["level"] = 5
    data["schedules"]["results"] = [schedule(data, "SWEB")]
    data["escalation_policies"] = data["escalation_chains"] = data["shift_swaps"] = {"results": []}
    harvest = kit.converted(grafana_oncall, data, tmp_path, now)
    if now == WINTER:
        assert len(harvest.rotas[0].rota.layers) > 1, harvest.remarks
    data["shift_swaps"]["results"] = []
    kit.same(reference(data, "SWEB", now), kit.written(harvest, tmp_path).values(), now)


BROKEN = {
    "an unknown user": (
        ("on_call_shifts", 0, "results", 0, "rolling_users", 1, 0), "UGONE",
        "on_call_shifts[0].results[0].rolling_users[1][0]: user UGONE is not among them",
    ),
    "an unknown shift": (
        ("schedules", "results", 0, "shifts", 0), "OGHOST",
        "schedules.results[0].shifts[0]: shift OGHOST is not among the on_call_shifts",
    ),
    "a day that is none": (("on_call_shifts", 0, "results", 0, "by_day", 0), "XX", "by_day[0]: 0 is the text 'XX'"),
    "a frequency that is none": (
        ("on_call_shifts", 0, "results", 0, "frequency"), "yearly", "frequency is the text 'yearly'",
    ),
    "an interval of nothing": (("on_call_shifts", 0, "results", 0, "interval"), 0, "interval is the number 0"),
    "no length": (("on_call_shifts", 0, "results", 0, "duration"), 0, "duration is the number 0"),
    "a shift of another kind": (("on_call_shifts", 0, "results", 0, "type"), "spiral", "type is the text 'spiral'"),
    "a schedule of another kind": (("schedules", "results", 0, "type"), "paper", "type is the text 'paper'"),
    "no zone": (("schedules", "results", 0, "time_zone"), "Berlin", "there is no time zone 'Berlin'"),
    "an unknown schedule": (
        ("escalation_policies", "results", 2, "notify_on_call_from_schedule"), "SGONE",
        "escalation_policies.results[2].notify_on_call_from_schedule: schedule SGONE is not among them",
    ),
}  # fmt: skip


@pytest.mark.parametrize(("path", "value", "told"), BROKEN.values(), ids=BROKEN)
def test_a_broken_export_names_the_place(data, tmp_path, path, value, told):
    """Each mistake is told with its place in the export."""
    kit.put(data, path, value)
    problems = kit.refused(grafana_oncall, data, tmp_path)
    assert any(told in each for each in problems), problems


def test_a_schedule_that_nobody_is_left_on_is_left_out(data, tmp_path):
    """A rota without layers is none; the chain that pages it pages the others of the level, and it is said."""
    schedule(data, "SWEB")["shifts"] = ["OGONE"]
    harvest = kit.converted(grafana_oncall, data, tmp_path)
    assert list(kit.written(harvest, tmp_path)) == ["follow-the-sun"]
    assert harvest.escalations[0].levels[0].page == ("dan",)
    said = kit.remarks(harvest)
    assert "left out" in said["schedules.results[0]"]
    assert "nobody is paged" in said["escalation_policies.results[2]"]
