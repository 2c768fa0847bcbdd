"""The agreement as Markdown, DOCX and PDF. All three are set from the same blocks, so that none says more than another."""

from __future__ import annotations

import re
from io import BytesIO
from typing import Any

from smalt.kernel.errors import Malformed
from smalt.trust.dpa import Agreement, Block, Break, Heading, Paragraph, Parties, Signatures, Table, agreement
from smalt.trust.view import TrustView

MARKDOWN, DOCX, PDF = "md", "docx", "pdf"
TYPES = {
    MARKDOWN: "text/markdown; charset=utf-8",
    DOCX: "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
    PDF: "application/pdf",
}
SIGNED = ("Place and date", "Name and function", "Signature")


def with_names(view: TrustView, parties: Parties, form: str) -> bytes:
    """The agreement of ``view`` with a reader's names. `Malformed` for letters that ``form`` cannot show."""
    if form == PDF:
        from smalt.trust.dpa_pdf import require_letters

        require_letters(parties)
    return written(agreement(view, parties), form)


def written(made: Agreement, form: str) -> bytes:
    """``made`` in the form ``form`` of `TYPES`."""
    if form == PDF:
        from smalt.trust.dpa_pdf import pdf

        return pdf(made)
    return docx(made) if form == DOCX else markdown(made).encode()


def markdown(made: Agreement) -> str:
    parts = [f"# {made.title}", f"*{made.subtitle}*"]
    parts += [text for block in made.blocks if (text := _markdown(block))]
    return "\n\n".join(parts) + "\n"


def _markdown(block: Block) -> str:
    match block:
        case Heading(level, text):
            return f"{'#' * (level + 1)} {_plain(text)}"
        case Paragraph(text, quiet):
            return f"> {_plain(text)}" if quiet else _plain(text)
        case Table(head, rows):
            lines = [head, tuple("---" for _ in head), *rows]
            return "\n".join(
                "| " + " | ".join(_plain(cell).replace("|", "\\|") for cell in row) + " |" for row in lines
            )
        case Signatures(parties):
            return "\n\n".join(
                "\n".join(
                    [f"**{_plain(role)}** {_plain(name)}", *(f"- {line}: ____________________" for line in SIGNED)]
                )
                for role, name in parties
            )
        case Break():
            return ""


def _plain(text: str) -> str:
    """``text`` with what Markdown would take for marks escaped: a party's name is nobody's formatting."""
    return re.sub(r"([\\`*\[\]<>#]|(?<![A-Za-z0-9_])_(?!_)|(?<!_)_(?![A-Za-z0-9_]))", r"\\\1", text)


def docx(made: Agreement) -> bytes:
    from docx import Document
    from docx.shared import Pt, RGBColor

    document = Document()
    style = document.styles["Normal"]
    style.font.name, style.font.size = "Calibri", Pt(10.5)
    style.paragraph_format.space_after = Pt(6)
    for level, size in ((0, 22), (1, 15), (2, 12)):
        heading = document.styles["Title" if level == 0 else f"Heading {level}"]
        heading.font.name, heading.font.size, heading.font.color.rgb = "Calibri", Pt(size), RGBColor(0x1D, 0x3F, 0x94)
    document.core_properties.title, document.core_properties.author = made.title, ""
    document.add_heading(made.title, 0)
    document.add_paragraph(made.subtitle).runs[0].italic = True
    for block in made.blocks:
        _into_docx(document, block)
    _number_pages(document)
    found = BytesIO()
    document.save(found)
    return found.getvalue()


def _into_docx(document: Any, block: Block) -> None:
    match block:
        case Heading(level, text):
            document.add_heading(_xml(text), level)
        case Paragraph(text, quiet):
            document.add_paragraph(_xml(text)).runs[0].italic = quiet
        case Table(head, rows, widths):
            _table_into_docx(document, head, rows, widths)
        case Signatures(parties):
            for role, name in parties:
                document.add_paragraph(_xml(f"{role}  {name}")).runs[0].bold = True
                for line in SIGNED:
                    document.add_paragraph(f"{line}: ______________________________")
        case Break():
            document.add_page_break()


def _table_into_docx(
    document: Any, head: tuple[str, ...], rows: tuple[tuple[str, ...], ...], widths: tuple[int, ...]
) -> None:
    from docx.shared import Mm, Pt

    table = document.add_table(rows=0, cols=len(head))
    table.style = "Table Grid"
    table.autofit = False
    for number, row in enumerate((head, *rows)):
        for cell, text, width in zip(table.add_row().cells, row, widths, strict=True):
            cell.width = Mm(160 * width / sum(widths))
            run = cell.paragraphs[0].add_run(_xml(text))
            run.font.size, run.bold = Pt(8.5), number == 0
            cell.paragraphs[0].paragraph_format.space_after = Pt(2)
    document.add_paragraph()


def _number_pages(document: Any) -> None:
    """A field in the footer: the program that opens the file counts."""
    from docx.oxml import OxmlElement
    from docx.oxml.ns import qn

    paragraph = document.sections[0].footer.paragraphs[0]
    paragraph.add_run("Data processing agreement · page ")
    field = OxmlElement("w:fldSimple")
    field.set(qn("w:instr"), "PAGE")
    paragraph._p.append(field)  # noqa: SLF001  # python-docx has no fields


def _xml(text: str) -> str:
    """``text``, or `Malformed`: XML has no way to write some characters."""
    if any(not char.isprintable() for char in text):
        raise Malformed("dpa.letters", "A name holds a character that cannot be printed.", todo="Write it without.")
    return text
