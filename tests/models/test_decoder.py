"""A decoder computes what its model does, however the tokens arrive."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from models.decoder import Decoder

from .small import random_ids, small_transformer

CONTEXT = 8
MODEL = small_transformer(context=CONTEXT)
IDS = random_ids(CONTEXT)
LOGITS = MODEL(IDS[None]).data[0]


@given(st.sets(st.integers(1, CONTEXT - 1)))
@settings(max_examples=50)
def test_logits_do_not_depend_on_how_the_sequence_is_cut(cuts):
    decoder, ends = Decoder(MODEL), [*sorted(cuts), CONTEXT]
    for end in ends:
        logits = decoder.read(IDS[decoder.length : end].tolist())
        np.testing.assert_allclose(logits, LOGITS[end - 1], rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("cuts", [[], range(1, CONTEXT)])
def test_logits_have_the_dtype_of_the_model(cuts):
    decoder = Decoder(small_transformer(context=CONTEXT).astype(np.float32))
    for ids in np.split(IDS, cuts):
        logits = decoder.read(ids)
        assert logits.dtype == np.float32
    np.testing.assert_allclose(logits, LOGITS[-1], rtol=1e-4, atol=1e-4)


def test_a_decoder_that_is_full_says_so_and_stays_as_it_was():
    decoder = Decoder(MODEL)
    decoder.read(IDS[:6])
    with pytest.raises(ValueError, match="9 tokens are more than the context of 8"):
        decoder.read(IDS[:3])
    np.testing.assert_allclose(decoder.read(IDS[6:]), LOGITS[-1], rtol=1e-12)
