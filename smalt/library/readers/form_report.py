"""The sheet that is added to a filled questionnaire: how many rows were filled, kept and left empty, and which ids those are."""

from __future__ import annotations

import zipfile
from collections.abc import Callable, Sequence
from typing import Any

from lxml import etree

from smalt.library.form import SheetReport

_SPREAD = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
_OFFICE = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
_PACKAGE = "http://schemas.openxmlformats.org/package/2006"
_TYPE = "application/vnd.openxmlformats-officedocument.spreadsheetml.worksheet+xml"
_WORKBOOK, _RELATIONS, _TYPES = "xl/workbook.xml", "xl/_rels/workbook.xml.rels", "[Content_Types].xml"
_RELATION_ID = "rIdSmaltReport"
NAME = "Filled by Smalt"


def report_parts(
    archive: zipfile.ZipFile, tree: Callable[[bytes], Any], reports: Sequence[SheetReport]
) -> dict[str, bytes]:
    """The parts that add the sheet, by name; none for a workbook that has one already."""
    workbook, relations, types = (tree(archive.read(name)) for name in (_WORKBOOK, _RELATIONS, _TYPES))
    sheets = workbook.find(f"{{{_SPREAD}}}sheets")
    names = {one.get("name") for one in sheets}
    if NAME in names or any(one.get("Id") == _RELATION_ID for one in relations):
        return {}
    part = "xl/worksheets/smalt-report.xml"
    number = 1 + max((int(one.get("sheetId") or 0) for one in sheets), default=0)
    sheet = etree.SubElement(sheets, f"{{{_SPREAD}}}sheet", name=NAME, sheetId=str(number))
    sheet.set(f"{{{_OFFICE}}}id", _RELATION_ID)
    etree.SubElement(
        relations, f"{{{_PACKAGE}/relationships}}Relationship", Id=_RELATION_ID, Type=f"{_OFFICE}/worksheet",
        Target="worksheets/smalt-report.xml",
    )  # fmt: skip
    etree.SubElement(types, f"{{{_PACKAGE}/content-types}}Override", PartName=f"/{part}", ContentType=_TYPE)
    return {_WORKBOOK: written(workbook), _RELATIONS: written(relations), _TYPES: written(types), part: _sheet(reports)}


def written(tree: Any) -> bytes:
    made: bytes = etree.tostring(tree, xml_declaration=True, encoding="UTF-8", standalone=True)
    return made


def _sheet(reports: Sequence[SheetReport]) -> bytes:
    rows = [
        ("Sheet", "Filled", "Kept as they were", "Left empty", "Ids that nothing of ours maps to"),
        *((one.name, str(one.filled), str(one.kept), str(len(one.unknown)), _said(one)) for one in reports),
        ("An answer stands for the moment at which it was made; the claims behind it are in the comment.",),
    ]
    root: Any = etree.fromstring(f'<worksheet xmlns="{_SPREAD}"/>')
    data = etree.SubElement(root, f"{{{_SPREAD}}}sheetData")
    for number, row in enumerate(rows, 1):
        line = etree.SubElement(data, f"{{{_SPREAD}}}row", r=str(number))
        for letter, text in zip("ABCDE", row, strict=False):
            cell = etree.SubElement(line, f"{{{_SPREAD}}}c", r=f"{letter}{number}", t="inlineStr")
            etree.SubElement(etree.SubElement(cell, f"{{{_SPREAD}}}is"), f"{{{_SPREAD}}}t").text = text
    return written(root)


def _said(report: SheetReport) -> str:
    return report.problem or ", ".join(report.unknown)[:30_000]  # a cell takes 32,767 characters
