"""Where an alert belongs: the same alert, the same service, what that depends on, all within a time; else anew."""

import random
from dataclasses import replace
from datetime import timedelta

import pytest

from bot.domain.alert import Alert
from bot.domain.alerts import AttachAlerts, DeclareForAlerts
from bot.domain.grouping import Attach, Board, Graph, Held, Open, Standing, Window, place, standing
from bot.domain.noise import AlertRules
from bot.domain.paging import Acknowledge
from bot.domain.sli import Judged, ObserveSli
from bot.domain.storm import BeginStorm
from bot.engine.placing import NEW, Planner
from tests.inbox import alert
from tests.kit import ANA, NOON, Story, at, breached, declared

GRAPH = Graph(
    {"shop": ["payments"], "payments": ["db"], "db": [], "search": ["db"], "loop": ["loop2"], "loop2": ["loop"]}
)
RULES = AlertRules()


def opened(name: str, *alerts: Alert, taken: bool = False) -> Standing:
    story = Story(replace(Story().incident, id=name)).when(DeclareForAlerts(alerts, "new", at(60)))
    found = standing((story.when(Acknowledge(), ANA) if taken else story).incident)
    assert found is not None
    return found


def put(one: Alert, *others: Standing, **given):
    return place(one, others, GRAPH, RULES, at(120), **given)


def test_the_same_alert_belongs_where_it_is() -> None:
    """Whatever time has passed, and whatever else is open."""
    shop, other = opened("INC-1", alert("a", service="shop")), opened("INC-2", alert("b", service="shop"))
    assert put(alert("b", service="shop", minutes=600), shop, other) == Attach("INC-2", "the same alert")


@pytest.mark.parametrize(("minutes", "joins"), [(5, True), (-5, True), (5.1, False), (-5.1, False)])
def test_the_same_service_within_a_time(minutes: float, joins: bool) -> None:
    """Five minutes by the data, both ways: what is told late belongs where it began."""
    where = put(alert("b", service="shop", minutes=minutes), opened("INC-1", alert("a", service="shop")))
    assert where == (Attach("INC-1", "also shop, within 5 minutes") if joins else Open(
        "nothing else is open for shop or what it depends on"))  # fmt: skip


def test_the_time_counts_from_the_last_alert() -> None:
    """An incident that grows goes on taking what comes soon after its latest alert."""
    story = Story().when(DeclareForAlerts((alert("a"),), "new", NOON)).when(AttachAlerts((alert("b", minutes=4),)))
    found = standing(story.incident)
    assert found is not None
    assert isinstance(put(alert("c", minutes=8), found), Attach)


def test_what_depends_on_trouble_joins_it() -> None:
    """Directly or not; the reason names what it depends on."""
    db = opened("INC-1", alert("a", service="db"))
    where = put(alert("b", service="shop", minutes=2), db)
    assert where == Attach("INC-1", "shop depends on db, which is in trouble already")
    assert isinstance(put(alert("b", service="shop", minutes=8), db), Open)
    assert isinstance(put(alert("b", service="gate"), db), Open)


def test_the_cause_told_after_its_consequences_takes_them_in() -> None:
    """A dependant nobody took is merged into the incident of what it depends on; one in hand is left to people."""
    shop = opened("INC-1", alert("a", service="shop"))
    assert put(alert("b", service="db"), shop) == Open("nothing else is open for db or what it depends on", ("INC-1",))
    assert put(alert("b", service="db"), opened("INC-1", alert("a", service="shop"), taken=True)) == Open(
        "nothing else is open for db or what it depends on"
    )


def test_services_that_share_a_cause_are_not_merged_into_one_another() -> None:
    """Each has its own people: only the cause itself links them."""
    shop, search = opened("INC-1", alert("a", service="shop")), opened("INC-2", alert("b", service="search"))
    assert put(alert("c", service="shop"), shop, search) == Attach("INC-1", "also shop, within 5 minutes")
    where = put(alert("c", service="db"), shop, search)
    assert isinstance(where, Open)
    assert where.also == ("INC-1", "INC-2")


def test_an_objectives_incident_takes_the_alerts_of_its_service() -> None:
    """For as long as it is breached, whatever time has passed; it is never merged away."""
    story = declared(service="shop")
    burning = standing(story.incident)
    assert burning is not None
    late = alert("a", service="shop", minutes=300)
    assert put(late, burning) == Attach("INC-1", "shop is in trouble already")
    over = standing(story.when(ObserveSli(breached(judged=Judged.MET))).incident)
    assert over is not None
    assert isinstance(put(late, over), Open)
    assert put(alert("b", service="db"), burning) == Open("nothing else is open for db or what it depends on")


def test_without_a_service_every_alert_is_its_own() -> None:
    """Nothing says that two such alerts have to do with one another."""
    assert isinstance(put(alert("b", service=""), opened("INC-1", alert("a", service=""))), Open)


