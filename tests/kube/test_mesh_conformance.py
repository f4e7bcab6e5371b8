"""Our own API server takes and refuses changes of routes like the real one: one script each, the same answers."""

from __future__ import annotations

import ssl
from collections.abc import Sequence
from typing import Any

import httpx
import pytest

from tests.kube.cluster import Cluster
from tests.kube.conformance import Step, answers, expected
from tests.kube.fake import ADMIN, FakeKubernetes
from tests.kube.mesh import HTTP_ROUTES, VIRTUAL_SERVICES
from tests.kube.mesh_conformance import GATEWAY, ISTIO

SCRIPTS = pytest.mark.parametrize(
    ("crd", "script"), [(VIRTUAL_SERVICES, ISTIO), (HTTP_ROUTES, GATEWAY)], ids=["istio", "gateway"]
)
HEADERS = {"authorization": f"Bearer {ADMIN}"}


@SCRIPTS
async def test_our_own_server_answers_as_the_script_says(crd: dict[str, Any], script: Sequence[Step]) -> None:
    """Happy, repeated, from a stale version or another state, of what is not there, wrong, forbidden, dry."""
    fake = FakeKubernetes()
    fake.define(crd)
    async with httpx.AsyncClient(transport=fake.transport, base_url=fake.url, headers=HEADERS) as client:
        assert await answers(client, fake.namespace(), script) == expected(script)


@pytest.mark.real
@pytest.mark.xdist_group("kubernetes")
@SCRIPTS
async def test_the_real_server_answers_as_the_script_says(
    cluster: Cluster, crd: dict[str, Any], script: Sequence[Step]
) -> None:
    """kube-apiserver itself, with definitions of our own making: the very same answers."""
    cluster.define(crd)
    trust = ssl.create_default_context(cafile=cluster.ca)
    async with httpx.AsyncClient(verify=trust, base_url=cluster.url, headers=HEADERS, trust_env=False) as client:
        assert await answers(client, cluster.namespace(), script) == expected(script)
