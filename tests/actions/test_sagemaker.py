"""SageMaker's action in front of an endpoint that remembers and takes its time; moto: tests/real/test_sagemaker.py."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator

import httpx
import pytest

from bot.domain.errors import RateLimited, Refused, Unavailable
from bot.domain.mitigation import Means
from bot.domain.policy import ActionClass
from bot.domain.service import Target
from bot.engine.values import Seen
from tests.actions.fake_sagemaker import ARN, AwsError, FakeSageMaker, planned, visits
from tests.actions.fake_sagemaker import WEIGHTS as SET_WEIGHTS
from tests.actions.fakes import ROLLBACK, WEIGHTS, Scene
from tests.parts import CANARY
from tests.shelves.files import SECONDS

SETTINGS = {"url": "{url}", "region": "eu-west-1", "access_key_id": "AKID", "secret_access_key": CANARY,
            "session_token": CANARY, "timeout_seconds": SECONDS, "endpoint": "visits"}  # fmt: skip
TARGET = Target("visits-endpoint", "sagemaker")
KEY = "INC-7/M1/0123456789abcdef"
TO_CONFIG = (Means.ROLLBACK, {"to": "visits-7"})


def action(fake: FakeSageMaker, **settings: object):
    from bot.actions.sagemaker import EndpointSettings, SageMakerEndpoint

    known = {"region": "eu-west-1", "access_key_id": "AKID", "secret_access_key": CANARY, "endpoint": "visits"}
    made = EndpointSettings.model_validate({"url": "http://sagemaker", **known, **settings})
    return SageMakerEndpoint(made, clock=fake.hands, transport=httpx.ASGITransport(fake.app))


@contextlib.asynccontextmanager
async def scene() -> AsyncIterator[Scene]:
    """What the suite in tests/shelves tries it on."""
    fake = visits()
    made = action(fake)
    asks = {"rollback": ROLLBACK, "weights": WEIGHTS, "rollback to a configuration": TO_CONFIG}
    disturb = lambda: fake.weigh(v1=50, v2=50)  # noqa: E731
    yield Scene(made, TARGET, asks, Means.PAUSE, fake.state, lambda: fake.changed, disturb)
    await made.close()


def sent(fake: FakeSageMaker, operation: str) -> list[dict]:
    return [body for name, body in fake.asked if name == operation]


# -- weights ---------------------------------------------------------------------------------------------------------


async def test_a_rollback_is_a_matter_of_weights_where_both_versions_run() -> None:
    """The plan says who takes the traffic afterwards and how much moves; one call names every variant."""
    fake = visits()
    plan = await action(fake).plan(TARGET, *ROLLBACK)
    assert plan.diff == ("weight v1 0 → 100", "weight v2 100 → 0")
    assert (plan.serves, plan.share, plan.klass) == ({"v1": 1.0, "v2": 0.0}, 1.0, ActionClass.TRAFFIC)
    assert plan.blast_radius == "100 % of visits-endpoint traffic"
    assert plan.undo == "put back weights v1 0, v2 100"
    assert plan.target_uid == f"{ARN}:endpoint/visits"
    await action(fake).execute(plan, KEY)
    wanted = [{"VariantName": "v1", "DesiredWeight": 100}, {"VariantName": "v2", "DesiredWeight": 0}]
    assert sent(fake, SET_WEIGHTS) == [{"EndpointName": "visits", "DesiredWeightsAndCapacities": wanted}]


async def test_an_answer_is_no_proof_while_the_endpoint_is_being_updated() -> None:
    """Moving until SageMaker is done; asked again meanwhile, nothing is sent again."""
    fake = visits(takes=60)
    made = action(fake)
    plan = await made.plan(TARGET, *ROLLBACK)
    await made.execute(plan, KEY)
    on_its_way = await made.observe(plan, KEY)
    assert on_its_way.seen is Seen.MOVING
    assert on_its_way.detail == "endpoint visits is being updated"
    await made.execute(plan, KEY)
    assert fake.changed == 1
    fake.hands.forward(60)
    seen = await made.observe(plan, KEY)
    assert seen.seen is Seen.APPLIED
    assert seen.detail == (
        "endpoint visits is in service with configuration visits-9, weights v1 100, v2 0, "
        "last changed 2026-11-20 12:00:00 UTC"
    )


async def test_while_it_is_being_updated_no_second_change_is_planned_made_or_taken_back() -> None:
    """Each is refused in a sentence that says what is going on and what to wait for."""
    fake = visits(takes=60)
    made = action(fake)
    plan, other = await made.plan(TARGET, *ROLLBACK), await made.plan(TARGET, *WEIGHTS)
    await made.execute(plan, KEY)
    for ask in (made.plan(TARGET, *WEIGHTS), made.execute(other, "K2"), made.undo(plan, "K3")):
        with pytest.raises(Refused, match=r"visits is being updated.*wait until it is in service again"):
            await ask
    assert fake.changed == 1


async def test_a_change_of_weights_that_sagemaker_takes_back_is_told_with_its_reason() -> None:
    """The state of before is there again, and the sentence says why."""
    fake = visits(takes=60, fails="capacity of v1\nwas not reached")
    made = action(fake)
    plan = await made.plan(TARGET, *ROLLBACK)
    await made.execute(plan, KEY)
    fake.endpoint["status"] = "RollingBack"
    back = await made.observe(plan, KEY)
    assert back.seen is Seen.UNKNOWN
    assert "going back by itself" in back.detail
    fake.hands.forward(60)
    seen = await made.observe(plan, KEY)
    assert seen.seen is Seen.NOT_APPLIED
    assert seen.detail.endswith("its last update failed: capacity of v1 was not reached")


async def test_fractions_are_weights_too() -> None:
    """SageMaker's weights are any numbers from 0 up; what is left out gets none."""
    fake = visits()
    made = action(fake)
    plan = await made.plan(TARGET, Means.TRAFFIC, {"weights": {"v1": 0.25, "v2": 0.75}})
    assert plan.diff == ("weight v1 0 → 0.25", "weight v2 100 → 0.75")
    assert plan.serves == {"v1": 0.25, "v2": 0.75}
    assert plan.share == 0.25
    assert (await made.plan(TARGET, Means.TRAFFIC, {"weights": {"v1": 1}})).after["weights"] == {"v1": 1, "v2": 0}


