"""The search for planted words sees them in every shape, and says what it looked at."""

from __future__ import annotations

import os
import time
from pathlib import Path

import pytest

from smalt.trust.traces import Search, shapes, unseen, word


def test_every_shape_is_seen(tmp_path: Path) -> None:
    assert unseen(tmp_path) == ([], len(shapes("x" * 12)) + 1)


@pytest.mark.parametrize("shape", sorted(shapes("qxzjvwkqxzjv")))
def test_another_word_is_not_taken_for_it(tmp_path: Path, shape: str) -> None:
    path = tmp_path / "file"
    path.write_bytes(shapes(word())[shape])
    assert Search({"other": word()}).below([tmp_path]).found == {}


def test_a_file_that_was_not_changed_since_is_counted_and_skipped(tmp_path: Path) -> None:
    text, path = word(), tmp_path / "file"
    path.write_text(text)
    look = Search({"word": text}, since=time.time() + 60).below([tmp_path])
    assert (look.files, look.skipped, look.found) == (0, 1, {})
    os.utime(path, (time.time() + 120, time.time() + 120))  # a time that was set forward only makes it look again
    assert Search({"word": text}, since=time.time() + 60).below([tmp_path]).files == 1


def test_a_time_that_was_set_back_hides_nothing(tmp_path: Path) -> None:
    text, path, since = word(), tmp_path / "file", time.time()
    path.write_text(text)
    os.utime(path, (0, 0))
    assert Search({"word": text}, since=since).below([tmp_path]).words_found == ["word"]


def test_a_search_that_was_cut_short_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("smalt.trust.traces.SEARCHED_MAX", 100)
    (tmp_path / "file").write_bytes(bytes(200))
    assert Search({"word": word()}).below([tmp_path]).cut


def test_bytes_are_found_as_they_are(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(bytes(9999) + b"\x01\x02needle\x03" + bytes(99))
    look = Search({}, {"needle": b"\x02needle\x03"}).below([tmp_path])
    assert set(look.found) == {"needle"}
    assert look.words_found == []
