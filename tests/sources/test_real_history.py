"""Against Prometheus itself: a month it stored is replayed from its raw samples, gaps where they were."""

from __future__ import annotations

import contextlib
import json
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx
import numpy as np
import pytest

from bot.cli._main import run
from bot.slo.grid import to_ms
from bot.slo.spec import Selector
from bot.sources.prometheus import Prometheus
from tests.parts import Hands, binary, free_port, running

pytestmark = [pytest.mark.real, pytest.mark.long, pytest.mark.xdist_group("history")]

EVERY, RATE = 15, 10
DAYS = 30
AFTER = 2 * 3600 + 900  # seconds of data behind the month's end
SELECTOR = Selector.parse("requests_total")

HOUSE = """
organisation: {{name: Example}}
sources: {{prometheus: {{kind: prometheus, url: "http://127.0.0.1:{port}"}}}}
"""
SERVICE = """
name: checkout
owner: payments
"""
OBJECTIVE = """
apiVersion: openslo/v1
kind: SLO
metadata:
  name: answers
  annotations: {tocsin.dev/missing-bad: zero}
spec:
  service: checkout
  budgetingMethod: Occurrences
  timeWindow: [{duration: 30d, isRolling: true}]
  objectives: [{target: 0.999}]
  indicator:
    metadata: {name: answers}
    spec:
      ratioMetric:
        counter: true
        bad: {metricSource: {metricSourceRef: prometheus, spec: {query: 'requests_total{code="500"}'}}}
        total: {metricSource: {metricSourceRef: prometheus, spec: {query: requests_total}}}
"""


@dataclass(frozen=True)
class Month:
    """What a server holds, and when: an outage of ten minutes, and an hour without a scrape."""

    port: int
    file: Path
    begin: datetime

    @property
    def end(self) -> datetime:
        return self.begin + timedelta(days=DAYS)

    @property
    def outage(self) -> datetime:
        return self.begin + timedelta(days=20, hours=3)

    @property
    def gap(self) -> datetime:
        return self.begin + timedelta(days=25)


