"""What HAProxy forgets when it starts anew: kept in its files, set again where it was lost, left alone where a hand was."""

from __future__ import annotations

from pathlib import Path

import pytest
from pydantic import ValidationError

from bot import shelf
from bot.clients import haproxy_files as files
from bot.domain.errors import Refused, Unavailable
from bot.domain.mitigation import Means
from bot.domain.service import Target
from bot.engine.ports import Counting, Keeping
from bot.engine.values import Seen
from tests.actions.fake_haproxy import FakeHAProxy
from tests.actions.fakes import BYPASS, ROLLBACK
from tests.parts import Hands

TARGET = Target("visits-lb", "haproxy")


@pytest.fixture
def clock() -> Hands:
    return Hands()


@pytest.fixture
async def fake(clock: Hands):
    fake = FakeHAProxy(clock)
    async with fake.listening() as fake.address:
        yield fake


def balancer(fake: FakeHAProxy, **more: object):
    """The action in front of the fake, on the same clock."""
    kind = shelf.load("actions", "haproxy")
    given = {"address": fake.address, "backend": "visits", "map_file": "/etc/slices.map", **more}
    return kind(kind.Settings.model_validate(given), clock=fake.clock)


def names(folder: Path) -> list[str]:
    """What lies there: nothing half-written is left behind."""
    return sorted(each.name for each in folder.iterdir())


async def applied(action, fake: FakeHAProxy, ask=ROLLBACK):
    """A plan carried out now, and when that was."""
    plan = await action.plan(TARGET, *ask)
    await action.execute(plan, "K")
    since = fake.clock.now()
    fake.clock.forward(60)
    return plan, since


async def test_what_a_reload_lost_is_set_again(fake: FakeHAProxy) -> None:
    """Once, and told; asked again there is nothing to do."""
    action = balancer(fake)
    for ask in (ROLLBACK, BYPASS):
        plan, since = await applied(action, fake, ask)
        assert await action.keep(plan, "K", since) == ""
        fake.restart()
        fake.clock.forward(30)
        told = await action.keep(plan, "K", since)
        assert (
            told == f"HAProxy was started anew at {fake.started:%H:%M:%S} UTC and had lost the change; it was set again"
        )
        assert (await action.observe(plan, "K")).seen is Seen.APPLIED
        changed = fake.changed
        assert await action.keep(plan, "K", fake.clock.now()) == ""
        assert fake.changed == changed


async def test_what_a_hand_took_back_is_left_alone(fake: FakeHAProxy) -> None:
    """The same state without a new process is somebody's will, also after a reload that was before."""
    action = balancer(fake)
    plan, since = await applied(action, fake)
    fake.weights = {"v1": 0, "v2": 100}
    assert await action.keep(plan, "K", since) == ""
    assert fake.weights == {"v1": 0, "v2": 100}
    fake.restart()
    fake.clock.forward(30)
    assert await action.keep(plan, "K", since) != ""
    again = fake.clock.now()
    fake.clock.forward(30)
    fake.weights = {"v1": 0, "v2": 100}
    assert await action.keep(plan, "K", again) == ""
    assert fake.weights == {"v1": 0, "v2": 100}


async def test_a_new_configuration_is_left_alone(fake: FakeHAProxy) -> None:
    """Weights that are neither those of before nor those once configured are somebody's new release."""
    action = balancer(fake)
    plan, since = await applied(action, fake)
    fake.configured = {"v1": 30, "v2": 70}
    fake.restart()
    assert await action.keep(plan, "K", since) == ""
    assert fake.weights == {"v1": 30, "v2": 70}


async def test_a_start_with_the_configurations_weights_is_a_loss_too(fake: FakeHAProxy) -> None:
    """The state before may have been a hand's as well: then a reload brings the configuration's, and that is known."""
    fake.weights = {"v1": 60, "v2": 40}
    action = balancer(fake)
    plan, since = await applied(action, fake, (Means.TRAFFIC, {"weights": {"v1": 100}}))
    assert plan.undo_params == {"weights": {"v1": 60, "v2": 40}, "configured": {"v1": 0, "v2": 100}}
    fake.restart()
    fake.clock.forward(5)
    assert "set again" in await action.keep(plan, "K", since)
    assert fake.weights == {"v1": 100, "v2": 0}
    await action.undo(plan, "K/undo")
    assert fake.weights == {"v1": 60, "v2": 40}


