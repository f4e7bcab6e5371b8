"""Taking an answer apart tells what decoding it tells, or leaves it to that."""

import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.slo.batch import Batch
from bot.sources._apart import Apart
from bot.sources._columns import batch

LABELS = st.dictionaries(st.text(max_size=6), st.text(st.sampled_from('ab"\\{}[],:é\n '), max_size=12), max_size=3)
SAMPLES = st.lists(
    st.tuples(
        st.one_of(st.integers(0, 2_000_000_000), st.sampled_from([1795993950.704, 0.001])),
        st.sampled_from(["0", "17", "9007199254740993", "1.5e+30", "NaN", "+Inf", "-Inf", "-0.25"]),
    ),
    min_size=1,
    max_size=4,
)


def written(series: list[tuple[dict[str, str], list[tuple[float, str]]]]) -> bytes:
    """As Prometheus writes it: without a space, letters as they are."""
    result = [{"metric": labels, "values": [list(each) for each in samples]} for labels, samples in series]
    answer = {"status": "success", "data": {"resultType": "matrix", "result": result}}
    return json.dumps(answer, separators=(",", ":"), ensure_ascii=False).encode()


def same(one: Batch, other: Batch) -> bool:
    """Whether two batches hold the same samples in the same order."""
    columns = zip((one.series, one.at, one.value), (other.series, other.at, other.value), strict=True)
    return list(one.names) == list(other.names) and all(
        np.array_equal(a, b, equal_nan=a.dtype.kind == "f") for a, b in columns
    )


@given(st.lists(st.tuples(LABELS, SAMPLES), min_size=1, max_size=5))
def test_it_tells_what_decoding_tells(series) -> None:
    """Whatever quotes, brackets and backslashes the labels hold; the second time from memory."""
    body, apart = written(series), Apart()
    told = batch([((), json.loads(body)["data"]["result"])])
    for _ in range(2):
        taken = apart.take(body)
        assert taken is not None
        assert same(taken, told)


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"[]",
        written([]),
        b'{"status":"success","data":{"resultType":"vector","result":[{"metric":{"a":"b"},"value":[1,"2"]}]}}',
        written([({"a": "b"}, [(1, "2")])]).replace(b"}]}}", b'}]},"warnings":["w"]}'),
        written([({"a": "b"}, [(1, "2")])]).replace(b'"2"', b'"two"'),
        written([({"a": "b"}, [(1, "2")])]).replace(b'[1,"2"]', b'[1,"2",3]'),
        written([({"a": "b"}, [(1, "2")]), ({}, [(1, "2")])]).replace(b'"values":[[', b'"histograms":[[', 1),
        written([({"a": "b"}, [(1, "2")])]).replace(b'"a":"b"', b'"a":b'),
    ],
)
def test_what_is_written_otherwise_is_left_to_decoding(body: bytes) -> None:
    """Another server, another kind of answer, another version: no guess is made."""
    assert Apart().take(body) is None
