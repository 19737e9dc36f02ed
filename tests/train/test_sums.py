"""Sums of gradients do not depend on which of them comes first."""

from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from tape import Tensor
from train.sums import GradientSums

N = 8
WEIGHT, BIAS, UNUSED = (Tensor(np.zeros(n, np.float32), requires_grad=True) for n in (1000, 3, 2))
RNG = np.random.default_rng(0)
# Of sizes so different that every order of summation has its own rounding.
FIRST, SECOND = 10 ** RNG.uniform(-4, 4, (2, N, 1000)).astype(np.float32)


def in_order(gradients):
    total = gradients[0].copy()
    for gradient in gradients[1:]:
        total += gradient
    return total


@pytest.mark.parametrize("threads", [1, 4])
def test_gradients_are_summed_in_the_order_of_the_micro_batches(threads):
    sums = GradientSums()

    def send(micro_batch):
        sink = sums.sink(micro_batch)
        sink(WEIGHT, FIRST[micro_batch].copy())
        sink(BIAS, np.full(3, micro_batch, np.float32))
        sink(WEIGHT, SECOND[micro_batch].copy())

    with ThreadPoolExecutor(threads) as pool:
        list(pool.map(send, RNG.permutation(N)))
    total = sums.total([UNUSED, BIAS, WEIGHT])

    assert list(total) == [BIAS, WEIGHT]
    np.testing.assert_array_equal(total[BIAS], np.full(3, sum(range(N))))
    np.testing.assert_array_equal(total[WEIGHT], in_order(FIRST) + in_order(SECOND))
    assert (in_order(FIRST[::-1]) != in_order(FIRST)).any(), "else this test would show nothing"


def test_what_waits_for_a_micro_batch_without_a_gradient_is_summed_all_the_same():
    sums = GradientSums()
    for micro_batch in (5, 3, 1):
        sums.sink(micro_batch)(WEIGHT, FIRST[micro_batch].copy())
    total = sums.total([WEIGHT])
    np.testing.assert_array_equal(total[WEIGHT], in_order(FIRST[[1, 3, 5]]))


def test_no_more_gradients_are_held_than_wait_for_their_turn():
    sums = GradientSums()
    sent = [gradient.copy() for gradient in FIRST]
    for micro_batch in range(N):
        sums.sink(micro_batch)(WEIGHT, sent[micro_batch])
    assert sums.total([WEIGHT])[WEIGHT] is sent[0]
    np.testing.assert_array_equal(sent[0], in_order(FIRST))
