"""Samples: example calls of an op, drawn anew from each generator."""

import numpy as np
import pytest

from tape import Kink, Sample, booleans, integers, normal, positive


@pytest.mark.parametrize(
    ("make", "kind", "holds"),
    [
        (normal, "f", lambda x: (x < 0).any() and (abs(x - x.mean()) < 6).all()),
        (positive, "f", lambda x: (x >= 0.5).all() and (x < 2).all()),
        (lambda *shape: integers(3, 7, *shape), "i", lambda x: set(x.flat) == {3, 4, 5, 6}),
        (booleans, "b", lambda x: set(x.flat) == {False, True}),
    ],
)
def test_draws_have_their_shape_dtype_and_range(make, kind, holds):
    rng = np.random.default_rng(0)

    assert holds(make(50, 4)(rng))
    for shape in ((50, 4), (0, 3), ()):
        drawn = make(*shape)(rng)
        assert isinstance(drawn, np.ndarray)
        assert (drawn.shape, drawn.dtype.kind) == (shape, kind)


def test_normal_deviates_are_scaled():
    plain, scaled = (normal(5, scale=s)(np.random.default_rng(0)) for s in (1.0, 1e4))

    np.testing.assert_array_equal(scaled, 1e4 * plain)


def test_a_sample_draws_operands_and_options_and_leaves_other_values_as_they_are():
    sample = Sample(normal(2, 3), 0.5, None, integers(0, 4, 5), axis=-1, mask=booleans(3))

    (x, number, absent, ids), options = sample.draw(np.random.default_rng(0), np.float32)

    assert (x.shape, x.dtype, ids.dtype) == ((2, 3), np.float32, np.int64)
    assert (number, absent, options["axis"]) == (0.5, None, -1)
    assert options["mask"].dtype == bool


def test_the_same_seed_draws_the_same_and_one_generator_draws_on():
    sample, rng = Sample(normal(4)), np.random.default_rng(7)
    ((first,), _), ((second,), _) = sample.draw(rng), sample.draw(rng)
    ((again,), _) = sample.draw(np.random.default_rng(7))

    np.testing.assert_array_equal(first, again)
    assert not np.array_equal(first, second)


def test_a_floating_array_is_handed_out_as_a_copy_of_the_dtype_asked_for():
    constant = np.array([1.0, 2.0])
    ((drawn,), _) = Kink(constant).draw(np.random.default_rng(0), np.float32)

    assert drawn.dtype == np.float32
    assert not np.shares_memory(Sample(constant).draw(np.random.default_rng(0))[0][0], constant)
