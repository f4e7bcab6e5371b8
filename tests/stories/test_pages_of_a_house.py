"""The console of a whole house: what wiring hands it makes every page stand, from the first second on."""

from __future__ import annotations

from pathlib import Path

import httpx

from bot.serving import console
from tests.web.fakes import HOME
from tests.world import World


async def test_every_page_stands_over_a_real_house(tmp_path: Path) -> None:
    """Before the first poll and with an incident: services, objectives, audit and settings, by page and by API."""
    async with World.open(tmp_path) as world:
        app = console(world.house)
        held = {"Authorization": f"Bearer {_token(world)}", "X-Tocsin-Person": "ana"}
        transport = httpx.ASGITransport(app)
        async with httpx.AsyncClient(transport=transport, base_url=HOME, headers=held) as client:
            for _ in range(2):
                for path in ("/services", "/services/visits", "/slos", "/settings"):
                    answer = await client.get(path)
                    assert answer.status_code == 200, (path, answer.text[:400])
                    assert (await client.get(f"/api{path}")).status_code == 200, path
                for name in world.house.watch.slos:
                    assert (await client.get(f"/slos/{name}")).status_code == 200, name
                await world.healthy()
                await world.broken()
            told = (await client.get("/api/services/visits")).json()
            assert [each["id"] for each in told["open"]] == ["INC-1"]
            proved = (await client.post("/api/verify")).json()
            assert (proved["ok"], list(proved["heads"])) == (True, ["INC-1"])
            settings = (await client.get("/api/settings")).json()
            assert settings["files"][0]["name"] == "tocsin.yaml"
            name = next(iter(world.house.watch.slos))
            await app.state.console.house.hindsight.settled(30)
            told = (await client.get(f"/api/slos/{name}")).json()["hindsight"]
            assert "remembers nothing of the past" in told["because"]
        for job in (app.state.console.house.proofs, app.state.console.house.hindsight):
            await job.close()


def _token(world: World) -> str:
    return (world.house.installation.state / "api-token").read_text(encoding="utf-8").strip()