@pytest.mark.parametrize(
    ("params", "words"),
    [
        ({}, "needs weights"),
        ({"weights": {"v9": 1}}, "no variant v9; there is v1, v2"),
        ({"weights": {"v1": -1}}, "from 0 up"),
        ({"weights": {"v1": True}}, "from 0 up"),
        ({"weights": {"v1": float("nan")}}, "from 0 up"),
        ({"weights": {"v1": 0, "v2": 0}}, "nothing would take traffic"),
        ({"mirror": {"v3": 1}}, "no shadow variant"),
    ],
)
async def test_weights_that_make_no_sense_are_refused(params: dict, words: str) -> None:
    """In a sentence that says what is wrong."""
    with pytest.raises(Refused, match=words):
        await action(visits()).plan(TARGET, Means.TRAFFIC, params)


async def test_a_variant_with_few_or_no_instances_is_pointed_out() -> None:
    """Fewer than those that serve now is a warning; none at all is refused, because requests would fail."""
    fake = visits()
    fake.endpoint["variants"][1]["CurrentInstanceCount"] = 9
    plan = await action(fake).plan(TARGET, *ROLLBACK)
    assert plan.warnings == ("v1 will take the traffic with 2 instances, v2 has 9 now",)
    fake.endpoint["variants"][0]["CurrentInstanceCount"] = 0
    with pytest.raises(Refused, match="v1 runs on no instance"):
        await action(fake).plan(TARGET, *ROLLBACK)


async def test_names_without_numbers_do_not_tell_which_came_before() -> None:
    """`previous` is refused rather than guessed; by name it is done."""
    fake = FakeSageMaker()
    fake.add_config("visits-1", planned("champion", "m1", 1), planned("challenger", "m2", 0))
    fake.create("visits-1")
    with pytest.raises(Refused, match="which of champion, challenger came before"):
        await action(fake).plan(TARGET, *ROLLBACK)
    plan = await action(fake).plan(TARGET, Means.ROLLBACK, {"to": "challenger"})
    assert plan.after["weights"] == {"champion": 0, "challenger": 1}


