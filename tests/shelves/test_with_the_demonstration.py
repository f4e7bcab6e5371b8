"""The shelves in front of the demonstration's own services: both acts are found out, and what is planned is done."""

from __future__ import annotations

import random
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace

import httpx
import pytest

from bot.demo import data, gateway, models, wire
from bot.demo.operations import Operations
from bot.demo.pipeline import Pipeline
from bot.demo.router import Router
from bot.demo.service import Service
from bot.demo.truth import Truth
from bot.diagnosis.hypotheses import rank
from bot.domain.finding import Cause, Finding
from bot.domain.mitigation import Means
from bot.domain.service import Target
from bot.engine.values import Question, Seen
from tests.actions.fakes import make
from tests.evidence.fakes import SERVICE, collect
from tests.parts import Hands

pytestmark = pytest.mark.xdist_group("demonstration")
START = datetime(2026, 11, 20, 12, 0, tzinfo=UTC)


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory):
    """The versions, trained once."""
    train, live = data.load()
    return live, models.prepare(tmp_path_factory.mktemp("models"), train, live, lambda: START)


@pytest.fixture
def world(trained, tmp_path: Path) -> SimpleNamespace:
    """Router, pipeline, model service and controls by a clock moved by hand, served in this process."""
    live, versions = trained
    hands = Hands(START)
    router = Router(
        tmp_path / "router.json", hands.now, weighted=models.RELEASES, fallbacks=["rules"],
        slices=["health=poor", "health=good"], dice=random.Random(1),
    )  # fmt: skip
    line, truth = Pipeline(tmp_path / "pipeline.json", hands.now), Truth(hands.now)
    service = Service(versions, live, line, truth, hands.now)
    operations = Operations(tmp_path / "deploys.json", router, line, truth, versions.records, hands.now)
    front = gateway.Gateway(router, {})
    control = wire.app(operations, service, front, SimpleNamespace(tell=dict), truth)
    return SimpleNamespace(
        hands=hands, router=router, line=line, service=service, operations=operations, control=control,
        gateway=gateway.app(front), dice=random.Random(2), rows=len(live),
    )  # fmt: skip


async def traffic(world: SimpleNamespace, seconds: int) -> None:
    """A hundred predictions a second of random people, through the router's choice."""
    for _ in range(seconds * 100):
        world.hands.forward(0.01)
        case = world.service.case({"row": world.dice.randrange(world.rows)})
        await world.service.predict(world.router.choose(case.health), case)


async def diagnosed(world: SimpleNamespace, onset: datetime):
    """Every instrument asked about the slice, its findings ranked."""
    question = Question("INC-1", SERVICE, "health=poor", onset - timedelta(minutes=10), world.hands.now())
    found = [
        each
        for name in ("deploys", "drift", "lineage")
        for each in (await collect(name, world.control, question)).findings
    ]
    findings = [Finding(f"F{n}", f.text, "demo", onset, "tocsin", f.bears) for n, f in enumerate(found, 1)]
    return rank(findings), "\n".join(f.text for f in found)


async def test_act_one_is_training_data_and_a_rollback_helps(world) -> None:
    """A release that lost the slice's labels is found to be that, and rolling back is what is advised first."""
    await traffic(world, 20)
    await world.operations.release("v2")
    onset = world.hands.now() + timedelta(seconds=1)
    await traffic(world, 10)
    ranking, texts = await diagnosed(world, onset)
    assert ranking[0].cause is Cause.TRAINING_DATA, texts
    assert ranking[0].belief > 0.8
    assert ranking[0].remedies[0] == "rollback"
    assert "v2 replaced v1 at 12:00:20 UTC" in texts
    assert "no input feature of health=poor drifted" in texts
    assert "v2 was trained with label rate 0.00 in health=poor" in texts


@pytest.mark.parametrize("fault", ["zero", "tenth"])
async def test_act_two_is_the_pipeline_and_a_rollback_does_not_help(world, fault: str) -> None:
    """A broken live feature is found to be that, whatever version serves, and rolling back is advised against."""
    await world.operations.release("v2")
    await world.operations.release("v1")
    world.hands.forward(7200)
    await traffic(world, 20)
    world.operations.fault(fault)
    onset = world.hands.now() + timedelta(seconds=2)
    await traffic(world, 15)
    ranking, texts = await diagnosed(world, onset)
    assert ranking[0].cause is Cause.FEATURE_PIPELINE, texts
    assert ranking[0].belief > 0.8
    assert "bypass" in ranking[0].remedies
    assert any(words.startswith("rollback: ") for words in ranking[0].unfit)
    assert "disea (KS" in texts
    assert "a new run of the live feature pipeline" in texts


async def test_the_router_does_what_was_planned(world) -> None:
    """Bypass, rollback and their undo, over the real router's HTTP, under keys with slashes."""
    await world.operations.release("v2")
    router = make("router", httpx.ASGITransport(world.gateway), url="http://router", carries="visits")
    target, key = Target("visits-router", "router"), "INC-1/M{}/0123456789abcdef"
    bypass = await router.plan(target, Means.BYPASS, {"slice": "health=poor", "to": "rules"})
    await router.execute(bypass, key.format(1))
    assert world.router.choose("poor") == "rules"
    back = await router.plan(target, Means.ROLLBACK, {"to": "previous"})
    assert (await router.observe(back, key.format(2))).seen is Seen.NOT_APPLIED
    await router.execute(back, key.format(2))
    await router.execute(back, key.format(2))
    assert (await router.observe(back, key.format(2))).seen is Seen.APPLIED
    assert world.router.choose("good") == "v1"
    await router.undo(bypass, f"{key.format(1)}/undo")
    assert world.router.choose("poor") == "v1"
    await router.undo(back, f"{key.format(2)}/undo")
    assert world.router.choose("good") == "v2"
    assert (await router.undone(back, f"{key.format(2)}/undo")).seen is Seen.APPLIED
    await router.close()


async def test_the_pipeline_is_paused_and_resumed(world) -> None:
    """Paused, the faulty run's features are not served; resumed, they are."""
    world.operations.fault("zero")
    pipeline = make("pipeline", httpx.ASGITransport(world.control), url="http://control")
    plan = await pipeline.plan(Target("features", "pipeline"), Means.PAUSE, {})
    assert "instead of" in plan.diff[0]
    await pipeline.execute(plan, "INC-1/M1/abc")
    assert world.line.served_fault is None
    assert (await pipeline.observe(plan, "INC-1/M1/abc")).seen is Seen.APPLIED
    await pipeline.undo(plan, "INC-1/M1/abc/undo")
    assert world.line.served_fault == "zero"
    assert (await pipeline.undone(plan, "INC-1/M1/abc/undo")).seen is Seen.APPLIED
    await pipeline.close()
