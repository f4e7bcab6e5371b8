"""How a cluster is reached: what each way reads, when it reads it, and what is said where it cannot.

tests/actions/test_real_kubernetes.py lets kube-apiserver judge certificates and tokens.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import pytest
import yaml
from pydantic import ValidationError

from bot.clients.kube_access import ClusterSettings, access
from bot.clients.kubernetes import Kubernetes
from bot.domain.errors import Refused, TocsinError, Unavailable
from tests.kube.conformance import WIDGET
from tests.kube.papers import Papers
from tests.parts import CANARY


@pytest.fixture(scope="module")
def papers(tmp_path_factory: pytest.TempPathFactory) -> Papers:
    return Papers.written(tmp_path_factory.mktemp("papers"))


def settings(**given: Any) -> ClusterSettings:
    return ClusterSettings.model_validate(given)


def listening() -> tuple[list[httpx.Request], httpx.MockTransport]:
    """A server that remembers who asked, and has one object."""
    asked: list[httpx.Request] = []

    def answer(request: httpx.Request) -> httpx.Response:
        asked.append(request)
        meta = {"name": "w", "uid": "u", "resourceVersion": "1"}
        return httpx.Response(200, json={"metadata": meta})

    return asked, httpx.MockTransport(answer)


async def test_a_token_file_is_read_before_every_request(tmp_path: Path) -> None:
    """The kubelet replaces it; what was read an hour ago is no longer valid."""
    asked, transport = listening()
    file = tmp_path / "token"
    client = Kubernetes(settings(url="https://kube", token_file=str(file)), transport=transport)
    for token in ("one", "two"):
        file.write_text(f"{token}\n")
        await client.get(WIDGET, "ml", "w")
    assert [request.headers["authorization"] for request in asked] == ["Bearer one", "Bearer two"]
    file.unlink()
    with pytest.raises(Unavailable, match="token cannot be read: No such file"):
        await client.get(WIDGET, "ml", "w")
    await client.close()


async def test_within_a_cluster_the_pods_own_account_is_used(tmp_path: Path, papers: Papers) -> None:
    """Its address is the cluster's own name, its token and authority stand in the folder the pod is given."""
    asked, transport = listening()
    (tmp_path / "token").write_text("of-the-pod")
    (tmp_path / "ca.crt").write_bytes(papers.authority.read_bytes())
    client = Kubernetes(settings(service_account=str(tmp_path)), transport=transport)
    await client.get(WIDGET, "ml", "w")
    assert asked[0].url == "https://kubernetes.default.svc/apis/tocsin.test/v1/namespaces/ml/widgets/w"
    assert asked[0].headers["authorization"] == "Bearer of-the-pod"
    await client.close()


async def test_outside_of_a_cluster_that_is_said(tmp_path: Path) -> None:
    """No folder, no cluster: the sentence says what to give instead, and only once somebody asks."""
    client = Kubernetes(settings(service_account=str(tmp_path / "none")))
    with pytest.raises(Unavailable, match="outside a cluster give url or kubeconfig"):
        await client.get(WIDGET, "ml", "w")
    await client.close()


async def test_an_address_may_have_a_path(tmp_path: Path) -> None:
    """A cluster behind a gateway: the path stays in front of every request."""
    asked, transport = listening()
    client = Kubernetes(settings(url="https://gate/k8s/clusters/c-1", token="t"), transport=transport)
    await client.get(WIDGET, "ml", "w")
    assert asked[0].url.path == "/k8s/clusters/c-1/apis/tocsin.test/v1/namespaces/ml/widgets/w"
    await client.close()


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"url": "https://kube", "token": CANARY, "token_file": "/t"}, "not both"),
        ({"url": "https://kube", "kubeconfig": "/k"}, "a kubeconfig says the address"),
        ({"kubeconfig": "/k", "token": CANARY}, "a kubeconfig says the address"),
        ({"context": "prod"}, "belongs to a kubeconfig"),
        ({"url": "kube:6443"}, "expected an address"),
        ({"url": f"https://me:{CANARY}@kube"}, "does not belong into the address"),
    ],
)
def test_settings_that_contradict_each_other_are_refused(given: dict[str, Any], said: str) -> None:
    """One way in, and no secret in the complaint."""
    with pytest.raises(ValidationError, match=said) as caught:
        settings(**given)
    assert CANARY not in str(caught.value)


