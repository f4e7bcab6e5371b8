"""Turns events into the bytes the log keeps for ever, and back, whatever version wrote them; free text stands apart."""

from __future__ import annotations

import hashlib
import importlib
import json
import math
import pkgutil
import secrets
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, fields, is_dataclass
from datetime import UTC, datetime
from functools import cache
from typing import Annotated, Any, get_args, get_origin, get_type_hints

from pydantic import TypeAdapter

import bot.domain
from bot.domain.errors import NotFound
from bot.domain.log import Entry, Event, FreeText, link
from bot.store.columns import storable

ERASED = "[erased]"

RandomHex = Callable[[int], str]
"""Randomness from outside: as many bytes as asked for, in hexadecimal."""

Upcaster = Callable[[dict[str, Any]], dict[str, Any]]
"""Turns a body of one version into the next version's."""

UPCASTERS: dict[tuple[str, int], Upcaster] = {}
"""By event name and the version it turns from; a body is taken up one version at a time."""

_Path = tuple[str, ...]
_EACH = "*"


@dataclass(frozen=True, slots=True)
class Text:
    """One piece of free text as the texts table keeps it."""

    ref: str
    salt: bytes
    text: bytes


@dataclass(frozen=True, slots=True)
class Sealed:
    """An entry ready to be written: its bytes, the texts they refer to, and the entry as it will be read back."""

    entry: Entry
    stored: bytes
    texts: tuple[Text, ...]


def digest(salt: bytes, text: bytes) -> str:
    """What the log keeps of a free text: SHA-256 over salt and text, so that guessing words proves nothing."""
    return hashlib.sha256(salt + text).hexdigest()


class Codec:
    """Seals and opens entries. `random_hex` gives salts and references; `upcasters` default to every one there is."""

    def __init__(
        self, random_hex: RandomHex = secrets.token_hex, upcasters: Mapping[tuple[str, int], Upcaster] | None = None
    ) -> None:
        self._random_hex = random_hex
        self._upcasters = UPCASTERS if upcasters is None else upcasters

    def seal(self, incident: str, seq: int, event: Event, *, at: datetime, by: str, cause: str, before: str) -> Sealed:
        """Encode one event. Raises ValueError (pydantic's too) for one that could not be read back."""
        name = type(event).__name__
        body = _plain(_adapter(type(event)).dump_python(event, mode="json", warnings=False))
        texts: list[Text] = []
        words = [
            pointer for path in _word_paths(type(event)) for pointer in self._take_out(body, path, texts, pointer="")
        ]
        happened = event.happened_at or at
        stored = canonical(
            {
                "incident": incident,
                "seq": seq,
                "at": _moment(at),
                "happened_at": _moment(happened),
                "by": storable(by),
                "cause": storable(cause),
                "name": name,
                "version": type(event).version,
                "body": body,
                "words": words,
            }
        )
        entry = self.open(stored, before, link(before, stored), {text.ref: text.text for text in texts})
        return Sealed(entry, stored, tuple(texts))

    def _take_out(self, holder: Any, path: _Path, texts: list[Text], *, pointer: str) -> Iterable[str]:
        """Replace every non-empty text at `path` below `holder` by a reference; yield where it stood."""
        step, rest = path[0], path[1:]
        keys: Iterable[Any] = [step]
        if step == _EACH:
            keys = range(len(holder)) if isinstance(holder, list) else list(holder)
        for key in keys:
            below = holder[key]
            here = f"{pointer}/{_escape(str(key))}"
            if rest and isinstance(below, (dict, list)):
                yield from self._take_out(below, rest, texts, pointer=here)
            elif not rest and isinstance(below, str) and below:
                text = Text(f"t_{self._random_hex(16)}", bytes.fromhex(self._random_hex(16)), below.encode())
                texts.append(text)
                holder[key] = {"ref": text.ref, "sha256": digest(text.salt, text.text)}
                yield here

    def open(self, stored: bytes, before: str, hashed: str, texts: Mapping[str, bytes | None]) -> Entry:
        """Decode one entry. Texts that are gone read "[erased]". Raises NotFound for an event of a newer program."""
        told = json.loads(stored)
        for pointer in told["words"]:
            holder, key = _find(told["body"], pointer)
            text = texts.get(holder[key]["ref"])
            holder[key] = ERASED if text is None else text.decode()
        return Entry(
            incident=told["incident"],
            seq=told["seq"],
            at=datetime.fromisoformat(told["at"]),
            happened_at=datetime.fromisoformat(told["happened_at"]),
            by=told["by"],
            cause=told["cause"],
            event=self._event(told["name"], told["version"], told["body"]),
            before=before,
            hash=hashed,
        )

    def _event(self, name: str, version: int, body: dict[str, Any]) -> Event:
        cls = kinds().get(name)
        if cls is None:
            raise NotFound("kind of event", name, sorted(kinds()))
        while (turn := self._upcasters.get((name, version))) is not None and version < cls.version:
            body, version = turn(body), version + 1
        if version != cls.version:
            raise NotFound(f"way to read {name}", f"version {version}", [f"version {cls.version}"])
        event: Event = _adapter(cls).validate_json(json.dumps(body))
        return event


