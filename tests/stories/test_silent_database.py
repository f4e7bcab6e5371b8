"""The night the database falls silent: Tocsin can record nothing and page for no incident, and says so by what works."""

from __future__ import annotations

from pathlib import Path

from tests.engine.test_silence import silence
from tests.mail import Mail
from tests.world import World


async def test_an_administrator_is_mailed_within_two_minutes_and_told_that_it_is_over(tmp_path: Path) -> None:
    """Nothing is read from the database on the way; the heartbeat stops too, and /metrics goes on to say why."""
    async with World.open(tmp_path, admins=("max",)) as world:
        vigil, mail = world.house.vigil, Mail()
        vigil.care._pagers = {"mail": mail}

        async def minutes(count: float) -> None:
            for _ in range(int(count * 4)):
                world.clock.forward(seconds=15)
                await world.house.watch.tick()
                await vigil.look()
                await vigil.care.look()

        await world.healthy()
        await minutes(5)
        assert mail.sent == []

        log = silence(world, 10_000, "open_ids", "load", "append", "holder", "entries", "at_hand")
        await minutes(1)
        assert mail.sent == []
        await minutes(1)
        ((address, headline, text),) = mail.sent
        assert address == "max@visits.example"
        assert headline == "Tocsin's database does not answer"
        assert text.startswith("Nothing can be recorded")
        assert "no answer within 1.5 s" in text
        assert "tocsin_database_up 0.0" in vigil.vitals.text().decode()
        assert 'tocsin_house_troubles{kind="database"} 1.0' in vigil.vitals.text().decode()
        await minutes(40)
        assert len(mail.sent) == 1

        log.left = 0
        await minutes(3)
        assert mail.headlines[1:] == ["Tocsin's database answers again"]
        assert "tocsin_database_up 1.0" in vigil.vitals.text().decode()
        await minutes(90)
        assert len(mail.sent) == 2
        await world.broken()
        assert world.phone.pages  # and it pages for incidents as before
