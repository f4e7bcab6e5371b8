"""Against HAProxy itself: weights and slices really move the traffic, outlive a reload, and undo brings them back."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

import pytest

from bot import shelf
from bot.clock import SystemClock
from bot.domain.errors import Refused, Unavailable
from bot.domain.mitigation import Means
from bot.domain.service import Target
from bot.engine.values import Seen
from tests.actions.fakes import BYPASS, ROLLBACK
from tests.haproxy import Front, front

pytestmark = [pytest.mark.real, pytest.mark.xdist_group("haproxy")]

TARGET = Target("visits-lb", "haproxy")


@pytest.fixture
def balancer() -> Iterator[Front]:
    """A fresh HAProxy before three backends, which forgets all it is not told in its files."""
    with front() as running:
        yield running


def action(running: Front, socket: str = "admin.sock", **more: object):
    kind = shelf.load("actions", "haproxy")
    given = {"address": f"unix:{running.folder}/{socket}", "backend": "visits", "map_file": running.map_file, **more}
    return kind(kind.Settings.model_validate(given), clock=SystemClock())


async def test_a_rollback_moves_all_traffic_and_back(balancer) -> None:
    """Before: v2 alone. After: v1 alone. Undone: v2 alone."""
    haproxy = action(balancer)
    assert balancer.answers() == {"v2": 20}
    plan = await haproxy.plan(TARGET, Means.ROLLBACK, {})
    assert plan.diff == ("weight v1 0 → 100", "weight v2 100 → 0")
    await haproxy.execute(plan, "K")
    await haproxy.execute(plan, "K")
    assert balancer.answers() == {"v1": 20}
    assert (await haproxy.observe(plan, "K")).seen is Seen.APPLIED
    await haproxy.undo(plan, "K")
    assert balancer.answers() == {"v2": 20}
    assert (await haproxy.undone(plan, "K")).seen is Seen.APPLIED


async def test_weights_share_the_traffic(balancer) -> None:
    """Both versions answer when both have weight."""
    haproxy = action(balancer)
    await haproxy.execute(await haproxy.plan(TARGET, Means.TRAFFIC, {"weights": {"v1": 50, "v2": 50}}), "K")
    assert set(balancer.answers(times=60)) == {"v1", "v2"}


async def test_a_bypass_moves_one_slice_alone(balancer) -> None:
    """The slice goes to the rules, the rest stays; set again it is one entry, undone it is none."""
    haproxy = action(balancer)
    plan = await haproxy.plan(TARGET, Means.BYPASS, {"slice": "health=poor", "to": "rules"})
    await haproxy.execute(plan, "K")
    await haproxy.execute(plan, "K")
    assert balancer.answers("health=poor") == {"rules": 20}
    assert balancer.answers() == {"v2": 20}
    assert (await haproxy.plan(TARGET, Means.BYPASS, {"slice": "health=poor", "to": "rules"})).diff == ()
    other = await haproxy.plan(TARGET, Means.BYPASS, {"slice": "health=poor", "to": "visits"})
    assert other.diff == ("slice health=poor: sent to rules → sent to visits",)
    await haproxy.undo(plan, "K")
    await haproxy.undo(plan, "K")
    assert balancer.answers("health=poor") == {"v2": 20}


async def test_a_change_by_another_hand_makes_the_plan_stale(balancer) -> None:
    """The token differs and nothing is done."""
    haproxy, other = action(balancer), action(balancer)
    plan = await haproxy.plan(TARGET, Means.ROLLBACK, {})
    await other.execute(await other.plan(TARGET, Means.TRAFFIC, {"weights": {"v1": 10, "v2": 90}}), "other")
    assert await haproxy.token(plan) != plan.token
    with pytest.raises(Refused, match="changed again since"):
        await haproxy.execute(plan, "K")


async def test_what_haproxy_refuses_is_told(balancer) -> None:
    """A socket without the right level, a backend that is not there, a dead socket: each a sentence."""
    weak = action(balancer, "reader.sock")
    plan = await action(balancer).plan(TARGET, Means.ROLLBACK, {})
    with pytest.raises((Refused, Unavailable), match=r"ermission|denied|admin"):
        await weak.execute(plan, "K")
    with pytest.raises(Unavailable, match="nowhere"):
        await action(balancer, backend="nowhere").plan(TARGET, Means.ROLLBACK, {})
    with pytest.raises(Unavailable, match="could not be reached"):
        await action(balancer, "none.sock").plan(TARGET, Means.ROLLBACK, {})
    with pytest.raises(Refused, match="no backend 'ruels'; there is visits, rules"):
        await action(balancer).plan(TARGET, Means.BYPASS, {"slice": "health=poor", "to": "ruels"})


async def test_what_is_written_outlives_a_reload(balancer) -> None:
    """SIGUSR2 in master-worker mode: weights by the state file, the slice by its map file; undone the same way."""
    haproxy = action(balancer, state_file=f"{balancer.folder}/state", write_map=True)
    weights, slice_ = await haproxy.plan(TARGET, *ROLLBACK), await haproxy.plan(TARGET, *BYPASS)
    assert weights.warnings == slice_.warnings == ()
    for plan in (weights, slice_):
        await haproxy.execute(plan, "K")
    since = SystemClock().now()
    balancer.reload()
    assert balancer.answers() == {"v1": 20}
    assert balancer.answers("health=poor") == {"rules": 20}
    for plan in (weights, slice_):
        assert await haproxy.keep(plan, "K", since) == ""
        seen = await haproxy.observe(plan, "K")
        assert (seen.seen, seen.detail) == (Seen.APPLIED, "the target is in the wanted state")
        await haproxy.undo(plan, "K/undo")
    balancer.reload()
    assert balancer.answers() == balancer.answers("health=poor") == {"v2": 20}
    assert (balancer.folder / "slices.map").read_text() == "# slices sent elsewhere\n"


async def test_what_a_reload_lost_is_set_again_and_what_a_hand_took_back_is_not(balancer) -> None:
    """By HAProxy's own account of how long it runs."""
    haproxy = action(balancer)
    weights, slice_ = await haproxy.plan(TARGET, *ROLLBACK), await haproxy.plan(TARGET, *BYPASS)
    for plan in (weights, slice_):
        await haproxy.execute(plan, "K")
    since = SystemClock().now()
    balancer.ask("set server visits/v2 weight 100;set server visits/v1 weight 0")
    assert await haproxy.keep(weights, "K", since) == ""
    assert balancer.answers() == {"v2": 20}
    balancer.reload()
    longer_ago = since - timedelta(seconds=10)  # HAProxy counts in whole seconds
    for plan in (weights, slice_):
        assert "had lost the change; it was set again" in await haproxy.keep(plan, "K", longer_ago)
    assert balancer.answers() == {"v1": 20}
    assert balancer.answers("health=poor") == {"rules": 20}


