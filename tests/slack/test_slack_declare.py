"""Declaring by hand: one dialog that opens at once, finds any service, and says where the card will be."""

from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from bot.blockkit.validate import validate_view
from bot.domain.duty import FactRecorded
from bot.domain.policy import Severity
from bot.slack.views import declare
from tests.slack.bench import SERVICE, Bench

MANY = {f"model-{n}": replace(SERVICE, name=f"model-{n}", title=f"Forecast {n}", owner="care") for n in range(150)}


@pytest.fixture
async def bench(tmp_path: Path) -> AsyncIterator[Bench]:
    async with Bench.open(tmp_path) as made:
        yield made


def stock(bench: Bench, services: dict[str, Any]) -> None:
    bench.desk.catalogue = replace(bench.desk.catalogue, services=services)


async def searched(bench: Bench, typed: str, who: str = "ana") -> list[str]:
    """What the search offers for what was typed."""
    person = await bench.person(who)
    (view,) = await person.views()
    answer = await person._post("options", {"view_id": view["id"], "action_id": "value", "block_id": "service",
                                            "query": typed})  # fmt: skip
    assert answer["acked"]
    return [one["value"] for one in answer["options"]]


async def test_each_severity_says_what_it_means(bench: Bench):
    """Four choices with a line each; few services are chosen from a list."""
    ana = await bench.person("ana")
    await ana.command("/incident", "declare Recall fell")
    view = await ana.wait_for_view("declare")
    blocks = {one["block_id"]: one for one in view["blocks"]}
    told = [one["description"]["text"] for one in blocks["severity"]["element"]["options"]]
    assert len(set(told)) == 4
    assert blocks["service"]["element"]["type"] == "static_select"
    assert blocks["title"]["element"]["initial_value"] == "Recall fell"


async def test_any_of_many_services_is_found(bench: Bench):
    """Typed words narrow the search, at most a hundred are offered, and what is chosen is declared."""
    stock(bench, MANY | {"visits": SERVICE})
    ana = await bench.person("ana")
    await ana.command("/incident", "declare")
    view = await ana.wait_for_view("declare")
    assert validate_view({name: view[name] for name in ("type", "title", "blocks", "submit", "callback_id")}) == []
    assert len(await searched(bench, "")) == 100
    assert await searched(bench, "doctor visits") == ["visits", declare.OTHER]
    assert await searched(bench, "FORECAST 14") == [
        "model-14", *(f"model-14{n}" for n in range(10)), "model-114", declare.OTHER,
    ]  # fmt: skip
    assert await searched(bench, "nothing like it") == [declare.OTHER]
    await ana.submit({"title": "It is wrong", "service": "model-142", "severity": "1"})
    await bench.settle()
    incident = await bench.incident()
    assert (incident.service, incident.severity) == ("model-142", Severity.SEV1)


async def test_a_search_tells_a_stranger_nothing(bench: Bench):
    """Whoever the directory does not know is offered no name of a service, nor anybody while the record is silent."""
    stock(bench, MANY)
    ana = await bench.person("ana")
    await ana.command("/incident", "declare")
    await ana.wait_for_view("declare")
    body = {"type": "block_suggestion", "user": {"id": "U0GUS", "team_id": "T0TOCSIN"}, "team": {"id": "T0TOCSIN"},
            "action_id": "value", "block_id": "service", "value": ""}  # fmt: skip
    answer = await bench.slack.delivery.send("interactive", body)
    assert answer.acked
    assert answer.body == {"options": []}


async def test_it_opens_while_the_record_is_silent(bench: Bench):
    """Opening asks nothing of the log; sending says that it is not recorded, and again it is, once."""
    ana = await bench.person("ana")
    bench.log.silent = True
    await ana.command("/incident", "declare Recall fell")
    await ana.wait_for_view("declare")
    await ana.submit({"severity": "2", "service": "visits"})
    assert "Not recorded" in str(await ana.errors())
    bench.log.silent = False
    await ana.submit({"severity": "2", "service": "visits"})
    await bench.settle()
    assert len(bench.posts("card")) == 1


async def test_a_service_that_went_away_is_marked_at_its_question(bench: Bench):
    """The files changed below the dialog: what was typed stays."""
    ana = await bench.person("ana")
    await ana.command("/incident", "declare Recall fell")
    await ana.wait_for_view("declare")
    stock(bench, MANY)
    await ana.submit({"severity": "2", "service": "visits"})
    assert "no such service any more" in (await ana.errors())["service"]
    assert not (await bench.incident()).exists


async def test_personal_data_is_left_open_in_the_record(bench: Bench):
    """The tick asserts no breach: it opens the question, and says so."""
    ana = await bench.person("ana")
    await ana.command("/incident", "declare Files went astray")
    await ana.wait_for_view("declare")
    await ana.submit({"severity": "2", "personal": ["personal"]})
    assert "noted as an open question" in str(await ana.views())
    facts = [e.event for e in await bench.desk.log.entries("INC-1") if isinstance(e.event, FactRecorded)]
    assert [(one.fact, one.value) for one in facts] == [("personal_data_breach", None)]
    assert "said when it was declared" in facts[0].because


async def test_where_nobody_knows_that_fact_the_incident_is_declared_all_the_same(bench: Bench):
    """An installation without that regime: declared, and told that the tick went nowhere."""
    bench.drafts.facts = frozenset()
    ana = await bench.person("ana")
    await ana.command("/incident", "declare Files went astray")
    await ana.wait_for_view("declare")
    await ana.submit({"severity": "2", "personal": ["personal"]})
    assert "INC-1 is declared" in str(await ana.views())
    assert "was not recorded" in str(await ana.views())
    assert (await bench.incident()).exists


async def test_a_restricted_one_names_no_channel(bench: Bench):
    """The person reads who hears of it; nothing is posted where others read."""
    ana = await bench.person("ana")
    await ana.command("/incident", "declare Secret canary")
    await ana.wait_for_view("declare")
    await ana.submit({"severity": "2", "service": "visits", "restricted": ["restricted"]})
    assert "direct message" in str(await ana.views())
    await bench.settle()
    assert bench.slack.workspace.memory.messages.get("C0INC", {}) == {}


async def test_sent_twice_it_is_one(bench: Bench):
    """Slack delivers the same form again: one incident, one fact."""
    ana = await bench.person("ana")
    await ana.command("/incident", "declare Recall fell")
    await ana.wait_for_view("declare")
    await ana.submit({"severity": "2", "service": "visits", "personal": ["personal"]})
    entries = [one for one in bench.slack.traffic.entries if (one["sent"] or {}).get("type") == "view_submission"]
    assert (await bench.slack.delivery.send("interactive", entries[-1]["sent"])).acked
    assert len(await bench.desk.open_incidents()) == 1
    assert sum(isinstance(e.event, FactRecorded) for e in await bench.desk.log.entries("INC-1")) == 1


async def test_a_title_of_blanks_is_marked_and_can_be_corrected(bench: Bench):
    """What the rule would refuse for good under the form's id is asked for before."""
    ana = await bench.person("ana")
    await ana.command("/incident", "declare")
    await ana.wait_for_view("declare")
    await ana.submit({"title": "  ", "severity": "2", "service": "visits"})
    assert "what is broken" in (await ana.errors())["title"]
    await ana.submit({"title": "Recall fell", "severity": "2", "service": "visits"})
    assert (await bench.incident()).title == "Recall fell"
