"""Indices that repeat, that are outside, and of every dtype."""

import numpy as np
import pytest

import ops

from .running import value_and_gradients


def test_getitem_adds_up_an_element_that_an_index_repeats():
    x, index = np.zeros((2, 3)), (np.array([0, 1, 0, 0]), np.array([1, 2, 1, 1]))
    _, [dx] = value_and_gradients(lambda x: ops.getitem(x, index), x, cotangent=[1, 2, 4, 8])
    np.testing.assert_array_equal(dx, [[0, 13, 0], [0, 0, 2]])


def test_getitem_by_a_list_adds_up_rows_that_repeat():
    x = np.zeros((3, 2))
    _, [dx] = value_and_gradients(lambda x: x[[2, 0, 2]], x, cotangent=[[1, 2], [4, 8], [16, 32]])
    np.testing.assert_array_equal(dx, [[4, 8], [0, 0], [17, 34]])


def test_getitem_by_booleans_scatters_to_where_they_are_true():
    x = np.arange(6.0).reshape(2, 3)
    y, [dx] = value_and_gradients(lambda x: x[x > 3], x, cotangent=[7, 9])
    np.testing.assert_array_equal(y, [4, 5])
    np.testing.assert_array_equal(dx, [[0, 0, 0], [0, 7, 9]])


@pytest.mark.parametrize("an_id", [3, 200, -1])
def test_embedding_names_an_id_outside_the_table(an_id):
    with pytest.raises(IndexError, match=f"an id of {an_id} is outside the range 0 to 2"):
        ops.embedding(np.array([[0, an_id]]), np.zeros((3, 2)))


@pytest.mark.parametrize("dtype", ["float64", "bool"])
def test_embedding_refuses_ids_that_are_not_integers(dtype):
    with pytest.raises(IndexError, match=f"an id must be an integer, not {dtype}"):
        ops.embedding(np.ones(2, dtype), np.zeros((3, 2)))


def test_embedding_adds_up_the_rows_of_an_id_that_repeats():
    ids, g = np.array([[2, 0], [2, 2]]), np.array([[[1, 2], [4, 8]], [[16, 32], [64, 128]]])
    _, [dweight] = value_and_gradients(ops.embedding, ids, np.zeros((3, 2)), cotangent=g)
    np.testing.assert_array_equal(dweight, [[4, 8], [0, 0], [81, 162]])


@pytest.mark.parametrize("ids", [[5, 0, 127, 5], 127, []])
@pytest.mark.parametrize("dtype", list(np.typecodes["AllInteger"]))
def test_embedding_takes_ids_of_every_integer_dtype_and_none(dtype, ids):
    weight = np.random.default_rng(0).standard_normal((300, 2))
    ids = np.array(ids, dtype)
    y, [dweight] = value_and_gradients(ops.embedding, ids, weight, cotangent=weight[ids])
    expected = np.zeros_like(weight)
    np.add.at(expected, ids, weight[ids])
    np.testing.assert_array_equal(y, weight[ids])
    np.testing.assert_allclose(dweight, expected)
