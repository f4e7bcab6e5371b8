"""`maintenance.yaml`: what is planned, from when to when, for which services or objectives, and why."""

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from zoneinfo import ZoneInfo

from bot.config.files import read_page
from bot.config.fit import names
from bot.config.marks import Page
from bot.config.moments import moment
from bot.domain.errors import Problem
from bot.slo.maintenance import Maintenance

OWN = "tocsin"
"""The service that is Tocsin itself; its objectives begin so too."""

KEYS = ("from", "to", "services", "slos", "because")


@dataclass(frozen=True, slots=True)
class Named:
    """What a window may name: each service with its objectives, and every name that stands in a file."""

    by_service: Mapping[str, Collection[str]]
    services: Collection[str]
    slos: Collection[str]


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
    return Maintenance(start, end, slos, because)


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
