"""Files of samples: two formats, every odd line told with its number, and only what is asked for is kept."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import numpy as np
import pytest

from bot.domain.errors import Invalid
from bot.importers.openmetrics import lines, read
from bot.slo.selector import Selector

REQUESTS = Selector.parse("requests_total")
NOON = 1_795_262_400  # 2026-11-21 12:00 UTC

OPEN = f"""\
# HELP requests Requests.
# TYPE requests counter
requests_total{{code="200"}} 10 {NOON}
requests_total{{code="200"}} 25 {NOON + 15}.5
requests_total{{code="500"}} 1 {NOON} # {{trace_id="x # y"}} 1.0 {NOON}
requests_created{{code="200"}} 1 {NOON}
# TYPE seconds histogram
seconds_bucket{{le="0.3"}} 7 {NOON}
seconds_bucket{{le="+Inf"}} 9 {NOON}
seconds_count 9 {NOON}
# EOF
"""


@pytest.fixture
def file(tmp_path):
    def write(text: str | bytes, name: str = "past.om"):
        path = tmp_path / name
        path.write_bytes(text.encode() if isinstance(text, str) else text)
        return path

    return write


def wrong(path, *queries) -> list[str]:
    with pytest.raises(Invalid) as caught:
        read(path, queries or [REQUESTS])
    return [str(each) for each in caught.value.problems]


def test_openmetrics_counts_in_seconds(file):
    """Fractions too; exemplars are no part of the sample; the series are told apart by their labels."""
    found = read(file(OPEN), [REQUESTS])
    assert found.batch.names == [
        {"__name__": "requests_total", "code": "200"},
        {"__name__": "requests_total", "code": "500"},
    ]
    assert found.batch.series.tolist() == [0, 1, 0]
    assert found.batch.at.tolist() == [NOON * 1000, NOON * 1000, NOON * 1000 + 15_500]
    assert found.batch.value.tolist() == [10, 1, 25]
    assert (found.first, found.last) == (datetime.fromtimestamp(NOON, UTC), datetime.fromtimestamp(NOON + 15.5, UTC))
    assert found.interval == timedelta(seconds=15.5)
    assert list(lines(found)) == []


def test_histograms_are_read_by_their_parts(file):
    """A latency objective counts a bucket and the count."""
    found = read(file(OPEN), [Selector.parse('seconds_bucket{le="0.3"}'), Selector.parse("seconds_count")])
    assert [each["__name__"] for each in found.batch.names] == ["seconds_bucket", "seconds_count"]
    assert found.batch.value.tolist() == [7, 9]


def test_prometheus_text_counts_in_milliseconds(file):
    """No # EOF, whole milliseconds, in any order of series."""
    text = f'requests_total{{code="200"}} 10 {NOON}000\nrequests_total{{code="500"}} 1e0 {NOON}250\n'
    found = read(file(text, "past.txt"), [REQUESTS])
    assert found.batch.at.tolist() == [NOON * 1000, NOON * 1000 + 250]


def test_values_that_are_none_are_gaps(file):
    """NaN and infinity are kept: the ledger knows what to make of them."""
    found = read(file(f"requests_total NaN {NOON}\nrequests_total +Inf {NOON + 1}\n# EOF\n"), [REQUESTS])
    assert np.isnan(found.batch.value[0])
    assert np.isinf(found.batch.value[1])


def test_labels_are_read_as_they_are_meant(file):
    """Escapes, braces and hashes inside a value, a comma at the end, blanks: the format allows all of it."""
    text = f'requests_total {{ path="/a{{b}} # c", quoted="say \\"x\\" \\\\ \\n", }} 1 {NOON}\n# EOF\n'
    found = read(file(text), [REQUESTS])
    assert found.batch.names == [
        {"__name__": "requests_total", "path": "/a{b} # c", "quoted": 'say "x" \\ \n'},
    ]


def test_series_nobody_asks_for_need_no_timestamp(file):
    """An export of everything may hold what has none."""
    assert len(read(file(f"up 1\nrequests_total 1 {NOON}\n# EOF\n"), [REQUESTS]).batch.at) == 1


