"""`tocsin doctor` and the provider people log in with: whether a login would work, and where the mistake stands."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from bot.cli._checks import BAD, OK, Found, examine
from bot.cli._database import configured

pytest.importorskip("oidc_provider_mock", reason="the group ci has the provider")
from tests.web.provider import Running, running
from tests.world import FOLDER

HELD = "zzz-client-secret"


async def looked(folder: Path, issuer: str) -> list[Found]:
    """What is said of the sign-in of a house with that provider."""
    root = folder / "house"
    if not root.exists():
        shutil.copytree(FOLDER, root)
    (root / "oidc").write_text(HELD)
    page = (FOLDER / "tocsin.yaml").read_text().split("web:")[0]
    page += f"web:\n  oidc:\n    issuer: {issuer}\n    client_id: tocsin\n    client_secret: {{file: oidc}}\n"
    (root / "tocsin.yaml").write_text(page)
    file = root / "tocsin.yaml"
    found = await examine(configured(file), file, {})
    assert not [each for each in found if HELD in each.said]
    return [each for each in found if each.what == "sign-in"]


async def test_a_provider_that_answers(tmp_path: Path) -> None:
    """It is well, with how many keys it shows and the address it must know to send people back to."""
    with running(Running()) as provider:
        (found,) = await looked(tmp_path, provider.issuer)
    assert found.mark == OK
    assert "answers and shows 1 key; " in found.said
    assert found.said.endswith("it must send people back to http://127.0.0.1:8080/login/provider/back")


async def test_a_provider_that_is_away_or_another(tmp_path: Path) -> None:
    """Why nobody could log in, and the line of tocsin.yaml that says where it is asked."""
    with running(Running(said={"issuer": "https://elsewhere.example"})) as provider:
        (other,) = await looked(tmp_path, provider.issuer)
    (away,) = await looked(tmp_path, provider.issuer)
    line = (tmp_path / "house" / "tocsin.yaml").read_text().splitlines().index(f"    issuer: {provider.issuer}") + 1
    for found in (other, away):
        assert found.mark == BAD
        assert found.said.endswith(f"; see web.oidc.issuer ({tmp_path / 'house' / 'tocsin.yaml'}:{line})")
    assert "calls itself https://elsewhere.example" in other.said


async def test_a_provider_that_says_no_good(tmp_path: Path) -> None:
    """A discovery document without where codes are exchanged, or with an address in the clear, is no way in."""
    for said in ({"token_endpoint": None}, {"jwks_uri": "http://elsewhere.example/keys"}):
        with running(Running(said=said)) as provider:
            (found,) = await looked(tmp_path, provider.issuer)
        assert found.mark == BAD, said


@pytest.mark.parametrize("page", ["", "web: {port: 8123}\n"])
async def test_without_one_nothing_is_said(tmp_path: Path, page: str) -> None:
    """A house whose people come in by links of the terminal has no such part."""
    root = tmp_path / "house"
    shutil.copytree(FOLDER, root)
    file = root / "tocsin.yaml"
    file.write_text((FOLDER / "tocsin.yaml").read_text().split("web:")[0] + page)
    assert "sign-in" not in [each.what for each in await examine(configured(file), file, {})]
