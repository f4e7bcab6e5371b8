"""What the law asks in Slack: of whoever can answer, three at a time, in one message that follows the answers."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from bot.domain.duty import Answer, AnswerDuties, DecideDuty, Duty, RecordFact
from bot.domain.policy import Role
from bot.engine.values import Profile
from bot.notices.ask import OpenQuestion
from bot.notices.facts import FactType
from bot.notices.regime import Fact
from tests.slack.bench import TEAM, Bench

LEGAL = "C0LEGAL"
MANAGER = Profile("", "max", "Max Lind", frozenset({Role.MANAGER}), TEAM, "U0MAX")
GDPR = Duty("gdpr", "GDPR Art. 33", Answer.UNKNOWN, "whether personal data is concerned is not known")


def asks(key: str, kind: str, who: str = "responder", *regimes: str) -> OpenQuestion:
    fact = Fact(key, FactType.parse(kind), key.replace("_", " "), f"a note on {key}", who)
    return OpenQuestion(fact, regimes or ("gdpr",))


QUESTIONS = (
    asks("security_breach", "bool", "responder", "gdpr", "nis2"),
    asks("first_signal_at", "timestamp"),
    asks("downtime_hours", "number"),
    asks("ai_system", "bool"),
    asks("entity_type", "set{essential,important}", "counsel"),
    asks("countries_affected", "set<country>", "manager"),
)


@pytest.fixture
async def bench(tmp_path: Path) -> AsyncIterator[Bench]:
    async with Bench.open(tmp_path) as made:
        made.drafts.asked = QUESTIONS
        yield made


async def asked(bench: Bench, **more: Any) -> str:
    """A declared incident whose regimes have answered; the ts of its card."""
    await bench.declared(**more)
    await bench.desk.submit("INC-1", AnswerDuties((GDPR,), "b1"))
    await bench.settle()
    return str(bench.posts("card")[0]["ts"]) if bench.posts("card") else ""


def thread(bench: Bench) -> dict[str, Any]:
    (message,) = bench.posts("questions")
    return message


async def facts(bench: Bench) -> dict[str, Any]:
    return dict((await bench.incident()).facts)


async def test_three_are_asked_in_the_thread_those_that_settle_most_first(bench: Bench):
    """Below the card; the fourth is in the menu, and nobody reads the name of a law there."""
    card = await asked(bench)
    message = thread(bench)
    assert message["thread_ts"] == card
    seen = str(message["blocks"])
    assert "4 questions the law asks" in seen
    places = [seen.index(words) for words in ("*Security breach?*", "*First signal at: when?*", "*Downtime hours: how")]
    assert places == sorted(places)
    assert "*Ai system?*" not in seen
    assert "Ai system?" in seen  # in the menu
    assert "GDPR" not in seen
    assert "Helps to settle 2 duties." in seen
    assert "entity type" not in seen.lower()
    assert "countries" not in seen


async def test_one_press_answers_and_the_message_goes_on_to_the_next(bench: Bench):
    """The same message, changed: the question is gone, the fourth has come up, and the record says who said it."""
    card = await asked(bench)
    first = thread(bench)["ts"]
    ana = await bench.person("ana")
    await ana.click("fact.yes", in_thread_of=card)
    await bench.settle()
    assert await facts(bench) == {"security_breach": True}
    message = thread(bench)
    assert message["ts"] == first
    assert "Security breach?" not in str(message["blocks"])
    assert "*Ai system?*" in str(message["blocks"])
    assert "more questions" not in str(message["blocks"])


async def test_not_known_stays_below_until_it_is_known(bench: Bench):
    """It takes no place among the three; whoever learns it later answers it from there."""
    card = await asked(bench)
    ana = await bench.person("ana")
    await ana.click("fact.unknown", in_thread_of=card)
    await bench.settle()
    seen = str(thread(bench)["blocks"])
    assert "*Security breach?*" not in seen
    assert "Not known yet" in seen
    assert "(said Ana Souza" in seen
    await ana.click("more.unknown", in_thread_of=card, value="fact.open INC-1/security_breach")
    await ana.wait_for_view("fact")
    await ana.submit({"value": "no", "because": "the logs of the gateway"})
    await bench.settle()
    assert await facts(bench) == {"security_breach": False}
    last = (await bench.desk.log.entries("INC-1"))[-1].event
    assert last.because == "the logs of the gateway"


async def test_who_answers_otherwise_from_an_older_message_is_told_and_nothing_is_turned_round(bench: Bench):
    """The first answer stands; the same answer again is no news either."""
    card = await asked(bench)
    again = bench.as_before("questions")
    await (await bench.person("ana")).click("fact.yes", in_thread_of=card)
    await bench.settle()
    again()
    ben = await bench.person("ben")
    before = (await bench.incident()).seq
    await ben.click("fact.no", in_thread_of=card)
    await bench.settle()
    again()
    await ben.click("fact.yes", in_thread_of=card)
    await bench.settle()
    assert (await bench.incident()).seq == before
    assert await facts(bench) == {"security_breach": True}
    (told,) = bench.whispers("ben")
    assert "Ana Souza answered" in told
    assert "already: yes" in told


async def test_a_question_that_no_longer_matters_goes(bench: Bench):
    """No duty hangs on it: the message says that none is open, and an old button says why."""
    card = await asked(bench)
    again = bench.as_before("questions")
    bench.drafts.asked = ()
    await bench.say(DecideDuty("gdpr", Answer.NO, "no personal data"), "cleo")
    assert "No question is open" in str(thread(bench)["blocks"])
    assert "action_id" not in str(thread(bench)["blocks"])
    again()
    ana = await bench.person("ana")
    await ana.click("fact.yes", in_thread_of=card)
    await bench.settle()
    assert "not asked any more" in bench.whispers("ana")[-1]
    assert await facts(bench) == {}


async def test_nothing_is_posted_where_nothing_is_asked(bench: Bench):
    """No question, no message; once one comes up, it is there."""
    bench.drafts.asked = ()
    await asked(bench)
    assert bench.posts("questions") == []
    assert bench.posts("asked", LEGAL) == []
    bench.drafts.asked = QUESTIONS
    await bench.show()
    assert len(bench.posts("questions")) == len(bench.posts("asked", LEGAL)) == 1


async def test_counsel_is_asked_below_the_duties_by_the_name_of_the_law(bench: Bench):
    """In the legal channel alone; several that apply are ticked, or none of them."""
    await asked(bench)
    (message,) = bench.posts("asked", LEGAL)
    (duties,) = bench.posts("duties", LEGAL)
    assert float(message["ts"]) > float(duties["ts"])
    assert "Entity type: which?" in str(message["blocks"])
    assert "Helps to settle GDPR Art. 33." in str(message["blocks"])
    cleo = await bench.person("cleo", LEGAL)
    await cleo.click("fact.open")
    await cleo.wait_for_view("fact")
    await cleo.submit({"value": ["essential", "none"]})
    assert "not both" in str(await cleo.errors())
    await cleo.submit({"value": ["important"]})
    await bench.settle()
    assert await facts(bench) == {"entity_type": ("important",)}
    assert "No question is open" in str(bench.posts("asked", LEGAL)[0]["blocks"])


@pytest.mark.parametrize(("key", "kind", "given", "kept"), [
    ("n", "number", {"value": "0.25"}, 0.25), ("i", "int", {"value": "12"}, 12),
    ("r", "int_or_range", {"value": "400..600"}, "400..600"), ("c", "country", {"value": "DE"}, "DE"),
    ("s", "set<country>", {"value": "DE, FR"}, ("DE", "FR")), ("none", "set<country>", {"value": "none"}, ()),
    ("e", "enum{drift,data_error}", {"value": "data_error"}, "data_error"), ("b", "bool", {"value": "unknown"}, None),
    ("d", "date", {"value": "2026-11-20"}, "2026-11-20"), ("m", "map<state,int>", {"value": "CA: 5, NY: 7"}, "CA: 5, NY: 7"),
    ("t", "timestamp", {"value": 1_795_176_000}, "2026-11-20T12:00:00+00:00"),
    ("w", "timestamp_or_range", {"value": 1_795_176_000, "until": 1_795_179_600},
     "2026-11-20T12:00:00+00:00..2026-11-20T13:00:00+00:00"),
    ("u", "int", {"unknown": ["unknown"]}, None), ("x", "set{a_b,c}", {"value": ["none"]}, ()),
])  # fmt: skip
async def test_each_kind_of_answer_has_its_input(bench: Bench, key: str, kind: str, given: dict[str, Any], kept: Any):
    """Numbers, ranges, times, days, choices, sets, countries: kept in the form the rules read."""
    bench.drafts.asked = (asks(key, kind),)
    card = await asked(bench)
    ana = await bench.person("ana")
    await ana.click("fact.open", in_thread_of=card)
    await ana.wait_for_view("fact")
    await ana.submit(given)
    assert await ana.errors() == {}
    assert await facts(bench) == {key: kept}


@pytest.mark.parametrize(("kind", "given", "words"), [
    ("int", {"value": "many"}, "whole number"), ("country", {"value": "Germany"}, "two capital letters"),
    ("int", {}, "tick that it is not known"), ("int", {"value": "3", "unknown": ["unknown"]}, "not both"),
    ("int_or_range", {"value": "600..400"}, "backwards"), ("set<country>", {"value": "germany"}, "country code"),
])  # fmt: skip
async def test_what_cannot_be_read_is_said_below_the_input(bench: Bench, kind: str, given: dict[str, Any], words: str):
    """The form stays open with the sentence, and nothing is recorded."""
    bench.drafts.asked = (asks("q", kind),)
    card = await asked(bench)
    ana = await bench.person("ana")
    await ana.click("fact.open", in_thread_of=card)
    await ana.wait_for_view("fact")
    await ana.submit(given)
    assert words in str(await ana.errors())
    assert await facts(bench) == {}


async def test_a_manager_is_asked_on_their_home_and_others_are_not(bench: Bench):
    """A line with its button; it goes with the answer."""
    await bench.desk.people.enrol([*await bench.desk.people.everyone(), MANAGER])
    people = bench.slack.workspace.people
    people["U0MAX"] = replace(people["U0ANA"], id="U0MAX", name="max")
    await asked(bench)

    async def tab(key: str) -> str:
        person = await bench.person(key)
        await person.open_home()
        await bench.slack.delivery.settle()
        await bench.settle()
        return str(await person.home())

    assert "Countries affected: which?" in await tab("max")
    assert "Countries affected" not in await tab("ben")
    await bench.say(RecordFact("countries_affected", "DE"), "ana")
    assert "Countries affected" not in await tab("max")


async def test_a_restricted_incident_asks_nothing_in_any_channel(bench: Bench):
    """No question in the thread, none in the legal channel; on the Home tab not even its name."""
    await asked(bench, title="Secret canary", restricted=True)
    everything = str(bench.slack.workspace.memory.messages)
    assert "question" not in everything
    assert "ecurity breach" not in everything
    cleo = await bench.person("cleo")
    await cleo.open_home()
    await bench.slack.delivery.settle()
    await bench.settle()
    assert "ntity" not in str(await cleo.home())
