"""A real Kubernetes control plane on the loopback: etcd, kube-apiserver and, where it is there, the controller-manager.

`cluster` is one for all tests of a worker: mark a test `real` and `xdist_group("kubernetes")`, and work in a namespace
of its own (`cluster.namespace()`). Nobody runs containers: a kubelet of ours says every pod is ready whose image does
not begin with `broken`.
"""

from __future__ import annotations

import contextlib
import itertools
import logging
import os
import shutil
import ssl
import tempfile
import threading
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest
import yaml

from bot.clients.kubernetes import Kind
from tests.kube.fake import ADMIN, NOBODY
from tests.kube.papers import Papers
from tests.parts import binary, free_port, missing, running

MANAGER = "kube-controller-manager"
_NAMES = itertools.count(1)
_CRDS = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions"


def program(name: str) -> str:
    """A control plane's program, named by the environment (`KUBE_APISERVER`); skipped by name where it names none."""
    variable = name.upper().replace("-", "_")
    found = os.environ.get(variable, "")
    if not found:
        missing(name)
    if not os.access(found, os.X_OK):
        pytest.fail(f"{variable} names {found}, which is no program")
    return found


@dataclass
class Cluster:
    """A control plane that is up. `admin` may do everything and is for setting scenes."""

    url: str
    folder: Path
    papers: Papers
    admin: httpx.Client
    controlled: bool
    """Whether the controller-manager runs: without it a Deployment gets no ReplicaSets."""

    @property
    def ca(self) -> str:
        return str(self.papers.authority)

    def settings(self, token: str = ADMIN, **more: Any) -> dict[str, Any]:
        """What leads an action here, with this token."""
        return {"url": self.url, "token": token, "ca": self.ca, "timeout_seconds": 20, **more}

    transport = None  # an action makes its own

    def call(self, method: str, path: str, body: Any = None, media: str = "application/json") -> dict[str, Any]:
        """Ask as the admin. Raises AssertionError with what the server said unless it went well."""
        answer = self.admin.request(method, path, json=body, headers={"content-type": media} if body else None)
        assert answer.is_success, f"{method} {path}: {answer.status_code} {answer.text}"
        found: dict[str, Any] = answer.json()
        return found

    def namespace(self) -> str:
        """A new namespace for one test."""
        name = f"test-{next(_NAMES)}-{os.getpid()}"
        self.call("POST", "/api/v1/namespaces", {"metadata": {"name": name}})
        return name

    def create(self, kind: Kind, namespace: str, manifest: Mapping[str, Any]) -> dict[str, Any]:
        return self.call("POST", kind.path(namespace), {"apiVersion": kind.api, "kind": kind.name, **manifest})

    def get(self, kind: Kind, namespace: str, name: str) -> dict[str, Any]:
        return self.call("GET", kind.path(namespace, name))

    def every(self, kind: Kind, namespace: str) -> list[dict[str, Any]]:
        items: list[dict[str, Any]] = self.call("GET", kind.path(namespace))["items"]
        return items

    def merge(self, kind: Kind, namespace: str, name: str, patch: Mapping[str, Any], sub: str = "") -> dict[str, Any]:
        """Merge-patch as somebody else would; `sub="status"` plays the controller."""
        return self.call("PATCH", kind.path(namespace, name, sub), patch, "application/merge-patch+json")

    def define(self, crd: Mapping[str, Any]) -> None:
        """Install a CustomResourceDefinition and wait until its objects can be made; harmless where it is there."""
        name, version = crd["metadata"]["name"], crd["spec"]["versions"][0]["name"]
        if self.admin.get(f"{_CRDS}/{name}").status_code == 404:
            self.call("POST", _CRDS, dict(crd))
        where = f"/apis/{crd['spec']['group']}/{version}/{crd['spec']['names']['plural']}"
        self.until(lambda: self.admin.get(where).status_code == 200, f"{name} to be served")

    def grant(self, *manifests: str) -> str:
        """Apply ServiceAccount, Role and RoleBinding documents; a token of the account, which has these rights alone."""
        account, asked = "", set()
        for document in (each for text in manifests for each in yaml.safe_load_all(text) if each):
            kind, namespace = document["kind"], document["metadata"]["namespace"]
            plural = {"ServiceAccount": "serviceaccounts", "Role": "roles", "RoleBinding": "rolebindings"}[kind]
            self.create(Kind(document["apiVersion"], plural, kind), namespace, document)
            if kind == "ServiceAccount":
                account = f"/api/v1/namespaces/{namespace}/serviceaccounts/{document['metadata']['name']}"
            asked |= {(namespace, each) for rule in document.get("rules", []) for each in rule["resources"]}
        request = {"apiVersion": "authentication.k8s.io/v1", "kind": "TokenRequest", "spec": {}}
        token = str(self.call("POST", f"{account}/token", request)["status"]["token"])
        with _client(self.url, self.papers, token) as client:
            for namespace, resource in asked:  # the server learns of a new role a moment later
                self.until(lambda n=namespace, r=resource: _granted(client, n, r), f"the right to {resource}")
        return token

    def inner(self) -> httpx.AsyncBaseTransport:
        """A transport of its own to this server, to be wrapped."""
        return httpx.AsyncHTTPTransport(verify=ssl.create_default_context(cafile=self.ca))

    def need_controllers(self) -> None:
        """Skip by name where nobody carries Deployments out."""
        if not self.controlled:
            missing(MANAGER)

    def until(self, holds: Any, what: str, within: float = 30) -> None:
        """Wait until something asked of the real server holds."""
        end = time.monotonic() + within
        while not holds():
            if time.monotonic() > end:
                pytest.fail(f"waited {within:g} s in vain for {what}")
            time.sleep(0.03)


