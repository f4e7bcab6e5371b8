"""Opens the files of a configuration folder, so that one that cannot be read is a complaint, not an accident."""

from pathlib import Path

from bot.config.marks import Marked, read_yaml
from bot.domain.errors import Problem

MOST_BYTES = 4_000_000
"""More than this is no file a person wrote."""


def read_text(path: Path, problems: list[Problem]) -> str | None:
    """The text of a file, or None with a problem."""
    try:
        if path.stat().st_size > MOST_BYTES:
            problems.append(
                Problem(str(path), 1, 1, "is too large to be configuration", f"at most {MOST_BYTES:,} bytes")
            )
            return None
        return path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError:
        problems.append(Problem(str(path), 1, 1, "is not text", "UTF-8"))
    except OSError as error:
        problems.append(Problem(str(path), 1, 1, f"cannot be read: {error.strerror or error}"))
    return None


def read_page(path: Path, problems: list[Problem]) -> Marked | None:
    """The one YAML document of a file, or None with a problem."""
    text = read_text(path, problems)
    return None if text is None else one_page(text, str(path), problems)


def one_page(text: str, file: str, problems: list[Problem]) -> Marked | None:
    """The one YAML document of a text, or None with a problem."""
    pages, wrong = read_yaml(text, file)
    problems += wrong
    if not pages:
        if not wrong:
            problems.append(Problem(file, 1, 1, "is empty", "`key: value` lines"))
        return None
    if len(pages) > 1:
        problems.append(pages[1].problem("a second document begins here", expected="one document in each file"))
    return pages[0]


def listed(folder: Path, *endings: str) -> list[Path]:
    """The files of a folder with one of those endings, by name; none where there is no such folder."""
    if not folder.is_dir():
        return []
    return sorted(path for path in folder.iterdir() if path.suffix in endings and not path.name.startswith("."))
