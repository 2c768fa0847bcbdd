"""A witness outside: named by a tenant, it cosigns what only grew, and says so loudly when it did not."""

from __future__ import annotations

import base64
import hashlib
import json
import shutil
import struct
import time
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from tests.conformance.client import Install, Workspace, check_problem


def grow(install: Install) -> None:
    assert install.run("trust", "run", "trust.audit", "--json").returncode == 0


def look(install: Install, key: Path, *more: str, url: str | None = None) -> dict[str, object]:
    ran = install.run(
        "trust", "witness", url or install.url, "--key", str(key), "--ca", str(install.ca), "--json", *more
    )
    found: dict[str, object] = json.loads(ran.stdout)
    return found | {"exit": ran.returncode}


@pytest.fixture(scope="module")
def key(install: Install, ours: Workspace, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A witness that was named by ours and has looked once."""
    grow(install)
    path = tmp_path_factory.mktemp("witness") / "key"
    first = look(install, path, "--new", "witness.example/one")
    assert (first["exit"], first["before"], first["taken"]) == (0, 0, False)
    assert ours.browser.post("/api/v1/witnesses", {"key": first["key"]}).status_code == 201
    return path


def lines_of(note: str) -> list[str]:
    return note.rpartition("\n\n")[2].splitlines()


def test_its_line_stands_below_the_checkpoint(install: Install, ours: Workspace, key: Path) -> None:
    grow(install)
    seen = look(install, key)
    assert (seen["exit"], seen["taken"]) == (0, True)
    client = install.client()
    note = client.get(f"/trust/log/checkpoint/{seen['size']}").text
    [_, line] = lines_of(note)
    name, signature = line.removeprefix("\u2014 ").split(" ")
    raw = base64.b64decode(signature)
    [at] = struct.unpack(">Q", raw[4:12])
    assert name == "witness.example/one"
    assert abs(time.time() - at) < 3600
    public = base64.b64decode(str(seen["key"]).split("+", 2)[2])[1:]
    text = note.rpartition("\n\n")[0] + "\n"
    Ed25519PublicKey.from_public_bytes(public).verify(raw[12:], f"cosignature/v1\ntime {at}\n{text}".encode())
    [listed] = ours.browser.get("/api/v1/witnesses").json()["items"]
    assert listed["seen_size"] == seen["size"]

    before = seen["size"]
    grow(install)  # the checkpoint of before stays, with its lines; the newest has none yet
    assert client.get(f"/trust/log/checkpoint/{before}").text == note
    assert len(lines_of(client.get("/trust/log/checkpoint").text)) == 1
    assert look(install, key)["before"] == before
    check_problem(client.get("/trust/log/checkpoint/999999"), 404, "trust.no_checkpoint")


def cosigned(text: str, name: str, secret: Ed25519PrivateKey, at: int | None = None) -> str:
    """A note's line by hand, as the specification says."""
    at = int(time.time()) if at is None else at
    public = secret.public_key().public_bytes_raw()
    ident = hashlib.sha256(name.encode() + b"\n\x04" + public).digest()[:4]
    signature = secret.sign(f"cosignature/v1\ntime {at}\n{text}".encode())
    return f"\u2014 {name} {base64.b64encode(ident + struct.pack('>Q', at) + signature).decode()}\n"


def verifier_key(name: str, secret: Ed25519PrivateKey) -> str:
    public = secret.public_key().public_bytes_raw()
    ident = hashlib.sha256(name.encode() + b"\n\x04" + public).hexdigest()[:8]
    return f"{name}+{ident}+{base64.b64encode(bytes([4]) + public).decode()}"


def test_only_registered_keys_over_this_log_are_taken(install: Install, theirs: Workspace, key: Path) -> None:
    client, secret, name = install.client(), Ed25519PrivateKey.generate(), "witness.example/two"
    note = client.get("/trust/log/checkpoint").text
    text = note.rpartition("\n\n")[0] + "\n"

    def post(body: str, line: str) -> object:
        return client.post("/trust/log/cosignature", content=f"{body}\n{line}".encode())

    good = cosigned(text, name, secret)
    check_problem(post(text, good), 403, "witness.not_registered")
    made = theirs.browser.post("/api/v1/witnesses", {"key": verifier_key(name, secret)})
    assert made.status_code == 201, made.text
    assert post(text, good).json() == {"taken": 1, "size": int(text.split("\n")[1])}
    assert good.strip() in client.get("/trust/log/checkpoint").text

    other = cosigned(text, name, Ed25519PrivateKey.generate())
    forged = [*good.split(" ")[:2], base64.b64encode(base64.b64decode(good.split(" ")[2])[:12] + b"x" * 64).decode()]
    late = cosigned(text, name, secret, int(time.time()) + 86_400)
    for line in (other, " ".join(forged) + "\n", late):
        check_problem(post(text, line), 403, "witness.not_registered")
    origin, size, root = text.split("\n")[:3]
    for wrong in (
        f"{origin}\n{size}\n{base64.b64encode(b'0' * 32).decode()}\n",
        f"{origin}\n{int(size) + 1}\n{root}\n",
        f"elsewhere\n{size}\n{root}\n",
    ):
        check_problem(post(wrong, cosigned(wrong, name, secret)), 409, "witness.not_this_log")
    for body in (b"", b"nonsense", note.encode() + b"\xff", b"x" * 20_000):
        check_problem(client.post("/trust/log/cosignature", content=body), 422, "witness.note")

    assert theirs.browser.delete(f"/api/v1/witnesses/{made.json()['id']}").status_code == 204
    check_problem(post(text, good), 403, "witness.not_registered")
    assert theirs.browser.delete(f"/api/v1/witnesses/{made.json()['id']}").status_code == 404


def test_tenants_see_their_own_witnesses_only(ours: Workspace, theirs: Workspace, key: Path) -> None:
    [mine] = ours.browser.get("/api/v1/witnesses").json()["items"]
    assert mine["id"] not in {one["id"] for one in theirs.browser.get("/api/v1/witnesses").json()["items"]}
    assert theirs.browser.delete(f"/api/v1/witnesses/{mine['id']}").status_code == 404
    check_problem(ours.browser.post("/api/v1/witnesses", {"key": mine["key"]}), 409, "witness.known_or_too_many")
    for text in (
        "",
        "a+b",
        mine["key"][:-4] + "AAAA",
        (ours.install.data_dir / "trust" / "keys.json").read_text()[:300],
    ):
        check_problem(ours.browser.post("/api/v1/witnesses", {"key": text}), 422, "witness.key")


def test_a_log_that_was_put_back_is_called_out_and_nothing_is_signed(install: Install, key: Path) -> None:
    seen = look(install, key)
    trust = install.data_dir / "trust" / "log"
    kept = trust.with_name("log.kept")
    shutil.copytree(trust, kept)
    try:
        older = install.client().get("/trust/log/checkpoint/1")
        assert older.status_code == 200
        (trust / "checkpoint").write_text(older.text, "utf-8")
        told = look(install, key)
        assert told["exit"] == 12
        assert told["error"]["code"] == "witness.fork"  # type: ignore[index]
        assert list(key.parent.glob("key.fork-*"))
        refused = install.run("trust", "run", "trust.audit", "--json")
        assert refused.returncode == 12
        assert json.loads(refused.stdout)["error"]["code"] == "trust.log_forked"
    finally:
        shutil.rmtree(trust)
        kept.rename(trust)
    assert look(install, key)["before"] == seen["size"]
