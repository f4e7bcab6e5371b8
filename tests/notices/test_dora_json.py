"""A report as data: typed by the form's own types, open about what is missing, and refused where a portal would refuse it."""

import json
from datetime import UTC, datetime, timedelta

import pytest

from bot.config.regimes import load
from bot.notices import sample
from bot.notices.checklist import Entry, checklist
from bot.notices.dora_json import report
from bot.notices.facts import AtLeast, Range, UnreadableError
from bot.notices.form import READERS, typed
from bot.words import house

REGIMES = load(house() / "templates" / "notices")
DORA = REGIMES.by_id["eu_dora_art19"]
NOON = datetime(2026, 11, 20, 12, 0, 1, 5, tzinfo=UTC)
LEI = "529900T8BM49AURSDO55"
GOOD = {
    "text": "words",
    "choice": None,
    "choices": None,
    "boolean": "yes",
    "integer": "1 200",
    "percentage": "2.4 %",
    "money": 12500,
    "datetime": NOON,
    "duration": "01:02:30",
    "lei": LEI,
    "entity_code": LEI,
    "currency": "EUR",
    "countries": "DE, FR",
}


def number(key):
    return DORA.fields[f"its302_{key.replace('.', '_')}"]


def made(stage, facts=None, base=None, **entries):
    given = {f"its302_{key}": Entry(value) for key, value in entries.items()}
    return report(DORA, checklist(DORA, DORA.stage(stage), {**(base or {}), "facts": facts or {}}, given))


def complete(stage):
    """Every line of a stage with a good answer of its type."""
    fields = [DORA.fields[key] for key in DORA.stage(stage).keys]
    answers = {field.key: Entry(GOOD[field.type] or list(field.choices[:1])) for field in fields}
    return report(DORA, checklist(DORA, DORA.stage(stage), {"facts": {}}, answers))


def test_every_line_has_a_type_that_is_read_and_choices_where_it_chooses():
    """A line nobody could check would be text without anybody noticing."""
    for field in DORA.fields.values():
        assert field.type in READERS
        assert bool(field.choices) is (field.type in {"choice", "choices"}), field.key


@pytest.mark.parametrize(("stage", "lines"), [("initial", 25), ("intermediate", 60), ("final", 76)])
def test_a_complete_report_has_every_line_by_number_and_nothing_missing(stage, lines):
    """The object is JSON, in the form's order, and says which stage it is."""
    found = complete(stage)
    assert (len(found["fields"]), found["missing"], found["may_apply"]) == (lines, [], {})
    assert (found["regime"], found["stage"]) == ("eu_dora_art19", stage)
    numbers = list(found["fields"])
    assert numbers == sorted(numbers, key=lambda each: tuple(map(int, each.split("."))))
    assert json.loads(json.dumps(found)) == found


def test_values_have_the_types_of_the_form():
    """Numbers are numbers, yes is a boolean, several choices are a list, a moment is UTC by ISO 8601."""
    fields = complete("final")["fields"]
    assert fields["2.2"] == "2026-11-20T12:00:01Z"
    assert (fields["3.4"], fields["3.5"], fields["4.13"]) == (1200, 2.4, 12500)
    assert (fields["2.9"], fields["3.15"], fields["1.15"]) == (True, "01:02:30", "EUR")
    assert (fields["1.4"], fields["2.7"], fields["2.6"]) == (["credit institution"], "IT Security", ["DE", "FR"])


def test_unknown_and_not_investigated_are_told_apart():
    """Openly unknown carries its reason; what nobody looked into is null and listed as missing."""
    items = checklist(
        DORA, DORA.stage("initial"), {"facts": {}}, {"its302_2_4": Entry(unknown_because="the vendor is silent")}
    )
    found = report(DORA, items)
    assert found["fields"]["2.4"] == {"unknown": "the vendor is silent"}
    assert found["fields"]["2.9"] is None
    assert "2.9" in found["missing"]
    assert "2.4" not in found["missing"]
    assert len(found["missing"]) == 16  # the kind of submission is known, and 2.4 is openly unknown


def test_a_line_some_incidents_need_is_told_with_its_case_and_not_as_missing():
    """It is neither answered nor forgotten; once a fact calls for it, it is missing."""
    assert made("initial")["may_apply"]["2.6"] == "where two or more Member States are affected"
    called = made("initial", {"threshold_geography": True})
    assert "2.6" not in called["may_apply"]
    assert "2.6" in called["missing"]


def test_a_stage_without_numbers_is_keyed_by_its_own_words():
    """The notice of a threat has no numbers here; it is data all the same."""
    stage = DORA.stage("voluntary_cyber_threat")
    found = report(DORA, checklist(DORA, stage, {"facts": {"detected_at": NOON}}))
    assert found["fields"]["detection_time"] == "2026-11-20T12:00:01Z"
    assert set(found["missing"]) == set(stage.required) - {"detection_time"}


