"""Escalations, who they lead to, and how a person is reached: read as meant, and refused where nobody could be."""

import re
from datetime import timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bot.rota.escalation import Escalation, Level
from tests.config.folder import PEOPLE, TOCSIN, Folder
from tests.config.test_problems import ODD
from tests.config.test_rotas import FEED, ROTA

ESCALATION = """\
levels:
  - page: ["rota:ml"]
    within: 5m
  - page: [rota:ml, ada]
rounds: 2
end: [ben]
"""
FULL = """\
ada:
  name: Ada
  slack: {user: U0ADA}
  phone: '+49 (0)30 123-456'
  zone: Asia/Tokyo
  reach: [sms, slack]
ben:
  name: Ben
  email: ben@example.com
  push: {ntfy: {env: NTFY}, pushover: {file: key}}
"""


@pytest.fixture
def folder(tmp_path):
    made = Folder(tmp_path)
    made.write("rotas/ml.yaml", ROTA)
    made.write("escalations/ml.yaml", ESCALATION)
    made.change("services/scoring.yaml", "on_call: [ada, ben]", "escalation: ml")
    return made


def test_an_escalation_is_read_as_it_stands(folder):
    """Levels with their time, rounds and the end; a service names it."""
    installation = folder.load()
    expected = Escalation(
        "ml", (Level(("rota:ml",), timedelta(minutes=5)), Level(("rota:ml", "ada"))), rounds=2, end=("ben",)
    )
    assert installation.escalations == {"ml": expected}
    assert installation.escalation_of(installation.services["scoring"]) == expected
    assert installation.ever_on_call(installation.services["scoring"]) == ("ada", "ben")


def test_without_an_escalation_each_entry_is_a_level(folder):
    """As it always was; an entry may be a rota."""
    folder.change("services/features.yaml", "[ada]", "[ada, 'rota:ml']")
    installation = folder.load()
    found = installation.escalation_of(installation.services["features"])
    assert found == Escalation("features", (Level(("ada",)), Level(("rota:ml",))), rounds=3)


@pytest.mark.parametrize(
    ("file", "old", "new", "where", "what"),
    [
        ("escalations/ml.yaml", '["rota:ml"]', '["rota:mll"]', '"rota:mll"', "there is no rota 'mll'; did you mean 'ml'?"),
        ("escalations/ml.yaml", '["rota:ml"]', "[ml]", "ml]\n    within", "there is no person 'ml', and there is a rota of that name"),
        ("escalations/ml.yaml", "rota:ml, ada]", "rota:ml, adda]", "adda", "there is no person 'adda'; did you mean 'ada'?"),
        ("escalations/ml.yaml", "end: [ben]", "end: [bne]", "bne", "there is no person 'bne'; did you mean 'ben'?"),
        ("escalations/ml.yaml", "within: 5m", "within: 5", "5\n", "5 has no unit"),
        ("escalations/ml.yaml", "within: 5m", "within: 1s", "1s", "within is 1s"),
        ("escalations/ml.yaml", "rounds: 2", "rounds: 0", "0\n", "rounds is 0"),
        ("escalations/ml.yaml", "rounds", "round", "round", "unknown key 'round'; did you mean 'rounds'?"),
        ("escalations/ml.yaml", '["rota:ml"]', "[]", "[]", "page is a list"),
        ("services/scoring.yaml", "escalation: ml", "escalation: mll", "mll\ntier", "there is no escalation 'mll'; did you mean 'ml'?"),
        ("services/scoring.yaml", "escalation: ml", "escalation: ml\non_call: [ada]", "ml\non_call", "scoring has both on_call and an escalation"),
        ("services/scoring.yaml", "escalation: ml", "on_call: ['rota:mll']", "'rota:mll'", "there is no rota 'mll'; did you mean 'ml'?"),
    ],
)  # fmt: skip
def test_a_mistake_is_told_where_it_stands(folder, file, old, new, where, what):
    """A name that stands for nothing, a time without its unit, two ways to page at once."""
    folder.change(file, old, new)
    assert f"{folder.place(file, where)}: {what}" in folder.told()


