"""The whole model: what it computes, where it starts, and that gradients reach all of it."""

import math

import numpy as np
import pytest

import ops
from models import Embedding, Transformer
from tape import Tape, Tensor

from .small import gradcheck_parameters, random_ids, small_transformer


def rng(seed=0):
    return np.random.default_rng(seed)


@pytest.mark.parametrize("vocab_size", [61, 4096])
def test_the_first_loss_is_that_of_a_uniform_guess(vocab_size):
    model = Transformer(vocab_size, context=32, d_model=64, n_layers=4, n_heads=4)
    ids, targets = (random_ids(4, 32, n=vocab_size, seed=seed) for seed in (0, 1))
    loss = model.loss(ids, targets)
    assert loss.dtype == np.float32
    assert loss.item() == pytest.approx(math.log(vocab_size), abs=0.1)


@pytest.mark.parametrize("moment", [0, 1, 63, 64, 69])  # attention works in blocks of 64
def test_a_token_changes_no_logits_before_it(moment):
    model = small_transformer(context=70)
    ids = random_ids(2, 70)
    changed = ids.copy()
    changed[0, moment] = (ids[0, moment] + 1) % 11
    logits, changed_logits = model(ids).data, model(changed).data
    np.testing.assert_array_equal(changed_logits[0, :moment], logits[0, :moment])
    np.testing.assert_array_equal(changed_logits[1], logits[1])
    assert (changed_logits[0, moment:] != logits[0, moment:]).any(-1).all()


def test_the_same_token_means_something_else_elsewhere():
    logits = small_transformer()(np.zeros((1, 8), int)).data[0]
    assert len(np.unique(logits.round(6), axis=0)) == 8


def test_the_loss_is_the_cross_entropy_of_the_logits():
    model, ids, targets = small_transformer(), random_ids(2, 8), random_ids(2, 8, seed=1)
    expected = ops.cross_entropy(model(ids), targets).item()
    assert model.loss(ids, targets).item() == expected


@pytest.mark.parametrize("dropout", [0.0, 0.5])
def test_every_gradient_equals_the_central_difference(dropout):
    model = small_transformer(
        vocab_size=5, context=4, d_model=4, n_layers=1, n_heads=2, dropout=dropout
    )
    ids, targets = random_ids(2, 3, n=5), np.array([[1, -100, 0], [4, 4, 2]])
    gradcheck_parameters(model, lambda: model.loss(ids, targets, rng(2)))


@pytest.mark.pitfall("an op that drops out of the graph")
def test_every_parameter_gets_a_gradient():
    model = Transformer(61, context=8, d_model=16, n_layers=3, n_heads=4, dropout=0.1)
    with Tape() as tape:
        loss = model.loss(random_ids(4, 8, n=61), random_ids(4, 8, n=61, seed=1), rng())
    tape.backward(loss)
    for path, parameter in model.named_parameters():
        assert parameter.grad.shape == parameter.shape, path
        assert parameter.grad.dtype == np.float32, path
        assert np.isfinite(parameter.grad).all(), path
        assert parameter.grad.any(-1).all(), path  # every row of it


class Untied(Embedding):
    """An embedding whose table is not the `weight` that the head uses."""

    def __init__(self, table):
        self.table = Tensor(table.copy(), requires_grad=True)
        self.weight = Tensor(table.copy(), requires_grad=True)

    def forward(self, ids):
        return ops.embedding(ids, self.table)


@pytest.mark.pitfall("tied weights")
def test_the_tied_table_gets_the_gradients_of_embedding_and_head():
    model, ids, targets = small_transformer(), random_ids(2, 8), random_ids(2, 8, seed=1)
    with Tape():
        model.loss(ids, targets).backward()
    tied = model.token_embedding.weight
    model.token_embedding = Untied(tied.data)
    with Tape():
        model.loss(ids, targets).backward()
    apart = model.token_embedding
    assert apart.table.grad.any()
    assert apart.weight.grad.any()
    np.testing.assert_allclose(tied.grad, apart.table.grad + apart.weight.grad, rtol=1e-9)


def test_weights_start_as_in_gpt2():
    n_layers = 8
    model = Transformer(1000, context=256, d_model=64, n_layers=n_layers, n_heads=4)
    for path, parameter in model.named_parameters():
        values = parameter.data
        if "norm" in path and path.endswith("weight"):
            assert (values == 1).all(), path
        elif path.endswith("bias"):
            assert (values == 0).all(), path
        else:
            to_residual = path.endswith(("attention.out.weight", "mlp.down.weight"))
            std = 0.02 / math.sqrt(2 * n_layers) if to_residual else 0.02
            assert values.std() == pytest.approx(std, rel=4 / math.sqrt(2 * values.size)), path
            assert abs(values.mean()) < 4 * std / math.sqrt(values.size), path


def test_the_seed_decides_the_weights():
    first, same, other = (
        Transformer(11, 8, 12, 2, 3, seed=seed).state_dict() for seed in (5, 5, 6)
    )
    for path, array in first.items():
        np.testing.assert_array_equal(array, same[path])
    assert (first["token_embedding.weight"] != other["token_embedding.weight"]).all()


def test_the_number_of_parameters_counts_the_tied_table_once():
    vocab, context, d, n_layers = 50, 20, 16, 3
    model = Transformer(vocab, context, d, n_layers, n_heads=2)
    assert model.n_parameters == (vocab + context) * d + n_layers * (12 * d * d + 13 * d) + 2 * d


def test_dropout_is_on_the_embedding_and_on_what_each_layer_adds():
    model = small_transformer(dropout=0.5)
    with Tape() as tape:
        model(random_ids(2, 8), rng())
    assert [record.scope for record in tape.records if record.op is ops.dropout] == [
        "dropout",
        *["blocks.0.dropout"] * 2,
        *["blocks.1.dropout"] * 2,
    ]


def test_dropout_follows_its_generator_and_ends_with_eval():
    model, ids = small_transformer(dropout=0.5), random_ids(2, 8)
    first, same, other = (model(ids, rng(seed)).data for seed in (0, 0, 1))
    np.testing.assert_array_equal(first, same)
    assert (first != other).any()
    with pytest.raises(ValueError, match="dropout in training needs a generator"):
        model(ids)
    np.testing.assert_array_equal(model.eval()(ids).data, small_transformer()(ids).data)


def test_records_carry_the_paths_of_the_parts():
    with Tape() as tape:
        small_transformer()(random_ids(1, 8))
    of_a_block = (
        *(".norm1", ".attention.qkv", ".attention", ".attention.out", ""),
        *(".norm2", ".mlp.up", ".mlp", ".mlp.down"),
    )
    assert list(dict.fromkeys(record.scope for record in tape.records)) == [
        *("token_embedding", "position_embedding", ""),
        *(f"blocks.0{part}" for part in of_a_block),
        *(f"blocks.1{part}" for part in of_a_block),
        *("norm", "head"),
    ]


def test_tokens_beyond_the_context_are_counted():
    model = small_transformer(context=8)
    with pytest.raises(ValueError, match="9 tokens are more than the context of 8"):
        model(random_ids(1, 9))


def test_heads_that_do_not_divide_the_width_are_named():
    with pytest.raises(ValueError, match="d_model 12 is not divisible by n_heads 5"):
        Transformer(11, context=8, d_model=12, n_layers=1, n_heads=5)


def test_a_token_outside_the_vocabulary_is_named():
    with pytest.raises(IndexError, match="an id of 11 is outside the range 0 to 10"):
        small_transformer(vocab_size=11)(np.array([[3, 11]]))