async def test_the_state_file_carries_weights_through_a_reload(fake: FakeHAProxy, tmp_path: Path) -> None:
    """Written after the change and after its undo; nothing is left to set again, and no warning is given."""
    fake.state_file = str(tmp_path / "state")
    action = balancer(fake, state_file=fake.state_file)
    plan, since = await applied(action, fake)
    assert plan.warnings == ()
    fake.restart()
    assert fake.weights == {"v1": 100, "v2": 0}
    assert await action.keep(plan, "K", since) == ""
    await action.undo(plan, "K/undo")
    fake.restart()
    assert fake.weights == {"v1": 0, "v2": 100}


async def test_the_file_says_what_runs_whoever_changed_it(fake: FakeHAProxy, tmp_path: Path) -> None:
    """A hand that took it back is not overruled by the next reload; a file that was lost is written anew."""
    place = tmp_path / "state"
    fake.state_file = str(place)
    action = balancer(fake, state_file=fake.state_file)
    plan, since = await applied(action, fake)
    fake.weights = {"v1": 0, "v2": 100}
    await action.keep(plan, "K", since)
    fake.restart()
    assert fake.weights == {"v1": 0, "v2": 100}
    place.unlink()
    await action.keep(plan, "K", fake.clock.now())
    assert place.exists()


async def test_the_map_file_carries_a_bypass_through_a_reload(fake: FakeHAProxy, tmp_path: Path) -> None:
    """Other entries and comments stay as they are, the file keeps its mode, and undo takes out what was put in."""
    place = tmp_path / "slices.map"
    place.write_text("# who goes where\nhealth=good visits # stays\n")
    place.chmod(0o640)
    fake.map_file = str(place)
    fake.restart()
    action = balancer(fake, map_file=str(place), write_map=True)
    plan, since = await applied(action, fake, BYPASS)
    assert plan.warnings == ()
    assert place.read_text() == "# who goes where\nhealth=good visits # stays\nhealth=poor rules\n"
    assert place.stat().st_mode & 0o777 == 0o640
    fake.restart()
    assert await action.keep(plan, "K", since) == ""
    assert (await action.observe(plan, "K")).seen is Seen.APPLIED
    await action.undo(plan, "K/undo")
    assert place.read_text() == "# who goes where\nhealth=good visits # stays\n"
    assert names(tmp_path) == ["slices.map"]


async def test_a_file_that_cannot_be_written_is_no_failed_change(fake: FakeHAProxy, tmp_path: Path) -> None:
    """The change stands; the approver was warned, and what shows it says that a reload would lose it."""
    action = balancer(fake, state_file=str(tmp_path / "gone" / "state"))
    plan, since = await applied(action, fake)
    assert "cannot be written from here" in plan.warnings[0]
    seen = await action.observe(plan, "K")
    assert seen.seen is Seen.APPLIED
    assert seen.detail.endswith("does not hold it: a reload would lose it")
    assert await action.keep(plan, "K", since) == ""


def test_a_link_stays_a_link(tmp_path: Path) -> None:
    """A map behind a symbolic link is replaced where it really lies."""
    (tmp_path / "real.map").write_text("a b\n")
    (tmp_path / "link.map").symlink_to(tmp_path / "real.map")
    files.write(str(tmp_path / "link.map"), "a c\n")
    assert (tmp_path / "link.map").is_symlink()
    assert (tmp_path / "real.map").read_text() == "a c\n"


def test_what_cannot_be_read_or_written_is_a_sentence(tmp_path: Path) -> None:
    """A folder in a file's place, a folder that is not there."""
    with pytest.raises(Unavailable, match="cannot be read: is a directory"):
        files.read(str(tmp_path))
    with pytest.raises(Unavailable, match="cannot be written: no such file or directory"):
        files.write(str(tmp_path / "none" / "file"), "")
    (tmp_path / "folder").mkdir()
    with pytest.raises(Unavailable, match="cannot be written"):
        files.write(str(tmp_path / "folder"), "")
    assert names(tmp_path) == ["folder"]


