"""Looks whether whoever is to be paged is there and can be reached: by services, escalations and rotas alike."""

from collections.abc import Iterator

from bot.config.check import Known, unknown
from bot.config.contacts import reach_problems
from bot.config.marks import Marked
from bot.domain.errors import Problem
from bot.rota.escalation import rota_of

Path = tuple[str | int, ...]
Named = tuple[str, Marked, Path]
"""A key of a person or `rota:NAME`, and where it stands."""


def problems(known: Known) -> Iterator[Problem]:
    """Every name that stands for nobody, and everybody on call whom nothing reaches."""
    for each in known.catalogue.by_name.values():
        service, page = each.service, each.page
        if service.escalation:
            yield from unknown("escalation", service.escalation, known.escalations.named, page, "escalation")
        if service.escalation and service.on_call:
            what = f"{service.name} has both on_call and an escalation"
            yield page.problem(what, "escalation", expected="one of the two")
    for entry, page, path in _paged(known):
        yield from _entry(entry, page, path, known)
    for entry, page, path in _seated(known):
        yield from _person(entry, page, path, known)
    for key, page, path in _replaced(known):
        yield from unknown("person", key, known.people.named, page, *path)
    if known.people.page is not None:
        slack = {profile.key: bool(profile.slack_user) for profile in known.people.profiles}
        contacts = [(contact, slack[key]) for key, contact in known.people.contacts.items()]
        yield from reach_problems(known.people.page, contacts, known.pagers)


def warnings(known: Known) -> Iterator[Problem]:
    """Those on call who cannot be paged where pages go first: Slack is on, and they have no account there."""
    told: set[str] = set()
    for entry, page, path in (*_paged(known), *_seated(known)):
        person, contact = known.people.by_key.get(entry), known.people.contacts.get(entry)
        if (
            person is None
            or person.slack_user
            or (contact is not None and contact.reach and "slack" not in contact.reach)
        ):
            continue
        if (place := f"{page.file}:{entry}") not in told:
            told.add(place)
            yield page.problem(f"{entry} is on call and has no Slack account to be paged at", *path)


def _paged(known: Known) -> Iterator[Named]:
    """Every entry of a service, an escalation, or tocsin.yaml itself that is paged."""
    own = known.page.get("on_call")
    for index, entry in enumerate(own if isinstance(own, list) else ()):
        if isinstance(entry, str):
            yield entry, known.page, ("on_call", index)
    for each in known.catalogue.by_name.values():
        for index, entry in enumerate(each.service.on_call):
            yield entry, each.page, ("on_call", index)
    for name, escalation in known.escalations.by_name.items():
        page = known.escalations.pages[name]
        for number, level in enumerate(escalation.levels):
            for index, entry in enumerate(level.page):
                yield entry, page, ("levels", number, "page", index)
        for index, entry in enumerate(escalation.end):
            yield entry, page, ("end", index)


def _seated(known: Known) -> Iterator[Named]:
    """Everybody who takes a turn in a rota or stands in for somebody, once for each rota."""
    for name, rota in known.rotas.by_name.items():
        page, told = known.rotas.pages[name], set[str]()
        for key, path in _seats(page):
            if key not in told:
                told.add(key)
                yield key, page, path
        for index, override in enumerate(rota.overrides):
            if override.person and override.person not in told:
                told.add(override.person)
                yield override.person, page, ("overrides", index, "person")


def _seats(page: Marked) -> Iterator[tuple[str, Path]]:
    for number in range(len(page.get("layers") or ())):
        for index, turn in enumerate(page.get("layers", number, "people")):
            here: Path = ("layers", number, "people", index)
            if isinstance(turn, list):
                yield from ((key, (*here, at)) for at, key in enumerate(turn))
            else:
                yield turn, here


def _replaced(known: Known) -> Iterator[Named]:
    for name, rota in known.rotas.by_name.items():
        for index, override in enumerate(rota.overrides):
            if override.instead_of:
                yield override.instead_of, known.rotas.pages[name], ("overrides", index, "instead_of")


def _entry(entry: str, page: Marked, path: Path, known: Known) -> Iterator[Problem]:
    if rota := rota_of(entry):
        yield from unknown("rota", rota, known.rotas.named, page, *path)
    elif entry in known.rotas.named and entry not in known.people.named:
        what = f"there is no person {entry!r}, and there is a rota of that name"
        yield page.problem(what, *path, expected=f"'rota:{entry}'")
    else:
        yield from _person(entry, page, path, known)


def _person(key: str, page: Marked, path: Path, known: Known) -> Iterator[Problem]:
    yield from unknown("person", key, known.people.named, page, *path)
    person, contact = known.people.by_key.get(key), known.people.contacts.get(key)
    if person is None or person.slack_user or person.email:
        return
    if contact is None or not (contact.phone or contact.handles):
        what = f"{key} is on call and cannot be reached"
        yield page.problem(what, *path, expected="slack, email, phone or push for them in people.yaml")
