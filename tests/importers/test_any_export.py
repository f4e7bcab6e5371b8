"""Whatever stands in an export, an import ends in files that can be read or in complaints with their places."""

from __future__ import annotations

import random

import pytest
import yaml

from bot import shelf
from bot.domain.errors import Invalid
from bot.importers import _compare
from tests.importers import kit
from tests.importers.kit import WINTER

JUNK = (None, "", "x", "2026-01-01T00:00:00Z", "0001-01-01T00:00:00Z", -1, 0, 1.5, True, 10**30, [], {}, [[]], ["x"],
        {"id": "x"}, "\u0000\u202e: [", "a: b # c", "'", "é" * 300)  # fmt: skip
SAMPLE = 12
SYSTEMS = ("pagerduty", "opsgenie", "grafana_oncall")


def places(value, here=()):
    """The place of every value."""
    yield here
    if isinstance(value, dict):
        for key, inner in value.items():
            yield from places(inner, (*here, key))
    elif isinstance(value, list):
        for at, inner in enumerate(value):
            yield from places(inner, (*here, at))


def put(data, place, value):
    for part in place[:-1]:
        data = data[part]
    data[place[-1]] = value


@pytest.mark.parametrize("system", SYSTEMS)
@pytest.mark.parametrize("junk", range(len(JUNK)))
def test_junk_in_any_place_is_no_accident(system, junk, tmp_path):
    """One value after the other is something else: what is written can be read, or each complaint names a place."""
    module = shelf.module("importers", system)
    every = [place for place in places(kit.export(system)) if place]
    chance = random.Random(junk)
    for number, place in enumerate(chance.sample(every, SAMPLE)):
        data = kit.export(system)
        put(data, place, JUNK[junk])
        folder = tmp_path / str(number)
        folder.mkdir()
        harvest = read(module, data, folder)
        if harvest is not None:
            _compare.compare(harvest, WINTER)
            kit.written(harvest, folder)
            assert isinstance(yaml.safe_load((folder / "people.yaml").read_text()), dict)


def read(module, data, folder):
    """What the importer makes of it; None where it complains, and each complaint has a line."""
    try:
        return kit.converted(module, data, folder)
    except Invalid as wrong:
        problems = wrong.problems
    assert problems
    assert all(problem.what and problem.line >= 1 for problem in problems)
    return None


@pytest.mark.parametrize("system", SYSTEMS)
def test_an_export_of_another_system_is_not_half_read(system, tmp_path):
    """Nothing of one system's is taken for another's."""
    for other in SYSTEMS:
        if other != system:
            assert kit.refused(shelf.module("importers", system), kit.export(other), tmp_path)
