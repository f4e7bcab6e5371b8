"""Turns a notice into files counsel works with: one shape for all of them, and one writer for each kind of file."""

import itertools
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, NamedTuple, TypeAlias

from bot.notices.checklist import GAP as _GAP

if TYPE_CHECKING:
    from markdown_it.token import Token

# XML 1.0 section 2.2 allows no other control signs; unpaired surrogates and direction overrides only ever mislead.
_ILLEGAL = re.compile(
    "[^\t\n\r\x20-\x7e\x85\xa0-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]|[\u202a-\u202e\u2066-\u2069]"
)
_LISTS = frozenset(f"{kind}_list_{end}" for kind in ("bullet", "ordered") for end in ("open", "close"))
FOOTER = "Drafting aid, not legal advice."


@dataclass(frozen=True, slots=True)
class Run:
    """Words in one manner; `gap` marks an empty place that must be seen."""

    text: str
    bold: bool = False
    italic: bool = False
    code: bool = False
    gap: bool = False


Runs: TypeAlias = tuple[Run, ...]


@dataclass(frozen=True, slots=True)
class Heading:
    """A heading of level 1 to 6."""

    level: int
    runs: Runs


@dataclass(frozen=True, slots=True)
class Paragraph:
    """Running text."""

    runs: Runs


@dataclass(frozen=True, slots=True)
class Bullets:
    """A list, bulleted or numbered; each item is one line of runs, nested as deep as its level (0: outermost)."""

    items: tuple[Runs, ...]
    numbered: bool = False
    levels: tuple[int, ...] = ()

    def level(self, item: int) -> int:
        """How deep that item is nested."""
        return self.levels[item] if item < len(self.levels) else 0


@dataclass(frozen=True, slots=True)
class Table:
    """Rows of cells; the first row is the header, which may be empty. All rows have the same width."""

    rows: tuple[tuple[Runs, ...], ...]


Block: TypeAlias = Heading | Paragraph | Bullets | Table


class Approval(NamedTuple):
    """Who approved these words, by name, and when."""

    by: str
    at: datetime


class Remark(NamedTuple):
    """A comment on the words it quotes; without a quotation, or where that is gone, it stands at the first words."""

    by: str
    at: datetime
    text: str
    quote: str = ""


@dataclass(frozen=True, slots=True)
class Document:
    """A notice ready to be written: what it is, which version, when its facts were read, and its words.

    `standing` is what the words are worth in a word or three (draft, waiting for approval, approved, stale, filed);
    `privileged` is the marking line of counsel's work, "" where there is none.
    """

    title: str
    regime: str
    stage: str
    status: str
    as_of: datetime
    digest: str
    blocks: tuple[Block, ...]
    markdown: str = ""
    footer: str = FOOTER
    standing: str = ""
    approvals: tuple[Approval, ...] = ()
    remarks: tuple[Remark, ...] = ()
    privileged: str = ""
    regime_name: str = ""
    form: str = ""  # the lines of the authority's form as JSON

    @classmethod
    def of(
        cls,
        markdown: str,
        *,
        title: str,
        regime: str,
        stage: str,
        status: str,
        as_of: datetime,
        digest: str,
        standing: str = "",
        approvals: Iterable[tuple[str, datetime]] = (),
        remarks: Iterable[Remark] = (),
        privileged: str = "",
        regime_name: str = "",
        form: str = "",
    ) -> "Document":
        """A document of a draft's Markdown text.

        Times carry a zone; `status` stands at the top, such as "draft, version 3"; `approvals` are (name, when).
        """
        text = clean(markdown)
        return cls(
            title=clean(title),
            regime=regime,
            stage=stage,
            status=clean(status),
            as_of=as_of.astimezone(UTC),
            digest=digest,
            blocks=tuple(parse(text)),
            markdown=text,
            standing=clean(standing),
            approvals=tuple(Approval(clean(by), at.astimezone(UTC)) for by, at in approvals),
            remarks=tuple(
                Remark(clean(each.by), each.at.astimezone(UTC), clean(each.text), clean(each.quote)) for each in remarks
            ),
            privileged=" ".join(clean(privileged).split()),
            regime_name=clean(regime_name),
            form=form,
        )

    @property
    def stamp(self) -> str:
        """One line that ties a printed page to the record: status, moment of the facts, digest."""
        return f"{self.status} · facts as of {moment(self.as_of)} · {self.digest[:16]}"

    @property
    def band(self) -> str:
        """What the words are worth, in capitals."""
        return (self.standing or self.status.partition(",")[0]).upper()

    @property
    def law(self) -> str:
        """The regime by its name, or its id where nobody gave one; "" where no law asks for these words."""
        return self.regime_name or self.regime

    @property
    def titled(self) -> bool:
        """Whether its words begin with a title of their own."""
        first = self.blocks[0] if self.blocks else None
        return isinstance(first, Heading) and first.level == 1