def test_who_cannot_be_reached_is_told_where_they_are_on_call(folder):
    """In the rota, the escalation or the service, whichever names them; a phone is enough."""
    folder.change("people.yaml", "  email: ben@example.com\n", "")
    rota, escalation = folder.place("rotas/ml.yaml", "ben, [ada"), folder.place("escalations/ml.yaml", "ben]")
    assert folder.told() == [f"{at}: ben is on call and cannot be reached" for at in (escalation, rota)]
    folder.write("people.yaml", folder.text("people.yaml") + "  phone: '+4930123456'\n")
    assert folder.told() == []


def warned(folder):
    return [each.what for each in folder.load().warnings]


def test_people_without_slack_are_seen_through_rotas_and_escalations(folder):
    """Once in each file that names them; not where they chose channels without Slack."""
    no_slack = "ben is on call and has no Slack account to be paged at"
    assert warned(folder).count(no_slack) == 2
    folder.change("tocsin.yaml", "regimes:", "pagers: [slack, email: {host: mail}]\nregimes:")
    folder.write("people.yaml", PEOPLE + "  reach: [email]\n")
    assert no_slack not in warned(folder)


def test_nobody_is_on_call_only_where_there_is_neither(folder):
    """An escalation is somebody."""
    assert "nobody is on call for scoring" not in warned(folder)
    folder.change("services/scoring.yaml", "escalation: ml\n", "")
    assert "nobody is on call for scoring" in warned(folder)


def test_a_rule_for_whoever_is_on_call_looks_through_rotas(folder):
    """A badge that only those in the rota have is somebody's; of a schedule kept elsewhere it may be anybody's."""
    folder.change("tocsin.yaml", "['@ada']", "[on-call]")
    folder.change("tocsin.yaml", "  approve:\n", "  propose: [on-call]\n  approve:\n")
    assert folder.told() == []
    folder.write("rotas/ml.yaml", FEED)
    assert folder.told() == []
    folder.change("services/scoring.yaml", "escalation: ml\n", "")
    assert any("nobody in people.yaml may propose" in each for each in folder.told())


def test_how_a_person_is_reached(folder):
    """A phone is normalised, references are looked up, and what is private is in no text of it."""
    folder.environ["NTFY"] = "hush-topic"
    folder.write("key", "hush-key\n")
    folder.change("tocsin.yaml", "regimes:", "pagers: [slack, sms]\nregimes:")
    folder.write("people.yaml", FULL)
    installation = folder.load()
    ada, ben = installation.contacts["ada"], installation.contacts["ben"]
    assert (ada.phone, ada.zone, ada.reach) == ("+4930123456", "Asia/Tokyo", ("sms", "slack"))
    assert (ben.email, dict(ben.handles)) == ("ben@example.com", {"ntfy": "hush-topic", "pushover": "hush-key"})
    assert not any(private in repr(installation) for private in ("hush", "+4930"))
    assert not any(hasattr(profile, "phone") for profile in installation.people)


@pytest.mark.parametrize(
    ("old", "new", "where", "what"),
    [
        ("'+49 (0)30 123-456'", "+4930123456", "+4930123456", "the phone was read as a number: it stands in quotes"),
        ("'+49 (0)30 123-456'", "'030 123456'", "'030", "the phone is no international number"),
        ("'+49 (0)30 123-456'", "'+49 call me'", "'+49", "the phone is no international number"),
        ("Asia/Tokyo", "Tokyo", "Tokyo", "there is no time zone 'Tokyo'"),
        ("[sms, slack]", "[sms, slak]", "slak", "there is no pager 'slak' in tocsin.yaml; did you mean 'slack'?"),
        ("[sms, slack]", "[sms, sms]", "sms]", "sms stands here twice"),
        ("  phone: '+49 (0)30 123-456'\n", "", "sms,", "ada cannot be reached by sms"),
        ("{env: NTFY}", "{env: NOT_SET}", "{env: NOT_SET}", "missing secret: the environment has no NOT_SET"),
        ("{file: key}", "plain", "plain", "a secret must be a reference: pushover is written out here"),
        ("pushover:", "pushoever:", "pushoever", "unknown key 'pushoever'; did you mean 'pushover'?"),
    ],
)
def test_a_mistake_in_how_a_person_is_reached(folder, old, new, where, what):
    """Told where it stands; a value from outside is shown in no complaint."""
    folder.environ["NTFY"] = "topic"
    folder.write("key", "hush-key\n")
    folder.change("tocsin.yaml", "regimes:", "pagers: [slack, sms]\nregimes:")
    folder.write("people.yaml", FULL)
    folder.change("people.yaml", old, new)
    assert any(each.startswith(f"{folder.place('people.yaml', where)}: {what}") for each in folder.told())


