"""Indices that repeat, that are outside, and of every dtype."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays

import ops
from tape import Tensor, gradcheck

from .drawn import assert_numpy_agrees, axes_of, filled, indices, shapes
from .running import value_and_gradients


@given(shapes, st.data())
@settings(max_examples=100)
def test_getitem_reads_what_numpy_reads(shape, data):
    x, index = filled(*shape), data.draw(indices(shape))
    y, expected = ops.getitem(x, index).data, x[index]
    np.testing.assert_array_equal(y, expected)
    assert y.shape == expected.shape
    assert np.shares_memory(y, x) == np.shares_memory(expected, x)
    gradcheck(lambda x: x[index], x)


@given(array_shapes(max_dims=3, max_side=3), st.data())
@settings(max_examples=40)
def test_numpy_agrees_how_to_take(shape, data):
    axis = data.draw(st.none() | axes_of(len(shape)))
    n = math.prod(shape) if axis is None else shape[axis]
    counted = arrays(np.int16, array_shapes(min_dims=0, max_dims=2), elements=axes_of(n))
    assert_numpy_agrees("take", filled(*shape), data.draw(counted), axis)


@given(array_shapes(max_dims=3, max_side=3), st.data())
@settings(max_examples=40)
def test_numpy_agrees_how_to_take_along_an_axis(shape, data):
    axis = data.draw(axes_of(len(shape)))
    longer = list(shape)
    longer[axis] = data.draw(st.integers(0, 4))
    counted = arrays(np.int16, tuple(longer), elements=axes_of(shape[axis]))
    assert_numpy_agrees("take_along_axis", filled(*shape), data.draw(counted), axis)


@pytest.mark.parametrize(
    "read",
    [
        lambda x: x[:, 3],
        lambda x: x[[0, 3]],
        lambda x: ops.take(x, [0, 3], axis=1),
        lambda x: ops.take_along_axis(x, np.array([[0, 3, 0]]), axis=0),
    ],
)
@pytest.mark.pitfall("ids out of range or negative")
def test_an_index_outside_is_named(read):
    with pytest.raises(IndexError, match=r"index 3 is out of bounds for axis [01] with size 3"):
        read(Tensor(np.zeros((3, 3))))


@pytest.mark.pitfall("repeated indices in a scatter")
def test_getitem_adds_up_an_element_that_an_index_repeats():
    x, index = np.zeros((2, 3)), (np.array([0, 1, 0, 0]), np.array([1, 2, 1, 1]))
    _, [dx] = value_and_gradients(lambda x: ops.getitem(x, index), x, cotangent=[1, 2, 4, 8])
    np.testing.assert_array_equal(dx, [[0, 13, 0], [0, 0, 2]])


def test_getitem_by_booleans_scatters_to_where_they_are_true():
    x = np.arange(6.0).reshape(2, 3)
    y, [dx] = value_and_gradients(lambda x: x[x > 3], x, cotangent=[7, 9])
    np.testing.assert_array_equal(y, [4, 5])
    np.testing.assert_array_equal(dx, [[0, 0, 0], [0, 7, 9]])


@pytest.mark.parametrize("an_id", [3, 200, -1])
@pytest.mark.pitfall("ids out of range or negative")
def test_embedding_names_an_id_outside_the_table(an_id):
    with pytest.raises(IndexError, match=f"an id of {an_id} is outside the range 0 to 2"):
        ops.embedding(np.array([[0, an_id]]), np.zeros((3, 2)))


@pytest.mark.parametrize("dtype", ["float64", "bool"])
def test_embedding_refuses_ids_that_are_not_integers(dtype):
    with pytest.raises(IndexError, match=f"an id must be in an array of integers, not of {dtype}"):
        ops.embedding(np.ones(2, dtype), np.zeros((3, 2)))


@pytest.mark.pitfall("repeated indices in a scatter")
def test_embedding_adds_up_the_rows_of_an_id_that_repeats():
    ids, g = np.array([[2, 0], [2, 2]]), np.array([[[1, 2], [4, 8]], [[16, 32], [64, 128]]])
    _, [dweight] = value_and_gradients(ops.embedding, ids, np.zeros((3, 2)), cotangent=g)
    np.testing.assert_array_equal(dweight, [[4, 8], [0, 0], [81, 162]])


@pytest.mark.parametrize("ids", [[5, 0, 127, 5], 127, []])
@pytest.mark.parametrize("dtype", list(np.typecodes["AllInteger"]))
@pytest.mark.pitfall("index dtypes other than int64")
def test_embedding_takes_ids_of_every_integer_dtype_and_none(dtype, ids):
    weight = np.random.default_rng(0).standard_normal((300, 2))
    ids = np.array(ids, dtype)
    y, [dweight] = value_and_gradients(ops.embedding, ids, weight, cotangent=weight[ids])
    expected = np.zeros_like(weight)
    np.add.at(expected, ids, weight[ids])
    np.testing.assert_array_equal(y, weight[ids])
    np.testing.assert_allclose(dweight, expected)
