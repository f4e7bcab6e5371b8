"""`webhooks:` in tocsin.yaml: whom changes are told to, and which addresses are none for them."""

from __future__ import annotations

from pathlib import Path

import pytest

from bot.domain.errors import Invalid
from bot.engine.changed import KINDS
from tests.config.folder import Folder

SECRET = "secret: {env: HOOK}"


@pytest.fixture
def folder(tmp_path: Path) -> Folder:
    made = Folder(tmp_path)
    made.environ |= {"HOOK": "sixteen-letters-long", "SHORT": "short"}
    return made


def having(folder: Folder, *hooks: str) -> None:
    lines = "\n".join(f"  - {{{each}}}" for each in hooks)
    folder.change("tocsin.yaml", "regimes: [eu_gdpr_art33]\n", f"regimes: [eu_gdpr_art33]\nwebhooks:\n{lines}\n")


def test_left_out_nobody_is_told(folder: Folder) -> None:
    """No receiver, no loop."""
    assert folder.load().webhooks == ()


def test_one_with_defaults(folder: Folder) -> None:
    """Every change of every service, but none of a restricted incident; its secret is in no text."""
    having(folder, f"name: ops, url: 'https://ops.example/in', {SECRET}")
    (found,) = folder.load().webhooks
    assert (found.name, found.url, found.restricted) == ("ops", "https://ops.example/in", False)
    assert tuple(found.events) == KINDS
    assert "sixteen" not in repr(folder.load())


@pytest.mark.parametrize(
    ("hook", "said"),
    [
        (f"name: ops, url: 'http://ops.example/in', {SECRET}", "expected an https:// address"),
        (f"name: ops, url: 'ftp://ops.example/in', {SECRET}", "expected an address such as"),
        (f"name: ops, url: 'https://me:word@ops.example/in', {SECRET}", "does not belong into the address"),
        ("name: ops, url: 'https://ops.example/in', secret: {env: SHORT}", "16 bytes or more"),
        (f"name: Ops Room, url: 'https://ops.example/in', {SECRET}", "expected small letters"),
        (f"name: ops, url: 'https://ops.example/in', {SECRET}, events: [declard]", "did you mean"),
        (f"name: ops, url: 'https://ops.example/in', {SECRET}, services: [nothing]", "there is no service 'nothing'"),
    ],
)
def test_what_is_wrong_is_told_with_its_place(folder: Folder, hook: str, said: str) -> None:
    """A line and a sentence; never the secret."""
    having(folder, hook)
    with pytest.raises(Invalid) as raised:
        folder.load()
    assert said in str(raised.value)
    assert "tocsin.yaml:" in str(raised.value)
    assert "sixteen" not in str(raised.value)


def test_in_the_clear_only_where_it_is_said(folder: Folder) -> None:
    """The machine itself needs no encryption; another one only by a word for it."""
    having(
        folder,
        f"name: here, url: 'http://127.0.0.1:9/in', {SECRET}",
        f"name: lab, url: 'http://lab.example/in', {SECRET}, in_the_clear: true",
    )
    assert [each.name for each in folder.load().webhooks] == ["here", "lab"]


def test_a_name_is_one_receiver(folder: Folder) -> None:
    """Two of a name would share what was told."""
    having(folder, *(f"name: ops, url: 'https://ops.example/{n}', {SECRET}" for n in "ab"))
    with pytest.raises(Invalid, match="two webhooks are called 'ops'"):
        folder.load()
