"""What is handed out says what the registers and the claims say, in every form: the agreement, the questionnaire."""

from __future__ import annotations

import csv
import io
import re
import time
from collections.abc import Iterable, Mapping
from typing import Any

import httpx
import xlsxwriter

from smalt.library.readers.xlsx import read
from smalt.trust import inventory
from smalt.trust.check import Findings, Unclear, check
from smalt.trust.dpa import IN_FORCE, MEASURES
from smalt.trust.dpa_read import Stated, stated
from smalt.trust.exports import KEPT_S
from smalt.trust.status import HOLDING
from smalt.trust.target import Target

FORMS = ("md", "pdf", "docx")
CLAIMS_MIN = 20
ROUNDS = 2
UNKNOWN = "ZZZ-99"
MADE_UP = "nobody-at-all"


def _got(client: httpx.Client, path: str) -> httpx.Response:
    reply = client.get(path)
    if reply.status_code != httpx.codes.OK:
        raise Unclear("A document or a register could not be fetched.")
    return reply


def _claims(client: httpx.Client) -> dict[str, dict[str, Any]]:
    claims = {one["id"]: one for one in _got(client, "/trust/claims.json").json()["claims"]}
    if len(claims) < CLAIMS_MIN:
        raise Unclear("There are too few claims to compare anything with.")
    return claims


def _next_half_minute() -> None:
    """Until documents are made anew: between two looks a state may have changed."""
    time.sleep(KEPT_S - time.time() % KEPT_S + 0.2)


def differences(said: Stated, claims: Mapping[str, Mapping[str, Any]], listed: set[str], gone: set[str]) -> list[str]:
    """In which ways an agreement says something else than the registers; empty when it says the same.

    Of the words that begin lines of annex 2 only ids of vendors count, so a vendor must be in, and a removed one out.
    """
    measures = {name for name, one in claims.items() if one["section"] in MEASURES}
    holding = {name for name in measures if claims[name]["verdict"]["state"] in HOLDING}
    in_force, others, words = said
    found = []
    if in_force & claims.keys() != holding:
        found.append("measures in force")
    if others & claims.keys() != measures - holding:
        found.append("measures not in force")
    if not listed <= words or words & gone:
        found.append("sub-processors")
    return found


@check("dpa.current", every="hour", deadline_s=150)
def dpa_current(target: Target, found: Findings) -> None:
    """Fetches the agreement as Markdown, PDF and DOCX as a stranger, reads each back, and compares measures and sub-processors
    with the claims and the register of the same moment, and the annex of processing with the record of processing.
    """
    with target.client() as stranger:
        for left in reversed(range(ROUNDS)):
            vendors = _got(stranger, "/trust/subprocessors.json").json()["vendors"]
            documents = {form: _got(stranger, f"/trust/dpa.{form}").content for form in FORMS}
            claims = _claims(stranger)
            listed = {one["id"] for one in vendors if one["state"] != "removed"}
            gone = {one["id"] for one in vendors if one["state"] == "removed"}
            read = {form: stated(body, form) for form, body in documents.items()}
            wrong = {form: differences(said, claims, listed, gone) for form, said in read.items()}
            if not any(wrong.values()) or not left:
                break
            _next_half_minute()
    for form in FORMS:
        found.probe(f"{form} says what the registers say", not wrong[form], differs=wrong[form])
    text = " ".join(documents["md"].decode().split())
    recorded = {one.holds for one in inventory.load() if one.personal}
    found.probe("annex 1 is the record of processing", recorded and all(one in text for one in recorded))
    found.facts["looked at"] = {"claims": len(claims), "vendors": len(listed), "in force": len(read["md"][0])}
    _dpa_controls(found, documents["md"], claims, (listed, gone))


def _dpa_controls(
    found: Findings, body: bytes, claims: Mapping[str, Mapping[str, Any]], vendors: tuple[set[str], set[str]]
) -> None:
    """The same reader and the same comparison see an agreement that leaves something out, or claims too much."""
    listed, gone = vendors
    seen = differences(stated(body, "md"), claims, {*listed, MADE_UP}, gone)
    found.control("an omitted sub-processor is seen", "sub-processors" in seen)
    weaker = next(name for name, one in claims.items() if one["section"] in MEASURES)
    flipped = {**claims, weaker: {**claims[weaker], "verdict": {"state": _other(claims[weaker]["verdict"]["state"])}}}
    seen = differences(stated(body, "md"), flipped, listed, gone)
    found.control("a measure in the wrong list is seen", {"measures in force", "measures not in force"} <= set(seen))
    foreign = next(
        name for name, one in claims.items() if one["section"] not in MEASURES or one["verdict"]["state"] not in HOLDING
    )
    more = body.decode().replace(IN_FORCE, f"{IN_FORCE}\n\n| {foreign} | x |", 1).encode()
    found.control(
        "a measure that does not hold is seen", "measures in force" in differences(stated(more, "md"), claims, *vendors)
    )


def _other(state: str) -> str:
    return "failing" if state in HOLDING else "verified"


def _not_holding(claims: Mapping[str, Mapping[str, Any]]) -> str:
    return next((name for name, one in claims.items() if one["verdict"]["state"] not in HOLDING), "x.none")


def unfounded(answers: Iterable[Mapping[str, Any]], claims: Mapping[str, Mapping[str, Any]]) -> list[str]:
    """The ids of answers that the claims do not give: a yes without a claim, or with one that does not hold, above all."""
    return [one["id"] for one in answers if one["answer"] != _word([claim["id"] for claim in one["claims"]], claims)]


