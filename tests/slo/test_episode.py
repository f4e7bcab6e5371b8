import json
import random
from datetime import timedelta

import pytest

from bot.domain.errors import Invalid
from bot.slo.burn import Verdict
from bot.slo.detector import Witness
from bot.slo.episode import Episode, Phase, advance, step
from bot.slo.ledger import Counts
from bot.slo.notation import parse_tiers
from bot.slo.recovery import Run
from tests.slo.kit import T0, Service, seconds, slo

MINUTE, HOUR = timedelta(minutes=1), timedelta(hours=1)
SLO = slo()
MET = Verdict("api", "met", "all well", T0)
DARK = Verdict("api", "no_data", "connection refused", T0)
QUIET = Verdict("api", "no_data", "too few events", T0, quiet=True)


def breach(severity="page", factor=14.4):
    return Verdict("api", "breached", f"burning {factor}", T0, severity, "fast", 20, 20, factor)


def run(start, *, minutes, total=1000, bad=0):
    counts = Counts(total - bad, bad, minutes * MINUTE)
    return Run(start, counts, counts.ratio / SLO.budget)


def walk(episode, *steps, every=15):
    """Advance through (verdict, keywords) pairs; return the episode and the kinds of change."""
    kinds, now = [], T0
    for each in steps:
        verdict, more = each if isinstance(each, tuple) else (each, {})
        episode, change = advance(episode, verdict, now, slo=SLO, **more)
        kinds.append(change.kind if change else None)
        now += seconds(every)
    return episode, kinds


def test_quiet_polls_say_nothing():
    """Ten polls without news yield no change, healthy or failing."""
    episode, kinds = walk(Episode("api"), *[MET] * 10)
    assert (episode.phase, set(kinds)) == (Phase.OK, {None})
    episode, kinds = walk(episode, *[breach()] * 10)
    assert kinds == ["opened"] + [None] * 9


def test_a_new_objective_is_unknown():
    """Before the first data nothing is known, least of all that it is well."""
    assert Episode("api").phase is Phase.UNKNOWN
    episode, _ = walk(Episode("api"), DARK)
    assert episode.phase is Phase.UNKNOWN


def test_a_breach_opens_with_its_onset():
    """The change carries when the data say it began, apart from when it was noticed."""
    onset = T0 - 4 * MINUTE
    episode, change = advance(Episode("api", Phase.OK), breach(), T0, slo=SLO, onset=onset)
    assert (change.kind, change.key, change.severity) == ("opened", "api:1", "page")
    assert (change.at, change.happened_at) == (T0, onset)
    assert (episode.phase, episode.onset_at) == (Phase.PAGE, onset)


def test_severity_only_rises():
    """Notice, ticket, page: each is told once; falling back is not."""
    notice, ticket, page = breach("notice"), breach("ticket", 3), breach()
    episode, kinds = walk(Episode("api"), notice, ticket, notice, page, ticket, page)
    assert kinds == ["opened", "raised", None, "raised", None, None]
    assert (episode.severity, episode.phase, episode.number) == ("page", Phase.PAGE, 1)


def test_recovery_needs_a_sufficient_good_run():
    """Met verdicts alone never resolve, nor does a run too short, too thin or not met."""
    opened, _ = walk(Episode("api"), breach())
    for weak in (
        None,
        run(T0, minutes=4),
        run(T0, minutes=9, total=9),
        run(T0, minutes=9, bad=2),
        run(T0, minutes=9, total=0),
    ):
        episode, kinds = walk(opened, *[(MET, {"run": weak})] * 50)
        assert set(kinds) == {None}
        assert episode.open
    episode, _ = walk(opened, (MET, {"run": run(T0, minutes=4)}))
    assert episode.phase is Phase.RECOVERING
    episode, change = advance(episode, MET, T0 + 9 * MINUTE, slo=SLO, run=run(T0 + MINUTE, minutes=6))
    assert (change.kind, change.happened_at, change.key) == ("recovered", T0 + MINUTE, "api:1")
    assert (episode.phase, episode.open, episode.settled_at) == (Phase.OK, False, T0 + MINUTE)


