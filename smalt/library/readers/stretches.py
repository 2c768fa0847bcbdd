"""Documents without pages, cut into stretches of readable length."""

from __future__ import annotations

from smalt.library.parsed import Line, Page, Table

_STRETCH_CHARS = 4_000


class Stretches:
    """Collects lines and tables; a new stretch begins at a chapter or when the last one is long enough."""

    def __init__(self) -> None:
        self._pages: list[Page] = []
        self._chars = 0
        self._new()

    def _new(self) -> None:
        self._pages.append(Page(len(self._pages), 0, 0, [], []))
        self._chars = 0

    def line(self, text: str) -> None:
        """Add a paragraph or a line."""
        text = text.strip()
        if text:
            if self._chars > _STRETCH_CHARS:
                self._new()
            self._pages[-1].lines.append(Line(text))
            self._chars += len(text)

    def table(self, table: Table) -> None:
        """Add a table; without texts of its own above it, the last lines stand there."""
        if not table.above:
            table.above = [line.text for line in self._pages[-1].lines[-3:]]
        self._pages[-1].tables.append(table)
        self._chars += sum(len(row.label) + sum(len(c.text) for c in row.cells) for row in table.rows)

    def chapter(self) -> None:
        """Begin a new stretch, unless the present one is empty or still short."""
        if self._chars > _STRETCH_CHARS // 4:
            self._new()

    def pages(self) -> list[Page]:
        return [page for page in self._pages if page.lines or page.tables]
