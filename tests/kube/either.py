"""One test before either server: ours always, kube-apiserver where it is there."""

from __future__ import annotations

import ssl
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import httpx
import pytest

from tests.kube.conformance import Step, answers
from tests.kube.fake import ADMIN, FakeKubernetes

SERVERS = ["fake", pytest.param("real", marks=[pytest.mark.real, pytest.mark.xdist_group("kubernetes")])]


def either(request: pytest.FixtureRequest, definitions: Iterable[Mapping[str, Any]]) -> Any:
    """The server this test's parameter names, with these kinds installed."""
    found = FakeKubernetes() if request.param == "fake" else request.getfixturevalue("cluster")
    for each in definitions:
        found.define(each)
    return found


async def answered(cluster: Any, script: Sequence[Step]) -> dict[str, tuple[int, int | None, Any]]:
    """What a script of requests is answered there, in a namespace of its own."""
    headers = {"authorization": f"Bearer {ADMIN}"}
    given: dict[str, Any] = {"transport": cluster.transport}
    if cluster.transport is None:
        given = {"verify": ssl.create_default_context(cafile=cluster.ca), "trust_env": False}
    async with httpx.AsyncClient(**given, base_url=cluster.url, headers=headers) as client:
        return await answers(client, cluster.namespace(), script)
