"""The services' pages and API: everything the catalogue, the watch and the record say, and what to put where."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from bot.domain.finding import RecordFinding
from bot.domain.guard import Freeze
from bot.domain.lifecycle import Resolve
from bot.domain.policy import Policy, Role, Severity, TargetRules
from bot.domain.service import PredictionLog, Service
from bot.web.services import PAST
from tests.kit import NOON
from tests.web.fakes import SERVICE, Place
from tests.web.rich import HOSTILE, declared, rich
from tests.web.test_pages import EVERYBODY, Reader, sound

LOG = PredictionLog(
    "postgresql://u:zzz-password@db/log", "at", "version", "person", "outcome", ("refused",), groups=("age_band",)
)


def catalogued(home: Place, *services: Service) -> None:
    """The catalogue as these services say it."""
    held = home.desk.catalogue
    home.desk.catalogue = replace(held, services={each.name: each for each in services})


async def shown(home: Place, path: str, who: str = "max") -> Reader:
    browser = await home.browser(who)
    page = sound(await browser.get(path))
    await browser.aclose()
    return page


@pytest.mark.parametrize("who", EVERYBODY)
async def test_everybody_reads_them(home: Place, who: str) -> None:
    """Each role, by page and by API; the navigation leads there."""
    assert 'href="/services"' in (await (await home.browser(who)).get("/slos")).text
    assert "Visit predictions" in (await shown(home, "/services", who)).text
    assert "Visit predictions" in (await shown(home, "/services/visits", who)).text
    async with await home.own(who) as api:
        (row,) = (await api.get("/api/services")).json()
        whole = (await api.get("/api/services/visits")).json()
    assert (row["name"], row["kind"], row["on_call"], row["open"]) == ("visits", "service", ["Ana Ruiz"], [])
    assert (whole["owner"], whole["slos"][0]["name"]) == ("ana", "recall")
    assert [level["people"][0]["key"] for level in whole["on_call"]["levels"]] == ["ana", "ben"]


async def test_nobody_is_nobody(home: Place) -> None:
    """Without a login the pages lead to one, and the API refuses."""
    async with home.client() as stranger:
        for path in ("/services", "/services/visits", "/slos/recall"):
            assert (await stranger.get(path)).status_code == 303
            assert (await stranger.get(f"/api{path}")).status_code == 401


async def test_an_empty_catalogue_says_what_to_do(home: Place) -> None:
    """No service, and one about which nothing is written: each gap says what to put where."""
    catalogued(home)
    assert "The catalogue is empty. Put a file into services/" in (await shown(home, "/services")).text
    catalogued(home, Service("bare", "Bare", "", ""))
    text = (await shown(home, "/services/bare")).text
    for words in (
        "No objective watches it. Put one into slos/ with service: bare", "None is open.", "There was none yet.",
        "Nothing may be changed here. A target under targets: in services/bare.yaml", "A page for it reaches nobody.",
        "Nothing is named under depends_on:", "no service depends on it", "name drift under evidence:",
        "The shipped ones open by likeliest cause".lower(), "under prediction_log:", "legal: in services/bare.yaml",
    ):  # fmt: skip
        assert words.lower() in text.lower(), words
    assert "no objective" in (await shown(home, "/services")).text
    async with await home.own("ana") as api:
        answer = await api.get("/api/services/nothing")
    assert (answer.status_code, answer.json()["because"]) == (404, "no service called 'nothing'; there is bare")


async def test_a_full_service_is_told_whole(home: Place) -> None:
    """Budgets, incidents, ladder, neighbours both ways, changes with what runs, drift, people and regimes."""
    catalogued(
        home,
        replace(SERVICE, depends_on=("store", "lake"), consumers=("the clinics",), runbooks=("bad-release", "gone"),
                prediction_log=LOG, evidence={"drift": {}}),
        Service("store", "Feature store", "ben", "#store"),
        Service("front", "Front desk", "ben", "#front", depends_on=("visits",)),
    )  # fmt: skip
    home.watch.poll()
    name = await rich(home)
    page = await shown(home, "/services/visits")
    for words in (
        "Visit predictions model", "Recall of visits breached", "burns 2.4×", "Budget left 60.0 %", name,
        "Running: weights are v1 100, v2 0 since M1 of", "Roll back to v1 rollback",
        "no feature drifted: largest PSI 0.02", "Bad release 2 steps", "gone not there",
        "Ana Ruiz ana", "Ben Okafor ben", "lake not in the catalogue", "the clinics not in the catalogue",
        "refused", "age_band", "the list is for counsel", "It depends on what happens", "Ruled out",
    ):  # fmt: skip
        assert words in page.text, words
    links = {attrs.get("href") for attrs in page.of("a")}
    assert {"/services/store", "/services/front", "/slos/recall", f"/incidents/{name}"} <= links
    assert "zzz-password" not in page.text
    store = await shown(home, "/services/store")
    assert {"/services/visits"} <= {attrs.get("href") for attrs in store.of("a")}
    async with await home.own("ana") as api:
        whole = (await api.get("/api/services/visits")).json()
    assert whole["used_by"] == ["front", "the clinics"]
    assert whole["targets"][0]["running"]["mitigation"] == "M1"
    assert {each["answer"] for each in whole["regimes"]} >= {"unknown", "no"}
    assert [each["text"] for each in whole["drift"]] == ["no feature drifted: largest PSI 0.02"]


async def test_rules_of_a_target_are_told(home: Place) -> None:
    """Who may propose and approve there, what is approved beforehand, and what holds it back now."""
    freeze = Freeze("night", "the audit week", NOON - timedelta(days=1), NOON + timedelta(days=1))
    rules = TargetRules(propose=frozenset({"group:ml"}), approve=frozenset({Role.ADMIN}))
    home.desk.handler.policy = Policy(freezes=(freeze,), targets={"visits-router": rules})
    text = (await shown(home, "/services/visits")).text
    assert "Frozen until 2026-11-21 12:00:00 UTC: the audit week" in text
    assert "group:ml may propose, admin approves." in text
    assert "What runs there is not in the record" in text


async def test_a_restricted_incident_is_on_no_page_of_a_stranger(home: Place) -> None:
    """Neither by name, count, finding nor change, on the list, the page and the API; counsel sees it."""
    name = await declared(home, restricted=True, title="zzz-sealed", service="visits")
    await home.desk.submit(name, RecordFinding("zzz-drifted", "drift"), await home.who("ida"))
    for who, told in (("max", False), ("otto", False), ("cleo", True)):
        async with await home.own(who) as api:
            for path in ("/services", "/services/visits", "/slos/recall", "/api/services", "/api/services/visits"):
                text = (await api.get(path)).text
                seen = name in text or "zzz" in text
                assert seen is told, (who, path)
            page = Reader((await api.get("/services/visits")).text)
            assert ("1 open incident" in page.text) is told


async def test_strange_words_do_nothing(home: Place) -> None:
    """Titles, owners, neighbours and findings from outside stay text."""
    strange = replace(
        SERVICE, title=HOSTILE, owner=HOSTILE, channel=HOSTILE, consumers=(HOSTILE,), depends_on=(HOSTILE,),
        runbooks=(HOSTILE,),
    )  # fmt: skip
    catalogued(home, strange)
    await rich(home, HOSTILE)
    for path in ("/services", "/services/visits"):
        page = await shown(home, path)
        assert HOSTILE in page.text
        assert not page.of("img")


async def test_what_is_in_trouble_comes_first(home: Place) -> None:
    """An open incident before tiers, tiers before names; a resolved one counts no more."""
    catalogued(
        home, Service("a", "A", "ana", "", tier=1), Service("b", "B", "ana", "", tier=3), replace(SERVICE, tier=4)
    )
    await declared(home, service="visits")
    async with await home.own("ana") as api:
        assert [row["name"] for row in (await api.get("/api/services")).json()] == ["visits", "a", "b"]


async def test_what_is_open_is_shown_however_old(home: Place) -> None:
    """Many later ones that are over push nothing that is still open off a service's page."""
    ana = await home.who("ana")
    old = await home.desk.declare("Still wrong", Severity.SEV1, "visits", "", ana)
    for _ in range(PAST + 1):
        home.clock.forward(minutes=1)
        made = await home.desk.declare("Soon over", Severity.SEV4, "visits", "", ana)
        await home.desk.submit(made.id, Resolve("over", "none"), ana)
    assert "Still wrong" in (await shown(home, "/services/visits")).text
    async with await home.own("ana") as api:
        assert [each["id"] for each in (await api.get("/api/services/visits")).json()["open"]] == [old.id]