def lines_of(month: Month) -> Iterator[str]:
    """Two counters as OpenMetrics until a little after now."""
    at = np.arange((DAYS * 86400 + AFTER) // EVERY + 1) * EVERY
    begun = (month.outage - month.begin).total_seconds()
    share = np.where((at > begun) & (at <= begun + 600), 1.0, 0.0003)
    failed = np.random.default_rng(7).binomial(RATE * EVERY, share)
    gap = (month.gap - month.begin).total_seconds()
    there = (at <= gap) | (at > gap + 3600)
    yield "# TYPE requests counter\n"
    for code, counted in (("200", RATE * EVERY - failed), ("500", failed)):
        for stamp, value in zip(at[there].tolist(), np.cumsum(counted)[there].tolist(), strict=True):
            yield f'requests_total{{code="{code}"}} {value} {month.begin.timestamp() + stamp:.0f}\n'
    yield "# EOF\n"


@pytest.fixture(scope="module")
def stored(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Month]:
    """A Prometheus whose blocks hold a month, and the file they were made of.

    The month ended an hour ago, for a server drops what is older than its retention counted from now; it is reckoned
    here, not where this file is read, for a whole run may reach these tests an hour later.
    """
    folder: Path = tmp_path_factory.mktemp("history")
    hour = datetime.now(UTC).replace(minute=0, second=0, microsecond=0)
    month = Month(0, folder / "month.om", hour - timedelta(days=DAYS, hours=1))
    file = month.file
    with file.open("w") as out:
        out.writelines(lines_of(month))
    made = [binary("promtool"), "tsdb", "create-blocks-from", "openmetrics", str(file), str(folder / "data")]
    subprocess.run(made, check=True, capture_output=True, timeout=120)
    (folder / "prometheus.yml").write_text("global: {}\n")
    month = replace(month, port=free_port())
    command = [
        binary("prometheus"), "--config.file=prometheus.yml", "--storage.tsdb.path=data",
        "--storage.tsdb.retention.time=1y", f"--web.listen-address=127.0.0.1:{month.port}",
    ]  # fmt: skip

    def ready() -> bool:
        with contextlib.suppress(httpx.HTTPError):
            return httpx.get(f"http://127.0.0.1:{month.port}/-/ready", trust_env=False).status_code == 200
        return False

    with running(command, ready, within=60, cwd=folder):
        yield month


@pytest.fixture
def house(stored, tmp_path: Path) -> Path:
    (tmp_path / "slos").mkdir()
    (tmp_path / "services").mkdir()
    (tmp_path / "tocsin.yaml").write_text(HOUSE.format(port=stored.port))
    (tmp_path / "services" / "checkout.yaml").write_text(SERVICE)
    (tmp_path / "slos" / "answers.yaml").write_text(OBJECTIVE)
    return tmp_path


async def test_every_raw_sample_comes_once_in_order(stored):
    """Stretch by stretch, with the times of the scrapes; where there was none, there is none."""
    source = Prometheus(Prometheus.Settings(url=f"http://127.0.0.1:{stored.port}"), clock=Hands())
    seen, ends = [], []
    begin, end = stored.gap - timedelta(hours=7, seconds=7), stored.gap + timedelta(hours=3)
    async for upto, batch in source.recall([SELECTOR], begin, end, timedelta(seconds=15)):
        seen += batch.at.tolist()
        ends.append(upto)
    await source.close()
    assert (ends[-1], ends) == (end, sorted(ends))
    assert len(ends) > 1
    assert all((each - begin) % timedelta(seconds=15) == timedelta(0) for each in ends[:-1])
    wanted = np.arange(to_ms(begin) // 15000 + 1, to_ms(end) // 15000 + 1) * 15000
    wanted = wanted[(wanted <= to_ms(stored.gap)) | (wanted > to_ms(stored.gap) + 3_600_000)]
    assert sorted(seen) == sorted([*wanted.tolist(), *wanted.tolist()])


def test_a_month_is_replayed_in_seconds(stored, house, capsys):
    """Thirty days by fifteen seconds: one page within a step of its time, an hour UNKNOWN; the file says the same."""
    begun = time.monotonic()
    words = ["--start", stored.begin.isoformat(), "--end", stored.end.isoformat(), "--step", "15s", "--json"]
    assert run(["replay", "-c", str(house / "tocsin.yaml"), *words]) == 0
    taken = time.monotonic() - begun
    out = capsys.readouterr().out
    *lines, closing = [json.loads(each) for each in out.splitlines()]
    assert [each["to"] for each in lines] == ["OK", "NOTICE", "PAGE", "RECOVERING", "OK", "UNKNOWN", "OK"]
    page, unknown, back = lines[2], lines[5], lines[6]
    late = (datetime.fromisoformat(page["at"]) - stored.outage).total_seconds()
    assert 0 < late <= 0.75 * 51.84 + 15
    assert abs((datetime.fromisoformat(page["onset"]) - stored.outage).total_seconds()) <= 15
    assert timedelta(0) < datetime.fromisoformat(unknown["at"]) - stored.gap <= timedelta(seconds=90)
    assert datetime.fromisoformat(back["at"]) - stored.gap <= timedelta(hours=1, seconds=30)
    assert (closing["pages"], closing["no_data"], len(closing["budget_by_day"]["answers"])) == (1, 1, DAYS + 1)
    assert run(["replay", "--slos", str(house / "slos"), "--metrics", str(stored.file), *words]) == 0
    assert capsys.readouterr().out == out
    with capsys.disabled():
        sys.stdout.write(f"\n30 days by 15 s replayed against Prometheus in {taken:.1f} s (goal: 10 s)\n")


@pytest.mark.parametrize(("freeze", "wanted"), [("10%", 0), ("90%", 1)])
def test_the_gate_counts_the_past_where_no_server_runs(stored, house, capsys, freeze, wanted):
    """The outage took a quarter of the month's budget, the usual failures a third: enough for one policy only."""
    (house / "budget-policy.yaml").write_text(f"freeze_below: {freeze}\n")
    assert run(["gate", "checkout", "-c", str(house / "tocsin.yaml"), "--json"]) == wanted
    answer = json.loads(capsys.readouterr().out)
    assert (answer["from"], answer["allowed"]) == ("history", wanted == 0)
    assert answer["reasons"][0]["budget_remaining"] == pytest.approx(1 - 0.3 - 600 / 2592, abs=0.03)
