"""A bundle verifies as it was made, and whatever is done to it is seen, with a sentence that says what."""

from __future__ import annotations

import json
import shutil

import pytest

from smalt.kernel.errors import Missing
from smalt.ledger import tiles
from smalt.ledger.note import COSIGNATURE, Note, NoteKey, cosign
from smalt.seal.signing import SigningKey
from smalt.trust import bundle
from smalt.trust.record import TEST_RESULT, stamp
from smalt.trust.verifier.container import close
from tests.unit.trust.bundles import (
    CLAIMS,
    DAY,
    DPA,
    HSTS,
    TLS,
    Site,
    changed,
    look,
    members_of,
    packed,
    resealed,
    usual,
    why,
)  # fmt: skip
from tests.unit.trust.logs import HOUR, NOW, claim

TILE = "log/tile/entries/000.p/8"


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    return usual(tmp_path_factory.mktemp("site"))


@pytest.fixture(scope="module")
def made(site):
    return site.bundle()


@pytest.fixture
def own(tmp_path):
    """A log of the test's own."""
    return usual(tmp_path)


def test_an_untouched_bundle_verifies_and_every_claim_holds(site, made):
    report = look(made, keys=[site.keeper.keys.log])
    assert why(report) == ""
    assert report.exit_code == 0
    assert report.claims == {
        one.id: {"page": state, "now": state}
        for one, state in zip(CLAIMS, ("verified", "verified", "contract"), strict=True)
    }


def test_the_same_log_and_second_give_the_same_bytes(site, made):
    assert site.bundle() == made
    assert site.bundle(NOW + 61) != made


def test_there_is_no_bundle_before_the_first_run(tmp_path):
    with pytest.raises(Missing):
        Site(tmp_path).bundle()


# -- bytes


def test_any_flipped_byte_is_seen(made):
    places = {*range(0, len(made), 41), *range(60), *range(len(made) - 300, len(made))}
    for place in sorted(places):
        for mask in (0x01, 0x80):
            flipped = bytearray(made)
            flipped[place] ^= mask
            assert look(bytes(flipped)).exit_code == 12, place


