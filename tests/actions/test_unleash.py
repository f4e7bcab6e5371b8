"""A flag's action in front of an Unleash that remembers; tests/real/test_unleash_conformance.py asks Unleash itself."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest
from pydantic import ValidationError

from bot.domain.errors import Refused, Unavailable
from bot.domain.mitigation import Means
from bot.domain.policy import ActionClass
from bot.domain.service import Target
from bot.engine.ports import Action
from bot.engine.values import Seen
from tests.actions.fake_unleash import ADMIN, CLIENT, EDITOR, READER, FakeUnleash, constraint, strategy
from tests.actions.fakes import ROLLBACK, Scene, make
from tests.parts import CANARY
from tests.shelves.files import SECONDS

SETTINGS = {"url": "{url}", "token": CANARY, "client_token": CANARY, "timeout_seconds": SECONDS, "flag": "model-v2"}
ABSENT = frozenset({"404"})  # no such flag: there is nothing to switch
TARGET = Target("model-flag", "unleash")
KILL = (Means.BYPASS, {"enabled": False})
SLICE = (Means.BYPASS, {"slice": "region=fr", "to": "v1"})


def action(fake: FakeUnleash, **settings: Any) -> Action:
    """The action in front of this server."""
    given = {
        "url": "http://unleash",
        "flag": "model-v2",
        "on": "v2",
        "off": "v1",
        "token": ADMIN,
        "client_token": CLIENT,
    }
    return make("unleash", httpx.ASGITransport(fake.app), **(given | settings))


@contextlib.asynccontextmanager
async def scene() -> AsyncIterator[Scene]:
    """What the suite in tests/shelves tries it on."""
    fake = FakeUnleash()
    door = action(fake)
    asks = {
        "rollback": ROLLBACK,
        "percent": (Means.TRAFFIC, {"percent": 30}),
        "weights": (Means.TRAFFIC, {"weights": {"v1": 90, "v2": 10}}),
        "kill switch": KILL,
        "slice": SLICE,
    }
    yield Scene(door, TARGET, asks, Means.PAUSE, fake.state, lambda: fake.changed, fake.someone_changes_it)
    await door.close()


@pytest.fixture
def fake() -> FakeUnleash:
    return FakeUnleash()


async def test_the_kill_switch_in_words(fake: FakeUnleash) -> None:
    """Off is off for everybody, its reach is what the rollout let in, and the SDKs' delay is told."""
    fake.production["strategies"][0]["parameters"]["rollout"] = "40"
    plan = await action(fake).plan(TARGET, *KILL)
    assert plan.diff == ("model-v2 in production: on (v2 by its strategies) → off (v1 for everybody)",)
    assert plan.blast_radius == "40 % of the requests that ask for model-v2 in production"
    assert (plan.share, plan.klass, plan.serves) == (0.4, ActionClass.TRAFFIC, {"v2": 0.0, "v1": 1.0})
    assert plan.warnings == ("SDKs fetch their flags every 15 s: it takes that long to arrive",)


async def test_a_share_in_words(fake: FakeUnleash) -> None:
    """A share is told from and to, and what each version takes afterwards."""
    plan = await action(fake).plan(TARGET, Means.TRAFFIC, {"percent": 25})
    assert plan.diff == ("model-v2 in production: v2 for 100 % → 25 %",)
    assert (plan.share, plan.serves) == (0.75, {"v2": 0.25, "v1": 0.75})


async def test_a_slice_in_words(fake: FakeUnleash) -> None:
    """One slice is small, and holds only where the services tell the SDK that field."""
    plan = await action(fake).plan(TARGET, *SLICE)
    assert plan.diff == ("model-v2 in production: slice region=fr by the flag's strategies → kept off (v1)",)
    assert plan.klass is ActionClass.SMALL
    assert plan.serves == {}
    assert "it holds only where the services tell Unleash's SDK the field region" in plan.warnings


async def test_a_slice_is_kept_off_by_every_active_strategy_and_let_in_again(fake: FakeUnleash) -> None:
    """Strategies let people in one by one, so each gets the constraint; what others wrote beside it stays."""
    fake.production["strategies"] = [
        strategy("a", constraints=[constraint("region", "de")], segments=[3]),
        strategy("b", rollout="10", sortOrder=1),
        strategy("c", sortOrder=2, disabled=True),
    ]
    door = action(fake)
    before = fake.state()
    await door.execute(await door.plan(TARGET, *SLICE), "K")
    a, b, c = fake.production["strategies"]
    assert a["constraints"] == [constraint("region", "de"), constraint("region", "fr")]
    assert (a["segments"], b["constraints"], c["constraints"]) == ([3], [constraint("region", "fr")], [])
    lift = await door.plan(TARGET, Means.BYPASS, {"slice": "region=fr", "to": None})
    await door.execute(lift, "K2")
    assert fake.state() == before
    assert (await door.observe(lift, "K2")).seen is Seen.APPLIED


