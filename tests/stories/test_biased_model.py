"""A model found to disadvantage a group: declared by a person, restricted, and every regime answers with its reason."""

from datetime import timedelta
from pathlib import Path

from bot.domain.correction import CorrectTime, Moment
from bot.domain.duty import Answer, DecideDuty, RecordFact
from bot.domain.five_whys import AddWhy, NameRootCause
from bot.domain.followup import AddFollowUp
from bot.domain.impact import AssessImpact
from bot.domain.lifecycle import Close, Resolve
from bot.domain.mitigation import State
from bot.domain.notice import Standing
from bot.domain.roles import Assign, Part
from bot.domain.signing import ApproveNotice
from tests.world import World


async def test_a_restricted_incident_declared_by_counsel(tmp_path: Path) -> None:
    """Evidence is held before anything changes, people are counted, duties are answered, the cause has a follow-up."""
    async with World.open(tmp_path) as world:
        declared = await world.declare("The model invites one group less often", "cleo", restricted=True)
        incident = await world.incident()
        assert incident.restricted
        assert incident.sli is None
        assert incident.declared_by == (await world.who("cleo")).id
        assert declared.fingerprint == "manual/INC-1"
        (summary,) = await world.house.desk.summaries()
        assert summary.restricted

        await world.say(Assign(Part.OPERATIONS, (await world.who("ana")).id), "ana")
        await world.propose("rollback-v1", "ana")
        kept = (await world.incident()).mitigations["M1"].held
        assert kept
        assert world.router.effects == []
        assert (await world.approve("M1")).mitigations["M1"].state is State.APPLIED

        # whom it hurt, and what nobody knows yet
        await world.say(AssessImpact(1840, 1790, None, "EUR", ("money: claims are not known",)), "ana")
        assert (await world.incident()).impact.unknowns == ("money: claims are not known",)

        # every regime answers with its reason; disclosing nevertheless is counsel's recorded decision
        await world.say(RecordFact("personal_data_breach", False, "nothing was lost or disclosed"), "cleo")
        duties = (await world.incident()).duties
        assert set(duties) == {"eu_ai_act_art73", "eu_gdpr_art33"}
        assert duties["eu_gdpr_art33"].answer is Answer.NO
        assert all(duty.because for duty in duties.values())
        assert "only counsel" in await world.refuses(DecideDuty("eu_gdpr_art33", Answer.YES, "x"), "ben")
        await world.say(DecideDuty("eu_gdpr_art33", Answer.YES, "voluntary disclosure to the authority"), "cleo")
        await world.say(RecordFact("data_records_count", 1790), "cleo")
        assert (await world.incident()).duties["eu_gdpr_art33"].answer is Answer.YES

        # nobody approves their own words: counsel asked, and there is no second counsel here
        desk, cleo = world.house.desk, await world.who("cleo")
        await desk.request_notice("INC-1", "stakeholders/update", cleo)
        await desk.ask_approval("INC-1", "N1", cleo)
        digest = (await world.incident()).notices["N1"].latest.digest
        assert "second person" in await world.refuses(ApproveNotice("N1", digest), "cleo")
        assert (await world.incident()).notices["N1"].standing is Standing.FROZEN

        # past the symptom, to what the organisation controls
        await world.say(AddWhy("the group was rare in the training data"), "ana")
        await world.say(AddWhy("the release gate evaluates no slices", "W1"), "ben")
        await world.say(NameRootCause("W2"), "ana")
        due = world.clock.now().date()
        await world.say(AddFollowUp("The release gate evaluates every protected group", cleo.id, due, "W2"), "ana")

        await world.say(Resolve("the former version serves", ""), "ana")
        await world.say(Close(), "ana")
        lines = await world.lines()
        assert any("Cleo Marchetti decided on eu_gdpr_art33: yes" in line for line in lines)
        assert any("named a root cause: the release gate evaluates no slices" in line for line in lines)
        assert set(await world.house.desk.log.verify("INC-1")) == {"INC-1"}


async def test_an_update_says_where_the_time_of_the_beginning_comes_from(tmp_path: Path) -> None:
    """Stated by whoever declared it until somebody sets it right; never "from the data" where no data spoke."""
    async with World.open(tmp_path) as world:
        await world.declare("Applicants over fifty are turned down", "ana")
        drafter = world.house.desk.drafter
        words = drafter.draft(await world.house.desk.situation("INC-1"), "stakeholders/update").text
        assert "as stated when it was declared" in words
        earlier = world.clock.now() - timedelta(days=90)
        await world.say(CorrectTime(Moment.ONSET, earlier, "the audit names the day"), "ana")
        words = drafter.draft(await world.house.desk.situation("INC-1"), "stakeholders/update").text
        assert "set right by Ana" in words
        assert "estimated from the data" not in words
