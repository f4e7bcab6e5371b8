"""Understanding: diagnosis despite broken instruments, duties asked exactly when facts change, runbooks that move on."""

from dataclasses import replace
from pathlib import Path

import pytest

from bot.domain.duty import Answer, DutiesAnswered, DutiesStand, RecordFact
from bot.domain.errors import Refused
from bot.domain.filing import FileNotice
from bot.domain.finding import Cause, HypothesesRanked
from bot.domain.impact import AssessImpact
from bot.domain.lifecycle import Resolve, Update
from bot.domain.notice import Standing
from bot.domain.paging import Acknowledge
from bot.domain.runbook import CompleteStep, Kind, Option, Runbook, Step
from bot.domain.signing import ApproveNotice
from bot.engine.values import Found
from tests.world import Instrument, World, shipped


def found(cause: str, text: str, weight: float = 4.0) -> Found:
    return Found(text, ((cause, weight),))


# -- diagnosis -------------------------------------------------------------------------------------------------------


async def test_an_instrument_that_hangs_or_breaks_is_named_and_the_rest_still_ranks(tmp_path: Path) -> None:
    """One answers, one is down, one has a bug, one never answers: the likeliest cause stands all the same."""
    async with World.open(tmp_path) as world:
        world.house.reconciler.hands.diagnosis.deadline = 0.1
        world.instrument.found = [found("training_data", "label rate 0.00 in v2, 0.43 in v1")]
        world.instruments["mlflow"] = Instrument(broken="503")
        world.instruments["deploys"] = Instrument(buggy=True)
        world.instruments["lineage"] = Instrument(hangs=True)
        await world.declare("scores look wrong", "ana")
        incident = await world.incident()
        assert incident.cause == Cause.TRAINING_DATA
        (ranked,) = [
            entry.event
            for entry in await world.house.desk.log.entries("INC-1")
            if isinstance(entry.event, HypothesesRanked)
        ]
        assert {gap.split(":")[0] for gap in ranked.missing} == {"mlflow", "deploys", "lineage"}
        assert "lineage: no answer within 0.1 s" in ranked.missing
        assert any("not to be had" in line for line in await world.lines())


async def test_without_any_evidence_nothing_is_claimed(tmp_path: Path) -> None:
    """All instruments are down: diagnosed, no cause, and the gaps are said."""
    async with World.open(tmp_path) as world:
        world.instrument.broken = "down"
        await world.declare("scores look wrong", "ana")
        incident = await world.incident()
        assert (incident.cause, incident.hypotheses) == ("", ())
        assert incident.diagnosed is not None


async def test_a_restart_does_not_ask_the_instruments_again(tmp_path: Path) -> None:
    """The findings are in the log."""
    async with World.open(tmp_path) as world:
        world.instrument.found = [found("upstream", "the feed is late")]
        await world.declare("scores look wrong", "ana")
        asked = world.instrument.asked
        await world.restart()
        await world.round(seconds=60)
        assert world.instrument.asked == asked
        assert len((await world.incident()).findings) == 1


# -- duties and words ------------------------------------------------------------------------------------------------


async def answers(world: World) -> int:
    entries = await world.house.desk.log.entries("INC-1")
    return sum(isinstance(entry.event, DutiesAnswered | DutiesStand) for entry in entries)


async def test_the_regimes_are_asked_anew_exactly_when_facts_change(tmp_path: Path) -> None:
    """Once at the start, once per change of what they turn on, never by passing time, updates or restarts."""
    async with World.open(tmp_path) as world:
        await world.declare("scores look wrong", "max")
        assert await answers(world) == 1
        await world.say(Update("we look"), "ana")
        await world.round(seconds=600)
        await world.restart()
        assert await answers(world) == 1
        await world.say(RecordFact("personal_data_breach", True), "cleo")
        assert await answers(world) == 2
        await world.say(RecordFact("personal_data_breach", True), "ana")
        assert await answers(world) == 2
        await world.say(AssessImpact(10, 10, None, "EUR"), "ana")
        assert await answers(world) == 3


async def test_being_aware_starts_the_clock(tmp_path: Path) -> None:
    """The acknowledgement is when the organisation became aware: the date of the notice stands at once."""
    async with World.open(tmp_path) as world:
        await world.declare("records were sent to the wrong people", "max")
        for fact, value in (("personal_data_breach", True), ("risk_to_individuals", "risk")):
            await world.say(RecordFact(fact, value), "cleo")
        duty = (await world.incident()).duties["eu_gdpr_art33"]
        assert (duty.answer, duty.strict) == (Answer.YES, None)
        await world.say(Acknowledge(), "ana")
        incident = await world.incident()
        duty = incident.duties["eu_gdpr_art33"]
        assert duty.strict is not None
        assert (duty.strict - incident.acknowledged).total_seconds() == 72 * 3600


