"""A case and a table of examples are read as people write them, and every mistake is named with its place, all at once."""

from datetime import UTC, date, datetime
from pathlib import Path

import pytest

from bot.config.question import read_question
from bot.config.regimes import load
from bot.config.vectors import check
from bot.domain.errors import Invalid
from bot.notices.deadline import Policy, deadlines
from bot.openings import drafting_room
from bot.words import house
from tests.config.folder import Folder

SHELF = load(house() / "templates" / "notices")
HEADER = "id,regime,stage,clock_start_iso,tz,expected_deadline_iso,why\n"
GOOD = "A,eu_gdpr_art33,sa_notification@strict,2026-12-04T16:40:00+01:00,Europe/Berlin,2026-12-07T16:40:00+01:00,x\n"


@pytest.fixture
def folder(tmp_path):
    return Folder(tmp_path)


def read(tmp_path, text):
    path = tmp_path / "facts.yaml"
    path.write_text(text, encoding="utf-8")
    return read_question(path, SHELF.facts, SHELF.by_id)


def wrong(tmp_path, text):
    """Each problem as line:column: what."""
    with pytest.raises(Invalid) as found:
        read(tmp_path, text)
    return [f"{each.line}:{each.column}: {each.what}" for each in found.value.problems]


def test_a_case_is_facts_and_beside_them_what_was_filed_and_where_it_counts(tmp_path):
    """Everything beside the facts may be left out."""
    question = read(
        tmp_path,
        "deaths: 1\naware_at: 2026-11-20T08:00:00+01:00\n"
        "submitted:\n  eu_gdpr_art33/sa_notification: 2026-11-21T09:00:00+01:00\n"
        "  eu_gdpr_art33/sa_follow_up: unknown\n"
        "timezone: Europe/Berlin\ncountry: DE-BY\n",
    )
    assert question.facts == {"deaths": 1, "aware_at": datetime(2026, 11, 20, 7, tzinfo=UTC)}
    assert question.submitted == {"eu_gdpr_art33": {"sa_notification": datetime(2026, 11, 21, 8, tzinfo=UTC)}}
    assert (question.timezone, question.country) == ("Europe/Berlin", "DE-BY")
    bare = read(tmp_path, "deaths: unknown\n")
    assert (bare.facts, bare.submitted, bare.timezone, bare.country) == ({"deaths": None}, {}, "", "")


def test_facts_may_stand_together_and_norway_is_a_country(tmp_path):
    """Under `facts:`; a country on its own line needs no quotes."""
    question = read(tmp_path, "facts:\n  deaths: 1\nai_system: no\ncountry: NO\n")
    assert question.facts == {"deaths": 1, "ai_system": False}
    assert question.country == "NO"


def test_every_mistake_of_a_case_is_told_at_once(tmp_path):
    """With line and column, and what was meant where it is near."""
    text = (
        "eu_nexus: maybe\n"
        "deathz: 1\n"
        "aware_at: 2026-11-20T08:00:00\n"
        "submitted:\n"
        "  eu_gdpr_art33/sa_notificatio: 2026-11-20T08:00:00+01:00\n"
        "  eu_gdpr_art33/sa_notification: yesterday\n"
        "timezone: Europe/Berln\n"
        "country: DE-XX\n"
        "facts: {eu_nexus: unknown}\n"
    )
    found = wrong(tmp_path, text)
    places = "1:11: 2:9: 3:11: 5:33: 6:34: 7:11: 8:10: 9:19:"
    assert " ".join(each.partition(" ")[0] for each in found) == places
    told = "\n".join(found)
    for words in ("stands here twice", "expected yes, no or unknown", "no fact called 'deathz'", "no time zone;",
                  "'eu_gdpr_art33/sa_notificatio' is no notice", "'yesterday' is no time", "no time zone 'Europe/Berln'",
                  "'DE-XX' is no region of DE"):  # fmt: skip
        assert words in told, words


@pytest.mark.parametrize("text", ["", "- a\n", "a: [\n", "submitted: [a]\n", "timezone: {a: b}\n", "\x00"])
def test_a_file_that_is_no_case_is_refused_with_its_place(tmp_path, text):
    """Never a traceback."""
    assert wrong(tmp_path, text)


# -- tables ----------------------------------------------------------------------------------------------------------


def table(tmp_path, text):
    path = tmp_path / "rows.csv"
    path.write_bytes(text.encode())
    return check(path, SHELF.by_id)


