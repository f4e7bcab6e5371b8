"""A live hiring model found biased after three months: what counsel sees, decides and sends, with every regime asked."""

import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, date, datetime, timedelta
from math import inf
from pathlib import Path
from zipfile import ZipFile

import httpx
import pytest

from bot.documents import Document
from bot.documents._pack import pack
from bot.domain.approval import ApproveMitigation, MitigationApproved
from bot.domain.clocks import running
from bot.domain.correction import CorrectTime, Moment
from bot.domain.disclosure import DecideDisclosure
from bot.domain.duty import Answer, DecideDuty
from bot.domain.errors import Refused
from bot.domain.execution import OutcomeReported
from bot.domain.filing import FileNotice
from bot.domain.five_whys import AddWhy, NameRootCause
from bot.domain.followup import AddFollowUp
from bot.domain.hold import EvidenceHeld, PlaceHold, ReleaseHold
from bot.domain.impact import AssessImpact
from bot.domain.lifecycle import Close, Resolve
from bot.domain.mitigation import State
from bot.domain.notice import Standing
from bot.domain.roles import Assign, Part
from bot.domain.signing import ApproveNotice
from bot.domain.wording import ClaimPrivilege, CommentNotice, EnterField
from bot.engine.affected import Wanted
from bot.engine.parcel import gather
from bot.notices.facts import Range
from bot.notices.redline import plain, redline
from bot.web.app import build
from bot.web.house import WebHouse
from tests.counsel import (
    PLAIN,
    begin,
    duty,
    every_regime,
    freeze,
    notice,
    practice,
    questions,
    send,
    sign,
    state,
    words,
)
from tests.decisions.logs import decided, write
from tests.forging import forged
from tests.world import World

EMPLOYER = {
    **PLAIN,
    "eu_nexus": True,
    "sec_registrant": "domestic",
    "org_role_gdpr": ["controller"],
    "eu_establishment": ["DE"],
    "reporting_member_state": "DE",
    "contracts_with_notice_duty": {"Staffing partner": 48},
    "insurance_policies_with_notice_duty": {"Employment practices policy": 72},
}
SCREENING = {
    "ai_system": True,
    "generative_ai": False,
    "high_risk_ai_system": "annex_iii",
    "annex_iii_point": "4(a)",
    "org_role_ai_act": ["provider", "deployer"],
    "placed_on_market_date": "2026-06-01",
    "significant_design_change_after_application_date": False,
    "decision_domain": ["employment"],
    "automated_decision": "materially_influences",
    "personal_data": True,
    "consumer_report_used": False,
}
BEGAN, FOUND = datetime(2026, 8, 20, 8, tzinfo=UTC), datetime(2026, 11, 20, 12, tzinfo=UTC)
BEFORE = [decided(n, at=BEGAN - timedelta(hours=4 * n), version="v1") for n in range(1, 20)]
SINCE = [decided(n, at=BEGAN + timedelta(hours=4 * n)) for n in range(553)]
AFTER = [decided(0, at=FOUND + timedelta(hours=1))]
TURNED_DOWN = sum(row[3] == "reject" for row in SINCE)
NO_BREACH = "a breach of the security of personal data: no"

