"""One seed, many purposes: no two of their streams are one."""

import itertools

import numpy as np
import pytest

from models import Transformer, stream
from train.data import Windows
from train.workers import micro_batches

PURPOSES = [
    ("weights",),
    ("order", 0),
    ("order", 1),
    ("dropout", 0, 0),
    ("dropout", 0, 1),
    ("dropout", 1, 0),
    ("story", 0),
    ("story", 0, 0),
    ("story",),
]


@pytest.mark.parametrize("seed", [0, 1, 2**40])
@pytest.mark.pitfall("a random stream used for two things")
def test_trap_no_two_streams_coincide(seed):
    rngs = [stream(seed, *purpose) for purpose in PURPOSES]
    rngs += [np.random.default_rng(of) for of in (seed, [seed, 0, 0, 1], [seed, 1])]
    drawn = [tuple(rng.random(4)) for rng in rngs]
    assert len(set(drawn)) == len(drawn)
    assert tuple(stream(seed, *PURPOSES[1]).random(4)) == drawn[1]


def test_what_a_run_draws_is_uncorrelated():
    weights = Transformer(8, 4, 8, 1, 1, std=1.0).token_embedding.weight.data.ravel()[:48]
    ids = np.zeros((4, 2), int)
    dropouts = [rng.standard_normal(48) for *_, rng in micro_batches(ids, ids, 2, (0, 0))]
    own = [np.random.default_rng(seed).standard_normal(48) for seed in (0, 1)]
    for a, b in itertools.combinations([weights, *dropouts, *own], 2):
        assert abs(np.corrcoef(a, b)[0, 1]) < 0.6


def test_the_order_of_an_epoch_is_not_that_of_a_permutation_by_the_seed():
    windows = Windows(np.arange(1000), 4, 1, seed=0)
    orders = [
        [windows.batch(e * windows.n_windows + i)[0][0, 0] for i in range(40)] for e in (0, 1)
    ]
    rng = np.random.default_rng(0)
    offset = rng.integers(4)
    old = (offset + 4 * rng.permutation(windows.n_windows))[:40].tolist()
    assert orders[0] != orders[1] and old not in orders
