"""`maintenance.yaml`: what is planned, from when to when, for which services or objectives, and why."""

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

from bot.config.files import read_page
from bot.config.fit import closest, listing, names
from bot.config.marks import Page
from bot.config.moments import moment
from bot.domain.errors import Problem
from bot.slo.maintenance import Maintenance

OWN = "tocsin"
"""The service that is Tocsin itself; its objectives begin so too."""

KEYS = ("from", "to", "services", "slos", "because", "owner", "long", "announce")
LONGEST = timedelta(hours=24)
"""So long alerts are held at most, unless somebody says that more is meant."""


@dataclass(frozen=True, slots=True)
class Named:
    """What a window may name: each service with its objectives, and every name that stands in a file."""

    by_service: Mapping[str, Collection[str]]
    services: Collection[str]
    slos: Collection[str]
    people: Collection[str] = ()


def read_maintenance(path: Path, problems: list[Problem], named: Named, *, zone: str) -> tuple[Maintenance, ...]:
    """Every window of the file; a file that is not there plans nothing. Times without an offset are of `zone`."""
    if not path.is_file():
        return ()
    document = read_page(path, problems)
    if document is None:
        return ()
    if not isinstance(document.data, list):
        problems.append(document.problem("holds no list", expected="`- from: …` for each window"))
        return ()
    pages = [Page(part, problems) for part in document.parts()] if document.data else []
    return tuple(found for page in pages if (found := _window(page, named, ZoneInfo(zone))) is not None)


def _window(page: Page, named: Named, zone: ZoneInfo) -> Maintenance | None:
    if not page.known((), *KEYS):
        return None
    start, end = moment(page, "from", zone), moment(page, "to", zone)
    if _own_health(page):
        return None
    slos = frozenset(_slos(page, named))
    because = page.text("because")
    if page.get("services") is None and page.get("slos") is None:
        page.complain("this window is for nothing", expected="services, slos, or both")
    if start is None or end is None:
        return None
    if end <= start:
        page.complain("this window ends before it begins", "to", expected="a time after `from`")
        return None
    services = _services(page, named)
    announce = page.text("announce") if page.get("announce") is not None else ""
    if announce and not services:
        page.complain("no component of the status page is known by objectives alone", "announce", expected="services")
    owner = _owner(page, named, needed=page.get("services") is not None)
    if page.get("long") not in (None, True, False):
        page.complain("long is no yes or no", "long", expected="true, where more than 24 hours are meant")
    elif services and end - start > LONGEST and page.get("long") is not True:
        hours = (end - start).total_seconds() / 3600
        what = f"this window holds alerts for {hours:,.0f} hours"
        page.complain(what, "to", expected="at most 24 hours, or `long: true` where that is meant")
    return Maintenance(start, end, slos, because, services, owner, announce)


def _services(page: Page, named: Named) -> frozenset[str]:
    """The services whose new alerts are held; a name that is none is complained about with the objectives."""
    held = page.get("services")
    return frozenset(each for each in held if each in named.services) if isinstance(held, list) else frozenset()


def _owner(page: Page, named: Named, *, needed: bool) -> str:
    """Who answers for the window: whoever wonders why an alert is silent asks them."""
    if page.get("owner") is None:
        if needed:
            what = "this window holds the alerts of services, and nobody answers for it"
            page.complain(what, expected="owner: a key of people.yaml")
        return ""
    owner = page.text("owner")
    if owner and owner not in named.people:
        what = f"there is nobody called {owner!r}{closest(owner, named.people)}"
        page.complain(what, "owner", expected=listing(named.people))
    return owner


def _own_health(page: Page) -> bool:
    """Whether the window would silence Tocsin itself: nobody else would then say that it does not work."""
    found = False
    for key in ("services", "slos"):
        held = page.get(key)
        for index, name in enumerate(held if isinstance(held, list) else ()):
            if isinstance(name, str) and (name == OWN if key == "services" else name.startswith(f"{OWN}-")):
                what = "no maintenance silences Tocsin itself: nobody else would say that it does not work"
                page.complain(what, key, index, expected="the services that are worked on")
                found = True
    return found


def _slos(page: Page, named: Named) -> Iterator[str]:
    """The objectives a window is for."""
    for name in names(page, "services", "service", named.services):
        yield from named.by_service.get(name, ())
    yield from names(page, "slos", "objective", named.slos)
