"""The grammar of Slack's block rules: small checks that combine, each naming the exact place of every fault."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True)
class Fault:
    """One thing Slack would refuse, in the shape of an error of its `blocks.validate` method.

    `pointer` is a JSON pointer such as `/blocks/3/text/text`; `constraint` names the rule with what it expected.
    """

    pointer: str
    code: str
    message: str
    constraint: Mapping[str, object] = field(default_factory=dict)

    def as_json(self) -> dict[str, object]:
        """As an entry of `errors` in the answer of `blocks.validate`."""
        return {
            "pointer": self.pointer, "code": self.code, "message": self.message, "constraint": dict(self.constraint),
        }  # fmt: skip

    def __str__(self) -> str:
        """As a line of `response_metadata.messages`."""
        return f"[ERROR] {self.message} [json-pointer:{self.pointer}]"


Check = Callable[[object, str], Iterator[Fault]]


def _wrong_type(pointer: str, expected: str, value: object) -> Fault:
    got = "null" if value is None else type(value).__name__
    return Fault(pointer, "wrong_type", f"must be {expected}", {"type": "type", "expected": expected, "got": got})


def _constraint(pointer: str, message: str, rule: str, expected: object, got: object) -> Fault:
    return Fault(pointer, "failed_constraint", message, {"type": rule, "expected": expected, "got": got})


def string(max_length: int, *, min_length: int = 0) -> Check:
    """Text of a length, in characters."""

    def check(value: object, pointer: str) -> Iterator[Fault]:
        if not isinstance(value, str):
            yield _wrong_type(pointer, "a string", value)
        elif len(value) > max_length:
            message = f"must be at most {max_length} characters"
            yield _constraint(pointer, message, "max_length", max_length, len(value))
        elif len(value) < min_length:
            message = f"must be at least {min_length} characters"
            yield _constraint(pointer, message, "min_length", min_length, len(value))

    return check


def url(max_length: int) -> Check:
    """An absolute web address."""
    length = string(max_length, min_length=1)

    def check(value: object, pointer: str) -> Iterator[Fault]:
        yield from length(value, pointer)
        if isinstance(value, str) and not value.startswith(("http://", "https://", "mailto:")):
            yield _constraint(pointer, "must be a valid URL", "format", "url", value[:80])

    return check


def boolean(value: object, pointer: str) -> Iterator[Fault]:
    """True or false."""
    if not isinstance(value, bool):
        yield _wrong_type(pointer, "a boolean", value)


def integer(low: int, high: int) -> Check:
    """A whole number within bounds."""

    def check(value: object, pointer: str) -> Iterator[Fault]:
        if not isinstance(value, int) or isinstance(value, bool):
            yield _wrong_type(pointer, "an integer", value)
        elif not low <= value <= high:
            yield _constraint(pointer, f"must be between {low} and {high}", "range", [low, high], value)

    return check


def number(value: object, pointer: str) -> Iterator[Fault]:
    """Any finite number."""
    finite = isinstance(value, int | float) and not isinstance(value, bool) and abs(value) < float("inf")
    if not finite:
        yield _wrong_type(pointer, "a number", value)


def one_of(*choices: str) -> Check:
    """One of a few words."""

    def check(value: object, pointer: str) -> Iterator[Fault]:
        if value not in choices:
            yield _constraint(pointer, f"must be one of {', '.join(choices)}", "enum", list(choices), value)

    return check


def listing(each: Check, low: int, high: int, *, noun: str = "items") -> Check:
    """A list whose length is within bounds and whose every item is right."""

    def check(value: object, pointer: str) -> Iterator[Fault]:
        if not isinstance(value, list):
            yield _wrong_type(pointer, "an array", value)
            return
        if len(value) > high:
            yield _constraint(pointer, f"no more than {high} {noun} allowed", "max_items", high, len(value))
        elif len(value) < low:
            yield _constraint(pointer, f"must provide at least {low} {noun}", "min_items", low, len(value))
        for index, item in enumerate(value):
            yield from each(item, f"{pointer}/{index}")

    return check


def shape(required: Mapping[str, Check], optional: Mapping[str, Check] | None = None, *also: Check) -> Check:
    """An object with these fields and no others; `also` are rules between its fields."""
    known = {**required, **(optional or {})}

    def check(value: object, pointer: str) -> Iterator[Fault]:
        if not isinstance(value, dict):
            yield _wrong_type(pointer, "an object", value)
            return
        for name in required:
            if value.get(name) is None:
                missing: dict[str, object] = {"type": "required", "expected": name}
                yield Fault(pointer, "missing_field", f"missing required field: {name}", missing)
        for name, item in value.items():
            if name not in known:
                rule: dict[str, object] = {"type": "additional_properties", "expected": sorted(known), "got": name}
                yield Fault(f"{pointer}/{name}", "unknown_field", f"unsupported field: {name}", rule)
            elif item is not None:
                yield from known[name](item, f"{pointer}/{name}")
        for rule_check in also:
            yield from rule_check(value, pointer)

    return check


def by_type(kinds: Mapping[str, Check], noun: str) -> Check:
    """An object whose `type` chooses its rules."""

    def check(value: object, pointer: str) -> Iterator[Fault]:
        if not isinstance(value, dict):
            yield _wrong_type(pointer, "an object", value)
            return
        chosen = kinds.get(value["type"]) if isinstance(value.get("type"), str) else None
        if chosen is None:
            rule = {"type": "enum", "expected": sorted(kinds), "got": value.get("type")}
            message = f"unsupported type of {noun}: {value.get('type')!s:.40}"
            yield Fault(f"{pointer}/type", "unsupported_type", message, rule)
        else:
            yield from chosen(value, pointer)

    return check


def exactly_one(*names: str) -> Check:
    """Of these fields of one object, exactly one is given."""

    def check(value: object, pointer: str) -> Iterator[Fault]:
        given = [name for name in names if isinstance(value, dict) and value.get(name) is not None]
        if len(given) != 1:
            yield _constraint(pointer, f"must provide exactly one of {', '.join(names)}", "one_of", list(names), given)

    return check


def at_least_one(*names: str) -> Check:
    """Of these fields of one object, at least one is given."""

    def check(value: object, pointer: str) -> Iterator[Fault]:
        if not isinstance(value, dict) or all(value.get(name) is None for name in names):
            yield _constraint(pointer, f"must provide one of {', '.join(names)}", "any_of", list(names), [])

    return check


def values(node: Any) -> Iterator[dict[str, Any]]:
    """Every object inside a JSON value, outermost first."""
    if isinstance(node, dict):
        yield node
        for item in node.values():
            yield from values(item)
    elif isinstance(node, list):
        for item in node:
            yield from values(item)
