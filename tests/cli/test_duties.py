"""`tocsin duties`: counsel's calculator on a file of facts, one regime in words, and tables of dated examples."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from bot.cli._main import run
from bot.words import house
from tests.world import FOLDER

SHIPPED = Path(__file__).parent.parent / "notices" / "vectors.csv"
HEADER = "id,regime,stage,clock_start_iso,tz,expected_deadline_iso,why\n"
GOOD = "A,eu_gdpr_art33,sa_notification@strict,2026-12-04T16:40:00+01:00,Europe/Berlin,2026-12-07T16:40:00+01:00,x\n"
FACTS = """\
eu_nexus: yes
personal_data: yes
security_breach: yes
risk_to_individuals: high
aware_at: 2026-11-20T08:00:00+01:00
processor_aware_at: unknown
timezone: Europe/Berlin
country: DE
"""
NOW = "2026-11-20T12:00:00+01:00"
REGIME = """\
id: {id}
name: {name}
jurisdiction: {where}
category: cyber
as_of: 2026-11-20
confidence: B
citations: [{{instrument: The Act, provision: "s. 1"}}]
in_force: {{since: 2020-01-01}}
trigger: "{trigger}"
clock_start: {clock}
{more}
stages:
  - id: report
    name: Report of {name}
    kind: hard
    recipients: [the office]
    deadline: {{amount: {amount}, unit: {unit}, counting: {counting}}}
    required: [what]
fields: {{what: {{label: what happened}}}}
"""


@pytest.fixture
def told(capsys):
    def read() -> tuple[str, str]:
        seen = capsys.readouterr()
        return seen.out, seen.err

    return read


@pytest.fixture
def desk(tmp_path, monkeypatch):
    """A folder without tocsin.yaml, in which somebody stands with a file of facts."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "80")
    Path("facts.yaml").write_text(FACTS)
    return tmp_path


@pytest.fixture
def office(desk):
    """The same with a configuration folder around it."""
    shutil.copytree(FOLDER, desk, dirs_exist_ok=True)
    return desk


def own(folder, name, *, trigger="eu_nexus", clock="aware_at", amount=24, unit="hours", counting="elapsed_hours",
        where="EU", more=""):  # fmt: skip
    """A regime of the organisation's own."""
    path = folder / "templates" / "notices" / name / "regime.yaml"
    path.parent.mkdir(parents=True)
    words = {"id": name, "name": name.replace("_", " "), "trigger": trigger, "clock": clock, "amount": amount}
    path.write_text(REGIME.format(**words, unit=unit, counting=counting, where=where, more=more))


def asked(told, *words):
    assert run(["duties", "facts.yaml", "--json", "--at", NOW, *words]) == 0, told()[1]
    return {each["regime"]: each for each in json.loads(told()[0])}


# -- a case ----------------------------------------------------------------------------------------------------------


def test_a_folder_without_configuration_is_enough(desk, told):
    """Every shipped regime that is on answers, and none is called watched."""
    found = asked(told)
    shipped = {each.parent.name for each in (house() / "templates" / "notices").glob("*/regime.yaml")}
    assert set(found) <= shipped
    assert {"eu_gdpr_art33", "eu_ai_act_art73"} <= set(found)
    assert {each["watched"] for each in found.values()} == {None}
    gdpr = found["eu_gdpr_art33"]
    assert (gdpr["answer"], gdpr["at"], gdpr["timezone"], gdpr["country"]) == ("yes", NOW, "Europe/Berlin", "DE")
    assert {each["fact"] for each in gdpr["rests_on"]} == {"eu_nexus", "personal_data_breach", "risk_to_individuals"}
    stages = {each["stage"]: each for each in gdpr["stages"]}
    assert stages["sa_notification"]["strict"] == "2026-11-23T08:00:00+01:00"
    assert stages["sa_notification"]["outer"] == "2026-11-23T09:00:00+01:00"
    assert stages["sa_notification"]["standing"] == "due"
    assert "holidays" in gdpr["rule_version"]


