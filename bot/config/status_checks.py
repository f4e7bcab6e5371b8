"""Looks whether the status page can work: its components are apart, its services are there, somebody can approve."""

from collections.abc import Collection, Iterable, Iterator

from bot.config.check import Known, unknown
from bot.config.fit import closest
from bot.config.rules import BADGES
from bot.config.status import Status
from bot.domain.errors import Problem
from bot.domain.guard import ON_CALL, grouped
from bot.domain.policy import Role
from bot.slo.maintenance import Maintenance


def status_problems(status: Status | None, known: Known) -> Iterator[Problem]:
    """Components twice, services that are not there, badges that are nobody's, and approvals nobody could give."""
    if status is None:
        return
    seen: dict[str, set[str]] = {"name": set(), "title": set()}
    for index, each in enumerate(status.components):
        here = ("status", "components", index)
        for what, value in (("name", each.name), ("title", (each.title or each.name).casefold())):
            if value in seen[what]:
                told = f"the component {each.name!r} is there twice" if what == "name" else "this title is there twice"
                yield known.page.problem(told, *here, *((what,) if known.page.get(*here, what) else ()))
                break
            seen[what].add(value)
        for at, service in enumerate(each.services):
            yield from unknown("service", service, known.catalogue.named, known.page, *here, "services", at)
    wrong = list(_badges(status, known))
    yield from wrong
    if not wrong and not _holders(status.approve, known):
        yield known.page.problem("nobody in people.yaml may approve what the status page says", "status",
                                 *(("approve",) if known.page.get("status", "approve") else ()),
                                 expected="approve: a role or '@key' that somebody has")  # fmt: skip


def status_warnings(status: Status | None, known: Known, maintenance: Iterable[Maintenance]) -> Iterator[Problem]:
    """What is no mistake: words that no component shows, and what one approver alone writes is approved by nobody."""
    if status is None:
        return
    for window in status.unseen(maintenance):
        what = f"the maintenance of {window.start:%Y-%m-%d %H:%M} UTC is announced, and no component has its services"
        yield known.page.problem(what, "status", "components")
    if status.four_eyes and len(_holders(status.approve, known)) == 1:
        what = "one person alone may approve for the status page: what they write themselves is approved by nobody"
        yield known.page.problem(what, "status", expected="a second approver, or four_eyes: false")


def _holders(badges: Collection[str], known: Known) -> list[str]:
    return [each.key for each in known.people.profiles if each.person.badges & set(badges)]


def _badges(status: Status, known: Known) -> Iterator[Problem]:
    people = known.people.profiles
    there_is = {*map(str, Role), *(f"@{key}" for key in known.people.named)}
    there_is |= {grouped(group) for each in people for group in each.groups}
    for index, badge in enumerate(status.approve):
        place = ("status", "approve", index) if known.page.get("status", "approve") else ("status",)
        if badge == ON_CALL:
            what = "nobody is on call for this: it is not asked in the name of a service"
            yield known.page.problem(what, *place, expected=BADGES.rpartition(", or")[0])
        elif badge not in there_is:
            what = f"{badge!r} is no role, person or group{closest(badge, there_is)}"
            yield known.page.problem(what, *place, expected=BADGES)