ANSWERS = {
    "au_apra_cps234": ("no", "regulated by APRA: no"),
    "au_ndb": ("no", "countries where people or services were affected: DE, FR, US"),
    "ca_osfi": ("no", "federally regulated financial institution in Canada: no"),
    "ca_pipeda": ("no", NO_BREACH),
    "contractual_notice": ("yes", "Staffing partner: 48"),
    "eu_ai_act_art20": ("no", "applies from 2 December 2027"),
    "eu_ai_act_art26_5": ("no", "applies from 2 December 2027"),
    "eu_ai_act_art55_gpai_cop": ("no", "our general-purpose AI model has systemic risk: no"),
    "eu_ai_act_art73": ("no", "applies from 2 December 2027"),
    "eu_cra_art14": ("no", "we make the product with digital elements: no"),
    "eu_dora_art19": ("no", "a financial entity under DORA: no"),
    "eu_gdpr_art33": ("no", NO_BREACH),
    "eu_gdpr_art34": ("no", NO_BREACH),
    "eu_mdr_art87": ("no", "medical device or part of one: no"),
    "eu_nis2_art23": ("no", "class of entity under NIS2: none"),
    "in_cert_in": ("no", "countries where people or services were affected: DE, FR, US"),
    "jp_appi": ("no", NO_BREACH),
    "kr_ai_basic_act": ("no", "countries where people or services were affected: DE, FR, US"),
    "sg_mas_trm": ("no", "regulated by the Monetary Authority of Singapore: no"),
    "uk_fca_pra_incident": ("no", "firm authorised by the FCA or PRA: no"),
    "uk_gdpr_art33": ("no", NO_BREACH),
    "us_bank_36h": ("no", "we serve US banks: no"),
    "us_ca_ccpa_admt": ("no", "for no report of a failure"),
    "us_ca_civ_1798_82": ("no", NO_BREACH),
    "us_ca_sb53": ("no", "more than 10^26 operations: no"),
    "us_co_sb26_189": ("no", "applies from 1 January 2027"),
    "us_ct_sb5": ("no", "for no report of a failure"),
    "us_ecoa_reg_b": ("no", "for no report of an error to an agency"),
    "us_fcra_adverse_action": ("no", "consumer reports were used: no"),
    "us_ftc_safeguards": ("no", "financial institution under the FTC: no"),
    "us_hipaa_breach": ("no", "our role under HIPAA: none"),
    "us_il_hb3773": ("no", "a violation here"),
    "us_mrm_sr26_2": ("no", "US banking organisation, by its federal regulator: no"),
    "us_ny_gbl_899aa": ("no", NO_BREACH),
    "us_ny_raise": ("no", "more than 10^26 operations: no"),
    "us_nyc_ll144": ("no", "makes the posted summary stale"),
    "us_nydfs_500_17": ("no", "New York financial regulator: no"),
    "us_sec_6k": ("no", "registered with the SEC: domestic"),
    "us_sec_8k_105": ("no", "an unauthorised occurrence on or through our information systems: no"),
    "us_state_breach_generic": ("no", NO_BREACH),
    "us_title_vii_eeoc": ("yes", "though none to report the incident"),
    "us_tx_521_053": ("no", NO_BREACH),
    "us_tx_traiga": ("no", "asks nobody to report an incident"),
    "voluntary_oecd_common_reporting": ("no", "binds nobody"),
}
"""What every regime says on 20 November 2026, and a word of its reason."""

AUTHORITY = "the market surveillance authority"
AUDIENCES = ("executives", "affected_individuals", "works_council", "insurer", "board")


@asynccontextmanager
async def found_biased(folder: Path) -> AsyncIterator[World]:
    """Cleo declares what the audit found; Ana leads operations; the audit names the day on which it began."""
    log = write(folder / "decisions.parquet", [*BEFORE, *SINCE, *AFTER])
    async with practice(folder, "Applicant screening", EMPLOYER, SCREENING, log) as world:
        await world.declare("The screening model invites women less often", "cleo", restricted=True)
        await world.say(Assign(Part.OPERATIONS, (await world.who("ana")).id), "ana")
        await world.say(CorrectTime(Moment.ONSET, BEGAN, "the audit names the day of the release"), "ana")
        yield world


async def answered(world: World) -> None:
    """Everybody answers what the law asks of them."""
    await state(world, "max", countries_affected=("DE", "FR", "US"), nyc_candidates=True)
    await state(world, "max", us_states_of_individuals=("CA", "CO", "CT", "IL", "NY"))
    await state(world, "ana", security_breach=False, cybersecurity_incident_sec=False, malfunction_or_misuse="drift")
    await state(world, "cleo", aware_at=FOUND, protected_groups_affected=("women",), litigation_anticipated=True)
    await state(world, "cleo", fundamental_rights_infringement=True, fundamental_rights_scale="large_scale")
    await state(world, "cleo", nonconformity_found=True, eeoc_charge_received=False, voluntary_reporting_opted_in=False)
    await state(world, "cleo", serious_incident_identified=True)