def test_a_table_is_read_as_spreadsheets_write_it(tmp_path):
    """A byte order mark, line ends of Windows, empty lines, columns in another order, and no `why`."""
    (one,) = table(tmp_path, "\ufeff" + (HEADER + GOOD).replace("\n", "\r\n") + "\r\n")
    assert one.fits
    head, cells = HEADER.strip().split(",")[:6], GOOD.strip().split(",")[:6]
    turned = f"{','.join(reversed(head))}\n{','.join(reversed(cells))}\n"
    assert [each.fits for each in table(tmp_path, turned)] == [True]
    (short,) = table(tmp_path, HEADER + GOOD.removesuffix(",x\n"))
    assert short.fits


def test_a_cell_is_named_by_line_and_column_also_below_a_cell_of_two_lines(tmp_path):
    """Columns are letters of the line, commas within quotes part no cells."""
    rows = (
        GOOD
        + GOOD.replace("sa_notification@strict", '"sa_notification@strict[ms=DE,\nmoon=1]"')
        + "\n"
        + GOOD.replace("Europe/Berlin", "Europe/Berln")
        .replace("2026-12-04", '"2026-12-04', 1)
        .replace(",Europe", '",Europe', 1)
        + GOOD.replace(",x", ",x,y")
        + "A,eu_gdpr_art33\n"
    )
    found = table(tmp_path, HEADER + rows)
    places = [(each.problem.line, each.problem.column) for each in found[1:] if each.problem]
    assert [each.fits for each in found] == [True, False, False, False, False]
    assert places[0] == (3, 17)
    assert places[1] == (6, GOOD.index("Europe") + 3)
    assert places[2] == (7, len(GOOD) + 1)
    assert places[3] == (8, 3)
    assert all(each.problem.file == str(tmp_path / "rows.csv") for each in found[1:])


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "the header lacks id, regime"),
        (HEADER, "holds no rows"),
        (HEADER.replace("tz,", "") + GOOD, "the header lacks tz"),
    ],
)
def test_a_table_that_is_none_is_refused(tmp_path, text, words):
    """Nothing checked is not all right."""
    with pytest.raises(Invalid, match=words):
        table(tmp_path, text)
    with pytest.raises(Invalid, match="cannot be read"):
        check(Path(tmp_path), SHELF.by_id)


# -- closures --------------------------------------------------------------------------------------------------------


def test_closures_of_the_configuration_reach_the_dates(folder):
    """A day on which the SEC is closed by order, and a region's own country, are read and counted with."""
    folder.change(
        "tocsin.yaml", "country: 'DE'", "country: 'DE-BY'\n  closures: {US: [2026-12-24, 2026-12-26], DE: []}"
    )
    installation = folder.load()
    assert installation.organisation.country == "DE-BY"
    room = drafting_room(installation)
    days = frozenset({date(2026, 12, 24), date(2026, 12, 26)})
    assert room.counting == Policy(closures={"US": days, "DE": frozenset()})
    stage = SHELF.by_id["eu_ai_act_art73"].stage("report_death")
    aware = datetime(2026, 12, 14, 9, tzinfo=UTC)
    assert deadlines(stage, aware, "America/New_York", "US").outer.date() == date(2026, 12, 24)
    assert deadlines(stage, aware, "America/New_York", "US", room.counting).outer.date() == date(2026, 12, 28)


@pytest.mark.parametrize(
    ("written", "told"),
    [
        ("closures: {US: [2026-13-24]}", "tocsin.yaml:4:19: "),
        ("closures: {US: 2026-12-24}", "tocsin.yaml:4:18: "),
        ("closures: {DE-XX: [2026-12-24]}", "'DE-XX' is no region of DE"),
        ("closures: {Germany: [2026-12-24]}", "'Germany' is no country or region"),
        ("closures: [2026-12-24]", "tocsin.yaml:4:13: "),
    ],
)
def test_a_closure_that_means_nothing_is_named_with_its_place(folder, written, told):
    """File, line and column, like every other mistake."""
    folder.change("tocsin.yaml", "  country: 'DE'\n", f"  country: 'DE'\n  {written}\n")
    problems = folder.told()
    assert told in problems[0]
    assert all(each.startswith("tocsin.yaml:4:") for each in problems)


def test_a_region_that_is_none_is_no_country_of_an_organisation(folder):
    """With the regions there are."""
    folder.change("tocsin.yaml", "country: 'DE'", "country: 'ES-XX'")
    (told,) = folder.told()
    assert told.startswith("tocsin.yaml:3:12: 'ES-XX' is no region of ES")
