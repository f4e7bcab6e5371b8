"""Live: ten services fail one after another; how long until the product says so, and until Alertmanager does.

A real Prometheus scrapes them every 15 s and has six hours of their past. The product polls it every 15 s; beside it, in the
same run, Sloth's multiwindow rules are evaluated every 30 s (its own windows and factors, as `sloth generate` writes
them) and a real Alertmanager with its default group_wait of 30 s tells a webhook of ours. Both see the same samples.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from http.server import BaseHTTPRequestHandler
from pathlib import Path

import httpx
import pytest

from bot.clock import SystemClock
from bot.domain.policy import Policy
from bot.engine.handle import Handler
from bot.engine.watch import Watch
from bot.slo.spec import Indicator, Selector, Slo
from bot.sources.prometheus import Prometheus
from bot.store import Store
from tests.parts import binary, free_port, running
from tests.serving import served

pytestmark = [pytest.mark.real, pytest.mark.nightly, pytest.mark.xdist_group("live")]

SERVICES = [f"svc{number}" for number in range(10)]
RATE = 10.0  # requests a second
PAST = 6 * 3600 + 900
SCRAPE = 15
WARM, APART = 50.0, 13.0  # seconds before the first outage, and between two
LONGEST = WARM + APART * len(SERVICES) + 240
BUDGET = 0.001

CONFIG = """
global: {{scrape_interval: 15s, evaluation_interval: 30s}}
rule_files: [rules.yml]
alerting: {{alertmanagers: [{{static_configs: [{{targets: ["127.0.0.1:{alertmanager}"]}}]}}]}}
scrape_configs:
- job_name: api
  static_configs:
{targets}
"""
TARGET = '  - {{targets: ["127.0.0.1:{port}"], labels: {{__metrics_path__: /{service}, instance: {service}}}}}'
ALERTMANAGER = """
route: {{receiver: hook, group_by: [alertname, service]}}
receivers: [{{name: hook, webhook_configs: [{{url: "http://127.0.0.1:{hook}/", send_resolved: false}}]}}]
"""


@dataclass
class Fleet:
    """Ten services whose counters are functions of time, and when each began to fail."""

    start: float
    failed: dict[str, float] = field(default_factory=dict)

    def counted(self, service: str, at: float) -> tuple[int, int]:
        """Requests answered and failed; 3 in 10,000 fail while all is well."""
        failed = self.failed.get(service, at)
        well = int(RATE * (min(at, failed) - self.start))
        lost = int(RATE * (at - self.start)) - well if at > failed else 0
        return well - well * 3 // 10_000, lost + well * 3 // 10_000

    def page(self, service: str) -> str:
        good, bad = self.counted(service, time.time())
        name = f'requests_total{{service="{service}",code='
        return f'# TYPE requests_total counter\n{name}"200"}} {good}\n{name}"500"}} {bad}\n'

    def past(self, until: float) -> Iterator[str]:
        """Six hours before `until` as promtool takes them."""
        yield "# TYPE requests counter\n"
        for service in SERVICES:
            for place, code in enumerate(("200", "500")):
                name = f'requests_total{{service="{service}",code="{code}",instance="{service}",job="api"}}'
                for at in range(int(until) - PAST, int(until), SCRAPE):
                    yield f"{name} {self.counted(service, at)[place]} {at}\n"
        yield "# EOF\n"


@dataclass
class Told:
    """When each service was first told of, in seconds since 1970."""

    notice: dict[str, float] = field(default_factory=dict)
    page: dict[str, float] = field(default_factory=dict)
    webhook: dict[str, float] = field(default_factory=dict)

    @property
    def all(self) -> bool:
        return all(len(each) == len(SERVICES) for each in (self.notice, self.page, self.webhook))


@contextlib.contextmanager
def listening(fleet: Fleet, told: Told) -> Iterator[int]:
    """One port: `/svcN` is a service's metrics, and a POST is Alertmanager's webhook."""

    class Door(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self._answer(fleet.page(self.path.strip("/")).encode())

        def do_POST(self) -> None:
            given = json.loads(self.rfile.read(int(self.headers["content-length"])))
            for alert in given["alerts"]:
                told.webhook.setdefault(alert["labels"]["service"], time.time())
            self._answer(b"")

        def _answer(self, body: bytes) -> None:
            self.send_response(200)
            self.send_header("content-type", "text/plain; version=0.0.4")
            self.send_header("content-length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *args: object) -> None:
            """Quiet."""

    with served(Door) as port:
        yield port


def rules() -> dict[str, object]:
    """Each service's rules in Sloth's form: ratios recorded in one group, alerts in another."""
    groups: list[dict[str, object]] = []
    for service in SERVICES:
        recorded = []
        for window in ("5m", "30m", "1h", "6h"):
            bad, total = (f'requests_total{{service="{service}"{more}}}[{window}]' for more in (',code=~"5.."', ""))
            ratio = f"(sum(rate({bad})))\n/\n(sum(rate({total})))"
            recorded.append(
                {"record": f"slo:sli_error:ratio_rate{window}", "expr": ratio, "labels": {"service": service}}
            )
        burns = " or ".join(
            f'(max(slo:sli_error:ratio_rate{short}{{service="{service}"}} > ({factor} * {BUDGET})) without (x)'
            f' and max(slo:sli_error:ratio_rate{long}{{service="{service}"}} > ({factor} * {BUDGET})) without (x))'
            for short, long, factor in (("5m", "1h", 14.4), ("30m", "6h", 6))
        )
        alert = {"alert": "HighErrorRate", "expr": burns, "labels": {"service": service, "severity": "page"}}
        groups.append({"name": f"sloth-slo-sli-recordings-{service}", "rules": recorded})
        groups.append({"name": f"sloth-slo-alerts-{service}", "rules": [alert]})
    return {"groups": groups}


def objective(service: str) -> Slo:
    bad, total = (Selector.parse(f'requests_total{{service="{service}"{more}}}') for more in (',code=~"5.."', ""))
    return Slo(
        service, service, Indicator("bad", bad, total, "zero"), 1 - BUDGET, timedelta(days=30), source="prometheus"
    )


@contextlib.contextmanager
def monitored(folder: Path, fleet: Fleet, told: Told) -> Iterator[str]:
    """Prometheus with the past and the rules, and Alertmanager behind it; Prometheus's address."""
    programs = [binary(name) for name in ("prometheus", "promtool", "prometheus-alertmanager")]
    prometheus, promtool, alertmanager = programs
    (folder / "past.txt").write_text("".join(fleet.past(time.time())))
    command = [promtool, "tsdb", "create-blocks-from", "openmetrics", "past.txt", "data"]
    subprocess.run(command, cwd=folder, stdin=subprocess.DEVNULL, capture_output=True, check=True)
    aside = folder / "alertmanager"
    aside.mkdir()
    with listening(fleet, told) as port:
        listen, alerts = free_port(), free_port()
        (aside / "config.yml").write_text(ALERTMANAGER.format(hook=port))
        (folder / "rules.yml").write_text(json.dumps(rules()))
        targets = "\n".join(TARGET.format(port=port, service=service) for service in SERVICES)
        (folder / "prometheus.yml").write_text(CONFIG.format(alertmanager=alerts, targets=targets))
        url = f"http://127.0.0.1:{listen}"
        first = [alertmanager, "--config.file=config.yml", "--storage.path=data", "--cluster.listen-address="]
        second = [prometheus, "--config.file=prometheus.yml", "--storage.tsdb.path=data"]
        with (
            running([*first, f"--web.listen-address=127.0.0.1:{alerts}"], lambda: _ready(alerts), within=60, cwd=aside),
            running(
                [*second, f"--web.listen-address=127.0.0.1:{listen}"], lambda: _ready(listen), within=60, cwd=folder
            ),
        ):
            yield url


