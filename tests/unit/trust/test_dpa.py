"""The agreement says what the registers say, in every form, and lets no name become formatting."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest

from smalt.kernel.errors import Malformed, TooMany
from smalt.trust import dpa, inventory
from smalt.trust.dpa_files import TYPES, with_names, written
from smalt.trust.dpa_read import stated, text
from smalt.trust.exports import MAKING_MAX, Exports
from smalt.trust.record import DEPLOYMENT, VENDOR, stamp
from smalt.trust.view import Trust, TrustView

MakeView = Callable[..., TrustView]
NOW = 1_780_000_000


def vendor(name: str, at: int = NOW, change: str = "add") -> tuple[str, dict[str, object]]:
    return VENDOR, {
        "at": stamp(at),
        "vendor": name,
        "change": change,
        "name": f"{name.title()} Limited",
        "category": "infrastructure",
        "purpose": "Machines",
        "data": ["stored data, sealed"],
        "place": "Frankfurt",
        "agreement": "Order 7",
        "until": stamp(NOW + 400 * 86_400),
        "hosts": [f"{name}.example"],
    }


STATED = (
    DEPLOYMENT,
    {
        "at": stamp(NOW),
        "organisation": "Feather Partners",
        "provider": "Acme Machines",
        "region": "eu-central",
        "contacts": {"privacy": "privacy@feather.example"},
        "features": ["hosted"],
    },
)


@pytest.mark.parametrize("form", sorted(TYPES))
def test_every_form_names_parties_vendors_and_measures(make_view: MakeView, form: str) -> None:
    view = make_view({"web.hsts": "passed"}, [STATED, vendor("north"), vendor("late", NOW + 2 * 86_400)])
    parties = dpa.Parties("Quill & Sons", "1 Bridge Street")
    made = written(dpa.agreement(view, parties), form)
    seen = re.sub(r"\s+", " ", text(made, form))
    for needed in ("Quill & Sons", "1 Bridge Street", "Feather Partners", "Acme Machines", "eu-central",
                   "privacy@feather.example", "North Limited", "Late Limited", "within 30 days", "72 hours",
                   "no legal advice"):  # fmt: skip
        assert needed in seen, needed
    holding, others = dpa.measures(view)
    assert [one.claim.id for one in holding] == ["enc.hsts"]
    assert len(others) > 30
    known = {one.claim.id for one in view.claims}
    in_force, not_in_force, first_words = stated(made, form)
    assert in_force & known == {"enc.hsts"}
    assert not_in_force & known == {one.claim.id for one in others}
    assert {"north", "late"} <= first_words
    for one in inventory.load():
        if one.personal:
            assert one.holds.split()[0] in seen
    assert "certified" not in seen.casefold()
    assert "compliant" not in seen.casefold()


def test_pages_are_numbered_of_all(make_view: MakeView) -> None:
    seen = text(written(dpa.agreement(make_view({})), "pdf"), "pdf")
    numbers = re.findall(r"page (\d+) of (\d+)", seen)
    assert [int(number) for number, _ in numbers] == list(range(1, len(numbers) + 1))
    assert {int(last) for _, last in numbers} == {len(numbers)}
    assert len(numbers) > 4


def test_what_stops_holding_leaves_the_measures_in_force(make_view: MakeView) -> None:
    holding, others = dpa.measures(make_view({"web.hsts": "failed"}))
    assert holding == []
    assert "enc.hsts" in {one.claim.id for one in others}


def test_a_vendor_that_was_removed_is_not_named(make_view: MakeView) -> None:
    gone = (VENDOR, {"at": stamp(NOW + 60), "vendor": "north", "change": "remove"})
    view = make_view({}, [vendor("north"), vendor("south"), gone], now=NOW + 3600)
    assert [one.id for one in dpa.listed(view)] == ["south"]
    assert b"North Limited" not in written(dpa.agreement(view), "md")


def test_without_registers_the_lines_are_blank(make_view: MakeView) -> None:
    made = written(dpa.agreement(make_view({})), "md").decode()
    assert made.count(dpa.BLANK) >= 7
    assert "No sub-processor is registered." in made


def test_a_name_is_no_formatting(make_view: MakeView) -> None:
    view = make_view({})
    named = dpa.Parties("<b>A</b> | *B* [c](d) `e` &amp; # f")
    made = written(dpa.agreement(view, named), "md").decode()
    assert r"\<b\>A\</b\> \| \*B\* \[c\](d) \`e\` &amp; \# f" in made
    for form in ("pdf", "docx"):
        assert "<b>A</b> | *B*" in re.sub(r"\s+", " ", text(written(dpa.agreement(view, named), form), form))


def test_names_that_are_no_line_are_refused(make_view: MakeView) -> None:
    for bad in ("a\nb", "a\x00", "x" * 301, "a\u2028b"):
        with pytest.raises(Malformed):
            dpa.Parties(bad)
    greek = dpa.Parties("Λίθος ΑΕ")
    assert "Λίθος ΑΕ".encode() in written(dpa.agreement(make_view({}), greek), "md")
    assert "Λίθος ΑΕ" in text(written(dpa.agreement(make_view({}), greek), "docx"), "docx")
    with pytest.raises(Malformed) as refused:
        with_names(make_view({}), greek, "pdf")
    assert refused.value.code == "dpa.letters"


def test_a_register_in_other_letters_still_gives_a_pdf(make_view: MakeView) -> None:
    kind, predicate = vendor("north")
    view = make_view({}, [(kind, {**predicate, "name": "Łódź Λ"})])
    seen = text(written(dpa.agreement(view), "pdf"), "pdf")
    assert "north: ?ód? ?" in seen or "north: ?ódz ?" in seen


class Still(Trust):
    """Shows one view."""

    def __init__(self, view: TrustView) -> None:
        self.shown = view

    def view(self, now: int | None = None) -> TrustView:
        return self.shown


def test_a_crowd_is_asked_to_come_again(make_view: MakeView) -> None:
    exports = Exports(Still(make_view({})))
    for _ in range(MAKING_MAX):
        exports._making.acquire()
    with pytest.raises(TooMany):
        exports.agreement(dpa.Parties(), "md")
    exports._making.release()
    assert exports.agreement(dpa.Parties("Ours"), "md").body
    with pytest.raises(Malformed):  # a failure gives its place back
        exports.agreement(dpa.Parties("Λ"), "pdf")
    assert exports.agreement(dpa.Parties(), "md").body