@pytest.mark.parametrize(
    ("text", "place", "words"),
    [
        ("requests_total 1\n# EOF\n", 1, "has no timestamp"),
        (f"requests_total 1 {NOON}\nwhat is this?\n# EOF\n", 2, "is no metric"),
        (f"requests_total 1 {NOON}\n", 1, "the file breaks off here"),
        (f"requests_total 1 {NOON}\nrequests_total 2 {NOON}\n# EO", 3, "the file breaks off here"),
        (f"# EOF\nrequests_total 1 {NOON}\n# EOF\n", 2, "stands after # EOF"),
        (f"requests_total 1.2.3 {NOON}\n# EOF\n", 1, "the value '1.2.3' is no number"),
        (f"requests_total one {NOON}\n# EOF\n", 1, "is no metric"),
        ("requests_total 1 noon\n# EOF\n", 1, "the timestamp 'noon' is no time"),
        ("requests_total 1 nan\n# EOF\n", 1, "is no time"),
        (f"requests_total 1 {NOON}000\n# EOF\n", 1, "would be"),
        (f'requests_total{{a="1",a="2"}} 1 {NOON}\n# EOF\n', 1, "each name once"),
        (f'requests_total{{1="1"}} 1 {NOON}\n# EOF\n', 1, "cannot be read"),
        (f'other_total{{a="1}} 1 {NOON}\n# EOF\n', 1, "is no metric"),
        (f"others_total 1 {NOON}\n# EOF\n", 1, "holds no sample of what the objectives count"),
        ("", 1, "breaks off"),
        (b'requests_total{a="\xff"} 1 1795262400\n# EOF\n', 1, "is not text"),
    ],
)  # fmt: skip
def test_what_cannot_be_read_is_told_with_its_line(file, text, place, words):
    """File, line and what is wrong; never a traceback, never a guess."""
    path = file(text)
    told = wrong(path)[0]
    assert told.startswith(f"{path}:{place}:1: ")
    assert words in told


def test_seconds_without_eof_are_not_taken_for_milliseconds(file):
    """A truncated OpenMetrics file under another name would be read as the year 1970."""
    told = wrong(file(f"requests_total 1 {NOON}\n", "past.txt"))[0]
    assert "would be in the year 1970" in told
    assert "# EOF" in told


def test_at_most_ten_problems_are_told(file):
    """A file of something else is not repeated to its reader."""
    assert len(wrong(file("junk here\n" * 100))) == 10


def test_a_file_that_is_not_there_is_a_sentence(tmp_path):
    """Or a folder in its place."""
    assert "cannot be read: No such file" in wrong(tmp_path / "none.om")[0]
    assert "cannot be read: Is a directory" in wrong(tmp_path)[0]


def test_what_goes_back_in_time_is_left_out_and_told(file):
    """A clock that jumped back makes no restarts up: as in Prometheus, what is out of order does not count."""
    text = "".join(f"requests_total {10 + count} {NOON + at}\n" for count, at in enumerate((0, 15, 30, 5, 20, 45)))
    found = read(file(text + "# EOF\n"), [REQUESTS])
    assert found.batch.value.tolist() == [10, 11, 12, 15]
    assert found.late == 2
    assert list(lines(found)) == [f"{found.file}:4: 2 samples go back in time and did not count"]


async def test_stretches_hold_every_sample_once(file):
    """Whole steps each, samples at a border in one of them only."""
    text = "".join(f"requests_total {count} {NOON + 15 * count}\n" for count in range(4000))
    found = read(file(text + "# EOF\n"), [REQUESTS])
    begin = datetime.fromtimestamp(NOON - 60, UTC)
    taken = [
        (upto, batch.at.tolist())
        async for upto, batch in found.recall([REQUESTS], begin, found.last, timedelta(seconds=15))
    ]
    assert [at for _, held in taken for at in held] == found.batch.at.tolist()
    assert taken[-1][0] == found.last
    assert len(taken) == 3
    assert all((upto - begin) % timedelta(seconds=15) == timedelta(0) for upto, _ in taken)
