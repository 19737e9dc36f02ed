"""Softmax where rows are masked, scores are huge, or queries are fewer than keys."""

import numpy as np
import pytest

import ops
from ops.softmax import exponentiate

from .running import value_and_gradients


@pytest.mark.parametrize(
    ("shape", "options", "masked_rows"),
    [
        ((2, 3), {"mask": np.array([[True, False, True], [False, False, False]])}, [1]),
        ((2, 3), {"mask": np.array([[False], [True]])}, [0]),
        ((2, 3), {"mask": np.array([False, False, True]), "causal": True}, [0]),
        ((3, 2), {"causal": True}, [0]),
    ],
)
@pytest.mark.pitfall("a softmax row that is masked throughout")
def test_rows_masked_throughout_are_zero_forward_and_backward(shape, options, masked_rows):
    x = np.random.default_rng(0).standard_normal(shape)
    y, [dx] = value_and_gradients(lambda x: ops.softmax(x, **options), x)
    others = np.delete(np.arange(shape[0]), masked_rows)
    assert not y[masked_rows].any()
    assert not dx[masked_rows].any()
    np.testing.assert_allclose(y[others].sum(-1), 1)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.pitfall("gelu and softmax at 1e4 and -1e4")
def test_scores_of_plus_and_minus_1e4_give_no_overflow(dtype):
    x, g = np.array([1e4, -1e4, 0, 1e4], dtype), np.array([3, 5, 7, 1], dtype)
    y, [dx] = value_and_gradients(ops.softmax, x, cotangent=g)
    np.testing.assert_array_equal(y, [0.5, 0, 0, 0.5])
    np.testing.assert_array_equal(dx, [0.5, 0, 0, -0.5])
    log_y, [dx] = value_and_gradients(ops.log_softmax, x, cotangent=g)
    np.testing.assert_allclose(log_y, x - 1e4 - np.log(2), rtol=1e-6)
    np.testing.assert_allclose(dx, [3 - 8, 5, 7, 1 - 8], rtol=1e-6)


@pytest.mark.parametrize("key", range(4))
def test_causal_rows_before_a_key_do_not_see_it(key):
    x = np.random.default_rng(0).standard_normal((2, 4, 4))
    changed = x.copy()
    changed[..., key] = np.nan
    y, changed_y = ops.softmax(x, causal=True).data, ops.softmax(changed, causal=True).data
    np.testing.assert_array_equal(changed_y[:, :key], y[:, :key])
    assert np.isnan(changed_y[:, key:]).all()


def test_a_mask_that_is_not_boolean_is_refused():
    with pytest.raises(TypeError, match="a mask is boolean, not float64"):
        ops.softmax(np.zeros((1, 3)), mask=np.array([0, 0, -np.inf]))


@pytest.mark.parametrize("op", [ops.softmax, ops.log_softmax])
def test_an_axis_that_is_not_there_or_more_than_one_is_refused(op):
    with pytest.raises(np.exceptions.AxisError, match="out of bounds for array of dimension 0"):
        op(np.array(3.0))
    with pytest.raises(np.exceptions.AxisError, match="axis 2 is out of bounds"):
        op(np.ones((2, 3)), axis=2)
    with pytest.raises(TypeError, match=r"axis is one integer, not \(0, 1\)"):
        op(np.ones((2, 3)), axis=(0, 1))
    np.testing.assert_array_equal(
        op(np.ones((1, 3)), axis=np.int64(0)).data, op([[1.0]]).data[0, 0]
    )


def test_causal_with_fewer_queries_than_keys_is_the_last_rows_of_the_square():
    x = np.random.default_rng(0).standard_normal((2, 5, 5))
    last = ops.softmax(x[:, 3:], causal=True)
    np.testing.assert_array_equal(last.data, ops.softmax(x, causal=True).data[:, 3:])


@pytest.mark.parametrize("op", [ops.softmax, ops.log_softmax])
@pytest.mark.parametrize("shape", [(0, 3), (3, 0)])
@pytest.mark.parametrize("axis", [0, 1])
def test_no_elements_give_no_elements(op, shape, axis):
    y, [dx] = value_and_gradients(lambda x: op(x, axis=axis), np.empty(shape, np.float32))
    assert y.shape == dx.shape == shape


def test_logsumexp_of_minus_infinity_throughout_is_minus_infinity_without_a_warning():
    x = np.array([[-np.inf, -np.inf], [-np.inf, 1e4]], np.float32)
    y = ops.logsumexp(x, axis=1).data
    np.testing.assert_array_equal(y, np.array([-np.inf, 1e4], np.float32), strict=True)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("sign", [1, -1])
@pytest.mark.parametrize(
    ("distance", "shifted"), [(-0.1, False), (0.1, True), (1.0, True), (1e4, True)]
)
def test_scores_are_shifted_only_where_their_exponentials_leave_the_range_of_squares(
    dtype, sign, distance, shifted
):
    bound = -np.log(np.finfo(dtype).tiny) / 2
    scores = np.array([[0.0], [sign * (bound + distance)]], dtype)
    asked = []

    def again():
        asked.append("again")
        return scores.copy()

    total, top = exponentiate(scores.copy(), again)
    assert bool(asked) == shifted
    np.testing.assert_allclose(np.log(total) + top, scores, rtol=1e-6)
