"""Markdown: headings, paragraphs and tables. Nothing is rendered and no link is followed."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from markdown_it import MarkdownIt
from markdown_it.token import Token

from smalt.library.parsed import Cell, Kind, Parsed, Row, Table
from smalt.library.readers.stretches import Stretches
from smalt.library.refusals import refusal
from smalt.library.sniff import decoded

_CHAPTERS = frozenset({"h1", "h2"})


def prepare() -> None:
    """Load the rules and the entity names."""
    _parser().parse("| a | b |\n|---|---|\n| 1 | &amp; |\n")


def read(data: bytes, progress: Callable[[int, int], None] | None = None) -> Parsed:
    stretches = Stretches()
    tokens = iter(_parser().parse(decoded(data)))
    title = ""
    heading = False
    for token in tokens:
        if token.type == "heading_open":
            heading = True
            if token.tag in _CHAPTERS:
                stretches.chapter()
        elif token.type == "table_open":
            stretches.table(_table(tokens))
        elif token.type == "inline":
            text = _text(token)
            title = title or (text if heading else "")
            for line in text.splitlines():
                stretches.line(line)
        elif token.type in {"fence", "code_block"}:
            for line in token.content.splitlines():
                stretches.line(line)
        elif token.type == "heading_close":
            heading = False
    pages = stretches.pages()
    if not pages:
        raise refusal("document.empty")
    if progress is not None:
        progress(1, 1)
    return Parsed(Kind.MARKDOWN, pages, title[:200])


def _parser() -> MarkdownIt:
    return MarkdownIt("commonmark", {"html": False}).enable("table")


def _text(token: Token) -> str:
    """The text of an inline token without marks; the text of a link stays, its address goes."""
    parts: list[str] = []
    for child in token.children or []:
        if child.type in {"softbreak", "hardbreak"}:
            parts.append("\n")
        elif child.type in {"text", "code_inline", "image"}:
            parts.append(child.content)
    return "".join(parts)


def _table(tokens: Iterable[Token]) -> Table:
    table = Table([], [], [])
    row: list[str] = []
    head = False
    index = 0
    for token in tokens:
        if token.type == "table_close":
            break
        if token.type in {"thead_open", "thead_close"}:
            head = token.type == "thead_open"
        elif token.type == "tr_open":
            row = []
        elif token.type == "inline":
            row.append(_text(token).replace("\n", " ").strip())
        elif token.type == "tr_close":
            index += 1
            cells = [Cell(text, column) for column, text in enumerate(row[1:]) if text]
            (table.header if head else table.rows).append(Row(row[0] if row else "", cells, index=index))
    return table
