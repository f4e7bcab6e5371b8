"""The router's action in particular: what its plans say, and how it asks."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator

import httpx
import pytest

from bot.domain.errors import RateLimited, Refused, Unavailable
from bot.domain.mitigation import Means
from bot.domain.policy import ActionClass
from bot.domain.service import Target
from bot.engine.ports import Counting
from bot.engine.values import Seen
from tests.actions.fakes import BYPASS, ROLLBACK, WEIGHTS, FakeRouter, Scene, make
from tests.parts import CANARY
from tests.shelves.files import SECONDS

TARGET = Target("visits-router", "router")
SETTINGS = {"url": "{url}", "token": CANARY, "timeout_seconds": SECONDS}


@contextlib.asynccontextmanager
async def scene() -> AsyncIterator[Scene]:
    """What the suite in tests/shelves tries it on."""
    fake = FakeRouter()
    action = make("router", httpx.ASGITransport(fake.app), url="http://router", carries="visits")
    asks = {"rollback": ROLLBACK, "traffic": WEIGHTS, "bypass": BYPASS}
    target = Target("visits-router", "router")
    changes = lambda: len(fake.applied)  # noqa: E731
    yield Scene(action, target, asks, Means.RETRAIN, fake.state, changes, fake.someone_changes_it)
    await action.close()


@pytest.fixture
def fake() -> FakeRouter:
    return FakeRouter()


@pytest.fixture
async def router(fake: FakeRouter):
    action = make("router", httpx.ASGITransport(fake.app), url="http://router", carries="visits")
    yield action
    await action.close()


async def test_a_rollback_in_words(router) -> None:
    """The plan reads as people say it, and moves production traffic: class 2."""
    plan = await router.plan(TARGET, Means.ROLLBACK, {"to": "previous"})
    assert plan.diff == ("weight v1 0 → 100", "weight v2 100 → 0")
    assert plan.blast_radius == "100 % of visits traffic"
    assert plan.klass is ActionClass.TRAFFIC
    assert plan.undo == "put back: weights v1 0, v2 100"
    assert plan.params == {"weights": {"v1": 100, "v2": 0}}
    assert plan.token == "4"


async def test_a_bypass_in_words(router) -> None:
    """A slice sent elsewhere is small and says that nothing else moves; lifting it says so too."""
    plan = await router.plan(TARGET, Means.BYPASS, {"slice": "health=poor", "to": "rules"})
    assert plan.diff == ("slice health=poor: goes by weight → sent to rules",)
    assert plan.blast_radius == "only the slice health=poor of visits traffic"
    assert plan.klass is ActionClass.SMALL
    await router.execute(plan, "K")
    lift = await router.plan(TARGET, Means.BYPASS, {"slice": "health=poor", "to": None})
    assert lift.diff == ("slice health=poor: no longer sent to rules, goes by weight again",)


async def test_part_of_the_traffic(router) -> None:
    """The blast radius is what really changes its backend."""
    plan = await router.plan(TARGET, Means.TRAFFIC, {"weights": {"v1": 10, "v2": 90}})
    assert plan.blast_radius == "10 % of visits traffic"


async def test_requests_are_counted_per_version(router, fake: FakeRouter) -> None:
    """By the router's own count, for what goes by weight; junk in its place is no count."""
    fake.requests = {"v1": 3, "v2": 900, "rules": 7}
    assert isinstance(router, Counting)
    plan = await router.plan(TARGET, *WEIGHTS)
    assert await router.traffic(plan) == {"v1": 3, "v2": 900}
    assert await router.traffic(await router.plan(TARGET, *BYPASS)) == {}
    fake.requests = {"v1": "many"}
    with pytest.raises(Unavailable, match="'v1' as int"):
        await router.traffic(plan)


async def test_previous_is_the_version_before_by_number(fake: FakeRouter) -> None:
    """v10 comes after v9, not before v2."""
    fake.weights = {"v10": 100, "v2": 0, "v9": 0}
    action = make("router", httpx.ASGITransport(fake.app), url="http://router")
    plan = await action.plan(TARGET, Means.ROLLBACK, {})
    assert plan.params == {"weights": {"v10": 0, "v2": 0, "v9": 100}}
    await action.close()


async def test_of_unlike_names_none_comes_before_the_other(fake: FakeRouter) -> None:
    """`challenger` is not the version before `champion`: a person says which to go back to."""
    fake.weights = {"champion": 100, "challenger": 0}
    action = make("router", httpx.ASGITransport(fake.app), url="http://router")
    with pytest.raises(Refused, match="name the version to go to"):
        await action.plan(TARGET, Means.ROLLBACK, {})
    assert (await action.plan(TARGET, Means.ROLLBACK, {"to": "challenger"})).diff
    await action.close()


