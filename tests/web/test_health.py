"""What machines ask: alive, ready, numbers."""

from __future__ import annotations

import httpx

from bot.web.house import ChatHealth
from tests.web.fakes import HOME, Place, place
from tests.web.rich import declared


async def test_alive_and_ready(home: Place) -> None:
    """The process answers at once; readiness waits for the first poll and says what is missing."""
    async with home.client() as client:
        assert (await client.get("/healthz")).json() == {"ok": True}
        not_yet = await client.get("/readyz")
        assert not_yet.status_code == 503
        assert "not asked yet" in not_yet.json()["because"]
        home.watch.poll()
        assert (await client.get("/readyz")).status_code == 200


async def test_metrics_from_here_or_with_the_token(home: Place) -> None:
    """A stranger, and whoever comes through a proxy, needs the token."""
    await declared(home)
    home.watch.poll()
    home.clock.forward(seconds=7)
    async with home.client() as client:
        text = (await client.get("/metrics")).text
        assert "tocsin_poll_age_seconds 7.0" in text
        assert "tocsin_commits_total 1.0" in text
        assert 'tocsin_slos{state="breached"} 1.0' in text
        assert (await client.get("/metrics", headers={"X-Forwarded-For": "127.0.0.1"})).status_code == 401
    far = httpx.ASGITransport(home.app, client=("203.0.113.7", 4242))
    async with httpx.AsyncClient(transport=far, base_url=HOME) as client:
        assert (await client.get("/metrics")).status_code == 401
        keyed = {"Authorization": f"Bearer {home.token}"}
        assert (await client.get("/metrics", headers=keyed)).status_code == 200


async def test_a_chat_that_is_behind_is_told_here(tmp_path) -> None:
    """On every page for people, in /metrics and /readyz for machines; the house is ready all the same."""
    stands = [ChatHealth(True)]
    async with place(tmp_path, chat=lambda: stands[0]) as home:
        client = await home.browser("ana")
        home.watch.poll()
        await declared(home)
        assert "Slack is behind" not in (await client.get("/")).text
        assert "tocsin_chat_connected 1.0" in (await client.get("/metrics")).text
        stands[0] = ChatHealth(False, 3, home.clock.now(), "chat.update: HTTP 503")
        page = (await client.get("/")).text
        assert "it does not show 3 incidents as they stand" in page
        assert "chat.update: HTTP 503" in page
        text = (await client.get("/metrics")).text
        assert "tocsin_chat_connected 0.0" in text
        assert "tocsin_chat_behind_incidents 3.0" in text
        ready = await client.get("/readyz")
        assert (ready.status_code, ready.json()["chat"]["behind"]) == (200, 3)
        assert "503" not in str(ready.json()["chat"])
        await client.aclose()
    async with place(tmp_path / "other", chat=lambda: stands[0]) as home, home.client() as client:
        assert "Slack is behind" not in (await client.get("/login")).text


async def test_slack_ingress_is_reached_as_it_is(tmp_path) -> None:
    """Whatever app is handed in stands at /slack/events, with its body untouched and nobody asked to log in."""
    heard: list[bytes] = []

    async def ingress(scope, receive, send) -> None:
        heard.append((await receive())["body"])
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b"ok"})

    async with place(tmp_path, slack_http=ingress) as home, home.client() as client:
        answer = await client.post("/slack/events", content=b"payload=%7B%7D")
        assert (answer.status_code, answer.text, heard) == (200, "ok", [b"payload=%7B%7D"])


async def test_without_slack_there_is_no_such_door(home: Place) -> None:
    """And the answer is an ordinary 404."""
    async with home.client() as client:
        assert (await client.post("/slack/events")).status_code == 404


async def test_it_is_asked_for_its_head(home: Place) -> None:
    """As load balancers do: the status without the words."""
    async with home.client() as client:
        for path in ("/healthz", "/readyz"):
            answer = await client.head(path)
            assert (answer.status_code, answer.content) == ((await client.get(path)).status_code, b"")
