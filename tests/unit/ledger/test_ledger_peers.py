"""Programs that other people wrote accept our roots, proofs, checkpoints, tiles and envelopes, and refuse broken ones."""

from __future__ import annotations

import base64
import json
import shutil
import subprocess
from pathlib import Path

import pytest

from smalt.ledger import tiles, tree
from tests.peers.running import needs_peers, run_peer
from tests.unit.trust.bundles import members_of, usual

ENTRIES = [f"entry {number}".encode() for number in range(70)]
LEAVES = [tree.leaf_hash(entry) for entry in ENTRIES]
SIZES = [1, 2, 3, 4, 7, 8, 9, 31, 32, 33, 64, 70]

SUMDB = Path(__file__).parents[2] / "peers" / "sumdb" / "main.go"
needs_go = pytest.mark.skipif(shutil.which("go") is None, reason="NO GO ON PATH: x/mod/sumdb DID NOT JUDGE THE LOG")


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    return usual(tmp_path_factory.mktemp("peers"))


def told(**changes):
    plain = {
        "entries": [base64.b64encode(entry).decode() for entry in ENTRIES],
        "roots": [[size, tree.root(LEAVES[:size]).hex()] for size in SIZES],
        "inclusion": [
            [index, size, [one.hex() for one in tree.inclusion(index, LEAVES[:size])]] for size in SIZES for index in {0, size // 2, size - 1}
        ],
        "consistency": [
            [old, size, [one.hex() for one in tree.consistency(old, LEAVES[:size])]] for size in SIZES for old in SIZES if old <= size
        ],
    }  # fmt: skip
    return json.dumps({**plain, **changes}).encode()


@needs_peers
def test_pymerkle_accepts_roots_and_proofs():
    assert run_peer("judge_log.py", given=told()) == []


@needs_peers
def test_pymerkle_refuses_broken_ones():
    wrong = "00" * 32
    refused = run_peer(
        "judge_log.py",
        given=told(roots=[[70, wrong], *json.loads(told())["roots"][:-1]], inclusion=[[3, 9, [wrong] * 4]], consistency=[[3, 9, [wrong] * 4], [9, 70, []]]),
    )  # fmt: skip
    assert [one.split(":")[0] for one in refused] == [
        "root 70",
        "inclusion 3 of 9",
        "consistency 3 of 9",
        "consistency 9 of 70",  # to a root that is not the tree's
        "consistency 9 of 70",  # and by an empty proof
    ]


@needs_peers
def test_securesystemslib_accepts_every_entry_of_a_log_and_no_changed_one(site):
    entries = [entry.decode() for entry in site.journal.entries()]
    assert len(entries) == 8
    changed = json.loads(entries[0])
    changed["payload"] = base64.b64encode(base64.b64decode(changed["payload"]).replace(b"claims", b"Claims")).decode()
    public = site.keeper.checker_key.public.hex()
    judged = run_peer(
        "judge_dsse.py", given=json.dumps({"public": public, "envelopes": [*entries, json.dumps(changed)]}).encode()
    )
    assert judged == [""] * 8 + ["VerificationError"]
    other = run_peer("judge_dsse.py", given=json.dumps({"public": "11" * 32, "envelopes": entries[:1]}).encode())
    assert other == ["VerificationError"]


@pytest.fixture(scope="module")
def sumdb(tmp_path_factory):
    """The judge, built with the copy of x/mod that every Go distribution carries for its own `go` command: nothing is fetched."""
    folder = tmp_path_factory.mktemp("sumdb")
    root = subprocess.run(["go", "env", "GOROOT"], capture_output=True, text=True, check=True).stdout.strip()
    carried = Path(root) / "src" / "cmd" / "vendor" / "golang.org" / "x"
    wanted = {"mod": ("sumdb/note", "sumdb/tlog"), "crypto": ("ed25519",)}  # the latter by older ones only
    required, listed = "module judge\n\ngo 1.19\n", ""
    shutil.copy(SUMDB, folder)
    for name, packages in wanted.items():
        if all((carried / name / one).is_dir() for one in packages):
            shutil.copytree(carried / name, folder / "vendor" / "golang.org" / "x" / name)
            required += f"\nrequire golang.org/x/{name} v0.0.0\n"
            listed += f"# golang.org/x/{name} v0.0.0\n## explicit\n"
            listed += "".join(f"golang.org/x/{name}/{one}\n" for one in packages)
    (folder / "go.mod").write_text(required)
    (folder / "vendor" / "modules.txt").write_text(listed)
    built = subprocess.run(
        ["go", "build", "-mod=vendor", "-o", "judge", "."], cwd=folder, capture_output=True, text=True, check=False
    )
    assert built.returncode == 0, built.stderr
    return folder / "judge"


def judged_by_go(judge, **plain):
    roots = {str(size): root for size, root in plain.pop("roots", [])}
    ran = subprocess.run(
        [judge], input=json.dumps({**plain, "roots": roots}), capture_output=True, text=True, check=False
    )
    assert ran.returncode == 0, ran.stderr
    return json.loads(ran.stdout)


@needs_go
def test_go_accepts_proofs_and_refuses_broken_ones(sumdb):
    plain = json.loads(told())
    plain["consistency"] = [
        one for one in plain["consistency"] if one[0] < one[1]
    ]  # tlog has no proof of a tree for itself
    assert judged_by_go(sumdb, **plain) == []
    broken = {**plain, "inclusion": [[3, 9, ["00" * 32] * 4]], "consistency": [[3, 9, ["00" * 32] * 4], [9, 70, []]]}
    assert judged_by_go(sumdb, **broken) == ["inclusion 3 of 9", "consistency 3 of 9", "consistency 9 of 70"]


@needs_go
def test_go_accepts_the_checkpoint_and_refuses_a_changed_one(site, sumdb):
    entries = [base64.b64encode(entry).decode() for entry in site.journal.entries()]
    key, checkpoint = str(site.keeper.keys.log), (site.journal.log / "checkpoint").read_text("utf-8")
    assert judged_by_go(sumdb, key=key, checkpoint=checkpoint, entries=entries) == []
    assert judged_by_go(sumdb, key=key, checkpoint=checkpoint.replace("\n8\n", "\n9\n"), entries=entries) == [
        "signature"
    ]
    assert judged_by_go(sumdb, key=key, checkpoint=checkpoint, entries=entries[::-1]) == ["root"]
    assert judged_by_go(sumdb, key=key[:-1] + "x", checkpoint=checkpoint, entries=entries) == ["key"]


def unpack(site, folder):
    for name, data in members_of(site.bundle()).items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(data)


@needs_peers
def test_a_reading_of_the_specifications_accepts_the_bundle_and_sees_a_changed_entry(site, tmp_path):
    unpack(site, tmp_path)
    origin = site.keeper.origin
    assert run_peer("judge_note.py", tmp_path) == {"origin": origin, "size": 8, "problems": []}
    tile = tmp_path / "log" / tiles.path("entries", 0, 8)
    tile.write_bytes(tile.read_bytes()[:-1] + b"!")
    note = tmp_path / "log" / "checkpoint"
    assert run_peer("judge_note.py", tmp_path)["problems"] == ["root"]
    note.write_text(note.read_text().replace("\n8\n", "\n9\n"))
    tile.rename(tile.with_name("9"))
    assert run_peer("judge_note.py", tmp_path)["problems"] == ["signature", "root"]
