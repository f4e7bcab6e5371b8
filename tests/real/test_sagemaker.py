"""The action end to end against moto's server: weights move and come back, and nobody's change is lost.

Real here: moto's SageMaker, its IAM (which checks our signatures with botocore) and its instance metadata. moto has no
UpdateEndpoint: what its 500 leads to is tried here, the rest in front of our fake.
"""

from __future__ import annotations

from typing import Any

import pytest

from bot.clients.sigv4 import Keys
from bot.domain.errors import Refused, Unavailable
from bot.domain.mitigation import Means
from bot.domain.service import Target
from bot.engine.values import Seen
from tests.actions.fake_sagemaker import planned
from tests.actions.fakes import ROLLBACK
from tests.real.moto import Moto, moto_server

pytestmark = [pytest.mark.real, pytest.mark.xdist_group("moto")]

moto = pytest.fixture(scope="module")(moto_server)
TARGET, KEY = Target("visits-endpoint", "sagemaker"), "INC-7/M1/0123456789abcdef"


async def both(moto: Moto, name: str) -> Any:
    """An endpoint with two versions of which v2 serves, and an older configuration; the action in front of it."""
    configs = {f"{name}-8": (planned("v1", "m1"),), f"{name}-9": (planned("v1", "m1", 0.0), planned("v2", "m2", 1.0))}
    await moto.create(name, f"{name}-9", configs)
    return moto.action(name)


async def weights(moto: Moto, name: str) -> dict[str, float]:
    status, told = await moto.call("DescribeEndpoint", {"EndpointName": name})
    assert status == 200
    return {each["VariantName"]: each.get("CurrentWeight") or 0.0 for each in told["ProductionVariants"]}


async def weigh(moto: Moto, name: str, **wanted: float) -> None:
    """Another hand."""
    asked = [{"VariantName": variant, "DesiredWeight": weight} for variant, weight in wanted.items()]
    body = {"EndpointName": name, "DesiredWeightsAndCapacities": asked}
    assert (await moto.call("UpdateEndpointWeightsAndCapacities", body))[0] == 200


async def test_a_rollback_moves_the_weights_and_comes_back(moto: Moto) -> None:
    """Planned, executed twice, observed, undone twice: v2 alone, v1 alone, v2 alone."""
    made = await both(moto, "there-and-back")
    plan = await made.plan(TARGET, *ROLLBACK)
    assert plan.diff == ("weight v1 0 → 1", "weight v2 1 → 0")
    assert (await made.observe(plan, KEY)).seen is Seen.NOT_APPLIED
    assert await weights(moto, "there-and-back") == {"v1": 0.0, "v2": 1.0}
    for _ in range(2):
        await made.execute(plan, KEY)
        assert await weights(moto, "there-and-back") == {"v1": 1.0, "v2": 0.0}
    assert (await made.observe(plan, KEY)).seen is Seen.APPLIED
    with pytest.raises(Refused, match="no version before it"):
        await made.plan(TARGET, *ROLLBACK)
    for _ in range(2):
        await made.undo(plan, f"{KEY}/undo")
        assert await weights(moto, "there-and-back") == {"v1": 0.0, "v2": 1.0}
    assert (await made.undone(plan, f"{KEY}/undo")).seen is Seen.APPLIED
    await made.close()


async def test_a_stale_token_is_refused_and_another_hand_never_undone(moto: Moto) -> None:
    """Weights set by somebody else stay, before our change and after it."""
    made = await both(moto, "two-hands")
    plan = await made.plan(TARGET, Means.TRAFFIC, {"weights": {"v1": 3, "v2": 1}})
    assert plan.serves == {"v1": 0.75, "v2": 0.25}
    await weigh(moto, "two-hands", v1=0.5, v2=0.5)
    assert await made.token(plan) != plan.token
    with pytest.raises(Refused, match=r"changed again since \(configuration two-hands-9, weights v1 0.5, v2 0.5\)"):
        await made.execute(plan, KEY)
    again = await made.plan(TARGET, Means.TRAFFIC, {"weights": {"v1": 3, "v2": 1}})
    await made.execute(again, KEY)
    await weigh(moto, "two-hands", v1=0.2, v2=0.8)
    with pytest.raises(Refused, match="since"):
        await made.undo(again, f"{KEY}/undo")
    assert await weights(moto, "two-hands") == {"v1": 0.2, "v2": 0.8}
    await made.close()


