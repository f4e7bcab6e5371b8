"""The calculator: what is owed comes first, soonest first; each regime is counted where it decides; filings count."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from importlib.metadata import version
from zoneinfo import ZoneInfo

import pytest

from bot.config.regimes import load
from bot.notices.ask import ask
from bot.notices.calculator import Given, calculate, ruling
from bot.notices.counting import Calendar, counted_with, unknown_region
from bot.notices.deadline import Policy, deadlines, rule_version
from bot.notices.derive import derived
from bot.notices.expression import parse
from bot.notices.places import EEA, ELSEWHERE, deciding, zone_of
from bot.notices.regime import Citation, Deadline, InForce, Limit, Regime, Stage
from bot.words import house

SHELF = load(house() / "templates" / "notices")
TYPES = {key: fact.type for key, fact in SHELF.facts.items()}
GDPR = SHELF.by_id["eu_gdpr_art33"]
AWARE = datetime(2026, 11, 20, 7, tzinfo=UTC)
BREACH = {
    "eu_nexus": True,
    "personal_data": True,
    "security_breach": True,
    "risk_to_individuals": "high",
    "aware_at": AWARE,
}


LIMITED = Deadline(limits=(Limit(24, "hours", "aware_at"),))


def law(name, jurisdiction="EU", trigger="eu_nexus", stages=(), clock="aware_at", **rest):
    return Regime(
        name,
        name,
        jurisdiction,
        "cyber",
        (Citation("Act", name),),
        InForce(since=date(2020, 1, 1)),
        parse(trigger, TYPES),
        clock,
        stages,
        SHELF.facts,
        {},
        **rest,
    )


def stage(name, amount, unit="hours", counting="elapsed_hours", clock="aware_at", condition=None, **rest):
    rule = parse(condition, TYPES) if condition else None
    return Stage(name, name, "hard", clock, Deadline(counting, amount, unit, **rest), condition=rule)


def asked(facts=BREACH, at=AWARE + timedelta(hours=1), **rest):
    return Given(derived(facts, SHELF.facts), at, **{"tz": "Europe/Berlin", "country": "DE"} | rest)


def test_what_is_owed_with_a_date_comes_first_soonest_first():
    """Then owed without one, then not known yet, then not owed."""
    regimes = [
        law("no", trigger="ai_system", stages=(stage("s", 1),)),
        law("unknown", trigger="deaths > 0", stages=(stage("s", 1),)),
        law("undated", stages=(stage("s", 1, clock="detected_at"),)),
        law("later", stages=(stage("s", 72),)),
        law("sooner", stages=(stage("a", 90), stage("b", 24))),
    ]
    rulings = calculate(regimes, asked(BREACH | {"ai_system": False}))
    assert [each.regime.id for each in rulings] == ["sooner", "later", "undated", "unknown", "no"]
    assert [each.said.answer for each in rulings] == ["yes", "yes", "yes", "unknown", "no"]
    assert [each.stage.id for each in rulings[0].notices] == ["b", "a"]


def test_a_ruling_says_what_it_rests_on_where_it_stands_and_whom_to_ask():
    """Facts that follow from others count, and the fewest questions go to who can answer them."""
    found = ruling(GDPR, asked())
    assert dict(found.rests_on) == {"eu_nexus": "yes", "personal_data_breach": "yes", "risk_to_individuals": "high"}
    assert "2016/679" in found.said.because
    open_ = ruling(law("x", trigger="ai_system and eu_nexus", stages=(stage("s", 1),)), asked())
    (question,) = open_.ask
    assert (question.fact, question.label, question.asks) == ("ai_system", SHELF.facts["ai_system"].label, "responder")


@pytest.mark.parametrize(
    ("hours", "filed", "standing"),
    [(1, None, "due"), (72, None, "due"), (72.001, None, "overdue"), (200, 71, "filed"), (200, 72.5, "filed_late")],
)
def test_what_has_passed_is_told_at_the_moment_looked_from(hours, filed, standing):
    """To the second: at the strict date itself nothing is late yet."""
    submitted = {GDPR.id: {"sa_notification": AWARE + timedelta(hours=filed)}} if filed else {}
    found = ruling(GDPR, asked(at=AWARE + timedelta(hours=hours), submitted=submitted))
    notice = next(each for each in found.notices if each.stage.id == "sa_notification")
    assert notice.standing == standing
    assert notice.open == (filed is None)


def test_a_clock_is_named_as_people_know_it():
    """Not by the key of a fact; a filing by the name of its notice."""
    regime = law("x", stages=(stage("first", 24), stage("next", 72, clock="stage_submitted(first)")))
    first, following = ruling(regime, asked()).notices
    assert first.counted.startswith('24 hours from "aware of the incident since" at 2026-11-20 08:00 CET')
    assert following.standing == "not_started"
    assert following.counted == 'The clock has not started: "filing of first" is not recorded.'
    filed = asked(submitted={"x": {"first": AWARE + timedelta(hours=5)}})
    dates = {each.stage.id: each.dates.strict for each in ruling(regime, filed).notices}
    assert dates["next"] == AWARE + timedelta(hours=77)


def test_a_notice_that_recurs_falls_due_again_after_each_filing():
    """Every four weeks from the latest of all filings, its own among them."""
    regime = law("x", stages=(stage("first", 24), stage("again", 48, clock="stage_submitted(latest)")))
    filed = {"x": {"first": AWARE, "again": AWARE + timedelta(hours=40)}}
    found = {each.stage.id: each for each in ruling(regime, asked(submitted=filed)).notices}
    assert found["first"].standing == "filed"
    assert (found["again"].standing, found["again"].dates.strict) == ("due", AWARE + timedelta(hours=88))


def test_a_regime_may_have_learnt_of_it_at_another_time():
    """`aware_at_by_regime` counts for that regime alone, also for whether it is in force."""
    facts = BREACH | {"aware_at_by_regime": {"x": AWARE - timedelta(days=2)}}
    x, y = law("x", stages=(stage("s", 24),)), law("y", stages=(stage("s", 24),))
    assert ruling(x, asked(facts)).notices[0].dates.strict == AWARE - timedelta(days=1)
    assert ruling(y, asked(facts)).notices[0].dates.strict == AWARE + timedelta(days=1)
    before = replace(x, in_force=InForce(since=date(2026, 11, 19)))
    assert ruling(before, asked(facts)).said.answer == "no"
    assert ruling(replace(before, id="y"), asked(facts)).said.answer == "yes"


def test_a_stage_that_may_be_owed_asks_its_own_question():
    """A stage not owed is left out, unless it was filed all the same."""
    regime = law("x", stages=(stage("a", 1, condition="deaths > 0"), stage("b", 1, condition="not eu_nexus")))
    (maybe,) = ruling(regime, asked()).notices
    assert (maybe.stage.id, maybe.answer, [each.fact for each in maybe.ask]) == ("a", "unknown", ["deaths"])
    filed = asked(submitted={"x": {"b": AWARE}})
    assert {each.stage.id for each in ruling(regime, filed).notices} == {"a", "b"}


def test_a_contract_counts_by_its_own_hours_and_is_named():
    """The shortest of several; without hours there is no number."""
    rule = replace(stage("s", 0), deadline=Deadline(text="as agreed", hours_by="contracts_with_notice_duty"))
    regime = law("contracts", "any", stages=(rule,))
    terms = {"contracts_with_notice_duty": {"Acme": 72, "Best Ltd": 48}}
    (notice,) = ruling(regime, asked(BREACH | terms)).notices
    assert notice.dates.strict == AWARE + timedelta(hours=48)
    assert notice.counted.endswith("; as agreed: the shortest of 2, Best Ltd.")
    (none,) = ruling(regime, asked(BREACH | {"contracts_with_notice_duty": {"Acme": 0}})).notices
    assert (none.dates.strict, none.standing) == (None, "no_number")


# -- places ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("jurisdiction", "facts", "country", "expected"),
    [
        ("EU", {}, "DE", ("Europe/Berlin", "DE")),
        ("EU", {}, "DE-BY", ("Europe/Berlin", "DE-BY")),
        ("EU", {"reporting_member_state": "DE"}, "DE-BY", ("Europe/Berlin", "DE-BY")),
        ("EU", {"reporting_member_state": "FR"}, "DE", ("Europe/Paris", "FR")),
        ("EU", {"reporting_member_state": "PT"}, "US", ("Europe/Lisbon", "PT")),
        ("EU", {}, "US", ("Europe/Brussels", "")),
        ("EU", {}, "", ("Europe/Berlin", "")),
        ("UK", {}, "DE", ("Europe/London", "GB")),
        ("UK", {}, "UK", ("Europe/Berlin", "UK")),
        ("US", {}, "DE", ("America/New_York", "US")),
        ("US", {}, "US-CA", ("Europe/Berlin", "US-CA")),
        ("US-CA", {}, "US", ("America/Los_Angeles", "US-CA")),
        ("US-NY-NYC", {}, "DE", ("America/New_York", "US-NY")),
        ("US-VT", {}, "DE", ("America/New_York", "US-VT")),
        ("IN", {}, "DE", ("Asia/Kolkata", "IN")),
        ("DE", {}, "US", ("Europe/Berlin", "DE")),
        ("INT", {}, "DE", ("Europe/Berlin", "DE")),
        ("any", {}, "", ("Europe/Berlin", "")),
    ],
)
def test_the_place_that_decides(jurisdiction, facts, country, expected):
    """The authority's Member State in the Union, elsewhere the jurisdiction; at home the organisation's own zone."""
    assert deciding(law("x", jurisdiction), facts, "Europe/Berlin", country) == expected


def test_a_zone_the_regime_names_comes_before_any_other():
    """The place whose holidays count stays the jurisdiction's."""
    regime = law("x", "US-CA", timezone="America/New_York")
    assert deciding(regime, {}, "Europe/Berlin", "DE") == ("America/New_York", "US-CA")


