"""Other incidents, other duties: credit, one language group, a new law, a break-in at a bank, a death."""

from datetime import UTC, date, datetime, timedelta
from pathlib import Path

from bot.domain.clocks import running
from bot.domain.duty import Answer
from bot.domain.impact import AssessImpact
from tests.counsel import PLAIN, begin, duty, every_regime, practice, send, state, wait, words

AWARE = datetime(2026, 11, 20, 12, tzinfo=UTC)  # a Friday
LENDER = {**PLAIN, "eu_nexus": False, "sec_registrant": "no"}
LOANS = {
    "ai_system": True,
    "generative_ai": False,
    "decision_domain": ["credit"],
    "automated_decision": "solely",
    "personal_data": True,
    "co_covered_decision": True,
}
BANK = {
    **PLAIN,
    "eu_nexus": True,
    "financial_entity": True,
    "dora_entity_type": "credit_institution",
    "nis2_entity": "essential",
    "nydfs_covered_entity": True,
    "sec_registrant": "domestic",
    "org_role_gdpr": ["controller"],
    "reporting_member_state": "DE",
    "data_encrypted_key_safe": False,
    "high_risk_removed_by_later_measures": False,
}
PROVIDER = {**PLAIN, "eu_nexus": True, "sec_registrant": "no", "reporting_member_state": "DE"}
HIGH_RISK = {
    "ai_system": True,
    "high_risk_ai_system": "annex_iii",
    "org_role_ai_act": ["provider"],
    "placed_on_market_date": "2028-01-10",
    "sector_equivalent_reporting": False,
}


async def test_a_lender_that_declined_for_wrong_reasons_corrects_them_and_reports_to_nobody(tmp_path: Path) -> None:
    """Regulation B and the credit reporting act ask for words to applicants; Colorado not before January; no breach law."""
    async with practice(tmp_path, "Loan-default model", LENDER, LOANS) as world:
        await world.declare("The model declines too many since the rates rose", "cleo")
        await state(world, "max", countries_affected=("US",), us_states_of_individuals=("CO", "OH"))
        await state(world, "ana", security_breach=False, adverse_decisions_count=812, adverse_outcome=True)
        await state(world, "ana", malfunction_or_misuse="drift")
        await state(world, "cleo", aware_at=AWARE, voluntary_reporting_opted_in=False)

        # what was wrong is not known yet: applicants' notices stand, and nothing is to be corrected yet
        before = await duty(world, "us_ecoa_reg_b")
        assert before.answer is Answer.YES
        assert "for no report of an error to an agency" in before.because
        assert before.due("corrected_notices_after_model_error").answer is Answer.UNKNOWN
        await state(world, "ana", adverse_reasons_wrong=True)
        corrected = (await duty(world, "us_ecoa_reg_b")).due("corrected_notices_after_model_error")
        assert (corrected.answer, corrected.strict, corrected.by_law) == (Answer.YES, None, False)
        assert "as soon as possible" in corrected.because

        # thirty days run from the application, not from the day the error was found
        await state(world, "max", application_completed_at=datetime(2026, 11, 10, 15, tzinfo=UTC))
        notice = (await duty(world, "us_ecoa_reg_b")).due("adverse_action_notice")
        assert notice.strict == datetime(2026, 12, 11, 4, 59, 59, tzinfo=UTC)  # the end of 10 December in New York

        # another law, another question: without a consumer report it asks nothing, with one it asks for its own notice
        await state(world, "max", consumer_report_used=False)
        assert (await duty(world, "us_fcra_adverse_action")).answer is Answer.NO
        await state(world, "max", consumer_report_used=True)
        reports = await duty(world, "us_fcra_adverse_action")
        assert reports.answer is Answer.YES
        assert reports.due("adverse_action_notice").answer is Answer.YES

        colorado = await duty(world, "us_co_sb26_189")
        assert (colorado.answer, colorado.would_be) == (Answer.NO, Answer.YES)
        assert colorado.applies_from == date(2027, 1, 1)
        asked = (await world.incident()).duties
        assert {name for name, each in asked.items() if each.answer is Answer.YES} == {
            "us_ecoa_reg_b",
            "us_fcra_adverse_action",
        }

        letter = await words(world, await begin(world, "us_ecoa_reg_b/corrected_notices_after_model_error", "cleo"))
        assert letter.strip()