# -- states, refusals and doubts ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("status", "words"),
    [
        ("Creating", "still being created; wait"),
        ("SystemUpdating", "under maintenance by AWS; wait"),
        ("Deleting", "being deleted"),
        ("OutOfService", "takes no requests"),
        ("Failed", "only be deleted: disk full"),
        ("UpdateRollbackFailed", "serves a mix of two configurations.*disk full.*roll one configuration out"),
        ("Hibernating", "visits is Hibernating"),
    ],
)
async def test_every_state_that_takes_no_change_is_told(status: str, words: str) -> None:
    """No plan is made, and what is observed is unknown, with what SageMaker says."""
    fake = visits()
    plan = await action(fake).plan(TARGET, *ROLLBACK)
    fake.endpoint |= {"status": status, "failure": "disk full"}
    with pytest.raises(Refused, match=words):
        await action(fake).plan(TARGET, *ROLLBACK)
    with pytest.raises(Refused, match="nothing was done"):
        await action(fake).execute(plan, KEY)
    assert (await action(fake).observe(plan, KEY)).seen is Seen.UNKNOWN
    assert fake.changed == 0


@pytest.mark.parametrize(
    ("trouble", "error", "words"),
    [
        (AwsError("ResourceLimitExceeded", "4 instances are the limit"), Refused, "limit"),
        (AwsError("ConflictException", "somebody else"), Refused, "ConflictException: somebody else"),
        (AwsError("AccessDeniedException", "not authorized to perform: sagemaker:Update"), Refused, "may not do this"),
        (AwsError("ExpiredTokenException", "expired"), Refused, "has expired"),
        (AwsError("ThrottlingException", "Rate exceeded"), RateLimited, "asked to wait"),
        (AwsError("ServiceUnavailable", "", 503), Unavailable, "503"),
        (AwsError("InternalFailure", "", 500), Unavailable, "500"),
    ],
)
async def test_a_refusal_did_not_happen_and_a_failure_may_have(trouble: AwsError, error: type, words: str) -> None:
    """What AWS says, in a sentence; nothing was changed."""
    fake = visits()
    made = action(fake)
    plan = await made.plan(TARGET, *ROLLBACK)
    fake.troubles[SET_WEIGHTS] = trouble
    with pytest.raises(error, match=words):
        await made.execute(plan, KEY)
    assert fake.changed == 0


async def test_somebody_who_came_in_between_is_noticed() -> None:
    """SageMaker compares nothing: the read afterwards shows another hand's change, so nobody can tell."""
    fake = visits()
    made = action(fake)
    plan = await made.plan(TARGET, *ROLLBACK)
    # while it is read before the change they prepare, while it is read after it they have done it
    fake.came_between = lambda: setattr(fake, "came_between", lambda: fake.weigh(v1=5, v2=5))
    with pytest.raises(Unavailable, match="was asked for configuration visits-9, weights v1 100, v2 0"):
        await made.execute(plan, KEY)


async def test_changed_and_changed_back_is_changed() -> None:
    """The endpoint looks as it did when it was planned, but it was touched since: the plan is refused."""
    fake = visits()
    made = action(fake)
    plan = await made.plan(TARGET, *ROLLBACK)
    fake.weigh(v1=50, v2=50)
    fake.weigh(v1=0, v2=100)
    assert fake.state()["variants"] == {"v1": 0, "v2": 100}
    with pytest.raises(Refused, match="changed again since"):
        await made.execute(plan, KEY)
    assert fake.changed == 2


async def test_an_endpoint_that_is_gone_is_refused_by_name() -> None:
    """Planning and changing are refused; looking is unavailable, because nothing can be proved."""
    fake = visits()
    made = action(fake)
    plan = await made.plan(TARGET, *ROLLBACK)
    fake.endpoint["name"] = "other"
    for ask in (made.plan(TARGET, *ROLLBACK), made.execute(plan, KEY), made.undo(plan, KEY)):
        with pytest.raises(Refused, match="no endpoint visits in eu-west-1"):
            await ask
    for look in (made.token(plan), made.observe(plan, KEY), made.undone(plan, KEY)):
        with pytest.raises(Unavailable, match="no endpoint visits"):
            await look
