"""Parts in one incident, and what each role of the organisation may ask."""

import pytest

from bot.domain.lifecycle import Resolve
from bot.domain.log import TOCSIN
from bot.domain.paging import Acknowledge
from bot.domain.policy import THE_BOT, ActionClass, Person, Policy, Role, Severity, severity
from bot.domain.roles import Assign, Part
from tests.kit import ANA, AUDREY, BEN, CLEO, Story, declared, lines


def test_a_part_is_taken_or_given() -> None:
    """Oneself or another; giving it to who has it is no event; one person per part."""
    story = declared().when(Assign(Part.OPERATIONS, "ana"), ANA)
    assert lines(story)[-1] == "ana is operations lead"
    story = story.when(Assign(Part.OPERATIONS, "ben"), ANA)
    assert lines(story)[-1] == "ana made ben operations lead"
    assert story.when(Assign(Part.OPERATIONS, "ben"), BEN).events == ()
    assert story.incident.parts == {Part.OPERATIONS: "ben"}


def test_acknowledging_does_not_depose_a_commander() -> None:
    """Who leads already goes on leading."""
    story = declared().when(Assign(Part.COMMANDER, "ben"), ANA).when(Acknowledge(), ANA)
    assert story.incident.parts[Part.COMMANDER] == "ben"
    assert story.incident.acknowledged_by == "ana"


def test_parts_are_given_in_open_incidents_by_responders() -> None:
    """Not where nothing happened, not when it is over, not by an auditor."""
    assert "no incident" in Story().refuses(Assign(Part.COMMANDER, "ana"), ANA)
    over = declared().when(Resolve("x", waive="off"), ANA)
    assert "re-open it" in over.refuses(Assign(Part.COMMANDER, "ana"), ANA)
    assert "only" in declared().refuses(Assign(Part.COMMANDER, "ana"), AUDREY)


def test_a_refusal_names_who_may_and_who_asked() -> None:
    """The sentence lists the roles that may and those one has, or none."""
    policy = Policy()
    with pytest.raises(Exception, match="only admin or approver may go; your roles: counsel"):
        policy.require(CLEO, frozenset({Role.APPROVER, Role.ADMIN}), "go")
    with pytest.raises(Exception, match="your roles: none"):
        policy.require(Person("x"), frozenset({Role.ADMIN}), "go")
    with pytest.raises(Exception, match="only nobody may go"):
        policy.require(ANA, frozenset(), "go")


def test_the_bot_passes_every_role_check_and_is_known_as_itself() -> None:
    """Where the bot may not act, a rule of its own says so: roles do not hold it."""
    Policy().require(THE_BOT, frozenset(), "go")
    assert THE_BOT.is_bot
    assert THE_BOT.id == TOCSIN


def test_every_class_of_change_has_its_approvers() -> None:
    """Moving traffic and wide changes need an approver; no class is left without anybody."""
    policy = Policy()
    assert set(policy.approve) == set(ActionClass)
    assert all(policy.approve.values())
    for klass in (ActionClass.TRAFFIC, ActionClass.WIDE):
        assert Role.RESPONDER not in policy.approve[klass]


@pytest.mark.parametrize(
    ("tier", "paging", "wanted"),
    [(1, True, Severity.SEV1), (1, False, Severity.SEV2), (3, False, Severity.SEV4), (9, True, Severity.SEV4), (0, True, Severity.SEV1)],
)  # fmt: skip
def test_severity_is_impact_and_urgency(tier: int, paging: bool, wanted: Severity) -> None:
    """The service's tier, one less severe where it can wait, always between SEV1 and SEV4."""
    assert severity(tier=tier, paging=paging) is wanted
    assert str(wanted) == wanted.name