async def test_a_fact_found_after_it_was_over_is_still_asked_about(tmp_path: Path) -> None:
    """The review finds a breach of personal data: the regime answers yes though the incident is resolved."""
    async with World.open(tmp_path) as world:
        await world.declare("records were sent to the wrong people", "max")
        await world.say(Resolve("stopped"), "ana")
        for fact, value in (("personal_data_breach", True), ("risk_to_individuals", "high")):
            await world.say(RecordFact(fact, value), "cleo")
        assert (await world.incident()).duties["eu_gdpr_art33"].answer is Answer.YES


@pytest.mark.parametrize(
    ("fact", "given", "kept"),
    [
        ("personal_data_breach", "Yes", True),
        ("personal_data_breach", False, False),
        ("personal_data_breach", "unknown", None),
        ("risk_to_individuals", "risk", "risk"),
        ("member_states_affected", "DE, FR", ("DE", "FR")),
        ("member_states_affected", ("DE",), ("DE",)),
        ("data_subjects_count", "400", 400),
        ("data_subjects_count", "400..600", "400..600"),
    ],
)
async def test_a_fact_is_kept_in_the_shape_of_its_kind(tmp_path: Path, fact: str, given: object, kept: object) -> None:
    """However it was typed, the regimes read it back as that fact."""
    async with World.open(tmp_path) as world:
        await world.declare("records were sent", "max")
        await world.say(RecordFact(fact, given), "cleo")
        situation = await world.house.desk.situation("INC-1")
        assert situation.incident.facts == {fact: kept}
        assert (world.house.desk.drafter.known(situation)[fact] is None) == (kept is None)


@pytest.mark.parametrize(
    ("fact", "given", "because"),
    [
        ("bogus", "yes", "there is no fact 'bogus'"),
        ("personal_data_braech", "yes", "did you mean 'personal_data_breach'?"),
        ("personal_data_breach", "maybe", "expected yes, no or unknown, got 'maybe'"),
        ("personal_data_breach", ("yes",), "expected yes, no or unknown"),
        ("risk_to_individuals", "great", "none of unlikely, risk, high"),
        ("member_states_affected", "Austria", "no country code"),
        ("deaths", "many", "expected a whole number, got 'many'"),
        ("deaths", float("inf"), "expected a whole number"),
        ("aware_at", "2026-11-20", "no time zone"),
    ],
)
async def test_what_is_no_fact_or_not_of_its_kind_is_refused(
    tmp_path: Path, fact: str, given: object, because: str
) -> None:
    """The log is never told what no regime could read; whoever said it is told what was expected."""
    async with World.open(tmp_path) as world:
        await world.declare("records were sent", "max")
        assert because in await world.refuses(RecordFact(fact, given), "cleo")
        assert (await world.incident()).facts == {}


async def test_a_later_fact_voids_an_approved_notice(tmp_path: Path) -> None:
    """The words would be others now: the approval is void by itself, and filing the old ones is refused."""
    async with World.open(tmp_path) as world:
        await world.declare("scores look wrong", "max")
        desk, ana = world.house.desk, await world.who("ana")
        await desk.request_notice("INC-1", "stakeholders/update", ana)
        await desk.ask_approval("INC-1", "N1", ana)
        latest = (await world.incident()).notices["N1"].latest
        await world.say(ApproveNotice("N1", latest.digest), "cleo")
        await world.round(seconds=3600)
        assert (await world.incident()).notices["N1"].standing is Standing.APPROVED
        await world.say(AssessImpact(200, 180, None, "EUR", note="reminders were not sent"), "ana")
        assert (await world.incident()).notices["N1"].standing is Standing.STALE
        assert "only approved words" in await world.refuses(FileNotice("N1", "the board"), "cleo")
        await desk.ask_approval("INC-1", "N1", ana)
        second = (await world.incident()).notices["N1"].latest
        assert (second.number, "180" in second.text) == (2, True)


async def test_a_wrong_template_fails_its_own_notice_and_nothing_else(tmp_path: Path) -> None:
    """The incident stays reachable, the notice says where its template is wrong, others are voided as ever."""
    async with World.open(tmp_path, root=tmp_path) as world:
        await world.declare("records were sent", "max")
        cleo = await world.who("cleo")
        gdpr = "eu_gdpr_art33/sa_notification"
        await world.house.desk.request_notice("INC-1", "stakeholders/update", cleo)
        await world.house.desk.request_notice("INC-1", gdpr, cleo)
        await world.house.desk.ask_approval("INC-1", "N2", await world.who("ana"))
        own = tmp_path / "templates" / "stakeholders" / "update.md.j2"
        own.parent.mkdir(parents=True)
        own.write_text("# Update\n{{ incident.wat }}\n")
        await world.restart(root=tmp_path)
        desk = world.house.desk
        situation = await desk.situation("INC-1")
        assert set(situation.drafts) == {"N2"}
        assert f"{own}:2:1: " in situation.unfilled["N1"]
        assert "cannot be filled" in situation.unfilled["N1"]
        with pytest.raises(Refused, match="cannot be filled"):
            await desk.ask_approval("INC-1", "N1", cleo)
        await world.say(AssessImpact(200, 180, None, "EUR"), "ana")
        await world.say(RecordFact("data_subjects_count", 12), "ana")
        assert (await world.incident()).notices["N2"].standing is Standing.STALE