# -- pagers ------------------------------------------------------------------------------------------------------------


def test_pagers_keep_their_order_and_their_settings(folder):
    """A name alone has the settings it needs no words for."""
    folder.environ["MAIL"] = "hush"
    folder.change(
        "tocsin.yaml",
        "regimes:",
        "pagers:\n  - sms\n  - email: {host: mail, password: {env: MAIL}}\n  - slack\nregimes:",
    )
    pagers = folder.load().pagers
    assert list(pagers) == ["sms", "email", "slack"]
    assert (pagers["email"].host, pagers["email"].password.get_secret_value()) == ("mail", "hush")
    assert pagers["sms"].rows == 100


@pytest.mark.parametrize(
    ("written", "where", "what"),
    [
        ("[email]", "email]", "'host' is missing"),
        ("[email: {hots: mail}]", "hots", "unknown key 'hots'; did you mean 'host'?"),
        ("[email: {host: mail, password: hush}]", "hush", "a secret must be a reference: password is written out here"),
        ("[email: mail]", "mail]", "the settings of email are the text 'mail'"),
        ("[{email: {host: mail}, sms: {}}]", "{email: {", "this is a map of 2 names"),
        ("[31]", "31]", "this is the number 31"),
        ("[sms, slack, sms]", "sms]", "sms stands here twice"),
        ("sms", "sms\n", "pagers is 'sms'"),
        ("[emial: {host: mail}]", "emial", "there is no pager 'emial'; did you mean 'email'?"),
    ],
)
def test_a_mistake_among_the_pagers(folder, written, where, what):
    """Told where it stands."""
    folder.change("tocsin.yaml", "regimes:", f"pagers: {written}\nregimes:")
    assert f"{folder.place('tocsin.yaml', where)}: {what}" in folder.told()


def test_an_escalation_that_is_broken_is_told_once(folder):
    """Who names it is not told that it is not there."""
    folder.write("escalations/ml.yaml", "levels: []\n")
    assert len(folder.told()) == 1


# -- whatever stands there ---------------------------------------------------------------------------------------------

PAGED = TOCSIN.replace("regimes:", "pagers: [slack, sms: {rows: 3}]\nregimes:")
FILES = {
    "rotas/ml.yaml": ROTA,
    "rotas/data.yaml": FEED,
    "escalations/ml.yaml": ESCALATION,
    "people.yaml": FULL,
    "tocsin.yaml": PAGED,
}
MORE = (
    *ODD,
    "09:00",
    "17:00",
    "2026-01-05",
    "[[ada], ben]",
    "[[[ada]]]",
    "{weeks: 1, days: 1}",
    "{true: 1}",
    "rota:ml",
)
VALUE = re.compile(r": ?([^\n{\[,}]+|\{[^\n]*\}|\[[^\n]*\])")


def odd_places():
    """Each value of each file."""
    return [(name, match.span(1)) for name, text in FILES.items() for match in VALUE.finditer(text)]


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(place=st.sampled_from(odd_places()), odd=st.sampled_from(MORE))
def test_whatever_stands_there_is_read_or_complained_about(tmp_path, place, odd):
    """A value of any kind in any place of a rota, an escalation or a person leads to no accident, and tells no secret."""
    folder = Folder(tmp_path)
    folder.environ["NTFY"] = "hush-topic"
    for name, text in {**FILES, "key": "hush-key"}.items():
        folder.write(name, text)
    name, (start, end) = place
    folder.write(name, FILES[name][:start] + odd + FILES[name][end:])
    for problem in folder.problems():
        assert not [secret for secret in ("hush-key", *folder.environ.values()) if secret in str(problem)]
        assert problem.line >= 1
        assert problem.what
