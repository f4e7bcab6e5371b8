"""Reads a Dockerfile into its stages and instructions, as far as rules about them need."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Instruction:
    """One instruction: its word in capitals, and the rest with continuations joined."""

    word: str
    rest: str

    @property
    def flags(self) -> dict[str, str]:
        """Its `--name=value` flags, those that stand before the rest."""
        found = {}
        for part in self.rest.split():
            if not (flag := re.fullmatch(r"--([a-z-]+)=(.+)", part)):
                break
            found[flag[1]] = flag[2]
        return found

    @property
    def arguments(self) -> list[str]:
        """What follows the flags; in exec form, the words of the JSON list."""
        words = self.rest.split()[len(self.flags) :]
        text = " ".join(words)
        return [str(word) for word in json.loads(text)] if text.startswith("[") else words


@dataclass(frozen=True, slots=True)
class Stage:
    """What is built from one FROM."""

    base: str
    name: str
    instructions: Sequence[Instruction]

    def all(self, word: str) -> list[Instruction]:
        """Its instructions of that kind, in order."""
        return [instruction for instruction in self.instructions if instruction.word == word]

    def index(self, word: str, containing: str) -> int:
        """Where the first such instruction stands. Raises LookupError without one."""
        for place, instruction in enumerate(self.instructions):
            if instruction.word == word and containing in instruction.rest:
                return place
        raise LookupError(f"no {word} with {containing!r}")


def read(path: Path) -> list[Stage]:
    """The stages of a Dockerfile, build arguments before the first FROM filled in."""
    given: dict[str, str] = {}
    stages: list[tuple[str, str, list[Instruction]]] = []
    for instruction in _instructions(path.read_text("utf-8")):
        if instruction.word == "FROM":
            base, *named = re.sub(r"\$\{(\w+)\}", lambda name: given[name[1]], instruction.rest).split()
            stages.append((base, named[1] if named else "", []))
        elif stages:
            stages[-1][2].append(instruction)
        else:
            name, _, value = instruction.rest.partition("=")
            given[name] = value
    return [Stage(*stage) for stage in stages]


def _instructions(text: str) -> list[Instruction]:
    lines = [line for line in text.splitlines() if line.strip() and not line.lstrip().startswith("#")]
    joined = "\n".join(lines).replace("\\\n", " ")
    found = []
    for line in joined.splitlines():
        word, _, rest = line.strip().partition(" ")
        found.append(Instruction(word.upper(), " ".join(rest.split())))
    return found
