"""The search that proves that nothing is readable: it must find what is there, and the demonstration must say so."""

import gzip
import secrets

import pytest

from smalt.cli import demo
from smalt.kernel.errors import Untrusted
from smalt.trust import exposure

WORDS = {"name": b"qzvxkwjhtrpl", "sentence": b"Purchases of property, plant and equipment in the year 2025"}


def test_finds_each_word_in_each_shape(tmp_path):
    seen, planted = exposure.control(WORDS)
    assert (seen, planted) == (10, 10)


def test_noise_holds_nothing(tmp_path):
    (tmp_path / "noise").write_bytes(secrets.token_bytes(300_000) + bytes(100_000))
    (tmp_path / "empty").write_bytes(b"")
    result = exposure.search([tmp_path], WORDS)
    assert result.found == {}
    assert result.files == 2
    assert result.size_bytes == 400_000


@pytest.mark.parametrize("offset", [0, 1, 4090, 4095, 4096, 8191])
def test_finds_a_word_wherever_reads_split_it(tmp_path, offset):
    (tmp_path / "row").write_bytes(b"\0" * offset + WORDS["name"] + b"\0" * 5000)
    assert list(exposure.search([tmp_path], WORDS, chunk=4096).found) == ["name"]


def test_finds_seven_bytes_of_a_split_word_and_utf_16(tmp_path):
    (tmp_path / "toast").write_bytes(b"\x07\x00" + WORDS["name"][5:] + b"\xff\x02")
    assert "name" in exposure.search([tmp_path], WORDS).found
    (tmp_path / "toast").write_bytes("qzvxkwjhtrpl".encode("utf-16-le"))
    assert "name" in exposure.search([tmp_path], WORDS).found
    (tmp_path / "toast").write_bytes(WORDS["name"][6:])
    assert exposure.search([tmp_path], WORDS).found == {}


def test_looks_into_containers_and_survives_false_ones(tmp_path):
    (tmp_path / "a.gz").write_bytes(gzip.compress(b"x" * 50 + WORDS["name"]))
    (tmp_path / "b.zip").write_bytes(b"PK\x03\x04 not a zip at all")
    (tmp_path / "c.gz").write_bytes(b"\x1f\x8b not gzip")
    result = exposure.search([tmp_path], WORDS)
    assert [path.name for path in result.found["name"]] == ["a.gz"]
    assert result.files == 3


def test_follows_the_database_to_its_own_place(tmp_path):
    data, home = tmp_path / "data", tmp_path / "elsewhere"
    data.mkdir()
    home.mkdir()
    assert demo.roots_of(data) == [data]
    (data / "postgres.place").write_text(f"{home}\n", "utf-8")
    assert demo.roots_of(data) == [data, home]


def test_a_blind_search_is_inconclusive_and_a_find_is_a_failure(tmp_path):
    nothing = exposure.Search(files=3)
    assert demo.verdict(nothing, 10, 10) is None
    assert demo.verdict(nothing, 9, 10).code == "demo.inconclusive"
    assert demo.verdict(exposure.Search(files=3, unreadable=1), 10, 10).code == "demo.inconclusive"
    found = demo.verdict(exposure.Search(files=3, found={"name": [tmp_path]}), 10, 10)
    assert isinstance(found, Untrusted)
    assert found.code == "demo.readable"


def test_a_word_too_short_to_prove_anything_is_refused():
    with pytest.raises(ValueError, match="too short"):
        exposure.runs_of(b"short")


@pytest.mark.parametrize("leak", [None, "blobs/part", "postgres/data/base/1", "../server.log"])
def test_the_demonstration_fails_where_a_word_can_be_read(tmp_path, leak):
    data = tmp_path / "data"
    for folder in ("blobs", "keys", "postgres/data/base"):
        (data / folder).mkdir(parents=True)
    (tmp_path / "server.log").write_bytes(b"")
    plan = demo.Plan({}, (), "", "", "", "", secrets=dict(WORDS))
    if leak is not None:
        (data / leak).write_bytes(bytes(9000) + WORDS["name"] + bytes(9000))
    report, steps = demo.Report(), demo.say.Steps(quiet=True)
    if leak is None:
        demo._look(plan, report, steps, data, tmp_path / "server.log")
        assert report.search["control_found"] == report.search["control_planted"] == 10
    else:
        with pytest.raises(Untrusted) as caught:
            demo._look(plan, report, steps, data, tmp_path / "server.log")
        assert caught.value.code == "demo.readable"
        assert leak.rsplit("/", 1)[-1] in caught.value.__notes__[0]


def test_a_search_that_misses_what_was_planted_for_it_is_no_proof(tmp_path, monkeypatch):
    monkeypatch.setattr(exposure, "_unpacked", lambda _path, _start: iter(()))
    seen, planted = exposure.control(WORDS)
    assert seen < planted
    plan = demo.Plan({}, (), "", "", "", "", secrets=dict(WORDS))
    with pytest.raises(Untrusted) as caught:
        demo._look(plan, demo.Report(), demo.say.Steps(quiet=True), tmp_path, tmp_path / "none")
    assert caught.value.code == "demo.inconclusive"
