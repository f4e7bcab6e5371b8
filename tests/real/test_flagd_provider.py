"""OpenFeature's own flagd provider reads the file we edited, and decides as the plan said.

Real here: `openfeature-provider-flagd`, in its FILE mode, and the evaluator under it. Contract: flagd's flag definitions
and JSON Logic.
"""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from bot.domain.mitigation import Means
from bot.domain.service import Target
from tests.actions.fakes import ROLLBACK, make
from tests.actions.test_flagd import FLAGS, KILL, SLICE, FlagsOnDisk
from tests.parts import missing

pytestmark = [pytest.mark.real, pytest.mark.xdist_group("flagd")]

TARGET = Target("model-flag", "flagd")
RULES = '{"if": [{"in": ["@ours.example", {"var": "email"}]}, "rules", null]}'


@pytest.fixture
def disk(tmp_path: Path) -> FlagsOnDisk:
    return FlagsOnDisk(
        tmp_path, FLAGS.replace('"defaultVariant": "v2"\n', f'"defaultVariant": "v2", "targeting": {RULES}\n')
    )


def decided(text: str, **says: Any) -> str:
    """What a service gets whose code falls back on `fallback`."""
    try:
        from openfeature.contrib.tools.flagd.core import FlagdCore
        from openfeature.evaluation_context import EvaluationContext
    except ModuleNotFoundError:
        missing("openfeature-provider-flagd")
    core = FlagdCore()
    core.set_flags(text)
    return str(core.resolve_string_value("model", "fallback", EvaluationContext(attributes=says)).value)


async def test_each_change_is_evaluated_as_planned(disk: FlagsOnDisk) -> None:
    """The slice alone moves and the flag's own rule stays; off is the code's default; undone is as before."""
    door = make("flagd", file=str(disk.file), flag="model")

    def now(**says: str) -> str:
        return decided(disk.file.read_text(), **says)

    ours = {"email": "ann@ours.example"}
    assert (now(), now(region="fr"), now(**ours)) == ("two", "two", "régles")
    bypass = await door.plan(TARGET, *SLICE)
    await door.execute(bypass, "K")
    assert (now(), now(region="fr"), now(region="de"), now(**ours)) == ("two", "one", "two", "régles")
    kill = await door.plan(TARGET, *KILL)
    await door.execute(kill, "K2")
    assert (now(), now(region="fr")) == ("fallback", "fallback")
    await door.undo(kill, "K2/undo")
    back = await door.plan(TARGET, *ROLLBACK)
    await door.execute(back, "K3")
    assert (now(), now(**ours)) == ("one", "régles")  # as the plan warned: requests that rules name keep their variant
    await door.undo(back, "K3/undo")
    lift = await door.plan(TARGET, Means.BYPASS, {"slice": "region=fr", "to": None})
    await door.execute(lift, "K4")
    assert (now(), now(region="fr"), now(**ours)) == ("two", "two", "régles")


async def test_a_slice_on_a_flag_without_rules(disk: FlagsOnDisk) -> None:
    """Everybody else gets the default variant."""
    disk.file.write_text(FLAGS)
    door = make("flagd", file=str(disk.file), flag="model")
    await door.execute(await door.plan(TARGET, *SLICE), "K")
    text = disk.file.read_text()
    assert (decided(text), decided(text, region="fr"), decided(text, region="de")) == ("two", "one", "two")


@pytest.fixture
def client(disk: FlagsOnDisk) -> Iterator[Any]:
    """A service's own client, which watches the file."""
    try:
        from openfeature import api
        from openfeature.contrib.provider.flagd import FlagdProvider
        from openfeature.contrib.provider.flagd.config import ResolverType
    except ModuleNotFoundError:
        missing("openfeature-provider-flagd")
    path = str(disk.file)
    provider = FlagdProvider(resolver_type=ResolverType.FILE, offline_flag_source_path=path, deadline_ms=20)
    api.set_provider_and_wait(provider) if hasattr(api, "set_provider_and_wait") else api.set_provider(provider)
    yield api.get_client()
    api.shutdown()


async def test_a_running_service_loads_the_swapped_file_by_itself(disk: FlagsOnDisk, client: Any) -> None:
    """Done and undone while it runs: it follows, and never meets a part of a file."""
    door = make("flagd", file=str(disk.file), flag="model")

    def follows(wanted: str) -> bool:
        until = time.monotonic() + 10
        while (got := client.get_string_value("model", "fallback")) != wanted and time.monotonic() < until:
            assert got in ("two", "one")
            json.loads(disk.file.read_text())
        return bool(got == wanted)

    assert follows("two")
    plan = await door.plan(TARGET, *ROLLBACK)
    await door.execute(plan, "K")
    assert follows("one")
    await door.undo(plan, "K/undo")
    assert follows("two")