def test_any_flipped_byte_of_any_member_is_seen_even_when_the_sums_are_made_anew(made):
    now = json.dumps({"now": NOW + 60})[1:-1].replace(" ", "").encode()
    for name, data in members_of(made).items():
        if name == "SHA256SUMS":
            continue
        free = data.find(
            now
        )  # the page's own time is not signed: another one verifies, if all follows from the log for it
        step = max(len(data) // 20, 1)
        for place in range(0, len(data), step):
            if name == "claims.json" and free <= place < free + len(now):
                continue
            flipped = bytearray(data)
            flipped[place] ^= 0x01
            assert look(changed(made, lambda m, n=name, d=bytes(flipped): m.update({n: d}))).exit_code == 12, (
                name,
                place,
            )


def test_zip_metadata_with_a_digest_made_anew(made):
    """Sums and names in the directory of the zip mean something; dates and lengths that nobody reads do not."""
    directory = made.rindex(b"PK\x01\x02")
    for offset in (16, 19, 46, 50):  # the sum, the name
        flipped = bytearray(made)
        flipped[directory + offset] ^= 0x01
        assert look(resealed(bytes(flipped))).exit_code == 12, offset


@pytest.mark.parametrize(
    "raw", [b"", b"PK", b"x" * 200, b"PK\x05\x06" + b"\0" * 18, b"PK\x05\x06" + close(b"PK\x05\x06")]
)
def test_what_is_no_bundle(raw):
    assert "file: " in why(look(raw))


@pytest.mark.parametrize("left", [1, 100, 5000])
def test_a_bundle_that_was_cut_off(made, left):
    assert "its end is missing" in why(look(made[:-left]))


@pytest.mark.parametrize("name", ["README.txt", "verify.py", "keys.json", "claims.json", "log/checkpoint", TILE])
def test_a_missing_member(made, name):
    assert f"{name} is missing" in why(look(changed(made, lambda m: m.pop(name))))


# -- the log


def entries_changed(made, change):
    """``made`` with the list of entries changed, and all sums anew."""
    members = members_of(made)
    entries = tiles.unpack_entries(members.pop(TILE))
    change(entries)
    members[f"log/tile/entries/000.p/{len(entries)}"] = tiles.pack_entries(entries)
    return packed(members)


def test_a_removed_entry(made):
    assert "is missing" in why(look(entries_changed(made, lambda entries: entries.pop(3))))


def test_a_removed_entry_with_a_tile_of_the_old_name(made):
    def shorter(members):
        members[TILE] = tiles.pack_entries(tiles.unpack_entries(members[TILE])[:-1])

    assert "7 entries instead of 8" in why(look(changed(made, shorter)))


def test_reordered_entries(made):
    swapped = entries_changed(made, lambda entries: entries.insert(2, entries.pop(3)))
    assert "entries: The entries are not those of the checkpoint" in why(look(swapped))


def test_a_checkpoint_of_another_log(made, tmp_path):
    other = members_of(usual(tmp_path).bundle())
    assert "signature below the checkpoint" in why(
        look(changed(made, lambda m: m.update({"log/checkpoint": other["log/checkpoint"]})))
    )


def test_another_key(made, tmp_path):
    other = usual(tmp_path)
    assert "keys: The log's key is not the one that was given" in why(look(made, keys=[other.keeper.keys.log]))
    assert look(other.bundle(), keys=[other.keeper.keys.log]).exit_code == 0


def test_an_entry_that_the_checker_did_not_sign(own):
    other = SigningKey.generate()
    made = own.signed(
        {"_type": "https://in-toto.io/Statement/v1", "subject": [], "predicateType": "x", "predicate": {}}
    )
    own.append(
        made.replace(own.keeper.checker_key.public.hex().encode(), other.public.hex().encode())[:-9] + b'AAAAAA"}]}'
    )
    assert "signatures: Entry 8" in why(look(members_only(own)))


def members_only(site):
    """A bundle of a log that the product itself would not read: the files as they lie there."""
    members = members_of(site_before := bundle._zipped(iter([])))
    assert site_before
    folder = site.journal.folder
    members |= bundle.fixed()
    members["keys.json"] = (folder / "keys.json").read_bytes()
    members["claims.json"] = json.dumps({"format": 1, "now": NOW + 60, "claims": []}).encode()
    members["log/checkpoint"] = (folder / "log" / "checkpoint").read_bytes()
    for path, first, width in tiles.entry_tiles(site.journal.size()):
        members[f"log/{path}"] = tiles.pack_entries(list(site.journal.entries(first, first + width)))
    return packed(members)


def test_a_replayed_result(own):
    own.append(list(own.journal.entries())[2])
    assert "signatures: Entry 8 repeats entry 2: a statement was replayed" in why(look(own.bundle()))


def test_a_replayed_result_in_another_envelope(own):
    entry = list(own.journal.entries())[2]
    own.append(json.dumps(json.loads(entry), indent=1).encode())
    assert "Entry 8 repeats entry 2" in why(look(own.bundle()))


def test_a_pass_that_looked_at_nothing(own):
    empty = {
        "result": "PASSED", "passedTests": [], "failedTests": [], "warnedTests": [], "controls": ["seen"], "check": "enc.hsts.check",
        "reason": "", "run": "run_9", "began": stamp(NOW), "ended": stamp(NOW), "challenges": [], "evidence": {"sha256": "0" * 64},
    }  # fmt: skip
    own.append(
        own.signed(
            {
                "_type": "https://in-toto.io/Statement/v1",
                "subject": [],
                "predicateType": TEST_RESULT,
                "predicate": empty,
            }
        )
    )
    assert "Entry 8 is signed, but this verifier cannot read it: a pass that looked at nothing" in why(
        look(members_only(own))
    )


def earlier_checkpoint(site):
    return Note.parse((site.journal.log / "checkpoint").read_text("utf-8"))


def test_a_log_that_only_grew(own):
    before = earlier_checkpoint(own)
    own.run(NOW + 30)
    report = look(own.bundle(), previous=before)
    assert report.exit_code == 0
    assert any("The first 8 entries are those of the earlier checkpoint" in line.says for line in report.lines)


def test_a_forked_log(own, tmp_path):
    """The keeper's own keys sign two histories: whoever saw one sees that the other is not its continuation."""
    fork = tmp_path.with_name("fork")
    shutil.copytree(tmp_path, fork)
    own.run(NOW + 10, enc_hsts_check="failed")
    seen = earlier_checkpoint(own)
    other = Site(fork)
    other.runs = 7
    other.run(NOW + 20)
    other.run(NOW + 30)
    assert look(other.bundle()).exit_code == 0
    assert "history: The log was forked" in why(look(other.bundle(), previous=seen))


def test_a_log_that_was_cut(own, tmp_path):
    fork = tmp_path.with_name("cut")
    shutil.copytree(tmp_path, fork)
    own.run(NOW + 10, enc_hsts_check="failed")
    assert "history: The log was cut: it had 11 entries at the earlier checkpoint, now 8" in why(
        look(Site(fork).bundle(), previous=earlier_checkpoint(own))
    )


def test_an_earlier_checkpoint_of_another_log(made, tmp_path):
    assert "not signed by this log" in why(look(made, previous=earlier_checkpoint(usual(tmp_path))))


def test_witnesses(site, made):
    witness, other = SigningKey.generate(), SigningKey.generate()
    key, absent = (NoteKey("witness.example", one.public, COSIGNATURE) for one in (witness, other))

    def cosigned(members):
        note = Note.parse(members["log/checkpoint"].decode())
        members["log/checkpoint"] = str(note.with_lines([cosign(note.text, key, witness.sign, NOW)])).encode()

    seen = changed(made, cosigned)
    assert look(seen, witnesses=[key]).exit_code == 0
    assert "witnesses: The witness witness.example cosigned no checkpoint" in why(look(made, witnesses=[key]))
    assert "cosigned no checkpoint" in why(look(seen, witnesses=[absent]))
    assert "cosigned no checkpoint" in why(look(seen, witnesses=[site.keeper.keys.log]))


def test_a_witness_of_an_earlier_checkpoint(own):
    witness = SigningKey.generate()
    key = NoteKey("witness.example", witness.public, COSIGNATURE)
    note = earlier_checkpoint(own)
    folder = own.journal.folder / "cosignatures"
    (folder / f"8.{key.id.hex()}").write_text(f"{cosign(note.text, key, witness.sign, NOW)}\n")
    own.run(NOW + 30)
    made = own.bundle()
    report = look(made, witnesses=[key])
    assert report.exit_code == 0
    assert any("cosigned the first 8 entries" in line.says and "3 came after" in line.says for line in report.lines)
    name = "log/witnessed/8"
    assert "was not signed by this log" in why(
        look(changed(made, lambda m: m.update({name: m[name].replace(b"\n8\n", b"\n7\n")})))
    )
    assert "is not a checkpoint" in why(look(changed(made, lambda m: m.update({name: b"x"}))))


def test_a_checkpoint_that_a_witness_cosigned_of_a_fork(own, tmp_path):
    fork = tmp_path.with_name("fork2")
    shutil.copytree(tmp_path, fork)
    own.run(NOW + 10, enc_hsts_check="failed")
    seen = str(earlier_checkpoint(own)).encode()
    other = Site(fork)
    other.runs = 7
    other.run(NOW + 20)
    other.run(NOW + 30)
    assert "does not go on from: it was forked" in why(
        look(changed(other.bundle(), lambda m: m.update({"log/witnessed/11": seen})))
    )


# -- times


def test_a_month_later_nothing_that_was_not_proved_again_holds(made):
    report = look(made, NOW + 30 * DAY)
    assert report.exit_code == 10
    assert "enc.hsts was verified on the page, and is stale since" in why(report)
    assert report.claims["enc.hsts"] == {"page": "verified", "now": "stale"}


def test_the_contract_ends_later(made):
    assert "comp.dpa was contract on the page, and is expired" in why(look(made, NOW + 90 * DAY))


def test_a_month_earlier_it_cannot_have_been(made):
    assert "clocks: The page is dated" in why(look(made, NOW - 30 * DAY))


def test_a_page_from_before_its_own_log(site):
    assert "clocks: The log's newest entry is dated" in why(look(site.bundle(NOW - HOUR)))


def test_a_result_dated_ahead_of_what_follows_is_told(own):
    own.run(NOW + DAY)
    own.run(NOW + 10)
    report = look(own.bundle())
    assert report.exit_code == 0
    assert any(line.step == "clocks" and "count as no newer" in line.says for line in report.lines)


# -- claims and evidence


def said(change):
    """A change of ``claims.json``."""

    def apply(members):
        plain = json.loads(members["claims.json"])
        change(plain)
        members["claims.json"] = json.dumps(plain).encode()

    return apply


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        (lambda p: p["claims"][0]["verdict"].update(state="attested"), "The page says of enc.hsts what does not follow"),
        (lambda p: p["claims"][0]["verdict"].update(good_until=NOW + DAY), "The page says of enc.hsts what does not follow"),
        (lambda p: p["claims"][0]["verdict"].update(since=NOW), "The page says of enc.hsts what does not follow"),
        (lambda p: p["claims"][0].update(sentence="All is well."), "The page shows another text or form of enc.hsts"),
        (lambda p: p["claims"].pop(0), "The page does not show the registered claims"),
        (lambda p: p["claims"].append({**p["claims"][0], "id": "enc.more"}), "The page does not show the registered claims"),
        (lambda p: p["claims"].append(p["claims"][0]), "The page does not show the registered claims"),
        (lambda p: p["claims"][0]["results"].clear(), "The page shows other results of enc.hsts"),
        (lambda p: p["counts"].update(verified=9), "The page counts its claims wrongly"),
        (lambda p: p.update(log_size=9), "claims.json is not about this log"),
        (lambda p: p.pop("now"), "does not have the form"),
    ],
)  # fmt: skip
def test_a_page_that_says_something_else(made, change, sentence):
    assert sentence in why(look(changed(made, said(change))))


