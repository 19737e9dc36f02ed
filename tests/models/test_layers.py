"""Each layer against what its docstring promises."""

import numpy as np
import pytest

import ops
from models import MLP, CausalSelfAttention, Dropout, Embedding, LayerNorm, Linear

from .small import gradcheck_parameters, random_ids


def rng(seed=0):
    return np.random.default_rng(seed)


X = rng(7).standard_normal((2, 5, 6))


@pytest.mark.parametrize(
    ("layer", "x", "parameters", "d_out"),
    [
        (Linear(6, 4, rng()), X, {"weight": (4, 6), "bias": (4,)}, 4),
        (Linear(6, 4, rng(), bias=False), X[0, 0], {"weight": (4, 6)}, 4),
        (Embedding(9, 4, rng()), random_ids(2, 5, n=9), {"weight": (9, 4)}, 4),
        (LayerNorm(6), X, {"weight": (6,), "bias": (6,)}, 6),
        (
            MLP(6, rng()),
            X,
            {"up.weight": (24, 6), "up.bias": (24,), "down.weight": (6, 24), "down.bias": (6,)},
            6,
        ),
        (
            CausalSelfAttention(6, 2, rng()),
            X,
            {"qkv.weight": (18, 6), "qkv.bias": (18,), "out.weight": (6, 6), "out.bias": (6,)},
            6,
        ),
    ],
    ids=["Linear", "Linear without bias", "Embedding", "LayerNorm", "MLP", "CausalSelfAttention"],
)
def test_shapes_dtypes_and_gradients(layer, x, parameters, d_out):
    assert {path: p.shape for path, p in layer.named_parameters()} == parameters
    assert {p.dtype for p in layer.parameters()} == {np.dtype(np.float32)}
    lead = x.shape if x.dtype.kind == "i" else x.shape[:-1]
    layer.astype(np.float64)
    assert layer(x).shape == (*lead, d_out)
    gradcheck_parameters(layer, lambda: layer(x))


def test_linear_keeps_the_variance_of_its_input():
    n = 256
    y = Linear(n, n, rng(1))(rng(2).standard_normal((n, n)).astype(np.float32)).data
    assert y.var() == pytest.approx(1, rel=0.05)


@pytest.mark.parametrize(
    ("weight", "std"),
    [
        (Linear(200, 100, rng(), std=0.3).weight, 0.3),
        (Embedding(200, 100, rng()).weight, 1),
        (Embedding(200, 100, rng(), std=0.1).weight, 0.1),
        (MLP(100, rng(), std=0.3, out_std=0.1).up.weight, 0.3),
        (MLP(100, rng(), std=0.3, out_std=0.1).down.weight, 0.1),
        (CausalSelfAttention(100, 1, rng(), std=0.3, out_std=0.1).qkv.weight, 0.3),
        (CausalSelfAttention(100, 1, rng(), std=0.3, out_std=0.1).out.weight, 0.1),
    ],
)
def test_weights_start_with_the_deviation_asked_for(weight, std):
    assert weight.data.std() == pytest.approx(std, rel=4 / np.sqrt(2 * weight.size))
    assert abs(weight.data.mean()) < 4 * std / np.sqrt(weight.size)


def test_layernorm_starts_as_normalisation_alone():
    y = LayerNorm(6).astype(np.float64)(3 * X + 2).data
    np.testing.assert_allclose(y.mean(-1), 0, atol=1e-12)
    np.testing.assert_allclose(y.std(-1), 1, rtol=1e-4)


def test_dropout_drops_in_training_only_and_by_the_generator_it_is_given():
    dropout, x = Dropout(0.5), np.ones(100, np.float32)
    np.testing.assert_array_equal(dropout(x, rng(3)).data, ops.dropout(x, 0.5, rng(3)).data)
    assert dropout.eval()(x, None) is x
    assert Dropout(0.0)(x, None) is x


def test_dropout_in_training_without_a_generator_says_what_to_do():
    with pytest.raises(ValueError, match=r"needs a generator: pass rng=, or call eval\(\)"):
        Dropout(0.1)(X, None)


@pytest.mark.parametrize("p", [-0.1, 1.0, np.nan])
def test_dropout_that_is_no_probability_below_one_is_named(p):
    with pytest.raises(ValueError, match=rf"dropout is in \[0, 1\), not {p}"):
        Dropout(p)


def test_attention_whose_heads_do_not_divide_its_width_is_named():
    with pytest.raises(ValueError, match="d_model 6 is not divisible by n_heads 4"):
        CausalSelfAttention(6, 4, rng())
