"""Rules that break when they are asked say no: nothing is recorded as decided, nothing is touched, and it is told."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import fields, replace
from pathlib import Path
from typing import Any

import pytest

from bot.domain.approval import ApproveMitigation, DeclineMitigation, GiveCode, Preapprove
from bot.domain.claim import ClaimMitigation
from bot.domain.errors import Refused, Undecided
from bot.domain.execution import ReportOutcome, UndoMitigation
from bot.domain.glass import BreakGlass, ReviewGlass
from bot.domain.hold import OverrideHold, PlaceHold, ReleaseHold, ReportHold, SkipHold
from bot.domain.log import Ask, Command
from bot.domain.mitigation import Outcome, ProposeMitigation, State, amend
from bot.domain.paging import Acknowledge
from bot.domain.policy import THE_BOT, ActionClass, Person, Policy
from bot.domain.trouble import TroubleReported
from tests.kit import ANA, BEN, CLEO, Story, declared, held, plan
from tests.world import World

NAMES = [name for name in dir(Policy) if not name.startswith("_")]
"""Every field and every method of the rules."""


class BrokenError(Exception):
    """What no rule raises on purpose."""


class Hostile(Policy):
    """Rules of which some, or all, cannot be asked."""

    broken: frozenset[str] = frozenset(NAMES)

    def __getattribute__(self, name: str) -> Any:
        if name in object.__getattribute__(self, "broken"):
            raise BrokenError(f"the rule {name} is broken: secret-of-the-house")
        return object.__getattribute__(self, name)

    def __rich_repr__(self) -> Iterator[str]:
        """So that a test's own log can show a traceback."""
        yield "broken"


def without(*names: str) -> Policy:
    """Rules of which these break."""
    kind = type("Without", (Hostile,), {"broken": frozenset(names)})
    made: Policy = kind()
    return made


class Trap(Mapping[Any, Any]):
    """A map that breaks whatever it is asked."""

    def __getitem__(self, key: Any) -> Any:
        raise BrokenError(key)

    def get(self, key: Any, default: Any = None) -> Any:
        raise BrokenError(key)

    def __iter__(self) -> Iterator[Any]:
        raise BrokenError

    def __len__(self) -> int:
        raise BrokenError


def proposed() -> Story:
    return declared().when(ProposeMitigation(plan(), "v2 is wrong"), ANA)


def approved() -> Story:
    story = proposed()
    return story.when(ReportHold("M1", held("rows"))).when(ApproveMitigation("M1", digest()), BEN)


def digest() -> str:
    return plan().digest


def applied() -> Story:
    return approved().when(ClaimMitigation("M1", "7", (BEN,))).when(ReportOutcome("M1", Outcome.APPLIED, "x"))


def alone() -> Story:
    story = proposed()
    known = amend(story.incident, "M1", glass="it burns", state=State.APPLIED, claimed_at=story.now)
    return replace(story, incident=known)


WISHES: list[tuple[str, Story, Command, Person]] = [
    ("propose", declared(), ProposeMitigation(plan()), ANA),
    ("approve", proposed(), ApproveMitigation("M1", digest()), BEN),
    ("code", proposed(), GiveCode("M1", "0" * 64), BEN),
    ("decline", proposed(), DeclineMitigation("M1", "x"), BEN),
    ("alone", proposed(), BreakGlass("M1", digest(), "patients are sent home", ("max",)), BEN),
    ("review", alone(), ReviewGlass("M1", justified=True, words="it was right"), BEN),
    ("go ahead", proposed(), SkipHold("M1", "patients are sent home"), BEN),
    ("hold", proposed(), PlaceHold("the authority asked"), CLEO),
    ("release", proposed().when(PlaceHold("x"), CLEO), ReleaseHold("copies are made"), CLEO),
    ("override", proposed().when(PlaceHold("x"), CLEO), OverrideHold("M1", "patients are sent home"), BEN),
    ("undo", applied(), UndoMitigation("M1", "x"), BEN),
    ("claim", approved(), ClaimMitigation("M1", "7", (BEN,)), THE_BOT),
    ("beforehand", declared(), Preapprove(plan(klass=ActionClass.SMALL), "bypass", "x"), THE_BOT),
]


