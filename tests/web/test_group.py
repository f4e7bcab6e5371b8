"""What belongs together, asked through the API: the other incident answers, and what cannot be is said in words."""

from __future__ import annotations

from bot.domain.alerts import DeclareForAlerts
from tests.inbox import alert
from tests.kit import NOON
from tests.web.fakes import Place


async def test_merge_split_and_promote(home: Place) -> None:
    """Each verb answers with the incident that goes on; a second click has no second effect."""
    handler = home.desk.handler
    for alerts, above in (((alert("a"), alert("b")), ""), ((alert("c"),), "INC-9")):
        await handler.open(DeclareForAlerts(alerts, "new", NOON, umbrella=above))
    async with home.api("ben") as ben:
        shown = (await ben.get("/api/incidents/INC-1")).json()["together"]
        assert [each["key"] for each in shown["alerts"]] == ["alert/am/a", "alert/am/b"]
        body = {"alerts": ["alert/am/b"], "because": "another disk"}
        for _ in range(2):
            new = await ben.post("/api/incidents/INC-1/split", json=body)
            assert (new.status_code, new.json()["id"]) == (200, "INC-3"), new.text
        merged = await ben.post("/api/incidents/INC-3/merge", json={"into": "INC-1"})
        assert merged.json()["id"] == "INC-1"
        assert merged.json()["together"]["merged"] == ["INC-3"]
        assert (await ben.get("/api/incidents/INC-3")).json()["together"]["merged_into"] == "INC-1"
        assert (await ben.post("/api/incidents/INC-1/merge", json={"into": "INC-77"})).status_code == 404
        refused = await ben.post("/api/incidents/INC-1/merge", json={"into": "INC-1"})
        assert refused.json()["because"] == "INC-1 cannot be merged into itself"
        assert not (await ben.get("/api/incidents/INC-2")).json()["together"]["has_card"]
        told = await ben.post("/api/incidents/INC-2/promote", json={"because": "our best customer"})
        assert told.json()["together"]["has_card"]