async def test_a_chatbot_that_fails_one_language_owes_words_not_reports(tmp_path: Path) -> None:
    """No breach, so no GDPR notice; DORA only with critical services and two thresholds; the note begins with the cost."""
    async with practice(tmp_path, "Customer chatbot", BANK, {"ai_system": True, "personal_data": True}) as world:
        await world.declare("The chatbot answers Turkish speakers wrongly", "ana")
        await state(world, "ana", security_breach=False, malfunction_or_misuse="data_error", ict_related_incident=True)
        await state(world, "ana", critical_services_affected=False, malicious_access=False)
        for regime in ("eu_gdpr_art33", "eu_gdpr_art34", "uk_gdpr_art33"):
            assert "a breach of the security of personal data: no" in (await duty(world, regime)).because
        quiet = await duty(world, "eu_dora_art19")
        assert (quiet.answer, quiet.rests_on) == (Answer.NO, ("critical_services_affected",))

        # it turns out that the chatbot gives the payment orders: one threshold is not two
        await state(world, "ana", critical_services_affected=True, clients_affected_pct=14, duration_hours=6)
        await state(world, "ana", downtime_hours=0, data_loss_business_impact=False)
        await state(world, "max", economic_impact_eur=20_000, reputational_impact=False, threshold_geography=False)
        assert (await duty(world, "eu_dora_art19")).answer is Answer.NO
        await state(world, "ana", duration_hours=25)
        major = await duty(world, "eu_dora_art19")
        assert major.answer is Answer.YES
        assert {"threshold_clients", "threshold_duration"} <= set(major.rests_on)
        # counsel has not classified it yet, and nobody has said since when the bank is aware: no date is made up
        assert major.due("initial").strict is None

        await world.say(AssessImpact(9_400, 3_100, None, "EUR", (), "Turkish speakers were told wrong fees"), "ana")
        kinds = world.house.desk.drafter.kinds()
        template = next(one for one in ("stakeholders/executives", "stakeholders/update") if one in kinds)
        note = await words(world, await begin(world, template, "ana"))
        headings = [line for line in note.splitlines() if line.startswith("## ")]
        assert headings[0] == "## Business impact"
        assert note.index("told wrong fees") < note.index(headings[1]) < note.index("Cause:")


async def test_a_law_is_shown_from_the_day_it_applies(tmp_path: Path) -> None:
    """The same facts on the day before and on the day: first what it would ask and from when, then the duty and its date."""
    days = {
        "us_co_sb26_189": date(2027, 1, 1),
        "uk_fca_pra_incident": date(2027, 3, 18),
        "eu_ai_act_art73": date(2027, 12, 2),
    }
    organisation = {**PROVIDER, "uk_authorised_firm": True}
    credit = {**LOANS, **HIGH_RISK, "placed_on_market_date": "2026-05-04"}
    async with practice(tmp_path, "Credit scoring", organisation, credit) as world:
        for number, (regime, first) in enumerate(days.items()):
            answers = {}
            for turn, day in enumerate((first - timedelta(days=1), first)):
                noon = datetime(day.year, day.month, day.day, 12, tzinfo=UTC)
                await wait(world, noon)
                incident = f"INC-{2 * number + turn + 1}"
                await world.declare(f"Explanations are missing on {day}", "cleo")
                await state(world, "max", incident, us_states_of_individuals=("CO",), adverse_outcome=True)
                await state(world, "cleo", incident, aware_at=noon, adverse_decision_at=noon)
                await state(world, "cleo", incident, uk_operational_incident_threshold_met=True)
                await state(world, "cleo", incident, notification_incident_determined_at=noon)
                await state(world, "cleo", incident, fundamental_rights_infringement=True)
                await state(world, "ana", incident, malfunction_or_misuse="malfunction")
                answers[day] = await duty(world, regime, incident)
            before, after = answers.values()
            assert (before.answer, before.would_be, before.applies_from) == (Answer.NO, Answer.YES, first), regime
            assert f"{first.day} {first:%B %Y}" in before.because
            assert (after.answer, after.applies_from) == (Answer.YES, None), regime
            assert after.strict is not None
            assert after.strict > world.clock.now()