@pytest.mark.parametrize(
    ("means", "params", "because"),
    [
        (Means.ROLLBACK, {"to": "v7"}, "no version 'v7'"),
        (Means.TRAFFIC, {}, "needs weights"),
        (Means.TRAFFIC, {"weights": {"v3": 100}}, "no backend v3"),
        (Means.TRAFFIC, {"weights": {"v1": 101}}, "whole number from 0 to 100"),
        (Means.TRAFFIC, {"weights": {"v1": True}}, "whole number"),
        (Means.TRAFFIC, {"weights": {"v1": 0, "v2": 0}}, "nothing would take traffic"),
        (Means.TRAFFIC, {"weights": {"v1": 30, "v2": 30}}, r"refused \(400\): weights sum to 100"),
        (Means.BYPASS, {"to": "rules"}, "needs the slice"),
        (Means.BYPASS, {"slice": "health=poor", "to": "v9"}, "no backend 'v9'"),
        (Means.BYPASS, {"slice": "health=poor", "to": 4}, "named backend"),
    ],
)
async def test_a_wrong_wish_is_refused_before_anybody_approves_it(router, fake, means, params, because) -> None:
    """What the router would not do is refused while planning, in its own words where only it knows."""
    with pytest.raises(Refused, match=because):
        await router.plan(TARGET, means, params)
    assert fake.revision == 4


async def test_changed_again_is_told(router, fake: FakeRouter) -> None:
    """A key that was applied stays applied; that somebody changed the state since is said beside it."""
    plan = await router.plan(TARGET, Means.ROLLBACK, {})
    await router.execute(plan, "K")
    fake.someone_changes_it()
    seen = await router.observe(plan, "K")
    assert seen.seen is Seen.APPLIED
    assert "changed again since" in seen.detail


async def test_two_changes_are_undone_each_for_itself(router, fake: FakeRouter) -> None:
    """Taking back a bypass leaves the rollback that came after it alone."""
    bypass = await router.plan(TARGET, Means.BYPASS, {"slice": "health=poor", "to": "rules"})
    await router.execute(bypass, "K1")
    back = await router.plan(TARGET, Means.ROLLBACK, {})
    await router.execute(back, "K2")
    await router.undo(bypass, "K1/undo")
    assert fake.state() == {"weights": {"v1": 100, "v2": 0}, "bypass": {}}


async def test_a_stale_plan_is_refused_in_the_routers_words(router, fake: FakeRouter) -> None:
    """Compare-and-set happens at the router: between our look and our change nothing can slip in."""
    plan = await router.plan(TARGET, Means.ROLLBACK, {})
    fake.someone_changes_it()
    with pytest.raises(Refused, match=r"refused \(409\): it is revision 5 now"):
        await router.execute(plan, "K")


async def test_being_asked_to_wait_is_not_a_refusal() -> None:
    """429 says when to come again."""

    def busy(request: httpx.Request) -> httpx.Response:
        return httpx.Response(429, headers={"retry-after": "7"})

    action = make("router", httpx.MockTransport(busy), url="http://router")
    with pytest.raises(RateLimited) as caught:
        await action.plan(TARGET, Means.ROLLBACK, {})
    assert caught.value.retry_after == 7
    await action.close()


@pytest.mark.parametrize("state", [{"revision": "4"}, {"revision": True}, {"revision": 4, "weights": {}, "bypass": {}}])
async def test_a_state_without_its_fields_is_unavailable(state) -> None:
    """What the router must tell and does not is named."""
    action = make("router", httpx.MockTransport(lambda _: httpx.Response(200, json=state)), url="http://router")
    with pytest.raises(Unavailable, match=r"revision|weights"):
        await action.plan(TARGET, Means.ROLLBACK, {})
    await action.close()


async def test_what_the_router_recorded_is_told_in_the_words_of_every_other_sentence(router, fake: FakeRouter) -> None:
    """Its time as people read times here; a record without one says so."""
    plan = await router.plan(TARGET, Means.ROLLBACK, {"to": "v1"})
    await router.execute(plan, "K")
    assert "the router applied it at 2026-11-20 12:00:00 UTC, revision 5" in (await router.observe(plan, "K")).detail
    fake.applied["K"]["at"] = "noon"
    assert "at an unknown time" in (await router.observe(plan, "K")).detail
