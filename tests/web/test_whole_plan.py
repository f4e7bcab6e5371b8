"""Everything the digest covers is shown: by the API, on the page and its preview, and at a terminal."""

from __future__ import annotations

from dataclasses import fields

import pytest

from bot.cli._plan import plan as at_a_terminal
from bot.domain.mitigation import Plan, ProposeMitigation
from bot.domain.reading import AT_LENGTH, SMALL_PRINT
from bot.web.shapes_change import PlanShape
from tests.marks import marked, missing
from tests.web.changes import INCIDENT, told
from tests.web.fakes import Place
from tests.web.rich import declared
from tests.web.test_pages import Reader

FIELDS = {each.name for each in fields(Plan)}


def test_no_field_is_forgotten() -> None:
    """Each is told at length or in small print, once; and the API has each under its own name."""
    assert sorted([*AT_LENGTH, *SMALL_PRINT]) == sorted(FIELDS)
    assert set(PlanShape.model_fields) >= FIELDS


async def test_everything_the_digest_covers_is_shown(home: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    """The same plan read in JSON, on its page and at a terminal: no field is missing anywhere."""
    monkeypatch.setenv("COLUMNS", "200")
    await declared(home)
    made = marked()
    await home.desk.submit(INCIDENT, ProposeMitigation(made, "v2 is bad"), await home.who("ana"))
    found = await told(home)
    for name in FIELDS - {"diff", "warnings"}:
        assert found[name] == getattr(made, name), name
    assert (found["diff"], found["warnings"]) == (list(made.diff), list(made.warnings))
    browser = await home.browser("ben")
    page = Reader((await browser.get(f"/incidents/{INCIDENT}")).text)
    await browser.aclose()
    assert missing(page.text) == set()
    assert missing("\n".join(at_a_terminal(INCIDENT, found))) == set()
