"""`maintenance.yaml`: times are what people mean by them, and every mistake is told at its place."""

from datetime import UTC, datetime

import pytest

from bot.slo.maintenance import Maintenance, windows
from tests.config.folder import Folder


@pytest.fixture
def folder(tmp_path):
    made = Folder(tmp_path)
    made.change("tocsin.yaml", "country: 'DE'", "country: 'DE'\n  timezone: Europe/Berlin")
    return made


def utc(day: int, hour: int, minute: int = 0) -> datetime:
    return datetime(2026, 12, day, hour, minute, tzinfo=UTC)


def test_a_window_is_for_services_or_objectives(folder):
    """A service stands for all its objectives; without an offset a time is by the organisation's clocks."""
    folder.write(
        "maintenance.yaml",
        "- {from: 2026-12-01 22:00, to: 2026-12-01T23:30:00Z, services: [scoring], because: database upgrade, owner: ada}\n"
        "- {from: 2026-12-01 23:00:00, to: '2026-12-02T01:00:00+01:00', slos: [scoring-answers], because: 'and again'}\n",
    )
    slos = frozenset({"scoring-answers"})
    assert folder.load().maintenance == (
        Maintenance(utc(1, 21), utc(1, 23, 30), slos, "database upgrade", frozenset({"scoring"}), "ada"),
        Maintenance(utc(1, 22), utc(2, 0), slos, "and again"),
    )
    assert windows(folder.load().maintenance, "scoring-answers") == ((utc(1, 21), utc(2, 0)),)
    assert windows(folder.load().maintenance, "another") == ()


def test_no_file_and_no_window_plan_nothing(folder):
    """The file may be left out."""
    assert folder.load().maintenance == ()
    folder.write("maintenance.yaml", "[]\n")
    assert folder.load().maintenance == ()


@pytest.mark.parametrize(
    ("text", "where", "what"),
    [
        ("from: 2026-12-01 22:00, to: 2026-12-01 21:00, services: [scoring], because: x", "2026-12-01 21:00",
         "this window ends before it begins"),
        ("from: 2026-12-01 22:00, to: 2026-12-01 23:00, services: [scorin], because: x", "scorin]",
         "there is no service 'scorin'; did you mean 'scoring'?"),
        ("from: 2026-12-01 22:00, to: 2026-12-01 23:00, slos: [answers], because: x", "answers]",
         "there is no objective 'answers'; did you mean 'scoring-answers'?"),
        ("from: at night, to: 2026-12-01 23:00, services: [scoring], because: x", "at night", "'at night' is no time"),
        ("from: 2026-12-01, to: 2026-12-02 23:00, services: [scoring], because: x", "2026-12-01,",
         "from is a day without a time"),
        ("from: 2026-10-25 02:30, to: 2026-10-25 04:00, services: [scoring], because: x", "2026-10-25 02:30",
         "2026-10-25 02:30 comes twice in Europe/Berlin"),
        ("from: 2027-03-28 02:30, to: 2027-03-28 04:00, services: [scoring], because: x", "2027-03-28 02:30",
         "2027-03-28 02:30 does not exist in Europe/Berlin"),
        ("from: 2026-12-01 22:00, to: 2026-12-01 23:00, because: x", "{from", "this window is for nothing"),
        ("from: 2026-12-01 22:00, to: 2026-12-01 23:00, services: [scoring]", "{from", "because is missing"),
        ("from: 2026-12-01 22:00, to: 2026-12-01 23:00, services: scoring, because: x", "scoring,",
         "services is no list of names"),
        ("form: 2026-12-01 22:00, to: 2026-12-01 23:00, services: [scoring], because: x", "form", "unknown key 'form'"),
    ],
)  # fmt: skip
def test_mistakes_are_told_at_their_place(folder, text, where, what):
    """File, line and column, and what there is."""
    folder.write("maintenance.yaml", f"- {{{text}}}\n")
    assert f"{folder.place('maintenance.yaml', where)}: {what}" in folder.told()


def test_a_file_that_is_no_list(folder):
    """Told, not passed over."""
    folder.write("maintenance.yaml", "from: 2026-12-01 22:00\n")
    assert folder.told() == ["maintenance.yaml:1:1: holds no list"]


@pytest.mark.parametrize(
    ("text", "what"),
    [
        ("to: 2026-12-01 23:00, services: [scoring]", "this window holds the alerts of services, and nobody answers for it"),
        ("to: 2026-12-01 23:00, services: [scoring], owner: adda", "there is nobody called 'adda'; did you mean 'ada'?"),
        ("to: 2026-12-02 22:01, services: [scoring], owner: ada", "this window holds alerts for 24 hours"),
        ("to: 2026-12-04 22:00, services: [scoring], owner: ada, long: no", "this window holds alerts for 72 hours"),
        ("to: 2026-12-01 23:00, services: [scoring], owner: ada, long: sure", "long is no yes or no"),
    ],
)  # fmt: skip
def test_what_holds_alerts_is_owned_and_short(folder, text, what):
    """Whoever wonders why an alert is silent finds somebody to ask, and no window is forgotten for weeks."""
    folder.write("maintenance.yaml", f"- {{from: 2026-12-01 22:00, {text}, because: x}}\n")
    assert any(what in told for told in folder.told())


def test_a_window_may_be_long_where_that_is_meant(folder):
    """And one for objectives alone needs nobody: it holds no alerts."""
    folder.write(
        "maintenance.yaml",
        "- {from: 2026-12-01 22:00, to: 2026-12-20 22:00, services: [scoring], owner: ada, long: true, because: move}\n"
        "- {from: 2026-12-01 22:00, to: 2026-12-20 22:00, slos: [scoring-answers], because: move}\n",
    )
    held, other = folder.load().maintenance
    assert (held.services, held.owner) == (frozenset({"scoring"}), "ada")
    assert other.services == frozenset()
