"""How tests read objectives that stand in several files, and look at what is told about them."""

from collections.abc import Callable

from bot.config.found import Found
from bot.config.marks import read_yaml


def gathered(gather: Callable[..., Found], *texts: str, **more: object) -> Found:
    """What a reader finds in texts that stand in f0.yaml, f1.yaml and so on."""
    parts = []
    for index, text in enumerate(texts):
        documents, problems = read_yaml(text, f"f{index}.yaml")
        assert problems == []
        parts += [part for document in documents for part in document.parts()]
    return gather(parts, **more)


def sound(gather: Callable[..., Found], *texts: str, **more: object) -> Found:
    """The same, where nothing may be wrong."""
    found = gathered(gather, *texts, **more)
    assert [str(problem) for problem in found.problems] == []
    return found


def told(problems: object) -> list[str]:
    """Each as `file:line:column: what (expected …)`."""
    return [str(problem) for problem in problems]  # type: ignore[attr-defined]


def place(text: str, needle: str) -> str:
    """`line:column` of the one place where those letters stand."""
    assert text.count(needle) == 1, f"{needle!r} stands {text.count(needle)} times"
    at = text.index(needle)
    return f"{text.count(chr(10), 0, at) + 1}:{at - text.rfind(chr(10), 0, at)}"
