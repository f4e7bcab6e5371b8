"""`on_call` and `escalation` of `tocsin.yaml`: who is paged where no service says who is on call, and what the check says."""

from __future__ import annotations

from pathlib import Path

import pytest

from bot.rota.escalation import Escalation, Level
from tests.config.folder import TOCSIN, Folder

SENDER = """\
alerts:
  - name: prod
    kind: alertmanager
    auth: {bearer: {env: AM_TOKEN}}
"""
ROTA = "zone: UTC\nlayers: [{people: [ada, ben], from: 2026-01-05 09:00, turn: weekly}]\n"
ML = "levels: [{page: ['rota:ml']}, {page: [ben], within: 5m}]\n"


@pytest.fixture
def folder(tmp_path: Path) -> Folder:
    made = Folder(tmp_path)
    made.environ["AM_TOKEN"] = "t-1"
    made.write("rotas/ml.yaml", ROTA)
    made.write("escalations/ml.yaml", ML)
    return made


def written(folder: Folder, more: str) -> Folder:
    folder.write("tocsin.yaml", TOCSIN + more)
    return folder


def warned(folder: Folder) -> list[str]:
    return [each.what for each in folder.load().warnings]


def test_who_is_paged_instead_is_said_as_a_service_says_it(folder: Folder) -> None:
    """People and rotas a level each, or an escalation by its name; the administrators come after it, or alone."""
    admins = Escalation.of("instead", ("ben",))
    found = written(folder, "admins: [ben]\n").load()
    assert (found.on_call, found.instead) == (None, (admins,))
    found = written(folder, "admins: [ben]\non_call: ['rota:ml', ada]\n").load()
    assert found.instead == (Escalation("instead", (Level(("rota:ml",)), Level(("ada",)))), admins)
    found = written(folder, "admins: [ben]\nescalation: ml\n").load()
    assert found.instead == (found.escalations["ml"], admins)
    assert written(folder, "").load().instead == ()


@pytest.mark.parametrize(
    ("more", "where", "what"),
    [
        ("on_call: [adda]\n", "adda", "there is no person 'adda'; did you mean 'ada'?"),
        ("on_call: ['rota:mll']\n", "'rota:mll'", "there is no rota 'mll'; did you mean 'ml'?"),
        ("on_call: [ml]\n", "ml]", "there is no person 'ml', and there is a rota of that name"),
        ("escalation: mll\n", "mll", "there is no escalation 'mll'; did you mean 'ml'?"),
        ("escalation: ml\non_call: [ada]\n", "ml\non_call", "tocsin.yaml has both on_call and an escalation"),
    ],
)
def test_a_mistake_is_told_where_it_stands(folder: Folder, more: str, where: str, what: str) -> None:
    """With the words of a service's file."""
    written(folder, more)
    assert f"{folder.place('tocsin.yaml', where)}: {what}" in folder.told()


def test_a_sender_without_a_default_service_is_warned_of(folder: Folder) -> None:
    """With who is paged for its alerts; not where that was written down, nor where it names a service of its own."""
    told = "for an alert of prod that names no service the admins are paged (ben)"
    (warning,) = [each for each in written(folder, f"{SENDER}admins: [ben]\n").load().warnings if "prod" in each.what]
    assert (warning.what, warning.line) == (told, len(TOCSIN.splitlines()) + 2)
    assert warning.expected == "default_service: NAME here, or on_call: [KEY, ...] of tocsin.yaml"
    assert "for an alert of prod that names no service nobody is paged" in warned(written(folder, SENDER))
    for more in ("on_call: [ada]\n", "escalation: ml\n"):
        assert not [each for each in warned(written(folder, f"{SENDER}{more}")) if "prod" in each]
    assert not [each for each in warned(written(folder, f"{SENDER}    default_service: scoring\n")) if "prod" in each]


def test_an_installation_without_anybody_to_page_is_told_so(folder: Folder) -> None:
    """Where there are neither administrators nor people on call for the house; one of the two is enough."""
    nobody = "nobody is told when Tocsin itself is in trouble"
    assert f"{nobody}, nor paged where no service says who is on call" in warned(written(folder, ""))
    assert nobody in warned(written(folder, "on_call: [ada]\n"))
    assert not [each for each in warned(written(folder, "admins: [ben]\n")) if each.startswith(nobody)]


def test_a_service_with_nobody_on_call_says_who_is_paged_instead(folder: Folder) -> None:
    """As somebody on call, or as the name of the escalation."""
    folder.change("services/scoring.yaml", "on_call: [ada, ben]\n", "")
    assert "nobody is on call for scoring" in warned(written(folder, ""))
    assert "nobody is on call for scoring: pages go to ada and ben" in warned(written(folder, "on_call: [ada, ben]\n"))
    assert "nobody is on call for scoring: pages go to the escalation ml" in warned(written(folder, "escalation: ml\n"))
