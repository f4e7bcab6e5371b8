"""Rotas as people write them are read as they are meant; what could be meant otherwise is refused at its place."""

from datetime import datetime, time, timedelta

import pytest

from bot.rota.rota import Layer, Only, Override, Rota, Turn, Unit
from bot.rota.shifts import on_call
from tests.config.folder import Folder

ROTA = """\
title: ML platform, first line
zone: Europe/Berlin
layers:
  - name: base
    from: 2026-01-05 09:00
    to: 2027-01-04 09:00
    turn: weekly
    people: [ada, ben, [ada, ben]]
  - from: 2026-01-05 09:00
    zone: Asia/Tokyo
    turn: {hours: 12}
    people: [ben]
    only:
      - {days: mon-wed, from: "09:00", to: "17:00"}
      - {from: fri 17:00, to: mon 09:00}
overrides:
  - {from: 2026-12-24 09:00, to: 2026-12-27 09:00, person: ben, instead_of: ada}
  - {from: 2026-12-28 09:00, to: 2026-12-29 09:00, person: ada}
"""
FEED = """\
title: Data, second line
zone: Europe/Berlin
provider: ical
settings: {url: {env: PROM_TOKEN}, every: 10m}
"""


def wall(month: int, day: int, hour: int = 9, year: int = 2026) -> datetime:
    return datetime(year, month, day, hour)


@pytest.fixture
def folder(tmp_path):
    made = Folder(tmp_path)
    made.write("rotas/ml.yaml", ROTA)
    return made


def test_a_rota_is_read_as_it_stands(folder):
    """Layers in their order, turns of one or several, restrictions by days and by the week, overrides."""
    assert folder.load().rotas["ml"] == Rota(
        name="ml",
        zone="Europe/Berlin",
        title="ML platform, first line",
        layers=(
            Layer("base", (("ada",), ("ben",), ("ada", "ben")), wall(1, 5), Turn(1, Unit.WEEKS), wall(1, 4, year=2027)),
            Layer(
                "",
                (("ben",),),
                wall(1, 5),
                Turn(12, Unit.HOURS),
                only=(*(Only(day, time(9), day, time(17)) for day in range(3)), Only(4, time(17), 0, time(9))),
                zone="Asia/Tokyo",
            ),
        ),
        overrides=(
            Override(wall(12, 24), wall(12, 27), "ben", "ada"),
            Override(wall(12, 28), wall(12, 29), "ada"),
        ),
    )


@pytest.mark.parametrize(
    ("old", "new", "only"),
    [
        ("only:\n", "only:\n      - {from: '22:00', to: '06:00'}\n", Only(6, time(22), 0, time(6))),
        ("days: mon-wed", "days: [sat, Sunday]", Only(6, time(9), 6, time(17))),
        ("days: mon-wed", "days: 'fri-mon, wed'", Only(2, time(9), 2, time(17))),
        ('to: "17:00"', 'to: "24:00"', Only(2, time(9), 3, time(0))),
        ('from: "09:00", to: "17:00"', "from: 09:00, to: '9:00'", Only(1, time(9), 2, time(9))),
        ("fri 17:00, to: mon 09:00", "friday 7:30, to: sun 24:00", Only(4, time(7, 30), 0, time(0))),
    ],
)
def test_a_restriction_may_be_written_in_several_ways(folder, old, new, only):
    """Without days it holds on each; an end at or before its beginning is the next day's."""
    folder.change("rotas/ml.yaml", old, new)
    assert only in folder.load().rotas["ml"].layers[1].only


@pytest.mark.parametrize("written", ["2026-01-05T09:00", "2026-01-05 09:00:00", "'2026-01-05  9:00'", "2026-1-5 9:00"])
def test_a_moment_may_be_written_in_several_ways(folder, written):
    """With seconds YAML reads a time itself; that is the same wall-clock time."""
    folder.write(
        "rotas/ml.yaml", ROTA.replace("name: base\n    from: 2026-01-05 09:00", f"name: base\n    from: {written}")
    )
    assert folder.load().rotas["ml"].layers[0].start == wall(1, 5)