def test_an_incident_and_the_calculator_count_alike():
    """The same regime, facts and filings give the same dates by either way of asking."""
    regime = law("x", "US-CA", stages=(stage("s", 30, "days", "calendar_days_strict"), stage("t", 5)))
    by_ask = ask(regime, BREACH, today=AWARE.date(), tz="Europe/Berlin", country="DE")
    by_ruling = {each.stage.id: each.dates for each in ruling(regime, asked()).notices}
    assert {each.said.stage.id: each.dates for each in by_ask.clocks} == by_ruling
    assert by_ruling["s"].strict.tzinfo == ZoneInfo("America/Los_Angeles")


def test_every_zone_and_every_place_there_is_known():
    """Zones are in the time zone data, holidays of every country on file."""
    for place, zone in (EEA | ELSEWHERE).items():
        assert ZoneInfo(zone)
        assert Calendar(place).known, place
        assert zone_of(place) == zone
    assert (zone_of("DE-BY"), zone_of("UK"), zone_of("XX"), zone_of("")) == ("Europe/Berlin", "Europe/London", "", "")


def test_a_filing_with_the_sec_is_counted_in_new_york_wherever_the_organisation_is():
    """EDGAR closes at 17:30 there, not at half past five in Berlin, and on Thanksgiving it is closed."""
    sec = stage("item", 4, "business_days", "sec_business_days")
    monday = datetime(2026, 11, 23, 15, tzinfo=UTC)
    due = datetime(2026, 11, 30, 22, 30, tzinfo=UTC)
    assert deadlines(sec, monday, "Europe/Berlin", "DE").strict == due
    assert deadlines(sec, monday, "America/New_York", "US").strict == due