def test_the_documented_keys_are_the_keys(desk, told):
    """What a script may rest on is what the help says, no more and no less."""
    found = asked(told)["eu_gdpr_art33"]
    assert run(["duties", "--help"]) == 0
    words = " ".join(told()[0].split()).partition("--json prints")[2].partition("Arguments:")[0]
    for key in (*found, *found["stages"][0], *found["rests_on"][0]):
        assert key in words.replace("-", "_"), key
    assert list(found) == [
        *("regime", "name", "jurisdiction", "answer", "because", "citations", "confidence", "rests_on", "ask"),
        *("applies_from", "would_be", "remarks", "watched", "at", "timezone", "country", "rule_version", "stages"),
    ]
    assert list(found["stages"][0]) == [
        *("stage", "name", "kind", "answer", "because", "ask", "recipients", "strict", "outer", "by_law", "counted"),
        *("standing", "submitted"),
    ]


def test_the_page_begins_with_what_is_owed_and_by_when(desk, told):
    """The counts, then dates, soonest first; then what is open with whom to ask; then each no on one line."""
    own(desk, "later", amount=90)
    own(desk, "sooner", amount=5)
    own(desk, "open_one", trigger="deaths > 0", clock="detected_at")
    own(desk, "no_case", trigger="not eu_nexus")
    assert run(["duties", "facts.yaml", "--at", NOW]) == 0
    out = told()[0]
    assert all(len(line) <= 80 for line in out.splitlines())
    order = [out.index(words) for words in ("owe a notice", "sooner (sooner)", "eu_gdpr_art33)", "later (later)",
                                            "UNKNOWN  open one", "NO       no_case: link to")]  # fmt: skip
    assert order == sorted(order)
    assert "due 2026-11-20 13:00 CET, in 1 h" in out
    assert "for counsel only: at the latest 2026-11-23 09:00 CET, in 2 d 21 h" in out
    assert "to settle it, ask" in out.partition("UNKNOWN  open one")[2]
    assert out.rstrip().endswith("by when.")
    (no,) = [line for line in out.splitlines() if "no_case" in line]
    assert no == "NO       no_case: link to the European Union: yes (The Act, s. 1)"


@pytest.mark.parametrize("columns", ["40", "80", "120"])
def test_the_page_fits_the_terminal(desk, told, monkeypatch, columns):
    """Narrow or wide; a no is cut, `--all` tells it in full."""
    monkeypatch.setenv("COLUMNS", columns)
    own(desk, "no_case", trigger="not eu_nexus and not personal_data and not security_breach")
    for words in ([], ["--all"]):
        assert run(["duties", "facts.yaml", "--at", NOW, *words]) == 0
        out = told()[0]
        assert max(len(line) for line in out.splitlines() if line.count(" ") > 3) <= int(columns)
    assert "No duty, because" in " ".join(out.split())


def test_what_has_passed_and_what_was_filed_is_told(desk, told):
    """Late by how long, filed when, and that the outer date was kept."""
    own(desk, "sooner", amount=1)
    with Path("facts.yaml").open("a") as page:
        page.write("submitted: {eu_gdpr_art33/sa_notification: 2026-11-23T08:30:00+01:00}\n")
    assert run(["duties", "facts.yaml", "--at", "2026-11-23T12:00:00Z"]) == 0
    out = " ".join(told()[0].split())
    assert "passed." in out.partition("YES")[0]
    assert "OVERDUE: due 2026-11-20 09:00 CET, 3 d 4 h ago" in out
    assert "FILED LATE 2026-11-23 08:30 CET, 30 min after it was due, within the outer date" in out
    assert run(["duties", "facts.yaml", "--at", "2026-11-20T08:00:01+01:00", "--regime", "sooner"]) == 0
    assert "due 2026-11-20 09:00 CET, in 59 min 59 s" in told()[0]


