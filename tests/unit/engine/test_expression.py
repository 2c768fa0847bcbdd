from __future__ import annotations

from decimal import Decimal

import pytest

from smalt.engine.expression import Average, Binary, NotAnExpression, Number, Ref, has_operator, parse
from smalt.engine.metrics import METRICS, metric_of
from smalt.engine.vocabulary import MEASURES, measure_of


def test_a_comma_closes_what_stands_before_it():
    tree = parse("current assets less inventory, over current liabilities")
    assert tree == Binary("/", Binary("-", Ref("current assets"), Ref("inventory")), Ref("current liabilities"))


def test_products_bind_tighter_than_sums():
    assert parse("revenue plus net income / 2") == Binary(
        "+", Ref("revenue"), Binary("/", Ref("net income"), Number(Decimal(2)))
    )


def test_averages_and_brackets():
    assert parse("net income / (average total assets)") == Binary("/", Ref("net income"), Average(Ref("total assets")))


def test_a_name_with_a_comma_stays_whole():
    assert parse("property, plant and equipment, net / total assets") == Binary(
        "/", Ref("property, plant and equipment, net"), Ref("total assets")
    )


@pytest.mark.parametrize("text", ["", "1 + 2", "revenue / ", "(revenue", "revenue ) net income"])
def test_what_is_no_calculation_is_refused(text):
    with pytest.raises(NotAnExpression):
        parse(text)


@pytest.mark.parametrize(
    ("text", "stated"),
    [("loss", False), ("decrease", False), ("EBIT", False), ("operating income plus D&A", True), ("A / B", True)],
)
def test_brackets_of_a_name_are_no_definition(text, stated):
    assert has_operator(text) is stated


def test_every_measure_is_found_by_its_own_name_and_wordings():
    for measure in MEASURES:
        assert measure_of(measure.name) is not None
        for wording in measure.wordings:
            assert measure_of(wording) is not None, wording


def test_every_metric_stands_on_known_measures():
    def phrases(tree):
        if isinstance(tree, Ref):
            return [tree.phrase]
        if isinstance(tree, Average):
            return [tree.of.phrase]
        return phrases(tree.left) + phrases(tree.right) if isinstance(tree, Binary) else []

    for metric in METRICS:
        assert metric_of(metric.name) is metric
        assert all(measure_of(phrase) for phrase in phrases(metric.tree)), metric.name
