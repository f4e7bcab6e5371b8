"""Fits what a person wrote into the shape the product needs, and says line by line where it does not fit."""

import difflib
import re
import types
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Annotated, Any, TypeVar, Union, get_args, get_origin

from pydantic import BaseModel, SecretStr, TypeAdapter, ValidationError

from bot.config.marks import Marked, Page
from bot.config.secrets import Missing, Resolved, Secrets, is_reference, plain_secret
from bot.domain.errors import Problem
from bot.steps import seconds

M = TypeVar("M", bound=BaseModel)
Path = tuple[str | int, ...]

BOUNDS = {
    "greater than or equal to": "at least",
    "less than or equal to": "at most",
    "greater than": "more than",
    "less than": "less than",
}
LENGTHS = "a length of time with its unit, such as 15s, 5m, 4h or 30d"


@dataclass
class Fitter:
    """Fits parts of documents into models; every problem met is kept in `problems`."""

    secrets: Secrets
    problems: list[Problem] = field(default_factory=list)
    _references: bool = True

    def fit(self, model: type[M], page: Marked, *path: str | int, references: bool = True) -> M | None:
        """The part at `path` as a model, or None where it does not fit. An absent part is an empty one.

        `references` says whether values may come from outside: not where names stand that other files use.
        """
        self._references = references
        raw = page.get(*path)
        raw = {} if raw is None else raw
        before = len(self.problems)
        ready = self._ready(model, raw, page, path)
        try:
            made = model.model_validate(ready)
        except ValidationError as wrong:
            told = {(each.file, each.line, each.column) for each in self.problems[before:]}
            for error in wrong.errors(include_url=False, include_context=False):
                problem = _explained(error, model, page, path)
                if (
                    problem.file,
                    problem.line,
                    problem.column,
                ) not in told:  # a value that could not be had is no value
                    self.problems.append(problem)
            return None
        return made if len(self.problems) == before else None

    def _ready(self, kind: Any, raw: Any, page: Marked, path: Path) -> Any:
        """`raw` with its references looked up and its lengths of time read, as far as `kind` asks for either."""
        kind = _bare(kind)
        if kind is SecretStr and isinstance(raw, str):
            self.problems.append(plain_secret(page.file, *page.where(*path), str(path[-1]) if path else "it"))
            return Resolved(raw)
        if self._references and is_reference(raw) and _is_scalar(kind):
            return self._looked_up(raw, page, path)
        if kind is timedelta and not isinstance(raw, timedelta):
            return self._length(raw, page, path)
        if isinstance(raw, dict):
            return self._map(kind, raw, page, path)
        if isinstance(raw, list) and (inner := _inner(kind)) is not None:
            return [self._ready(inner, each, page, (*path, index)) for index, each in enumerate(raw)]
        if get_origin(kind) in {Union, types.UnionType} and raw is not None:
            return self._one_of(kind, raw, page, path)
        return raw

    def _map(self, kind: Any, raw: dict[Any, Any], page: Marked, path: Path) -> Any:
        if get_origin(kind) in {Union, types.UnionType}:
            return self._one_of(kind, raw, page, path)
        keys = {key: value for key, value in raw.items() if isinstance(key, str)}
        self.problems += [_odd_key(key, page, path) for key in raw if not isinstance(key, str)]
        if isinstance(kind, type) and issubclass(kind, BaseModel):
            kinds = {(info.alias or name): info.annotation for name, info in kind.model_fields.items()}
            return {key: self._ready(kinds.get(key, Any), value, page, (*path, key)) for key, value in keys.items()}
        value_kind = get_args(kind)[1] if len(get_args(kind)) > 1 and _is_mapping(kind) else Any
        return {key: self._ready(value_kind, value, page, (*path, key)) for key, value in keys.items()}

    def _one_of(self, kind: Any, raw: Any, page: Marked, path: Path) -> Any:
        """The first member of a union that makes something of `raw`."""
        members = [_bare(member) for member in get_args(kind) if member is not type(None)]
        if self._references and is_reference(raw) and any(_is_scalar(member) for member in members):
            return self._looked_up(raw, page, path)
        for member in members:
            if (ready := self._ready(member, raw, page, path)) is not raw:
                return ready
        return raw

    def _looked_up(self, raw: Any, page: Marked, path: Path) -> Any:
        try:
            return self.secrets.look_up(raw)
        except Missing as missing:
            self.problems.append(page.problem(str(missing), *path))
            return Resolved("missing")

    def _length(self, raw: Any, page: Marked, path: Path) -> Any:
        if not isinstance(raw, str):
            what = f"{_shown(raw)} has no unit" if type(raw) in {int, float} else f"this is {_shown(raw)}"
            self.problems.append(page.problem(what, *path, expected=LENGTHS))
            return timedelta(seconds=1)
        try:
            return timedelta(seconds=seconds(raw))
        except (ValueError, OverflowError) as wrong:
            self.problems.append(page.problem(str(wrong), *path, expected=LENGTHS))
            return timedelta(seconds=1)


