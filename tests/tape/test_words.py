"""Numbers, arrays and tables as people read them."""

import numpy as np
import pytest

from tape.words import amount, statistics, table


@pytest.mark.parametrize(
    ("n", "unit", "text"),
    [
        (0, "", "0"),
        (0, "B", "0"),
        (0.5, "s", "0.5 s"),
        (1, "", "1"),
        (512, "B", "512 B"),
        (999, "B", "999 B"),
        (999.4, "B", "999 B"),
        (999.6, "B", "1 kB"),
        (1000, "", "1 k"),
        (1000, "B", "1 kB"),
        (1_234_567, "B", "1.23 MB"),
        (999_499, "B", "999 kB"),
        (999_500, "B", "1 MB"),
        (45_600_000_000, "FLOP", "45.6 GFLOP"),
        (7.2e12, "FLOP", "7.2 TFLOP"),
        (np.int64(2000), "B", "2 kB"),
    ],
)
def test_an_amount_has_three_digits_and_a_prefix(n, unit, text):
    assert amount(n, unit) == text


def test_an_amount_beyond_the_prefixes_is_still_right():
    assert amount(4.5e22, "FLOP") == "4.5e+04 EFLOP"


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
def test_statistics_are_of_the_finite_elements_and_count_the_others(array, text):
    assert statistics(array) == text


def test_trap_the_mean_of_large_halves_does_not_overflow():
    array = np.full(1000, 6e4, np.float16)

    assert statistics(array) == "mean 6e+04, deviation 0, from 6e+04 to 6e+04"


def test_statistics_leave_the_array_as_it_is():
    array = np.array([3.0, np.nan, 1.0])
    array.flags.writeable = False

    assert statistics(array) == "mean 2, deviation 1, from 1 to 3, 1 NaN"


def test_a_table_has_columns_as_wide_as_their_widest_cell_and_no_blanks_at_the_end():
    rows = [["scope", "n", "of"], ["a", "12345", ""], ["", "1", "x"]]

    assert table(rows, "<><") == "scope      n  of\na      12345\n           1  x"


@pytest.mark.parametrize("rows", [[["a"], ["b", "c"]], [["a", "b", "c"]]])
def test_trap_rows_that_do_not_fit_the_columns_are_refused(rows):
    with pytest.raises(ValueError):
        table(rows, "<<")
