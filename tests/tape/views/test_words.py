"""Numbers and tables as people read them."""

import numpy as np
import pytest

from tape.views.words import amount, table


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


def test_a_table_has_columns_as_wide_as_their_widest_cell_and_no_blanks_at_the_end():
    rows = [["scope", "n", "of"], ["a", "12345", ""], ["", "1", "x"]]

    assert table(rows, "<><") == "scope      n  of\na      12345\n           1  x"


@pytest.mark.parametrize("rows", [[["a"], ["b", "c"]], [["a", "b", "c"]]])
def test_trap_rows_that_do_not_fit_the_columns_are_refused(rows):
    with pytest.raises(ValueError):
        table(rows, "<<")
