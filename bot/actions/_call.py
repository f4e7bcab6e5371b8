"""The settings of a named call, and that they agree with one another: every name they mention must be one they have."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from pydantic import Field, SecretStr, field_validator, model_validator

from bot.actions import _template as template
from bot.actions._asked import Param, Request, State
from bot.clients.http import HttpSettings
from bot.domain.mitigation import Means
from bot.domain.policy import ActionClass

_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_TOKEN = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]+")  # RFC 9110: a header's name
_OURS = frozenset({"host", "content-length", "content-type", "transfer-encoding", "connection", "if-match"})
_SECRET = frozenset({"authorization", "proxy-authorization", "cookie", "x-api-key"})
_RESERVED = frozenset({"key", "version", "before"})


class CallSettings(HttpSettings):
    """What is called, with what, and how its effect is read back."""

    called: str = Field(default="the target", min_length=1, max_length=60)
    """What people call the system, for every sentence about it."""

    means: Means
    """What kind of change this is: rollback, traffic, bypass, pause, retrain or restart."""

    klass: ActionClass = ActionClass.TRAFFIC
    """How much it can hurt: 1 reversible and small, 2 moves production traffic, 3 destructive or wide."""

    headers: Mapping[str, str] = Field(default_factory=dict)
    """Headers sent with every request."""

    secret_headers: Mapping[str, SecretStr] = Field(default_factory=dict)
    """Headers that are secrets, each as a reference."""

    params: Mapping[str, Param] = Field(default_factory=dict)
    """What may be asked, and nothing else."""

    state: State
    """How the present state is read."""

    version: str = ""
    """What tells that the state changed: `etag`, or a JSON pointer into the state; what is read itself where empty."""

    wanted: Mapping[str, Any] = Field(default_factory=dict)
    """What `state` must read afterwards; where empty, `applied` is the proof."""

    says: str = ""
    """The change in words for the plan, besides the values that move."""

    change: Request
    """The request that makes the change."""

    undo: Request | None = None
    """The request that puts back what was there; without it there is no way back."""

    dry_run: Request | None = None
    """A request that checks the change and makes none."""

    if_match: bool = False
    """Whether the ETag read is sent as If-Match, so that the system refuses what was changed meanwhile."""

    key_header: str = "Idempotency-Key"
    """The header that carries the key; none where empty."""

    keyed: bool = False
    """Whether the system itself makes a change once per key, for good; with `applied`, asking again is safe then."""

    applied: str = ""
    """A path with `{key}` that answers 200 where that key was applied and 404 where it was not."""

    blast_radius: str = Field(min_length=1)
    """Whom the change reaches, in words."""

    share: float = Field(default=1.0, ge=0, le=1)
    """The part of production it reaches, from 0 to 1."""

    @field_validator("klass")
    @classmethod
    def _changes(cls, klass: ActionClass) -> ActionClass:
        if klass is ActionClass.READ:
            raise ValueError("a call changes something: klass is 1, 2 or 3")
        return klass

    @field_validator("headers", "secret_headers")
    @classmethod
    def _sendable(cls, headers: Mapping[str, Any]) -> Mapping[str, Any]:
        for name, value in headers.items():
            _header(name)
            plain = value.get_secret_value() if isinstance(value, SecretStr) else value
            if not plain.isascii() or not plain.isprintable():
                raise ValueError(f"{name} holds what no header can")
        return headers

    @field_validator("key_header")
    @classmethod
    def _key_header(cls, name: str) -> str:
        return _header(name) if name else name

    @field_validator("params")
    @classmethod
    def _named(cls, params: Mapping[str, Param]) -> Mapping[str, Param]:
        for name in params:
            if not _NAME.fullmatch(name) or name in _RESERVED:
                raise ValueError(
                    f"{name!r} is no name for a param: letters, digits and _, and none of {_listed(_RESERVED)}"
                )
        return params

    @field_validator("version")
    @classmethod
    def _version(cls, text: str) -> str:
        return text if text == "etag" else template.check_pointer(text)

    @field_validator("applied")
    @classmethod
    def _applied(cls, path: str) -> str:
        if path and "key" not in template.names_in(template.check_path(path)):
            raise ValueError("applied asks about one key: its path names {key}")
        return path

    @model_validator(mode="after")
    def _whole(self) -> CallSettings:
        asked = frozenset(self.params)
        before = asked | {f"before.{name}" for name in self.state.read}
        for where, part, known in self._templates(asked, before):
            try:
                unknown = [name for name in template.names_in(part) if name not in known]
            except ValueError as wrong:
                raise ValueError(f"{where}: {wrong}") from None
            if unknown:
                raise ValueError(f"{where}: {{{unknown[0]}}} stands for nothing; there is {_listed(known)}")
        if disagreement := next(self._disagreements(), ""):
            raise ValueError(disagreement)
        return self

    def _templates(self, asked: frozenset[str], before: frozenset[str]) -> Iterator[tuple[str, Any, frozenset[str]]]:
        """(the setting, its template, the names it may mention)."""
        for name in ("path", "query", "read"):
            yield f"state.{name}", getattr(self.state, name), asked
        yield "version", self.version, asked
        yield "applied", self.applied, asked | {"key"}
        for name in ("wanted", "says", "blast_radius"):
            yield name, getattr(self, name), before
        for name in ("change", "undo", "dry_run"):
            request = getattr(self, name)
            known = before | {"version"} | (frozenset() if name == "dry_run" else {"key"})
            for part in ("path", "query", "body") if request is not None else ():
                yield f"{name}.{part}", getattr(request, part), known

    def _disagreements(self) -> Iterator[str]:
        if unread := [name for name in self.wanted if name not in self.state.read]:
            yield f"wanted: {_listed(unread)} is not among what state.read reads"
        if not self.wanted and not (self.applied and self.says):
            yield "wanted: without it nothing shows the change; say wanted, or says and applied"
        if not self.wanted and self.undo is not None:
            yield "undo: without wanted nobody could tell whether it is back"
        if self.if_match and self.version != "etag":
            yield "if_match: needs version: etag"
        if self.dry_run is not None and self.dry_run == self.change:
            yield "dry_run: is the change itself"
        if self.token is not None and "authorization" in {
            name.lower() for name in (*self.headers, *self.secret_headers)
        }:
            yield "token: is sent as the Authorization header already; say one of both"
        if secret := [name for name in self.headers if name.lower() in _SECRET]:
            yield f"headers: {_listed(secret)} is a secret and belongs into secret_headers"
        if twice := {name.lower() for name in self.headers} & {name.lower() for name in self.secret_headers}:
            yield f"headers: {_listed(twice)} stands among secret_headers too"


def _header(name: str) -> str:
    if not _TOKEN.fullmatch(name) or name.lower() in _OURS:
        raise ValueError(f"{name!r} is no header that can be set here")
    return name


def _listed(names: Any) -> str:
    return ", ".join(sorted(names)) or "nothing"
