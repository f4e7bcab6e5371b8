"""`web.oidc`, `web.session` and people's subjects: what is taken, what is refused, and where the mistake stands."""

from __future__ import annotations

from datetime import timedelta

import pytest

from bot import openings
from bot.clock import SystemClock
from bot.domain.policy import Role
from tests.config.folder import Folder
from tests.config.test_heartbeat import with_lines

OIDC = "issuer: https://login.example.com/, client_id: tocsin, client_secret: {env: OIDC_SECRET}"


@pytest.fixture
def folder(tmp_path):
    return Folder(tmp_path)


@pytest.fixture
def known(folder):
    """A folder whose environment has the client's secret."""
    folder.environ["OIDC_SECRET"] = "zzz-client-secret"
    return folder


def test_left_out_people_come_in_by_links(folder):
    """Half an hour idle and twelve hours are the product's own."""
    sign_in = openings.sign_in(folder.load(), SystemClock())
    assert (sign_in.provider, sign_in.idle, sign_in.lasts) == (None, timedelta(minutes=30), timedelta(hours=12))


def test_a_provider_with_everything(known):
    """It is opened as it is written, its secret is shown nowhere, and people's subjects go with it."""
    groups = "groups: {responder: [sre], admin: [platform, owners]}"
    with_lines(known, f"web: {{session: {{idle: 10m, lasts: 8h}}, oidc: {{{OIDC}, title: Example, {groups}}}}}")
    known.change("people.yaml", "ben:\n  name: Ben\n", "ben:\n  name: Ben\n  oidc: {sub: sub-ben}\n")
    found = known.load()
    assert "zzz-client-secret" not in repr(found)
    sign_in = openings.sign_in(found, SystemClock())
    assert sign_in.provider is not None
    assert sign_in.provider.issuer == "https://login.example.com"
    assert (sign_in.title, sign_in.subjects) == ("Example", {"sub-ben": "ben"})
    assert sign_in.groups[Role.ADMIN] == {"platform", "owners"}
    assert (sign_in.idle, sign_in.lasts) == (timedelta(minutes=10), timedelta(hours=8))
    assert sign_in.provider.known.groups_claim == "groups"


def test_without_groups_nobody_asks_for_them(known):
    """The provider's host is its title then, and people.yaml gives the roles."""
    with_lines(known, f"web: {{oidc: {{{OIDC}}}}}")
    sign_in = openings.sign_in(known.load(), SystemClock())
    assert sign_in.provider is not None
    assert (sign_in.title, sign_in.provider.known.groups_claim) == ("login.example.com", "")


@pytest.mark.parametrize(
    ("lines", "said"),
    [
        ("web: {oidc: {issuer: http://login.example.com, client_id: t, client_secret: {env: OIDC_SECRET}}}", "clear"),
        ("web: {oidc: {issuer: login.example.com, client_id: t, client_secret: {env: OIDC_SECRET}}}", "no provider"),
        ("web: {oidc: {issuer: https://a.b, client_id: t, client_secret: plain}}", "must be a reference"),
        ("web: {oidc: {issuer: https://a.b, client_id: t}}", "client_secret"),
        ("web: {oidc: {issuer: https://a.b, client_id: t, client_secret: {env: EMPTY}}}", "empty"),
        (f"web: {{oidc: {{{OIDC}, groups: {{chief: [x]}}}}}}", "chief"),
        (f"web: {{oidc: {{{OIDC}, groups: {{admin: []}}}}}}", "no group gives the role admin"),
        (
            f"web: {{oidc: {{{OIDC}, groups: {{admin: [x]}}}}}}".replace("login.example.com", "slack.com"),
            "Slack tells nobody's",
        ),
        ("web: {session: {idle: 5s}}", "idle"),
        ("web: {session: {lasts: 13h}}", "lasts"),
    ],
)
def test_what_cannot_be_meant_is_refused(known, lines, said):
    """Each with its place; no message holds the secret."""
    known.environ["EMPTY"] = " "
    with_lines(known, lines)
    told = " ".join(known.told())
    assert said in told
    assert "zzz-client-secret" not in told
    assert "plain" not in told.replace("explain", "")


def test_one_subject_is_one_person(known):
    """Two who share one could not be told apart when they log in."""
    with_lines(known, f"web: {{oidc: {{{OIDC}}}}}")
    known.change("people.yaml", "ben:\n  name: Ben\n", "ben:\n  name: Ben\n  oidc: {sub: one}\n")
    known.write("people.yaml", known.text("people.yaml") + "zoe:\n  name: Zoe\n  oidc: {sub: one}\n")
    (told,) = [each for each in known.told() if "subject" in each]
    assert "'one' is ben's subject with the provider already" in told


def test_what_is_likely_a_mistake_is_warned_of(known):
    """Subjects without a provider, and groups of which none makes an administrator."""
    known.change("people.yaml", "ben:\n  name: Ben\n", "ben:\n  name: Ben\n  oidc: {sub: one}\n")
    assert any("no provider is set" in str(each) for each in known.load().warnings)
    with_lines(known, f"web: {{oidc: {{{OIDC}, groups: {{responder: [sre]}}}}}}")
    warned = [str(each) for each in known.load().warnings]
    assert not any("no provider is set" in each for each in warned)
    assert any("no group of the provider gives the role admin" in each for each in warned)
