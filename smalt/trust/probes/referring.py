"""Documents that refer to an address in every way that their kind knows, made byte by byte."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Mapping

_XML = '<?xml version="1.0" encoding="UTF-8" standalone="yes"?>'
_OFFICE = "http://schemas.openxmlformats.org"
_TYPES = f'{_XML}<Types xmlns="{_OFFICE}/package/2006/content-types"><Default Extension="rels" ContentType="application/vnd.openxmlformats-package.relationships+xml"/><Default Extension="xml" ContentType="application/xml"/>{{}}</Types>'
_MAIN = "application/vnd.openxmlformats-officedocument"


def _relations(*found: tuple[str, str, str, bool]) -> str:
    """(id, type, target, external) as a relationships part."""
    one = "".join(
        f'<Relationship Id="{name}" Type="{_OFFICE}/officeDocument/2006/relationships/{kind}" Target="{to}"'
        + (' TargetMode="External"/>' if external else "/>")
        for name, kind, to, external in found
    )
    return f'{_XML}<Relationships xmlns="{_OFFICE}/package/2006/relationships">{one}</Relationships>'


def _zip(parts: Mapping[str, str]) -> bytes:
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, text in parts.items():
            archive.writestr(name, text)
    return made.getvalue()


def markdown(address: str) -> bytes:
    return (
        f"# Synthetic Industries plc\n\n![a picture]({address}.png)\n\n[a link]({address})\n\n"
        f'<img src="{address}"><link rel="stylesheet" href="{address}.css"><iframe src="{address}"></iframe>\n\n'
        "Revenue in 2024 was EUR 1,234 million. Revenue in 2023 was EUR 1,100 million.\n"
    ).encode()


def docx(address: str, doctype: str = "") -> bytes:
    """Word: a picture by link, an attached template, a link; ``doctype`` stands before the document's root."""
    body = (
        f"{_XML}{doctype}"
        f'<w:document xmlns:w="{_OFFICE}/wordprocessingml/2006/main" xmlns:r="{_OFFICE}/officeDocument/2006/relationships"'
        f' xmlns:a="{_OFFICE}/drawingml/2006/main"><w:body><w:p><w:r><w:t>Revenue in 2024 was EUR 1,234 million.</w:t></w:r>'
        '</w:p><w:p><w:hyperlink r:id="rId2"><w:r><w:t>a link</w:t></w:r></w:hyperlink><w:r><w:drawing>'
        '<a:blip r:link="rId1"/></w:drawing></w:r></w:p></w:body></w:document>'
    )
    return _zip(
        {
            "[Content_Types].xml": _TYPES.format(
                f'<Override PartName="/word/document.xml" ContentType="{_MAIN}.wordprocessingml.document.main+xml"/>'
                f'<Override PartName="/word/styles.xml" ContentType="{_MAIN}.wordprocessingml.styles+xml"/>'
            ),
            "_rels/.rels": _relations(("rId1", "officeDocument", "word/document.xml", False)),
            "word/document.xml": body,
            "word/styles.xml": f'{_XML}<w:styles xmlns:w="{_OFFICE}/wordprocessingml/2006/main"/>',
            "word/_rels/document.xml.rels": _relations(
                ("rId1", "image", f"{address}.png", True),
                ("rId2", "hyperlink", address, True),
                ("rId3", "attachedTemplate", f"{address}.dotm", True),
                ("rId4", "styles", "styles.xml", False),
            ),
        }
    )


