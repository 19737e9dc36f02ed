"""Matrix products of every pairing of ranks, and of shapes that do not fit."""

import re

import numpy as np
import pytest

import ops
from tape import gradcheck


@pytest.mark.parametrize("a_shape", [(3,), (2, 3), (2, 2, 3), (4, 1, 2, 3)])
@pytest.mark.parametrize("b_shape", [(3,), (3, 5), (1, 3, 5), (4, 2, 3, 5)])
def test_matmul_of_every_pairing_of_ranks(a_shape, b_shape):
    rng = np.random.default_rng(0)
    a, b = rng.standard_normal(a_shape), rng.standard_normal(b_shape)
    np.testing.assert_array_equal(ops.matmul(a, b).data, np.matmul(a, b))
    gradcheck(ops.matmul, a, b)


@pytest.mark.parametrize(
    ("op", "b_shape"), [(ops.matmul, (2, 3)), (ops.matmul, (4, 3, 2)), (ops.linear, (3, 2))]
)
def test_shapes_that_do_not_fit_are_named(op, b_shape):
    a, b = np.ones((5, 2, 3)), np.ones(b_shape)
    call = f"{op.name}(float64(5, 2, 3), float64{b_shape})"
    with pytest.raises(ValueError, match=re.escape(f"in {call}, called at {__file__}")):
        op(a, b)
