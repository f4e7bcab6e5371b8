"""What the log's bytes promise: every kind of event comes back as it was, whatever version wrote it."""

from __future__ import annotations

import enum
import json
import types
import typing
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, fields, is_dataclass
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Annotated, Any, ClassVar

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from bot.domain.errors import NotFound
from bot.domain.incident import Incident
from bot.domain.lifecycle import SeverityChanged, UpdatePosted
from bot.domain.log import Entry, Event, Sentence, Words, link, says
from bot.domain.sli import SliObserved
from bot.store.codec import ERASED, Codec, Sealed, kinds, references
from tests.kit import NOON, breached
from tests.store.conftest import declared

JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.text(max_size=4), inner, max_size=2),
    max_leaves=4,
)  # fmt: skip
SIMPLE = {
    str: st.text(max_size=12),
    int: st.integers(-(2**60), 2**60),
    float: st.floats(allow_nan=False, allow_infinity=False),
    bool: st.booleans(),
    type(None): st.none(),
    object: JSON,
    datetime: st.datetimes(timezones=st.just(UTC)),
    date: st.dates(),
    Decimal: st.decimals(-(10**9), 10**9, places=2),
}


def any_of(kind: Any) -> st.SearchStrategy[Any]:
    """Values of a type as events use them."""
    origin, inside = typing.get_origin(kind), typing.get_args(kind)
    if kind in SIMPLE:
        return SIMPLE[kind]
    if origin is Annotated:
        return any_of(inside[0])
    if origin in (typing.Union, types.UnionType):
        return st.one_of(*(any_of(one) for one in inside))
    if origin is tuple and inside[-1] is ...:
        return st.lists(any_of(inside[0]), max_size=2).map(tuple)
    if origin is tuple:
        return st.tuples(*(any_of(one) for one in inside))
    if origin is frozenset:
        return st.frozensets(any_of(inside[0]), max_size=2)
    if isinstance(origin, type) and issubclass(origin, Mapping):
        return st.dictionaries(any_of(inside[0]), any_of(inside[1]), max_size=2)
    if isinstance(kind, type) and issubclass(kind, enum.Enum):
        return st.sampled_from(kind)
    assert is_dataclass(kind), f"teach this test what a {kind} looks like"
    hints = typing.get_type_hints(kind, include_extras=True)
    return st.builds(kind, **{field.name: any_of(hints[field.name]) for field in fields(kind)})


OURS = [name for name, cls in sorted(kinds().items()) if cls.__module__.startswith("bot.domain.")]


def sealed(event: Event, codec: Codec | None = None) -> Sealed:
    return (codec or Codec()).seal("INC-1", 1, event, at=NOON, by="p_ana", cause="Ev1", before="")


def reopened(one: Sealed, codec: Codec | None = None, **texts: bytes) -> Entry:
    known = {text.ref: text.text for text in one.texts}
    return (codec or Codec()).open(one.stored, one.entry.before, one.entry.hash, known)


@pytest.mark.parametrize("name", OURS)
@settings(max_examples=15, deadline=None, suppress_health_check=list(HealthCheck))
@given(data=st.data())
def test_every_kind_of_event_comes_back_as_it_was(name: str, data: st.DataObject) -> None:
    """For any values of any event of the domain: encode, decode, and nothing has changed."""
    event = data.draw(any_of(kinds()[name]))
    assert reopened(sealed(event)).event == event


def test_the_hash_covers_who_and_when_as_well() -> None:
    """The bytes hold the whole entry, canonically, and the hash is the chain's link over them."""
    one = sealed(UpdatePosted("hello"))
    told = json.loads(one.stored)
    assert sorted(told) == ["at", "body", "by", "cause", "happened_at", "incident", "name", "seq", "version", "words"]
    assert (told["by"], told["cause"], told["incident"], told["seq"]) == ("p_ana", "Ev1", "INC-1", 1)
    assert one.stored == json.dumps(told, sort_keys=True, separators=(",", ":")).encode()
    assert one.entry.hash == link("", one.stored)
    assert told["body"]["text"] == {"ref": one.texts[0].ref, "sha256": references(one.stored)[0][2]}


def test_salts_come_from_outside() -> None:
    """Given the same randomness the same bytes are written; given other, other ones."""
    numbers: Iterator[int] = iter(range(100))
    assert sealed(UpdatePosted("x"), Codec(lambda n: "ab" * n)) == sealed(UpdatePosted("x"), Codec(lambda n: "ab" * n))
    counting = Codec(lambda n: f"{next(numbers):0{2 * n}x}")
    assert sealed(UpdatePosted("x"), counting).stored != sealed(UpdatePosted("x"), counting).stored


