"""`tocsin`, and `python -m bot`: where the command line begins."""

import sys

from bot.cli._main import run


def main() -> None:
    """Do what the command line asks for, and end with its exit code."""
    sys.exit(run(sys.argv[1:]))


if __name__ == "__main__":
    main()
