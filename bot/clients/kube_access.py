"""How a cluster is reached: an address with a token, the pod's own service account, or a context of a kubeconfig.

A token's file is read before every request, because the kubelet replaces it; the environment is not looked at.
"""

from __future__ import annotations

import base64
import binascii
import ssl
import tempfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

import yaml
from pydantic import Field, field_validator, model_validator

from bot.clients.http import HttpSettings, address
from bot.domain.errors import Refused, Unavailable

WHAT = "Kubernetes"
IN_CLUSTER = "in-cluster"
_INSIDE = "https://kubernetes.default.svc"  # its name within every cluster; the certificate names it too


class ClusterSettings(HttpSettings):
    """Which cluster, and how it is reached."""

    url: str = IN_CLUSTER
    """The API server's address, or `in-cluster`: the cluster Tocsin runs in, by its own service account."""

    token_file: str = ""
    """A file that holds the token; read again before every request, so a token may rotate."""

    service_account: str = Field(default="/var/run/secrets/kubernetes.io/serviceaccount", min_length=1)
    """The folder with `token` and `ca.crt` that the pod is given; used where the address is `in-cluster`."""

    kubeconfig: str = ""
    """A kubeconfig to take address, authority and credentials from, in place of the settings above."""

    context: str = ""
    """The context of the kubeconfig; its current one where empty."""

    @field_validator("url")
    @classmethod
    def _address(cls, url: str) -> str:
        return url if url == IN_CLUSTER else address(url)

    @model_validator(mode="after")
    def _one_way(self) -> Self:
        if self.token and self.token_file:
            raise ValueError("give token or token_file, not both")
        if self.kubeconfig and (self.url != IN_CLUSTER or self.token or self.token_file or self.ca):
            raise ValueError("a kubeconfig says the address and the credentials; leave url, token, token_file, ca out")
        if self.context and not self.kubeconfig:
            raise ValueError("a context belongs to a kubeconfig, and none is given")
        return self


@dataclass(frozen=True, slots=True)
class Access:
    """An address, the token as it is now ("" for none), and whom to trust (None for the public authorities)."""

    url: str
    bearer: Callable[[], str]
    tls: ssl.SSLContext | None = None


def access(settings: ClusterSettings) -> Access:
    """The way into the cluster. Raises Unavailable where a file cannot be read, Refused where we cannot go that way."""
    if settings.kubeconfig:
        return _by_kubeconfig(Path(settings.kubeconfig), settings.context)
    token = settings.token.get_secret_value() if settings.token else ""
    if settings.url != IN_CLUSTER:
        tls = _trusting(Path(settings.ca).read_text if settings.ca else None, settings.ca)
        return Access(settings.url, _reading(settings.token_file) if settings.token_file else lambda: token, tls)
    folder = Path(settings.service_account)
    authority = Path(settings.ca) if settings.ca else folder / "ca.crt"
    if not authority.exists():
        raise Unavailable(WHAT, f"is not around us: there is no {authority}; outside a cluster give url or kubeconfig")
    bearer = _reading(settings.token_file or str(folder / "token")) if not token else lambda: token
    return Access(_INSIDE, bearer, _trusting(authority.read_text, str(authority)))


def _reading(path: str) -> Callable[[], str]:
    def read() -> str:
        try:
            found = Path(path).read_text(encoding="utf-8").strip()
        except (OSError, ValueError) as error:
            raise Unavailable(WHAT, f"cannot be asked: the token file {path} cannot be read{_why(error)}") from None
        if not found:
            raise Unavailable(WHAT, f"cannot be asked: the token file {path} is empty")
        return found

    return read


def _trusting(authority: Callable[[], str] | None, name: str) -> ssl.SSLContext | None:
    """Trust in this authority alone; None for the public ones."""
    if authority is None:
        return None
    try:
        return ssl.create_default_context(cadata=authority())
    except (OSError, ValueError) as error:  # an SSLError is an OSError
        raise Unavailable(WHAT, f"cannot be trusted: {name} is no certificate authority we can read") from error


def _why(error: Exception) -> str:
    return f": {error.strerror}" if isinstance(error, OSError) and error.strerror else ""


# -- kubeconfig ------------------------------------------------------------------------------------------------------


