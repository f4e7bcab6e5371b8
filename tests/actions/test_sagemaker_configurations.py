"""A SageMaker endpoint that goes back by a configuration rolled out anew, its shadow variants, and its owners."""

from __future__ import annotations

import pytest

from bot.domain.errors import Refused
from bot.domain.mitigation import Means
from bot.domain.policy import ActionClass
from bot.engine.values import Seen
from tests.actions.fake_sagemaker import AwsError, FakeSageMaker, planned, promoted, visits
from tests.actions.fakes import ROLLBACK
from tests.actions.test_sagemaker import KEY, TARGET, TO_CONFIG, action, sent


async def test_a_fully_promoted_version_goes_back_by_the_configuration_before() -> None:
    """The newest older configuration of the same beginning, told as a guess; instances, alarms and weights are its own."""
    fake = promoted(takes=300)
    made = action(fake, alarms=["visits-5xx"])
    plan = await made.plan(TARGET, *ROLLBACK)
    assert plan.diff == (
        "configuration visits-v9 → visits-v8",
        "serves v9 (model visits-v9) → v8 (model visits-v8)",
    )
    assert plan.serves == {"v8": 1.0}
    assert plan.undo == "put back configuration visits-v9"
    assert [each.partition(":")[0] for each in plan.warnings] == [
        "new instances are started first",
        "v8 will take the traffic with 4 instances, v9 has 12 now",
        "SageMaker goes back by itself where one of these alarms fires meanwhile",
        "visits-v8 is only the newest older configuration that begins with visits-v (made 2026-11-19 12",
    ]
    await made.execute(plan, KEY)
    assert sent(fake, "UpdateEndpoint") == [
        {
            "EndpointName": "visits",
            "EndpointConfigName": "visits-v8",
            "RetainAllVariantProperties": True,
            "ExcludeRetainedVariantProperties": [{"VariantPropertyType": "DesiredWeight"}],
            "DeploymentConfig": {"AutoRollbackConfiguration": {"Alarms": [{"AlarmName": "visits-5xx"}]}},
        }
    ]
    fake.endpoint["variants"][0]["VariantStatus"] = [{"Status": "Baking"}]
    seen = await made.observe(plan, KEY)
    assert seen.seen is Seen.MOVING
    assert seen.detail == "endpoint visits is being updated to configuration visits-v8 (v9 Baking)"
    fake.hands.forward(300)
    assert (await made.observe(plan, KEY)).seen is Seen.APPLIED
    await made.undo(plan, f"{KEY}/undo")
    assert (await made.undone(plan, f"{KEY}/undo")).seen is Seen.MOVING
    fake.hands.forward(300)
    assert (await made.undone(plan, f"{KEY}/undo")).seen is Seen.APPLIED
    assert fake.state()["config"] == "visits-v9"


async def test_an_update_that_does_not_say_where_it_leads_is_taken_for_no_state() -> None:
    """Neither the old configuration nor the new one counts as reached, so nothing is taken back by mistake."""
    fake = promoted(takes=300, quiet=True)
    made = action(fake)
    plan = await made.plan(TARGET, *ROLLBACK)
    await made.execute(plan, KEY)
    assert (await made.observe(plan, KEY)).seen is Seen.UNKNOWN
    for ask in (made.undo(plan, f"{KEY}/undo"), made.execute(plan, KEY)):
        with pytest.raises(Refused, match="being updated; nothing was done; wait"):
            await ask
    fake.hands.forward(300)
    assert (await made.observe(plan, KEY)).seen is Seen.APPLIED


async def test_an_alarm_takes_the_rollback_back_and_that_is_not_applied() -> None:
    """SageMaker's own way back is told, never taken for success."""
    fake = promoted(takes=300, fails="alarm visits-5xx")
    made = action(fake, alarms=["visits-5xx"])
    plan = await made.plan(TARGET, *ROLLBACK)
    await made.execute(plan, KEY)
    fake.hands.forward(300)
    seen = await made.observe(plan, KEY)
    assert seen.seen is Seen.NOT_APPLIED
    assert "alarm visits-5xx" in seen.detail


async def test_the_configuration_before_may_be_named_in_the_settings() -> None:
    """Then nothing is guessed; where it is live already, going back to it is refused."""
    plan = await action(promoted(), previous_config="visits-v7").plan(TARGET, *ROLLBACK)
    assert plan.params == {"config": "visits-v7", "keep_instances": True, "alarms": []}
    assert not any("only the newest" in each for each in plan.warnings)
    with pytest.raises(Refused, match="visits-v9 is live"):
        await action(promoted(), previous_config="visits-v9").plan(TARGET, *ROLLBACK)


async def test_configurations_of_another_endpoint_are_not_taken_for_the_one_before() -> None:
    """Only what begins the same way counts, and only what is older than the live one."""
    fake = FakeSageMaker()
    for name in (
        "other-visits-v1",
        "visits-v5",
        *(f"my-visits-v{number}" for number in range(120)),
        "visits-v6",
        "visits-v7",
    ):
        fake.add_config(name, planned(name.rpartition("-")[2], name))
    fake.create("visits-v6")
    plan = await action(fake).plan(TARGET, *ROLLBACK)
    assert plan.params["config"] == "visits-v5"
    assert len(sent(fake, "ListEndpointConfigs")) == 2  # the first hundred held none
    fake.create("visits-v5")
    with pytest.raises(Refused, match="no configuration that begins with visits-v is older than visits-v5"):
        await action(fake).plan(TARGET, *ROLLBACK)


