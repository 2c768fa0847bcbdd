"""The pages over the whole application, without a server: what they say of a log, and of one that is damaged."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import pytest

from smalt.app.build import build
from smalt.app.installation import Connections, Installation
from smalt.kernel.clock import SystemClock
from smalt.seal.keystore import KeyStore
from smalt.seal.kms_file import FileKms
from smalt.settings import Settings
from smalt.trust.registry import Claim, load
from tests.unit.trust.logs import HOUR, NOW, Log, result

HSTS = load()["enc.hsts"]
PAGES = ("/trust", "/trust/claims/enc.hsts", "/trust/roadmap")
PICTURES = ("/trust/badge.svg", "/trust/badge/enc.hsts.svg", "/trust/dot.svg")
BROWSER = {"accept": "text/html"}
Get = Callable[..., Any]


@pytest.fixture
def log(tmp_path: Path) -> Log:
    return Log(tmp_path)


@pytest.fixture
def get(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Get:
    """``await get(path, at=…)``: the answer at that time."""
    clock = [NOW]
    monkeypatch.setattr("smalt.trust.view.time.time", lambda: clock[0])
    keystore = KeyStore(FileKms(tmp_path / "root"), tmp_path / "store", SystemClock())
    nowhere = Connections("host=/nonexistent", "host=/nonexistent")
    web = build(Installation(Settings(data_dir=tmp_path), nowhere, keystore, SystemClock()))

    async def asked(path: str, at: int = NOW, **headers: str) -> httpx.Response:
        clock[0] = at
        transport = httpx.ASGITransport(web.asgi, raise_app_exceptions=False)
        async with httpx.AsyncClient(
            transport=transport, base_url="https://localhost", headers=BROWSER | headers
        ) as one:
            return await one.get(path)

    return asked


def row(text: str, claim: Claim = HSTS) -> str:
    """What the page says of ``claim``."""
    return text.partition(f'id="{claim.id}"')[2].partition("</li>")[0]


async def test_before_the_first_run_nothing_is_green(get: Get) -> None:
    for path in PAGES:
        reply = await get(path)
        assert reply.status_code == 200
        assert 'data-state="verified"' not in reply.text
    assert "no check has run here" in (await get("/trust")).text
    assert "#17633d" not in (await get("/trust/badge.svg")).text


async def test_states_turn_with_the_log_and_with_time(get: Get, log: Log) -> None:
    log.add(result(HSTS, NOW - HOUR))
    fresh = row((await get("/trust")).text)
    assert 'data-state="verified"' in fresh
    assert f'data-until="{NOW + 2 * HOUR}" data-then="stale"' in fresh
    stale = row((await get("/trust", at=NOW + 2 * HOUR)).text)
    assert 'data-state="stale"' in stale
    assert 'href="#t-clock"' in stale
    log.add(result(HSTS, NOW + 2 * HOUR + 60, "failed", "Did not hold: <hsts> on 404."))
    page = (await get("/trust", at=NOW + 2 * HOUR + 61)).text
    assert 'data-state="failing"' in row(page)
    assert "Did not hold: &lt;hsts&gt; on 404." in page
    claim = (await get("/trust/claims/enc.hsts", at=NOW + 2 * HOUR + 61)).text
    assert "The evidence is no longer kept" in claim
    assert (
        claim.index("failing")
        < claim.index("stale", claim.index("<tbody>"))
        < claim.index("verified", claim.index("<tbody>"))
    )


async def test_the_json_of_a_claim_says_the_same(get: Get, log: Log) -> None:
    log.add(result(HSTS, NOW - HOUR))
    said = (await get("/trust/claims/enc.hsts.json")).json()
    assert said["verdict"]["state"] == "verified"
    assert said["claim"]["digest"] == HSTS.digest
    assert [change["state"] for change in said["history"]] == ["verified"]
    assert said["results"][0]["check"] == "web.hsts"


@pytest.mark.parametrize("path", [*PAGES, *PICTURES, "/trust/claims.json", "/trust/claims/enc.hsts.json"])
async def test_who_has_it_gets_304_until_the_log_or_the_minute_changes(get: Get, log: Log, path: str) -> None:
    log.add(result(HSTS, NOW - HOUR))
    first = await get(path)
    tag = {"if-none-match": first.headers["etag"]}
    assert (await get(path, at=NOW + 30, **tag)).status_code == 304
    assert (await get(path, at=NOW + 60, **tag)).status_code == 200
    log.add(result(HSTS, NOW))
    assert (await get(path, **tag)).status_code == 200
    assert "set-cookie" not in first.headers
    assert first.headers["cache-control"] == "public, max-age=30"


@pytest.mark.parametrize("path", [*PAGES, *PICTURES, "/trust/claims.json"])
async def test_a_damaged_log_says_so_and_is_never_green(get: Get, log: Log, path: str) -> None:
    log.add(result(HSTS, NOW - HOUR))
    tile = next((log.journal.log / "tile" / "entries").rglob("*.p/*"))
    tile.write_bytes(tile.read_bytes()[:-1] + b"!")
    reply = await get(path)
    assert reply.status_code == 500
    assert reply.headers["cache-control"] == "no-store"
    assert "verified" not in reply.text
    assert "#17633d" not in reply.text
    assert ("log damaged" if path in PICTURES else "does not fit its own checkpoint") in reply.text


async def test_unknown_claims_are_404(get: Get) -> None:
    for path in ("/trust/claims/no.such", "/trust/claims/no.such.json", "/trust/badge/no.such.svg"):
        reply = await get(path)
        assert reply.status_code == 404
        assert "There is no such claim." in reply.text


async def test_search_engines_read_the_trust_center_only(get: Get) -> None:
    text = (await get("/robots.txt")).text
    assert text.splitlines()[-1] == "Disallow: /"
    assert "Allow: /trust" in text


@pytest.mark.parametrize("state", ["passed", "failed", "inconclusive"])
async def test_badges_say_it_in_words(get: Get, log: Log, state: str) -> None:
    log.add(result(HSTS, NOW - HOUR, state, "x"))
    badge = (await get("/trust/badge/enc.hsts.svg")).text
    word = {"passed": "verified", "failed": "failing", "inconclusive": "inconclusive"}[state]
    assert f"<title>enc.hsts: {word}</title>" in badge
    assert "<script" not in badge
    assert "style" not in badge
    assert (await get("/trust/badge/enc.hsts.svg", at=NOW + 5 * HOUR)).text.count("verified") == 0


def test_badges_can_be_read() -> None:
    from smalt.trust.badge import COLOURS
    from smalt.trust.show import LOOKS

    def luminance(colour: str) -> float:
        parts = (int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5))
        red, green, blue = (part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts)
        return 0.2126 * red + 0.7152 * green + 0.0722 * blue

    assert {look.tone for look in LOOKS.values()} == set(COLOURS)
    assert all(1.05 / (luminance(colour) + 0.05) >= 7 for colour in COLOURS.values())