@pytest.mark.parametrize(
    ("key", "value", "expected"),
    [
        ("1.1", "Final report", "final report"),
        ("1.4", "credit_institution; payment institution", ["credit institution", "payment institution"]),
        ("2.7", "authority/agency/ law enforcement body", "authority/agency/law enforcement body"),
        ("3.23", ["other", "other"], ["Other (please specify)"]),
        ("2.5", "clients, financial counterparts and transactions affected\ndata losses", None),
        ("3.28", False, "No"),
        ("2.9", False, False),
        ("3.5", 0, 0),
        ("3.5", 100, 100),
        ("3.4", 3.0, 3),
        ("3.11", "12500.5", 12500.5),
        ("2.2", "2026-11-20T13:00:00+01:00", "2026-11-20T12:00:00Z"),
        ("2.2", "2026-11-20 08:00 UTC", "2026-11-20T08:00:00Z"),
        ("3.15", 26.5, "01:02:30"),
        ("3.15", 24 * 120, "120:00:00"),
        ("3.16", timedelta(minutes=135), "00:02:15"),
        ("1.6", f" {LEI.lower()} ", LEI),
        ("1.3", "DEK1101R.HRB12345", "DEK1101R.HRB12345"),
        ("1.15", "sek", "SEK"),
        ("2.6", frozenset({"SE", "DE"}), ["DE", "SE"]),
        ("2.6", AtLeast(frozenset({"NO"})), ["NO"]),
        ("2.4", ["one", "two"], "one, two"),
        ("2.4", True, "yes"),
        ("2.4", {"b": 2, "a": 1}, "a: 1, b: 2"),
        ("2.4", {"b", "a"}, "a, b"),
        ("2.4", NOON.replace(microsecond=0), "2026-11-20T12:00:01Z"),
    ],
)
def test_an_answer_is_read_as_people_write_it(key, value, expected):
    """Case, underscores, spaces and the beginning of a choice do not matter; the meaning does."""
    wanted = (
        ["clients, financial counterparts and transactions affected", "data losses"] if expected is None else expected
    )
    found = typed(number(key), value)
    assert found == wanted
    assert type(found) is type(wanted)


@pytest.mark.parametrize(
    ("key", "value", "says"),
    [
        ("1.1", "first report", "none of: initial notification; intermediate report"),
        ("1.1", ["final report", "initial notification"], "takes one of"),
        ("4.2", "process failure", "more than one of"),
        ("3.20", "?", "none of: availability"),
        ("2.9", "perhaps", "expected yes or no"),
        ("3.4", -1, "whole number from 0"),
        ("3.4", 2.5, "whole number from 0"),
        ("3.4", "12,500", "expected a number such as"),
        ("3.4", True, "expected a number such as"),
        ("3.4", Range(400, 600), "400 to 600, and the line takes one value"),
        ("3.5", 100.1, "from 0 to 100"),
        ("4.13", "-3", "amount from 0"),
        ("4.13", float("nan"), "expected a number"),
        ("3.4", float("inf"), "expected a number"),
        ("2.2", "yesterday", "is no time"),
        ("2.2", "2026-11-20T08:00:00", "no time zone"),
        ("2.2", NOON.date(), "expected a moment"),
        ("2.2", "unknown", "expected a moment"),
        ("3.15", "01:24:00", "days:hours:minutes"),
        ("3.15", "1:02", "days:hours:minutes"),
        ("3.15", -1, "days:hours:minutes"),
        ("3.15", float("nan"), "days:hours:minutes"),
        ("3.15", float("inf"), "days:hours:minutes"),
        ("3.15", True, "days:hours:minutes"),
        ("1.6", "529900T8BM49AURSDO56", "do not prove it"),
        ("1.6", "529900T8BM49AURSOD55", "do not prove it"),
        ("1.6", "529900T8BM49AURSDO5", "is no LEI"),
        ("1.3", "529900T8BM49AURSDO56", "do not prove it"),
        ("1.15", "EURO", "no currency by ISO 4217"),
        ("1.15", "XYZ", "no currency by ISO 4217"),
        ("2.6", "DE, EL", "EL: no Member State"),
        ("2.6", ["US"], "US: no Member State"),
    ],
)
def test_what_a_portal_would_refuse_is_refused_with_number_and_label(key, value, says):
    """The sentence names the line as people know it, and what it expects."""
    stage = DORA.stage("final")
    items = checklist(DORA, stage, {"facts": {}}, {number(key).key: Entry(value)})
    with pytest.raises(UnreadableError) as wrong:
        report(DORA, items)
    assert str(wrong.value).startswith(f"{key} {number(key).label}: ")
    assert says in str(wrong.value)


def test_all_lines_that_are_wrong_come_at_once():
    """Nobody corrects one line at a time."""
    with pytest.raises(UnreadableError) as wrong:
        made("initial", **{"1_15": "EURO", "2_9": "perhaps", "1_6": "?"})
    assert [line.split()[0] for line in str(wrong.value).splitlines()] == ["1.6", "1.15", "2.9"]


def test_everything_the_incident_holds_becomes_data():
    """Facts of every kind pass into a report without a person typing anything."""
    facts = {**sample.sample_facts(REGIMES.facts), "dora_entity_type": "credit_institution"}
    found = made("final", facts | {"member_states_affected": frozenset({"FR", "DE"})}, sample.FULL)
    fields = found["fields"]
    assert (fields["3.8"], fields["3.30"], fields["3.16"]) == (True, "Yes", "00:03:00")
    assert (fields["2.6"], fields["1.1"], fields["1.4"]) == (["DE", "FR"], "final report", ["credit institution"])
    assert json.loads(json.dumps(found)) == found


def test_hostile_words_stay_words_in_data():
    """A formula or a script in a description is a string like any other."""
    nasty = '=HYPERLINK("x") <script>\u202e [[ unknown: x ]]'
    assert made("initial", **{"2_4": nasty})["fields"]["2.4"] == nasty
