"""What may be asked of a call, and what it asks of its target: the inner settings, checked when they are read."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Mapping
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, StrictBool, StrictFloat, StrictInt, StrictStr, field_validator
from pydantic import model_validator as check_whole

from bot.actions import _change as change
from bot.actions import _template as template
from bot.domain.errors import Refused

Scalar = StrictBool | StrictInt | StrictFloat | StrictStr
_KINDS: Mapping[str, tuple[type, ...]] = {
    "string": (str,),
    "integer": (int,),
    "number": (int, float),
    "boolean": (bool,),
}
_A = {"string": "a text", "integer": "a whole number", "number": "a number", "boolean": "true or false"}


class Part(BaseModel):
    """A part of the settings."""

    model_config = ConfigDict(extra="forbid", use_attribute_docstrings=True, hide_input_in_errors=True)


class Param(Part):
    """One thing that may be asked."""

    type: Literal["string", "integer", "number", "boolean"] = "string"
    """What kind of value it is."""

    choices: tuple[Scalar, ...] = ()
    """The only values it may have; any where empty."""

    pattern: str = ""
    """A regular expression a text must match as a whole."""

    longest: int = Field(default=200, ge=1, le=10_000)
    """The most characters of a text."""

    minimum: float | None = None
    """The least a number may be."""

    maximum: float | None = None
    """The most a number may be."""

    default: Scalar | None = None
    """What it is where nobody says; without it, it must be said."""

    @field_validator("pattern")
    @classmethod
    def _pattern(cls, text: str) -> str:
        try:
            re.compile(text)
        except re.error as wrong:
            raise ValueError(f"{text!r} is no regular expression: {wrong}") from None
        return text

    @check_whole(mode="after")
    def _agree(self) -> Param:
        for each in (*self.choices, *([] if self.default is None else [self.default])):
            try:
                self.take("the value", each)
            except Refused as refused:
                raise ValueError(refused.because) from None
        return self

    def take(self, name: str, value: object) -> Any:
        """The value, if it may be asked. Raises Refused saying what may."""
        kinds = _KINDS[self.type]
        if not isinstance(value, kinds) or (isinstance(value, bool) and bool not in kinds):
            raise Refused(f"{name} is {_A[self.type]}, not {_shown(value)}")
        if self.choices and not any(type(each) is type(value) and each == value for each in self.choices):
            raise Refused(f"{name} is one of {', '.join(map(template.word, self.choices))}, not {_shown(value)}")
        if isinstance(value, str):
            self._text(name, value)
        elif isinstance(value, int | float) and not isinstance(value, bool):
            self._number(name, value)
        return value

    def _text(self, name: str, value: str) -> None:
        if not value or len(value) > self.longest:
            raise Refused(f"{name} has 1 to {self.longest} characters")
        if not value.isprintable():  # line breaks, marks that turn the reading direction, halves of letters
            raise Refused(f"{name} holds characters that cannot be shown: {_shown(value)}")
        if self.pattern and not re.fullmatch(self.pattern, value):
            raise Refused(f"{name} must match {self.pattern}; {_shown(value)} does not")

    def _number(self, name: str, value: float) -> None:
        low, high = self.minimum, self.maximum
        if not math.isfinite(value) or (low is not None and value < low) or (high is not None and value > high):
            span = " to ".join(f"{bound:g}" for bound in (low, high) if bound is not None) or "finite"
            raise Refused(f"{name} is {span}, not {value:g}")


class State(Part):
    """How the present state is read."""

    path: str
    """Where it stands under the address."""

    query: Mapping[str, str] = Field(default_factory=dict)
    """What is asked besides."""

    read: Mapping[str, str] = Field(min_length=1)
    """By name, a JSON pointer to each value that tells the state; such as `version: /active/version`."""

    may_lack: tuple[str, ...] = ()
    """Names of values that may be missing, which is null then."""

    may_be_absent: bool = False
    """Whether a 404 means that there is none, so that every value is null; else it is a failure."""

    @field_validator("path")
    @classmethod
    def _path(cls, text: str) -> str:
        return template.check_path(text)

    @field_validator("read")
    @classmethod
    def _read(cls, pointers: Mapping[str, str]) -> Mapping[str, str]:
        for pointer in pointers.values():
            template.check_pointer(pointer)
        return pointers

    @check_whole(mode="after")
    def _known(self) -> State:
        if unknown := [name for name in self.may_lack if name not in self.read]:
            raise ValueError(f"may_lack names {', '.join(unknown)}, which is not read")
        return self


class Request(Part):
    """One request that changes something."""

    method: Literal["POST", "PUT", "PATCH", "DELETE"] = "POST"
    """The HTTP method."""

    path: str
    """Where it goes under the address."""

    query: Mapping[str, str] = Field(default_factory=dict)
    """What is said in the query."""

    body: Any = None
    """What is sent, as JSON; nothing where empty."""

    content_type: str = Field(default="application/json", pattern=r"[\w.+/-]+")
    """How the body is called, such as application/merge-patch+json."""

    @field_validator("path")
    @classmethod
    def _path(cls, text: str) -> str:
        return template.check_path(text)

    @field_validator("body")
    @classmethod
    def _body(cls, body: Any) -> Any:
        if body is not None and not isinstance(body, dict | list):
            raise ValueError("a body is a map or a list, sent as JSON")
        return body

    def filled(self, values: Mapping[str, Any]) -> Filled:
        """The request with these values. Raises Refused where a value would lead elsewhere."""
        query = {name: template.text(value, values) for name, value in self.query.items()}
        return Filled(
            method=self.method,
            path=template.path(self.path, values),
            query=query,
            body=template.fill(self.body, values),
            content_type=self.content_type,
        )


class Filled(BaseModel):
    """A request as it goes out."""

    method: str
    path: str
    query: dict[str, str]
    body: Any
    content_type: str

    def __str__(self) -> str:
        """PUT /routes/visits?x=1 {"to": "v1"}, as an approver reads it."""
        query = "".join(f"{'&' if n else '?'}{name}={value}" for n, (name, value) in enumerate(self.query.items()))
        body = "" if self.body is None else f" {json.dumps(self.body, ensure_ascii=False)}"
        return f"{self.method} {self.path}{query}{body}"


def taken(params: Mapping[str, object], known: Mapping[str, Param]) -> dict[str, Any]:
    """Everything asked, checked and with what nobody said. Raises Refused."""
    change.only(params, *known)
    asked: dict[str, Any] = {}
    for name, param in known.items():
        value = params.get(name, param.default)
        if value is None:
            raise Refused(f"{name} must be said")
        asked[name] = param.take(name, value)
    return asked


def _shown(value: object) -> str:
    told = repr(value)
    return told if len(told) <= 80 else f"{told[:79]}…"  # noqa: PLR2004 - one line