@pytest.mark.parametrize(
    ("text", "value", "expected"),
    [
        ("", "v1", "a v1\n"),
        ("a v2", "v1", "a v1\n"),
        ("b x", "v1", "b x\na v1\n"),
        ("a v2\na v3\nb x\n", "v1", "a v1\nb x\n"),
        ("# a\n\na\tv2\nab v3\n", None, "# a\n\nab v3\n"),
        ("caf\udce9 x\n", "v1", "caf\udce9 x\na v1\n"),
    ],
)
def test_one_entry_of_a_map_file(text: str, value: str | None, expected: str) -> None:
    """Once, whatever stood there before; without it where it is lifted; all other lines byte for byte."""
    assert files.with_entry(text, "a", value) == expected
    assert files.entry(expected, "a") == value


async def test_requests_are_counted_per_version(fake: FakeHAProxy) -> None:
    """By HAProxy's own counters, for the versions the plan names; a bypass is not counted."""
    fake.weights |= {"shadow": 5}
    fake.requests = {"v1": 3, "v2": 900, "shadow": 7}
    action = balancer(fake, servers=("v1", "v2"))
    assert isinstance(action, Counting)
    assert isinstance(action, Keeping)
    assert await action.traffic(await action.plan(TARGET, *ROLLBACK)) == {"v1": 3, "v2": 900}
    assert await action.traffic(await action.plan(TARGET, *BYPASS)) == {}


async def test_traffic_is_never_sent_where_nobody_answers(fake: FakeHAProxy) -> None:
    """A version in maintenance or draining is refused while planning; one of several is warned of."""
    action = balancer(fake)
    for held in (1, 8):
        fake.held = {"v1": held}
        with pytest.raises(Refused, match=r"v1 takes no traffic .*nothing would answer"):
            await action.plan(TARGET, *ROLLBACK)
        plan = await action.plan(TARGET, Means.TRAFFIC, {"weights": {"v1": 50, "v2": 50}})
        assert plan.warnings[0].startswith("v1 takes no traffic now")


async def test_traps_are_told_before_anybody_approves(fake: FakeHAProxy) -> None:
    """Clients kept to their server, a limit below what there is now, weights that cannot be moved at all."""
    action = balancer(fake)
    fake.sticky, fake.limits, fake.sessions = True, {"v1": 7}, 12
    plan = await action.plan(TARGET, *ROLLBACK)
    assert "v1 takes 7 sessions at a time and there are 12 now" in plan.warnings
    assert any("only new clients move" in warning for warning in plan.warnings)
    fake.algorithm = "static-rr"
    with pytest.raises(Refused, match="balances by static-rr"):
        await action.plan(TARGET, *ROLLBACK)


async def test_a_refused_rise_lowers_nobody(fake: FakeHAProxy) -> None:
    """HAProxy carries on with a line after a command it refused: what takes traffic away is said only afterwards."""
    action = balancer(fake)
    plan = await action.plan(TARGET, *ROLLBACK)
    fake.algorithm = "static-rr"
    with pytest.raises(Refused, match="static LB algorithm"):
        await action.execute(plan, "K")
    assert fake.weights == {"v1": 0, "v2": 100}


async def test_what_it_cannot_be_asked(fake: FakeHAProxy) -> None:
    """Mirroring, a backend that is not there, a misspelt word: refused in a sentence."""
    action = balancer(fake)
    with pytest.raises(Refused, match="cannot mirror traffic while it runs"):
        await action.plan(TARGET, Means.TRAFFIC, {"mirror": {"v1": 100}})
    with pytest.raises(Refused, match="no backend 'ruels'; there is visits, rules"):
        await action.plan(TARGET, Means.BYPASS, {"slice": "health=poor", "to": "ruels"})
    with pytest.raises(Refused, match="too cannot be asked here; what can is to"):
        await action.plan(TARGET, Means.ROLLBACK, {"too": "v1"})


@pytest.mark.parametrize(
    ("settings", "because"),
    [
        ({"state_file": "state"}, "full path"),
        ({"map_file": "#1", "write_map": True}, "write_map needs map_file"),
        ({"address": "tcp:10.0.0.9:99", "state_file": "/var/lib/haproxy/state"}, "for a HAProxy on this machine"),
    ],
)
def test_files_are_named_in_full(settings: dict[str, object], because: str) -> None:
    """A path that HAProxy would read from another folder, or on another machine, is refused when it is read."""
    kind = shelf.load("actions", "haproxy")
    with pytest.raises(ValidationError, match=because):
        kind.Settings.model_validate({"address": "tcp:127.0.0.1:1", "backend": "visits", **settings})
