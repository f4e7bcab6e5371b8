"""All objectives judged at once are judged as each would be alone."""

import json
import random
from dataclasses import replace
from datetime import timedelta

import pytest

from bot.domain.errors import Invalid
from bot.slo.burn import judge
from bot.slo.ledger import Ledger
from bot.slo.notation import parse_tiers
from bot.slo.panel import Panel
from bot.slo.rule import Level
from bot.slo.selector import Selector
from bot.slo.spec import Indicator, Point
from tests.slo.kit import T0, seconds, slo

EVERY = seconds(15)
WEEK = timedelta(days=7)
LEVELS = {"page": Level.PAGE, "ticket": Level.TICKET, "notice": Level.NOTICE}


def counting(name, **more):
    indicator = Indicator("bad", Selector.parse(f"{name}_bad"), Selector.parse(f"{name}_all"), "zero")
    return slo(name=name, **more, indicator=indicator) if "target" not in more else slo(name=name, **more)


def objectives():
    plain = [counting(name) for name in ("steady", "failing", "flapping", "rare")]
    week = replace(counting("week"), window=WEEK, tiers=parse_tiers("page:30m/5m@8,ticket:6h/30m@2", WEEK))
    lax = replace(
        counting("lax"), target=0.95, rule="burn_rate", tiers=parse_tiers("page:10m/1m@5", timedelta(days=30))
    )
    tickets = replace(counting("tickets"), tiers=parse_tiers("ticket:1h/5m@14.4", timedelta(days=30)))
    return [*plain, week, lax, tickets]


class Traffic:
    """Each objective's counters, moved by its own fortune."""

    def __init__(self, slos, seed):
        self.rng, self.slos, self.now = random.Random(seed), slos, T0
        self.held = {each.name: [0, 0] for each in slos}
        self.share = dict.fromkeys(self.held, 0.0)

    def step(self):
        self.now += EVERY
        for name, held in self.held.items():
            if self.rng.random() < 0.05:
                self.share[name] = self.rng.choice((0.0, 0.0005, 0.01, 0.1, 1.0))
            events = self.rng.randrange(2) if name == "rare" else self.rng.randrange(200)
            held[0] += sum(self.rng.random() < self.share[name] for _ in range(events))
            held[1] += events

    def points(self):
        found = {}
        for each in self.slos:
            if each.name == "flapping" and self.rng.random() < 0.1:
                continue  # its series are not there now
            bad, total = self.held[each.name]
            found[each.indicator.part] = [Point.of(bad, self.now)]
            found[each.indicator.total] = [Point.of(total, self.now)]
        return found


def level_of(verdict):
    if verdict.state == "no_data":
        return Level.QUIET if verdict.quiet else Level.SILENT
    return LEVELS.get(verdict.severity, Level.MET)


@pytest.mark.parametrize("seed", range(6))
def test_together_is_as_alone(seed):
    """At every poll the level of each objective equals its own verdict's: outages, blips, gaps, little traffic, resets."""
    slos = objectives()
    ledger, traffic = Ledger(width=EVERY), Traffic(slos, seed)
    panel = Panel(ledger, slos, EVERY)
    accounts, settled, seen = [ledger.account(each) for each in slos], {}, set()
    for poll in range(260):
        traffic.step()
        panel.see(ledger.read(accounts, traffic.points(), traffic.now), traffic.now)
        if poll == 130:
            settled = {each.name: traffic.now for each in slos[::2]}
            for name, at in settled.items():
                panel.settle(name, at)
        ruling = panel.rule(traffic.now)
        for place, each in enumerate(slos):
            alone = judge(each, ledger, traffic.now, evidence=panel.evidence(each.name), since=settled.get(each.name))
            assert Level(ruling.level[place]) is level_of(alone), (poll, alone.because)
            if alone.tier is not None and alone.state == "breached":
                assert each.tiers[ruling.tier[place]].name == alone.tier
            seen.add(level_of(alone))
    assert {Level.SILENT, Level.MET, Level.PAGE} <= seen


def test_evidence_survives_a_restart():
    """What was collected goes through JSON; an objective that is gone is left out, junk is refused."""
    slos = objectives()
    ledger, traffic = Ledger(width=EVERY), Traffic(slos, 1)
    panel = Panel(ledger, slos, EVERY)
    for _ in range(50):
        traffic.step()
        panel.see(ledger.read([ledger.account(each) for each in slos], traffic.points(), traffic.now), traffic.now)
    state = json.loads(json.dumps(panel.checkpoint()))
    revived = Panel(Ledger(width=EVERY), slos[1:], EVERY)
    revived.restore(state)
    for each in slos[1:]:
        assert revived.evidence(each.name).slow == pytest.approx(panel.evidence(each.name).slow, abs=1e-4)
    for junk in ({"failing": [[1]]}, {"failing": 3}, {"failing": [["a"] * 7, [1] * 7]}):
        with pytest.raises(Invalid, match="cannot be taken up"):
            revived.restore(junk)


def test_a_settled_failure_is_no_evidence_any_more():
    """After a failure is over its counts neither page again nor prove anything."""
    slos = [counting("failing")]
    ledger = Ledger(width=EVERY)
    panel, now, total, bad = Panel(ledger, slos, EVERY), T0, 0, 0
    for poll in range(40):
        now, total, bad = now + EVERY, total + 150, bad + (150 if poll >= 20 else 0)
        points = {slos[0].indicator.part: [Point.of(bad, now)], slos[0].indicator.total: [Point.of(total, now)]}
        panel.see(ledger.read(ledger.asked(slos[0]), points, now), now)
    assert Level(panel.rule(now).level[0]) is Level.PAGE
    panel.settle("failing", now)
    assert panel.evidence("failing").slow < 0
    assert Level(panel.rule(now).level[0]) is Level.QUIET
