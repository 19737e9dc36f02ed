"""Einsum is NumPy's for all subscripts of one operand and of two."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import ops
from tape import Tensor, gradcheck

LABELS = "aBcd"
X = Tensor(np.ones((2, 3)), requires_grad=True)


@st.composite
def calls(draw):
    """Subscripts with the shapes of their operands, in which some axes are of length 1."""
    lengths = {label: draw(st.integers(0, 3)) for label in LABELS}
    terms, shapes = [], []
    for _ in range(draw(st.integers(1, 2))):
        labels = draw(st.lists(st.sampled_from(LABELS), max_size=3))
        short = draw(st.sets(st.sampled_from(LABELS), max_size=2))
        shape = [1 if label in short else lengths[label] for label in labels]
        hidden = draw(st.none() | st.sampled_from([(), (2,), (1,), (3, 1)]))
        if hidden is not None:
            place = draw(st.integers(0, len(labels)))
            labels.insert(place, "...")
            shape[place:place] = hidden
        terms.append("".join(labels))
        shapes.append(tuple(shape))
    subscripts = ",".join(terms)
    if draw(st.booleans()):
        return subscripts, shapes
    kept = draw(st.lists(st.sampled_from(LABELS), unique=True))
    kept = [label for label in kept if label in subscripts]
    if "..." in subscripts:
        kept.insert(draw(st.integers(0, len(kept))), "...")
    return f"{subscripts}->{''.join(kept)}", shapes


@given(calls())
@settings(max_examples=100)
def test_einsum_is_that_of_numpy(call):
    subscripts, shapes = call
    rng = np.random.default_rng(0)
    operands = [rng.standard_normal(shape) for shape in shapes]
    expected = np.asarray(np.einsum(subscripts, *operands))
    found = ops.einsum(subscripts, *operands).data
    np.testing.assert_allclose(found, expected, rtol=1e-12, atol=1e-12, strict=True)
    gradcheck(ops.einsum, subscripts, *operands)


@pytest.mark.parametrize(
    ("arguments", "error", "says"),
    [
        (("i?->i", X), ValueError, r"Character \? is not a valid symbol"),
        (("ij->ik", X), ValueError, "Output character k did not appear in the input"),
        (("ij,jk,kl->il", X, X), ValueError, "must be equal to the number of operands"),
        (("ij,jk->ik", X, X), ValueError, r"in einsum\('ij,jk->ik', float64\(2, 3\), float64"),
        (("ij,jk,kl->il", X, X, X), ValueError, "Size of label 'j' for operand 1"),
        (("ij->i", X, True), ValueError, "must be equal to the number of operands"),
        ((X, "ij->ji"), TypeError, 'a string such as "ij,jk->ik" first, not array'),
    ],
)
def test_what_makes_no_sense_is_refused(arguments, error, says):
    with pytest.raises(error, match=says):
        ops.einsum(*arguments)