def test_a_relapse_is_no_news():
    """From recovering back to failing is the same failure."""
    opened, _ = walk(Episode("api"), breach())
    episode, kinds = walk(opened, (MET, {"run": run(T0, minutes=2)}), breach())
    assert (kinds, episode.phase) == ([None, None], Phase.PAGE)


@pytest.mark.parametrize("verdict", [DARK, QUIET])
def test_no_data_never_resolves(verdict):
    """However long nothing is known, and whatever run is offered, an open failure stays open, frozen as it was."""
    opened, _ = walk(Episode("api"), breach())
    episode, kinds = walk(opened, *[(verdict, {"run": run(T0, minutes=60)})] * 100, every=60)
    assert "recovered" not in kinds
    assert (episode.phase, episode.frozen, episode.severity) == (Phase.UNKNOWN, Phase.PAGE, "page")
    episode, _ = walk(episode, breach())
    assert (episode.phase, episode.number) == (Phase.PAGE, 1)


def test_silence_in_time_is_an_incident_of_its_own():
    """After `no_data_after` of silence one blind change, once; then sight returns, once."""
    episode, kinds = walk(Episode("api"), MET, *[DARK] * 15, every=60)
    assert kinds.count("blind") == 1
    assert kinds.index("blind") == 11  # silent since the second poll, ten minutes
    _, change = advance(episode, MET, T0 + HOUR, slo=SLO)
    assert (change.kind, change.key) == ("sighted", "api:blind:1")
    episode, kinds = walk(episode, MET, MET)
    assert kinds == ["sighted", None]
    episode, kinds = walk(episode, *[DARK] * 15, every=60)
    assert episode.blind_key == "api:blind:2"


def test_short_silences_do_not_add_up():
    """Data in between start the silence anew."""
    _, kinds = walk(Episode("api"), *([DARK] * 9 + [MET]) * 5, every=60)
    assert set(kinds) == {None}


def test_too_little_traffic_is_not_blindness():
    """A source that answers with too few events is unknown but never blind; it ends a blindness."""
    _, kinds = walk(Episode("api"), *[QUIET] * 100, every=60)
    assert set(kinds) == {None}
    _, kinds = walk(Episode("api"), *[DARK] * 11, QUIET, MET, every=60)
    assert kinds[-3:] == ["blind", "sighted", None]


def test_a_failure_found_on_waking_goes_first():
    """If the first data after blindness show a breach, the breach is told at once and the sight next."""
    blind, _ = walk(Episode("api"), *[DARK] * 11, every=60)
    _, kinds = walk(blind, breach(), breach(), breach())
    assert kinds == ["opened", "sighted", None]


def test_failing_again_soon_is_the_same_failure():
    """Within ten minutes of the recovery the same incident is opened again; later it is a new one."""
    opened, _ = walk(Episode("api"), breach())
    settled, _ = advance(opened, MET, T0 + 9 * MINUTE, slo=SLO, run=run(T0 + 3 * MINUTE, minutes=6))
    _, soon = advance(settled, breach(), T0 + 12 * MINUTE, slo=SLO)
    _, late = advance(settled, breach(), T0 + 30 * MINUTE, slo=SLO)
    assert (soon.kind, soon.key) == ("reopened", "api:1")
    assert (late.kind, late.key) == ("opened", "api:2")


def test_goes_through_json():
    """An episode is written and read without loss; junk is refused."""
    episode, _ = walk(Episode("api"), breach(), DARK)
    assert Episode.from_dict(json.loads(json.dumps(episode.to_dict()))) == episode
    good = episode.to_dict()
    for wrong in (
        {},
        {**good, "phase": "asleep"},
        {**good, "severity": "sms"},
        {**good, "onset_at": 5},
        {**good, "x": 1},
    ):
        with pytest.raises(Invalid, match="cannot be taken up"):
            Episode.from_dict(wrong)


def drive(service, episode, length, **traffic):
    """Run the service poll by poll, stepping the episode; return it with every change."""
    changes, end = [], service.now + length
    while service.now < end:
        service.run(seconds(15), **traffic)
        episode, change, _ = step(service.slo, service.ledger, episode, service.now)
        changes += [change] if change else []
    return episode, changes


