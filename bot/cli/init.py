"""Writes a commented folder to start from; a file that is there already is never touched."""

from pathlib import Path

import typer


def init(
    folder: Path = typer.Argument(..., help="Where to write it, such as ./tocsin; made if it is not there."),
) -> None:
    """Write a commented starter folder to begin from."""
    from bot.domain.errors import Refused, Unavailable
    from bot.words import house

    starter = house() / "templates" / "starter"
    files = sorted(path.relative_to(starter) for path in starter.rglob("*") if path.is_file())
    there = [str(folder / name) for name in files if (folder / name).exists() or (folder / name).is_symlink()]
    if there:
        raise Refused(f"nothing was written, because this is there already: {', '.join(there)}")
    try:
        for name in files:
            target = folder / name
            target.parent.mkdir(parents=True, exist_ok=True)
            with target.open("xb") as out:
                out.write((starter / name).read_bytes())
            print(f"wrote {target}")
    except OSError as error:
        raise Unavailable(str(error.filename or folder), error.strerror or str(error)) from None
    config = folder / "tocsin.yaml"
    print(f"\nNext: edit {config}, then `tocsin check -c {config}`, then `tocsin run -c {config}`.")
