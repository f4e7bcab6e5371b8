"""Who is on call in Slack: now and at any time, by rota and by service, gaps in plain words; the note, once."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from pydantic import SecretStr

from bot.blockkit.validate import validate_message, validate_view
from bot.config.model import Slack
from bot.domain.errors import Refused, Unavailable
from bot.durable.memory import Memory
from bot.engine.board import rota_now
from bot.engine.calling import Contact
from bot.engine.schedules import Schedules
from bot.engine.weekly import WeeklyNote
from bot.localslack import LocalSlack
from bot.openings import Outside
from bot.rota.escalation import Escalation
from bot.rota.rota import Layer, Rota, Turn, Unit
from bot.slack import when
from bot.slack.verbs import mention, slash
from bot.wiring import opened
from tests.slack.bench import Bench, MovedClock
from tests.slack.rotas import with_rotas
from tests.world import shipped

BERLIN = ZoneInfo("Europe/Berlin")
NOW = datetime(2026, 11, 30, 12, 0, tzinfo=UTC)  # a Monday


@pytest.fixture
async def bench(tmp_path: Path) -> AsyncIterator[Bench]:
    async with Bench.open(tmp_path) as made:
        with_rotas(made)
        yield made


async def asked(bench: Bench, words: str, by: str = "ana") -> str:
    """What a person is answered."""
    answer = (await (await bench.person(by)).command("/incident", words))["answer"]
    assert validate_message(answer["blocks"], answer["text"]) == []
    return str(answer["blocks"])


async def test_every_rota_and_service_stands_there_with_its_next_hand_off(bench: Bench) -> None:
    """Now, until when by the reader's clock, and who then; each service by its levels; a gap has its own sign."""
    told = await asked(bench, "oncall")
    ml = await rota_now(bench.desk.roster, "ml", bench.clock.now())
    assert ml.next_at is not None
    first, second = ("<@U0ANA>", "<@U0BEN>") if ml.now[0].key == "ana" else ("<@U0BEN>", "<@U0ANA>")
    assert f"*ML platform*: {first} until <!date^{int(ml.next_at.timestamp())}^" in told
    assert f"then {second}" in told
    assert "*nights*: ⚠ nobody is on call, and nobody in the next five weeks" in told
    assert f"*Doctor-visits model*: {first}, then ⚠ nobody, then <@U0DEV>" in told


async def test_a_service_is_told_level_by_level(bench: Bench) -> None:
    """By name or title in any case: who stands on each level, how long they have, and who hears at the end."""
    for words in ("oncall visits", "on-call DOCTOR-VISITS MODEL"):
        told = await asked(bench, words)
        assert "a page climbs so" in told
        assert "(by ml) · the next level after 5 min" in told
        assert "2. ⚠ nobody, the next level is paged at once (by nights)" in told
        assert "3. <@U0DEV>" in told
        assert "All levels 2 times, then <@U0BEN> hears that nobody answered." in told
        assert "*nights*" not in told
    assert "*ML platform*" in await asked(bench, "oncall ml")
    assert "*ML platform*" in await asked(bench, "oncall rota:ml")
    assert "there is ml, nights, visits" in str(await asked(bench, "oncall loans"))


async def test_at_another_time_the_one_of_then_is_named(bench: Bench) -> None:
    """By the reader's own zone of people.yaml; a time that is none is refused with an example."""
    roster = bench.desk.roster
    then = bench.clock.now().astimezone(ZoneInfo("Asia/Tokyo")) + timedelta(days=3)
    roster.plans = replace(roster.plans, contacts={"ana": Contact("ana", zone="Asia/Tokyo")})
    (stint,) = await roster.who("ml", then.replace(second=0, microsecond=0))
    told = await asked(bench, f"oncall ml at {then:%Y-%m-%d %H:%M}")
    assert f"*ML platform*: <@U0{stint.key.upper()}>" in told
    assert f"At <!date^{int(then.replace(second=0, microsecond=0).timestamp())}^" in told
    refused = await asked(bench, "oncall at noonish")
    assert "is no time; write one such as 17:00" in refused