def test_a_whole_outage():
    """Health, a total outage of five minutes, health: one page within a minute and a poll, one recovery, true times."""
    service, episode = Service(slo()), Episode("api")
    episode, changes = drive(service, episode, HOUR, rate=10)
    assert changes == []
    outage = service.now
    episode, changes = drive(service, episode, 5 * MINUTE, rate=10, share=1)
    over = service.now
    assert changes[0].kind == "opened"
    assert abs(changes[0].happened_at - outage) <= seconds(15)
    assert changes[-1].severity == "page"
    episode, changes = drive(service, episode, 2 * HOUR, rate=10)
    assert [change.kind for change in changes] == ["recovered"]
    assert abs(changes[0].happened_at - over) <= seconds(15)
    assert changes[0].at - over <= service.slo.recover_for + seconds(30)


def test_an_outage_hidden_by_silence_stays_open():
    """When the metrics vanish with the service, the page stays open and blindness is told; good data then resolve it."""
    service, episode = Service(slo()), Episode("api")
    episode, _ = drive(service, episode, HOUR, rate=10)
    episode, _ = drive(service, episode, 5 * MINUTE, rate=10, share=1)
    kinds = []
    for _ in range(80):
        service.now += seconds(15)
        service.ledger.miss(service.slo, "connection refused", service.now)
        episode, change, verdict = step(service.slo, service.ledger, episode, service.now)
        kinds += [change.kind] if change else []
        assert verdict.state == "no_data"
    assert kinds == ["blind"]
    assert episode.open
    episode, changes = drive(service, episode, 10 * MINUTE, rate=10)
    assert [change.kind for change in changes] == ["sighted", "recovered"]


def test_no_traffic_is_no_recovery():
    """When callers give up, zero failures out of zero requests resolve nothing."""
    service, episode = Service(slo()), Episode("api")
    episode, _ = drive(service, episode, HOUR, rate=10)
    episode, _ = drive(service, episode, 5 * MINUTE, rate=10, share=1)
    episode, changes = drive(service, episode, HOUR, rate=0)
    assert changes == []
    assert episode.open


def test_a_slice_of_a_model_by_the_second():
    """A recall objective of 65 % polled each second, with noise: silent in health, found in seconds, resolved on good data."""
    tiers = parse_tiers("page:15s/5s@1.7, ticket:1m/10s@1.2", HOUR)
    objective = slo(0.65, window=HOUR, tiers=tiers, min_events=20, recover_for=seconds(20), no_data_after=seconds(30))
    service, episode, rng = Service(objective), Episode("api"), random.Random(11)
    service.poll()
    told = []
    faults = [(600, 0.17), (60, 0.95), (120, 0.17)]
    times = []
    for length, share in faults:
        times.append(service.now)
        for _ in range(length):
            service.now += seconds(1)
            served = rng.randrange(2, 7)
            service.total += served
            service.bad += sum(rng.random() < share for _ in range(served))
            service.poll()
            episode, change, _ = step(objective, service.ledger, episode, service.now)
            told += [change] if change else []
    assert [(change.kind, change.severity) for change in told] == [("opened", "page"), ("recovered", "page")]
    assert abs(told[0].happened_at - times[1]) <= seconds(3)
    assert told[0].at - times[1] <= seconds(20)
    assert abs(told[1].happened_at - times[2]) <= seconds(4)
    assert told[1].at - times[2] <= seconds(60)


def test_evidence_reports_a_notice_first():
    """With evidence a total outage is a notice first and a page second, in one incident, sooner than the plain tiers."""
    service, episode = Service(slo()), Episode("api")
    witness, told = Witness(service.slo, seconds(15)), []
    service.poll()
    for poll in range(300):
        service.now += seconds(15)
        service.total += 150
        service.bad += 150 if poll >= 290 else 0
        delta = service.poll()
        evidence = witness.see(delta.good, delta.bad)
        episode, change, _ = step(service.slo, service.ledger, episode, service.now, evidence=evidence)
        told += [(change.kind, change.severity, poll)] if change else []
    assert told == [("opened", "notice", 290), ("raised", "page", 292)]
