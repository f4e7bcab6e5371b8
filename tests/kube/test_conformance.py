"""Our own API server answers like the real one: one script, the same statuses and generations from both."""

from __future__ import annotations

import ssl

import httpx
import pytest

from tests.kube.cluster import Cluster
from tests.kube.conformance import EXPECTED, WIDGETS, answers
from tests.kube.fake import ADMIN, FakeKubernetes


async def test_our_own_server_answers_as_the_script_says() -> None:
    """Made, changed, stale, missing, wrong, forbidden, dry: as measured on kube-apiserver."""
    fake = FakeKubernetes()
    fake.define(WIDGETS)
    headers = {"authorization": f"Bearer {ADMIN}"}
    async with httpx.AsyncClient(transport=fake.transport, base_url=fake.url, headers=headers) as client:
        assert await answers(client, fake.namespace()) == EXPECTED


@pytest.mark.real
@pytest.mark.xdist_group("kubernetes")
async def test_the_real_server_answers_as_the_script_says(cluster: Cluster) -> None:
    """kube-apiserver itself, over TLS, with RBAC: the very same answers."""
    cluster.define(WIDGETS)
    headers, trust = {"authorization": f"Bearer {ADMIN}"}, ssl.create_default_context(cafile=cluster.ca)
    async with httpx.AsyncClient(verify=trust, base_url=cluster.url, headers=headers, trust_env=False) as client:
        assert await answers(client, cluster.namespace()) == EXPECTED
