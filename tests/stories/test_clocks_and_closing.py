"""Legal clocks over days: who is reminded and when, what ends a clock, and that nothing is filed away while one runs."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

from bot.domain.clocks import running
from bot.domain.duty import Answer, AssignDuty, DecideDuty
from bot.domain.lifecycle import Close, Resolve
from tests.counsel import PLAIN, duty, practice, send, setting, state, wait
from tests.world import World

AWARE = datetime(2026, 11, 20, 12, tzinfo=UTC)
SHOP = {
    **PLAIN,
    "eu_nexus": True,
    "sec_registrant": "no",
    "org_role_gdpr": ["controller"],
    "reporting_member_state": "DE",
    "contracts_with_notice_duty": {},
    "insurance_policies_with_notice_duty": {},
}
STAGE = "eu_gdpr_art33/sa_notification"


async def leaked(world: World) -> str:
    """Customers' addresses left the house: Max answers for the GDPR's clock, Cleo for him."""
    incident = (await world.declare("Addresses were exported", "ana")).id
    await state(world, "ana", incident, security_breach=True)
    await state(world, "max", incident, countries_affected=("DE",))
    await state(world, "cleo", incident, personal_data=True, risk_to_individuals="risk", aware_at=world.clock.now())
    people = [(await world.who(key)).id for key in ("max", "cleo")]
    await world.say(AssignDuty("eu_gdpr_art33", *people), "cleo", incident)
    return incident


def clocks(world: World, person: str) -> int:
    """How often somebody was reminded of a legal clock."""
    return sum(key == person and any(each.endswith(" clock") for each in told) for key, told in world.board.reminded)


async def test_owner_and_deputy_hear_at_each_share_of_the_time_and_at_its_end(tmp_path: Path) -> None:
    """Half, three quarters, nine tenths, over a kill, once each; nobody else hears, and the clock goes on to its end."""
    async with practice(tmp_path, "Shop", SHOP, {}) as world:
        await leaked(world)
        for hours, heard in ((35, 0), (37, 1), (53, 1), (55, 2), (64, 2), (65, 3), (71, 3), (73, 4), (200, 4)):
            await wait(world, AWARE + timedelta(hours=hours))
            assert (clocks(world, "max"), clocks(world, "cleo")) == (heard, heard), hours
            if hours == 55:
                await world.crash(**setting("Shop", SHOP, {}))
                assert clocks(world, "max") == heard
        assert {key for key, told in world.board.reminded if "INC-1 clock" in told} == {"max", "cleo"}


async def test_a_date_that_moves_earlier_is_heard_anew(tmp_path: Path) -> None:
    """Aware a day before it was thought: more of the time is gone, and both hear at once what is left."""
    async with practice(tmp_path, "Shop", SHOP, {}) as world:
        await leaked(world)
        await wait(world, AWARE + timedelta(hours=20))
        assert clocks(world, "max") == 0
        await state(world, "cleo", aware_at=AWARE - timedelta(hours=24))
        await wait(world, AWARE + timedelta(hours=21))
        assert (clocks(world, "max"), clocks(world, "cleo")) == (1, 1)


async def test_what_is_filed_ends_the_clock_and_lets_the_incident_be_closed(tmp_path: Path) -> None:
    """Refused while it runs, with the law's name; filed, nobody hears any more, and the incident is filed away."""
    async with practice(tmp_path, "Shop", SHOP, {}) as world:
        await leaked(world)
        await world.say(Resolve("the export is shut", "nobody else can"), "ana")
        refused = await world.refuses(Close(), "ana")
        assert refused.startswith("a legal clock runs: GDPR, notice to the supervisory authority")
        await wait(world, AWARE + timedelta(hours=37))
        assert clocks(world, "max") == 1
        await send(world, STAGE, "the authority's online form", "LDI-2026-0815")
        assert running(await world.incident()) == []
        await wait(world, AWARE + timedelta(hours=80))
        assert clocks(world, "max") == 1
        await world.say(Close(), "ana")


async def test_counsels_no_ends_a_clock_and_facts_that_speak_against_it_show(tmp_path: Path) -> None:
    """No duty, because, who: the clock is over and the incident can be closed, with what the facts say beside it."""
    async with practice(tmp_path, "Shop", SHOP, {}) as world:
        await leaked(world)
        await world.say(Resolve("the export is shut", "nobody else can"), "ana")
        await world.say(DecideDuty("eu_gdpr_art33", Answer.NO, "addresses of companies only, no person"), "cleo")
        decided = await duty(world, "eu_gdpr_art33")
        assert decided.contradicted
        assert decided.facts_say is Answer.YES
        await wait(world, AWARE + timedelta(hours=80))
        assert clocks(world, "max") == 0
        await world.say(Close(), "ana")
