"""One script of commands, put to HAProxy itself and to our own fake: both must answer alike, word for word.

The contract is HAProxy's management guide, section 9.3, as version 2.6 and newer keep it.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator

import pytest

from bot.clients.haproxy import Address, HAProxy, servers_in
from tests.actions.fake_haproxy import FakeHAProxy
from tests.haproxy import front

Ask = Callable[[str, str], str]
REAL = pytest.param("real", marks=[pytest.mark.real, pytest.mark.xdist_group("haproxy")])
MAP = "{map}"

SCRIPT = [
    # happy, and repeated
    ("admin", "set server visits/v1 weight 100;set server visits/v2 weight 0", ""),
    ("admin", "set server visits/v1 weight 100", ""),
    ("admin", "get weight visits/v1", "100 (initial 0)"),
    # of a line a refused command does not stop the others
    ("admin", "set server visits/v9 weight 1;set server visits/v2 weight 7", "No such server."),
    ("admin", "get weight visits/v2", "7 (initial 100)"),
    # missing and wrong
    ("admin", "set server visits/v9 weight 1", "No such server."),
    ("admin", "set server nowhere/v1 weight 1", "No such backend."),
    ("admin", "set server visits/v1 weight 257", "Absolute weight can only be between 0 and 256 inclusive."),
    ("admin", "set server visits/v1 weight x", "Empty weight string empty or preceded by garbage"),
    ("admin", "show servers state nowhere", "Can't find backend."),
    ("admin", "show stat nowhere 6 -1", "No such proxy."),
    ("admin", "show backend", "# name visits rules"),
    # forbidden: servers need level admin, maps none at all
    ("user", "set server visits/v1 weight 1", "Permission denied"),
    ("user", f"add map {MAP} b v1", ""),
    ("admin", f"del map {MAP} b", ""),
    # maps: a second entry is let in and the first one found; set and del meet them all
    ("admin", f"set map {MAP} a v1", "entry not found."),
    ("admin", f"add map {MAP} a v1", ""),
    ("admin", f"add map {MAP} a v2", ""),
    ("admin", f"show map {MAP}", "0x a v1 0x a v2"),
    ("admin", f"set map {MAP} a rules", ""),
    ("admin", f"show map {MAP}", "0x a rules 0x a rules"),
    ("admin", f"del map {MAP} a", ""),
    ("admin", f"show map {MAP}", ""),
    ("admin", f"del map {MAP} a", "Key not found."),
    ("admin", "add map /nowhere.map a v1", "Unknown map identifier. Please use #<id> or <file>."),
    ("admin", "show map /nowhere.map", "Unknown map identifier. Please use #<id> or <file>."),
    # maintenance, drain and back
    ("admin", "set server visits/v1 state maint", ""),
    ("admin", "set server visits/v2 state drain", ""),
    ("admin", "set server visits/v1 state ready;set server visits/v2 state ready", ""),
]


@pytest.fixture(params=["fake", REAL])
def target(request: pytest.FixtureRequest) -> Iterator[tuple[str, Ask]]:
    """(the map's name, a way to ask at a level)."""
    if request.param == "fake":
        fake = FakeHAProxy()
        fake.map_file = "/etc/slices.map"
        yield fake.map_file, lambda level, line: "".join(f"{fake.answer(part, level)}\n" for part in line.split(";"))
        return
    with front() as running:
        sockets = {"admin": "admin.sock", "user": "reader.sock"}
        yield running.map_file, lambda level, line: running.ask(line, sockets[level])


def test_every_command_is_answered_alike(target: tuple[str, Ask]) -> None:
    """Silence for what worked, the same words for what did not, and a refused command stops no other."""
    map_file, ask = target
    for level, line, expected in SCRIPT:
        told = " ".join(re.sub(r"0x[0-9a-f]+", "0x", ask(level, line.replace(MAP, map_file))).split())
        assert told == expected, line


def test_states_are_told_alike(target: tuple[str, Ask]) -> None:
    """Weight, configured weight and readiness of each server, as the client reads them, through maintenance and drain."""
    _, ask = target
    told = lambda: servers_in(ask("admin", "show servers state"))["visits"]  # noqa: E731
    assert {name: (each.weight, each.configured, each.ready) for name, each in told().items()} == {
        "v1": (0, 0, True),
        "v2": (100, 100, True),
    }
    ask("admin", "set server visits/v1 state maint;set server visits/v2 state drain")
    assert not any(each.ready for each in told().values())
    ask("admin", "set server visits/v1 state ready;set server visits/v2 state ready")
    assert all(each.ready for each in told().values())


@pytest.mark.parametrize("kind", ["fake", REAL])
async def test_the_client_reads_both_alike(kind: str) -> None:
    """Counters, backends, limits and time since the start, through the client that the action uses."""
    if kind == "fake":
        fake = FakeHAProxy()
        fake.limits = {"v1": 7}
        async with fake.listening() as address:
            await _read(HAProxy(Address.parse(address), 5))
        return
    with front(v1_more="maxconn 7") as running:
        await _read(HAProxy(Address.parse(running.address), 5))


async def _read(api: HAProxy) -> None:
    assert await api.backends() == ["visits", "rules"]
    assert 0 <= await api.uptime() < 60
    counted = await api.statistics("visits")
    assert (dict(counted.requests), dict(counted.limits)) == ({"v1": 0, "v2": 0}, {"v1": 7})
    assert (counted.sessions, counted.algorithm, counted.sticky) == (0, "unknown", False)
    assert "visits" in servers_in(await api.state())