def test_what_the_verifier_does_not_know_is_named(made):
    report = look(changed(made, said(lambda p: p.update(colour="blue"))))
    assert any("Not looked at in claims.json: colour" in line.says for line in report.lines)


def test_a_failing_claim_that_is_shown_as_failing_verifies(own):
    own.run(NOW + 10, enc_hsts_check="failed")
    report = look(own.bundle())
    assert report.exit_code == 0
    assert report.claims["enc.transit"]["page"] == "failing"


def test_replaced_evidence(made):
    name = next(name for name in members_of(made) if name.startswith("evidence/"))
    assert "its digest is another" in why(
        look(changed(made, lambda m: m.update({name: m[name].replace(b"true", b"false").replace(b"All.", b"Some")})))
    )


def test_missing_evidence(made):
    for name in members_of(made):
        if name.startswith("evidence/"):
            assert f"{name} is missing" in why(look(changed(made, lambda m, n=name: m.pop(n))))


def test_another_script_or_text_beside_the_proof(made):
    for name in ("README.txt", "verify.py"):
        assert f"fixed: {name} is not the one" in why(
            look(changed(made, lambda m, n=name: m.update({n: m[n] + b"\n"})))
        )


def test_a_claim_that_is_dropped_without_a_word(own):
    own.register(HSTS, DPA, at=NOW + 5)
    own.run(NOW + 10)
    assert "registry: The claim enc.transit was registered, is not there any more" in why(look(own.bundle()))
    own.withdraw(TLS, NOW + 20)
    assert look(own.bundle()).exit_code == 0


