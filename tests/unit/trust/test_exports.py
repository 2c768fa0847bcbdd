"""Documents for auditors: what they say follows the view, and independent programs accept them."""

from __future__ import annotations

import hashlib
import json
import re
import zipfile
from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from flit_core.wheel import WheelBuilder

from smalt.trust import cyclonedx, oscal, sbom, vex
from smalt.trust.exports import KINDS, Exports, made
from smalt.trust.view import TrustView
from tests.peers.running import needs_peers, run_peer

ROOT = Path(__file__).resolve().parents[3]


def said(name: str, view: TrustView) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(made(name, view).body)
    return found


def test_components_are_the_lock_and_what_is_installed() -> None:
    parts = sbom.components()
    locked = re.findall(
        r"^([a-z0-9][\w.-]*)(?:\[[^\]]*\])?==([^\s;]+)", (ROOT / "requirements.lock").read_text(), re.MULTILINE
    )
    assert [(one.name, one.version) for one in parts if one.kind != "bundled"] == locked
    assert len({one.ref for one in parts}) == len(parts)
    names = {one.name for one in parts} | {"smalt"}
    for one in parts:
        assert one.needed_by
        assert set(one.needed_by) <= names
        if one.kind != "bundled":
            assert one.licence, one.name
            assert one.hashes
            assert one.record
    assert {one.name for one in parts if one.kind == "direct"} >= {"fastapi", "psycopg", "cryptography"}
    assert "psycopg-binary" in {one.name for one in parts if one.kind == "transitive"}
    (postgresql,) = [one for one in parts if one.name == "postgresql"]
    assert re.fullmatch(r"\d+\.\d+", postgresql.version)
    assert {"openssl", "libpdfium.so"} <= {one.name for one in parts}


def test_the_digest_of_a_bundled_file_is_that_of_the_file() -> None:
    import pypdfium2_raw

    (part,) = [one for one in sbom.components() if one.name == "libpdfium.so"]
    library = Path(str(pypdfium2_raw.__file__)).with_name("libpdfium.so")
    assert part.hashes == (hashlib.sha256(library.read_bytes()).hexdigest(),)


def test_a_lock_without_hashes_is_refused() -> None:
    assert sbom.pins("a==1 \\\n    --hash=sha256:" + "0" * 64 + "\n    # via -r requirements.in\n")[0].via == ("smalt",)
    for broken in ("", "a==1\n    # via b\n", "a==1 \\\n    --hash=sha256:" + "0" * 64 + "\n"):
        with pytest.raises(ValueError, match="lock"):
            sbom.pins(broken)


def test_the_installed_package_carries_the_lock(tmp_path: Path) -> None:
    with (tmp_path / "it.whl").open("w+b") as target:
        WheelBuilder.from_ini_path(ROOT / "pyproject.toml", target).build()
    with zipfile.ZipFile(tmp_path / "it.whl") as wheel:
        assert wheel.read("smalt/trust/requirements.lock") == (ROOT / "requirements.lock").read_bytes()


def test_an_advisory_is_open_below_the_fix_and_resolved_from_it_on() -> None:
    (ours,) = [one for one in sbom.components() if one.name == "postgresql"]

    def state(version: str) -> str:
        other = sbom.Component("postgresql", version, "bundled", "", "", (), "", ours.needed_by)
        return vex.load((other,)).findings[0].state

    assert state("18.6") == "exploitable"
    assert state("18.7") == state("18.10") == state("19.0") == "resolved"
    assert state("unknown") == "exploitable"
    with pytest.raises(ValueError, match="no part called"):
        vex.load(())
    assert vex.load().reviewed <= date.today()


@pytest.fixture
def views(make_view: Callable[..., TrustView]) -> dict[str, TrustView]:
    return {
        "nothing": make_view({}),
        "holds": make_view({"web.hsts": "passed"}),
        "fails": make_view({"web.hsts": "failed"}),
    }


