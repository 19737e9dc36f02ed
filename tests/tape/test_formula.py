"""Formulas, as they are taken from the docstrings of ops."""

import pytest

import ops  # noqa: F401 - registers them
from tape import REGISTRY
from tape.formula import Formula


@pytest.mark.parametrize("op", REGISTRY.values(), ids=REGISTRY)
def test_every_op_says_what_it_computes_and_what_its_vjp_does(op):
    formula = Formula.of(op)
    assert formula.forward
    assert formula.back


def test_clauses_on_the_cotangent_are_the_walk_back():
    def scale(x, /, by=2):
        """x times `by`; dx = g by. It holds

        for any x: so is g.

        Source: a book.

        Parameters
        ----------
        by : the dx of it
        """

    formula = Formula.of(scale)
    assert formula.forward == "x times `by`; It holds\n\nSource: a book."
    assert formula.back == "dx = g by.\n\nfor any x: so is g."
    assert formula.whole.endswith("Source: a book.")


def test_a_function_without_a_docstring_says_so():
    assert Formula.of(lambda x: x).forward == "no docstring"
