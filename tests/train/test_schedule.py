"""The learning rate rises, peaks and falls, whatever the length of the run."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from train.schedule import learning_rate

PEAK = 3e-3
TINY = 1e-12


@given(st.integers(1, 300), st.floats(0, 1), st.floats(0, 1))
def test_it_rises_to_the_peak_and_falls_to_the_final_rate(steps, warmup, final):
    rates = [learning_rate(step, steps, PEAK, warmup, final) for step in range(steps + 1)]
    top = int(np.argmax(np.array(rates) > PEAK * (1 - TINY)))
    assert rates[0] > 0
    assert max(rates) == pytest.approx(PEAK, rel=TINY)
    assert top == 0 or abs(top + 1 - warmup * steps) <= 0.5
    np.testing.assert_allclose(np.diff(rates[: top + 1]), PEAK / (top + 1), rtol=1e-9)
    fall = np.diff(rates[top + 1 :])
    assert (fall <= 0).all()
    np.testing.assert_allclose(fall, fall[:1].repeat(len(fall)), atol=1e-9 * PEAK)
    assert rates[steps] == pytest.approx(final * PEAK, rel=TINY)


def test_a_run_of_ten():
    rates = [learning_rate(step, 10, peak=1.0, warmup=0.2, final=0.2) for step in range(10)]
    falling = [1 - 0.8 * k / 9 for k in range(1, 9)]
    np.testing.assert_allclose(rates, [0.5, 1, *falling])