def test_a_regime_is_counted_where_it_decides(desk, told):
    """California's days end in California, and what follows a filing waits for it."""
    own(desk, "golden", where="US-CA", amount=30, unit="days", counting="calendar_days_strict")
    found = asked(told)["golden"]
    assert (found["timezone"], found["country"]) == ("America/Los_Angeles", "US-CA")
    assert found["stages"][0]["strict"] == "2026-12-19T23:59:59-08:00"


def test_an_organisations_own_regimes_and_closures_count(office, told):
    """With tocsin.yaml all that is on is asked, and what it does not watch is said to be so."""
    own(office, "ours", amount=3, unit="business_days", counting="business_days")
    own(office, "asleep", more="enabled: false")
    found = asked(told)
    assert found["eu_gdpr_art33"]["watched"] is True
    assert found["ours"]["watched"] is False
    assert "asleep" not in found
    assert found["ours"]["stages"][0]["strict"] == "2026-11-25T23:59:59+01:00"
    before = found["ours"]["rule_version"]
    page = Path("tocsin.yaml")
    page.write_text(
        page.read_text().replace("timezone: Europe/Berlin", "timezone: Europe/Berlin, closures: {DE: [2026-11-24]}")
    )
    shut = asked(told)["ours"]
    assert shut["stages"][0]["strict"] == "2026-11-26T23:59:59+01:00"
    assert shut["rule_version"] != before
    assert run(["duties", "facts.yaml"]) == 0
    assert "Not watched here" in told()[0]
    page.write_text(page.read_text().replace("regimes: [", "regimes: [asleep, "))
    assert "asleep" in asked(told), "the organisation turned it on"
    page.write_text(page.read_text().replace("regimes: [asleep, ", "regimes: [o*, "))
    found = asked(told)
    assert (found["ours"]["watched"], "asleep" in found) == (True, False), "a pattern takes none that is off"


def test_facts_of_the_service_the_file_and_the_command_line_in_this_order(office, told):
    """Before all what holds of the organisation; the catalogue, the file, and the last word is the command line's."""
    own(office, "annex", trigger="high_risk_ai_system == annex_iii")
    page = Path("tocsin.yaml")
    written = page.read_text()
    page.write_text(written.replace("country: DE", "country: DE, legal: {high_risk_ai_system: annex_iii}"))
    assert asked(told)["annex"]["answer"] == "yes"
    for legal, words in (("{high_risk_ai_system: annex_v}", "'annex_v' is none of"), ("{shoes: 4}", "no fact 'shoes'")):
        page.write_text(written.replace("country: DE", f"country: DE, legal: {legal}"))
        assert run(["duties", "facts.yaml"]) == 1
        assert words in told()[1]
    page.write_text(written)
    assert asked(told, "--service", "visits")["annex"]["answer"] == "no"
    with Path("facts.yaml").open("a") as page:
        page.write("high_risk_ai_system: annex_iii\n")
    assert asked(told, "--service", "visits")["annex"]["answer"] == "yes"
    assert asked(told, "--service", "visits", "--fact", "high_risk_ai_system=annex_i")["annex"]["answer"] == "no"


def test_the_configuration_needs_no_secrets_here(office, told):
    """Counsel's machine has none of them."""
    page = Path("tocsin.yaml")
    page.write_text(
        page.read_text() + "slack: {mode: http, bot_token: {env: NOT_HERE}, signing_secret: {env: NOR_HERE}}\n"
    )
    assert asked(told)["eu_gdpr_art33"]["answer"] == "yes"
    page.write_text(page.read_text().replace("eu_gdpr_art33]", "eu_gdpr_art34x]"))
    assert run(["duties", "facts.yaml"]) == 1
    assert "no regime called 'eu_gdpr_art34x'" in told()[1]
    page.write_text(page.read_text().replace("eu_gdpr_art34x]", "off]"))
    assert run(["duties", "facts.yaml"]) == 2
    assert "tocsin.yaml:5:28: False is no regime's id" in told()[1]


