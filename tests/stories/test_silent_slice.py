"""A feature pipeline fails silently for one group of people, and every average still looks fine."""

from datetime import date, timedelta
from pathlib import Path

from bot.domain.approval import ApproveMitigation
from bot.domain.filing import FileNotice
from bot.domain.finding import Cause
from bot.domain.five_whys import AddWhy, NameRootCause
from bot.domain.followup import AddFollowUp
from bot.domain.impact import AssessImpact
from bot.domain.lifecycle import Resolve
from bot.domain.mitigation import State
from bot.domain.notice import Standing
from bot.domain.paging import Acknowledge
from bot.domain.phase import Phase
from bot.domain.signing import ApproveNotice
from bot.engine.values import Found
from tests.world import Instrument, World, objective, shipped

SLICE = shipped().slos[0]
ALL = objective("recall-all", display="Recall for everybody")


async def minutes_of_traffic(world: World, rounds: int) -> None:
    """The pipeline hands the model zeros for people in poor health; whatever version reads them, it fails."""
    for _ in range(rounds):
        past_the_model = world.router.bypass.get("health=poor") == "rules"
        world.traffic("poor", good=9 if past_the_model else 0, bad=1 if past_the_model else 10)
        world.traffic("good", good=80, bad=20)
        await world.round()


async def test_one_slice_breaks_while_the_aggregate_is_stable(tmp_path: Path) -> None:
    """The slice pages and the aggregate does not; a rollback is shown as no fix; the bypass helps, and the board hears."""
    async with World.open(tmp_path, slos=(SLICE, ALL)) as world:
        world.instrument.found = [
            Found(
                "visits_last_year is 0 for everybody in the slice, against v1's and v2's training data alike",
                (("feature_pipeline", 4.0), ("training_data", -2.0), ("code_change", -1.0)),
            )
        ]
        world.instruments["lineage"] = Instrument(
            found=[Found("the last run that wrote it is features-nightly #418, of 03:10", (("feature_pipeline", 1.0),))]
        )
        await world.healthy()
        began = world.clock.now()
        await minutes_of_traffic(world, 12)

        # the slice pages, the aggregate does not
        assert [each.slice for each in await world.house.desk.summaries()] == ["health=poor"]
        incident = await world.incident()
        assert abs((incident.onset - began).total_seconds()) <= 2
        assert incident.attached == ()
        assert world.house.watch.verdicts["recall-all"].state == "met"
        assert world.phone.pages == [("ana", "page:INC-1:0")]

        # the diagnosis points to the pipeline and names the upstream run
        assert incident.cause == Cause.FEATURE_PIPELINE
        assert any("features-nightly #418" in each.text for each in incident.findings)
        assert {each.source for each in incident.findings} == {"drift", "lineage"}
        assert incident.run.book.name == "feature-pipeline"

        # the rollback is there, last, with the reason why it is not the fix
        situation = await world.house.desk.situation("INC-1")
        offered = [(offer.name, warning) for offer, warning in situation.offers]
        assert [name for name, _warning in offered] == ["bypass-poor", "rollback-v1"]
        assert offered[0][1] == ""
        assert "every version sees the same broken feature" in offered[1][1]

        # the slice is routed past the model under approval, the rest is untouched
        await world.say(Acknowledge(), "ana")
        await world.propose("bypass-poor", "ana")
        digest = (await world.incident()).mitigations["M1"].digest
        assert "second person" in await world.refuses(ApproveMitigation("M1", digest), "ana")
        weights = dict(world.router.weights)
        await world.approve("M1")
        assert world.router.bypass == {"health=poor": "rules"}
        assert world.router.weights == weights
        assert len(world.router.effects) == 1

        # recovery is verified on the slice
        await minutes_of_traffic(world, 30)
        incident = await world.incident()
        assert incident.mitigations["M1"].state is State.VERIFIED
        assert incident.phase is Phase.MITIGATED

        await tell_the_board(world)
        await world.say(Resolve("the slice is served by rules until the pipeline is repaired"), "ana")
        assert set(await world.house.desk.log.verify()) == {"INC-1"}


async def tell_the_board(world: World) -> None:
    """Business impact first, then the timeline to resolution, then prevention; counsel approves exactly these words."""
    desk = world.house.desk
    first = await desk.estimate_impact("INC-1")
    note = "People in poor health were not invited to their check-up"
    await world.say(AssessImpact(first.events, first.people, first.money, first.currency, note=note), "ana")
    await world.say(AddWhy("the nightly job writes zeros when its source is late", evidence="F2"), "ana")
    await world.say(AddWhy("nobody watches features by slice", "W1"), "ana")
    await world.say(NameRootCause("W2"), "ana")
    due = date.fromisoformat("2026-12-01") + timedelta(days=0)
    await world.say(AddFollowUp("Watch every live feature by slice", (await world.who("ben")).id, due, "W2"), "ana")
    ana = await world.who("ana")
    await desk.request_notice("INC-1", "stakeholders/update", ana)
    await desk.ask_approval("INC-1", "N1", ana)
    latest = (await world.incident()).notices["N1"].latest
    words = latest.text
    places = [words.index(part) for part in ("## Business impact", note, "## Timeline to resolution", "## Prevention")]
    assert places == sorted(places)
    assert words.index("Watch every live feature by slice, Ben Okafor") > places[-1]
    assert "Cause: feature pipeline" in words
    assert f"{first.people}" in words
    assert "only counsel" in await world.refuses(ApproveNotice("N1", latest.digest), "ben")
    await world.say(ApproveNotice("N1", latest.digest), "cleo")
    await world.say(FileNotice("N1", "the board's mailing list"), "cleo")
    assert (await world.incident()).notices["N1"].standing is Standing.FILED
