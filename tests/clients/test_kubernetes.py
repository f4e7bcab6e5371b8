"""The Kubernetes client before a server of our own: what is refused is told, and nothing is dropped without a word."""

from __future__ import annotations

import contextlib
import json
from collections.abc import AsyncIterator

import httpx
import pytest

from bot.clients.kube_access import ClusterSettings
from bot.clients.kubernetes import APPLIED, DEPLOYMENT, Kind, Kubernetes, dropped, keys_of, with_key
from bot.domain.errors import Refused, Unavailable
from tests.kube.conformance import WIDGET, WIDGETS, deployment, spec
from tests.kube.fake import ADMIN, NOBODY, FakeKubernetes
from tests.parts import CANARY


@contextlib.asynccontextmanager
async def widgets(token: str = ADMIN) -> AsyncIterator[tuple[FakeKubernetes, Kubernetes]]:
    """A server that holds the widget `w` of size 1 in namespace `ml`, and a client."""
    fake = FakeKubernetes()
    fake.define(WIDGETS)
    fake.create(WIDGET, "ml", {"metadata": {"name": "w", "labels": {"app": "visits"}}, **spec(size=1)})
    client = Kubernetes(ClusterSettings.model_validate(fake.settings(token)), transport=fake.transport)
    yield fake, client
    await client.close()


async def test_an_object_that_is_not_there_is_none_and_a_missing_kind_is_not() -> None:
    """Absent is an answer; a kind that is not installed is a failure that says so."""
    async with widgets() as (_, client):
        assert await client.find(WIDGET, "ml", "nobody") is None
        with pytest.raises(Unavailable, match="has no Widget nobody in namespace ml"):
            await client.get(WIDGET, "ml", "nobody")
        with pytest.raises(Unavailable, match=r"is tocsin.test/v2 installed there\?"):
            await client.find(Kind("tocsin.test/v2", "widgets", "Widget"), "ml", "w")


async def test_every_page_of_a_list_is_read() -> None:
    """More objects than fit one page all come, those of the label alone."""
    async with widgets() as (fake, client):
        for number in range(1200):
            fake.create(
                WIDGET, "ml", {"metadata": {"name": f"w{number}", "labels": {"n": str(number % 2)}}, **spec(size=1)}
            )
        assert len(await client.list(WIDGET, "ml")) == 1201
        assert len(await client.list(WIDGET, "ml", "n=1")) == 600
        assert len(await client.list(WIDGET, "ml", "n in (0,1),n=0")) == 600


async def test_a_patch_from_another_version_is_refused() -> None:
    """Changed since it was read, by either kind of patch: nothing is done and the sentence says so."""
    async with widgets() as (fake, client):
        version = (await client.get(WIDGET, "ml", "w"))["metadata"]["resourceVersion"]
        fake.merge(WIDGET, "ml", "w", spec(size=5))
        with pytest.raises(Refused, match="Widget w in namespace ml was changed since"):
            await client.merge(WIDGET, "ml", "w", spec(size=2), version=version)
        with pytest.raises(Refused, match="changed since"):
            await client.json_patch(
                WIDGET, "ml", "w", [{"op": "replace", "path": "/spec/size", "value": 2}], version=version
            )
        assert fake.get(WIDGET, "ml", "w")["spec"]["size"] == 5


async def test_a_dropped_field_is_never_taken_for_done() -> None:
    """Dry it is Refused; in earnest Unavailable, because the rest may have been taken. Both name the field."""
    async with widgets() as (fake, client):
        with pytest.raises(Refused, match=r"does not keep spec\.sizes"):
            await client.merge(WIDGET, "ml", "w", spec(sizes=2), dry=True)
        with pytest.raises(Unavailable, match=r"spec\.sizes"):
            await client.merge(WIDGET, "ml", "w", spec(sizes=2, size=3))
        assert fake.get(WIDGET, "ml", "w")["spec"]["size"] == 3


async def test_dry_changes_nothing_and_shows_the_outcome() -> None:
    """What would be comes back; what is stays."""
    async with widgets() as (fake, client):
        assert (await client.merge(WIDGET, "ml", "w", spec(size=2), dry=True))["spec"]["size"] == 2
        assert fake.get(WIDGET, "ml", "w")["spec"]["size"] == 1
        assert fake.changes == 0


async def test_a_missing_right_is_named() -> None:
    """Which verb on which resource in which namespace: reading is Unavailable, changing is Refused."""
    async with widgets(NOBODY) as (_, client):
        with pytest.raises(Unavailable, match=r"does not let us get widgets\.tocsin\.test w in namespace ml"):
            await client.get(WIDGET, "ml", "w")
        with pytest.raises(Unavailable, match=r"does not let us list widgets\.tocsin\.test in namespace ml"):
            await client.list(WIDGET, "ml")
        with pytest.raises(Refused, match=r"does not let us patch widgets\.tocsin\.test w in namespace ml"):
            await client.merge(WIDGET, "ml", "w", spec(size=2))
        with pytest.raises(Refused, match="patch the status of"):
            await client.merge(WIDGET, "ml", "w", {"status": {"ready": True}}, sub="status")


async def test_what_is_wrong_is_repeated_without_the_object() -> None:
    """The server's own words come through, but neither our token nor an object it quotes whole."""
    async with widgets() as (_, client):
        with pytest.raises(Refused, match="less than or equal to 100"):
            await client.merge(WIDGET, "ml", "w", spec(size=101))

    def angry(request: httpx.Request) -> httpx.Response:
        quoted = json.dumps(json.dumps(deployment() | {"env": {"PASSWORD": "hunter2"}}))
        message = f'" " is invalid: Invalid value: {quoted}: you sent Bearer {CANARY}'
        return httpx.Response(422, json={"kind": "Status", "message": message, "code": 422})

    settings = ClusterSettings.model_validate({"url": "http://kubernetes", "token": CANARY})
    client = Kubernetes(settings, transport=httpx.MockTransport(angry))
    with pytest.raises(Refused, match=r'Invalid value: "…": you sent Bearer \[secret\]') as caught:
        await client.merge(DEPLOYMENT, "ml", "visits", {})
    assert "hunter2" not in str(caught.value)
    await client.close()


def test_what_a_server_leaves_out_is_not_dropped() -> None:
    """Nothing, false and zero may be left out, and entries of lists may gain defaults; all else is missed."""
    assert [*dropped({"spec": {"paused": False, "n": 0, "labels": {}, "gone": None}}, {"spec": {}})] == []
    assert [*dropped({"l": [{"a": 1}]}, {"l": [{"a": 1, "default": 2}]})] == []
    assert [*dropped({"l": [{"a": 1}, {"a": 2}]}, {"l": [{"a": 1}]})] == ["l"]
    assert [*dropped({"spec": {"paused": True, "gone": None}}, {"spec": {"gone": 1}})] == ["spec.paused", "spec.gone"]
    assert [*dropped({"spec": {"l": [{"a": 1}]}}, {"spec": {"l": [{"a": 3}]}})] == ["spec.l.0.a"]


def test_the_last_keys_are_kept_in_order() -> None:
    """Eight of them; one that comes again is the newest."""
    found: dict = {"metadata": {}}
    assert keys_of(found) == ()
    for number in range(12):
        found["metadata"]["annotations"] = {APPLIED: with_key(found, f"INC-1/M{number}/abc")}
    assert keys_of(found) == tuple(f"INC-1/M{number}/abc" for number in range(4, 12))
    assert with_key(found, "INC-1/M4/abc").split()[-2:] == ["INC-1/M11/abc", "INC-1/M4/abc"]