Change = Callable[[dict[str, Any]], object]


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda c: c["users"][0]["user"].update(exec={"command": "aws"}), "fetches its credentials with a program"),
        (lambda c: c["users"][0]["user"].update({"auth-provider": {"name": "gcp"}}), "with a program"),
        (lambda c: c["users"][0]["user"].update(username="me", password=CANARY), "user name and password"),
        (lambda c: c["clusters"][0]["cluster"].update({"insecure-skip-tls-verify": True}), "does not check whom"),
        (lambda c: c["clusters"][0]["cluster"].update({"proxy-url": "http://p"}), "asks for proxy-url"),
        (lambda c: c["clusters"][0]["cluster"].update({"tls-server-name": "x"}), "asks for tls-server-name"),
        (lambda c: c["clusters"][0]["cluster"].update(server=f"https://me:{CANARY}@kube"), "no usable server"),
        (lambda c: c["clusters"][0]["cluster"].pop("server"), "no usable server"),
        (lambda c: c["clusters"].clear(), "no cluster 'here'; there is none"),
        (lambda c: c["users"].clear(), "no user 'me'"),
        (lambda c: c.pop("current-context"), "no current context"),
        (lambda c: c.update({"current-context": "there"}), "no context 'there'; there is here"),
        (lambda c: c["users"][0]["user"].update({"client-key-data": CANARY}), "no certificate or key in base64"),
        (lambda c: c["users"][0]["user"].update({"client-certificate-data": "QUJD"}), "do not fit each other"),
        (lambda c: c["users"][0]["user"].update({"client-key": "nowhere.pem"}), "client-key of .* cannot be read"),
        (lambda c: c["clusters"][0]["cluster"].update({"certificate-authority-data": "QUJD"}), "no certificate auth"),
    ],
)
def test_a_kubeconfig_we_cannot_use_is_told_without_its_secrets(
    tmp_path: Path, papers: Papers, change: Change, said: str
) -> None:
    """Each detour and each gap has its sentence; what the file holds is not repeated."""
    told = papers.kubeconfig("https://kube:6443", {"token": CANARY})
    change(told)
    file = tmp_path / "config"
    file.write_text(yaml.safe_dump(told))
    with pytest.raises((Refused, Unavailable), match=said) as caught:
        access(settings(kubeconfig=str(file)))
    assert CANARY not in str(caught.value)


@pytest.mark.parametrize("content", [f"a: [{CANARY}", json.dumps([CANARY]), "", f"\x00{CANARY}"])
def test_a_kubeconfig_that_is_none_is_told_without_its_words(tmp_path: Path, content: str) -> None:
    """Broken YAML is not quoted: it may hold a token."""
    file = tmp_path / "config"
    file.write_text(content)
    with pytest.raises(TocsinError, match="kubeconfig") as caught:
        access(settings(kubeconfig=str(file)))
    assert CANARY not in str(caught.value)
    assert CANARY not in repr(caught.value.__cause__)


def test_another_context_is_taken_where_it_is_named(tmp_path: Path, papers: Papers) -> None:
    """Not the current one, but the one of the settings; certificates stand beside the file."""
    told = papers.kubeconfig("https://here:6443", {"token": "t"})
    told["contexts"].append({"name": "there", "context": {"cluster": "there", "user": "me"}})
    beside = {"server": "https://there:6443", "certificate-authority": papers.authority.name}
    told["clusters"].append({"name": "there", "cluster": beside})
    file = papers.authority.parent / "config"
    file.write_text(yaml.safe_dump(told))
    assert access(settings(kubeconfig=str(file))).url == "https://here:6443"
    found = access(settings(kubeconfig=str(file), context="there"))
    assert (found.url, found.bearer()) == ("https://there:6443", "t")
    assert found.tls is not None


def test_an_authority_that_cannot_be_read_is_told(tmp_path: Path) -> None:
    """A missing file and a file of something else."""
    (tmp_path / "ca").write_text("nonsense")
    for file in ("none", "ca"):
        with pytest.raises(Unavailable, match="is no certificate authority we can read"):
            access(settings(url="https://kube", ca=str(tmp_path / file)))
