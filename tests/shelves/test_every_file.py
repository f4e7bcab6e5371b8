"""What every file on the shelves of doors promises: it is described, it has one class, and it fails in sentences."""

from __future__ import annotations

import inspect
from collections.abc import Awaitable

import pytest
from pydantic import BaseModel, ValidationError

from bot import shelf
from bot.domain.errors import NotFound, Refused, Unavailable
from bot.domain.service import Service, Target
from bot.engine.values import Question
from bot.slo.spec import Selector
from tests.kit import NOON, at
from tests.parts import CANARY, MANNERS, Hands, badly, nothing_there
from tests.shelves.files import DOORS, SHELVES, absent, files, scene, settings

FILES, BEHIND_DOORS = files(*SHELVES), files(*DOORS)
SERVICE = Service("visits", "Visits", "team", "C1")
QUESTION = Question("INC-1", SERVICE, "health=poor", NOON, at(60))


def built(where: str, name: str, port: int):  # the class differs per file: that is what is tested
    kind = shelf.load(where, name)
    return kind(kind.Settings.model_validate(settings(where, name, port)), clock=Hands())


async def used(where: str, name: str, door) -> None:
    """Ask of the door what the engine asks first."""
    if where == "sources":
        await door.read([Selector.parse('requests_total{code="500"}')], NOON)
    elif where == "oncall":
        await door.shifts(NOON, at(3600))
    elif where == "actions":
        async with scene("actions", name) as known:
            means, params = next(iter(known.asks.values()))
        await door.plan(Target("t", "a"), means, params)
    else:
        await door.collect(QUESTION)


@pytest.mark.parametrize(("where", "name"), FILES)
def test_a_file_is_described_and_holds_one_class(where: str, name: str) -> None:
    """Module, class, settings and every field of the settings say what they are for; the class names its shelf."""
    module, kind = shelf.module(where, name), shelf.load(where, name)
    assert inspect.getdoc(module)
    assert inspect.getdoc(kind)
    assert kind.shelf == where
    assert issubclass(kind.Settings, BaseModel)
    assert inspect.getdoc(kind.Settings)
    undescribed = [field for field, info in kind.Settings.model_fields.items() if not info.description]
    assert undescribed == []
    taken = [*inspect.signature(kind).parameters]
    assert taken == ["settings", "clock", "transport"] if where in DOORS else taken[:2] == ["settings", "clock"]


@pytest.mark.parametrize(("where", "name"), FILES)
async def test_settings_refuse_what_they_do_not_know(where: str, name: str) -> None:
    """A misspelt setting is an error that names it, and no error shows a secret."""
    kind = shelf.load(where, name)
    given = settings(where, name, 1) | {"time_out": CANARY}
    with pytest.raises(ValidationError, match="time_out") as caught:
        kind.Settings.model_validate(given)
    if CANARY in str(settings(where, name, 1)):  # else it has no secrets
        assert CANARY not in str(caught.value)


@pytest.mark.parametrize(("where", "name"), FILES)
def test_settings_show_no_secret(where: str, name: str) -> None:
    """Printing the settings hides the token."""
    kind = shelf.load(where, name)
    assert CANARY not in repr(kind.Settings.model_validate(settings(where, name, 1)))


@pytest.mark.parametrize("manners", MANNERS)
@pytest.mark.parametrize(("where", "name"), BEHIND_DOORS)
async def test_a_bad_answer_is_a_sentence_without_secrets(where: str, name: str, manners: str) -> None:
    """Whatever the other side does, the file says Unavailable in time, naming no secret; never an empty answer."""
    expected = (Unavailable, Refused) if manners in absent(where, name) else Unavailable
    async with badly(manners) as port:
        door = built(where, name, port)
        try:
            with pytest.raises(expected) as caught:
                await used(where, name, door)
        finally:
            await door.close()
    assert CANARY not in str(caught.value)
    assert CANARY not in repr(caught.value.__cause__)
    assert len(str(caught.value)) > 10


@pytest.mark.parametrize(("where", "name"), BEHIND_DOORS)
async def test_nobody_there_is_a_sentence(where: str, name: str) -> None:
    """A closed port is Unavailable, at once."""
    door = built(where, name, await nothing_there())
    try:
        with pytest.raises(Unavailable, match="could not be reached"):
            await used(where, name, door)
    finally:
        await door.close()


@pytest.mark.parametrize("manners", ["hangs", "500", "junk", "truncated", "hangs up", "400"])
@pytest.mark.parametrize("name", shelf.names("actions"))
async def test_a_change_that_fails_says_whether_it_may_have_happened(name: str, manners: str) -> None:
    """Every verb of an action ends in Refused (it did not happen) or Unavailable (it may have); no secret is told."""
    async with scene("actions", name) as known:
        frozen = await known.action.plan(known.target, *next(iter(known.asks.values())))
    async with badly(manners) as port:
        door = built("actions", name, port)
        try:
            told = [
                await outcome(door.execute(frozen, "K")),
                await outcome(door.undo(frozen, "K")),
                await outcome(door.token(frozen)),
                await outcome(door.observe(frozen, "K")),
            ]
        finally:
            await door.close()
    assert CANARY not in " ".join(told)
    if manners not in absent("actions", name):
        assert "" not in told


async def outcome(asked: Awaitable[object]) -> str:
    """The sentence it ended with, "" where it went well; anything but the two errors passes through."""
    try:
        await asked
    except (Refused, Unavailable) as error:
        return str(error)
    return ""


@pytest.mark.parametrize("where", SHELVES)
def test_an_unknown_name_is_answered_with_what_there_is(where: str) -> None:
    """Asking for a file that is not there lists those that are."""
    with pytest.raises(NotFound) as caught:
        shelf.load(where, "nonsense")
    assert all(name in str(caught.value) for name in shelf.names(where))
