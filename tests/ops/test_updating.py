"""Over drawn indices: what NumPy does in place, done to a copy, and its gradients."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import ops
from tape import gradcheck

from .drawn import filled, indices, shapes
from .running import value_and_gradients


def assign(x, index, values):
    x[index] = values


@pytest.mark.parametrize(("op", "in_place"), [(ops.index_add, np.add.at), (ops.index_set, assign)])
@given(shapes, st.data())
@settings(max_examples=50)
def test_numpy_agrees(op, in_place, shape, data):
    x = filled(*shape)
    index = data.draw(indices(shape))
    whole = x[index].shape
    kept = data.draw(st.lists(st.booleans(), min_size=len(whole), max_size=len(whole)))
    stretched = [n if keep else 1 for n, keep in zip(whole, kept, strict=True)]
    values = filled(*stretched[data.draw(st.integers(0, len(whole))) :])

    expected = x.copy()
    # Broadcast here: given fewer values than places, np.add.at has been seen to leave some out.
    in_place(expected, index, np.broadcast_to(values, whole).copy())
    np.testing.assert_array_equal(op(x, values, index).data, expected, strict=True)
    gradcheck(lambda x, values: op(x, values, index), x, values)


@pytest.mark.pitfall("repeated indices in a scatter")
def test_values_that_meet_at_one_element_add_up_or_the_last_one_counts():
    x, values, index = np.zeros(3), np.array([1.0, 2.0, 4.0]), [2, 0, 2]
    added, gradients = value_and_gradients(
        lambda x, values: ops.index_add(x, values, index), x, values, cotangent=[5, 6, 7]
    )
    np.testing.assert_array_equal(added, [2, 0, 5])
    np.testing.assert_array_equal(gradients, [[5, 6, 7], [7, 5, 7]])
    last, gradients = value_and_gradients(
        lambda x, values: ops.index_set(x, values, index), x, values, cotangent=[5, 6, 7]
    )
    np.testing.assert_array_equal(last, [2, 0, 4])
    np.testing.assert_array_equal(gradients, [[0, 6, 0], [0, 5, 7]])


@pytest.mark.parametrize("op", [ops.index_add, ops.index_set])
@pytest.mark.parametrize(
    ("x", "values", "index", "error", "message"),
    [
        (np.zeros(3), 1.0, [0, 3], IndexError, "index 3 is out of bounds for axis 0 with size 3"),
        (np.zeros(3), np.zeros(2), slice(None), ValueError, r"\(2,\) .* \(3,\)"),
        (np.zeros(3), np.zeros((1, 3)), slice(None), ValueError, "more dimensions than allowed"),
        (np.zeros(3), 1.5j, 0, TypeError, "Cannot cast .* 'same_kind'"),
    ],
)
def test_what_does_not_fit_is_refused(op, x, values, index, error, message):
    with pytest.raises(error, match=message):
        op(x, values, index)
