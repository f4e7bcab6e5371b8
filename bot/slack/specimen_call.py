"""What people see of being on call, as specimens: who is, covers, a storm and its children, what belongs together."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta

from bot.blockkit.blocks import Block, View
from bot.domain.alert import Alert
from bot.domain.alerts import DeclareForAlerts, EndAlerts, Over
from bot.domain.lifecycle import Declare
from bot.domain.merging import TakeIn
from bot.domain.policy import Role, Severity
from bot.domain.promotion import Promote
from bot.domain.storm import FINGERPRINT, BeginStorm, Counted, Digest, EndStorm, Named
from bot.engine.board import LevelNow, RotaNow, ServiceNow
from bot.engine.calling import Contact, Summons
from bot.engine.roster import Stint
from bot.engine.roster_ports import Cover, Stand
from bot.engine.situation import Situation
from bot.engine.values import Profile
from bot.slack.message import Message
from bot.slack.specimen_story import ANA, BEGUN, BEN, Telling
from bot.slack.views import card, cover, group, oncall, update

HOUR, DAY = timedelta(hours=1), timedelta(days=1)
TITLES = {"ml": "ML platform, first line", "nights": "Nights"}
PEOPLE = {
    one.id: one
    for one in (
        Profile("ana", "ana", "Ana Souza", frozenset({Role.RESPONDER}), "T0TOCSIN", "U0ANA"),
        Profile("ben", "ben", "Ben Okafor", frozenset({Role.RESPONDER}), "T0TOCSIN", "U0BEN"),
    )
}
COVER = Cover("cover-1", "ml", BEGUN + DAY, BEGUN + DAY + 9 * HOUR, "ana", because="a visit to the doctor")


def _stint(key: str, start: timedelta, length: timedelta = DAY, rota: str = "ml", instead_of: str = "") -> Stint:
    begins = BEGUN + start
    return Stint(rota, key, key, PEOPLE[key].name, begins, begins + length, "", instead_of)


def _rotas() -> tuple[RotaNow, ...]:
    ana, ben = _stint("ana", -HOUR), _stint("ben", 23 * HOUR, instead_of="Ana Souza")
    return (
        RotaNow("ml", TITLES["ml"], "Europe/Berlin", (ana,), ana.end, (ben,)),
        RotaNow("nights", TITLES["nights"], "Europe/Berlin", (), BEGUN + 8 * HOUR, (_stint("ben", 8 * HOUR),)),
        RotaNow(
            "far", "Data platform", "UTC", (_stint("ben", -HOUR),), None, (), "pagerduty",
            BEGUN - 2 * HOUR, "HTTP 503", BEGUN - HOUR,
        ),
    )  # fmt: skip


def _services() -> tuple[ServiceNow, ...]:
    ana, ben = PEOPLE["ana"], PEOPLE["ben"]
    first = LevelNow(("rota:ml",), (ana,), timedelta(minutes=5))
    levels = (first, LevelNow(("rota:nights",), (), None), LevelNow(("ben",), (ben,), None))
    return (
        ServiceNow("visits", "Doctor-visits model", levels, 3, (ben,)),
        ServiceNow("loans", "Loans", (LevelNow(("rota:nights",), (), None),), 3, ()),
    )


def mine() -> list[Block]:
    """What the Home tab says of one's own shifts and of covers."""
    shifts = [_stint("ana", -HOUR), _stint("ana", 47 * HOUR), _stint("ana", 95 * HOUR, rota="nights")]
    asked = [COVER, replace(COVER, id="cover-2", asker="ben", start=BEGUN + 2 * DAY, end=BEGUN + 3 * DAY, because="")]
    return oncall.mine(shifts, TITLES, BEGUN, BEGUN + 60 * DAY, asked, PEOPLE, PEOPLE["ana"])


def _storm() -> Telling:
    """The umbrella, three minutes into it."""
    told, begun = Telling(), BEGUN - timedelta(minutes=3)
    because = "412 new incidents within a minute, more than 300"
    told.then(
        Declare(
            "Alert storm", Severity.SEV2, "visits", because, begun, begun, slo="", slice="", fingerprint=FINGERPRINT
        )
    )
    told.then(BeginStorm(412, begun))
    return told