async def counted(world: World) -> None:
    """Ana counts in the prediction log who was decided about by the model in those three months, and against whom."""
    await world.house.desk.affected.count("INC-1", await world.who("ana"), Wanted(versions=("v2",)))
    await world.settle()
    await state(world, "max", decisions_to_reverse=40)
    await world.say(AssessImpact(len(SINCE), TURNED_DOWN, None, "EUR", ("claims are not known",)), "ana")


async def unread_by(world: World, person: str, notice: str) -> None:
    """Neither a list nor a page, neither the API nor an export tells this responder that it is there."""
    desk = world.house.desk

    async def ready() -> dict[str, object]:
        return {"ok": True}

    access = world.house.store.access
    app = build(
        WebHouse(desk, world.house.watch, {}, Document.of, world.folder / "web", "Visits Ltd", ready, access=access)
    )
    token = (world.folder / "web" / "api-token").read_text(encoding="utf-8").strip()
    who = {"Authorization": f"Bearer {token}", "X-Tocsin-Person": person}
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://127.0.0.1:8080") as http:
        named = {**who, "X-Tocsin-Person": "ana"}
        assert "women" in (await http.get("/api/incidents/INC-1", headers=named)).text
        for path in (
            "/api/incidents",
            "/api/incidents/INC-1",
            "/incidents/INC-1",
            f"/incidents/INC-1/notices/{notice}",
        ):
            answer = await http.get(path, headers=who)
            assert "women" not in answer.text, path
            assert answer.json() == [] if path == "/api/incidents" else answer.status_code == 404, path


async def test_every_regime_answers_with_its_reason(tmp_path: Path) -> None:
    """Mostly "no duty, because"; what is owed is owed to contracts and to the evidence; what is to come is dated."""
    async with found_biased(tmp_path) as world:
        await answered(world)
        await counted(world)
        duties = (await world.incident()).duties
        assert set(duties) == set(every_regime()) == set(ANSWERS)
        said = {name: str(duty.answer) for name, duty in duties.items()}
        assert said == {name: answer for name, (answer, _word) in ANSWERS.items()}
        for name, (_answer, word) in ANSWERS.items():
            assert word in duties[name].because, (name, duties[name].because)

        act = duties["eu_ai_act_art73"]
        assert (act.would_be, act.applies_from) == (Answer.YES, date(2027, 12, 2))
        assert "on the market before the law applied to it" in act.because
        assert duties["us_co_sb26_189"].applies_from == date(2027, 1, 1)
        # the four-fifths screen is a measure, and the charge is the candidate's to bring
        assert "not a conclusion" in duties["us_title_vii_eeoc"].because


async def test_the_questions_are_few_and_go_to_whoever_can_answer_them(tmp_path: Path) -> None:
    """What the organisation said once is not asked in the night; seven questions are left, and then none."""
    async with found_biased(tmp_path) as world:
        assert await questions(world) == {
            "personal_data_breach": "counsel",
            "countries_affected": "manager",
            "au_eligible_data_breach": "counsel",
            "cybersecurity_incident_sec": "responder",
            "protected_groups_affected": "counsel",
            "voluntary_reporting_opted_in": "counsel",
            "aware_at": "counsel",
        }
        await state(world, "ana", security_breach=False)
        assert "personal_data_breach" not in await questions(world)
        await answered(world)
        await counted(world)
        assert await questions(world) == {}


