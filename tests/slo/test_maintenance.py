"""Planned maintenance: what happens in it is told and not held against the objective."""

from datetime import timedelta

from bot.slo.budget import budget
from bot.slo.burn import judge
from bot.slo.episode import Episode, step
from tests.slo.kit import Service, seconds, slo

MINUTE, HOUR = timedelta(minutes=1), timedelta(hours=1)


def test_failures_in_a_window_cost_nothing_and_are_told_beside():
    """The budget leaves them out and says how many they were; before it was excused, it paged."""
    service = Service(slo())
    service.run(HOUR, rate=10)
    began = service.now
    service.run(10 * MINUTE, rate=10, share=1)
    service.run(MINUTE, rate=10)
    assert judge(service.slo, service.ledger, service.now).severity == "page"
    service.ledger.excuse("api", [(began, began + 10 * MINUTE)])
    assert judge(service.slo, service.ledger, service.now).state == "met"
    held = budget(service.slo, service.ledger, service.now)
    assert (held.bad, held.excused, held.spent) == (0, 6000, 0)
    assert held.events == 61 * 600


def test_failures_beside_a_window_still_count():
    """Only what lies inside is left out, to the bucket."""
    service = Service(slo())
    service.run(HOUR, rate=10)
    began = service.now
    service.run(10 * MINUTE, rate=10, share=1)
    service.ledger.excuse("api", [(began, began + 4 * MINUTE)])
    held = budget(service.slo, service.ledger, service.now)
    assert (held.bad, held.excused) == (3600, 2400)
    assert service.ledger.counts(service.slo, service.now, 5 * MINUTE).bad == 3000
    assert [bucket.bad for bucket in service.ledger.buckets(service.slo, began, service.now)] == [150] * 24


def test_nothing_opens_during_a_window():
    """An outage inside opens nothing; one that outlasts it opens with its onset at the window's end or later."""
    service, episode = Service(slo()), Episode("api")
    service.run(HOUR, rate=10)
    end = service.now + 10 * MINUTE
    service.ledger.excuse("api", [(service.now, end)])
    opened = []
    for _ in range(60):
        service.run(seconds(15), rate=10, share=1)
        episode, change, _ = step(service.slo, service.ledger, episode, service.now)
        opened += [change] if change is not None and change.kind == "opened" else []
    assert [change.at > end for change in opened] == [True]
    assert opened[0].happened_at >= end - seconds(15)