async def test_a_mention_asks_the_same_anywhere(bench: Bench) -> None:
    """In a thread or not, and without saying of which incident."""
    ana = await bench.person("ana")
    await ana.say("<@U0TOCSIN> oncall ml".replace("U0TOCSIN", str(bench.room.client.known_me["user_id"])))
    await bench.slack.delivery.settle()
    await bench.settle()
    (whisper,) = [one for one in bench.slack.workspace.ephemerals if one["for"] == "U0ANA"]
    assert "*ML platform*: <@U0" in str(whisper["blocks"])


async def test_a_schedule_kept_elsewhere_says_when_it_is_silent(bench: Bench) -> None:
    """Nobody believes an old answer to be a fresh one, nor a provider that never answered to be a gap."""

    class Silent:
        async def shifts(self, start: datetime, end: datetime) -> Any:
            raise Unavailable("PagerDuty", "HTTP 503")

        async def close(self) -> None: ...

    class Place:
        provider, title, zone = "pagerduty", "Kept elsewhere", "UTC"

    roster = bench.desk.roster
    roster.plans = replace(roster.plans, elsewhere={"far": Place()})
    roster.schedules = Schedules({"far": Silent()}, bench.store.checkpoints, bench.clock)
    await roster.schedules.refresh()
    told = await asked(bench, "oncall far")
    assert "*Kept elsewhere*: ⚠ nobody is on call: pagerduty has not told who is (" in told


async def test_somebody_whom_the_directory_does_not_know_is_marked(bench: Bench) -> None:
    """Their name stands there, and that no page reaches them."""
    roster = bench.desk.roster
    start = datetime(2026, 1, 5, 9, 0)
    odd = Rota("odd", "UTC", (Layer("", (("zoe <!channel>",),), start, Turn(1, Unit.WEEKS)),))
    roster.plans = replace(roster.plans, rotas={"odd": odd}, by_service={})
    told = await asked(bench, "oncall odd")
    assert "⚠ zoe &lt;!channel&gt; (not in people.yaml, cannot be paged)" in told
    assert "*Doctor-visits model*: ⚠ nobody is on call" in await asked(bench, "oncall")
    assert "no page of it reaches anybody" in await asked(bench, "oncall visits")


async def test_where_nobody_is_on_call_it_says_who_is_paged_instead(bench: Bench) -> None:
    """Of a service that names nobody, and of one whose rota has a gap."""
    roster = bench.desk.roster
    empty = Rota("nights", "UTC")
    roster.plans = replace(roster.plans, by_service={}, instead=(Escalation.of("instead", ("dev", "ben")),))
    assert "⚠ nobody is on call; pages go to <@U0DEV>, then <@U0BEN>." in await asked(bench, "oncall visits")
    assert "⚠ nobody is on call; pages go to <@U0DEV>, <@U0BEN>" in await asked(bench, "oncall")
    levels = {"visits": Escalation.of("visits", ("rota:nights",))}
    roster.plans = replace(roster.plans, rotas={"nights": empty}, by_service=levels)
    assert "⚠ nobody is on call on any level: pages go to <@U0DEV>, then <@U0BEN>." in await asked(
        bench, "oncall visits"
    )


async def test_ones_own_next_shifts_stand_on_the_home_tab(bench: Bench) -> None:
    """With their hours by the reader's clock and a way to be covered; whoever is in no rota has no such section."""
    ana = await bench.person("ana")
    await ana.open_home()
    await bench.slack.delivery.settle()
    await bench.settle()
    view = await ana.home()
    assert view is not None
    assert validate_view({name: view[name] for name in ("type", "blocks")}) == []
    told = str(view["blocks"])
    assert told.count("*ML platform*: ") == 4
    assert "Ask to be covered" in told
    cleo = await bench.person("cleo")
    await cleo.open_home()
    await bench.slack.delivery.settle()
    await bench.settle()
    assert "Your shifts" not in str(await cleo.home())


async def test_who_is_on_call_or_next_is_known_before_a_page(bench: Bench) -> None:
    """Their direct conversations are open after the start, whatever order a catalogue lists its people in."""
    catalogue = bench.desk.catalogue
    object.__setattr__(catalogue, "on_call", {"visits": ("cleo", "max", "ana", "ben")})
    await bench.room.warm()
    opened = {one["sent"]["users"] for one in bench.calls("conversations.open")}
    assert {"U0ANA", "U0BEN", "U0DEV"} <= opened
    assert "U0CLEO" not in opened


