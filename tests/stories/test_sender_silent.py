"""Senders of alerts in a whole house: a webhook keeps one from being called silent, whichever replica it came to."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx

from bot.config.alerts import AlertSource
from bot.domain.incident import Incident
from bot.intake.sender import Bearer, Sender
from bot.serving import console
from bot.wiring import House
from tests.kit import NOON
from tests.web.alerting import BEARER, SECRET, am, am_alert
from tests.web.fakes import HOME
from tests.world import World

EVERY = timedelta(minutes=5)
ALERTS = (
    AlertSource(Sender("prod", "alertmanager", Bearer(SECRET), frozenset({"visits"})), expect_every=EVERY),
    AlertSource(
        Sender("dog", "alertmanager", Bearer(SECRET), frozenset({"visits"}), watchdog="Watchdog"), expect_every=EVERY
    ),
    AlertSource(Sender("quiet", "alertmanager", Bearer(SECRET), frozenset({"visits"}))),  # nobody expects it
)
GIVEN: Mapping[str, Any] = {"alerts": ALERTS, "admins": ("max",)}
SIGN = am(am_alert("Watchdog"))


async def post(house: House, name: str, body: dict) -> None:
    transport = httpx.ASGITransport(console(house))
    async with httpx.AsyncClient(transport=transport, base_url=HOME, headers=BEARER) as sender:
        assert (await sender.post(f"/alerts/{name}", json=body)).status_code == 200
    await house.inbox.close()


async def pass_by(world: World, minutes: int, said: Mapping[str, dict], at: House | None = None) -> None:
    """Each minute every sender says this, and the house looks at itself."""
    for _ in range(minutes):
        world.clock.forward(seconds=60)
        for name, body in said.items():
            await post(at or world.house, name, body)
        await world.house.vigil.look()
        await world.house.reconciler.everything()
        await world.settle()


async def incidents(world: World) -> list[Incident]:
    return [await world.incident(name) for name in await world.house.desk.log.open_ids()]


async def test_a_sender_is_silent_when_nothing_of_its_comes(tmp_path: Path) -> None:
    """Empty messages and the watchdog are enough; without them an administrator is paged; nobody is expected of the third."""
    async with World.open(tmp_path, **GIVEN) as world:
        await pass_by(world, 20, {"prod": am(), "dog": SIGN})
        assert await incidents(world) == []
        assert await world.house.inbox.since(0) == []  # the watchdog is no alert
        await pass_by(world, 7, {"prod": am(), "dog": am(am_alert())})  # it talks, but its watchdog does not fire
        (incident,) = await incidents(world)
        assert (incident.fingerprint, incident.service) == ("silence/dog", "tocsin")
        assert incident.onset == NOON + timedelta(minutes=20)
        assert {who for who, _key in world.phone.pages} == {"max"}
        await pass_by(world, 10, {"prod": am(), "dog": SIGN})
        (incident,) = await incidents(world)
        assert incident.mitigated is not None
        assert not [one for one in await incidents(world) if one.fingerprint == "alert/dog/Watchdog"]


async def test_one_never_heard_counts_from_the_start(tmp_path: Path) -> None:
    """After five minutes and not before: a webhook nobody set up must be found."""
    async with World.open(tmp_path, **GIVEN) as world:
        await world.house.vigil.look()
        await pass_by(world, 5, {"dog": SIGN})
        assert await incidents(world) == []
        await pass_by(world, 1, {"dog": SIGN})
        assert [each.fingerprint for each in await incidents(world)] == ["silence/prod"]


async def test_what_another_replica_heard_counts(tmp_path: Path) -> None:
    """The messages come to the one, the other looks; a restart forgets none of it and opens nothing."""
    async with World.open(tmp_path, **GIVEN) as world:
        async with world.another(**GIVEN) as other:
            await pass_by(world, 20, {"prod": am(), "dog": SIGN}, at=other)
        assert await incidents(world) == []
        assert await world.house.inbox.last_heard() == dict.fromkeys(("prod", "dog"), world.clock.now())
        heard = await world.house.inbox.last_heard()
        await world.restart(**GIVEN)
        assert await world.house.inbox.last_heard() == heard
        await pass_by(world, 4, {})
        assert await incidents(world) == []
        await pass_by(world, 3, {})
        assert {each.fingerprint for each in await incidents(world)} == {"silence/prod", "silence/dog"}
