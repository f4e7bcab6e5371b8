import json
import math
from datetime import timedelta

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.domain.errors import Invalid
from bot.slo.canary import WEIGHTS, Sides, Trial
from bot.slo.streams import ODDS
from tests.slo.kit import T0, seconds

HOUR = timedelta(hours=1)
NONE = Sides(0, 0, 0, 0)


class Release:
    """A canary at 5 requests per second beside a busier stable, looked at every 30 s."""

    def __init__(self, seed=1, *, times=19, metrics=("errors",), rps=5.0, **terms):
        self.rng, self.times, self.rps = np.random.default_rng(seed), times, rps
        self.trial, self.looks = Trial(metrics, T0, HOUR, **terms), 0

    def sides(self, canary, stable):
        n, rest = self.rng.poisson(30 * self.rps), self.rng.poisson(30 * self.rps * self.times)
        return Sides(n, self.rng.binomial(n, canary), rest, self.rng.binomial(rest, stable))

    def look(self, canary=0.001, stable=0.001, **more):
        """One look at `errors`, and at further metrics given as (canary, stable)."""
        self.looks += 1
        seen = {name: self.sides(*rates) for name, rates in {"errors": (canary, stable), **more}.items()}
        return self.trial.see(T0 + seconds(30 * self.looks), seen)

    def run(self, canary=0.001, stable=0.001, looks=120):
        """Look until it is stopped, or so often; the last verdict."""
        for _ in range(looks):
            verdict = self.look(canary, stable)
            if verdict.state == "stop":
                break
        return verdict


def seconds_to_stop(canary, runs=100, **how):
    """How long each of so many harmful canaries lived; for ever where it was not stopped."""
    lives = []
    for seed in range(runs):
        release = Release(seed, **how)
        lives.append(release.looks * 30 if release.run(canary).state == "stop" else math.inf)
    return np.array(lives)


def test_a_harmful_canary_is_stopped_within_minutes():
    """1 % against 0.1 % at 5 requests per second: a median of three minutes, every one within the hour."""
    lives = seconds_to_stop(0.01)
    assert np.median(lives) <= 180
    assert np.isfinite(lives).all()


def test_harm_among_few_requests_is_found():
    """At one request in two seconds, with 1 % failing, nearly every canary is stopped within the hour."""
    assert np.isfinite(seconds_to_stop(0.01, rps=0.5)).mean() >= 0.8


def test_a_harmless_canary_is_not_stopped_by_looking():
    """Both at 0.1 %, an hour of looks every 30 s: at most 1 % of trials are stopped; here 2 of 60 at the very most."""
    assert np.isfinite(seconds_to_stop(0.001, runs=60)).sum() <= 2


@pytest.mark.nightly
@pytest.mark.parametrize("times", [1, 19])
def test_harmless_canaries_are_rarely_stopped(times):
    """At most 1 % of 2,000 harmless trials are ever stopped, whether stable is as busy or much busier."""
    assert np.isfinite(seconds_to_stop(0.001, runs=2000, times=times)).mean() <= 0.01


@pytest.mark.nightly
@pytest.mark.parametrize(("times", "limit"), [(1, 360), (3, 210), (9, 180), (99, 180)])
def test_time_to_stop_by_the_size_of_stable(times, limit):
    """The less traffic stable has, the longer it takes: an equal one doubles it, for its own rate is as uncertain."""
    assert np.median(seconds_to_stop(0.01, runs=400, times=times)) <= limit


@pytest.mark.parametrize("worst", [0.02, 0.4, 1.0])
def test_what_hits_both_alike_stops_nothing(worst):
    """An upstream outage for 20 minutes, whatever its size, is not the canary's fault."""
    for seed in range(15):
        release = Release(seed)
        for look in range(120):
            rate = worst if 40 <= look < 80 else 0.001
            assert release.look(rate, rate).state != "stop"


def test_a_season_stops_nothing():
    """Failure and traffic that rise and fall together for both are no harm."""
    for seed in range(10):
        release = Release(seed)
        for look in range(120):
            release.rps, rate = 5 + 4 * math.sin(look / 10), 0.03 + 0.025 * math.sin(look / 10)
            assert release.look(rate, rate).state != "stop"


def test_harm_that_sets_in_late_is_found():
    """A canary that begins to fail after 40 healthy minutes is stopped within ten."""
    release = Release()
    for _ in range(80):
        assert release.look().state == "continue"
    assert release.run(0.01, looks=20).state == "stop"


def test_a_stop_says_why_and_stays():
    """The sentence holds both rates, an interval and the promise; later data do not take a stop back."""
    release = Release()
    stopped = release.run(0.05)
    assert stopped.metric == "errors"
    assert stopped.because.startswith("Stop the canary: errors: ")
    assert "failed, stable 0." in stopped.because
    assert stopped.because.endswith("a harmless canary is stopped in at most 1.0 % of trials.")
    assert release.look(0, 0.5) == stopped


def test_passed_says_what_could_have_been_found():
    """After time and traffic it passes and names the harm it could have found; such harm is really found."""
    release = Release()
    verdict = release.run(looks=119)
    assert verdict.state == "continue"
    assert verdict.because.endswith("30 s of the trial to go.")
    verdict = release.look()
    assert verdict.state == "passed"
    assert "or more failing would likely have been found." in verdict.because
    rate = release.trial.findable("errors")
    assert 0.001 < rate < 0.004
    assert np.isfinite(seconds_to_stop(rate, runs=60)).mean() >= 0.5