async def test_variants_of_one_name_keep_their_instances_and_prove_nothing_by_traffic() -> None:
    """Scaled to twelve it stays twelve, or what is written where the settings say so; nobody is told a share."""
    fake = promoted()
    fake.add_config("visits-v10", planned("v9", "visits-v10", 1, 1))
    plan = await action(fake).plan(TARGET, Means.ROLLBACK, {"to": "visits-v10"})
    assert plan.serves == {}
    assert any("traffic per variant cannot tell them apart" in each for each in plan.warnings)
    assert not any("will take the traffic with" in each for each in plan.warnings)
    written = await action(fake, keep_instances=False).plan(TARGET, Means.ROLLBACK, {"to": "visits-v10"})
    assert "v9 will take the traffic with 1 instance, v9 has 12 now" in written.warnings
    await action(fake).execute(plan, KEY)
    assert fake.endpoint["variants"][0]["CurrentInstanceCount"] == 12


async def test_what_undo_cannot_bring_back_is_said_before() -> None:
    """Weights shifted by hand are not in the configuration; a deleted configuration is no way back at all."""
    fake = visits()
    fake.weigh(v1=30, v2=70)
    plan = await action(fake).plan(TARGET, *TO_CONFIG)
    assert (
        "undo brings visits-9 back with the weights written in it (v1 0, v2 100), not with those of now"
        in plan.warnings
    )
    del fake.configs["visits-9"]
    gone = await action(fake).plan(TARGET, *TO_CONFIG)
    assert not gone.reversible
    assert "visits-9 is deleted, so nobody can put it back" in gone.warnings[0]
    await action(fake).execute(gone, KEY)
    with pytest.raises(Refused, match="no way back"):
        await action(fake).undo(gone, f"{KEY}/undo")


@pytest.mark.parametrize("to", ["visits-99", "no such/name", 7])
async def test_going_nowhere_is_refused(to: object) -> None:
    """Neither a variant nor a configuration, or no name at all."""
    with pytest.raises(Refused, match=r"visits-99; visits-9 is live, with v1, v2|not to"):
        await action(visits()).plan(TARGET, Means.ROLLBACK, {"to": to})


# -- shadows and owners -----------------------------------------------------------------------------------------


def shadowed() -> FakeSageMaker:
    fake = FakeSageMaker()
    fake.add_config("visits-1", planned("v1", "m1"))
    fake.add_config("visits-2", planned("v2", "m2"), shadows=(planned("candidate", "m3", 0.5),))
    fake.create("visits-2")
    return fake


async def test_the_mirror_changes_copies_and_no_answer() -> None:
    """A shadow variant's weight is small and reaches nobody; it is put back like any other."""
    fake = shadowed()
    made = action(fake)
    for given in ({"candidate": 0}, 0):
        plan = await made.plan(TARGET, Means.TRAFFIC, {"mirror": given})
        assert plan.diff == ("shadow weight candidate 0.5 → 0",)
        assert (plan.klass, plan.share, plan.serves) == (ActionClass.SMALL, 0.0, {"v2": 1.0})
    await made.execute(plan, KEY)
    assert fake.state()["shadows"] == {"candidate": 0}
    assert (await made.observe(plan, KEY)).seen is Seen.APPLIED
    await made.undo(plan, f"{KEY}/undo")
    assert fake.state()["shadows"] == {"candidate": 0.5}
    with pytest.raises(Refused, match="at a time"):
        await made.plan(TARGET, Means.TRAFFIC, {"mirror": 1, "weights": {"v2": 1}})


async def test_a_shadow_is_reported_wherever_traffic_changes() -> None:
    """It goes on with other weights, and ends with the configuration that has it."""
    fake = shadowed()
    plan = await action(fake).plan(TARGET, Means.TRAFFIC, {"weights": {"v2": 3}})
    assert any("copied to the shadow variant candidate as before" in each for each in plan.warnings)
    back = await action(fake).plan(TARGET, *ROLLBACK)
    assert "the shadow variant candidate ends with it" in back.warnings


async def test_a_slice_is_sent_elsewhere_by_its_caller() -> None:
    """The refusal says where to do it."""
    with pytest.raises(Refused, match=r"TargetVariant of InvokeEndpoint.*in the caller or in the router"):
        await action(visits()).plan(TARGET, Means.BYPASS, {"slice": "health=poor", "to": "v1"})


async def test_a_mix_of_two_configurations_is_mended_by_rolling_one_out() -> None:
    """Also the one that counts as live, because only a part of the instances runs it."""
    fake = promoted()
    fake.endpoint |= {"status": "UpdateRollbackFailed", "failure": "no capacity"}
    made = action(fake)
    plan = await made.plan(TARGET, Means.ROLLBACK, {"to": "visits-v9"})
    assert plan.diff[0] == "configuration visits-v9 → visits-v9"
    assert any("serves a mix" in each for each in plan.warnings)
    await made.execute(plan, KEY)
    assert (await made.observe(plan, KEY)).seen is Seen.APPLIED
    assert fake.changed == 1


async def test_what_may_put_the_old_state_back_is_named() -> None:
    """By the endpoint's tags: the controller of Kubernetes reverts, a stack sets anew; unread tags are told."""
    by_controller = await action(visits(tags={"services.k8s.aws/namespace": "ml"})).plan(TARGET, *ROLLBACK)
    assert by_controller.managed_by == "the SageMaker controller of Kubernetes (namespace ml)"
    by_stack = await action(visits(tags={"aws:cloudformation:stack-name": "visits-prod"})).plan(TARGET, *ROLLBACK)
    assert by_stack.managed_by == ""
    assert "stack visits-prod" in by_stack.warnings[-1]
    fake = visits()
    fake.troubles["ListTags"] = AwsError("AccessDeniedException", "not authorized to perform: sagemaker:ListTags")
    assert "sagemaker:ListTags" in (await action(fake).plan(TARGET, *ROLLBACK)).warnings[-1]