async def test_a_notice_whose_template_is_wrong_is_not_begun(tmp_path: Path) -> None:
    """Whoever asks for it is told at once where the template is wrong; the log stays as it was."""
    own = tmp_path / "templates" / "stakeholders" / "update.md.j2"
    own.parent.mkdir(parents=True)
    own.write_text("# Update\n{{ incident.wat }}\n")
    async with World.open(tmp_path, root=tmp_path) as world:
        await world.declare("records were sent", "max")
        with pytest.raises(Refused, match="cannot be filled"):
            await world.house.desk.request_notice("INC-1", "stakeholders/update", await world.who("cleo"))
        assert (await world.incident()).notices == {}


async def test_a_template_that_is_gone_stops_neither_pages_nor_views(tmp_path: Path) -> None:
    """A regime was switched off while its notice was being written: the incident is handled all the same."""
    async with World.open(tmp_path) as world:
        await world.declare("records were sent", "max")
        desk = world.house.desk
        gdpr = "eu_gdpr_art33/sa_notification"
        assert gdpr in desk.drafter.kinds()
        await desk.request_notice("INC-1", gdpr, await world.who("cleo"))
        await world.restart(regimes=())
        assert (await world.house.desk.situation("INC-1")).drafts == {}
        await world.round(seconds=301)
        assert world.phone.pages[-1][0] == "ben"


# -- runbooks --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("cause", "book"),
    [("training_data", "bad-release"), ("feature_pipeline", "feature-pipeline"), ("upstream", "feature-pipeline")],
)
async def test_the_runbook_that_answers_the_cause_is_open(tmp_path: Path, cause: str, book: str) -> None:
    """Nobody has to look for it at 3 a.m."""
    async with World.open(tmp_path) as world:
        world.instrument.found = [found(cause, "it is so")]
        await world.declare("scores look wrong", "ana")
        assert (await world.incident()).run.book.name == book


async def test_without_a_cause_the_services_first_runbook_is_open(tmp_path: Path) -> None:
    """Better a general one than none."""
    async with World.open(tmp_path) as world:
        await world.declare("scores look wrong", "ana")
        assert (await world.incident()).run.book.name == shipped().services["visits"].runbooks[0]


def walk(*steps: Step) -> dict[str, Runbook]:
    return {"bad-release": Runbook("bad-release", "A walk", "d", steps)}


async def test_the_bot_does_the_steps_that_need_no_person(tmp_path: Path) -> None:
    """It looks, reads the figures out, waits and pages, each with its answer and note; then it waits for somebody."""
    books = walk(
        Step("figures", Kind.QUERY, "How many fail", params={"slo": "recall-poor", "window": 60.0}),
        Step("met", Kind.CHECK, "Is it met?", params={"slo": "recall-poor"}),
        Step("settle", Kind.WAIT, "Wait", params={"seconds": 60.0}),
        Step("call", Kind.PAGE, "Call the approver", params={"role": "approver"}),
        Step("read", Kind.READ, "Read"),
        Step("never", Kind.CHECK, "After it"),
    )
    async with World.open(tmp_path, runbooks=books) as world:
        await world.healthy(25)
        await world.declare("scores look wrong", "max")
        assert (await world.incident()).run.current == "settle"
        await world.restart(runbooks=books)
        for _ in range(12):
            world.traffic("poor", good=40, bad=10)
            await world.round(seconds=5)
        run = (await world.incident()).run
        assert [(done.step, done.answer, done.by) for done in run.done] == [
            ("figures", "80.00% good", "tocsin"),
            ("met", "met", "tocsin"),
            ("settle", "waited", "tocsin"),
            ("call", "reached", "tocsin"),
        ]
        assert "objective 65.00%" in run.done[0].note
        assert run.current == "read"
        assert [who for who, key in world.phone.pages if ":call:" in key] == ["ben"]