def answer(story: Story, command: Command, person: Person, policy: Policy) -> list[object] | str:
    """What follows under these rules; the name of what stood against it."""
    try:
        return list(command.decide(story.incident, Ask(person, story.now, "test", policy)))
    except Exception as no:  # noqa: BLE001 - that it raises is what is asked
        return type(no).__name__


@pytest.mark.parametrize(("story", "command", "person"), [wish[1:] for wish in WISHES], ids=[w[0] for w in WISHES])
def test_no_broken_rule_lets_more_through(story: Story, command: Command, person: Person) -> None:
    """Whichever single rule breaks, what follows is what followed anyway, or nothing; where all break, nothing."""
    sound = answer(story, command, person, Policy())
    assert answer(story, command, person, Hostile()) == "BrokenError"
    broke = 0
    for name in NAMES:
        found = answer(story, command, person, without(name))
        broke += found == "BrokenError"
        assert found in (sound, "BrokenError"), (name, found)
    assert broke >= 1


@pytest.mark.parametrize("field", ["approve", "quorum", "targets", "widest"])
def test_a_map_that_breaks_lets_nothing_through(field: str) -> None:
    """A rule may look whole and break only where it is read."""
    policy = replace(Policy(), **{field: Trap()})
    for story, command in ((proposed(), ApproveMitigation("M1", digest())), (declared(), ProposeMitigation(plan()))):
        assert answer(story, command, BEN, policy) == "BrokenError"


def test_every_rule_is_among_the_broken_ones() -> None:
    """So that a rule learned later is broken here too."""
    assert {each.name for each in fields(Policy)} <= set(NAMES)
    assert {"require", "fingerprint", "approvers", "frozen", "is_automatic"} <= set(NAMES)


# -- through the doors -----------------------------------------------------------------------------------------------


async def to_approve(world: World) -> str:
    await world.declare("scores look wrong", "ana")
    await world.say(Acknowledge(), "ana")
    await world.propose("rollback-v1", "ana")
    return (await world.incident()).mitigations["M1"].digest


async def said(world: World) -> list[str]:
    return [line for line in await world.lines() if "could not be judged" in line]


async def test_a_click_that_cannot_be_judged_is_refused_and_told(tmp_path: Path) -> None:
    """A sentence for the person, a line for everybody, no decision; and no secret of the rules in either."""
    async with World.open(tmp_path) as world:
        plan_digest = await to_approve(world)
        before = await world.house.desk.log.entries("INC-1")
        sound = world.house.desk.handler.policy
        world.house.desk.handler.policy = Hostile()
        with pytest.raises(Undecided) as no:
            await world.house.desk.submit("INC-1", ApproveMitigation("M1", plan_digest), await world.who("ben"))
        assert no.value.because == (
            "Tocsin could not judge this by its rules (BrokenError), so it says no; "
            "nothing was changed, and the timeline says so"
        )
        after = await world.house.desk.log.entries("INC-1")
        assert [type(each.event) for each in after[len(before) :]] == [TroubleReported]
        (line,) = await said(world)
        assert "“approve mitigation” could not be judged and was not done (BrokenError)" in line
        assert "secret" not in line
        world.house.desk.handler.policy = sound
        assert (await world.incident()).mitigations["M1"].state is State.PROPOSED