@pytest.mark.parametrize(
    ("old", "new", "where", "what"),
    [
        ('from: "09:00"', "from: 9:00", '9:00, to: "17', "from was read as the number 540: without quotes YAML takes a time for one"),
        ('to: "17:00"', "to: 17:00", "17:00}", "to was read as the number 1020: without quotes YAML takes a time for one"),
        ('to: "17:00"', "to: '17.00'", "'17.00'", "'17.00' is no time of day"),
        ('to: "17:00"', "to: '24:30'", "'24:30'", "'24:30' is no time of day"),
        ('from: "09:00"', "from: '24:00'", "'24:00'", "no day begins at 24:00"),
        ("fri 17:00", "fry 17:00", "fry 17:00", "'fry 17:00' is no time of the week"),
        ("fri 17:00", "17:00", "17:00, to: mon", "from was read as the number 1020: without quotes YAML takes a time for one"),
        ("mon-wed", "mon-wens", "mon-wens", "'mon-wens' is no weekday"),
        ("days: mon-wed, from", "days: mon-wed, form", 'form: "09', "unknown key 'form'"),
        ("turn: weekly", "turn: wekly", "wekly", "turn is the text 'wekly'; did you mean 'weekly'?"),
        ("turn: weekly", "turn: {months: 1}", "{months", "turn is a map"),
        ("turn: weekly", "turn: {weeks: 0}", "0}\n    people: [ada", "weeks is the number 0"),
        ("    turn: weekly\n", "", "name: base", "turn is missing"),
        ("to: 2027-01-04 09:00", "to: 2025-01-04 09:00", "2025-01-04", "this layer ends before it begins"),
        ("to: 2027-01-04 09:00", "to: 2027-01-04", "2027-01-04\n", "to is a day without a time"),
        ("to: 2027-01-04 09:00", "to: 2027-01-04T09:00:00Z", "2027-01-04T", "to has an offset, and a rota goes by the clocks of its zone"),
        ("to: 2027-01-04 09:00", "to: 2027-01-04 09:00+01:00", "2027-01-04 09", "'2027-01-04 09:00+01:00' has an offset, and a rota goes by the clocks of its zone"),
        ("to: 2027-01-04 09:00", "to: 2027-02-30 09:00", "2027-02-30", "'2027-02-30 09:00' is no time: "),
        ("to: 2027-01-04 09:00", "to: 9999-01-04 09:00", "9999-", "9999-01-04 is no day anybody plans for"),
        ("to: 2027-01-04 09:00", "to: next year", "next year", "'next year' is no time"),
        ("zone: Asia/Tokyo", "zone: Asia/Tokio", "Asia/Tokio", "there is no time zone 'Asia/Tokio'"),
        ("zone: Europe/Berlin\n", "", "title: ML", "zone is missing"),
        ("people: [ben]", "people: []", "[]", "people is empty"),
        ("people: [ben]", "people: [bne]", "bne", "there is no person 'bne'; did you mean 'ben'?"),
        ("[ada, ben]]", "[ada, ada]]", "ada]]", "ada stands in this turn twice"),
        ("  - from: 2026-01-05", "  - name: base\n    from: 2026-01-05", "base\n    from: 2026-01-05 09:00\n    zone", "the layer 'base' stands here twice"),
        ("person: ben, instead_of: ada", "person: ben, instead_of: adda", "adda", "there is no person 'adda'; did you mean 'ada'?"),
        ("person: ben, instead_of: ada", "person: eve, instead_of: ada", "eve", "there is no person 'eve'"),
        ("person: ben, instead_of: ada", "person: ada, instead_of: ada", "ada}\n  - {from: 2026-12-28", "ada cannot stand in for themselves"),
        ("person: ben, instead_of: ada", "instead_of: ada", "{from: 2026-12-24", "person is missing"),
        ("to: 2026-12-27 09:00", "to: 2026-12-23 09:00", "2026-12-23", "this override ends before it begins"),
        ("layers:", "layer:", "layer:", "unknown key 'layer'"),
    ],
)  # fmt: skip
def test_a_mistake_is_told_where_it_stands(folder, old, new, where, what):
    """With file, line and column, in a sentence."""
    folder.change("rotas/ml.yaml", old, new)
    assert any(each.startswith(f"{folder.place('rotas/ml.yaml', where)}: {what}") for each in folder.told())


def test_nobody_may_stand_in_for_somebody(folder):
    """An empty person takes somebody away; that is written out, and not what a forgotten line means."""
    folder.change("rotas/ml.yaml", "person: ben, instead_of: ada", "person: '', instead_of: ada")
    assert folder.load().rotas["ml"].overrides[0] == Override(wall(12, 24), wall(12, 27), "", "ada")


def test_a_schedule_kept_elsewhere_has_the_settings_of_its_provider(folder):
    """Checked by the provider's own model, its secrets looked up."""
    folder.write("rotas/data.yaml", FEED)
    installation = folder.load()
    provider, settings, title, zone = installation.schedules["data"]
    assert (provider, title, zone) == ("ical", "Data, second line", "Europe/Berlin")
    assert (settings.url.get_secret_value(), settings.every) == ("p-1", timedelta(minutes=10))
    assert list(installation.rotas) == ["ml"]


@pytest.mark.parametrize(
    ("old", "new", "where", "what"),
    [
        ("ical", "icle", "icle", "there is no on-call provider 'icle'; did you mean 'ical'?"),
        ("{env: PROM_TOKEN}", "https://feed", "https", "a secret must be a reference: url is written out here"),
        ("every", "evry", "evry", "unknown key 'evry'; did you mean 'every'?"),
        ("zone: Europe/Berlin\n", "", "title", "zone is missing"),
        ("provider: ical\n", "", "title", "provider is missing"),
        ("title:", "layers: []\ntitle:", "layers", "unknown key 'layers'"),
    ],
)
def test_a_mistake_in_a_schedule_kept_elsewhere(folder, old, new, where, what):
    """Told like any other setting."""
    folder.write("rotas/data.yaml", FEED.replace(old, new))
    assert f"{folder.place('rotas/data.yaml', where)}: {what}" in folder.told()


def test_a_name_stands_once_and_is_a_name(folder):
    """The file's name is the rota's."""
    folder.write("rotas/ml.yml", ROTA)
    folder.write("rotas/My Rota.yaml", ROTA)
    assert folder.told() == [
        "rotas/My Rota.yaml:1:1: the file's name is the rota's, and 'My Rota' is no name",
        "rotas/ml.yml:1:1: the rota 'ml' stands in ml.yaml already",
    ]


def test_no_folder_is_no_rota(tmp_path):
    """Rotas may be left out."""
    installation = Folder(tmp_path).load()
    assert (installation.rotas, installation.schedules, installation.escalations) == ({}, {}, {})


def test_what_was_read_says_who_is_on_call(folder):
    """On the first Wednesday by Berlin's clock ada has the week, and Tokyo's afternoon is ben's."""
    rota = folder.load().rotas["ml"]
    assert on_call(rota, datetime.fromisoformat("2026-01-07T12:00:00+01:00")) == ("ada",)
    assert on_call(rota, datetime.fromisoformat("2026-01-07T12:00:00+09:00")) == ("ben",)