def _counted(per_minute: int) -> Digest:
    counted = [Counted(f"service-{n}", 2 + n % 3, 320 - 21 * n, 290 - 21 * n) for n in range(13)]
    counted += [Counted("gateway", 1, 1, 1), Counted("visits", 1, 1, 1)]
    before = BEGUN - timedelta(minutes=1)
    newest = [
        Named("INC-41", "The gateway drops requests", "gateway", 1, BEGUN),
        Named("INC-38", "The database of visits is read-only", "visits", 1, before),
    ]
    return Digest(BEGUN - timedelta(minutes=3), counted, newest, per_minute)


def _alerted() -> Telling:
    """An incident that alerts opened in the storm and somebody gave a card; it took another one in."""
    told = Telling()
    names = ("Disk of node-7 is full", "Node node-7 is not ready", "Latency of visits is high")
    alerts = tuple(Alert("am", f"a{n}", BEGUN, None, each, "visits", 2) for n, each in enumerate(names))
    told.then(DeclareForAlerts(alerts, "3 alerts of visits began together", BEGUN, umbrella="INC-30"))
    told.then(Promote("our best customer"), ANA)
    told.then(TakeIn("INC-44", because="the same node"), BEN)
    return told


def umbrella() -> Iterator[tuple[str, Situation]]:
    """A storm that goes on, and the same once it is over."""
    told = _storm()
    yield "storm", told.situation(charts=(), digest=_counted(312))
    told.then(EndStorm(2_522, 2_132, BEGUN + timedelta(minutes=4)))
    yield "storm, over", told.situation(charts=(), digest=_counted(0))


def messages() -> Iterator[tuple[str, Message]]:
    """Cards of a storm and its child, a page about several incidents, a test page, requests to be covered."""
    for name, situation in umbrella():
        yield f"card, {name}", card.render(situation)
    child = _alerted()
    alerted = child.situation(charts=())
    yield "card, opened by alerts", card.render(alerted)
    others = [replace(alerted, incident=replace(alerted.incident, id=f"INC-{n}")) for n in (44, 45)]
    yield "page, with others", update.page(alerted, also=others)
    ana = Summons(
        "test", PEOPLE["ana"], Contact("ana"), "Test page from Tocsin", "You asked for it; nothing is broken."
    )
    yield "test page", update.apart(ana)
    quiet = tuple(Over(key, BEGUN, BEGUN + HOUR) for key in child.incident.alerts)
    child.then(EndAlerts(quiet))
    yield "card, all alerts over", card.render(child.situation(charts=()))
    title = TITLES["ml"]
    for stand in Stand:
        asked = replace(COVER, stand=stand, taker="ben" if stand is Stand.TAKEN else "")
        yield f"cover, {stand}", cover.request(asked, title, PEOPLE, BEGUN)
    yield "cover, told", cover.told("Ben Okafor covers Ana Souza for ML platform, Sat 21 Nov 13:00 to 22:00.")
    answer = oncall.render(_rotas(), _services(), PEOPLE, None, [COVER], TITLES)
    yield "who is on call", Message("Who is on call", answer)
    yield "who is on call for a service", Message("Who is on call", oncall.of_service(_services()[0]))


def views() -> Iterator[tuple[str, View]]:
    """The dialogs."""
    alerted = _alerted().situation(charts=())
    others = [replace(alerted.incident, id=f"INC-{n}", title=f"Incident number {n}") for n in (44, 45)]
    (_name, storm), *_ = umbrella()
    yield "Ask to be covered", cover.render([_stint("ana", 23 * HOUR), _stint("ana", 71 * HOUR)], TITLES, BEGUN)
    yield "Merge", group.merge(alerted, others, 2)
    yield "Split", group.split(alerted)
    yield "Give it a card", group.promote(storm, others, 2)
