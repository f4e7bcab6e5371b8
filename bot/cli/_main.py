"""Finds the command that is asked for, loads that one alone, and tells its errors in sentences."""

import importlib
import pkgutil
import sys
from collections.abc import Sequence
from types import ModuleType

import typer

from bot import cli
from bot.domain.errors import Invalid, TocsinError

INVALID = 2
FAILED = 1
INTERRUPTED = 130  # as shells say of a program that was stopped by Ctrl-C


def commands() -> dict[str, str]:
    """The commands there are, each with the module it lives in; nothing is loaded."""
    files = sorted(module.name for module in pkgutil.iter_modules(cli.__path__) if not module.name.startswith("_"))
    return {name.rstrip("_").replace("_", "-"): f"{cli.__name__}.{name}" for name in files}


def build(argv: Sequence[str]) -> typer.Typer:
    """The application; where `argv` names a command, that one alone is loaded."""
    app = typer.Typer(
        name="tocsin",
        help="Incident response and on call for teams that run machine-learning models in production.",
        rich_markup_mode=None,  # rich costs 150 ms before the first word is printed
        pretty_exceptions_enable=False,
        add_completion=False,
        no_args_is_help=True,
        context_settings={"help_option_names": ["-h", "--help"]},
    )
    app.callback()(_options)
    there_is = commands()
    asked = next((word for word in argv if not word.startswith("-")), "")
    for name in [asked] if asked in there_is else there_is:
        _add(app, name, importlib.import_module(there_is[name]))
    return app


def run(argv: Sequence[str]) -> int:
    """Do what the words ask for; the exit code. What a person can act on is told in sentences, never as a traceback."""
    try:
        build(argv)(args=list(argv), prog_name="tocsin")
    except Invalid as wrong:
        for problem in wrong.problems:
            print(problem, file=sys.stderr)
        count = len(wrong.problems)
        print(f"{count} {'problem' if count == 1 else 'problems'}", file=sys.stderr)
        return INVALID
    except TocsinError as wrong:
        print(f"tocsin: {wrong}", file=sys.stderr)
        return FAILED
    except KeyboardInterrupt:
        return INTERRUPTED
    except SystemExit as end:
        return _code(end)
    return 0


def _add(app: typer.Typer, name: str, module: ModuleType) -> None:
    """Put one file's command, or group of commands, into the application."""
    group = getattr(module, "app", None)
    if isinstance(group, typer.Typer):
        app.add_typer(group, name=name, help=_first_line(module))
        return
    command = getattr(module, module.__name__.rpartition(".")[2])
    app.command(name=name)(command)


def _first_line(module: ModuleType) -> str:
    return (module.__doc__ or "").strip().partition("\n")[0]


def _code(end: SystemExit) -> int:
    if isinstance(end.code, str):
        print(end.code, file=sys.stderr)
        return FAILED
    return end.code or 0


def _show_version(wanted: bool) -> None:
    if wanted:
        from importlib.metadata import PackageNotFoundError, version

        try:
            print(f"tocsin {version('tocsin')}")
        except PackageNotFoundError:
            print("tocsin (not installed)")
        raise typer.Exit


def _options(
    version: bool = typer.Option(
        False, "--version", help="Print the version and end.", callback=_show_version, is_eager=True
    ),
) -> None:
    """Incident response and on call for teams that run machine-learning models in production."""
