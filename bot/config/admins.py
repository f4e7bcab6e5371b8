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


def admin_warnings(wanted: list[str], people: People, page: Marked, *, stand_in: bool) -> Iterator[Problem]:
    """That there is nobody to tell; they also `stand_in` where nobody is on call and nothing else is set."""
    if not admins(wanted, people):
        more = ", nor paged where no service says who is on call" if stand_in else ""
        expected = "admins: [KEY, ...], or the role admin for somebody in people.yaml"
        yield page.problem(f"nobody is told when Tocsin itself is in trouble{more}", "admins", expected=expected)
