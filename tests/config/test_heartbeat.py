"""`heartbeat`, `admins` and the token of /metrics in tocsin.yaml, and what no maintenance may silence."""

from datetime import timedelta

import pytest

from tests.config.folder import Folder
from tests.config.reading import place


@pytest.fixture
def folder(tmp_path):
    return Folder(tmp_path)


def with_lines(folder: Folder, text: str) -> str:
    """Put these lines at the end of tocsin.yaml; its whole text."""
    folder.change("tocsin.yaml", "regimes: [eu_gdpr_art33]\n", f"regimes: [eu_gdpr_art33]\n{text}\n")
    return folder.text("tocsin.yaml")


def test_left_out_nobody_is_told_from_outside(folder):
    """Without an administrator nobody is told from inside either."""
    found = folder.load()
    assert (found.heartbeat, found.admins, found.web.metrics_token) == (None, (), None)


def test_a_heartbeat_is_an_address_and_a_rhythm(folder):
    """By reference or plain; shown in no text of the installation."""
    with_lines(folder, "heartbeat: {url: https://beats.example/ping/abc, every: 2m, within: 5s, method: GET}")
    beat = folder.load().heartbeat
    assert (beat.url, beat.every, beat.within) == (
        "https://beats.example/ping/abc", timedelta(minutes=2), timedelta(seconds=5),
    )  # fmt: skip
    assert "abc" not in repr(folder.load())


def test_a_heartbeat_by_reference(folder):
    """Its rhythm left out is a minute."""
    with_lines(folder, "heartbeat: {url: {env: BEAT}}")
    folder.environ["BEAT"] = "https://beats.example/ping/abc"
    assert (folder.load().heartbeat.url, folder.load().heartbeat.every) == (
        folder.environ["BEAT"],
        timedelta(minutes=1),
    )
    folder.environ["BEAT"] = "canary-7f3a9c"
    (problem,) = folder.problems()
    assert "this is no address" in str(problem)
    assert "canary" not in str(problem)


@pytest.mark.parametrize(
    ("text", "where", "what"),
    [
        ("heartbeat: {url: beats}", "beats", "this is no address"),
        ("heartbeat: {url: 'http://beats.example/x'}", "'http://beats", "the address would travel in the clear"),
        ("heartbeat: {url: 'https://b.example/x', every: 1s}", "1s", "at least"),
        ("heartbeat: {url: 'https://b.example/x', every: 60}", "60", "60 has no unit"),
        ("heartbeat: {url: 'https://b.example/x', method: PUT}", "PUT", "POST"),
        ("admins: [ida]", "ida", "there is no person 'ida'"),
        ("admins: [adaa]", "adaa", "did you mean 'ada'?"),
    ],
)
def test_mistakes_are_told_at_their_place(folder, text, where, what):
    """In the words of whoever writes the file."""
    whole = with_lines(folder, text)
    (problem,) = folder.problems()
    assert what in str(problem)
    assert f":{place(whole, where)}:" in str(problem)


def test_admins_are_those_named_or_those_with_the_role(folder):
    """Named ones come in their order."""
    folder.change("people.yaml", "ben:\n  name: Ben\n", "ben:\n  name: Ben\n  roles: [responder, admin]\n")
    assert folder.load().admins == ("ben",)
    with_lines(folder, "admins: [ada, ben]")
    assert folder.load().admins == ("ada", "ben")


def test_the_token_of_metrics_is_a_reference(folder):
    """Written out it is refused, as every secret is."""
    with_lines(folder, "web: {metrics_token: {env: PROM_TOKEN}}")
    assert folder.load().web.metrics_token.get_secret_value()
    folder.change("tocsin.yaml", "{env: PROM_TOKEN}}\n", "plain}\n")
    assert any("a secret must be a reference" in str(each) for each in folder.problems())


@pytest.mark.parametrize(
    ("what", "where"),
    [("services: [tocsin]", "tocsin]"), ("slos: [tocsin-pages]", "tocsin-pages"),
     ("services: [scoring, tocsin]", "tocsin]")],
)  # fmt: skip
def test_no_maintenance_silences_tocsin_itself(folder, what, where):
    """Its own health is watched whatever is planned: nobody else would say that it does not work."""
    text = f"- {{from: 2026-12-01 22:00, to: 2026-12-01 23:00, {what}, because: upgrade}}\n"
    folder.write("maintenance.yaml", text)
    (problem,) = folder.problems()
    assert "no maintenance silences Tocsin itself" in str(problem)
    assert f":{place(text, where)}:" in str(problem)
