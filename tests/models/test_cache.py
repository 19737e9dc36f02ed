"""A cached model computes what an uncached one does, however its tokens arrive."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tape import Tape

from .small import random_ids, small_transformer

CONTEXT = 8
MODEL = small_transformer(context=CONTEXT)
IDS = random_ids(2, CONTEXT)


@given(st.sets(st.integers(1, CONTEXT - 1)))
@settings(max_examples=50)
def test_logits_do_not_depend_on_how_the_sequence_is_cut(cuts):
    cache = MODEL.new_cache(batch=2)
    pieces = [MODEL(ids, cache=cache).data for ids in np.split(IDS, sorted(cuts), axis=1)]
    np.testing.assert_allclose(
        np.concatenate(pieces, axis=1), MODEL(IDS).data, rtol=1e-12, atol=1e-12
    )


def test_a_cache_has_the_dtype_of_the_model_and_room_for_its_context():
    model = small_transformer(context=CONTEXT).astype(np.float32)
    cache = model.new_cache()
    logits = model(IDS[:1, :3], cache=cache)
    assert logits.dtype == np.float32
    assert [layer.length for layer in cache] == [3, 3]
    assert {(layer.keys.shape, layer.values.dtype.name) for layer in cache} == {
        ((1, 3, CONTEXT, 4), "float32")
    }


def test_tokens_beyond_the_context_are_counted_with_those_in_the_cache():
    cache = MODEL.new_cache(batch=2)
    MODEL(IDS[:, :6], cache=cache)
    with pytest.raises(ValueError, match="9 tokens are more than the context of 8"):
        MODEL(IDS[:, :3], cache=cache)
    np.testing.assert_allclose(
        MODEL(IDS[:, 6:], cache=cache).data, MODEL(IDS).data[:, 6:], rtol=1e-12
    )


def test_a_tape_that_would_need_gradients_through_a_cache_is_refused():
    cache = MODEL.new_cache(batch=2)
    with Tape(), pytest.raises(RuntimeError, match="for generation, outside any tape"):
        MODEL(IDS, cache=cache)
    assert cache[0].length == 0
