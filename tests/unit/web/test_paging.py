from __future__ import annotations

import uuid
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from smalt.kernel.errors import Malformed
from smalt.web.paging import FIRST, Cursor, after, page_of

TIMES = st.datetimes(datetime(1970, 1, 1), datetime(9998, 12, 31), timezones=st.just(UTC))


@given(TIMES, st.uuids())
def test_a_cursor_comes_back(at: datetime, row: uuid.UUID) -> None:
    assert Cursor.decode(Cursor(at, row).encode()) == Cursor(at, row)


@given(
    st.text(max_size=40)
    | st.text("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_", min_size=34, max_size=34)
)
def test_anything_else_is_refused(text: str) -> None:
    try:
        found = Cursor.decode(text)
    except Malformed:
        return
    assert found.encode() == text


@pytest.mark.parametrize(("rows", "limit", "more"), [(0, 2, False), (2, 2, False), (3, 2, True)])
def test_the_row_too_many_says_that_there_is_more(rows: int, limit: int, more: bool) -> None:
    ids = [uuid.UUID(int=n) for n in range(rows)]
    at = datetime(2026, 1, 1, tzinfo=UTC)
    page = page_of(ids, limit, lambda row: Cursor(at, row), str)
    assert len(page.items) == min(rows, limit)
    assert (page.next is not None) is more
    if page.next is not None:
        assert after(page.next) == Cursor(at, ids[limit - 1])


def test_without_a_cursor_one_begins_before_everything() -> None:
    assert after(None) == FIRST
    assert Cursor.decode(FIRST.encode()) == FIRST


def test_a_cursor_has_one_form_only() -> None:
    text = FIRST.encode()
    other = text[:-1] + chr(ord(text[-1]) + 1)  # base64 leaves four bits of the last character unused
    with pytest.raises(Malformed):
        Cursor.decode(other)