def test_no_finding_is_satisfied_that_does_not_hold(views: dict[str, TrustView]) -> None:
    seen = set()
    for view in views.values():
        (result,) = said("oscal.results", view)["assessment-results"]["results"]
        assert len(result["findings"]) == len(view.claims) > 40
        for finding in result["findings"]:
            one = view[finding["title"]]
            assert (finding["target"]["status"]["state"] == "satisfied") == one.holds
            seen.add(one.verdict.state)
        links = {row["uuid"] for row in result.get("observations", ())}
        used = {row["observation-uuid"] for one in result["findings"] for row in one.get("related-observations", ())}
        assert used == links
    assert {"verified", "failing", "planned", "inconclusive"} <= seen


def test_an_attestation_counts_what_holds_and_names_what_does_not(views: dict[str, TrustView]) -> None:
    for name, view in views.items():
        document = said("attestations", view)["declarations"]
        claims = {one["bom-ref"]: one for one in document["claims"]}
        rows = {row["requirement"]: row for one in document["attestations"] for row in one["map"]}
        assert rows.keys() >= {"soc2:CC6.7", "asvs:3.4.1"}
        assert rows["asvs:3.4.1"]["conformance"]["score"] == (1 if name == "holds" else 0)
        for row in rows.values():
            for ref in (*row.get("claims", ()), *row.get("counterClaims", ())):
                assert ref in claims
            assert all(view[ref.partition(":")[2]].holds for ref in row.get("claims", ()))
            assert not any(view[ref.partition(":")[2]].holds for ref in row.get("counterClaims", ()))
        if name == "fails":
            assert claims["counter:enc.hsts"]["counterEvidence"]
            assert "evidence" not in claims["counter:enc.hsts"]


@needs_peers
def test_independent_programs_accept_every_document(views: dict[str, TrustView], tmp_path: Path) -> None:
    paths: dict[str, list[Path]] = {"cyclonedx": [], "oscal": []}
    for state, view in views.items():
        for name in ("sbom", "vex", "attestations", "oscal.component", "oscal.results"):
            path = tmp_path / f"{state}.{KINDS[name].name}"
            path.write_bytes(made(name, view).body)
            paths["oscal" if name.startswith("oscal") else "cyclonedx"].append(path)
    for kind, found in paths.items():
        judged = run_peer(f"judge_{kind}.py", *found)
        assert judged == {str(path): [] for path in found}


@needs_peers
def test_they_see_a_document_that_is_broken(views: dict[str, TrustView], tmp_path: Path) -> None:
    results = said("oscal.results", views["holds"])
    results["assessment-results"]["results"][0]["findings"][0]["target"]["status"]["state"] = "certified"
    bill = said("sbom", views["holds"])
    bill["components"][0]["hashes"][0]["content"] = "none"
    for name, broken in {"oscal": results, "cyclonedx": bill}.items():
        path = tmp_path / name
        path.write_text(json.dumps(broken))
        assert run_peer(f"judge_{name}.py", path)[str(path)]


def test_the_same_state_has_the_same_identifiers(views: dict[str, TrustView]) -> None:
    again = views["holds"]
    assert cyclonedx.attestations(again)["serialNumber"] == cyclonedx.attestations(again)["serialNumber"]
    assert cyclonedx.attestations(again)["serialNumber"] != cyclonedx.attestations(views["fails"])["serialNumber"]
    one, other = (oscal.assessment_results(views[name])["assessment-results"] for name in ("holds", "fails"))
    assert one["uuid"] != other["uuid"]
    assert oscal.assessment_results(again)["assessment-results"]["uuid"] == one["uuid"]


class Counting:
    """A trust that counts how often it is looked at, with a view of its own."""

    def __init__(self, view: TrustView) -> None:
        self.now = view

    def view(self) -> TrustView:
        return self.now


def test_a_document_is_made_once_for_a_state(views: dict[str, TrustView]) -> None:
    trust = Counting(views["holds"])
    exports = Exports(trust)  # type: ignore[arg-type]
    first = exports.get("attestations")
    assert exports.get("attestations") is first
    trust.now = views["nothing"]
    assert exports.get("attestations") != first