async def test_requests_are_counted(balancer) -> None:
    """Two readings apart, HAProxy's counters show who took the traffic; a reload starts them anew."""
    haproxy = action(balancer)
    plan = await haproxy.plan(TARGET, Means.TRAFFIC, {"weights": {"v1": 100, "v2": 100}})
    await haproxy.execute(plan, "K")
    first = await haproxy.traffic(plan)
    answered = balancer.answers(times=60)
    second = await haproxy.traffic(plan)
    assert {name: second[name] - first[name] for name in second} == dict(answered)
    balancer.reload()
    assert await haproxy.traffic(plan) == {"v1": 0, "v2": 0}


@pytest.mark.parametrize(
    "more", ["stick-table type ip size 1k expire 1m\n  stick on src", "cookie SRV insert indirect"]
)
async def test_sticky_clients_stay_and_that_is_warned_of(more: str) -> None:
    """At weight 0 a server goes on serving the clients that are kept to it: the plan says so, the counters show it."""
    with front(more=more, v1_more="cookie a") as running:
        haproxy = action(running)
        served = running.answers()
        plan = await haproxy.plan(TARGET, *ROLLBACK)
        assert any("only new clients move" in warning for warning in plan.warnings)
        await haproxy.execute(plan, "K")
        if "stick" in more:
            assert running.answers() == served == {"v2": 20}
            assert (await haproxy.traffic(plan))["v2"] == 40


async def test_weights_that_cannot_be_moved_lower_nobody() -> None:
    """static-rr takes no weights while it runs: refused while planning, and nothing lowered where it was planned before."""
    with front() as other:
        plan = await action(other).plan(TARGET, *ROLLBACK)
    with front(balance="static-rr") as running:
        haproxy = action(running)
        with pytest.raises(Refused, match="balances by static-rr"):
            await haproxy.plan(TARGET, *ROLLBACK)
        with pytest.raises(Refused, match="static LB algorithm"):
            await haproxy.execute(plan, "K")
        assert running.answers() == {"v2": 20}


async def test_a_version_in_maintenance_takes_no_traffic(balancer) -> None:
    """Rolling back to it would be an outage: refused."""
    balancer.ask("set server visits/v1 state maint")
    with pytest.raises(Refused, match="v1 takes no traffic"):
        await action(balancer).plan(TARGET, *ROLLBACK)
