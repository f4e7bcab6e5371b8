"""The rule file for Prometheus and Alertmanager: sound, and each alert fires on what it is for and on nothing else.

Real here: promtool (Debian's prometheus package) checks the file, and runs its rules on series over time.
"""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import pytest
import yaml

from bot.engine.vitals import Vitals
from bot.words import house
from tests.parts import Hands, binary

pytestmark = pytest.mark.real
RULES = house() / "templates" / "monitoring" / "tocsin-alerts.rules.yaml"

WELL = {
    'up{job="tocsin", instance="a"}': "1x60",
    'up{job="tocsin", instance="b"}': "1x60",
    'tocsin_database_up{job="tocsin", instance="a"}': "1x60",
    'tocsin_poll_age_seconds{job="tocsin", instance="a"}': "7x60",
    'tocsin_dead_letters{job="tocsin", instance="a"}': "0x60",
    'tocsin_inbox_waiting_seconds{job="tocsin", instance="a"}': "0x60",
    'tocsin_reconcile_waiting_seconds{job="tocsin", instance="a"}': "0x60",
    'tocsin_unreadable_incidents{job="tocsin", instance="a"}': "0x60",
    'tocsin_house_troubles{job="tocsin", instance="a", kind="database"}': "0x60",
    'tocsin_heartbeats_total{job="tocsin", instance="a"}': "0+1x60",
    'tocsin_heartbeat_failures_total{job="tocsin", instance="a"}': "0x60",
    **{
        f'tocsin_slo_events_total{{job="tocsin", instance="a", slo="{slo}"}}': f"0+{rate}x60"
        for slo, rate in (("polls", 4), ("pages", 1), ("webhooks", 100), ("looks", 10))
    },
    **{
        f'tocsin_slo_errors_total{{job="tocsin", instance="a", slo="{slo}"}}': "0x60"
        for slo in ("polls", "pages", "webhooks", "looks")
    },
    **{
        f'tocsin_slo_objective_ratio{{job="tocsin", instance="a", slo="{slo}"}}': f"{target}x60"
        for slo, target in (("polls", 0.99), ("pages", 0.99), ("webhooks", 0.999), ("looks", 0.99))
    },
}
"""An hour in which all is well, a sample a minute; replica b is only seen to be up."""


def of(start: str, slo: str = "") -> str:
    """The one series of the healthy hour whose name begins so."""
    (found,) = [name for name in WELL if name.startswith(f"{start}{{") and (not slo or f'slo="{slo}"' in name)]
    return found


UP_A, UP_B = (f'up{{job="tocsin", instance="{name}"}}' for name in "ab")
CASES: dict[str, tuple[dict[str, str | None], set[str]]] = {
    "all is well": ({}, set()),
    "down": ({UP_A: "1x20 0x39", UP_B: "1x20 0x39"}, {"TocsinDown"}),
    "never there": ({UP_A: None, UP_B: None}, {"TocsinDown"}),
    "one replica is down": ({UP_B: "1x20 0x39"}, {"TocsinReplicaDown"}),
    "the database is silent": ({of("tocsin_database_up"): "1x20 0x39"}, {"TocsinDatabaseSilent"}),
    "nothing is polled": ({of("tocsin_poll_age_seconds"): "7x20 60+60x39"}, {"TocsinNotPolling"}),
    "not asked yet": ({of("tocsin_poll_age_seconds"): None}, set()),
    "polls are late": (
        {of("tocsin_slo_errors_total", "polls"): "0x20 0+4x39"},
        {"TocsinPollsLate", "TocsinBurnsItsBudget"},
    ),
    "a page came too late": (
        {of("tocsin_slo_errors_total", "pages"): "0x55 1x4"},
        {"TocsinPagesNotDelivered"},
    ),
    "webhooks are turned away": ({of("tocsin_slo_errors_total", "webhooks"): "0x20 0+50x39"}, {"TocsinBurnsItsBudget"}),
    "a webhook was turned away": ({of("tocsin_slo_errors_total", "webhooks"): "0x20 1x39"}, set()),
    "a quiet hour": ({of("tocsin_slo_events_total", name): "5x60" for name in ("pages", "webhooks", "looks")}, set()),
    "the inbox stands": ({of("tocsin_inbox_waiting_seconds"): "0x20 0+60x39"}, {"TocsinInboxNotDrained"}),
    "the inbox is busy": ({of("tocsin_inbox_waiting_seconds"): "100x60"}, set()),
    "nothing is acted on": ({of("tocsin_reconcile_waiting_seconds"): "0x20 0+60x39"}, {"TocsinNotActing"}),
    "a busy minute": ({of("tocsin_reconcile_waiting_seconds"): "50x60"}, set()),
    "an incident cannot be read": (
        {of("tocsin_unreadable_incidents"): "0x20 1x39"},
        {"TocsinIncidentsUnreadable"},
    ),
    "work was given up": ({of("tocsin_dead_letters"): "0x50 1x9"}, {"TocsinDeadLetters"}),
    "a trouble": ({of("tocsin_house_troubles"): "0x20 1x39"}, {"TocsinInTrouble"}),
    "a short trouble": ({of("tocsin_house_troubles"): "0x54 1x5"}, set()),
    "the heartbeat is refused": (
        {of("tocsin_heartbeats_total"): "5x60", of("tocsin_heartbeat_failures_total"): "0+1x60"},
        {"TocsinHeartbeatNotTaken"},
    ),
    "a beat is refused": ({of("tocsin_heartbeat_failures_total"): "0x40 1x19"}, set()),
}


