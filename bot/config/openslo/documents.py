"""OpenSLO's documents as one library: each kind by its name, whichever file it stands in."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from bot.config.fit import closest
from bot.config.found import Found
from bot.config.marks import Marked, Page, Path
from bot.domain.errors import Problem

VERSION = "openslo/v1"
ALPHA = "openslo.com/v2alpha"
KINDS = ("SLO", "SLI", "Service", "DataSource", "AlertPolicy", "AlertCondition", "AlertNotificationTarget")


class Sheet(Page):
    """One document of OpenSLO; v2alpha calls an indicator an SLI and spares a level of indentation."""

    flawed = False
    """Whether its head is wrong already."""

    @property
    def alpha(self) -> bool:
        return bool(self.get("apiVersion") == ALPHA)

    @property
    def indicator(self) -> str:
        return "sli" if self.alpha else "indicator"

    @property
    def reference(self) -> str:
        return "sliRef" if self.alpha else "indicatorRef"

    def metadata(self, *path: str | int) -> None:
        """Complain of metadata that is none; `path` is where an inline object stands."""
        more = ("namespace",) if self.alpha else ()
        here = (*path, "metadata")
        if self.known(here, "name", "displayName", "labels", "annotations", *more):
            annotations = self.get(*here, "annotations")
            if annotations is not None and not isinstance(annotations, dict):
                self.known((*here, "annotations"))


@dataclass
class Library:
    """All documents; `nothing` is what a complaint says where there is none of a kind."""

    problems: list[Problem]
    notes: list[Problem]
    sources: frozenset[str] | None = None
    nothing: str = "none in these files"
    sheets: list[Sheet] = field(default_factory=list)
    by_name: dict[tuple[str, str], Sheet] = field(default_factory=dict)

    def named(self, kind: str, name: object) -> Sheet | None:
        """The document of that kind and name."""
        return self.by_name.get((kind, str(name)))

    def find(self, kind: str, page: Page, *path: str | int) -> Sheet | None:
        """The document that the value at `path` names; complains where there is none of that kind."""
        name = page.get(*path)
        found = self.named(kind, name)
        if found is None:
            there_is = self.there_is(kind)
            what = f"there is no {kind} {name!r}{closest(name, there_is)}"
            page.complain(what, *path, expected=", ".join(there_is) or self.nothing)
        return found

    def there_is(self, kind: str) -> list[str]:
        return sorted(name for each, name in self.by_name if each == kind)


def library(documents: Iterable[Marked], found: Found, sources: frozenset[str] | None, nothing: str) -> Library:
    """Every document that says what it is; what does not is told."""
    held = Library(found.problems, found.notes, sources, nothing)
    for sheet in _sheets(documents, held):
        before = len(held.problems)
        if not _is_openslo(sheet):
            continue
        kind, name = str(sheet.get("kind")), str(sheet.get("metadata", "name"))
        if kind != "SLO" and (first := held.named(kind, name)) is not None:
            line, _ = first.document.where("metadata", "name")
            what = f"the {kind} {name!r} stands in {first.document.file}:{line} already"
            sheet.complain(what, "metadata", "name", expected="each name once")
        held.by_name.setdefault((kind, name), sheet)
        sheet.flawed = len(held.problems) > before
        held.sheets.append(sheet)
    return held


def _sheets(documents: Iterable[Marked], held: Library) -> Iterator[Sheet]:
    for document in documents:
        yield Sheet(document, held.problems, held.notes)


def _is_openslo(sheet: Sheet) -> bool:
    if not isinstance(sheet.document.data, dict):
        sheet.complain("is no OpenSLO document", expected="apiVersion, kind, metadata, spec")
        return False
    sheet.known((), "apiVersion", "kind", "metadata", "spec")
    version, kind = sheet.get("apiVersion"), sheet.get("kind")
    if version not in (VERSION, ALPHA):
        sheet.complain(f"apiVersion {version!r} is not read", "apiVersion", expected=f"{VERSION} or {ALPHA}")
        return False
    if kind not in KINDS:
        sheet.complain(f"there is no kind {kind!r}", "kind", expected=", ".join(KINDS))
        return False
    sheet.text("metadata", "name")
    return True


def inline_or_named(sheet: Sheet, kind: str, reference: str, held: Library, path: Path) -> tuple[Sheet, Path] | None:
    """The object at `path`, written out there or named: the sheet it stands on, and where on it."""
    item = sheet.get(*path)
    if isinstance(item, dict) and reference not in item:
        if not sheet.known(path, "apiVersion", "kind", "metadata", "spec"):
            return None
        if item.get("kind") != kind:
            sheet.complain(f"there is no {kind} here", *path, expected=f"{reference}, or kind: {kind} and its spec")
            return None
        sheet.metadata(*path)
        return sheet, path
    if not isinstance(item, str):
        if not sheet.known(path, reference):
            return None
        path = (*path, reference)
    found = held.find(kind, sheet, *path)
    return (found, ()) if found is not None else None