def test_words_that_are_gone_read_erased() -> None:
    """Without its text an event still reads; an empty text was never a secret."""
    one = sealed(declared(title=""))
    event = Codec().open(one.stored, "", one.entry.hash, {}).event
    assert (event.title, event.because) == ("", ERASED)


def test_numbers_json_has_no_word_for_survive() -> None:
    """An infinite burn rate is written as valid JSON and read back."""
    one = sealed(SliObserved(breached(burn=float("inf"), value=float("-inf"))))
    json.loads(one.stored, parse_constant=pytest.fail)
    told = reopened(one).event
    assert (told.sli.burn, told.sli.value) == (float("inf"), float("-inf"))


def test_an_event_that_could_not_be_read_back_is_never_written() -> None:
    """A value of the wrong type fails when it is sealed, not when somebody needs it."""
    with pytest.raises(ValidationError):
        sealed(SeverityChanged("very bad", "because"))


def test_a_time_without_zone_is_never_written() -> None:
    """Nobody can say later when it was."""
    with pytest.raises(ValueError, match="zone"):
        Codec().seal("INC-1", 1, UpdatePosted("x"), at=datetime(2026, 11, 20), by="p", cause="", before="")


def test_an_event_of_a_newer_program_is_named() -> None:
    """A name or version this program does not know says what there is."""
    stored = sealed(UpdatePosted("x")).stored
    with pytest.raises(NotFound, match=r"no kind of event called 'Xdated'; there is .*UpdatePosted"):
        Codec().open(stored.replace(b'"UpdatePosted"', b'"Xdated"'), "", "", {})
    with pytest.raises(NotFound, match="UpdatePosted called 'version 7'; there is version 1"):
        Codec().open(stored.replace(b'"version":1', b'"version":7'), "", "", {})


# -- a shape that changed twice, and words in nested places ----------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Part:
    label: str
    remark: Words


@dataclass(frozen=True, slots=True)
class TestingShape(Event):
    """An event as it is in its third version."""

    __test__ = False
    version: ClassVar[int] = 3

    note: Words | None
    parts: tuple[Part, ...]
    by_name: Mapping[str, Words]
    params: Mapping[str, object]

    def evolve(self, incident: Incident, entry: Entry) -> Incident:
        return incident

    def says(self, by: str) -> Sentence:
        return says("tested")


SHAPE = TestingShape(
    "a", (Part("one", "b"), Part("two", "c")), {"x/y~z": "d"}, {"ref": "main", "sha256": "0" * 64, "secret": "e"}
)


def test_words_are_taken_out_wherever_they_stand() -> None:
    """In optional, nested, listed and mapped fields; what merely looks like a reference is left as it is."""
    one = sealed(SHAPE)
    assert sorted(text.text for text in one.texts) == [b"a", b"b", b"c", b"d"]
    assert [place for place, _ref, _sha in references(one.stored)] == ["/note", "/parts/0/remark", "/parts/1/remark", "/by_name/x~1y~0z"]  # fmt: skip
    assert reopened(one).event == SHAPE
    erased = Codec().open(one.stored, "", "", {}).event
    assert erased == TestingShape(ERASED, (Part("one", ERASED), Part("two", ERASED)), {"x/y~z": ERASED}, SHAPE.params)


def test_old_versions_are_taken_up_one_by_one() -> None:
    """A body of version 1 passes through both turns, its words already in place; the bytes stay as they are."""
    old = {"remark": "hello", "params": {}}
    codec = Codec(
        upcasters={
            ("TestingShape", 1): lambda body: {**body, "parts": []},
            ("TestingShape", 2): lambda body: {
                "note": body["remark"], "parts": body["parts"], "by_name": {}, "params": body["params"],
            },
        }
    )  # fmt: skip
    ref = {"ref": "t_1", "sha256": "ignored on reading"}
    told = {
        "incident": "INC-1", "seq": 1, "at": NOON.isoformat(), "happened_at": NOON.isoformat(), "by": "p", "cause": "c",
        "name": "TestingShape", "version": 1, "body": {**old, "remark": ref}, "words": ["/remark"],
    }  # fmt: skip
    entry = codec.open(json.dumps(told).encode(), "", "", {"t_1": b"hello"})
    assert entry.event == TestingShape("hello", (), {}, {})
    with pytest.raises(NotFound, match="version 2"):
        Codec(upcasters={("TestingShape", 1): lambda body: body}).open(json.dumps(told).encode(), "", "", {})