async def test_evidence_is_held_before_a_second_person_lets_the_model_go_back(tmp_path: Path) -> None:
    """Counsel's hold stops every change until they lift it; the record shows evidence, approval, change, in this order."""
    async with found_biased(tmp_path) as world:
        await world.say(PlaceHold("the audit's samples come from the running model"), "cleo")
        await world.propose("rollback-v1", "ben")
        digest = (await world.incident()).mitigations["M1"].digest
        assert "second person" in await world.refuses(ApproveMitigation("M1", digest), "ben")
        assert (await world.approve("M1", "eva")).mitigations["M1"].state is State.APPROVED
        assert world.router.effects == []
        await world.say(ReleaseHold("the samples are secured with the incident"), "cleo")
        assert (await world.incident()).mitigations["M1"].state is State.APPLIED
        assert world.router.weights == {"v1": 100, "v2": 0}

        situation = await world.house.desk.situation("INC-1")
        order = [type(entry.event) for entry in situation.entries]
        assert order.index(EvidenceHeld) < order.index(MitigationApproved) < order.index(OutcomeReported)
        assert all(each.sha256 for each in situation.exhibits)
        assert situation.exhibits


async def test_who_was_decided_about_is_counted_and_listed_for_counsel_alone(tmp_path: Path) -> None:
    """By the bad version since the release, by group; the law is asked with the numbers, and no name is in the record."""
    async with found_biased(tmp_path) as world:
        assert (await duty(world, "us_co_sb26_189")).would_be is Answer.UNKNOWN
        await answered(world)
        await counted(world)
        told = (await world.incident()).affected.told
        assert (told.people, told.adverse) == (len(SINCE), TURNED_DOWN)
        known = world.house.desk.drafter.known(await world.house.desk.situation("INC-1"))
        assert known["adverse_decisions_count"] == Range(TURNED_DOWN, inf), "the model still decides"
        assert 0.4 < known["selection_rate_ratio_min"] < 0.6
        # that candidates were turned down is what Colorado would ask from January on
        assert (await duty(world, "us_co_sb26_189")).would_be is Answer.UNKNOWN
        await state(world, "cleo", co_covered_decision=True)
        assert (await duty(world, "us_co_sb26_189")).would_be is Answer.YES

        room = world.house.desk.affected
        with pytest.raises(Refused, match="only counsel may take the list"):
            await room.take("INC-1", await world.who("ana"), Wanted(versions=("v2",)))
        listing = await room.take("INC-1", await world.who("cleo"), Wanted(versions=("v2",)))
        assert b"".join(listing.chunks()).count(b"person-") == len(SINCE)
        assert "person-" not in "\n".join(await world.lines())


async def test_words_for_each_audience_are_signed_by_two_who_wrote_none_of_them(tmp_path: Path) -> None:
    """A number that changes makes signed words stale, the redline shows which, and the new words are signed anew."""
    async with found_biased(tmp_path) as world:
        await answered(world)
        await counted(world)
        drafted = {each: await begin(world, f"stakeholders/{each}", "cleo") for each in AUDIENCES}
        for name in drafted.values():
            await freeze(world, name, "cleo")
            digest = (await notice(world, name)).versions[-1].digest
            assert "second person" in await world.refuses(ApproveNotice(name, digest), "cleo")
            signed = await sign(world, name, "dina")
            assert signed.standing is Standing.FROZEN
            assert "still needs: technical (approver)" in await world.refuses(
                ApproveNotice(name, digest, "legal"), "eva"
            )
            signed = await sign(world, name, "ben")
            assert signed.standing is Standing.APPROVED
            assert [each.capacity for each in signed.versions[-1].signatures] == ["legal", "technical"]

        leaders = drafted["executives"]
        assert f"People affected: {TURNED_DOWN}\n" in (await notice(world, leaders)).versions[-1].text
        await world.say(AssessImpact(len(SINCE), TURNED_DOWN + 32, None, "EUR", ("claims are not known",)), "ana")
        assert (await notice(world, leaders)).standing is Standing.STALE
        first, now = (await notice(world, leaders)).versions[-1].text, await words(world, leaders)
        assert f"[-{TURNED_DOWN}-]{{+{TURNED_DOWN + 32}+}}" in plain(redline(first, now))
        assert "stale" in await world.refuses(FileNotice(leaders, "the management board"), "cleo")

        second = await freeze(world, leaders, "cleo")
        assert second.number == 2
        await sign(world, leaders, "dina", "ben")
        await world.say(FileNotice(leaders, "the management board", "minutes 2026-48"), "cleo")
        sent = await notice(world, leaders)
        assert (sent.standing, sent.filing.reference) == (Standing.FILED, "minutes 2026-48")
        await world.say(AssessImpact(len(SINCE), TURNED_DOWN + 99, None, "EUR", ()), "ana")
        assert (await notice(world, leaders)).versions[-1].text == second.text