async def test_a_check_without_data_answers_that_and_leads_there(tmp_path: Path) -> None:
    """No data is an answer of its own, never "met"."""
    look = tuple(Option(each, each, to) for each, to in (("met", "end"), ("breached", "end"), ("no_data", "blind")))
    books = walk(
        Step("met", Kind.CHECK, "Is it met?", options=look, params={"slo": "recall-poor"}),
        Step("other", Kind.READ, "Other"),
        Step("blind", Kind.READ, "You are blind"),
    )
    async with World.open(tmp_path, runbooks=books) as world:
        await world.declare("scores look wrong", "max")
        run = (await world.incident()).run
        assert (run.done[0].answer, run.current) == ("no_data", "blind")


async def test_nobody_reached_is_an_answer_too(tmp_path: Path) -> None:
    """The page step goes on, and says who could not be reached and why."""
    books = walk(Step("call", Kind.PAGE, "Call", params={"person": "ben"}), Step("read", Kind.READ, "Read"))
    async with World.open(tmp_path, runbooks=books) as world:
        world.phone.dead = "no carrier"
        await world.declare("scores look wrong", "max")
        (done,) = (await world.incident()).run.done
        assert done.answer == "not_reached"
        assert "no carrier" in done.note


async def test_a_runbook_followed_again_is_done_again(tmp_path: Path) -> None:
    """Its automatic steps are performed in the second run as in the first."""
    books = walk(Step("met", Kind.CHECK, "Is it met?", params={"slo": "recall-poor"}))
    async with World.open(tmp_path, runbooks=books) as world:
        await world.declare("scores look wrong", "max")
        assert (await world.incident()).run.current == ""
        world.clock.forward(seconds=30)
        await world.house.desk.start_runbook("INC-1", "bad-release", await world.who("ana"))
        await world.settle()
        run = (await world.incident()).run
        assert (run.current, len(run.done)) == ("", 1)


async def test_a_step_the_bot_cannot_do_is_tried_again_and_a_person_may_answer_it(tmp_path: Path) -> None:
    """A runbook whose file had a mistake stands still visibly; it is not skipped."""
    books = walk(Step("met", Kind.CHECK, "Is it met?", params={"nonsense": 1}), Step("read", Kind.READ, "Read"))
    async with World.open(tmp_path, runbooks=books) as world:
        await world.declare("scores look wrong", "max")
        incident = await world.incident()
        assert incident.run.current == "met"
        assert any("could not do the runbook's step yet" in line for line in await world.lines())
        await world.say(CompleteStep("met", "done"), "ana")
        assert (await world.incident()).run.current == "read"


# -- views -----------------------------------------------------------------------------------------------------------


async def test_views_follow_every_change_and_a_chat_that_was_down_catches_up(tmp_path: Path) -> None:
    """The chat being down stops nothing; the next look shows the incident as it stands."""
    async with World.open(tmp_path) as world:
        await world.declare("scores look wrong", "max")
        assert world.board.shown[-1] == ("INC-1", (await world.incident()).seq)
        world.board.down = "503"
        await world.say(Acknowledge(), "ana")
        await world.say(Update("we look"), "ana")
        world.board.down = ""
        await world.round(seconds=60)
        assert world.board.shown[-1] == ("INC-1", (await world.incident()).seq)


async def test_one_broken_decision_keeps_nothing_else_from_being_done(tmp_path: Path) -> None:
    """The regimes cannot be asked: people are paged, the diagnosis is made, the card is shown."""
    async with World.open(tmp_path) as world:
        drafter = world.house.desk.drafter

        class Mistaken:
            """A drafting room whose regimes cannot be evaluated."""

            kinds = staticmethod(drafter.kinds)
            draft = staticmethod(drafter.draft)

            def duties(self, situation: object) -> tuple:
                from bot.domain.errors import Unavailable

                raise Unavailable("regimes", "a file is broken")

        world.house.desk.drafter = Mistaken()
        await world.declare("scores look wrong", "max")
        incident = await world.incident()
        assert world.phone.pages
        assert incident.run is not None
        assert world.board.shown[-1] == ("INC-1", incident.seq)
        world.house.desk.drafter = drafter
        await world.round(seconds=60)
        assert (await world.incident()).duties


async def test_the_impact_is_estimated_from_the_data_and_the_catalogue(tmp_path: Path) -> None:
    """Bad events since the onset, people and money by the catalogue; what the catalogue does not say is unknown."""
    async with World.open(tmp_path) as world:
        await world.healthy(15)
        await world.broken()
        impact = await world.house.desk.estimate_impact("INC-1")
        assert impact.events is not None
        assert impact.events >= 100
        assert impact.people == impact.events
        assert impact.money == impact.events * 42
    service = replace(shipped().services["visits"], value_per_event=None)
    (tmp_path / "b").mkdir()
    async with World.open(tmp_path / "b", services={"visits": service}) as world:
        await world.healthy(15)
        await world.broken()
        assert (await world.house.desk.estimate_impact("INC-1")).money is None
