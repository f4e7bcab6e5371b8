"""`admins` of tocsin.yaml: whom Tocsin tells of itself."""

from collections.abc import Iterator

from bot.config.fit import closest, listing
from bot.config.marks import Marked
from bot.config.people import People
from bot.domain.errors import Problem
from bot.domain.policy import Role


def admins(wanted: list[str], people: People) -> tuple[str, ...]:
    """The keys of those who are told how Tocsin itself is: those named, else everybody with the role of an admin."""
    return tuple(wanted) or tuple(each.key for each in people.profiles if Role.ADMIN in each.roles)


def admin_problems(wanted: list[str], people: People, page: Marked) -> Iterator[Problem]:
    """Names that stand for nobody."""
    for index, name in enumerate(wanted):
        if name not in people.named:
            what = f"there is no person {name!r}{closest(name, people.named)}"
            yield page.problem(what, "admins", index, expected=listing(people.named))
