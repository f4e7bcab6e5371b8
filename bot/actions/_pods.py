"""Pod templates as people compare them: which images, variables and arguments change, and which revision held them.

Shared by every target whose revisions are ReplicaSets. A value that may be a secret is never told.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

REVISION = "deployment.kubernetes.io/revision"
_HASHES = ("pod-template-hash", "rollouts-pod-template-hash")
_RESTARTED = "kubectl.kubernetes.io/restartedAt"
_SECRET = re.compile(
    r"secret|token|passw|passphrase|credential|private|auth|cookie|salt|dsn|(^|[_.-])(pwd|pass|key|pat|sas|jwt)([_.-]|$)|apikey"
    r"|://[^/\s]*:[^/\s]*@",
    re.IGNORECASE,
)
_LONG = 80
HIDDEN = "…"


@dataclass(frozen=True, slots=True)
class Revision:
    """One ReplicaSet: the template it holds (without its hash) and every revision number it ever had."""

    name: str
    template: Mapping[str, Any]
    numbers: tuple[int, ...]
    hash: str = ""

    @property
    def number(self) -> int:
        """The revision it is now."""
        return max(self.numbers)

    @property
    def first(self) -> int:
        """The revision it first was."""
        return min(self.numbers)

    @classmethod
    def of(cls, found: Mapping[str, Any], annotation: str = REVISION) -> Revision | None:
        """From a ReplicaSet; None where it has no revision yet."""
        notes = found["metadata"].get("annotations") or {}
        told = [str(notes.get(annotation, "")), *str(notes.get(f"{annotation}-history", "")).split(",")]
        numbers = tuple(int(each) for each in told if each.isdigit())
        if not told[0].isdigit():
            return None
        labels = found["metadata"].get("labels") or {}
        hashed = next((str(labels[name]) for name in _HASHES if name in labels), "")
        return cls(str(found["metadata"]["name"]), _unhashed(found["spec"]["template"]), numbers, hashed)

    def same_as(self, template: Mapping[str, Any]) -> bool:
        """Whether it holds this plain template, restarts left out."""
        return plain(self.template) == template


def owned_by(found: Mapping[str, Any], uid: str) -> bool:
    """Whether the object of that uid controls this one."""
    owners = found["metadata"].get("ownerReferences") or []
    return any(owner.get("uid") == uid and owner.get("controller") for owner in owners)


def plain(template: Mapping[str, Any]) -> dict[str, Any]:
    """A template to compare: without the hash, without restarts, without what is empty."""
    found = _unhashed(template)
    meta = dict(found.get("metadata") or {})
    notes = {name: value for name, value in (meta.get("annotations") or {}).items() if name != _RESTARTED}
    kept: dict[str, Any] = _filled({**found, "metadata": {**meta, "annotations": notes}})
    return kept


def images(template: Mapping[str, Any]) -> dict[str, str]:
    """Image per container, those that run first included."""
    return {str(each["name"]): str(each.get("image", "")) for each in _containers(template)}


def label(template: Mapping[str, Any], name: str) -> str:
    """A label of the template; nothing where it has none of that name."""
    return str(((template.get("metadata") or {}).get("labels") or {}).get(name, "")) if name else ""


def changes(before: Mapping[str, Any], after: Mapping[str, Any]) -> tuple[str, ...]:
    """A sentence per image, variable and argument that changes, and what else does by name."""
    old, new = ({str(each["name"]): each for each in _containers(one)} for one in (before, after))
    said = [f"container {name} goes" for name in old if name not in new]
    said += [f"container {name} comes: {new[name].get('image', '')}" for name in new if name not in old]
    for name in old:
        if name in new:
            said += _of_container(name, old[name], new[name])
    further = sorted(_elsewhere(before, after))
    return (*said, *((f"also changes: {', '.join(further)}",) if further else ()))


def hidden(value: Any) -> Any:
    """A template or patch with every variable's value and every telling argument hidden, to be shown."""
    if isinstance(value, Mapping):
        shown = {name: each if name == "name" else hidden(each) for name, each in value.items()}
        return shown | {"value": HIDDEN} if isinstance(value.get("value"), str) and "name" in value else shown
    if isinstance(value, list) and value and all(isinstance(each, str) for each in value):
        return list(_words(value))
    if isinstance(value, list):
        return [hidden(each) for each in value]
    return HIDDEN if isinstance(value, str) and _SECRET.search(value) else value


