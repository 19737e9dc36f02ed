"""Portraits: what they say of an array, in numbers, words and a small picture."""

import numpy as np
import pytest

from tape.watch.portrait import BINS, CELLS, Portrait


@pytest.mark.parametrize(
    ("array", "text"),
    [
        (np.zeros(0), "empty"),
        (np.zeros((0, 3), bool), "empty"),
        (np.array(2.5), "2.5"),
        (np.array([[7]]), "7"),
        (np.array(True), "1"),
        (np.array([np.nan, np.nan]), "2 NaN"),
        (np.array([np.inf, 3.0, np.nan, -np.inf]), "3, 1 NaN, 2 infinite"),
        (np.array([1.0, 3.0]), "mean 2, deviation 1, from 1 to 3"),
        (np.array([1.0, np.inf, 3.0]), "mean 2, deviation 1, from 1 to 3, 1 infinite"),
        (np.array([[1, 3], [5, 7]]).T, "mean 4, deviation 2.236, from 1 to 7"),
        (np.array([0, 255], np.uint8), "mean 127.5, deviation 127.5, from 0 to 255"),
        (np.array([True, False]), "mean 0.5, deviation 0.5, from 0 to 1"),
        (np.array([-1e-30, 1e30], np.float32), "mean 5e+29, deviation 5e+29, from -1e-30 to 1e+30"),
    ],
)
def test_words_are_of_the_finite_elements_and_count_the_others(array, text):
    assert str(Portrait.of(array)) == text


def test_trap_the_mean_of_large_halves_does_not_overflow():
    array = np.full(1000, 6e4, np.float16)

    assert str(Portrait.of(array)) == "mean 6e+04, deviation 0, from 6e+04 to 6e+04"


def test_a_portrait_leaves_the_array_as_it_is():
    array = np.array([3.0, np.nan, 1.0])
    array.flags.writeable = False

    assert str(Portrait.of(array)) == "mean 2, deviation 1, from 1 to 3, 1 NaN"


def test_the_numbers_are_numpys():
    array = np.random.default_rng(0).normal(3, 2, (40, 50)).astype(np.float32)
    portrait = Portrait.of(array)
    exact = array.astype(np.float64)
    assert portrait.norm == pytest.approx(np.linalg.norm(exact))
    assert portrait.deviation == pytest.approx(exact.std())
    assert portrait.histogram == tuple(np.histogram(exact, BINS)[0])


@pytest.mark.parametrize("value", [0.0, 5e-324, 1e-30, 1.0, 1e308, -1e308])
def test_trap_extreme_and_constant_arrays_have_finite_portraits(value):
    portrait = Portrait.of(np.full((3, 4), value))
    assert sum(portrait.histogram) == 12
    assert np.isfinite([portrait.mean, portrait.deviation, portrait.norm]).all()
    assert portrait.low == portrait.high == value


def test_the_heat_map_shows_means_over_rectangles_of_the_flattened_array():
    array = np.zeros((2, 24, 40))
    array[0] = 1
    array[1, :, 20:] = -0.5
    heat = np.array(Portrait.of(array).heat)
    assert heat.shape == (CELLS, CELLS)
    np.testing.assert_array_equal(heat[: CELLS // 2], 100)
    np.testing.assert_array_equal(heat[CELLS // 2 :, : CELLS // 2], 0)
    np.testing.assert_array_equal(heat[CELLS // 2 :, CELLS // 2 :], -50)


def test_cells_of_the_heat_map_with_nothing_finite_are_empty():
    assert Portrait.of(np.array([[1.0, np.nan], [np.inf, -2.0]])).heat == ((50, None), (None, -100))


@pytest.mark.parametrize("shape", [(), (3,), (0,), (0, 3), (2, 0), (1, 1, 1, 1), (17, 1), (1, 17)])
def test_any_shape_has_a_heat_map_of_at_most_so_many_cells(shape):
    heat = Portrait.of(np.ones(shape)).heat
    assert len(heat) <= CELLS and all(len(row) <= CELLS for row in heat)
    assert bool(heat) == (0 not in shape)


@pytest.mark.parametrize("dtype", [np.complex64, np.complex128])
def test_of_complex_numbers_it_shows_the_magnitudes_and_says_so(dtype):
    portrait = Portrait.of(np.array([3 + 4j, 0, complex("nan")], dtype))
    assert (portrait.low, portrait.high, portrait.nan) == (0, 5, 1)
    assert str(portrait) == "magnitudes: mean 2.5, deviation 2.5, from 0 to 5, 1 NaN"


@pytest.mark.parametrize("dtype", [bool, np.int8, np.uint64, np.float16, np.longdouble])
def test_any_real_dtype_has_a_portrait(dtype):
    portrait = Portrait.of(np.array([0, 1, 1], dtype))
    assert (portrait.low, portrait.high, portrait.of_magnitudes) == (0, 1, False)