async def test_the_first_real_clock_is_a_contract(tmp_path: Path) -> None:
    """48 hours from awareness, by name; whoever fills in a line signs nothing; what is filed ends the clock."""
    async with found_biased(tmp_path) as world:
        await answered(world)
        contract = await duty(world, "contractual_notice")
        first = running(await world.incident())[0]
        assert (first.item, first.strict) == ("contractual_notice/counterparty_notice", FOUND + timedelta(hours=48))
        assert contract.due("insurer_notice").strict == FOUND + timedelta(hours=72)

        name = await begin(world, first.item, "cleo")
        await world.say(EnterField(name, "contract_reference", "master agreement 2024, clause 11.2"), "ben")
        assert "clause 11.2" in await words(world, name)
        waiting = await freeze(world, name, "cleo")
        assert "you wrote part of" in await world.refuses(ApproveNotice(name, waiting.digest), "ben")
        await sign(world, name, "dina", "eva")
        await world.say(FileNotice(name, "Staffing partner, legal department", "mail of 21 November"), "cleo")
        assert [each.item for each in running(await world.incident())] == ["contractual_notice/insurer_notice"]

        await world.say(Resolve("the former version serves", "re-scored by hand"), "ana")
        assert "a legal clock runs: Contracts and insurance" in await world.refuses(Close(), "ana")
        await send(world, "contractual_notice/insurer_notice", "the broker", "claim EP-2026-117")
        assert running(await world.incident()) == []
        await world.say(Close(), "ana")


async def test_what_was_decided_stands_in_the_record_and_nobody_else_reads_it(tmp_path: Path) -> None:
    """No, and why, and who; told of our own will or not; the cause and its remedy; for the people it names alone."""
    async with found_biased(tmp_path) as world:
        await answered(world)
        await counted(world)
        why = "a biased model is no breach of security; the review under Art. 22 goes to the DPO"
        await world.say(DecideDuty("eu_gdpr_art33", Answer.NO, why), "cleo")
        kept = await duty(world, "eu_gdpr_art33")
        assert (kept.decided_by, kept.because) == ((await world.who("cleo")).id, why)
        assert "only counsel" in await world.refuses(DecideDisclosure("candidates", True, "it is right"), "ana")
        await world.say(DecideDisclosure("candidates", True, "whoever is looked at again should know why"), "cleo")
        await world.say(DecideDisclosure("the equality body", False, "none asks for it; after the second look"), "cleo")
        told = (await world.incident()).disclosures
        assert {name: each.tell for name, each in told.items()} == {"candidates": True, "the equality body": False}

        await world.say(AddWhy("women were invited less often for the same score"), "ana")
        await world.say(AddWhy("part-time years counted as gaps", "W1"), "ben")
        await world.say(AddWhy("the release gate evaluates no groups", "W2"), "ben")
        await world.say(NameRootCause("W3"), "ben")
        due = world.clock.now().date() + timedelta(days=30)
        ben = (await world.who("ben")).id
        await world.say(
            AddFollowUp("The release gate stops a release that invites one group less", ben, due, "W3"), "ana"
        )

        lines = await world.lines()
        for line in (
            f"Cleo Marchetti decided on eu_gdpr_art33: no, {why}",
            "Cleo Marchetti decided not to tell the equality body voluntarily: none asks for it; after the second look",
            "Ben Okafor named a root cause: the release gate evaluates no groups",
        ):
            assert line in lines
        name = await begin(world, "stakeholders/affected_individuals", "cleo")
        assert set(await world.house.desk.log.verify("INC-1")) == {"INC-1"}
        await unread_by(world, "otto", name)


