"""Asks git where the configuration folder stands: its commit, and what in it was not committed."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

from bot.engine.as_read import Repository

WITHIN = 5.0
"""Seconds git may take."""
NAMED = 50
"""So many files are named that were not committed."""
_ALONE = ("PATH", "HOME", "XDG_CONFIG_HOME")
_APART = "\x1f"


def repository(root: Path) -> Repository:
    """How the folder stands; without git, or outside of a repository, why that is not known."""
    git = shutil.which("git")
    if git is None:
        return Repository(because="git is not installed here")
    try:
        told = _ask(git, root, "log", "-1", f"--format=%H{_APART}%cI{_APART}%s", "--", ".")
        if not told:
            return Repository(because="nothing of this folder was ever committed")
        dirty = _ask(git, root, "status", "--porcelain=v1", "-z", "--untracked-files=all", "--no-renames", "--", ".")
        commit = _ask(git, root, "rev-parse", "HEAD").strip()
    except subprocess.TimeoutExpired:
        return Repository(because=f"git took longer than {WITHIN:g} s")
    except (OSError, subprocess.CalledProcessError) as failed:
        return Repository(because=_because(str(getattr(failed, "stderr", "") or failed)))
    _newest, at, subject = told.rstrip("\n").split(_APART, 2)
    return Repository(commit, at, subject, tuple(each[3:] for each in dirty.split("\0") if each)[:NAMED])


def _ask(git: str, root: Path, *words: str) -> str:
    # nothing of our environment but where programs and git's own settings are: it may hold secrets
    environ = {name: os.environ[name] for name in _ALONE if name in os.environ}
    quiet = ["--no-optional-locks", "--literal-pathspecs", "-c", "core.fsmonitor=false", "-c", "core.quotePath=false"]
    done = subprocess.run(
        [git, "-C", str(root), *quiet, *words],
        capture_output=True, check=True, encoding="utf-8", errors="replace", timeout=WITHIN,
        env={**environ, "LC_ALL": "C", "GIT_TERMINAL_PROMPT": "0"}, stdin=subprocess.DEVNULL,
    )  # fmt: skip
    return done.stdout


def _because(complaint: str) -> str:
    if "not a git repository" in complaint:
        return "the folder is no git repository"
    if "dubious ownership" in complaint:
        return "git does not trust the folder: it belongs to another user"
    if "does not have any commits" in complaint or "unknown revision" in complaint:
        return "nothing of this folder was ever committed"
    return f"git could not say: {complaint.strip().splitlines()[0][:200] if complaint.strip() else 'no reason given'}"