_LOUD = ("httpx", "httpcore", *(f"httpcore.{part}" for part in ("connection", "http11", "http2", "proxy", "socks")))
"""Every logger of the client: one does not obey the filters of the one above it."""


class _Unheard(logging.Filter):
    """Keeps the pretended kubelet's requests out of the log: its thread outlives any one test's captured output."""

    def filter(self, record: logging.LogRecord) -> bool:
        return threading.current_thread().name != "kubelet"


class Kubelet:
    """Says of every pod that it runs and is ready, without running anything. An image `broken...` never is."""

    def __init__(self, cluster: Cluster) -> None:
        self._cluster, self._over = cluster, threading.Event()
        self._thread = threading.Thread(target=self._rounds, name="kubelet", daemon=True)
        for name in _LOUD:
            logging.getLogger(name).addFilter(_Unheard())
        self._thread.start()

    def stop(self) -> None:
        self._over.set()
        self._thread.join()

    def _rounds(self) -> None:
        with _client(self._cluster.url, self._cluster.papers) as client:
            while not self._over.wait(0.05):
                with contextlib.suppress(httpx.HTTPError):  # the server is going down: so do we
                    for pod in client.get("/api/v1/pods").json().get("items", []):
                        self._ready(client, pod)

    def _ready(self, client: httpx.Client, pod: dict[str, Any]) -> None:
        images = [each["image"] for each in pod["spec"]["containers"]]
        where = f"/api/v1/namespaces/{pod['metadata']['namespace']}/pods/{pod['metadata']['name']}"
        if pod["metadata"].get("deletionTimestamp"):
            client.request("DELETE", where, json={"gracePeriodSeconds": 0})
        elif pod["status"].get("phase") != "Running" and not any(image.startswith("broken") for image in images):
            started = {"type": "Ready", "status": "True", "lastTransitionTime": "2026-11-20T12:00:00Z"}
            patch = {"status": {"phase": "Running", "conditions": [started]}}
            client.patch(f"{where}/status", json=patch, headers={"content-type": "application/merge-patch+json"})


def _client(url: str, papers: Papers, token: str = ADMIN) -> httpx.Client:
    trust = ssl.create_default_context(cafile=str(papers.authority))
    headers = {"authorization": f"Bearer {token}"}
    return httpx.Client(base_url=url, verify=trust, headers=headers, trust_env=False, timeout=30)


def _granted(client: httpx.Client, namespace: str, resource: str) -> bool:
    """Whether the server knows by now that this account may do something with that."""
    body = {"apiVersion": "authorization.k8s.io/v1", "kind": "SelfSubjectRulesReview", "spec": {"namespace": namespace}}
    told = client.post("/apis/authorization.k8s.io/v1/selfsubjectrulesreviews", json=body).json()
    return any(resource in rule.get("resources", ()) for rule in told["status"]["resourceRules"])