async def test_the_same_click_is_judged_once_the_rules_are_mended(tmp_path: Path) -> None:
    """A no for want of rules is not remembered against the click, as a rule's own no is."""
    async with World.open(tmp_path) as world:
        plan_digest = await to_approve(world)
        desk, ben = world.house.desk, await world.who("ben")
        sound, desk.handler.policy = desk.handler.policy, without("approvers")
        for _ in range(3):
            with pytest.raises(Undecided):
                await desk.submit("INC-1", ApproveMitigation("M1", plan_digest), ben, inbound="slack:click:1")
        assert len(await said(world)) == 1  # clicked three times at once, told once
        desk.handler.policy = sound
        after = await desk.submit("INC-1", ApproveMitigation("M1", plan_digest), ben, inbound="slack:click:1")
        assert after.mitigations["M1"].approvers == (ben.id,)


@pytest.mark.parametrize("broken", ["approvers", "fingerprint", "quorum_of", "require", "rules_of", "frozen"])
async def test_what_was_approved_is_not_carried_out_under_broken_rules(tmp_path: Path, broken: str) -> None:
    """The claim asks once more; its trouble stands in the timeline, and with sound rules it goes ahead."""
    async with World.open(tmp_path) as world:
        plan_digest = await to_approve(world)
        handler = world.house.desk.handler
        sound = handler.policy
        await handler.submit("INC-1", ApproveMitigation("M1", plan_digest), by=(await world.who("ben")).person)
        handler.policy = _like(sound, broken)
        await world.settle()
        for _ in range(3):
            await world.round(seconds=60)
        assert world.router.effects == []
        told = [line for line in await world.lines() if re.search(r"carry M1 out yet|could not be judged", line)]
        assert told, await world.lines()
        assert len(told) <= 10
        handler.policy = sound
        assert (await world.incident()).mitigations["M1"].state is State.APPROVED
        world.clock.forward(minutes=6)
        await world.round(seconds=1)
        assert world.router.effects == [(await world.incident()).mitigations["M1"].key("INC-1")]


def _like(sound: Policy, *broken: str) -> Policy:
    """These rules, some of them broken."""
    made = without(*broken)
    for each in fields(Policy):
        object.__setattr__(made, each.name, getattr(sound, each.name))
    return made


async def test_rules_that_cannot_be_asked_at_all_stop_everything_and_are_told(tmp_path: Path) -> None:
    """Not even what is owed can be told then: nothing is touched, and the timeline says so, once in a while."""
    async with World.open(tmp_path) as world:
        plan_digest = await to_approve(world)
        handler = world.house.desk.handler
        await handler.submit("INC-1", ApproveMitigation("M1", plan_digest), by=(await world.who("ben")).person)
        handler.policy = Hostile()
        for _ in range(5):
            world.house.reconciler.note("INC-1")
            await world.settle()
        assert world.router.effects == []
        (line,) = await said(world)
        assert "“what is owed” could not be judged and was not done (BrokenError)" in line


async def test_a_proposal_under_broken_rules_reads_and_writes_nothing(tmp_path: Path) -> None:
    """Whoever may not be judged may not have the target read either; a preview is refused in the same words."""
    async with World.open(tmp_path) as world:
        await world.declare("scores look wrong", "ana")
        desk, ana = world.house.desk, await world.who("ana")
        desk.handler.policy = without("proposers", "fingerprint")
        with pytest.raises(Undecided):
            await desk.changes.propose("INC-1", "rollback-v1", "x", ana)
        with pytest.raises(Undecided):
            await desk.changes.preview("INC-1", "rollback-v1")
        assert (await world.incident()).mitigations == {}
        assert len(await said(world)) == 1


async def test_a_rules_own_no_is_no_broken_rule(tmp_path: Path) -> None:
    """Who may not is told so, as ever, and no trouble is noted."""
    async with World.open(tmp_path) as world:
        plan_digest = await to_approve(world)
        with pytest.raises(Refused, match="only admin or approver") as no:
            await world.house.desk.submit("INC-1", ApproveMitigation("M1", plan_digest), await world.who("max"))
        assert not isinstance(no.value, Undecided)
        assert await said(world) == []
