"""`status` of tocsin.yaml: the page, its components, who approves, and maintenance in words for readers."""

from __future__ import annotations

import pytest

from bot.domain.status_page import Announced, Component
from bot.domain.status_rules import StatusRules
from tests.config.folder import Folder
from tests.config.reading import place
from tests.config.test_heartbeat import with_lines

PAGE = "status: {{audience: public, components: [{{name: web, title: Website, services: [scoring]}}, {{name: api, public: false}}]{more}}}"
APPROVE = ", approve: ['@ada'], four_eyes: false"


@pytest.fixture
def folder(tmp_path):
    return Folder(tmp_path)


def test_left_out_there_is_none(folder):
    """And no statement can be drafted."""
    found = folder.load()
    assert (found.status, found.policy.status) == (None, None)


def test_a_page_with_its_components_and_rules(folder):
    """A component without a title is called by its name; the rules are the handler's."""
    with_lines(folder, PAGE.format(more=APPROVE))
    found = folder.load()
    assert found.status.shown() == (
        Component("web", "Website", ("scoring",)), Component("api", "api", (), public=False),
    )  # fmt: skip
    assert found.policy.status == StatusRules(("web", "api"), frozenset({"@ada"}), four_eyes=False)


@pytest.mark.parametrize(
    ("text", "where", "what"),
    [
        ("status: {audience: everybody, components: [{name: web}], approve: ['@ada']}", "everybody", "public"),
        ("status: {audience: public, components: [], approve: ['@ada']}", "[], app", "at least"),
        ("status: {audience: public, components: [{name: Web}], approve: ['@ada']}", "Web}", "pattern"),
        ("status: {audience: public, components: [{name: a}, {name: a}], approve: ['@ada']}", "a}], app",
         "the component 'a' is there twice"),
        ("status: {audience: public, components: [{name: a, title: X}, {name: b, title: x}], approve: ['@ada']}",
         "x}], app", "this title is there twice"),
        ("status: {audience: public, components: [{name: a, services: [scorin]}], approve: ['@ada']}", "scorin]",
         "there is no service 'scorin'; did you mean 'scoring'?"),
        ("status: {audience: public, components: [{name: a}], approve: ['@adam']}", "'@adam'",
         "'@adam' is no role, person or group; did you mean '@ada'?"),
        ("status: {audience: public, components: [{name: a}], approve: [on-call]}", "on-call",
         "nobody is on call for this"),
        ("status: {audience: public, components: [{name: a}], approve: [auditor]}", "[auditor]",
         "nobody in people.yaml may approve what the status page says"),
        ("status: {audience: public, components: [{name: a}], approve: ['@ada'], colour: red}", "colour", "colour"),
    ],
)  # fmt: skip
def test_mistakes_are_told_at_their_place(folder, text, where, what):
    """A component twice, a service that is not there, badges that are nobody's."""
    whole = with_lines(folder, text)
    problems = folder.problems()
    at = f":{place(whole, where)}:"
    assert any(at in str(each) and what in str(each) for each in problems), (at, problems)


def test_one_approver_alone_is_worth_a_word(folder):
    """With four eyes, what they write is approved by nobody."""
    with_lines(folder, PAGE.format(more=", approve: ['@ada']"))
    assert any("one person alone may approve for the status page" in str(each) for each in folder.load().warnings)
    folder.change("tocsin.yaml", "approve: ['@ada']", "approve: ['@ada'], four_eyes: false")
    assert not any("one person alone" in str(each) for each in folder.load().warnings)


def test_maintenance_is_announced_in_its_own_words(folder):
    """Only a window with `announce` is shown, for the components its services stand behind."""
    with_lines(folder, PAGE.format(more=APPROVE))
    line = "- {{from: 2026-12-01T22:00:00Z, to: 2026-12-01T23:00:00Z, services: [scoring], because: x, owner: ada{}}}\n"
    folder.write("maintenance.yaml", line.format("") + line.format(", announce: We move house."))
    found = folder.load()
    window = found.maintenance[1]
    assert found.status.announced(found.maintenance) == (
        Announced(window.start, window.end, ("web",), "We move house."),
    )
    folder.change("tocsin.yaml", "services: [scoring]}, {name: api", "services: []}, {name: api")
    found = folder.load()
    assert found.status.announced(found.maintenance) == ()
    assert any("is announced, and no component has its services" in str(each) for each in found.warnings)


def test_objectives_alone_are_no_component(folder):
    """A window announced for objectives only would be shown nowhere."""
    folder.write(
        "maintenance.yaml",
        "- {from: 2026-12-01T22:00:00Z, to: 2026-12-01T23:00:00Z, slos: [scoring-answers], because: x, announce: y}\n",
    )
    (problem,) = folder.problems()
    assert "no component of the status page is known by objectives alone" in str(problem)
