"""Sloth's alerts, their windows, and the plugins that change them (slok/sloth: examples/windows, plugins' READMEs)."""

from datetime import timedelta

import pytest

from bot.config.sloth import gather
from bot.slo.spec import default_tiers
from tests.config.reading import gathered, sound, told
from tests.config.test_sloth import START, change, one


def test_the_alerts_of_thirty_days():
    """2 % in 1 h and 5 % in 6 h page, 10 % in 1 d and in 3 d ticket: 14.4×, 6×, 3× and 1× (windows/google-30d.yaml)."""
    tiers = one(START).tiers
    assert [(each.severity, each.long, each.short) for each in tiers] == [
        (each.severity, each.long, each.short) for each in default_tiers(timedelta(days=30))
    ]
    assert [each.factor for each in tiers] == pytest.approx([14.4, 6, 3, 1])
    assert [each.name for each in tiers] == ["page quick", "page slow", "ticket quick", "ticket slow"]


# examples/windows/7d.yaml and custom-30d.yaml
WINDOWS = """\
apiVersion: sloth.slok.dev/v1
kind: AlertWindows
spec:
  sloPeriod: 7d
  page:
    quick: {errorBudgetPercent: 8, shortWindow: 5m, longWindow: 1h}
    slow: {errorBudgetPercent: 12.5, shortWindow: 30m, longWindow: 6h}
  ticket:
    quick: {errorBudgetPercent: 20, shortWindow: 2h, longWindow: 1d}
    slow: {errorBudgetPercent: 42, shortWindow: 6h, longWindow: 3d}
"""


@pytest.mark.parametrize(
    ("period", "factors"),
    [("7d", [13.44, 3.5, 1.4, 0.98]), ("28d", [53.76, 14, 5.6, 3.92]), ("4w", [53.76, 14, 5.6, 3.92])],
)
def test_alert_windows_beside_a_file(period, factors):
    """The factor is the share of the budget times the period over the long window; the period is the objective's."""
    found = one(START, WINDOWS.replace("7d", period))
    assert found.window == timedelta(days=7 if period == "7d" else 28)
    assert [each.factor for each in found.tiers] == pytest.approx(factors)
    assert found.tiers[0].long == timedelta(hours=1)


def test_twenty_eight_days_with_the_workbooks_shares():
    """Sloth's own windows for 28 d: the same shares of a smaller budget make 13.44×, 5.6×, 2.8× and 0.93×."""
    shares = change(
        ("8, s", "2, s"), ("12.5, s", "5, s"), ("20, s", "10, s"), ("42, s", "10, s"), ("7d", "28d"), text=WINDOWS
    )
    assert [each.factor for each in one(START, shares).tiers] == pytest.approx([13.44, 5.6, 2.8, 28 / 30])


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ("sloPeriod: 7d", "sloPeriod: soon", "'soon' is no length of time"),
        ("sloPeriod: 7d", "sloPeriod: 2d", "the long window is longer than sloPeriod"),
        ("Percent: 8,", "Percent: 0,", "errorBudgetPercent is 0"),
        ("Percent: 8,", "Percent: 101,", "errorBudgetPercent is 101"),
        ("errorBudgetPercent: 8, ", "", "errorBudgetPercent is missing"),
        ("shortWindow: 5m", "shortWindow: 5h", "the short window is not shorter"),
        ("  ticket:", "  tickets:", "unknown key 'tickets'"),
    ],
)
def test_alert_windows_that_cannot_be_meant(old, new, words):
    """Told at the place in the file of windows."""
    found = gathered(gather, START, change((old, new), text=WINDOWS))
    assert any(words in each and each.startswith("f1.yaml") for each in told(found.problems)), told(found.problems)


def test_one_file_of_windows():
    """Sloth takes one for all: of two nobody could tell which holds."""
    (problem,) = gathered(gather, START, WINDOWS, WINDOWS).problems
    assert "f1.yaml names alert windows already" in problem.what


# examples/no-alerts.yml
@pytest.mark.parametrize(
    ("page", "ticket", "opens", "severities"),
    [
        ("true", "true", False, ["ticket", "ticket"]),
        ("true", "false", True, ["ticket", "ticket"]),
        ("false", "true", True, ["page", "page"]),
        ("false", "false", True, ["page", "page", "ticket", "ticket"]),
    ],
)
def test_alerts_that_are_off(page, ticket, opens, severities):
    """no-alerts: with both off nothing is opened, not even by silence; the tickets' burn rates are still worked out."""
    found = one(change(("      page_alert:", f"      page_alert:\n        disable: {page}"),
                       ("      ticket_alert:", f"      ticket_alert:\n        disable: {ticket}")))  # fmt: skip
    assert [each.severity for each in found.tiers] == severities
    assert (found.opens, found.blind_opens) == (opens, opens)


@pytest.mark.parametrize("chain", ["", "slo_plugins: {chain: [{id: sloth.dev/contrib/alert_for/v1}]}\n"])
def test_for_counts_with_its_plugin_alone(chain):
    """Sloth's core leaves `for` out; alert_for heeds it (its README): a short window at least that long."""
    text = chain + change(("      page_alert:", "      page_alert:\n        for: 20m"))
    shorts = [each.short for each in one(text).tiers[:2]]
    assert shorts == [timedelta(minutes=20 if chain else 5), timedelta(minutes=30)]


def test_waiting_longer_than_an_alert_looks_back():
    """`for: 2h` on an alert over an hour cannot be told by two windows."""
    text = "slo_plugins: {chain: [{id: sloth.dev/contrib/alert_for/v1}]}\n" + change(
        ("      page_alert:", "      page_alert:\n        for: 2h"))  # fmt: skip
    assert any("longer than the page quick alert looks back" in each for each in told(gathered(gather, text).problems))


@pytest.mark.parametrize(
    "plugin",
    ["sloth.dev/contrib/denominator_corrected_rules/v1", "sloth.dev/contrib/sli_total_amount/v1",
     "sloth.dev/contrib/rule_intervals/v1", "sloth.dev/contrib/validate_victoria_metrics/v1", "sloth.dev/core/alert_rules/v1"],
)  # fmt: skip
def test_plugins_that_change_only_rules(plugin):
    """contrib-denominator-corrected and others: a budget weighed by events is what every budget here is."""
    assert one(f"slo_plugins: {{overridePrevious: true, chain: [{{id: {plugin}}}]}}\n" + START) == one(START)


def test_plugins_that_add_an_alert_or_are_unknown():
    """One more alert is noted as missing; what a stranger's plugin does, nobody here can know."""
    plugin = "slo_plugins: {{chain: [{{id: {}}}]}}\n"
    found = sound(gather, plugin.format("sloth.dev/contrib/error_budget_exhausted_alert/v1") + START)
    assert "the alert on a spent budget is not carried over" in found.notes[0].what
    (problem,) = gathered(gather, plugin.format("example.org/mine/v1") + START).problems
    assert "the plugin 'example.org/mine/v1' runs inside Sloth" in problem.what
    assert (problem.line, problem.column) == (1, 28)


def test_a_target_nothing_can_alert_on():
    """Where the largest burn rate is below every factor, the objective could never speak: told, not kept."""
    windows = (
        WINDOWS.replace("42", "99")
        .replace("20, s", "60, s")
        .replace("12.5", "60")
        .replace("Percent: 8,", "Percent: 60,")
    )
    found = gathered(gather, change(("99.5", "30")), windows)
    assert found.slos == []
    assert any("no alert of this objective can ever fire" in each for each in told(found.problems))