async def test_an_authority_is_told_by_choice_in_facts_alone(tmp_path: Path) -> None:
    """Counsel decides to tell it though no law asks; the letter says what is not known, two sign, and it is filed."""
    async with found_biased(tmp_path) as world:
        await answered(world)
        await counted(world)
        assert not [each for each in running(await world.incident()) if "authority" in each.item]
        await world.say(DecideDisclosure(AUTHORITY, True, "it should hear of it from us, and early"), "cleo")
        await world.say(AssessImpact(len(SINCE), TURNED_DOWN, None, "EUR", ("why the scores differ",)), "ana")
        letter = await begin(world, "stakeholders/authority_contact", "cleo")
        text = await words(world, letter)
        for told in (
            "of our own accord",
            f"adverse: at least {TURNED_DOWN}",
            "- why the scores differ (as of ",
            "admits neither fault nor liability",
        ):
            assert told in text
        assert "## What is not known" in text
        assert "person-" not in text
        assert "discriminat" not in text.lower()

        frozen = await freeze(world, letter, "cleo")
        assert "second person" in await world.refuses(ApproveNotice(letter, frozen.digest), "cleo")
        assert "approv" in await world.refuses(FileNotice(letter, AUTHORITY), "cleo")
        signed = await sign(world, letter, "dina", "ben")
        assert [each.capacity for each in signed.versions[-1].signatures] == ["legal", "technical"]
        await world.say(FileNotice(letter, AUTHORITY, "letter of 23 November"), "cleo")
        sent = await notice(world, letter)
        assert (sent.standing, sent.filing.where, sent.filing.reference) == (
            Standing.FILED, AUTHORITY, "letter of 23 November",
        )  # fmt: skip
        assert (await world.incident()).disclosures[AUTHORITY].tell
        assert f"Cleo Marchetti decided to tell {AUTHORITY} voluntarily: it should hear of it from us, and early" in (
            await world.lines()
        )


async def test_the_auditor_proves_the_whole_record_without_tocsin(tmp_path: Path) -> None:
    """Everything that happened leaves in one file; its own small script finds it in order, and one changed word out."""
    async with found_biased(tmp_path) as world:
        await answered(world)
        await counted(world)
        await world.say(DecideDisclosure("candidates", True, "whoever is looked at again should know why"), "cleo")
        name = await send(world, "stakeholders/executives", "the board's secretary", "minutes of 23 November")
        memo = await begin(world, "stakeholders/board", "cleo")
        await world.say(CommentNotice(memo, "EXPOSURE 4 MILLION"), "cleo")
        await world.say(ClaimPrivilege(memo, "legal advice", "matter 7", "to assess liability"), "cleo")
        head = (await world.incident()).head
        content = pack(await gather(world.house.desk, "INC-1"), "tocsin")
        taken = tmp_path / "pack.zip"
        taken.write_bytes(content)
        assert proved(taken, head) == 0
        with ZipFile(taken) as kept:
            inside = {each: kept.read(each) for each in kept.namelist()}
        assert f"notices/{name}/v1.md" in inside
        assert b"no duty" in inside["duties.json"].lower()
        assert not any(b"EXPOSURE" in each for each in inside.values())

        def altered(files: dict[str, bytes]) -> None:
            files[f"notices/{name}/v1.md"] = files[f"notices/{name}/v1.md"].replace(b"a", b"e", 1)

        other = tmp_path / "forged.zip"
        other.write_bytes(forged(content, altered))
        assert proved(other, head) == 1


def proved(path: Path, head: str) -> int:
    """What the script in the pack itself says, run by a Python that knows nothing of Tocsin."""
    folder = path.with_suffix("")
    with ZipFile(path) as kept:
        kept.extract("verify.py", folder)
    asked = [sys.executable, "-I", "-S", str(folder / "verify.py"), str(path), head]
    return subprocess.run(asked, timeout=60, check=False, capture_output=True).returncode