class Unreadable(frozenset[str]):
    """The names of a file that could not be read: nobody can say of a name that it is not among them."""

    __slots__ = ()

    def __contains__(self, name: object) -> bool:
        return True


def closest(name: object, there_is: Iterable[str]) -> str:
    """`; did you mean 'retrain'?`, or nothing where no known name is near."""
    near = difflib.get_close_matches(str(name), sorted(there_is), n=1, cutoff=0.6)
    return f"; did you mean {near[0]!r}?" if near else ""


def listing(names: Iterable[str]) -> str:
    """What there is, for the end of a complaint."""
    return ", ".join(sorted(names)) or "nothing is defined yet"


def names(page: Page, key: str, what: str = "", there_is: Collection[str] | None = None) -> Iterator[str]:
    """The names a list at `key` holds; complains of one that is no `what` there is, where that is told."""
    held = page.get(key)
    if held is None:
        return
    if not isinstance(held, list) or not held:
        page.complain(f"{key} is no list of names", key, expected=f"{key}: [name, …]")
        return
    for index in range(len(held)):
        name = page.text(key, index)
        if name and there_is is not None and name not in there_is:
            unknown = f"there is no {what} {name!r}{closest(name, there_is)}"
            page.complain(unknown, key, index, expected=listing(there_is))
        elif name:
            yield name


def kept(settings: BaseModel) -> dict[str, object]:
    """The values a person set, secrets still wrapped: what the catalogue keeps of an adapter's settings."""
    return {name: getattr(settings, name) for name in sorted(settings.model_fields_set)}


def _explained(error: Any, model: type[BaseModel], page: Marked, path: Path) -> Problem:
    """One complaint of the model in words, at its place in the file."""
    inner: Path = tuple(error["loc"])
    here, name = (*path, *inner), str(inner[-1]) if inner else ""
    given = error.get("input")
    if error["type"] == "missing":
        return page.problem(f"{name!r} is missing", *here[:-1], expected=f"a line `{name}: …`")
    if error["type"] in {"extra_forbidden", "unexpected_keyword_argument"}:
        known = _known_keys(model, inner[:-1])
        return page.problem(f"unknown key {name!r}{closest(name, known)}", *here, key=True, expected=listing(known))
    if error["type"] == "value_error":
        return page.problem(str(error["msg"]).removeprefix("Value error, "), *here)
    if isinstance(given, bool) and error["type"].startswith(("string", "enum", "literal", "list", "tuple", "frozen")):
        what = f"{name or 'this'} was read as {str(given).lower()}: YAML takes yes, no, on and off for true and false"
        return page.problem(what, *here, expected="the word in quotes, such as 'no'")
    wanted = str(error["msg"]).removeprefix("Input should be ")
    wanted = wanted.replace("a valid tuple", "a list").replace("Tuple", "List")  # people write lists
    bound = re.fullmatch(r"(greater than or equal to|less than or equal to|greater than|less than) (.+)", wanted)
    if bound and isinstance(given, timedelta):
        wanted = f"{BOUNDS[bound[1]]} {_length_of(bound[2])}"
    if error["type"] in {"model_type", "dict_type", "mapping_type", "dataclass_type"}:
        wanted = "`key: value` lines"
    what = f"{name} is {_shown(given)}" if name and not isinstance(inner[-1], int) else f"this is {_shown(given)}"
    return page.problem(what, *here, expected=wanted)