async def test_the_weekly_note_is_posted_once(bench: Bench) -> None:
    """In the home channel; after a crash between posting and writing it down, and by a second replica, it is one."""

    class Lost:
        """Checkpoints of a house that stops before it wrote them down."""

        async def load(self, names: Any) -> dict[str, Any]:
            return {}

        async def save(self, *_: Any) -> None:
            raise Unavailable("the database", "no answer")

    bench.clock.ahead += next(
        timedelta(days=n) for n in range(8) if (bench.clock.now() + timedelta(days=n)).weekday() == 0
    )
    there = bench.clock.now()
    bench.clock.ahead += there.replace(hour=12, minute=0) - there
    note = WeeklyNote(bench.desk.roster, (), Lost(), bench.clock)  # type: ignore[arg-type]
    note.post = bench.room.announce
    for _ in range(3):
        assert await note.look() is False  # it was not written down, so that it is tried again
    said = [m for m in bench.slack.workspace.memory.messages["C0INC"].values() if "On call from Mon" in m["text"]]
    assert len(said) == 1
    assert validate_message(said[0]["blocks"], said[0]["text"]) == []
    assert "Who is on call:" in str(said[0]["blocks"])


@pytest.mark.parametrize(("words", "utc"), [
    ("17:00", "2026-11-30 16:00"), ("9.05", "2026-12-01 08:05"), ("today 9:00", "2026-11-30 08:00"),
    ("tomorrow 9:00", "2026-12-01 08:00"), ("fri 17:00", "2026-12-04 16:00"), ("Friday 17:00", "2026-12-04 16:00"),
    ("mon 9:00", "2026-11-30 08:00"), ("2026-12-01 09:00", "2026-12-01 08:00"), ("2026-12-01", "2026-11-30 23:00"),
    ("2026-12-01T09:00+09:00", "2026-12-01 00:00"), ("2026-12-01T09:00:00Z", "2026-12-01 09:00"),
    ("now", "2026-11-30 12:00"), ("2027-03-28 02:30", "2027-03-28 01:00"),
])  # fmt: skip
def test_times_are_read_as_people_type_them(words: str, utc: str) -> None:
    """By the wall clock of their zone, or with an offset; an hour that is left out is when the clocks read later."""
    assert f"{when.typed(words, NOW, BERLIN):%Y-%m-%d %H:%M}" == utc


@pytest.mark.parametrize(
    "words",
    ["", "noon", "25:00", "fri", "someday 9:00", "to 9:00", "0001-01-01 00:00", "9999-12-31 23:59", "2026-13-01"],
)
def test_what_is_no_time_is_refused_in_words(words: str) -> None:
    """Whatever was typed, there is a sentence with an example, and nothing breaks."""
    with pytest.raises(Refused, match="is no time; write one such as"):
        when.typed(words, NOW, BERLIN)


def test_the_words_are_understood_at_both_doors() -> None:
    """`oncall` by mention and by command; `cover` only where a form can open."""
    assert mention("<@UB> oncall ml at 9:00", "UB").rest == "ml at 9:00"
    assert slash("on-call").name == "oncall"
    assert (slash("cover").name, slash("covers").name, mention("<@UB> cover", "UB").name) == ("cover", "cover", "")


@pytest.mark.parametrize("home", ["C0INC", ""])
async def test_the_house_hands_slack_its_note_and_its_covers(tmp_path: Path, home: str) -> None:
    """As it is wired from the files: covers are told in Slack, the note goes to the home channel where there is one."""
    async with LocalSlack() as slack:
        given = Slack(mode="socket", api_url=slack.api_url, bot_token=SecretStr(slack.bot_token),
                      app_token=SecretStr(slack.app_token), home_channel=home)  # fmt: skip
        installed = replace(shipped(), slack=given, state=tmp_path, database_url=f"sqlite:///{tmp_path}/tocsin.db")
        doors = Outside({}, {}, {}, {})
        clock = MovedClock()
        async with opened(installed, clock=clock, durable=Memory(clock), doors=doors, pagers={}) as house:  # type: ignore[arg-type]
            assert house.slack is not None
            assert house.desk.covering.tell == house.slack.covers.hear
            assert house.rounds.note is not None
            assert house.rounds.note.post == (house.slack.announce if home else None)