async def test_a_slice_leaves_a_list_that_others_share(fake: FakeUnleash) -> None:
    """Let in again, a value is taken out of the list it stands in, and the others stay."""
    fake.production["strategies"][0]["constraints"] = [constraint("region", "fr", "de")]
    door = action(fake)
    await door.execute(await door.plan(TARGET, Means.BYPASS, {"slice": "region=fr", "to": None}), "K")
    assert fake.production["strategies"][0]["constraints"] == [constraint("region", "de")]


@pytest.mark.parametrize("ask", [KILL, SLICE, (Means.TRAFFIC, {"percent": 30})])
async def test_held_by_unleash_is_not_yet_at_the_services(
    fake: FakeUnleash, ask: tuple[Means, dict[str, object]]
) -> None:
    """Until the SDKs are handed the change it is on its way; then it is applied, with the SDKs' delay told."""
    fake.behind = True
    door = action(fake)
    plan = await door.plan(TARGET, *ask)
    await door.execute(plan, "K")
    seen = await door.observe(plan, "K")
    assert (seen.seen, seen.detail) == (Seen.MOVING, "Unleash holds it, but does not hand it to the SDKs yet")
    fake.settle()
    seen = await door.observe(plan, "K")
    assert (seen.seen, seen.detail) == (Seen.APPLIED, "the target is in the wanted state; SDKs have it within 15 s")


async def test_without_a_client_token_the_proof_is_weaker_and_says_so(fake: FakeUnleash) -> None:
    """The plan warns, and the observation says what was not read."""
    door = action(fake, client_token=None)
    plan = await door.plan(TARGET, *KILL)
    assert any("cannot be proved" in warning for warning in plan.warnings)
    await door.execute(plan, "K")
    assert "was not read" in (await door.observe(plan, "K")).detail


async def test_a_client_token_that_sees_no_such_flag_proves_nothing(fake: FakeUnleash) -> None:
    """Where the SDKs of that token are not handed the flag, the outcome is unknown."""
    fake.elsewhere = True
    door = action(fake)
    plan = await door.plan(TARGET, *KILL)
    await door.execute(plan, "K")
    seen = await door.observe(plan, "K")
    assert (seen.seen, "not handed this flag" in seen.detail) == (Seen.UNKNOWN, True)


async def test_a_flag_that_went_away_fits_no_plan(fake: FakeUnleash) -> None:
    """Archived since: another token, an unknown outcome, and a refusal to carry out or take back."""
    door = action(fake)
    plan = await door.plan(TARGET, *KILL)
    fake.archived = True
    assert await door.token(plan) != plan.token
    assert (await door.observe(plan, "K")).seen is Seen.UNKNOWN
    assert (await door.undone(plan, "K")).seen is Seen.UNKNOWN
    for verb in (door.execute, door.undo):
        with pytest.raises(Refused, match="or it is archived"):
            await verb(plan, "K")


async def test_a_protected_environment_is_told_with_what_to_do(fake: FakeUnleash) -> None:
    """Change requests are Unleash's own second pair of eyes: the refusal says so, and nothing changed."""
    fake.protected.add("production")
    door = action(fake, token=EDITOR)
    with pytest.raises(Refused, match="takes changes through change requests only"):
        await door.execute(await door.plan(TARGET, *KILL), "K")
    assert fake.changed == 0


async def test_a_token_that_may_only_read_is_refused_in_a_sentence(fake: FakeUnleash) -> None:
    """The plan can be made; carrying it out says what the token lacks."""
    door = action(fake, token=READER)
    with pytest.raises(Refused, match="the token may not change flags in production"):
        await door.execute(await door.plan(TARGET, *KILL), "K")
    client = action(fake, token=CLIENT)
    with pytest.raises(Unavailable, match=r"did not accept our credentials \(403\)"):
        await client.plan(TARGET, *KILL)


async def test_somebody_in_between_is_never_taken_for_done(fake: FakeUnleash) -> None:
    """Changed by another hand between our change and our reading it again: it may have happened, a person looks."""
    fake.meddle.append(fake.someone_changes_it)
    door = action(fake)
    with pytest.raises(Unavailable, match="somebody changed it at the same time"):
        await door.execute(await door.plan(TARGET, Means.TRAFFIC, {"percent": 0}), "K")


async def test_part_of_several_strategies_is_not_a_refusal(fake: FakeUnleash) -> None:
    """The first was rewritten and the second refused: it did happen in part, which is not `did not happen`."""
    fake.production["strategies"] = [strategy("a"), strategy("b", sortOrder=1)]
    fake.meddle.append(lambda: fake.protected.add("production"))
    door = action(fake, token=EDITOR)
    with pytest.raises(Unavailable, match="did a part of it only"):
        await door.execute(await door.plan(TARGET, *SLICE), "K")


async def test_what_changed_meanwhile_is_not_brought_back_unseen(fake: FakeUnleash) -> None:
    """A flag switched off, and its strategies changed since: switching on would bring back something else."""
    door = action(fake)
    plan = await door.plan(TARGET, *KILL)
    await door.execute(plan, "K")
    fake.someone_changes_it()
    with pytest.raises(Refused, match="was changed in production since"):
        await door.undo(plan, "K")
    assert not fake.production["enabled"]
    assert (await door.observe(plan, "K")).seen is Seen.APPLIED