def _known_keys(model: Any, inner: Path) -> list[str]:
    """The keys the model at `inner` takes."""
    kind: Any = model
    for part in inner:
        kind = _model_in(kind)
        if isinstance(kind, type) and issubclass(kind, BaseModel) and part in kind.model_fields:
            kind = kind.model_fields[str(part)].annotation
    kind = _model_in(kind)
    return list(kind.model_fields) if isinstance(kind, type) and issubclass(kind, BaseModel) else []


def _model_in(kind: Any) -> Any:
    """The model inside `list[Model]`, `dict[str, Model]`, `Model | None`."""
    kind = _bare(kind)
    if isinstance(kind, type) and not get_args(kind):
        return kind
    found = [_model_in(member) for member in get_args(kind)]
    return next((one for one in found if isinstance(one, type) and issubclass(one, BaseModel)), kind)


def _bare(kind: Any) -> Any:
    while get_origin(kind) is Annotated:
        kind = get_args(kind)[0]
    return kind


def _is_scalar(kind: Any) -> bool:
    """Whether a reference may stand for a value of this kind: not where a map of that shape could be meant."""
    if get_origin(kind) in {Union, types.UnionType}:
        return any(_is_scalar(_bare(member)) for member in get_args(kind) if member is not type(None))
    if kind in {Any, object} or not isinstance(kind, type) or get_origin(kind) is not None:
        return False
    return not issubclass(kind, BaseModel | Mapping | list | tuple | set | frozenset)


def _is_mapping(kind: Any) -> bool:
    origin = get_origin(kind)
    return isinstance(origin, type) and issubclass(origin, Mapping)


def _inner(kind: Any) -> Any:
    """What a list of this kind holds, or None where it is no list."""
    origin = get_origin(kind)
    if isinstance(origin, type) and issubclass(origin, Sequence | set | frozenset):
        return get_args(kind)[0]
    return None


def _odd_key(key: object, page: Marked, path: Path) -> Problem:
    what = f"the key was read as {str(key).lower() if isinstance(key, bool) else repr(key)}"
    return page.problem(what, *path, key, key=True, expected="a name; write it in quotes")  # type: ignore[arg-type]


def _length_of(text: str) -> str:
    """A bound as pydantic writes it (`0:00:00.100000`, `100 milliseconds`, `1 hour`) as people write lengths: 100ms."""
    found = TypeAdapter(timedelta)
    try:
        return written(found.validate_python(text))
    except ValidationError:
        units = {"day": 86400, "hour": 3600, "minute": 60, "second": 1, "millisecond": 0.001, "microsecond": 0.000001}
        parts = re.findall(r"([\d.]+) (day|hour|minute|second|millisecond|microsecond)s?", text)
        return written(timedelta(seconds=sum(float(count) * units[unit] for count, unit in parts))) if parts else text


def written(length: timedelta) -> str:
    """A length of time as people write it in a file: 15s, 1h30m, 100ms, 0s."""
    left = round(length.total_seconds() * 1000)
    told = "-" if left < 0 else ""
    left = abs(left)
    for unit, size in (("d", 86_400_000), ("h", 3_600_000), ("m", 60_000), ("s", 1000), ("ms", 1)):
        count, left = divmod(left, size)
        told += f"{count}{unit}" if count else ""
    return told if told not in {"", "-"} else "0s"


def _shown(given: object) -> str:
    """A value in a complaint: short, and never one that came from a secret."""
    if isinstance(given, Resolved | SecretStr):
        return "a value from outside, not shown"
    if isinstance(given, dict | list):
        return "a map" if isinstance(given, dict) else "a list"
    if given is None:
        return "empty"
    if isinstance(given, timedelta):
        return written(given)
    text = str(given).lower() if isinstance(given, bool) else repr(given)
    return text if len(text) <= 60 else f"{text[:57]}…"  # noqa: PLR2004 - one line of a terminal