def test_every_mistake_of_the_file_is_named_and_nothing_is_answered(desk, told):
    """File, line and column; the exit code of a file to correct."""
    Path("facts.yaml").write_text("eu_nexus: maybe\naware_at: 2026-11-20\nsubmitted: {x/y: 2026-11-20T08:00:00Z}\n")
    assert run(["duties", "facts.yaml"]) == 2
    out, err = told()
    assert out == ""
    for place in ("facts.yaml:1:11:", "facts.yaml:2:11:", "facts.yaml:3:18:", "3 problems"):
        assert place in err


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["nothing.yaml"], "there is no file nothing.yaml, nor a regime of that name"),
        (["eu_gdpr_art3"], "did you mean eu_gdpr_art3"),
        (["--regime", "eu_gdpr"], "no regime called 'eu_gdpr'"),
        (["facts.yaml", "more.yaml"], "'more.yaml' is one word too many"),
        (["facts.yaml", "--at", "noon"], "'noon' is no time"),
        (["facts.yaml", "--at", "2026-11-20T08:00"], "has no time zone"),
        (["facts.yaml", "--at", "unknown"], "is no moment"),
        (["check"], "name one table"),
        (["check", "a.csv", "b.csv"], "name one table"),
        (["facts.yaml", "-c", "elsewhere.yaml"], "elsewhere.yaml"),
    ],
)
def test_what_cannot_be_meant_is_told_in_a_sentence(desk, told, words, said):
    """And never as a traceback."""
    assert run(["duties", *words]) in {1, 2}
    err = " ".join(told()[1].split())
    assert said in err
    assert "Traceback" not in err


def test_now_is_the_moment_where_none_is_given(desk, told):
    """By the clock port: a case of 2026 without filings is overdue by the time this runs."""
    assert run(["duties", "facts.yaml", "--json", "--regime", "eu_gdpr_art33"]) == 0
    (found,) = json.loads(told()[0])
    stages = {each["stage"]: each for each in found["stages"]}
    assert stages["sa_notification"]["standing"] in {"due", "overdue"}
    assert found["at"] > "2026-11-20"


# -- one regime ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("words", [["eu_gdpr_art33"], ["--regime", "eu_gdpr_art33"]])
def test_a_regime_is_shown_in_words(desk, told, words):
    """The rule, its notices with periods and recipients, where it stands, since when, how sure, and what it is not."""
    assert run(["duties", *words]) == 0
    out = told()[0]
    assert all(len(line) <= 80 for line in out.splitlines())
    text = " ".join(out.split())
    for part in ("Reg. (EU) 2016/679", "confidence A: taken from the official text, as of 2026-11-20",
                 "in force: since 2018-05-25", "A duty exists if link to the European Union and a breach",
                 '72 hours from the first of "aware of the incident since"', "late: A notice after 72 hours",
                 "no number in the law: in phases", "not legal advice"):  # fmt: skip
        assert part in text, part
    assert run(["duties", *words, "--json"]) == 0
    assert json.loads(told()[0])["stages"][0]["stage"] == "sa_notification"


def test_every_shipped_regime_can_be_shown(desk, told):
    """None has a part that cannot be put in words."""
    for path in (house() / "templates" / "notices").glob("*/regime.yaml"):
        for words in ([], ["--json"]):
            assert run(["duties", path.parent.name, *words]) == 0, path
            assert "not legal advice" in " ".join(told()[0].split())


# -- tables ----------------------------------------------------------------------------------------------------------


def test_a_table_that_comes_out_says_so(desk, told):
    """One line, and 0."""
    Path("rows.csv").write_text(HEADER + GOOD)
    assert run(["duties", "check", "rows.csv"]) == 0
    assert told()[0] == "1 row: 1 as expected, 0 otherwise\n"
    assert run(["duties", "check", "rows.csv", "--json"]) == 0
    assert json.loads(told()[0]) == {"rows": 1, "match": 1, "mismatches": [], "unreadable": []}


