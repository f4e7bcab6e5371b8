"""Fills the templates for notices, updates and pages: strict about words, visible where a value is missing.

Templates are files the product ships or the operator configured; nothing that came in from outside is ever a template.
It is only ever a value, and in Markdown a value cannot become a heading, a table or a gap marker. A template may exist
per locale, `executives.de.md.j2` beside `executives.md.j2`; dates and figures then follow its language.
"""

import contextlib
import functools
import os
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from bot.domain.errors import Invalid, NotFound, Problem
from bot.notices.locales import SUFFIX, localised, parted
from bot.words.filling import day, environment, span, utc
from bot.words.known import NOTHING, Strange, column, undefined_words

if TYPE_CHECKING:
    from jinja2 import Environment

__all__ = ["NOTHING", "Strange", "Words", "column", "day", "house", "span", "undefined_words", "utc"]

_PACKAGE = Path(__file__).resolve().parents[1]


def house(package: Path = _PACKAGE) -> Path:
    """The folder that holds templates/ and runbooks/: the checkout the package lies in, else the installed wheel's own.

    The checkout wins because an editable install may leave a stale copy in `_data`. Raises NotFound.
    """
    checkout = package.parent
    if (checkout / "templates").is_dir() and (checkout / "pyproject.toml").is_file():
        return checkout
    if (package / "_data" / "templates").is_dir():
        return package / "_data"
    raise NotFound("folder", "templates", (str(checkout), str(package / "_data")))


class Words:
    """The templates of one installation; a folder named first wins over one named later and over what is shipped."""

    def __init__(self, *folders: Path, shipped: Path | None = None) -> None:
        self.folders = (*folders, shipped or house() / "templates")

    @functools.cached_property
    def _environment(self) -> "Environment":
        return environment(self.folders)

    def names(self) -> list[str]:
        """Every template there is, as `notices/eu_gdpr_art33/sa_notification.md.j2`."""
        return self._environment.list_templates(extensions=["j2"])

    def inside(self, folder: str) -> dict[str, Path]:
        """The Markdown templates right inside a folder by name (`update`, `executives.de`), with the file that counts.

        Parts that others include, led by an underscore, are none.
        """
        found: dict[str, Path] = {}
        for place in reversed(self.folders):
            with contextlib.suppress(OSError):  # a folder that is not there holds none
                names = [name for name in os.listdir(place / folder) if name.endswith(SUFFIX)]  # noqa: PTH208 - asked often
                found |= {each.removesuffix(SUFFIX): place / folder / each for each in names if each[0] != "_"}
        return dict(sorted(found.items()))

    def locales(self, name: str) -> tuple[str, ...]:
        """The locales a template exists in beside the one without."""
        stem, folder = Path(name).name.removesuffix(SUFFIX), str(Path(name).parent)
        return tuple(tag for known in self.inside(folder) if (tag := parted(known)[1]) and parted(known)[0] == stem)

    def fill(self, name: str, context: Mapping[str, object], locale: str = "") -> str:
        """The template's words with the values of `context`, in that locale where the template exists in it.

        Dates and figures are written as the language of the file that is filled writes them. Raises NotFound for a
        template that is not there, Invalid with file and line for one that is wrong or uses a word the context does
        not hold.
        """
        from jinja2 import TemplateNotFound, TemplateSyntaxError

        chosen = next((each for each in localised(name, locale) if self._is_there(each)), name)
        try:
            tag = parted(chosen.removesuffix(SUFFIX))[1]
            return environment(self.folders, tag).get_template(chosen).render(dict(context))
        except TemplateNotFound as missing:
            raise NotFound("template", str(missing.name), self.names()) from None
        except TemplateSyntaxError as wrong:
            raise Invalid([Problem(wrong.filename or name, wrong.lineno, 1, str(wrong.message))]) from None
        except Exception as wrong:  # noqa: BLE001 - a template is the operator's program: what it raises is its own fault
            where, line = _place(wrong, name)
            raise Invalid([Problem(where, line, 1, str(wrong) or type(wrong).__name__)]) from None

    def path(self, name: str) -> Path:
        """The file a template is read from. Raises NotFound."""
        for folder in self.folders:
            if (folder / name).is_file():
                return folder / name
        raise NotFound("template", name, self.names())

    def _is_there(self, name: str) -> bool:
        return any((folder / name).is_file() for folder in self.folders)


def _place(wrong: BaseException, name: str) -> tuple[str, int]:
    """Where in a template an error arose: Jinja rewrites the traceback to template lines."""
    where, line, step = name, 1, wrong.__traceback__
    while step is not None:
        if step.tb_frame.f_code.co_filename.endswith(".j2"):
            where, line = step.tb_frame.f_code.co_filename, step.tb_lineno
        step = step.tb_next
    return where, line
