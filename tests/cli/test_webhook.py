"""`tocsin webhook`: a signed test to a real receiver, how they stand, and what was put aside."""

from __future__ import annotations

import asyncio
import json
import shutil
from pathlib import Path

import pytest

from bot.cli._main import run
from bot.engine.outgoing import Letter, Place
from bot.store import Store
from tests.cli.live import Answer, Scripted
from tests.kit import NOON
from tests.store.conftest import HandClock
from tests.world import FOLDER


@pytest.fixture
def house(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("HOOK", "sixteen-letters-long")
    root = tmp_path / "a house"
    shutil.copytree(FOLDER, root)
    return root


def hook(house: Path, url: str) -> None:
    with (house / "tocsin.yaml").open("a") as page:
        page.write(f"webhooks:\n  - {{name: ops, url: '{url}', secret: {{env: HOOK}}}}\n")


def tocsin(house: Path, *words: str) -> int:
    return run(["webhook", *words, "-c", str(house / "tocsin.yaml")])


def test_a_test_is_sent_and_signed(house: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """What it answers is told: taken, or why not; a name nobody has is told with those there are."""
    (tmp_path / "server").mkdir()
    with Scripted(tmp_path / "server", [Answer(204), Answer(500)]).listening() as receiver:
        port = (tmp_path / "server" / "tocsin.yaml").read_text().split("port: ")[1].split("}")[0]
        hook(house, f"http://127.0.0.1:{port}/in")
        assert tocsin(house, "test", "ops") == 0
        assert tocsin(house, "test", "ops") == 1
        assert tocsin(house, "test", "nobody") == 1
    said = capsys.readouterr()
    assert said.out == "ops took it\n"
    assert "the webhook ops: answered 500" in said.err
    assert "no webhook called 'nobody'; there is ops" in said.err
    method, path, headers, body = receiver.asked[0]
    assert (method, path, json.loads(body)["type"]) == ("POST", "/in", "dev.tocsin.ping")
    assert headers["webhook-signature"].startswith("v1,")


def test_how_they_stand(house: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """None is said as such; what was put aside stands there with its reason, until it is sent once more."""
    assert tocsin(house, "list") == 0
    assert "no webhook is set up" in capsys.readouterr().out
    hook(house, "https://ops.example/in")

    async def aside() -> None:
        from bot.cli._database import configured

        url = configured(house / "tocsin.yaml").database_url
        Path(url.removeprefix("sqlite:///")).parent.mkdir(parents=True, exist_ok=True)
        async with await Store.open(url, HandClock()) as store:
            await store.hooks.aside(Letter("ops", "INC-1", 3, NOON, "it refused it (400)"), Place("INC-1", 3))

    asyncio.run(aside())
    assert tocsin(house, "list") == 0
    assert capsys.readouterr().out == (
        "ops  0 incidents behind, 1 change put aside\n    INC-1/3  it refused it (400)\n"
    )
    assert tocsin(house, "again", "ops") == 0
    assert capsys.readouterr().out == "1 change is sent once more by the running Tocsin\n"
    assert tocsin(house, "list") == 0
    assert "0 changes put aside" in capsys.readouterr().out