def moment(at: datetime) -> str:
    """A time as files print it: to the minute, in UTC."""
    return f"{at.astimezone(UTC):%Y-%m-%d %H:%M} UTC"


def clean(text: str) -> str:
    """Text without signs that no XML file may hold or that show letters in another order than they stand."""
    return _ILLEGAL.sub("", text)


def parse(markdown: str) -> Iterator[Block]:
    """The blocks of a Markdown text (CommonMark with tables); HTML in it is shown as text, never obeyed."""
    from markdown_it import MarkdownIt

    tokens = MarkdownIt("commonmark", {"html": False}).enable("table").parse(markdown)
    yield from _blocks(tokens)


def _blocks(tokens: "list[Token]") -> Iterator[Block]:
    at = 0
    while at < len(tokens):
        token = tokens[at]
        end = _closing(tokens, at)
        inside = tokens[at : end + 1]
        match token.type:
            case "heading_open":
                yield Heading(int(token.tag[1]), _runs(inside))
            case "paragraph_open":
                yield Paragraph(_runs(inside))
            case "bullet_list_open" | "ordered_list_open":
                items = list(_items(inside))
                levels = tuple(level for _, level in items)
                yield Bullets(tuple(runs for runs, _ in items), token.type.startswith("ordered"), levels)
            case "table_open":
                yield Table(tuple(_rows(inside)))
            case "fence" | "code_block":
                yield Paragraph((Run(token.content.rstrip("\n"), code=True),))
            case "blockquote_open":
                yield from _blocks(inside[1:-1])
        at = end + 1


def _closing(tokens: "list[Token]", at: int) -> int:
    """Where the block that opens at `at` closes."""
    depth = 0
    for end in range(at, len(tokens)):
        depth += tokens[end].nesting
        if depth == 0:
            return end
    return len(tokens) - 1


def _items(tokens: "list[Token]") -> Iterator[tuple[Runs, int]]:
    """Each item's words in reading order and how deep it is nested; nested items follow their parent."""
    current: list[Run] = []
    depth = level = 0
    for token in tokens[1:-1]:
        if token.type in _LISTS:
            depth += token.nesting
        elif token.type == "list_item_open":
            if current:
                yield tuple(current), level
            current, level = [], depth
        elif token.type == "inline":
            current += [*([Run("\n")] if current else []), *_inline(token.children or [])]
        elif token.type in {"fence", "code_block"}:
            current.append(Run(token.content.rstrip("\n"), code=True))
    if current:
        yield tuple(current), level


def _rows(tokens: "list[Token]") -> Iterator[tuple[Runs, ...]]:
    row: list[Runs] = []
    for token in tokens:
        if token.type == "tr_open":
            row = []
        elif token.type == "inline":
            row.append(tuple(_inline(token.children or [])))
        elif token.type == "tr_close":
            yield tuple(row)


def _runs(tokens: "Iterable[Token]") -> Runs:
    return tuple(run for token in tokens if token.type == "inline" for run in _inline(token.children or []))


def _inline(tokens: "list[Token]") -> Iterator[Run]:
    """Runs of one line; neighbours in the same manner are joined first, so that a gap marker is seen whole."""
    for (bold, italic, code), pieces in itertools.groupby(_pieces(tokens), key=lambda piece: piece[1]):
        for part in _GAP.split("".join(text for text, _ in pieces)):
            if part:
                yield Run(part, bold, italic, code, gap=bool(_GAP.fullmatch(part)))


def _pieces(tokens: "list[Token]") -> Iterator[tuple[str, tuple[bool, bool, bool]]]:
    """Each bit of text with (bold, italic, code); of a link the words remain, of an image what it says."""
    bold = italic = False
    for token in tokens:
        if token.tag == "strong":
            bold = token.nesting > 0
        elif token.tag == "em":
            italic = token.nesting > 0
        elif token.type in {"softbreak", "hardbreak"}:
            yield " " if token.type == "softbreak" else "\n", (bold, italic, False)
        elif token.content:
            yield token.content, (bold, italic, token.type == "code_inline")


def words(runs: Runs) -> str:
    """The bare words of runs."""
    return "".join(run.text for run in runs)
