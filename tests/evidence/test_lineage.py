"""What sets the serving version apart from the one before, from the service's own lineage."""

from __future__ import annotations

import pytest

from bot.evidence._versions import Part, before
from bot.evidence._versions import Version as Told
from tests.evidence.fakes import ModelService, asked, bearing, collect, version
from tests.kit import at
from tests.parts import CANARY
from tests.shelves.files import SECONDS

SETTINGS = {"url": "{url}", "token": CANARY, "timeout_seconds": SECONDS}


def texts(collected) -> str:
    return "\n".join(found.text for found in collected.findings)


async def test_other_training_data_and_the_same_code() -> None:
    """The release changed its data, lost the slice's labels and changed no code."""
    found = await collect("lineage", ModelService().app, asked())
    assert "the training data changed from v1 to v2: aaaaaaaaaaaa → bbbbbbbbbbbb, 12,000 → 12,000 rows" in texts(found)
    assert "training label rate of health=poor: 0.43 in v1, 0.00 in v2" in texts(found)
    assert "v2 and v1 have the same code (c0de1) and parameters" in texts(found)
    assert bearing(found, "training_data") > 2
    assert bearing(found, "code_change") < 0


async def test_other_code_and_the_same_data() -> None:
    """The release changed a parameter and its code."""
    changed = version("v2", code_revision="c0de2", params={"max_iter": 61})
    found = await collect("lineage", ModelService(versions=[version("v1"), changed]).app, asked())
    assert "from v1 to v2 changed: max_iter 60 → 61; code c0de1 → c0de2" in texts(found)
    assert bearing(found, "code_change") > 0
    assert bearing(found, "training_data") < 0


async def test_the_oldest_version_has_nothing_before_it() -> None:
    """No release to blame."""
    found = await collect("lineage", ModelService(serving="v1").app, asked())
    assert "v1 serves and is the oldest version" in texts(found)
    assert bearing(found, "training_data") < 0


async def test_versions_that_tell_little() -> None:
    """Nothing to compare is said, and bears on nothing."""
    bare = [{"version": "v1"}, {"version": "v2"}]
    found = await collect("lineage", ModelService(versions=bare).app, asked())
    assert "do not tell enough" in texts(found)


async def test_versions_by_name_are_read_too() -> None:
    """A table of versions is as good as a list."""
    service = ModelService()
    service.versions = {record["version"]: record for record in service.versions}
    assert "the training data changed from v1 to v2" in texts(await collect("lineage", service.app, asked()))


async def test_who_serves_now_counts() -> None:
    """A release of a moment ago is the one compared, whatever served the minutes before."""
    service = ModelService()
    for row in service.predictions[:-30]:
        row["version"] = "v1"
    assert "from v1 to v2" in texts(await collect("lineage", service.app, asked(since=at(-600))))


def test_the_version_before_is_by_number_and_never_a_rule() -> None:
    """v10 follows v9."""
    versions = [Told("v9"), Told("v10"), Told("v2"), Told("rules", is_model=False)]
    assert before(versions, Told("v10")) == Told("v9")
    assert before(versions, Told("v2")) is None


@pytest.mark.parametrize(
    ("text", "shown", "rate"),
    [
        ("health=poor", "health=poor", 0.1),
        ("poor", "poor", 0.1),
        ("", "all traffic", 0.3),
        ("health=poor|fair", "health=poor|fair", None),
        ("age=old", "age=old", 0.2),
    ],
)
def test_a_slice_finds_its_label_rate(text: str, shown: str, rate: float | None) -> None:
    """By its value, by dimension and value, or as a whole; a slice of several values only where it is told as one."""
    part = Part.parse(text)
    assert str(part) == shown
    assert part.rate({"poor": 0.1, "age_old": 0.2, "all": 0.3}) == rate
