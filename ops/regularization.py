"""Regularisation by noise."""

import numpy as np

from tape import Array, Sample, ValueAndVJP, normal, op


@op(
    samples=(
        Sample(normal(3, 4), 0.3, rng=0),
        Sample(normal(3, 4), 0.0, rng=1),
        Sample(normal(), 0.2, rng=2),
        Sample(normal(0, 3), 0.5, rng=3),
    ),
    floating=True,
)
def dropout(x: Array, /, p: float, rng: np.random.Generator | int) -> ValueAndVJP:
    """Zero each element with probability p and divide the others by 1 - p; dx is the same of g.

    Parameters
    ----------
    p : float
        In [0, 1).
    rng : Generator or int
        Where the choice comes from: a generator, or the seed of one.

    Raises
    ------
    ValueError
        If p is outside [0, 1).

    Source: Srivastava et al., "Dropout", JMLR 15, 2014.
    """
    if not 0 <= p < 1:
        raise ValueError(f"the probability of dropping is in [0, 1), not {p}")
    kept = np.random.default_rng(rng).random(x.shape, np.float32) >= p
    factor = kept / x.dtype.type(1 - p)
    return x * factor, lambda g: g * factor