def _by_kubeconfig(path: Path, wanted: str) -> Access:
    try:
        told = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise Unavailable(WHAT, f"cannot be asked: the kubeconfig {path} cannot be read{_why(error)}") from None
    except yaml.YAMLError:  # its own words would quote the file, and with it a secret
        raise Unavailable(WHAT, f"cannot be asked: the kubeconfig {path} is no YAML") from None
    if not isinstance(told, dict):
        raise Refused(f"the kubeconfig {path} holds no configuration")
    name = wanted or str(told.get("current-context") or "")
    if not name:
        raise Refused(f"the kubeconfig {path} has no current context; name one as context")
    context = _named(told, "contexts", "context", name, path)
    cluster = _named(told, "clusters", "cluster", str(context.get("cluster", "")), path)
    user = _named(told, "users", "user", str(context.get("user", "")), path) if context.get("user") else {}
    _refuse_detours(cluster, user, path)
    try:
        url = address(str(cluster.get("server", "")))
    except ValueError as error:
        raise Refused(f"the kubeconfig {path} has no usable server for context {name}: {error}") from None
    if not (ca := _material(cluster, "certificate-authority", path)) and url.startswith("http:"):
        return Access(url, _token_of(user, path))
    tls = _trusting((lambda: ca) if ca else None, f"the authority in {path}") or ssl.create_default_context()
    _present(tls, _material(user, "client-certificate", path), _material(user, "client-key", path), path)
    return Access(url, _token_of(user, path), tls)


def _named(told: Mapping[str, Any], kind: str, inner: str, name: str, path: Path) -> Mapping[str, Any]:
    """The entry of that name in one of a kubeconfig's three lists. Raises Refused naming those there are."""
    listed = [each for each in told.get(kind) or [] if isinstance(each, dict)]
    for each in listed:
        if each.get("name") == name and isinstance(each.get(inner) or {}, dict):
            return dict(each.get(inner) or {})
    there_is = ", ".join(str(each.get("name")) for each in listed) or "none"
    raise Refused(f"the kubeconfig {path} has no {inner} {name!r}; there is {there_is}")


def _refuse_detours(cluster: Mapping[str, Any], user: Mapping[str, Any], path: Path) -> None:
    if user.get("exec") or user.get("auth-provider"):
        raise Refused(
            f"the kubeconfig {path} fetches its credentials with a program, which Tocsin does not run; "
            "give it a service account's token"
        )
    if user.get("username"):
        raise Refused(f"the kubeconfig {path} has a user name and password, which Kubernetes no longer takes")
    if cluster.get("insecure-skip-tls-verify"):
        raise Refused(f"the kubeconfig {path} does not check whom it talks to; give it certificate-authority instead")
    for detour in ("proxy-url", "tls-server-name"):
        if cluster.get(detour):
            raise Refused(f"the kubeconfig {path} asks for {detour}, which Tocsin does not do")


def _material(entry: Mapping[str, Any], name: str, path: Path) -> str:
    """A certificate or key, written out in base64 or standing in a file beside the kubeconfig; "" for none."""
    if inline := entry.get(f"{name}-data"):
        try:
            return base64.b64decode(str(inline), validate=True).decode("ascii")
        except (binascii.Error, ValueError):
            raise Refused(f"{name}-data in the kubeconfig {path} is no certificate or key in base64") from None
    if not (file := entry.get(name)):
        return ""
    try:
        return (path.parent / str(file)).read_text(encoding="ascii")
    except (OSError, ValueError) as error:
        raise Unavailable(WHAT, f"cannot be asked: {name} of {path} cannot be read{_why(error)}") from None


def _token_of(user: Mapping[str, Any], path: Path) -> Callable[[], str]:
    if file := user.get("tokenFile"):
        return _reading(str(path.parent / str(file)))
    token = str(user.get("token") or "")
    return lambda: token


def _present(tls: ssl.SSLContext, certificate: str, key: str, path: Path) -> None:
    """Show this certificate to the server; ssl wants files, so they are there for as long as it reads them."""
    if not certificate and not key:
        return
    with tempfile.NamedTemporaryFile("w", suffix=".pem", encoding="ascii") as both:  # made readable by us alone
        both.write(f"{certificate}\n{key}")
        both.flush()
        try:
            tls.load_cert_chain(both.name)
        except (OSError, ValueError):
            raise Refused(f"the client certificate and key in the kubeconfig {path} do not fit each other") from None