def test_each_row_that_comes_out_otherwise_is_told_and_the_end_is_one(desk, told):
    """Expected, found, how it was counted; and a row that cannot be read with file, line and column."""
    wrong = GOOD.replace("A,", "B,").replace("07T16:40:00", "08T16:40:00")
    later = GOOD.replace("A,", "D,").replace("2026-12-07T16:40:00+01:00", "NOT_APPLICABLE")
    early = (
        "E,eu_ai_act_art73,report_death[annex=III],2026-11-20T09:00:00+01:00,Europe/Berlin,2026-11-30T23:59:59+01:00,\n"
    )
    Path("rows.csv").write_text(
        HEADER + GOOD + wrong + GOOD.replace("A,", "C,").replace("@strict", "@stric") + later + early
    )
    assert run(["duties", "check", "rows.csv"]) == 1
    lines = told()[0].splitlines()
    assert lines[0] == "B  eu_gdpr_art33  sa_notification@strict"
    assert lines[1] == "      expected  2026-12-08T16:40:00+01:00"
    assert lines[2] == "      found     2026-12-07T16:40:00+01:00  (1 d earlier)"
    assert "72 hours from aware_at" in lines[3]
    assert any(line.startswith("C  rows.csv:4:17: the law gives this stage a number") for line in lines)
    text = " ".join(" ".join(lines).split())
    assert "D eu_gdpr_art33 sa_notification@strict expected NOT_APPLICABLE found 2026-12-07T16:40:00+01:00" in text
    assert "found NOT_APPLICABLE counted Not in force: it applies from 2 December 2027" in text
    assert lines[-1] == "5 rows: 1 as expected, 3 otherwise, 1 cannot be read"
    assert run(["duties", "check", "rows.csv", "--json"]) == 1
    found = json.loads(told()[0])
    assert [each["id"] for each in found["mismatches"]] == ["B", "D", "E"]
    assert [each["id"] for each in found["unreadable"]] == ["C"]


def test_a_table_that_cannot_be_read_ends_with_one(desk, told):
    """Named by its place; an empty table is not all right either."""
    Path("rows.csv").write_text(HEADER)
    assert run(["duties", "check", "rows.csv"]) == 1
    assert told()[1] == "rows.csv:1:1: holds no rows below its header\n"
    assert run(["duties", "check", "none.csv"]) == 1
    assert "none.csv:1:1: cannot be read" in told()[1]


def test_a_table_may_name_regimes_of_the_organisation(office, told):
    """Its folder is looked at as well, in any working folder, by `-c`."""
    own(office, "ours", amount=5)
    Path("rows.csv").write_text(
        HEADER + "A,ours,report,2026-12-04T16:40:00+01:00,Europe/Berlin,2026-12-04T21:40:00+01:00,\n"
    )
    assert run(["duties", "check", "rows.csv", "-c", str(office / "tocsin.yaml")]) == 0


def test_a_file_called_check_is_written_with_its_folder(desk, told):
    """So is one with a regime's name."""
    for name in ("check", "eu_gdpr_art33"):
        shutil.copy("facts.yaml", name)
        assert run(["duties", f"./{name}", "--at", NOW]) == 0
        assert "asked as of 2026-11-20 12:00 CET" in told()[0]


def test_all_shipped_examples_come_out(desk, told):
    """The table of the tests, through the command itself."""
    assert run(["duties", "check", str(SHIPPED)]) == 0
    assert told()[0] == "73 rows: 73 as expected, 0 otherwise\n"


def test_help_needs_none_of_what_is_heavy():
    """Neither holidays nor YAML nor the configuration is read before somebody asks."""
    look = "import sys, bot.cli.duties; print([m for m in ('holidays', 'yaml', 'pydantic', 'bot.config', 'bot.notices') if m in sys.modules])"
    found = subprocess.run([sys.executable, "-c", look], capture_output=True, text=True, check=True, env=os.environ)
    assert found.stdout.strip() == "[]"