def test_a_page_of_claims_that_are_not_registered(own):
    own.registry = own.registry.__class__({**own.registry.claims, "new.claim": claim("new.claim")})
    assert "The page does not show the registered claims" in why(look(own.bundle()))


def test_a_changed_claim_holds_only_when_it_is_proved_again(own):
    own.register(claim("enc.hsts", version=2, sentence="More."), TLS, DPA, at=NOW + 5)
    report = look(own.bundle())
    assert report.exit_code == 0
    assert report.claims["enc.hsts"]["page"] == "inconclusive"
    own.run(NOW + 10)
    assert look(own.bundle()).claims["enc.hsts"]["page"] == "verified"


# -- long logs


@pytest.fixture(scope="module")
def long(tmp_path_factory):
    site = Site(tmp_path_factory.mktemp("long"))
    site.register(at=NOW - 100 * HOUR)
    site.answer(NOW - 100 * HOUR)
    for hour in range(99, -1, -1):
        site.run(NOW - hour * HOUR)
    return site


def test_the_older_part_of_a_long_log_is_there_as_hashes(long, monkeypatch):
    monkeypatch.setattr(bundle, "ENTRIES_MAX_BYTES", 100_000)
    made = long.bundle()
    names = set(members_of(made))
    assert "log/tile/0/000" in names
    assert "log/tile/entries/000" not in names
    assert {"older/0", "older/1"} <= names
    report = look(made)
    assert why(report) == ""
    assert any(
        "Of the first 256 entries the bundle has the hashes, and 2 in full" in line.says for line in report.lines
    )
    whole = long.bundle(whole=True)
    assert look(whole).exit_code == 0
    assert look(whole).claims == report.claims
    assert len(whole) > len(made)


def test_the_older_part_is_tampered_with(long, monkeypatch):
    monkeypatch.setattr(bundle, "ENTRIES_MAX_BYTES", 100_000)
    made = long.bundle()
    assert "not the entry that the log has there" in why(
        look(changed(made, lambda m: m.update({"older/0": m["older/1"]})))
    )
    assert "not the entry that the log has there" in why(
        look(changed(made, lambda m: m.update({"older/290": m["older/1"]})))
    )
    assert "entries: " in why(look(changed(made, lambda m: m.update({"log/tile/0/000": m["log/tile/0/000"][::-1]}))))
    assert "255 entries instead of 256" in why(
        look(changed(made, lambda m: m.update({"log/tile/0/000": m["log/tile/0/000"][32:]})))
    )
    assert "does not follow from the log" in why(look(changed(made, lambda m: m.pop("older/1"))))