def xlsx(address: str) -> bytes:
    """Excel: a formula that calls, a link, and a workbook elsewhere."""
    sheet = (
        f'{_XML}<worksheet xmlns="{_OFFICE}/spreadsheetml/2006/main"'
        f' xmlns:r="{_OFFICE}/officeDocument/2006/relationships"><sheetData>'
        '<row r="1"><c r="A1" t="inlineStr"><is><t>Revenue</t></is></c><c r="B1"><v>1234</v></c></row>'
        f'<row r="2"><c r="A2" t="inlineStr"><is><t>Call</t></is></c><c r="B2"><f>WEBSERVICE("{address}")</f><v>1</v></c></row>'
        '</sheetData><hyperlinks><hyperlink ref="A1" r:id="rId1"/></hyperlinks></worksheet>'
    )
    main = f"{_MAIN}.spreadsheetml"
    return _zip(
        {
            "[Content_Types].xml": _TYPES.format(
                f'<Override PartName="/xl/workbook.xml" ContentType="{main}.sheet.main+xml"/>'
                f'<Override PartName="/xl/worksheets/sheet1.xml" ContentType="{main}.worksheet+xml"/>'
                f'<Override PartName="/xl/externalLinks/externalLink1.xml" ContentType="{main}.externalLink+xml"/>'
            ),
            "_rels/.rels": _relations(("rId1", "officeDocument", "xl/workbook.xml", False)),
            "xl/workbook.xml": (
                f'{_XML}<workbook xmlns="{_OFFICE}/spreadsheetml/2006/main"'
                f' xmlns:r="{_OFFICE}/officeDocument/2006/relationships"><sheets><sheet name="Data" sheetId="1" r:id="rId1"/>'
                '</sheets><externalReferences><externalReference r:id="rId2"/></externalReferences></workbook>'
            ),
            "xl/_rels/workbook.xml.rels": _relations(
                ("rId1", "worksheet", "worksheets/sheet1.xml", False),
                ("rId2", "externalLink", "externalLinks/externalLink1.xml", False),
            ),
            "xl/worksheets/sheet1.xml": sheet,
            "xl/worksheets/_rels/sheet1.xml.rels": _relations(("rId1", "hyperlink", address, True)),
            "xl/externalLinks/externalLink1.xml": (
                f'{_XML}<externalLink xmlns="{_OFFICE}/spreadsheetml/2006/main"'
                f' xmlns:r="{_OFFICE}/officeDocument/2006/relationships"><externalBook r:id="rId1"/></externalLink>'
            ),
            "xl/externalLinks/_rels/externalLink1.xml.rels": _relations(
                ("rId1", "externalLinkPath", f"{address}.xlsx", True)
            ),
        }
    )


def pdf(address: str) -> bytes:
    """A PDF of one page that opens ``address`` when it is opened, links to it, and has a file elsewhere."""
    uri = f"/S /URI /URI ({address})".encode()
    text = b"BT /F1 24 Tf 72 700 Td (Revenue in 2024 was EUR 1,234 million.) Tj ET"
    objects = [
        b"<< /Type /Catalog /Pages 2 0 R /OpenAction << %b >> >>" % uri,
        b"<< /Type /Pages /Kids [3 0 R] /Count 1 >>",
        b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 612 792] /Contents 4 0 R /Resources << /Font << /F1 5 0 R >>"
        b" /XObject << /X 6 0 R >> >> /Annots [<< /Type /Annot /Subtype /Link /Rect [0 0 600 700] /A << %b >> >>] >>"
        % uri,
        b"<< /Length %d >>\nstream\n%b\nendstream" % (len(text), text),
        b"<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica >>",
        b"<< /Type /XObject /Subtype /Form /BBox [0 0 1 1] /Length 0 /F << /FS /URL /F (%b) >> >>\nstream\n\nendstream"
        % address.encode(),
    ]
    made, places = b"%PDF-1.4\n", list[int]()
    for number, one in enumerate(objects, 1):
        places.append(len(made))
        made += b"%d 0 obj\n%b\nendobj\n" % (number, one)
    table = b"".join(b"%010d 00000 n \n" % place for place in places)
    count = len(objects) + 1
    end = b"trailer\n<< /Size %d /Root 1 0 R >>\nstartxref\n%d\n%%%%EOF\n" % (count, len(made))
    return made + b"xref\n0 %d\n0000000000 65535 f \n%b" % (count, table) + end


def referring(address: str) -> dict[str, bytes]:
    """Documents by their file names; what the product does not take is among them."""
    entity = (
        f'<!DOCTYPE w:document [<!ENTITY % outside SYSTEM "{address}.dtd"> %outside; <!ENTITY x SYSTEM "{address}">]>'
    )
    page = (
        f'<!doctype html><img src="{address}"><link rel="stylesheet" href="{address}"><script src="{address}"></script>'
    )
    drawing = f'<svg xmlns="http://www.w3.org/2000/svg"><image href="{address}"/></svg>'
    return {
        "refers.docx": docx(address),
        "entity.docx": docx(address, entity),
        "refers.xlsx": xlsx(address),
        "refers.pdf": pdf(address),
        "refers.csv": f'Item,2024\nRevenue,1234\nCall,"=WEBSERVICE(""{address}"")"\n'.encode(),
        "refers.md": markdown(address),
        "refers.txt": f"Revenue in 2024 was EUR 1,234 million. See {address}\n".encode(),
        "refers.html": page.encode(),
        "refers.svg": drawing.encode(),
        "refers.xml": f"{_XML}{entity}<x>&x;</x>".encode(),
    }
