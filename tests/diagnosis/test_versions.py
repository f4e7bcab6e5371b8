"""Versions in the order people count them."""

from __future__ import annotations

from bot.diagnosis.versions import natural


def test_numbers_count_as_numbers() -> None:
    """v10 comes after v9, 1.10.0 after 1.9.3; names without numbers stay in their order."""
    assert sorted(["v10", "v9", "v1"], key=natural) == ["v1", "v9", "v10"]
    assert sorted(["1.10.0", "1.9.3"], key=natural) == ["1.9.3", "1.10.0"]
    assert sorted(["blue", "amber"], key=natural) == ["amber", "blue"]
    assert sorted(["v2-rc1", "v2"], key=natural) == ["v2", "v2-rc1"]
