"""The questionnaire as CSV and as a workbook. No cell is ever a formula, whatever its text begins with (CWE-1236)."""

from __future__ import annotations

import csv
import io

from smalt.trust.questionnaire import Answer, answers, counts
from smalt.trust.record import stamp
from smalt.trust.view import TrustView

HEAD = ("Id", "Topic", "Question", "Answer", "Text", "Claims", "Last proof")
_WIDTHS = (9, 22, 52, 14, 80, 26, 18)
_TONES = {"yes": "#17633d", "partial": "#7d4c00", "no": "#a3221b"}


def rows(found: list[Answer]) -> list[tuple[str, ...]]:
    return [
        (
            one.question.id,
            one.question.topic,
            one.question.ask,
            one.word,
            one.text,
            ", ".join(f"{name} ({state.replace('_', ' ')})" for name, state in one.claims),
            "" if one.proved_at is None else stamp(one.proved_at),
        )
        for one in found
    ]


def csv_of(view: TrustView) -> bytes:
    """UTF-8 with a byte order mark, so that spreadsheets read it as what it is; lines end after RFC 4180."""
    made = io.StringIO()
    writer = csv.writer(made, lineterminator="\r\n")
    writer.writerow(HEAD)
    writer.writerows(tuple(_still(cell) for cell in row) for row in rows(answers(view)))
    return made.getvalue().encode("utf-8-sig")


def _still(cell: str) -> str:
    return f"'{cell}" if cell.startswith(("=", "+", "-", "@", "\t", "\r")) else cell


def xlsx_of(view: TrustView) -> bytes:
    """One sheet of answers and one that says how they were made."""
    import xlsxwriter

    made = io.BytesIO()
    found = answers(view)
    options = {"in_memory": True, "strings_to_formulas": False, "strings_to_urls": False, "strings_to_numbers": False}
    with xlsxwriter.Workbook(made, options) as book:
        cell = book.add_format({"text_wrap": True, "valign": "top"})
        head = book.add_format({"bold": True, "bottom": 1, "font_color": "#1d3f94"})
        tones = {
            word: book.add_format({"text_wrap": True, "valign": "top", "bold": True, "font_color": tone})
            for word, tone in _TONES.items()
        }
        sheet = book.add_worksheet("Answers")
        sheet.freeze_panes(1, 1)
        for column, (title, width) in enumerate(zip(HEAD, _WIDTHS, strict=True)):
            sheet.set_column(column, column, width)
            sheet.write_string(0, column, title, head)
        listed = rows(found)
        for number, row in enumerate(listed, 1):
            for column, text in enumerate(row):
                sheet.write_string(number, column, text, tones.get(row[3], cell) if column == 3 else cell)
        sheet.autofilter(0, 0, len(listed), len(HEAD) - 1)
        sheet.set_landscape()
        sheet.fit_to_pages(1, 0)
        sheet.repeat_rows(0)
        about = book.add_worksheet("How it was made")
        about.set_column(0, 0, 24)
        about.set_column(1, 1, 90)
        for number, (name, text) in enumerate(_about(view, found)):
            about.write_string(number, 0, name, head)
            about.write_string(number, 1, text, cell)
    return made.getvalue()


def _about(view: TrustView, found: list[Answer]) -> list[tuple[str, str]]:
    return [
        ("Made", stamp(view.now)),
        ("Log", f"{view.size} entries"),
        ("Answers", ", ".join(f"{number} {word}" for word, number in counts(found).items())),
        ("Yes", "Every claim behind the answer holds at this moment, by a live check, a document or a person."),
        ("Partial", "Some of the claims hold; the text says which do not."),
        ("Planned", "None holds yet; each has a date."),
        ("No", "Not so, or not shown now."),
        ("Verify", "Each claim's page has its evidence and the command that verifies it: /trust/claims/ and its id."),
    ]
