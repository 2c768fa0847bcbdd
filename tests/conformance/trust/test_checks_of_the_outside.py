"""The checks that look from outside, on a server that nobody has broken: all pass, each with its controls."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

from tests.conformance.client import Install

CLAIMS = (
    "api.limits", "api.tokens", "auth.session", "auth.signin", "data.no_training", "dev.csrf", "dev.headers", "dev.input",
    "dev.ssrf", "enc.hsts", "enc.transit", "infra.network",
)  # fmt: skip
CHECKS = {
    "net.egress", "net.listeners", "session.life", "signin.password", "tls.cleartext", "tls.versions", "token.life",
    "web.cookies", "web.csrf", "web.headers", "web.hsts", "web.input", "web.limits", "web.ssrf",
}  # fmt: skip


@pytest.fixture(scope="module")
def results(install: Install) -> dict[str, dict]:
    ran = subprocess.run(
        [sys.executable, "-m", "smalt", "trust", "run", *CLAIMS, "--json"],
        capture_output=True,
        text=True,
        env={**install.environ(), "SMALT_DATA_DIR": str(install.data_dir)},
        cwd=install.folder,
        timeout=600,
        check=False,
    )
    return {one["check"]: one for one in json.loads(ran.stdout)["results"]}


@pytest.mark.parametrize("check", sorted(CHECKS))
def test_it_passes_and_its_controls_hold(results: dict[str, dict], check: str) -> None:
    found = results[check]
    assert found["outcome"] == "passed", (found["reason"], found["facts"])
    assert found["probes"]
    assert found["controls"]
    assert all(held for _, held in found["controls"])
