"""MLflow's action in front of a registry that remembers; tests/shelves/test_real_mlflow.py asks MLflow itself."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator

import httpx
import pytest
from pydantic import ValidationError

from bot.domain.errors import Refused
from bot.domain.mitigation import Means
from bot.domain.service import Target
from bot.engine.values import Seen
from tests.actions.fake_mlflow import FakeMLflow
from tests.actions.fakes import ROLLBACK, Scene, make
from tests.parts import CANARY
from tests.shelves.files import SECONDS

SETTINGS = {"url": "{url}", "token": CANARY, "timeout_seconds": SECONDS, "model": "visits"}
ABSENT = frozenset({"400", "404"})  # what MLflow says where an alias does not exist: then there is nothing to roll back


@contextlib.asynccontextmanager
async def scene() -> AsyncIterator[Scene]:
    """What the suite in tests/shelves tries it on."""
    fake = FakeMLflow()
    action = make("mlflow", httpx.ASGITransport(fake.app), url="http://mlflow", model="visits")
    asks = {"rollback": ROLLBACK, "rollback to 3": (Means.ROLLBACK, {"to": "3"})}
    state, changes = lambda: dict(fake.aliases), lambda: fake.moved
    yield Scene(action, Target("registry", "mlflow"), asks, Means.TRAFFIC, state, changes, fake.someone_changes_it)
    await action.close()


async def test_a_version_that_is_not_registered_is_refused_by_name() -> None:
    """Nothing is asked of the alias."""
    async with scene() as made:
        with pytest.raises(Refused, match="9"):
            await made.action.plan(made.target, Means.ROLLBACK, {"to": "9"})
        assert made.changes() == 0


@pytest.fixture
def fake() -> FakeMLflow:
    return FakeMLflow()


@pytest.fixture
async def registry(fake: FakeMLflow):
    action = make("mlflow", httpx.ASGITransport(fake.app), url="http://mlflow", model="visits")
    yield action
    await action.close()


TARGET = Target("registry", "mlflow")


async def test_whose_move_it_was_stands_beside_the_model(registry, fake: FakeMLflow) -> None:
    """Marked before the alias moves; an identical move by another hand is told apart, an undo is marked too."""
    plan = await registry.plan(TARGET, *ROLLBACK)
    await registry.execute(plan, "K")
    assert fake.tags == {"tocsin.applied.champion": f"K {plan.digest}"}
    assert (await registry.observe(plan, "K")).detail == "alias champion stands on version 1, moved under this key"
    other = await registry.observe(plan, "K9")
    assert (other.seen, "the last mark is of K, so another hand" in other.detail) == (Seen.APPLIED, True)
    await registry.undo(plan, "K/undo")
    assert fake.tags == {"tocsin.applied.champion": f"K/undo {plan.digest}"}


async def test_another_change_of_ours_is_not_undone_with_this_one(registry, fake: FakeMLflow) -> None:
    """The same version, but set by a later change: the first one's undo would take that back."""
    plan = await registry.plan(TARGET, *ROLLBACK)
    await registry.execute(plan, "K")
    fake.tags = {"tocsin.applied.champion": "INC-9/M1/ffff another-digest"}
    with pytest.raises(Refused, match="moved again since, by INC-9/M1/ffff"):
        await registry.undo(plan, "K/undo")
    assert fake.aliases["champion"] == "1"


async def test_a_server_that_takes_no_tags_is_moved_all_the_same(registry, fake: FakeMLflow) -> None:
    """What it shows is then all the proof there is, and undo goes by it."""
    fake.takes_tags = False
    plan = await registry.plan(TARGET, *ROLLBACK)
    await registry.execute(plan, "K")
    seen = await registry.observe(plan, "K")
    assert (seen.seen, "MLflow holds no mark of ours" in seen.detail) == (Seen.APPLIED, True)
    await registry.undo(plan, "K/undo")
    assert fake.aliases["champion"] == "2"


@pytest.mark.parametrize(
    ("aliases", "to", "version", "warning"),
    [
        ({"champion": "3", "previous": "1"}, "2", "2", ""),
        ({"champion": "3", "previous": "1"}, "previous", "1", ""),
        ({"champion": "3"}, "previous", "2", "no alias previous: version 2 is only the highest older one"),
        ({"champion": "2", "previous": "3"}, "previous", "3", "previous stands on version 3, which is newer than 2"),
        ({"champion": "4", "previous": "1"}, "previous", "1", ""),
        ({"champion": "4", "previous": "5"}, "previous", "3", "previous stands on version 5, which is not ready"),
    ],
)
@pytest.mark.parametrize("compares", [True, False])
async def test_the_last_good_version(registry, fake: FakeMLflow, aliases, to, version, warning, compares) -> None:
    """The one named, else where the previous alias stands, else the highest older one that is ready; doubts are told."""
    fake.versions |= {n: {"version": n, "run_id": n, "status": s} for n, s in (("4", "READY"), ("5", "FAILED"))}
    fake.aliases, fake.compares = aliases, compares
    plan = await registry.plan(TARGET, Means.ROLLBACK, {"to": to})
    assert plan.after == {"version": version}
    assert [each for each in plan.warnings[1:] if not each.startswith(warning or "none")] == []
    assert bool(plan.warnings[1:]) == bool(warning)


async def test_what_is_not_ready_is_not_gone_back_to(registry, fake: FakeMLflow) -> None:
    """Named, it is refused; among the older ones it is passed over; with none left that is said."""
    fake.versions["1"]["status"] = "FAILED_REGISTRATION"
    with pytest.raises(Refused, match=r"version 1 of visits is not ready \(FAILED_REGISTRATION\)"):
        await registry.plan(TARGET, Means.ROLLBACK, {"to": "1"})
    with pytest.raises(Refused, match="no version before 2 in MLflow that is ready"):
        await registry.plan(TARGET, *ROLLBACK)
    with pytest.raises(Refused, match="version cannot be asked here; what can is to"):
        await registry.plan(TARGET, Means.ROLLBACK, {"version": "1"})


@pytest.mark.parametrize("alias", ["latest", "v1", "a b", "", "champion?"])
def test_an_alias_mlflow_would_not_take_is_refused_when_it_is_read(alias: str) -> None:
    """Its names are MLflow's rule; the error names the setting."""
    with pytest.raises(ValidationError, match="alias"):
        make("mlflow", url="http://mlflow", model="visits", alias=alias)