@pytest.fixture(scope="session")
def cluster() -> Iterator[Cluster]:
    """A control plane of its own, up within seconds; gone with the last test."""
    apiserver, etcd = program("kube-apiserver"), binary("etcd")
    folder = Path(tempfile.mkdtemp(prefix="kube"))
    try:
        with contextlib.ExitStack() as stack:
            yield stack.enter_context(_up(folder, apiserver, etcd))
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@contextlib.contextmanager
def _up(folder: Path, apiserver: str, etcd: str) -> Iterator[Cluster]:
    papers, store, port = Papers.written(folder), free_port(), free_port()
    url = f"https://127.0.0.1:{port}"
    with contextlib.ExitStack() as stack:
        _run(stack, folder / "etcd", _etcd(etcd, store), lambda: _says(f"http://127.0.0.1:{store}/health", "true"))
        admin = stack.enter_context(_client(url, papers))
        command = _apiserver(apiserver, folder, papers, port, store)
        _run(stack, folder / "apiserver", command, lambda: _says(f"{url}/readyz", "ok", admin))
        manager = program(MANAGER) if os.environ.get("KUBE_CONTROLLER_MANAGER") else ""
        cluster = Cluster(url, folder, papers, admin, controlled=bool(manager))
        cluster.until(lambda: admin.get("/api/v1/namespaces/default").status_code == 200, "the first namespace")
        if manager:
            _run(stack, folder / "manager", _manager(manager, folder, url, papers), lambda: True)
        stack.callback(Kubelet(cluster).stop)
        yield cluster


def _run(stack: contextlib.ExitStack, folder: Path, command: list[str], ready: Any) -> None:
    folder.mkdir()
    stack.enter_context(running(command, ready, within=60, cwd=folder, env={"HOME": str(folder)}))


def _says(url: str, word: str, client: httpx.Client | None = None) -> bool:
    with contextlib.suppress(httpx.HTTPError):
        answer = client.get(url) if client else httpx.get(url, trust_env=False)
        return answer.status_code == 200 and word in answer.text
    return False


def _etcd(program: str, port: int) -> list[str]:
    here, peer = f"http://127.0.0.1:{port}", f"http://127.0.0.1:{free_port()}"
    return [
        program,
        *("--data-dir", "data", "--unsafe-no-fsync", "--log-level", "error"),
        *("--listen-client-urls", here, "--advertise-client-urls", here),
        *("--listen-peer-urls", peer, "--initial-advertise-peer-urls", peer, "--initial-cluster", f"default={peer}"),
    ]


def _apiserver(program: str, folder: Path, papers: Papers, port: int, store: int) -> list[str]:
    tokens = folder / "tokens.csv"
    tokens.write_text(f'{ADMIN},admin,1,"system:masters"\n{NOBODY},nobody,2\n')
    given = {
        "etcd-servers": f"http://127.0.0.1:{store}",
        "bind-address": "127.0.0.1",
        "advertise-address": "127.0.0.1",
        "secure-port": port,
        "insecure-port": 0,
        "tls-cert-file": papers.certificate,
        "tls-private-key-file": papers.key,
        "client-ca-file": papers.authority,
        "token-auth-file": tokens,
        "authorization-mode": "RBAC",
        "service-cluster-ip-range": "10.0.0.0/24",
        "service-account-issuer": "https://tocsin.test",
        "service-account-key-file": papers.key,
        "service-account-signing-key-file": papers.key,
        "api-audiences": "https://tocsin.test",
        # nobody makes service accounts for pods here, and no pod runs
        "disable-admission-plugins": "ServiceAccount",
        "endpoint-reconciler-type": "none",
    }
    return [program, *(f"--{name}={value}" for name, value in given.items())]


def _manager(program: str, folder: Path, url: str, papers: Papers) -> list[str]:
    kubeconfig = folder / "manager.yaml"
    kubeconfig.write_text(yaml.safe_dump(papers.kubeconfig(url, {"token": ADMIN})))
    return [
        program,
        f"--kubeconfig={kubeconfig}",
        "--controllers=deployment,replicaset",
        "--leader-elect=false",
        "--port=0",
        "--secure-port=0",
    ]
