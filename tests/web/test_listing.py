"""Lists page by page, filters, the pace of a token, and what has not changed."""

from __future__ import annotations

from urllib.parse import quote

import pytest

from bot.domain.paging import Acknowledge
from bot.web.pace import Pace
from tests.web.fakes import HOME, Place
from tests.web.rich import declared
from tests.web.test_pages import sound


async def several(home: Place) -> None:
    """Five incidents, the second of which is restricted, and the third taken."""
    for number in range(1, 6):
        home.clock.forward(hours=1)
        service = "visits" if number % 2 else ""
        more = {"restricted": True} if number == 2 else {}
        await declared(home, title=f"Number {number}", service=service, fingerprint=f"f{number}", **more)
    await home.desk.submit("INC-3", Acknowledge(), await home.who("ana"))


async def test_page_by_page(home: Place) -> None:
    """The Link of each page leads to the next and the last has none; what is restricted is on nobody's else page."""
    await several(home)
    async with await home.own("otto") as api:
        seen, address = [], "/api/incidents?limit=2"
        while address:
            answer = await api.get(address)
            seen.append([each["id"] for each in answer.json()])
            address = answer.links.get("next", {}).get("url", "").removeprefix(HOME)
        assert seen == [["INC-5", "INC-4"], ["INC-3", "INC-1"]]
        for never in ("INC-2", "INC-99", "%00x"):
            assert (await api.get(f"/api/incidents?before={never}")).status_code in {404, 422}
        hidden, absent = [await api.get(f"/api/incidents?before={name}") for name in ("INC-2", "INC-9")]
        assert hidden.text.replace("INC-2", "INC-9") == absent.text


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("state=open", "5 4 3 1"),
        ("state=acknowledged", "3"),
        ("state=closed", ""),
        ("service=visits", "5 3 1"),
        ("severity=SEV2&limit=1", "5"),
        ("severity=SEV1", ""),
        ("since=2026-11-20T15:00:00Z", "5 4 3"),
        ("until=2026-11-20T15:00:00Z&service=visits", "1"),
    ],
)
async def test_filters(home: Place, query: str, found: str) -> None:
    """By state, service, severity and time, together too."""
    await several(home)
    async with await home.own("otto") as api:
        answer = await api.get(f"/api/incidents?{query}")
        assert " ".join(each["id"].removeprefix("INC-") for each in answer.json()) == found


async def test_filters_that_mean_nothing(home: Place) -> None:
    """A state, severity or time that is none is told, not taken for all."""
    async with await home.own("otto") as api:
        for wrong in ("state=lost", "severity=SEV7", "since=yesterday", "since=2026-11-20T15:00:00", "limit=0"):
            answer = await api.get(f"/api/incidents?{wrong}")
            assert answer.status_code == 422, wrong
            assert wrong.partition("=")[0] in answer.json()["fields"]
        for other in ("/api/notices", "/api/slos", "/api/oncall/covers"):
            assert (await api.get(f"{other}?after=never")).status_code == 404, other


async def test_what_has_not_changed_is_not_sent_twice(home: Place) -> None:
    """An ETag is worth a 304 without a body until the incident changes."""
    await declared(home)
    async with await home.own("otto") as api:
        first = await api.get("/api/incidents/INC-1/head")
        known = {"If-None-Match": first.headers["etag"]}
        again = await api.get("/api/incidents/INC-1/head", headers=known)
        assert (again.status_code, again.content) == (304, b"")
        assert again.headers["etag"] == first.headers["etag"]
        await home.desk.submit("INC-1", Acknowledge(), await home.who("ana"))
        assert (await api.get("/api/incidents/INC-1/head", headers=known)).status_code == 200
        assert (await api.get("/api/incidents/INC-9/head", headers=known)).status_code == 404


async def test_a_script_cannot_starve_others(home: Place) -> None:
    """It is told to wait, everybody else goes on, and after that long it may ask again."""
    place = home.having(pace=Pace(burst=5, per_second=0.5))
    browser = await place.browser("otto")
    async with await place.own("otto") as script, await place.own("ana") as other:
        answers = [await script.get("/api/incidents") for _ in range(7)]
        assert [each.status_code for each in answers] == [200] * 5 + [429] * 2
        assert answers[-1].headers["retry-after"] == "2"
        assert "too many requests" in answers[-1].json()["because"]
        assert (await other.get("/api/incidents")).status_code == 200
        assert (await browser.get("/api/incidents")).status_code == 200
        home.clock.forward(seconds=2)
        assert [(await script.get("/api/incidents")).status_code for _ in range(2)] == [200, 429]
    await browser.aclose()


async def test_the_page_of_the_api(home: Place) -> None:
    """Every route of the document stands on it, and it needs nothing from elsewhere."""
    browser = await home.browser("otto")
    page = await browser.get("/api")
    sound(page)
    document = (await browser.get("/api/openapi.json")).json()
    for path, methods in document["paths"].items():
        assert f"<code>{path}</code>" in page.text, path
        for method, operation in methods.items():
            assert operation["summary"], (method, path)
            assert {"401", "429"} <= operation["responses"].keys() or operation["security"] in (
                [],
                [{"machine": []}, {}],
            )
    assert document["servers"][0]["url"] == "/"
    assert set(document["components"]["securitySchemes"]) == {"personal", "machine", "person", "session"}
    names = [each["operationId"] for methods in document["paths"].values() for each in methods.values()]
    assert len(set(names)) == len(names)
    await browser.aclose()


@pytest.mark.parametrize("time", ["0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-14:00", "0001-01-01T00:00:00Z"])
async def test_a_time_nobody_can_mean_is_refused(home: Place, time: str) -> None:
    """At the ends of the calendar nothing can be reckoned with: that is said, wherever a time may be given."""
    name = await declared(home)
    words = {"moment": "onset", "to": time, "because": "x"}
    async with home.api("ana") as api:
        for path in ("/api/incidents?since={}", "/api/incidents?until={}", "/api/oncall/shifts?start={}"):
            assert (await api.get(path.format(quote(time)))).status_code == 422, path
        assert (await api.post(f"/api/incidents/{name}/correct", json=words)).status_code == 422
