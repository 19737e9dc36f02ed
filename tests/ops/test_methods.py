"""A tensor reads like an array: the same expression gives the same values, on the tape."""

import operator

import numpy as np
import pytest

import ops
from tape import Tape, Tensor

EXPRESSIONS = {
    "sum with an array": lambda x, array: x + array,
    "array - tensor": lambda x, array: array - x,
    "number - tensor": lambda x, array: 2.0 - x,
    "number * tensor": lambda x, array: 3 * x,
    "number / tensor": lambda x, array: 1 / x,
    "tensor / number": lambda x, array: x / 4,
    "number ** tensor": lambda x, array: 2.0**x,
    "tensor ** number": lambda x, array: x**2,
    "negative": lambda x, array: -x,
    "product": lambda x, array: x @ array.T,
    "array @ tensor": lambda x, array: array.T @ x,
    "reversed axes": lambda x, array: x.T,
    "transpose": lambda x, array: x.transpose(),
    "transpose(1, 0)": lambda x, array: x.transpose(1, 0),
    "transpose((1, 0))": lambda x, array: x.transpose((1, 0)),
    "transpose([1, 0])": lambda x, array: x.transpose([1, 0]),
    "transpose(array)": lambda x, array: x.transpose(np.array([1, 0])),
    "transpose(int64, int64)": lambda x, array: x.transpose(*np.array([1, 0])),
    "transpose(None)": lambda x, array: x.transpose(None),
    "swapaxes": lambda x, array: x.swapaxes(0, -1),
    "reshape(3, 2)": lambda x, array: x.reshape(3, 2),
    "reshape((3, 2))": lambda x, array: x.reshape((3, 2)),
    "reshape(-1)": lambda x, array: x.reshape(-1),
    "sum": lambda x, array: x.sum(),
    "sum(0)": lambda x, array: x.sum(0),
    "mean": lambda x, array: x.mean(axis=1, keepdims=True),
    "max": lambda x, array: x.max(axis=-1),
    "min": lambda x, array: x.min(0),
    "var": lambda x, array: x.var(1, ddof=1),
    "std": lambda x, array: x.std(keepdims=True),
    "prod": lambda x, array: x.prod(-1),
    "cumsum": lambda x, array: x.cumsum(1),
    "dot": lambda x, array: x.dot(array.T),
    "clip": lambda x, array: x.clip(0.7, 1.5),
    "clip(max=1)": lambda x, array: x.clip(max=1),
    "abs": lambda x, array: abs(x - array),
    "repeat": lambda x, array: x.repeat(2, axis=0),
    "squeeze": lambda x, array: x[:1].squeeze(0),
    "take": lambda x, array: x.take([1, 1], axis=1),
    "ravel": lambda x, array: x.ravel(),
    "flatten": lambda x, array: x.flatten(),
    "getitem": lambda x, array: x[1:, ::-1],
    "iteration": lambda x, array: next(iter(x)),
}
A = np.random.default_rng(0).uniform(0.5, 2, (2, 3)).astype(np.float32)
B = np.random.default_rng(1).uniform(0.5, 2, (2, 3)).astype(np.float32)


@pytest.mark.parametrize("expression", EXPRESSIONS)
def test_expression_means_what_it_means_for_arrays(expression):
    fn = EXPRESSIONS[expression]
    with Tape() as tape:
        y = fn(Tensor(A, requires_grad=True), B)
    expected = fn(A, B)
    np.testing.assert_allclose(y.data, expected, rtol=1e-6, strict=True)
    assert y.requires_grad
    assert len(tape) == 1 + (expression in ("abs", "squeeze"))


@pytest.mark.parametrize("name", ["exp", "log", "sqrt", "tanh"])
def test_elementwise_methods_are_numpy_functions(name):
    y = getattr(Tensor(A), name)()
    np.testing.assert_allclose(y.data, getattr(np, name)(A), rtol=1e-6)


@pytest.mark.parametrize("name", ["lt", "le", "eq", "ne", "gt", "ge"])
def test_comparison_is_an_array_of_bool(name):
    compare = getattr(operator, name)
    for other in (B, Tensor(B), A[0, 0]):
        expected = compare(A, other.data if isinstance(other, Tensor) else other)
        np.testing.assert_array_equal(compare(Tensor(A), other), expected, strict=True)


def test_iteration_ends_after_the_last_row():
    rows = [row.data for row in Tensor(A)]
    np.testing.assert_array_equal(rows, A)


def test_none_among_other_axes_is_refused():
    with pytest.raises(TypeError, match="NoneType"):
        Tensor(np.ones((2, 3))).transpose(0, None)


def test_round_divmod_and_in_are_those_of_numbers():
    assert type(round(Tensor(2.6))) is int
    np.testing.assert_array_equal(round(Tensor([1.26, 2.0]), 1), np.float32([1.3, 2.0]))
    quotient, remainder = divmod(Tensor([7.0, -7.0]), 4)
    np.testing.assert_array_equal(quotient, [1, -2])
    np.testing.assert_array_equal(remainder.data, [3, 1])
    assert 1.0 in Tensor([1.0, 1.0])
    assert 2.0 not in Tensor([1.0, 1.0])


def test_complex_numbers_become_complex_numbers():
    assert ops.astype(np.array([1j], np.complex64), "complex128").dtype == np.complex128