# -- calendars and versions ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("place", "closed"),
    [
        ("DE-BY", date(2026, 6, 4)),  # Corpus Christi
        ("DE-BE", date(2026, 3, 8)),  # Women's Day, a Sunday in 2026
        ("ES-CT", date(2026, 9, 11)),  # the national day of Catalonia
        ("GB-SCT", date(2026, 11, 30)),  # Saint Andrew
        ("US", date(2026, 7, 3)),  # Independence Day, observed
    ],
)
def test_regions_have_their_own_holidays(place, closed):
    """And the rest of the country works."""
    assert Calendar(place).known
    assert not Calendar(place).working(closed)


def test_a_place_nobody_knows_says_so_in_the_reason():
    """A region that is none is told with those there are; a country without holidays on file counts weekends only."""
    assert "BY" in unknown_region("DE-XX")
    assert unknown_region("DE-BY") == unknown_region("DE") == unknown_region("XX-YY") == ()
    month = stage("m", 1, "months", "eu_months_1182")
    for place in ("XX", "DE-XX"):
        because = deadlines(month, AWARE, "Europe/Berlin", place).because
        assert f"public holidays of {place} are not on file, only weekends count" in because
    assert "not on file" not in deadlines(month, AWARE, "Europe/Berlin", "DE-BY").because
    relieved = replace(stage("r", 0), deadline=replace(LIMITED, noon_relief=True))
    assert (
        "public holidays of the place of notice are not on file" in deadlines(relieved, AWARE, "Europe/Paris").because
    )
    assert "not on file" not in deadlines(relieved, AWARE, "Europe/Paris", "FR").because


def test_closures_of_a_country_close_its_regions_too():
    """And those of a region only that region."""
    policy = Policy(closures={"US": frozenset({date(2026, 12, 24)}), "DE-BY": frozenset({date(2026, 12, 23)})})
    assert not policy.calendar("US").working(date(2026, 12, 24))
    assert not policy.calendar("US-NY").working(date(2026, 12, 24))
    assert policy.calendar("DE").working(date(2026, 12, 23))
    assert not policy.calendar("DE-BY").working(date(2026, 12, 23))


def test_an_executive_order_closes_edgar_for_a_day():
    """24 December closed by order moves the filing by a day; the shipped calendar cannot know it."""
    sec = stage("item", 4, "business_days", "sec_business_days")
    friday = datetime(2026, 12, 18, 15, tzinfo=UTC)
    order = Policy(closures={"US": frozenset({date(2026, 12, 24)})})
    assert deadlines(sec, friday, "Europe/Berlin", "DE").strict.date() == date(2026, 12, 24)
    assert deadlines(sec, friday, "Europe/Berlin", "DE", order).strict.date() == date(2026, 12, 28)


def test_a_date_says_what_it_was_counted_with():
    """The regime as of its day, the calendars, the product, and own closures, whatever order they were written in."""
    assert version("holidays") in counted_with()
    plain = rule_version(GDPR)
    assert plain == f"eu_gdpr_art33 as of {GDPR.as_of}; {counted_with()}"
    assert rule_version(GDPR, Policy()) == plain
    one, two = date(2026, 12, 24), date(2026, 12, 31)
    closed = rule_version(GDPR, Policy(closures={"US": frozenset({one}), "DE": frozenset({two})}))
    assert closed != plain
    assert closed == rule_version(GDPR, Policy(closures={"DE": frozenset({two}), "US": frozenset({one})}))
    assert closed != rule_version(GDPR, Policy(closures={"US": frozenset({two}), "DE": frozenset({one})}))
    assert ruling(GDPR, asked()).version == plain