def test_what_is_restricted_over_or_a_storm_takes_nothing() -> None:
    """An alert everybody may read never disappears into what few may see."""
    assert standing(declared(restricted=True).incident) is None
    assert standing(declared().when(BeginStorm(30, NOON)).incident) is None
    assert standing(Story().incident) is None


def test_planned_work_holds_what_is_new_and_not_what_is_open() -> None:
    """Within the window, for its services, and never for the bot's own health."""
    window = Window(at(0), at(3600), frozenset({"shop", "tocsin"}), "database upgrade", "ana")
    assert put(alert("a", service="shop"), windows=[window]) == Held(window)
    assert isinstance(put(alert("a", service="db"), windows=[window]), Open)
    assert isinstance(put(alert("a", service="tocsin"), windows=[window]), Open)
    known = opened("INC-1", alert("a", service="shop"))
    assert isinstance(put(alert("a", service="shop", minutes=1), known, windows=[window]), Attach)
    assert isinstance(place(alert("a", service="shop"), [], GRAPH, RULES, at(3600), windows=[window]), Open)


def test_a_circle_of_dependencies_is_no_trouble() -> None:
    """Each depends on the other, none on itself."""
    assert GRAPH.upstream("loop") == {"loop2": 1}
    assert isinstance(put(alert("a", service="loop"), opened("INC-1", alert("b", service="loop2"))), Attach)


# -- whatever the order ----------------------------------------------------------------------------------------------


class Model:
    """Incidents as sets of alerts: what the engine does, without a log."""

    def __init__(self) -> None:
        self.latest: dict[str, Alert] = {}
        self.groups: dict[str, set[str]] = {}
        self.standing: dict[str, Standing] = {}
        self.seen: list[tuple[str, object]] = []
        self.made = 0

    def take(self, batch: list[Alert]) -> None:
        for each in batch:
            known = self.latest.get(each.key)
            if known is None or (each.starts, each.ends is not None) > (known.starts, known.ends is not None):
                self.latest[each.key] = each
        board = Board()
        for each in self.standing.values():
            board.put(each)
        planner = Planner(board, GRAPH, RULES, (), tuple(self.seen), NOON)
        has = {key: name for name, keys in self.groups.items() for key in keys}
        for one in sorted((self.latest[key] for key in {e.key for e in batch}), key=lambda e: (e.starts, e.key)):
            if one.key in has:
                continue
            if one.firing:
                planner.place(one)
            else:
                planner.bridge(one)
                self.seen.append((one.service, one.starts))
        plan = planner.plan
        names = {}
        for name, opening in plan.opens.items():
            self.made += 1
            names[name] = f"INC-{self.made}"
            self._put(names[name], opening.alerts)
        for name, pairs in plan.joins.items():
            self._put(names.get(name, name), [one for one, _because in pairs])
        for this, into, _because in plan.merges:
            target = names.get(into, into)
            self.groups[target] |= self.groups.pop(this)
            self.standing[target] = self.standing[target].with_other(self.standing.pop(this))

    def _put(self, name: str, alerts: list[Alert]) -> None:
        assert not name.startswith(NEW)
        self.groups.setdefault(name, set()).update(one.key for one in alerts)
        for one in alerts:
            known = self.standing.get(name) or Standing(name, one.service, {}, NOON + timedelta(seconds=self.made))
            first, last = known.spans.get(one.service, (one.starts, one.starts))
            spans = {**known.spans, one.service: (min(first, one.starts), max(last, one.starts))}
            self.standing[name] = known.with_alert(spans, known.keys | {one.key})

    @property
    def end(self) -> set[frozenset[str]]:
        """The open incidents as sets of what fires in them."""
        firing = {key for key, one in self.latest.items() if one.firing}
        return {frozenset(keys & firing) for keys in self.groups.values() if keys & firing}


def test_the_same_alerts_in_any_order_end_in_the_same_open_incidents() -> None:
    """300 times: forty alerts of a chain of services, some over, shuffled, doubled, cut into batches."""
    dice = random.Random(7)
    for turn in range(60):
        told = []
        for number in range(40):
            begins, service = dice.uniform(0, 90), dice.choice(["shop", "payments", "db", "gate", ""])
            one = alert(f"n{number}", minutes=begins, service=service)
            told.append(one)
            if dice.random() < 0.3:
                told.append(replace(one, ends=one.starts + timedelta(minutes=dice.uniform(0, 9))))
        ends = []
        for _order in range(5):
            order = told + dice.sample(told, 20)
            dice.shuffle(order)
            model = Model()
            while order:
                size = dice.choice([1, 3, 50])
                model.take(order[:size])
                order = order[size:]
            ends.append(model.end)
        assert all(each == ends[0] for each in ends), f"turn {turn}"
        assert set().union(*ends[0]) == {each.key for each in told} - {e.key for e in told if e.ends}
