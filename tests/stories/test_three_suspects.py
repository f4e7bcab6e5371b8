"""A sudden drop with three suspects: the pipeline, the code, or the world itself."""

from pathlib import Path

from bot.domain.finding import Cause, RecordFinding
from bot.engine.values import Found
from tests.world import Instrument, World

LINEAGE = Found(
    "v2 against v1: training-data digest differs (label rate in the slice 0.00, was 0.43), parameters the same, "
    "code revision the same",
    (("training_data", 3.0), ("code_change", -2.0)),
)
LIVE = Found(
    "live features of the slice lie within both versions' training data",
    (("feature_pipeline", -3.0), ("concept_drift", -1.0), ("upstream", -1.0)),
)
OUTCOMES = Found("the mean age of visitors rose by 0.4 years in a month", (("concept_drift", 0.5),))
DEPLOYS = Found("the serving image was rebuilt two days ago", (("code_change", 1.0),))
PIPELINE = Found("the nightly run was 4 min late", (("feature_pipeline", 0.5),))


async def test_three_suspects_are_ranked_with_what_speaks_for_and_against_each(tmp_path: Path) -> None:
    """Every explanation shows its evidence and its cheapest next test; the lineage stands beside the live comparison."""
    async with World.open(tmp_path) as world:
        world.instrument.found = [LIVE, OUTCOMES]
        world.instruments |= {
            "lineage": Instrument(found=[LINEAGE]),
            "deploys": Instrument(found=[DEPLOYS]),
            "pipeline": Instrument(found=[PIPELINE]),
        }
        await world.healthy()
        await world.broken()
        incident = await world.incident()
        text = {each.id: each.text for each in incident.findings}
        ranked = {each.cause: each for each in incident.hypotheses}
        assert incident.hypotheses[0].cause is Cause.TRAINING_DATA
        assert set(ranked) == {Cause.TRAINING_DATA, Cause.CODE_CHANGE, Cause.CONCEPT_DRIFT, Cause.FEATURE_PIPELINE}
        beliefs = [each.belief for each in incident.hypotheses]
        assert beliefs == sorted(beliefs, reverse=True)
        assert sum(beliefs) <= 1.0001

        for_and_against = {
            cause: ({text[name] for name in each.supported_by}, {text[name] for name in each.opposed_by})
            for cause, each in ranked.items()
        }
        assert for_and_against[Cause.TRAINING_DATA] == ({LINEAGE.text}, set())
        assert for_and_against[Cause.CODE_CHANGE] == ({DEPLOYS.text}, {LINEAGE.text})
        assert for_and_against[Cause.CONCEPT_DRIFT] == ({OUTCOMES.text}, {LIVE.text})
        assert for_and_against[Cause.FEATURE_PIPELINE] == ({PIPELINE.text}, {LIVE.text})
        tests = {each.next_test for each in incident.hypotheses}
        assert len(tests) == len(incident.hypotheses)
        assert all(tests)

        # the lineage difference stands beside the live comparison, each with its source
        by_source = {each.source: each.text for each in incident.findings}
        assert "training-data digest differs" in by_source["lineage"]
        assert incident.findings[[each.text for each in incident.findings].index(LIVE.text)].source == "drift"
        # and what is likeliest decides what is offered first, and which runbook is open
        situation = await world.house.desk.situation("INC-1")
        assert situation.offers[0][0].name == "rollback-v1"
        assert incident.run.book.name == "bad-release"


async def test_the_next_test_settles_it(tmp_path: Path) -> None:
    """A responder replays requests and writes down what came out: the order of the suspects follows the evidence."""
    async with World.open(tmp_path) as world:
        world.instruments |= {
            "lineage": Instrument(found=[Found("training data differ in 3 rows", (("training_data", 1.0),))]),
            "deploys": Instrument(found=[DEPLOYS]),
        }
        await world.declare("scores dropped", "ana")
        assert (await world.incident()).hypotheses[0].cause is Cause.TRAINING_DATA
        replayed = "replayed 50 requests: v1 with today's code fails as well"
        await world.say(RecordFinding(replayed, "ana", (("code_change", 4.0), ("training_data", -3.0))), "ana")
        incident = await world.incident()
        assert incident.hypotheses[0].cause is Cause.CODE_CHANGE
        assert incident.cause == "code_change"
        assert incident.finding(incident.hypotheses[0].supported_by[-1]).by == (await world.who("ana")).id
