"""The offline verifier never raises, and never says yes, whatever is put into a bundle in place of what was there."""

from __future__ import annotations

import json
import tempfile
from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st

from tests.unit.trust.bundles import look, members_of, packed, usual

with tempfile.TemporaryDirectory() as _folder:
    MEMBERS = members_of(usual(Path(_folder)).bundle())
NAMES = sorted(MEMBERS)
values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=10),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["id", "now", "claims", "log_key", "verdict"]), inner, max_size=3),
    max_leaves=6,
)  # fmt: skip


@given(st.sampled_from(NAMES), st.binary(max_size=200) | values.map(lambda value: json.dumps(value).encode()))
@settings(max_examples=150, deadline=None)
def test_any_bytes_in_the_place_of_a_member(name, data):
    if name != "SHA256SUMS":
        assert look(packed({**MEMBERS, name: data})).exit_code == 12


@given(st.data())
@settings(max_examples=200, deadline=None)
def test_any_value_in_any_place_of_the_page(data):
    plain = json.loads(MEMBERS["claims.json"])
    holder, key = plain, data.draw(st.sampled_from(sorted(plain)))
    while isinstance(holder[key], dict | list) and holder[key] and data.draw(st.booleans()):
        holder = holder[key]
        key = (
            data.draw(st.sampled_from(sorted(holder)))
            if isinstance(holder, dict)
            else data.draw(st.integers(0, len(holder) - 1))
        )
    value = data.draw(values)
    before = holder[key]
    holder[key] = value
    report = look(packed({**MEMBERS, "claims.json": json.dumps(plain).encode()}))
    same = value == before and type(value) is type(before)
    assert (report.exit_code == 12) or same or key == "now"


@given(st.binary(max_size=300))
@settings(deadline=None)
def test_any_bytes_as_a_bundle(raw):
    assert look(raw).exit_code == 12