async def test_a_flag_without_strategies_has_no_way_back(fake: FakeUnleash) -> None:
    """Unleash adds a strategy of its own on switching on: off cannot be undone, and on is refused with the reason."""
    fake.production["strategies"] = []
    door = action(fake)
    plan = await door.plan(TARGET, *KILL)
    assert not plan.reversible
    await door.execute(plan, "K")
    with pytest.raises(Refused, match="no way back"):
        await door.undo(plan, "K")
    with pytest.raises(Refused, match="Unleash would let everybody in"):
        await door.plan(TARGET, Means.BYPASS, {"enabled": True})
    with pytest.raises(Refused, match="no active strategy there that could keep a slice off"):
        await door.plan(TARGET, *SLICE)


@pytest.mark.parametrize(
    ("means", "params", "words"),
    [
        (Means.TRAFFIC, {"percent": 101}, "whole number from 0 to 100"),
        (Means.TRAFFIC, {"percent": True}, "whole number from 0 to 100"),
        (Means.TRAFFIC, {}, "needs weights"),
        (Means.TRAFFIC, {"weights": {"v1": 50, "v2": 20}}, "sum to 100, not 70"),
        (Means.TRAFFIC, {"weights": {"v3": 100}}, "no backend v3"),
        (Means.ROLLBACK, {"to": "v9"}, "there is v1, v2"),
        (Means.BYPASS, {}, "true or false"),
        (Means.BYPASS, {"enabled": "off"}, "true or false"),
        (Means.BYPASS, {"slice": "region=fr", "to": "v2"}, "only keep a slice off"),
        (Means.BYPASS, {"slice": "fr", "to": "v1"}, "one field and one value"),
        (Means.BYPASS, {"slice": "a=b,c=d", "to": "v1"}, "one field and one value"),
    ],
)
async def test_what_makes_no_sense_is_refused_in_a_sentence(
    fake: FakeUnleash, means: Means, params: dict[str, object], words: str
) -> None:
    """Unleash takes any text as a rollout, so it is checked before it is sent; nothing is sent."""
    with pytest.raises(Refused, match=words):
        await action(fake).plan(TARGET, means, params)
    assert fake.changed == 0


async def test_what_is_not_there_is_refused_by_name(fake: FakeUnleash) -> None:
    """A flag, an environment, a rollout that is not there, one too many, one that is no number, an archived flag."""
    with pytest.raises(Refused, match="has no flag nobody"):
        await action(fake, flag="nobody").plan(TARGET, *KILL)
    with pytest.raises(Refused, match="no environment moon in Unleash; there is development, production"):
        await action(fake, environment="moon").plan(TARGET, *KILL)
    with pytest.raises(Refused, match="no active gradual rollout"):
        await action(fake, environment="development").plan(TARGET, *ROLLBACK)
    fake.production["strategies"][0]["parameters"]["rollout"] = "abc"
    with pytest.raises(Refused, match="'abc', which is no percentage"):
        await action(fake).plan(TARGET, *ROLLBACK)
    fake.production["strategies"] = [strategy("a", title="everybody"), strategy("b", "50", sortOrder=1)]
    with pytest.raises(Refused, match="several gradual rollouts"):
        await action(fake).plan(TARGET, *ROLLBACK)
    named = await action(fake, strategy="everybody").plan(TARGET, *ROLLBACK)
    assert named.params["strategy"] == "a"
    assert named.serves == {}  # b lets in whom it likes
    fake.archived = True
    with pytest.raises(Refused, match="or it is archived"):
        await action(fake).plan(TARGET, *KILL)


def test_one_version_with_and_without_the_flag_is_no_choice() -> None:
    """The settings refuse it."""
    with pytest.raises(ValidationError, match="two different versions"):
        action(FakeUnleash(), on="v1", off="v1")


@pytest.mark.parametrize("ask", [KILL, SLICE, (Means.TRAFFIC, {"percent": 30})])
async def test_a_plan_names_nobody_whom_the_flag_names(fake: FakeUnleash, ask: tuple[Means, dict[str, object]]) -> None:
    """The log forgets nothing: people and addresses in a strategy's rules stay in Unleash, and are there after an undo."""
    fake.production["strategies"][0]["constraints"] = [constraint("userId", "user-17"), constraint("ip", "10.0.0.9")]
    before, door = fake.state(), action(fake)
    plan = await door.plan(TARGET, *ask)
    assert not any(word in repr(plan) for word in ("user-17", "userId", "10.0.0.9"))
    await door.execute(plan, "K")
    assert fake.state() != before
    await door.undo(plan, "K/undo")
    assert fake.state() == before


async def test_a_rule_written_elsewhere_in_the_flag_since_is_not_overwritten(fake: FakeUnleash) -> None:
    """The fingerprint covers every part: planned, and then another strategy's rule was changed."""
    door = action(fake)
    plan = await door.plan(TARGET, *KILL)
    fake.production["strategies"][0]["constraints"] = [constraint("userId", "user-17")]
    with pytest.raises(Refused, match="was changed in production since"):
        await door.execute(plan, "K")
    assert fake.changed == 0