async def test_what_is_not_there_is_refused_in_a_sentence(moto: Moto) -> None:
    """No such endpoint, no such variant or configuration."""
    with pytest.raises(Refused, match="SageMaker has no endpoint nowhere in eu-west-1"):
        await moto.action("nowhere").plan(TARGET, *ROLLBACK)
    made = await both(moto, "refusals")
    with pytest.raises(Refused, match="no variant or configuration v9; refusals-9 is live, with v1, v2"):
        await made.plan(TARGET, Means.ROLLBACK, {"to": "v9"})
    with pytest.raises(Refused, match="no variant v9"):
        await made.plan(TARGET, Means.TRAFFIC, {"weights": {"v9": 1}})
    await made.close()


async def test_an_update_that_breaks_off_may_have_happened(moto: Moto) -> None:
    """The configuration before is found among those of the endpoint; a 500 leaves it open, and looking settles it."""
    configs = {f"promoted-{number}": (planned(f"v{number}", "m1"),) for number in (7, 8, 9)}
    await moto.create("promoted", "promoted-9", configs)
    made = moto.action("promoted", alarms=["visits-5xx"])
    plan = await made.plan(TARGET, *ROLLBACK)
    assert plan.diff == ("configuration promoted-9 → promoted-8", "serves v9 (model m1) → v8 (model m1)")
    with pytest.raises(Unavailable, match="answered 500"):
        await made.execute(plan, KEY)
    assert (await made.observe(plan, KEY)).seen is Seen.NOT_APPLIED
    await made.close()


async def test_signatures_and_permissions_are_really_checked(moto: Moto) -> None:
    """With a user's keys reading goes well and changing is refused; with another secret nothing is answered."""
    await (await both(moto, "locked")).close()
    reader = moto.user("reader", "sagemaker:Describe*", "sagemaker:List*")
    writer = moto.user("writer", "sagemaker:Describe*", "sagemaker:UpdateEndpointWeightsAndCapacities")
    with moto.strict():
        plan = await moto.action("locked", reader).plan(TARGET, *ROLLBACK)
        with pytest.raises(Refused, match="may not do this"):
            await moto.action("locked", reader).execute(plan, KEY)
        with pytest.raises(Unavailable, match="did not accept our AWS keys"):
            await moto.action("locked", Keys(reader.access_key_id, "another-secret")).plan(TARGET, *ROLLBACK)
        written = await moto.action("locked", writer).plan(TARGET, *ROLLBACK)
        assert any("tags could not be read" in each for each in written.warnings)
        await moto.action("locked", writer).execute(written, KEY)
    assert await weights(moto, "locked") == {"v1": 1.0, "v2": 0.0}


LEAST = (
    "sagemaker:DescribeEndpoint", "sagemaker:DescribeEndpointConfig", "sagemaker:ListEndpointConfigs",
    "sagemaker:ListTags", "sagemaker:UpdateEndpoint", "sagemaker:UpdateEndpointWeightsAndCapacities",
)  # fmt: skip


async def walked(moto: Moto, keys: Keys) -> str:
    """A change of weights and its undo, then the configuration before: the first sentence that stood in the way."""
    made = moto.action("permitted", keys)
    try:
        weighed = await made.plan(TARGET, Means.TRAFFIC, {"weights": {"v9": 2}})
        await made.execute(weighed, KEY)
        await made.undo(weighed, f"{KEY}/undo")
        restored = await made.plan(TARGET, *ROLLBACK)
        if unread := [each for each in (*weighed.warnings, *restored.warnings) if "could not be read" in each]:
            return unread[0]
        await made.execute(restored, KEY)
    except (Refused, Unavailable) as error:
        return str(error)
    finally:
        await made.close()
    return ""


@pytest.mark.parametrize("without", ["", *LEAST])
async def test_six_permissions_are_enough_and_none_can_be_missed(moto: Moto, without: str) -> None:
    """With all of them only moto's missing UpdateEndpoint stands in the way; without any one of them, that one does."""
    await moto.create("permitted", "permitted-9", {f"permitted-{n}": (planned(f"v{n}", "m1"),) for n in (8, 9)})
    keys = moto.user(f"six-but-{without.rpartition(':')[2] or 'none'}", *(each for each in LEAST if each != without))
    with moto.strict():
        stood = await walked(moto, keys)
    assert ("403" in stood) is bool(without), stood
    assert ("answered 500" in stood) is (not without), stood


async def test_keys_of_the_machines_role_do_as_well(moto: Moto) -> None:
    """Asked of the instance's metadata with a session, as IMDSv2 wants it."""
    await (await both(moto, "by-role")).close()
    made = moto.action("by-role", role={"kind": "instance", "url": moto.url})
    plan = await made.plan(TARGET, *ROLLBACK)
    await made.execute(plan, KEY)
    assert (await made.observe(plan, KEY)).seen is Seen.APPLIED
    await made.close()