def promtool(*line: str, cwd: Path) -> subprocess.CompletedProcess[str]:
    program = binary("promtool")
    return subprocess.run([program, *line], capture_output=True, text=True, timeout=60, check=False, cwd=cwd)


def alerts() -> dict[str, dict[str, object]]:
    groups = yaml.safe_load(RULES.read_text())["groups"]
    return {rule["alert"]: rule for group in groups for rule in group["rules"] if "alert" in rule}


def test_the_file_is_sound(tmp_path: Path) -> None:
    """Promtool reads every rule, expression and template; each alert says in words what is wrong and how urgent."""
    found = promtool("check", "rules", str(RULES), cwd=tmp_path)
    assert found.returncode == 0, found.stderr
    assert "17 rules found" in found.stdout
    for name, rule in alerts().items():
        assert set(rule["annotations"]) == {"summary", "description"}, name
        assert rule["labels"]["severity"] in {"page", "ticket"}, name


def test_every_metric_it_names_is_one_of_ours() -> None:
    """A rule on a name that nobody exposes would never fire."""
    ours = {one.name for family in Vitals(Hands()).registry.collect() for one in family.samples}
    named = set(re.findall(r"\btocsin_\w+", RULES.read_text()))
    beside = {
        "tocsin_poll_age_seconds",
        "tocsin_house_troubles",
    }  # the console's, and one without a trouble has no sample
    assert named - ours == beside


def _fires(name: str, fires: bool) -> dict[str, object]:
    """Whether an alert fires at the end of the hour, whatever it says, by what Prometheus keeps of its alerts."""
    expr = f'count(ALERTS{{alertname="{name}", alertstate="firing"}}) or vector(0)'
    return {"expr": expr, "eval_time": "59m", "exp_samples": [{"labels": "{}", "value": int(fires)}]}


@pytest.mark.parametrize("case", CASES)
def test_each_alert_fires_on_what_it_is_for(case: str, tmp_path: Path) -> None:
    """On an hour of series in which one thing is wrong: that alert and no other, as promtool runs the rules."""
    changes, expected = CASES[case]
    series = {name: values for name, values in {**WELL, **changes}.items() if values is not None}
    test = {
        "rule_files": [str(RULES)],
        "evaluation_interval": "1m",
        "tests": [
            {
                "interval": "1m",
                "input_series": [{"series": name, "values": values} for name, values in series.items()],
                "promql_expr_test": [_fires(name, name in expected) for name in alerts()],
            }
        ],
    }
    (tmp_path / "test.yaml").write_text(yaml.safe_dump(test))
    found = promtool("test", "rules", "test.yaml", cwd=tmp_path)
    assert found.returncode == 0, f"{found.stdout}\n{found.stderr}"