def _moment(at: datetime) -> str:
    if at.tzinfo is None:
        raise ValueError(f"{at} has no zone")
    return at.astimezone(UTC).isoformat()


def references(stored: bytes) -> list[tuple[str, str, str]]:
    """Every free text an entry refers to: where in the body, reference, digest."""
    told = json.loads(stored)
    found = []
    for pointer in told["words"]:
        holder, key = _find(told["body"], pointer)
        found.append((pointer, holder[key]["ref"], holder[key]["sha256"]))
    return found


def canonical(value: object) -> bytes:
    """The one way these bytes are written: sorted keys, no spaces, ASCII; and never written twice."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), allow_nan=False).encode("ascii")


@cache
def _imported() -> None:
    """Import every topic of the domain: an event is known once its file was read."""
    for module in pkgutil.iter_modules(bot.domain.__path__):
        importlib.import_module(f"bot.domain.{module.name}")


def kinds() -> Mapping[str, type[Event]]:
    """Every kind of event there is, by name."""
    _imported()
    return Event.named


@cache
def _adapter(cls: type[Event]) -> TypeAdapter[Any]:
    return TypeAdapter(cls)


@cache
def _word_paths(cls: type[Event]) -> tuple[_Path, ...]:
    return tuple(_paths(cls, ()))


def _paths(kind: Any, within: tuple[type, ...]) -> Iterable[_Path]:
    """Where free text stands inside a type, nested values too; `*` is every item of a collection."""
    if is_dataclass(kind) and isinstance(kind, type):
        yield from _field_paths(kind, within)
        return
    origin, inside = get_origin(kind), get_args(kind)
    step: _Path = ()
    if origin is Annotated:
        if any(isinstance(mark, FreeText) for mark in kind.__metadata__):
            yield ()
            return
        inside = inside[:1]
    elif isinstance(origin, type) and issubclass(origin, (Mapping, Sequence, set, frozenset)):
        inside, step = (inside[1:] if issubclass(origin, Mapping) else inside), (_EACH,)
    for inner in dict.fromkeys(inside):  # of a collection, a union, or nothing that holds anything
        for rest in _paths(inner, within):
            yield (*step, *rest)


def _field_paths(kind: type, within: tuple[type, ...]) -> Iterable[_Path]:
    if kind in within:  # a type that holds itself
        return
    hints = get_type_hints(kind, include_extras=True)
    for field in fields(kind):
        for rest in _paths(hints[field.name], (*within, kind)):
            yield (field.name, *rest)


def _plain(value: Any) -> Any:
    """JSON that every reader of JSON takes: no NaN or infinity, no lone surrogates."""
    match value:
        case str():
            return value.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
        case float() if not math.isfinite(value):
            return "NaN" if math.isnan(value) else ("Infinity" if value > 0 else "-Infinity")
        case dict():
            return {_plain(key): _plain(below) for key, below in value.items()}
        case list() | tuple():
            return [_plain(below) for below in value]
        case _:
            return value


def _escape(step: str) -> str:
    return step.replace("~", "~0").replace("/", "~1")  # RFC 6901


def _find(body: Any, pointer: str) -> tuple[Any, Any]:
    """The dict or list a JSON pointer ends in, and the key there."""
    steps = [step.replace("~1", "/").replace("~0", "~") for step in pointer.split("/")[1:]]
    for step in steps[:-1]:
        body = body[int(step)] if isinstance(body, list) else body[step]
    return body, int(steps[-1]) if isinstance(body, list) else steps[-1]