async def test_a_break_in_at_a_bank_starts_each_clock_on_its_own_fact(tmp_path: Path) -> None:
    """Aware, classified, determined, material: four facts, four clocks; NIS2 gives way to DORA; filing starts the next."""
    async with practice(tmp_path, "Payments", BANK, {"ai_system": False, "personal_data": True}) as world:
        await world.declare("Somebody read the customer table", "ana", restricted=True)
        await state(world, "ana", security_breach=True, ict_related_incident=True, critical_services_affected=True)
        await state(world, "ana", malicious_access=True, cybersecurity_incident_sec=True)
        await state(world, "max", countries_affected=("DE", "US"), residents_by_state="NY: 1200, CA: 800")
        await state(world, "cleo", risk_to_individuals="high", nydfs_cybersecurity_incident=True)
        await state(world, "cleo", significant_service_impact=True)

        lifted = await duty(world, "eu_nis2_art23")
        assert lifted.answer is Answer.NO
        assert "DORA takes the place of this duty" in lifted.because
        assert (await duty(world, "us_sec_8k_105")).answer is Answer.UNKNOWN
        assert all(each.strict is None for each in (await duty(world, "eu_gdpr_art33")).dues)

        await state(world, "cleo", aware_at=AWARE)
        gdpr = (await duty(world, "eu_gdpr_art33")).due("sa_notification")
        assert (gdpr.start, gdpr.strict) == ("aware_at", AWARE + timedelta(hours=72))
        assert (await duty(world, "eu_gdpr_art34")).answer is Answer.YES
        dora = (await duty(world, "eu_dora_art19")).due("initial")
        assert dora.strict == AWARE + timedelta(hours=24)

        # classified two hours later: four hours from then come sooner than twenty-four from awareness
        await state(world, "cleo", classified_major_at=AWARE + timedelta(hours=2))
        assert (await duty(world, "eu_dora_art19")).due("initial").strict == AWARE + timedelta(hours=6)
        history = (await world.incident()).due_history["eu_dora_art19/initial"]
        assert [each.due.strict for each in history] == [AWARE + timedelta(hours=24), AWARE + timedelta(hours=6)]
        assert (await duty(world, "us_nydfs_500_17")).due("notice_cybersecurity_incident").strict is None

        await state(world, "cleo", notification_incident_determined_at=AWARE + timedelta(hours=5))
        nydfs = (await duty(world, "us_nydfs_500_17")).due("notice_cybersecurity_incident")
        assert nydfs.strict == AWARE + timedelta(hours=77)

        # material on Monday: four business days with Thanksgiving among them end on the Monday after
        await state(world, "cleo", material_to_investors=True)
        await state(world, "cleo", materiality_determined_at=datetime(2026, 11, 23, 20, tzinfo=UTC))
        eight_k = (await duty(world, "us_sec_8k_105")).due("item_1_05")
        assert eight_k.strict == datetime(2026, 11, 30, 22, 30, tzinfo=UTC)

        # the intermediate report counts from the initial one as it was filed; nobody reads a fact by its key
        waiting = (await duty(world, "eu_dora_art19")).due("intermediate")
        assert (waiting.strict, waiting.start) == (None, "stage_submitted(initial)")
        assert '"filing of Initial notification"' in waiting.because
        told = [due.because for each in (await world.incident()).duties.values() for due in each.dues]
        assert not any("_at " in each or "stage_submitted" in each for each in told)
        await wait(world, AWARE + timedelta(hours=4))
        await send(world, "eu_dora_art19/initial", "BaFin portal", "MVP-4711")
        after = await duty(world, "eu_dora_art19")
        assert after.due("intermediate").strict == AWARE + timedelta(hours=4 + 72)
        assert "eu_dora_art19/initial" not in {each.item for each in running(await world.incident())}
        assert "eu_dora_art19/intermediate" in {each.item for each in running(await world.incident())}


async def test_a_death_moves_the_date_earlier_and_the_former_date_is_kept(tmp_path: Path) -> None:
    """Fifteen days for serious harm, ten once somebody died; each date stands with when and from what it was counted."""
    aware = datetime(2028, 3, 1, 9, tzinfo=UTC)
    async with practice(tmp_path, "Triage model", PROVIDER, HIGH_RISK) as world:
        await wait(world, aware)
        await world.declare("A patient was sent home", "cleo", restricted=True)
        await state(world, "cleo", deaths=0, serious_harm_health=1, widespread_infringement=False, aware_at=aware)
        await state(world, "cleo", critical_infrastructure_disruption="none", countries_affected=("DE",))
        await state(world, "ana", malfunction_or_misuse="malfunction", fix_would_affect_cause_evaluation=False)
        await state(world, "ana", security_breach=False)
        harm = await duty(world, "eu_ai_act_art73")
        assert (harm.answer, harm.stage) == (Answer.YES, "initial_or_full_report_general")
        assert harm.strict == datetime(2028, 3, 16, 22, 59, 59, tzinfo=UTC)  # the end of the day in Berlin

        await wait(world, aware + timedelta(days=4))
        await state(world, "cleo", deaths=1)
        died = await duty(world, "eu_ai_act_art73")
        assert (died.answer, died.stage) == (Answer.YES, "report_death")
        assert died.strict == datetime(2028, 3, 11, 22, 59, 59, tzinfo=UTC)  # a Saturday, and not moved
        assert died.outer == datetime(2028, 3, 13, 22, 59, 59, tzinfo=UTC)  # Monday, for counsel
        assert died.due("initial_or_full_report_general") is None
        assert running(await world.incident())[0].item == "eu_ai_act_art73/report_death"

        history = (await world.incident()).due_history
        (general,) = history["eu_ai_act_art73/initial_or_full_report_general"]
        (death,) = history["eu_ai_act_art73/report_death"]
        assert general.due.strict == harm.strict
        assert death.due.strict < general.due.strict
        assert (general.at, death.at) == (aware, aware + timedelta(days=4))
        assert general.basis != death.basis
        assert general.due.rule

        # it was known a day before: the same date moves again, and both stand
        await state(world, "cleo", aware_at=aware - timedelta(days=1))
        moved = (await world.incident()).due_history["eu_ai_act_art73/report_death"]
        assert [each.due.strict.day for each in moved] == [11, 10]


def test_every_regime_that_is_switched_on_is_asked() -> None:
    """The rest of this file speaks of all of them: only what nobody knows to be in force is left out."""
    assert "us_circia" not in every_regime()
    assert len(every_regime()) == 44
