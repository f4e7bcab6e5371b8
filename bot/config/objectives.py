"""Reads every objective of the `slos/` folder, whichever of three formats each document is written in."""

from collections.abc import Iterable, Iterator
from pathlib import Path

from bot.config import openslo, openslo_checks, pyrra, sloth
from bot.config.files import read_text
from bot.config.found import Found
from bot.config.marks import Marked, read_yaml

EXPECTED = f"apiVersion: {openslo.VERSION}, version: {sloth.VERSION} or apiVersion: {pyrra.VERSION}"


def objectives(paths: Iterable[Path], sources: frozenset[str] | None = None) -> Found:
    """The objectives of those files together, and everything wrong in them.

    A file may hold several documents, a list of them, and documents of several formats; JSON is YAML. Of a file that is
    not sound YAML nothing is taken. `sources` are the names of the sources that are set up.
    """
    found, flawed = Found(), set[str]()
    documents: list[Marked] = []
    for path in paths:
        text = read_text(path, found.problems)
        pages, wrong = read_yaml(text, str(path)) if text is not None else ([], [])
        found.problems += wrong
        documents += pages
        if wrong:
            flawed.add(str(path))
        found.sound = found.sound and text is not None and not wrong
    for each in _each_format(list(_parts(documents)), sources, found):
        found.add(each)
    found.slos = [slo for slo in found.slos if slo.origin is None or slo.origin.file not in flawed]
    found.problems += openslo_checks.overlaps(found.slos)
    return found


def _parts(documents: Iterable[Marked]) -> Iterator[Marked]:
    """Each document, those in lists one by one."""
    for document in documents:
        if document.get("apiVersion") == pyrra.VERSION and document.get("kind") == pyrra.LIST:
            yield from document.part("items").parts()
        else:
            yield from document.parts()


def _each_format(documents: list[Marked], sources: frozenset[str] | None, found: Found) -> Iterator[Found]:
    """What each reader finds in its documents; a document that is nobody's is told."""
    by_reader: dict[str, list[Marked]] = {"openslo": [], "sloth": [], "pyrra": []}
    for document in documents:
        reader = _reader(document)
        if reader is None:
            found.problems.append(
                document.problem("is an objective in none of the formats read here", expected=EXPECTED)
            )
        else:
            by_reader[reader].append(document)
    yield openslo.gather(by_reader["openslo"], sources)
    yield sloth.gather(by_reader["sloth"])
    yield pyrra.gather(by_reader["pyrra"])


def _reader(document: Marked) -> str | None:
    if sloth.mine(document):
        return "sloth"
    if pyrra.mine(document):
        return "pyrra"
    return "openslo" if str(document.get("apiVersion")).startswith("openslo") else None