def _of_container(name: str, old: Mapping[str, Any], new: Mapping[str, Any]) -> Iterator[str]:
    if old.get("image") != new.get("image"):
        yield f"image of {name}: {old.get('image')} → {new.get('image')}"
    was, now = (_variables(each) for each in (old, new))
    for variable in sorted({*was, *now}):
        if was.get(variable) != now.get(variable):
            yield f"variable {variable} of {name}: {_told(variable, was)} → {_told(variable, now)}"
    for part in ("command", "args"):
        if old.get(part) != new.get(part):
            yield f"{part} of {name}: {_line(old.get(part))} → {_line(new.get(part))}"
    told = {"name", "image", "env", "command", "args"}
    if rest := sorted(key for key in {*old, *new} - told if old.get(key) != new.get(key)):
        yield f"{', '.join(rest)} of {name}"


def _variables(container: Mapping[str, Any]) -> dict[str, Any]:
    """Per name its value, or where it comes from."""
    return {str(each["name"]): each.get("value", each.get("valueFrom", "")) for each in container.get("env") or []}


def _told(name: str, held: Mapping[str, Any]) -> str:
    if name not in held:
        return "not set"
    value = held[name]
    if isinstance(value, Mapping):  # a reference names the secret, and is none
        return f"from {', '.join(sorted(value))}"
    if _SECRET.search(name) or _SECRET.search(str(value)):
        return HIDDEN
    return _short(str(value)) or "empty"


def _line(words: Any) -> str:
    return _short(" ".join(_words(map(str, words)))) if words else "none"


def _words(words: Iterable[str]) -> Iterator[str]:
    """The words of a command, those hidden that may be secrets: by themselves, or by the flag in front of them."""
    after_flag = False
    for word in words:
        flag, sign, _ = word.partition("=")
        if after_flag and not word.startswith("-"):
            yield HIDDEN
        elif _SECRET.search(word):
            yield f"{flag}={HIDDEN}" if sign else (word if word.startswith("-") else HIDDEN)
        else:
            yield word
        after_flag = word.startswith("-") and not sign and bool(_SECRET.search(word))


def _short(text: str) -> str:
    return text if len(text) <= _LONG else f"{text[: _LONG - 1]}…"


def _elsewhere(before: Mapping[str, Any], after: Mapping[str, Any]) -> Iterator[str]:
    """What changes outside of the containers, by name."""
    for part, skipped in (("metadata", frozenset()), ("spec", frozenset({"containers", "initContainers"}))):
        old, new = before.get(part) or {}, after.get(part) or {}
        yield from (key for key in {*old, *new} - skipped if old.get(key) != new.get(key))


def _containers(template: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    spec = template.get("spec") or {}
    return [*(spec.get("initContainers") or []), *(spec.get("containers") or [])]


def _unhashed(template: Mapping[str, Any]) -> dict[str, Any]:
    meta = dict(template.get("metadata") or {})
    if not set(_HASHES).isdisjoint(meta.get("labels") or {}):
        meta["labels"] = {name: value for name, value in meta["labels"].items() if name not in _HASHES}
    return {**template, "metadata": meta}


def _filled(value: Any) -> Any:
    """Without nulls, and without objects and lists that are empty: a server may or may not write those."""
    if isinstance(value, Mapping):
        kept = {name: _filled(each) for name, each in value.items()}
        return {name: each for name, each in kept.items() if each not in (None, {}, [])}
    if isinstance(value, list):
        return [_filled(each) for each in value]
    return value
