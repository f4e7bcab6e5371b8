"""A service's prediction log in the catalogue: read whole, or every mistake named by line, and no secret repeated."""

from __future__ import annotations

import pytest

from bot.domain.policy import Policy, Role
from tests.config.folder import Folder

WHOLE = """\
prediction_log:
  from: {env: DECISIONS}
  table: hr.decisions
  columns:
    at: decided_at
    version: model
    person: applicant
    outcome: verdict
    decision: id
    groups: [sex, age_band]
    slices: [channel]
    country: country
    state: state
  adverse: [reject, 0, false]
  timezone: Europe/Berlin
"""
PLAIN = """\
prediction_log:
  from: /data/decisions/*.parquet
  columns: {at: at, version: version, person: person, outcome: outcome}
  adverse: [reject]
"""


@pytest.fixture
def folder(tmp_path) -> Folder:
    return Folder(tmp_path)


def with_log(folder: Folder, text: str = PLAIN) -> Folder:
    folder.write("services/scoring.yaml", folder.text("services/scoring.yaml") + text)
    return folder


def test_everything_it_can_say(folder: Folder) -> None:
    """The address comes from the environment and is shown nowhere; outcomes are texts as they stand in the log."""
    folder.environ["DECISIONS"] = "postgresql://reader:hunter2@db/hr"
    service = with_log(folder, WHOLE).load().services["scoring"]
    told = service.prediction_log
    assert told is not None
    assert (told.place, told.table, told.is_database) == (folder.environ["DECISIONS"], "hr.decisions", True)
    assert told.adverse == ("reject", "0", "false")
    assert told.columns == (
        "decided_at", "model", "applicant", "verdict", "id", "country", "state", "sex", "age_band", "channel",
    )  # fmt: skip
    assert told.timezone == "Europe/Berlin"
    assert "hunter2" not in repr(service)


def test_little_is_enough(folder: Folder) -> None:
    """Files, four columns and what is adverse; a service may have none at all."""
    told = with_log(folder).load().services["scoring"].prediction_log
    assert told is not None
    assert (told.place, told.is_database, told.groups, told.timezone) == ("/data/decisions/*.parquet", False, (), "")
    assert folder.load().services["features"].prediction_log is None


# (old, new, where it is told: the letters that begin there, what is said)
MISTAKES = {
    "unknown key": ("  adverse:", "  advers:", "advers:", "unknown key 'advers'; did you mean 'adverse'?"),
    "unknown column": ("at: at", "att: at", "att:", "unknown key 'att'; did you mean 'at'?"),
    "no person": (", person: person", "", "{at: at", "'person' is missing"),
    "nothing adverse": ("adverse: [reject]", "adverse: []", "[]", "adverse is a list"),
    "nowhere": ("  from: /data/decisions/*.parquet\n", "", "columns", "'from' is missing"),
    "no such kind of file": ("*.parquet", "*.xlsx", "/data", "expected a path that ends in .parquet, .csv, .csv.gz, "),
    "no such database": ("/data/decisions/*.parquet", "mysql://db/x", "mysql", "expected an address that begins with "),
    "password": ("/data/decisions/*.parquet", "'postgresql://u:hunter2@db/x'", "'postgresql", "a secret must be a refe"),
    "no table": ("/data/decisions/*.parquet", "'postgresql://db/x'", "from", "expected table, the name of one, for a"),
    "table of files": ("  adverse:", "  table: x\n  adverse:", "from", "expected table, the name of one, for a"),
    "missing secret": ("/data/decisions/*.parquet", "{env: NOT_SET}", "{env: NOT", "missing secret: the environment has"),
    "unknown zone": ("  adverse:", "  timezone: Mars/Base\n  adverse:", "Mars", "there is no time zone 'Mars/Base'"),
    "groups of one": ("outcome: outcome", "outcome: outcome, groups: [sex, person]", "{at:", "person tells one person"),
    "state of one": ("outcome: outcome", "outcome: outcome, decision: id, state: id", "{at:", "id tells one person or "),
}  # fmt: skip


@pytest.mark.parametrize("name", MISTAKES)
def test_every_mistake_has_its_line(folder: Folder, name: str) -> None:
    """What is wrong, where it stands; and nothing of what a secret holds."""
    old, new, at, said = MISTAKES[name]
    with_log(folder, PLAIN.replace(old, new))
    told = folder.told()
    (line,) = [each.split(":", 3) for each in told if each.split(":", 3)[3].strip().startswith(said)]
    assert line[0] == "services/scoring.yaml"
    assert at in folder.text("services/scoring.yaml").splitlines()[int(line[1]) - 1], told
    assert "hunter2" not in " ".join(told)


def test_who_may_have_people(folder: Folder) -> None:
    """Counsel, or whom the policy names."""
    assert folder.load().policy.people_data == {Role.COUNSEL}
    folder.change("tocsin.yaml", "policy:\n", "policy:\n  people_data: ['@ada', manager]\n")
    assert folder.load().policy.people_data == {"@ada", Role.MANAGER}
    assert Policy().people_data == {Role.COUNSEL}
