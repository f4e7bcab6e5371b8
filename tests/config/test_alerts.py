"""`alerts:` of `tocsin.yaml`: senders become values, and every mistake is told at its place."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest

from bot.intake.sender import Basic, Bearer, Signed
from tests.config.folder import TOCSIN, Folder

FULL = """\
alerts:
  - name: prod-am
    kind: alertmanager
    auth: {bearer: {env: AM_TOKEN}}
    services: [scoring]
    default_service: scoring
    severities: {Havoc: sev1, warning: sev4}
    max_body: 2000000
    expect_every: 10m
    watchdog: Watchdog
    pull: {url: 'http://127.0.0.1:9093/', every: 30s, receiver: tocsin}
  - name: grafana
    kind: grafana
    auth:
      hmac: {secret: {env: HOOK}, header: X-Grafana-Alerting-Signature, timestamp_header: X-Time, tolerance: 1m}
    service_label: team
  - name: homegrown
    kind: generic
    auth: {basic: {user: hook, password: {env: HOOK}}}
    mapping: {fingerprint: event.id, title: /event/na~1me, over: [Gone]}
"""


@pytest.fixture
def folder(tmp_path: Path) -> Folder:
    made = Folder(tmp_path)
    made.environ |= {"AM_TOKEN": "t-1", "HOOK": "h-1"}
    return made


def test_senders_are_read_as_they_are_written(folder: Folder) -> None:
    """With their secrets looked up, what they may speak for, their words, and where they can be asked."""
    folder.write("tocsin.yaml", TOCSIN + FULL)
    am, grafana, own = folder.load().alerts
    assert am.sender.auth == Bearer("t-1")
    assert (am.sender.services, am.sender.bound, am.sender.default_service) == (frozenset({"scoring"}), True, "scoring")
    assert [am.sender.severities[word] for word in ("havoc", "warning", "critical")] == [1, 4, 1]
    assert am.sender.max_body == 2_000_000
    assert (am.expect_every, am.sender.watchdog) == (timedelta(minutes=10), "Watchdog")
    assert (grafana.expect_every, grafana.sender.watchdog) == (None, "")
    assert am.pull is not None
    assert (am.pull.url, am.pull.every, am.pull.receiver) == (
        "http://127.0.0.1:9093", timedelta(seconds=30), "tocsin",
    )  # fmt: skip
    assert grafana.sender.auth == Signed("h-1", "X-Grafana-Alerting-Signature", "", "X-Time", timedelta(minutes=1))
    assert (grafana.sender.services, grafana.sender.bound) == (frozenset({"scoring", "features"}), False)
    assert (grafana.sender.service_label, grafana.pull) == ("team", None)
    assert own.sender.auth == Basic("hook", "h-1")
    assert own.sender.mapped.paths == {"fingerprint": ("event", "id"), "title": ("event", "na/me")}
    assert own.sender.mapped.over == frozenset({"gone"})
    assert "t-1" not in repr(am.sender)
    assert "h-1" not in repr(own.sender) + repr(grafana.sender)


def test_a_signature_is_looked_for_where_its_kind_puts_it(folder: Folder) -> None:
    """Where no header is named: Grafana's two, elsewhere X-Signature; one that is named is the only one."""
    hmac = "auth: {{hmac: {{secret: {{env: HOOK}}{more}}}}}}}\n"
    kinds = (("a", "grafana", ""), ("b", "generic", ""), ("c", "grafana", ", header: X-Mine"))
    lines = [f"  - {{name: {name}, kind: {kind}, {hmac.format(more=more)}" for name, kind, more in kinds]
    folder.write("tocsin.yaml", TOCSIN + "alerts:\n" + "".join(lines))
    found = [(each.sender.auth.header, each.sender.auth.or_header) for each in folder.load().alerts]
    assert found == [("X-Grafana-Alerting-Signature", "X-Grafana-Alert-Signature"), ("X-Signature", ""), ("X-Mine", "")]


def test_nobody_sends_where_nothing_is_written(folder: Folder) -> None:
    """The part may be left out."""
    assert folder.load().alerts == ()


START = len(TOCSIN.splitlines()) + 1


@pytest.mark.parametrize(
    ("written", "line", "told"),
    [
        ("- {name: a, kind: alertmanager, auth: {bearer: open-sesame}}", 1, "a secret must be a reference: bearer"),
        ("- {name: a, kind: grafana, auth: {hmac: {secret: open}}}", 1, "a secret must be a reference: secret"),
        ("- {name: a, kind: nagios, auth: {bearer: {env: HOOK}}}", 1, "kind is 'nagios'"),
        ("- {name: A b, kind: grafana, auth: {bearer: {env: HOOK}}}", 1, "'A b' cannot stand in an address"),
        ("- {name: a, kind: grafana, auth: {bearer: {env: NONE}}}", 1, "the environment has no NONE"),
        ("- {name: a, kind: grafana}", 1, "'auth' is missing"),
        ("- {name: a, kind: grafana, auth: {}}", 1, "auth is exactly one of bearer, hmac and basic"),
        ("- {name: a, kind: grafana, auth: {bearer: {env: HOOK}}, services: [scorin]}", 1, "did you mean 'scoring'"),
        (
            "- {name: a, kind: grafana, auth: {bearer: {env: HOOK}}, services: [scoring], default_service: features}",
            1,
            "'features' is not one of those",
        ),
        ("- {name: a, kind: grafana, auth: {bearer: {env: HOOK}}, default_service: none}", 1, "no service 'none'"),
        (
            "- {name: a, kind: grafana, auth: {bearer: {env: HOOK}}, pull: {url: 'http://h:1'}}",
            1,
            "cannot be asked what fires",
        ),
        (
            "- {name: a, kind: alertmanager, auth: {bearer: {env: HOOK}}, mapping: {title: x}}",
            1,
            "takes no mapping",
        ),
        (
            "- {name: a, kind: generic, auth: {bearer: {env: HOOK}}, mapping: {titel: x}}",
            1,
            "nothing is called 'titel'; did you mean 'title'",
        ),
        ("- {name: a, kind: generic, auth: {bearer: {env: HOOK}}, mapping: {title: a..b}}", 1, "'a..b' is no path"),
        ("- {name: a, kind: generic, auth: {bearer: {env: HOOK}}, severities: {bad: sev9}}", 1, "sev9"),
        (
            "\n  ".join(["- {name: a, kind: grafana, auth: {bearer: {env: HOOK}}}"] * 2),
            2,
            "two senders are called 'a', first in line",
        ),
        ("- {name: a, kind: grafana, auth: {bearer: {env: HOOK}}, expect_every: 5s}", 1, "expect_every"),
        ("- {name: a, kind: grafana, auth: {bearer: {env: HOOK}}, secrte: 1}", 1, "unknown key 'secrte'"),
    ],
)
def test_what_is_wrong_is_told_at_its_place(folder: Folder, written: str, line: int, told: str) -> None:
    """One sentence with file and line, and never the secret."""
    folder.write("tocsin.yaml", f"{TOCSIN}alerts:\n  {written}\n")
    problems = folder.told()
    assert len(problems) == 1, problems
    assert problems[0].startswith(f"tocsin.yaml:{START + line}:")
    assert told in problems[0]
    assert "open-sesame" not in problems[0]


def test_alerts_that_are_no_list_are_told(folder: Folder) -> None:
    """A map in place of the list."""
    folder.write("tocsin.yaml", f"{TOCSIN}alerts: {{name: a}}\n")
    assert [each for each in folder.told() if "alerts" in each]
