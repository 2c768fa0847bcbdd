"""What the Trust Center hands out, as a stranger and as a tenant get it, over HTTPS from a real server."""

from __future__ import annotations

import io
import json

import openpyxl
import pytest

from tests.conformance.client import Install, Workspace, check_problem
from tests.peers.running import needs_peers, run_peer

DOCUMENTS = {
    "/trust/sbom.json": "application/vnd.cyclonedx+json",
    "/trust/vex.json": "application/vnd.cyclonedx+json",
    "/trust/attestations.json": "application/vnd.cyclonedx+json",
    "/trust/oscal/component-definition.json": "application/json",
    "/trust/oscal/assessment-results.json": "application/json",
    "/trust/dpa.md": "text/markdown",
    "/trust/dpa.pdf": "application/pdf",
    "/trust/dpa.docx": "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
    "/trust/questionnaire.json": "application/json",
    "/trust/questionnaire.csv": "text/csv",
    "/trust/questionnaire.xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    "/trust/dpa": "text/html",
    "/trust/questionnaire": "text/html",
}
MAX_BYTES = 2 * 1024 * 1024
SAME = {"sec-fetch-site": "same-origin"}


@pytest.mark.parametrize("path", sorted(DOCUMENTS))
def test_a_stranger_gets_every_document(install: Install, path: str) -> None:
    reply = install.client().get(path)
    assert reply.status_code == 200
    assert reply.headers["content-type"].startswith(DOCUMENTS[path])
    assert "max-age=30" in reply.headers["cache-control"]
    assert 500 < len(reply.content) < MAX_BYTES
    assert "set-cookie" not in reply.headers
    assert b"ertified" not in reply.content


@needs_peers
def test_what_is_served_is_accepted_by_others(install: Install, place) -> None:
    for kind, names in {
        "cyclonedx": ("sbom", "vex", "attestations"),
        "oscal": ("oscal/component-definition", "oscal/assessment-results"),
    }.items():
        paths = [place / f"{name.replace('/', '-')}.json" for name in names]
        for name, path in zip(names, paths, strict=True):
            path.write_bytes(install.client().get(f"/trust/{name}.json").content)
        assert run_peer(f"judge_{kind}.py", *paths) == {str(path): [] for path in paths}


def test_an_agreement_with_names_is_made_and_not_kept(install: Install) -> None:
    stranger = install.client().http
    sent = {"form": "md", "controller": "Quill & Sons", "controller_address": "1 Bridge Street"}
    reply = stranger.post("/trust/dpa", data=sent, headers={"origin": install.url, **SAME})
    assert reply.status_code == 200
    assert "Quill & Sons" in reply.text
    assert reply.headers["cache-control"] == "no-store"
    assert reply.headers["content-disposition"].startswith("attachment")
    assert "Quill" not in stranger.get("/trust/dpa.md").text
    for bad in ({**sent, "form": "exe"}, {"controller": "x"}, {**sent, "controller": "x" * 301}):
        assert stranger.post("/trust/dpa", data=bad, headers={"origin": install.url, **SAME}).status_code == 422
    check_problem(
        stranger.post(
            "/trust/dpa", data={**sent, "form": "pdf", "controller": "Λ"}, headers={"origin": install.url, **SAME}
        ),
        422,
        "dpa.letters",
    )


def workbook() -> bytes:
    book = openpyxl.Workbook()
    for row in (("Id", "Question", "Answer", "Comment"), ("ENC-02", "?"), ("CEK-03.1", "?"), ("HRS-99.1", "?")):
        book.active.append(row)
    made = io.BytesIO()
    book.save(made)
    return made.getvalue()


def test_a_tenant_has_a_spreadsheet_filled_in(install: Install, ours: Workspace) -> None:
    reply = ours.api.http.post("/trust/questionnaire/fill", files={"file": ("caiq.xlsx", workbook())})
    assert reply.status_code == 200
    counted = {name: reply.headers[f"x-smalt-{name}"] for name in ("filled", "kept", "left-empty")}
    assert counted == {"filled": "2", "kept": "0", "left-empty": "1"}
    rows = list(openpyxl.load_workbook(io.BytesIO(reply.content)).active.iter_rows(min_row=2, values_only=True))
    answers = {one["id"]: one["answer"] for one in install.client().get("/trust/questionnaire.json").json()["answers"]}
    assert (rows[0][2] == "Yes") == (answers["ENC-02"] == "yes")
    assert rows[1][2] in {"Partial", "No"}
    assert not rows[2][2]
    by_page = ours.browser.http.post("/trust/questionnaire/fill", files={"file": ("caiq.xlsx", workbook())})
    assert by_page.status_code == 200


def test_only_members_and_only_workbooks(install: Install, ours: Workspace) -> None:
    path = "/trust/questionnaire/fill"
    check_problem(install.client().http.post(path, files={"file": ("a.xlsx", workbook())}), 401, "session.missing")
    for body in (b"", b"plain text", b"PK\x03\x04 nothing", json.dumps({}).encode()):
        assert ours.api.http.post(path, files={"file": ("a.xlsx", body)}).status_code == 422
    assert ours.api.post(path, {"no": "file"}).status_code == 422
    assert (
        ours.api.http.post(path, files={"file": ("a.xlsx", b"PK\x03\x04" + bytes(9 * 1024 * 1024))}).status_code == 413
    )


def test_the_command_says_what_it_left_empty(install: Install, place) -> None:
    (place / "in.xlsx").write_bytes(workbook())
    told = install.operator("trust", "questionnaire", "fill", str(place / "in.xlsx"), str(place / "out.xlsx"))
    assert {name: told[name] for name in ("filled", "kept", "left_empty")} == {"filled": 2, "kept": 0, "left_empty": 1}
    assert told["sheets"][0]["unknown"] == ["HRS-99.1"]
    assert openpyxl.load_workbook(place / "out.xlsx").active["C2"].value in {"Yes", "No", "Partial"}
