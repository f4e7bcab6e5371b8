"""moto's server: SageMaker's endpoints, IAM and a machine's metadata, as far as it has them."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import httpx
import pytest

from bot.actions.sagemaker import EndpointSettings, SageMakerEndpoint
from bot.clients.sigv4 import Keys, Scope, signed
from bot.clock import SystemClock
from tests.parts import binary, free_port, running

REGION = "eu-west-1"
ANYBODY = Keys("AKIDEXAMPLE", "secret")
ROLE = "arn:aws:iam::123456789012:role/models"


class Moto:
    """One server. It believes any signature until `strict`."""

    def __init__(self, url: str) -> None:
        self.url, self._clock = url, SystemClock()
        self._client = httpx.Client(base_url=url, trust_env=False, timeout=30)

    def close(self) -> None:
        self._client.close()

    def _send(self, service: str, headers: Mapping[str, str], content: bytes, keys: Keys) -> httpx.Response:
        scope = Scope(REGION, service)
        sent = signed(keys, scope, self._clock.now(), "POST", f"{self.url}/", headers, content)
        return self._client.post("/", content=content, headers=sent)

    async def call(self, operation: str, body: Mapping[str, Any], keys: Keys = ANYBODY) -> tuple[int, dict[str, Any]]:
        """(status code, answer) of one operation of SageMaker."""
        headers = {"content-type": "application/x-amz-json-1.1", "x-amz-target": f"SageMaker.{operation}"}
        answer = await asyncio.to_thread(self._send, "sagemaker", headers, json.dumps(body).encode(), keys)
        return answer.status_code, answer.json() if answer.headers["content-type"].endswith("json-1.1") else {}

    async def create(
        self, endpoint: str, config: str, configs: Mapping[str, Any], tags: Mapping[str, str] | None = None
    ) -> None:
        """The models, these configurations in their order, and an endpoint of one of them."""
        models = {each["ModelName"] for variants in configs.values() for each in variants}
        asks = [
            ("CreateModel", {"ModelName": name, "ExecutionRoleArn": ROLE, "PrimaryContainer": {"Image": "image"}})
            for name in models
        ]
        asks += [
            ("CreateEndpointConfig", {"EndpointConfigName": name, "ProductionVariants": list(variants)})
            for name, variants in configs.items()
        ]
        written = [{"Key": key, "Value": value} for key, value in (tags or {}).items()]
        asks.append(("CreateEndpoint", {"EndpointName": endpoint, "EndpointConfigName": config, "Tags": written}))
        for operation, body in asks:
            status, told = await self.call(operation, body)
            assert status == 200, told

    def _iam(self, **asked: str) -> str:
        content = urlencode({"Version": "2010-05-08", **asked}).encode()
        answer = self._send("iam", {"content-type": "application/x-www-form-urlencoded"}, content, ANYBODY)
        return answer.raise_for_status().text

    def user(self, name: str, *may: str) -> Keys:
        """Keys of a user who may do just these."""
        self._iam(Action="CreateUser", UserName=name)
        told = self._iam(Action="CreateAccessKey", UserName=name)
        rule = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": list(may), "Resource": "*"}]}
        self._iam(Action="PutUserPolicy", UserName=name, PolicyName="only", PolicyDocument=json.dumps(rule))
        found = {word: re.search(f"<{word}>(.*?)<", told)[1] for word in ("AccessKeyId", "SecretAccessKey")}  # type: ignore[index]
        return Keys(found["AccessKeyId"], found["SecretAccessKey"])

    @contextlib.contextmanager
    def strict(self) -> Iterator[None]:
        """Meanwhile it checks signatures and permissions."""
        self._client.post("/moto-api/reset-auth", content=b"0").raise_for_status()
        try:
            yield
        finally:
            self._client.post("/moto-api/reset-auth", content=b"inf").raise_for_status()

    def action(self, endpoint: str, keys: Keys = ANYBODY, **settings: Any) -> SageMakerEndpoint:
        """The action in front of it, as these keys unless `role` says otherwise."""
        whom: dict[str, Any] = {"access_key_id": keys.access_key_id, "secret_access_key": keys.secret_access_key}
        known = {"region": REGION, "url": self.url, "endpoint": endpoint, **({} if "role" in settings else whom)}
        return SageMakerEndpoint(EndpointSettings.model_validate({**known, **settings}), clock=self._clock)


def moto_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Moto]:
    """A server of its own, as a fixture."""
    program, folder, port = binary("moto_server"), tmp_path_factory.mktemp("moto"), free_port()
    url = f"http://127.0.0.1:{port}"

    def ready() -> bool:
        with contextlib.suppress(httpx.HTTPError):
            return httpx.get(f"{url}/moto-api/data.json", trust_env=False).status_code == 200
        return False

    env = {**os.environ, "INITIAL_NO_AUTH_ACTION_COUNT": "inf"}
    with running([program, "-H", "127.0.0.1", "-p", str(port)], ready, within=60, env=env, cwd=Path(folder)):
        server = Moto(url)
        try:
            yield server
        finally:
            server.close()