def _word(names: list[str], claims: Mapping[str, Mapping[str, Any]]) -> str:
    """The answer, computed anew from the states as they are published."""
    states = [claims[name]["verdict"]["state"] if name in claims else "unknown" for name in names]
    here = [state for state in states if state != "not_applicable"]
    holding = [state for state in here if state in HOLDING]
    if states and not here:
        return "not applicable"
    if here and len(holding) == len(here):
        return "yes"
    if holding:
        return "partial"
    return "planned" if here and set(here) == {"planned"} else "no"


@check("questionnaire.derived", every="hour", deadline_s=90)
def questionnaire_derived(target: Target, found: Findings) -> None:
    """Fetches every form of the questionnaire as a stranger and computes each answer anew from the published states of the
    claims that it names: a yes without a holding claim fails, and so does a form that says something else. Then has a
    spreadsheet of ids filled in as a tenant.
    """
    with target.client() as stranger:
        for left in reversed(range(ROUNDS)):
            answers = _got(stranger, "/trust/questionnaire.json").json()["answers"]
            tables = {
                form: _table(_got(stranger, f"/trust/questionnaire.{form}").content, form) for form in ("csv", "xlsx")
            }
            tables["page"] = _of_page(_got(stranger, "/trust/questionnaire").text)
            claims = _claims(stranger)
            wrong = unfounded(answers, claims)
            told = {one["id"]: one["answer"] for one in answers}
            if (not wrong and all(table == told for table in tables.values())) or not left:
                break
            _next_half_minute()
    found.probe("every answer follows from its claims", answers and not wrong, wrong=wrong[:10])
    found.probe("the same questions are asked of all claims", _asked(answers) >= _promised(claims))
    for form, table in tables.items():
        found.probe(f"{form} says the same", table == told)
    words = [one["answer"] for one in answers]
    found.facts["looked at"] = {word: words.count(word) for word in sorted(set(words))}
    _filled(target, found, claims)
    held = next((name for name, one in claims.items() if one["verdict"]["state"] in HOLDING), None)
    lie = {"id": "X", "answer": "yes", "claims": [{"id": _not_holding(claims)}]}
    found.control("a yes on a claim that does not hold is seen", unfounded([lie], claims) == ["X"])
    found.control("a yes without a claim is seen", unfounded([{**lie, "claims": []}], claims) == ["X"])
    half = {**lie, "claims": [*lie["claims"], *([{"id": held}] if held else [])]}
    found.control("a yes on half of its claims is seen", unfounded([half], claims) == ["X"])


def _filled(target: Target, found: Findings, claims: Mapping[str, Mapping[str, Any]]) -> None:
    """A spreadsheet with every claim's id and one that nobody knows, as a tenant sends it and gets it back."""
    made = io.BytesIO()
    with xlsxwriter.Workbook(made, {"in_memory": True}) as book:
        sheet = book.add_worksheet("Ours")
        for number, row in enumerate([("Id", "Question", "Answer"), *((name, "?") for name in claims), (UNKNOWN, "?")]):
            sheet.write_row(number, 0, row)
    with target.client(target.ours) as tenant:
        reply = tenant.post("/trust/questionnaire/fill", files={"file": ("ours.xlsx", made.getvalue())})
    if reply.status_code != httpx.codes.OK:
        found.probe("a spreadsheet is filled in", held=False, status=reply.status_code)
        return
    rows = _cells(reply.content)
    wrong = [name for name in claims if (rows.get(name) == "Yes") != (claims[name]["verdict"]["state"] in HOLDING)]
    found.probe(
        "a spreadsheet is filled in by the states of its claims", not wrong and len(rows) >= len(claims), wrong=wrong
    )
    found.probe("an id that nothing maps to stays empty", not rows.get(UNKNOWN))


def _asked(answers: Iterable[Mapping[str, Any]]) -> set[str]:
    return {claim["id"] for one in answers for claim in one["claims"]}


def _promised(claims: Mapping[str, Mapping[str, Any]]) -> set[str]:
    """The claims about the product; those about the Trust Center itself (section 11) need not be asked for."""
    return {name for name, one in claims.items() if one["section"] not in {10, 11}}


def _table(body: bytes, form: str) -> dict[str, str]:
    if form == "csv":
        return {row["Id"]: row["Answer"] for row in csv.DictReader(io.StringIO(body.decode("utf-8-sig")))}
    return {name: word for name, word in _cells(body, "D").items() if re.fullmatch(r"[A-Z]{3}-\d{2}", name)}


def _cells(body: bytes, answers: str = "C") -> dict[str, str]:
    """What stands in the column ``answers`` of each row, by what stands in its first."""
    found: dict[str, str] = {}
    for page in read(body).pages:
        for table in page.tables:
            for row in (*table.header, *table.rows):
                cells = {(cell.ref or " ")[0]: cell.text for cell in row.cells} | {(row.label_ref or " ")[0]: row.label}
                if "A" in cells:
                    found.setdefault(cells["A"], cells.get(answers, ""))
    return found


def _of_page(text: str) -> dict[str, str]:
    """Each question of the page with the word of its state."""
    parts = re.split(r'<li class="t-claim" id="([A-Z]{3}-\d{2})">', text)
    words = [re.search(r'<span class="t-word">([^<]+)</span>', part) for part in parts[2::2]]
    return {name: "" if word is None else word[1] for name, word in zip(parts[1::2], words, strict=True)}