def test_a_canary_needs_its_traffic_to_pass():
    """The planned time alone is not enough; nor is it with little traffic to find harm in."""
    release = Release(requests=50_000)
    verdict = release.run()
    assert verdict.state == "continue"
    assert "of the 50,000 requests it needs" in verdict.because
    tiny = Trial(["errors"], T0, HOUR, requests=1)
    verdict = tiny.see(T0 + HOUR, {"errors": Sides(1, 0, 1, 0)})
    assert verdict.state == "passed"
    assert "no harm could have been found" in verdict.because


def test_no_data_is_not_good_news():
    """No canary, no stable, or silence in the middle is unknown, also after the planned time; data resume the trial."""
    trial = Trial(["errors"], T0, HOUR)
    assert trial.see(T0 + seconds(30), {}).state == "unknown"
    for sides, side in ((Sides(100, 50, 0, 0), "stable"), (Sides(0, 0, 100, 0), "canary")):
        verdict = Trial(["errors"], T0, HOUR).see(T0 + HOUR, {"errors": sides})
        assert (verdict.state, verdict.metric) == ("unknown", "errors")
        assert verdict.because == f"No data on errors of {side} so far: no verdict."
    release = Release()
    release.run(looks=60)
    verdict = release.trial.see(T0 + seconds(1800 + 301), {"errors": Sides(0, 0, 3000, 3)})
    assert verdict.because == "No data on errors of canary for 5 min 1 s: no verdict."
    assert release.trial.see(T0 + 2 * HOUR, {}).state == "unknown"
    release.looks = 240
    assert release.look().state == "passed"


def test_several_metrics_share_the_error():
    """Each of three metrics gets a third; harm in one stops, though another has no data."""
    release = Release(metrics=("errors", "slow", "empty"))
    assert release.trial.level == pytest.approx(math.log(300))
    for _ in range(30):
        verdict = release.look(slow=(0.2, 0.02))
        if verdict.state == "stop":
            break
        assert (verdict.state, verdict.metric) == ("unknown", "empty")
    assert (verdict.state, verdict.metric) == ("stop", "slow")
    assert "slow: " in verdict.because


def test_a_tolerance():
    """A canary may be as much worse as it is allowed to be; not more."""
    assert Release(tolerance=0.02).run(0.015).state == "passed"
    assert Release(tolerance=0.02).run(0.08).state == "stop"
    assert Release(tolerance=0.02).trial.findable("errors") is None


@settings(deadline=None, max_examples=30)
@given(st.integers(1, 3), st.integers(1, 3), st.floats(0.01, 0.99))
def test_the_evidence_is_fair(n, rest, rate):
    """The mean of the e-process over every course of two looks is at most 1, where canary and stable are alike."""

    def chance(k, trials):
        return math.comb(trials, k) * rate**k * (1 - rate) ** (trials - k)

    outcomes = [(Sides(n, k, rest, q), chance(k, n) * chance(q, rest)) for k in range(n + 1) for q in range(rest + 1)]
    mean = 0.0
    for first, p in outcomes:
        for second, q in outcomes:
            trial = Trial(["errors"], T0, HOUR, alpha=1e-9)
            trial.see(T0 + HOUR / 2, {"errors": first})
            trial.see(T0 + HOUR, {"errors": second})
            mean += p * q * math.exp(trial.evidence["errors"])
    assert mean <= 1 + 1e-9


def test_nonsense_is_refused():
    """Impossible counts, unknown metrics and impossible terms are refused, and change nothing."""
    trial = Trial(["errors"], T0, HOUR)
    for wrong in ({"errors": Sides(1, 2, 1, 0)}, {"errors": Sides(1, 0, 1, math.nan)}, {"latency": NONE}):
        with pytest.raises(ValueError):
            trial.see(T0, wrong)
    assert trial.checkpoint() == Trial(["errors"], T0, HOUR).checkpoint()
    for metrics, terms in (([], {}), (["a", "a"], {}), (["a"], {"alpha": 0}), (["a"], {"tolerance": 0.7})):
        with pytest.raises(ValueError, match="a trial needs"):
            Trial(metrics, T0, HOUR, **terms)
    with pytest.raises(ValueError, match="a trial needs"):
        Trial(["a"], T0, timedelta(0))
    assert len(WEIGHTS) == len(ODDS)


def test_checkpoints():
    """A trial goes on where it stood, and a stopped one stays stopped; another trial's state and junk are refused."""
    release, revived = Release(), Trial(["errors"], T0, HOUR)
    release.run(looks=20)
    state = json.loads(json.dumps(release.trial.checkpoint()))
    revived.restore(state)
    sides = {"errors": Sides(150, 3, 2850, 3)}
    at = T0 + seconds(630)
    assert revived.see(at, sides) == release.trial.see(at, sides)
    assert revived.evidence == release.trial.evidence
    stopped = release.run(0.5)
    revived.restore(json.loads(json.dumps(release.trial.checkpoint())))
    assert revived.see(at, {}) == stopped
    for other in (Trial(["slow"], T0, HOUR), Trial(["errors"], T0, HOUR, alpha=0.05), Trial(["errors"], T0, 2 * HOUR)):
        with pytest.raises(Invalid, match="another trial"):
            other.restore(state)
    before = release.trial.checkpoint()
    for key, value in (("early", []), ("late", None), ("stable", [[1, 0]]), ("total", [[1, 2, 1, 0]]), ("seen", [[9e9, 0]]),
                       ("clock", None), ("clock", "soon"), ("stopped", ["why"]), ("stopped", 5)):  # fmt: skip
        with pytest.raises(Invalid):
            release.trial.restore({**state, key: value})
    assert release.trial.checkpoint() == before
