"""Formulas, as they are taken from the docstrings of ops."""

import pytest

import ops  # noqa: F401 - registers them
from tape import REGISTRY, Sample, normal, op
from tape.views.formula import Formula

SAMPLES = [Sample(normal(2))]


@pytest.mark.parametrize("name", REGISTRY)
def test_every_op_says_what_it_computes_and_what_its_vjp_does(name):
    formula = Formula.of(REGISTRY[name])
    assert formula.forward
    assert formula.back


def test_clauses_on_the_cotangent_are_the_walk_back():
    @op(samples=SAMPLES)
    def scale(y, /, by=2):
        """y times `by`; dy = g by. It holds

        for any x: so is g.

        Source: a book.

        Parameters
        ----------
        by : the dy of it
        """

    formula = Formula.of(scale)
    assert formula.forward == "y times `by`; It holds\n\nSource: a book."
    assert formula.back == "dy = g by.\n\nfor any x: so is g."
    assert formula.whole.endswith("Source: a book.")


def test_an_op_without_a_docstring_says_so():
    @op(samples=SAMPLES)
    def same(y, /):
        return y, lambda g: g

    assert Formula.of(same).whole == Formula.of(same).forward == "no docstring"
