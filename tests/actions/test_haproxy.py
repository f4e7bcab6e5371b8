"""HAProxy's action in particular: one entry per slice, nothing said that could be another command, parts told apart."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator

import pytest
from pydantic import ValidationError

from bot.clients.haproxy import Address
from bot.domain.errors import Refused, Unavailable
from bot.domain.mitigation import Means
from bot.domain.service import Target
from bot.engine.values import Seen
from tests.actions.fake_haproxy import FakeHAProxy
from tests.actions.fakes import BYPASS, ROLLBACK, WEIGHTS, Scene, make
from tests.shelves.files import SECONDS

TARGET = Target("visits-lb", "haproxy")
SETTINGS = {"address": "tcp:127.0.0.1:{port}", "backend": "visits", "map_file": "slices", "timeout_seconds": SECONDS}


@contextlib.asynccontextmanager
async def scene() -> AsyncIterator[Scene]:
    """What the suite in tests/shelves tries it on."""
    fake = FakeHAProxy()
    async with fake.listening() as address:
        action = make("haproxy", address=address, backend="visits", map_file="/etc/slices.map", carries="visits")
        asks = {"rollback": ROLLBACK, "traffic": WEIGHTS, "bypass": BYPASS}
        target, changes = Target("visits-lb", "haproxy"), lambda: fake.changed
        yield Scene(action, target, asks, Means.RESTART, fake.state, changes, fake.someone_changes_it)
        await action.close()


@pytest.fixture
async def fake():
    fake = FakeHAProxy()
    async with fake.listening() as fake.address:
        yield fake


@pytest.fixture
def haproxy(fake: FakeHAProxy):
    return make("haproxy", address=fake.address, backend="visits", map_file="/etc/slices.map")


async def test_a_bypass_set_twice_is_one_entry(haproxy, fake: FakeHAProxy) -> None:
    """`add map` would let a second entry in; a slice sent elsewhere again is changed in place."""
    for to in ("rules", "visits", "rules"):
        plan = await haproxy.plan(TARGET, Means.BYPASS, {"slice": "health=poor", "to": to})
        await haproxy.execute(plan, "K")
    assert fake.map == [("health=poor", "rules")]


async def test_it_warns_that_a_reload_forgets(haproxy) -> None:
    """Runtime changes are lost on reload, and the approver reads that."""
    plan = await haproxy.plan(TARGET, Means.ROLLBACK, {})
    assert (
        "lost when HAProxy reloads, until they are set again a minute later; state_file keeps them" in plan.warnings[0]
    )
    plan = await haproxy.plan(TARGET, *BYPASS)
    assert "write_map keeps them" in plan.warnings[0]


@pytest.mark.parametrize("name", ["poor;disable server visits/v1", "a b", "x\nshutdown", "a\\;b"])
async def test_no_name_becomes_a_command(haproxy, fake: FakeHAProxy, name: str) -> None:
    """A slice or backend that could end a command is refused before it is sent."""
    with pytest.raises(Refused, match="cannot be said to HAProxy"):
        await haproxy.plan(TARGET, Means.BYPASS, {"slice": name, "to": "rules"})
    with pytest.raises(Refused, match="cannot be said to HAProxy"):
        await haproxy.plan(TARGET, Means.BYPASS, {"slice": "health=poor", "to": name})
    assert fake.lines == []


async def test_a_half_done_change_is_unknown(haproxy, fake: FakeHAProxy) -> None:
    """Neither as before nor as wanted: a person must look."""
    plan = await haproxy.plan(TARGET, Means.ROLLBACK, {})
    fake.weights["v1"] = 100
    assert (await haproxy.observe(plan, "K")).seen is Seen.UNKNOWN


async def test_servers_that_are_no_versions_are_left_alone(fake: FakeHAProxy) -> None:
    """With `servers` named, a rollback touches only those."""
    fake.weights = {"v1": 0, "v2": 100, "shadow": 5}
    action = make("haproxy", address=fake.address, backend="visits", servers=("v1", "v2"))
    await action.execute(await action.plan(TARGET, Means.ROLLBACK, {}), "K")
    assert fake.weights == {"v1": 100, "v2": 0, "shadow": 5}


async def test_a_backend_that_is_not_there_is_named(fake: FakeHAProxy) -> None:
    """A misspelt backend says so."""
    action = make("haproxy", address=fake.address, backend="visit")
    with pytest.raises(Unavailable, match="a backend visit"):
        await action.plan(TARGET, Means.ROLLBACK, {})


async def test_without_a_map_there_is_no_bypass(fake: FakeHAProxy) -> None:
    """What the catalogue does not allow is refused."""
    action = make("haproxy", address=fake.address, backend="visits")
    with pytest.raises(Refused, match="no map_file"):
        await action.plan(TARGET, Means.BYPASS, {"slice": "health=poor", "to": "rules"})


@pytest.mark.parametrize("address", ["/run/haproxy.sock", "tcp:9999", "unix:run.sock", "tcp:host:port", "http://h:1"])
def test_an_address_says_what_was_expected(address: str) -> None:
    """Anything but unix:/path or tcp:host:port is refused when it is read."""
    with pytest.raises(ValidationError, match="expected unix:/path/to/socket or tcp:host:port"):
        make("haproxy", address=address, backend="visits")


def test_addresses() -> None:
    """Both kinds are read."""
    assert Address.parse("unix:/run/a.sock").path == "/run/a.sock"
    assert Address.parse("tcp:127.0.0.1:99") == Address("", "127.0.0.1", 99)
