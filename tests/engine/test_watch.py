"""Watching: silence is told as silence, what belongs together stays together, and a restart forgets nothing."""

from dataclasses import replace
from datetime import timedelta
from pathlib import Path

from bot.domain.lifecycle import ChangeSeverity, Resolve, SeverityChanged
from bot.domain.paging import Acknowledge
from bot.domain.phase import Phase
from bot.domain.policy import Severity
from bot.domain.sli import BreachAttached, Judged
from bot.engine.watch import CHECKPOINT
from tests.world import World, objective, shipped

POOR = shipped().slos[0]
GOOD = objective("recall-good", 'health="good"', display="Recall for people in good health")
TOUCHY = objective("recall-touchy", 'health="good"', severity=1)


async def silent(world: World, seconds: int) -> None:
    for _ in range(seconds // 5):
        await world.round(seconds=5)


async def test_twenty_seconds_without_data_open_an_incident_of_their_own(tmp_path: Path) -> None:
    """Not before; once; somebody is paged; and it ends when the data come back, never before."""
    async with World.open(tmp_path) as world:
        await world.healthy(5)
        world.counters.down = "connection refused"
        await silent(world, 15)
        assert await world.house.desk.summaries() == []
        await silent(world, 30)
        (only,) = await world.house.desk.summaries()
        assert only.title == "No data on Recall for people in poor health for health=poor"
        incident = await world.incident()
        assert incident.sli.judged is Judged.NO_DATA
        assert "connection refused" in incident.because
        assert world.phone.pages[0] == ("ana", "page:INC-1:0")
        assert "no data" in await world.refuses(Resolve("probably fine"), "ana")
        world.counters.down = ""
        await world.healthy(5)
        incident = await world.incident()
        assert incident.sli.judged is Judged.MET
        assert incident.phase is Phase.MITIGATED
        await world.say(Resolve("the exporter was restarted"), "ana")


async def test_a_second_silence_is_told_to_the_blind_incident_though_a_breach_is_open_too(tmp_path: Path) -> None:
    """Whoever resolves the older one while nothing is seen again must say why, as with the breach itself."""
    async with World.open(tmp_path) as world:
        await world.healthy(5)
        world.counters.down = "refused"
        await silent(world, 30)
        world.counters.down = ""
        await world.healthy(20)
        await world.broken(15)
        assert [each.id for each in await world.house.desk.summaries()] == ["INC-2", "INC-1"]
        world.counters.down = "refused again"
        await silent(world, 35)
        for name in ("INC-1", "INC-2"):
            assert "no data" in await world.refuses(Resolve("enough"), "ana", name)
        world.counters.down = ""
        await world.healthy(40)
        for name in ("INC-1", "INC-2"):
            await world.say(Resolve("it is back"), "ana", name)


async def test_silence_during_a_breach_neither_heals_nor_opens_a_second_incident(tmp_path: Path) -> None:
    """The open incident says that nothing is known; a mitigated one cannot be resolved on silence."""
    async with World.open(tmp_path) as world:
        await world.healthy()
        await world.broken()
        world.counters.down = "time-out"
        await silent(world, 40)
        incident = await world.incident()
        assert (incident.sli.judged, incident.phase) == (Judged.NO_DATA, Phase.DECLARED)
        assert len(await world.house.desk.summaries()) == 1
        world.counters.down = ""
        await world.broken(4)
        assert (await world.incident()).sli.judged is Judged.BREACHED
        await world.healthy(40)
        assert (await world.incident()).phase is Phase.MITIGATED


async def test_a_source_that_breaks_in_a_way_nobody_foresaw_is_no_data_too(tmp_path: Path) -> None:
    """A bug in one source is silence, not an end of watching: after its time it opens an incident."""
    async with World.open(tmp_path) as world:
        await world.healthy(5)
        world.counters.broken = ZeroDivisionError("junk")
        await silent(world, 30)
        assert (await world.incident()).sli.judged is Judged.NO_DATA


async def test_a_source_that_raises_never_resolves(tmp_path: Path) -> None:
    """However long it is down, the incident stays where it was and nothing is said twice."""
    async with World.open(tmp_path) as world:
        await world.healthy()
        await world.broken()
        world.counters.down = "503"
        await silent(world, 60)
        seq = (await world.incident()).seq
        await silent(world, 60)
        incident = await world.incident()
        assert incident.is_open
        assert incident.mitigated is None
        assert incident.seq - seq <= 1  # at most the escalation of the page


async def test_a_second_objective_of_the_service_joins_the_incident(tmp_path: Path) -> None:
    """One incident, one page; the second breach is shown on it, and it is over only when both are."""
    async with World.open(tmp_path, slos=(POOR, GOOD)) as world:
        await world.healthy()
        await world.broken()
        for _ in range(15):
            world.traffic("poor", good=0, bad=10)
            world.traffic("good", good=0, bad=100)
            await world.round()
        assert len(await world.house.desk.summaries()) == 1
        incident = await world.incident()
        assert [(sli.slo, sli.judged) for sli in incident.attached] == [("recall-good", Judged.BREACHED)]
        assert len({key for _who, key in world.phone.pages}) == 1
        for _ in range(30):
            world.traffic("poor", good=8, bad=2)
            world.traffic("good", good=0, bad=100)
            await world.round()
        assert (await world.incident()).phase is Phase.MITIGATED
        assert "recall-good is breached" in await world.refuses(Resolve("done"), "ana")
        await world.healthy(40)
        assert (await world.incident()).attached[0].judged is Judged.MET
        await world.say(Resolve("done"), "ana")
        entries = await world.house.desk.log.entries("INC-1")
        assert sum(isinstance(entry.event, BreachAttached) for entry in entries) == 2


async def test_a_breach_after_the_first_was_mitigated_pages_anew(tmp_path: Path) -> None:
    """An incident that only waits to be resolved does not swallow another failure."""
    async with World.open(tmp_path, slos=(POOR, GOOD)) as world:
        await world.healthy()
        await world.broken()
        await world.say(Acknowledge(), "ana")
        await world.healthy(40)
        for _ in range(15):
            world.traffic("poor", good=8, bad=2)
            world.traffic("good", good=0, bad=100)
            await world.round()
        assert (await world.incident("INC-2")).slo == "recall-good"
        assert ("ana", "page:INC-2:0") in world.phone.pages


async def test_a_restricted_incident_swallows_no_alarm(tmp_path: Path) -> None:
    """A failure of the service is told to all responders, though a restricted incident of it is open."""
    async with World.open(tmp_path) as world:
        await world.declare("disadvantages a group", "cleo", restricted=True)
        await world.healthy()
        await world.broken()
        assert (await world.incident("INC-2")).slo == "recall-poor"
        assert (await world.incident("INC-1")).attached == ()


async def test_severity_only_rises_by_itself(tmp_path: Path) -> None:
    """A worse breach of the same service raises it; a person lowers it, and the same data do not raise it again."""
    async with World.open(tmp_path, slos=(POOR, TOUCHY)) as world:
        await world.healthy()
        await world.broken()
        assert (await world.incident()).severity is Severity.SEV2
        for _ in range(15):
            world.traffic("poor", good=0, bad=10)
            world.traffic("good", good=0, bad=100)
            await world.round()
        assert (await world.incident()).severity is Severity.SEV1
        await world.say(ChangeSeverity(Severity.SEV3, "a test population"), "ana")
        for _ in range(15):
            world.traffic("poor", good=0, bad=10)
            world.traffic("good", good=0, bad=100)
            await world.round()
        await world.healthy(40)
        incident = await world.incident()
        assert incident.severity is Severity.SEV3
        changes = [e for e in await world.house.desk.log.entries("INC-1") if isinstance(e.event, SeverityChanged)]
        assert [change.by for change in changes] == ["tocsin", (await world.who("ana")).id]


async def test_a_restart_takes_up_the_ledger_and_the_episode(tmp_path: Path) -> None:
    """What was counted before still counts, the breach is not told twice, and its end is noticed."""
    async with World.open(tmp_path) as world:
        await world.healthy(40)
        await world.broken()
        seq = (await world.incident()).seq
        await world.house.watch.save()
        before = world.house.watch.ledger.counts(POOR, world.clock.now(), timedelta(minutes=5))
        await world.restart()
        after = world.house.watch.ledger.counts(POOR, world.clock.now(), timedelta(minutes=5))
        assert (after.good, after.bad) == (before.good, before.bad)
        await world.broken(5)
        assert (await world.incident()).seq == seq
        assert len(await world.house.desk.summaries()) == 1
        await world.healthy(40)
        assert (await world.incident()).phase is Phase.MITIGATED


async def test_a_restart_that_lost_its_checkpoint_still_notices_the_recovery(tmp_path: Path) -> None:
    """The log knows that an incident is open: the watch takes that as its episode."""
    async with World.open(tmp_path) as world:
        await world.healthy()
        await world.broken()
        await world.house.desk.log.load("INC-1")
        store = world.house.store
        await store.checkpoints.save({CHECKPOINT: {}}, world.clock.now())
        await world.restart()
        await world.broken(3)
        assert len(await world.house.desk.summaries()) == 1
        await world.healthy(40)
        assert (await world.incident()).phase is Phase.MITIGATED


async def test_a_restart_that_lost_its_checkpoint_still_sees_that_data_are_back(tmp_path: Path) -> None:
    """A blind incident ends after the restart as it would have ended without one."""
    async with World.open(tmp_path) as world:
        await world.healthy(5)
        world.counters.down = "refused"
        await silent(world, 30)
        assert (await world.incident()).sli.judged is Judged.NO_DATA
        await world.house.store.checkpoints.save({CHECKPOINT: {}}, world.clock.now())
        await world.restart()
        world.counters.down = ""
        await world.healthy(5)
        assert (await world.incident()).sli.judged is Judged.MET


async def test_a_checkpoint_that_cannot_be_read_begins_the_watch_anew(tmp_path: Path) -> None:
    """Another poll interval or junk does not keep the house from starting."""
    async with World.open(tmp_path) as world:
        await world.healthy(5)
        await world.house.watch.save()
        await world.restart(poll_every=timedelta(seconds=15))
        await world.healthy(3)
        junk = {"ledger": {"version": 99}, "episodes": {"recall-poor": {"phase": "lunch"}}}
        await world.house.store.checkpoints.save({CHECKPOINT: junk}, world.clock.now())
        await world.restart()
        await world.healthy()
        await world.broken()
        assert (await world.incident()).slo == "recall-poor"


async def test_two_replicas_that_see_the_same_breach_open_one_incident(tmp_path: Path) -> None:
    """The fingerprint is taken once: the slower one tells its verdict to the incident that holds it."""
    async with World.open(tmp_path) as world, world.another() as other:
        for rounds, bad in ((20, 2), (12, 10)):
            for _ in range(rounds):
                world.traffic("poor", good=10 - bad, bad=bad)
                world.clock.forward(seconds=1)
                await other.watch.tick()
                await world.house.watch.tick()
        await world.settle()
        assert [each.id for each in await world.house.desk.summaries()] == ["INC-1"]
        assert (await world.incident()).seq >= 1


async def test_a_breach_at_the_moment_of_another_declaration_is_not_lost(tmp_path: Path) -> None:
    """The watch and a person were given the same next id: both incidents exist."""
    async with World.open(tmp_path) as world:
        log = world.house.desk.handler.log

        class Slow:
            """A log in which somebody declares just after the watch was given its id."""

            def __getattr__(self, name: str) -> object:
                return getattr(log, name)

            async def fresh_id(self) -> str:
                name = await log.fresh_id()
                if name == "INC-1":
                    await world.house.desk.declare("a call", Severity.SEV3, "", "x", await world.who("ana"))
                return name

        await world.healthy()
        telling = world.house.watch.teller.handler
        world.house.watch.teller.handler = type(telling)(Slow(), world.clock, telling.policy)
        await world.broken()
        titles = {each.id: each.title for each in await world.house.desk.summaries()}
        assert titles == {
            "INC-1": "a call",
            "INC-2": "Recall for people in poor health below its objective for health=poor",
        }


async def test_the_chart_shows_gaps_as_gaps(tmp_path: Path) -> None:
    """Bars without data are not covered; an unknown objective has no chart."""
    async with World.open(tmp_path) as world:
        await world.healthy(10)
        world.clock.forward(minutes=10)
        await world.healthy(10)
        now = world.clock.now()
        chart = world.house.watch.chart("recall-poor", now - timedelta(minutes=10), now)
        assert chart is not None
        assert {bar.covered for bar in chart.bars} == {True, False}
        assert world.house.watch.chart("nothing", None, now) is None


async def test_an_objective_that_is_gone_is_forgotten(tmp_path: Path) -> None:
    """Removing a file removes its ledger; the others go on."""
    async with World.open(tmp_path, slos=(POOR, GOOD)) as world:
        await world.healthy(5)
        await world.house.watch.save()
        await world.restart(slos=(replace(POOR),))
        assert world.house.watch.ledger.last_seen(GOOD) is None
        assert world.house.watch.ledger.last_seen(POOR) is not None


async def test_a_source_that_is_away_is_one_incident(tmp_path: Path) -> None:
    """However many objectives hang on it: one page to the most important service's people, and one end."""
    many = tuple(objective(f"recall-{n}", 'health="good"', display=f"Recall {n}") for n in range(40))
    async with World.open(tmp_path, slos=(POOR, *many)) as world:
        await world.healthy(5)
        world.counters.down = "connection refused"
        await silent(world, 60)
        (only,) = await world.house.desk.summaries()
        assert only.title == "No data from metrics: 41 objectives are not watched"
        assert world.phone.pages == [("ana", "page:INC-1:0")]
        incident = await world.incident()
        assert "connection refused" in incident.because
        assert "no data" in await world.refuses(Resolve("probably fine"), "ana")
        await world.house.watch.save()
        await world.restart(slos=(POOR, *many))
        await silent(world, 30)
        assert len(await world.house.desk.summaries()) == 1
        world.counters.down = ""
        await world.healthy(5)
        assert (await world.incident()).phase is Phase.MITIGATED
        await world.say(Resolve("the network was mended"), "ana")
        await world.healthy(5)
        assert len(await world.house.desk.summaries()) == 1


async def test_two_objectives_of_a_source_that_is_away_are_one_incident(tmp_path: Path) -> None:
    """What is wrong is the source, once; an objective alone on its source is told by its own name."""
    async with World.open(tmp_path, slos=(POOR, GOOD)) as world:
        await world.healthy(5)
        world.counters.down = "connection refused"
        await silent(world, 60)
        (only,) = await world.house.desk.summaries()
        assert only.title == "No data from metrics: 2 objectives are not watched"
        world.counters.down = ""
        await world.healthy(5)
        assert (await world.incident()).phase is Phase.MITIGATED


async def test_a_source_that_breaks_is_one_incident_too(tmp_path: Path) -> None:
    """A bug in a source leaves as many objectives unseen as its being down: that is no reason for as many pages."""
    many = tuple(objective(f"recall-{n}", 'health="good"', display=f"Recall {n}") for n in range(10))
    async with World.open(tmp_path, slos=(POOR, *many)) as world:
        await world.healthy(5)
        world.counters.broken = ZeroDivisionError("junk")
        await silent(world, 40)
        (only,) = await world.house.desk.summaries()
        assert only.title == "No data from metrics: 11 objectives are not watched"
        assert len(world.phone.pages) == 1