def _ready(port: int) -> bool:
    with contextlib.suppress(httpx.HTTPError):
        return httpx.get(f"http://127.0.0.1:{port}/-/ready", trust_env=False).status_code == 200
    return False


async def watching(url: str, folder: Path, told: Told, longest: float) -> None:
    """The product's watch on its own clock, told to a log on the disk, until all is told; when each verdict was there."""
    clock = SystemClock()
    store = await Store.open(f"sqlite+aiosqlite:///{folder / 'tocsin.db'}", clock)
    source = Prometheus(Prometheus.Settings(url=url), clock=clock)
    watch = Watch(
        slos=[objective(service) for service in SERVICES],
        sources={"prometheus": source},
        services={},
        handler=Handler(store.log, clock, Policy()),
        checkpoints=store.checkpoints,
        every=timedelta(seconds=15),
    )
    begun = due = time.monotonic()
    try:
        while not told.all and due < begun + longest:
            await watch.tick()
            for service in SERVICES:
                verdict = watch.verdicts[service]
                if verdict.severity is not None:
                    told.notice.setdefault(service, time.time())
                if verdict.severity == "page":
                    told.page.setdefault(service, time.time())
            due += SCRAPE
            await asyncio.sleep(max(0.0, due - time.monotonic()))
    finally:
        await source.close()
        await store.close()


def _line(words: str, took: Sequence[float]) -> str:
    return (
        f"  {words:<44} median {statistics.median(took):6.1f} s, {min(took):.1f} to {max(took):.1f} s (n = {len(took)})"
    )


async def test_ten_outages_beside_sloths_rules_and_alertmanager(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Each outage is noticed and paged once begun, never before; and sooner than by the webhook of the other road."""
    fleet, told = Fleet(time.time() - PAST - 60), Told()
    with monitored(tmp_path, fleet, told) as url:
        async with asyncio.TaskGroup() as beside:
            beside.create_task(watching(url, tmp_path, told, LONGEST))
            await asyncio.sleep(WARM)
            before = Told(dict(told.notice), dict(told.page), dict(told.webhook))
            for service in SERVICES:
                fleet.failed[service] = time.time()
                await asyncio.sleep(APART)
    assert before == Told()
    took = [
        [at[service] - fleet.failed[service] for service in SERVICES] for at in (told.notice, told.page, told.webhook)
    ]
    notice, page, webhook = took
    with capsys.disabled():
        lines = [
            "\n  from the outage of a service with 10 requests a second, scraped every 15 s",
            _line("NOTICE, polled every 15 s", notice),
            _line("PAGE, polled every 15 s", page),
            _line("Sloth's rules every 30 s, Alertmanager's hook", webhook),
        ]
        sys.stdout.write("\n".join([*lines, ""]))
    assert min(notice) > 0
    assert statistics.median(notice) <= 30
    assert statistics.median(page) <= 65
    assert statistics.median(page) < statistics.median(webhook)
