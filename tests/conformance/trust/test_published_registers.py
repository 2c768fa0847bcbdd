"""The public registers, from outside: one log, seen as page, JSON and Atom; and security.txt. Everything is stated by commands."""

from __future__ import annotations

import json
import re
import xml.etree.ElementTree as ET
from collections.abc import Iterator
from typing import Any

import pytest

from tests.conformance.client import Install, check_problem, fresh_folder
from tests.peers.running import needs_peers, run_peer

ATOM = "{http://www.w3.org/2005/Atom}"
TERMS = (
    "--name", "Acme & <Models>", "--category", "model", "--purpose", "Answers", "--data", "prompts", "--place", "EU",
    "--agreement", "DPA", "--until", "2099-12-31", "--host", "api.acme.example",
)  # fmt: skip


@pytest.fixture(scope="module")
def bare() -> Iterator[Install]:
    """A server of its own: what is stated cannot be taken back."""
    with Install(fresh_folder()) as running:
        yield running


@pytest.fixture(scope="module")
def stated(bare: Install) -> Install:
    """One in which an operator has stated something of every kind. It is asked for what is there before that, first."""
    http = bare.client()
    refused = check_problem(http.get("/.well-known/security.txt"), 404, "trust.no_contact")
    assert "--contact-security" in refused["todo"]
    assert http.get("/trust/subprocessors.json").json()["vendors"] == []
    assert "No sub-processor is in the register" in http.get("/trust/subprocessors").text
    assert "No incident has been recorded here." in http.get("/trust/incidents").text
    assert feed_of(http.get("/trust/subprocessors.atom").content).findall(f"{ATOM}entry") == []
    assert "None is made up" in http.get("/trust/contact").text
    state(bare, "deployment", "state", "--organisation", "Quill & Sons", "--contact-security", "security@example.com")
    state(bare, "vendor", "add", "acme", *TERMS)
    state(
        bare, "incident", "open", "--title", "A <b>lost</b> laptop", "--text", "It was sealed.", "--severity", "low",
        "--personal-data", "unknown",
    )  # fmt: skip
    state(bare, "incident", "drill", "--text", "A rehearsal.")
    return bare


def feed_of(content: bytes) -> ET.Element:
    return ET.fromstring(content)  # noqa: S314  # our own server's answer


def state(install: Install, *words: str) -> dict[str, Any]:
    return install.operator("trust", *words, "--yes")


def test_one_register_in_three_forms(stated: Install) -> None:
    http = stated.client()
    found = http.get("/trust/subprocessors.json").json()
    (vendor,) = found["vendors"]
    assert (vendor["id"], vendor["state"], vendor["hosts"]) == ("acme", "active", ["api.acme.example"])
    assert vendor["agreement_until"] == "2100-01-01T00:00:00Z"
    page = http.get("/trust/subprocessors")
    assert page.headers["content-type"] == "text/html; charset=utf-8"
    assert re.findall(r'data-vendor="([^"]+)" data-state="([^"]+)"', page.text) == [("acme", "active")]
    assert "Acme &amp; &lt;Models&gt;" in page.text
    feed = http.get("/trust/subprocessors.atom")
    assert feed.headers["content-type"] == "application/atom+xml; charset=utf-8"
    root = feed_of(feed.content)
    assert root.tag == f"{ATOM}feed"
    for needed in ("id", "title", "updated", "author"):
        assert len(root.findall(f"{ATOM}{needed}")) == 1, needed
    (entry,) = root.findall(f"{ATOM}entry")
    assert [entry.findtext(f"{ATOM}{name}") for name in ("title", "updated")] == [
        found["notices"][0]["title"],
        found["notices"][0]["announced_at"],
    ]
    assert entry.findtext(f"{ATOM}id") == f"{stated.url}/trust/subprocessors#entry-{vendor['entry']}"
    assert stated.operator("trust", "vendor", "list")["vendors"] == found["vendors"]


def test_an_incident_with_its_clock(stated: Install) -> None:
    http = stated.client()
    found = http.get("/trust/incidents.json").json()
    (incident,) = found["incidents"]
    assert (incident["state"], incident["notice"]["clock"], found["overdue"]) == ("detected", "running", [])
    page = http.get("/trust/incidents").text
    assert "A &lt;b&gt;lost&lt;/b&gt; laptop" in page
    assert "<b>lost" not in page
    assert f'data-incident="{incident["id"]}" data-state="detected" data-clock="running"' in page
    refused = stated.run(
        "trust", "incident", "close", incident["id"], "--text", "Over.", "--yes", "--json"
    )  # fmt: skip
    assert (refused.returncode, json.loads(refused.stdout)["error"]["code"]) == (6, "trust.not_contained")


def test_security_txt(stated: Install) -> None:
    reply = stated.client().get("/.well-known/security.txt")
    assert reply.headers["content-type"] == "text/plain; charset=utf-8"
    fields = dict(line.split(": ", 1) for line in reply.text.splitlines())
    assert fields["Contact"] == "mailto:security@example.com"
    assert fields["Canonical"] == f"{stated.url}/.well-known/security.txt"
    policy = stated.client().get(fields["Policy"].removeprefix(stated.url))
    assert (policy.status_code, "Safe harbour" in policy.text) == (200, True)


@needs_peers
def test_an_independent_judge_accepts_security_txt(stated: Install) -> None:
    text = stated.client().get("/.well-known/security.txt").content
    judged = run_peer("judge_securitytxt.py", given=text)
    assert (judged["valid"], judged["errors"]) == (True, [])
    assert run_peer("judge_securitytxt.py", given=text.replace(b"Expires", b"Expired"))["valid"] is False


def test_these_pages_set_no_cookie_and_need_no_script(stated: Install) -> None:
    http = stated.client()
    for path in ("subprocessors", "incidents", "disclosure", "contact", "privacy"):
        reply = http.get(f"/trust/{path}", headers={"accept": "text/html"})
        assert reply.status_code == 200, path
        assert "set-cookie" not in reply.headers
        assert reply.text.count("<h1>") == 1


def test_nobody_attests_what_a_check_proves(stated: Install) -> None:
    words = ("--by", "A", "--role", "B", "--until", "2099-01-01", "--statement", "C", "--yes", "--json")
    refused = stated.run("trust", "attest", "enc.hsts", *words)
    assert (refused.returncode, json.loads(refused.stdout)["error"]["code"]) == (6, "trust.not_attestable")


def test_without_a_terminal_nothing_is_published_by_mistake(stated: Install) -> None:
    before = stated.client().get("/trust/subprocessors.json").json()["log_size"]
    refused = stated.run("trust", "vendor", "remove", "acme", "--json")
    assert (refused.returncode, json.loads(refused.stdout)["error"]["code"]) == (2, "trust.unasked")
    assert "vendor: acme" in refused.stderr
    assert stated.client().get("/trust/subprocessors.json").json()["log_size"] == before
