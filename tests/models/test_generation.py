"""Sampling: the distribution of the next token, and the tokens drawn from it."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from models import generate, next_token_probabilities

from .small import small_transformer

CONTEXT = 8
MODEL = small_transformer(context=CONTEXT)

# Multiples of 1/2, so that ties are common.
logits_of_vocabularies = st.lists(st.integers(-10, 10), min_size=1, max_size=30).map(
    lambda halves: np.array(halves, np.float32) / 2
)


def softmax(logits, temperature=1.0):
    weights = np.exp((logits - logits.max()).astype(np.float64) / temperature)
    return weights / weights.sum()


def tokens(prompt=(1, 2, 3), n_tokens=30, seed=0, **options):
    return list(generate(MODEL, prompt, n_tokens, np.random.default_rng(seed), **options))


@given(
    logits_of_vocabularies,
    st.floats(0.05, 5),
    st.none() | st.integers(1, 40),
    st.none() | st.floats(0.01, 1),
)
def test_what_is_kept_is_the_likeliest_and_keeps_its_odds(logits, temperature, top_k, top_p):
    p = next_token_probabilities(logits, temperature, top_k, top_p)
    kept = p > 0
    assert p.dtype == np.float64
    assert p.sum() == pytest.approx(1, abs=1e-12)
    assert logits[kept].min() >= logits[~kept].max(initial=-np.inf)
    np.testing.assert_allclose(p[kept], softmax(logits[kept], temperature), rtol=1e-9)


@given(logits_of_vocabularies, st.integers(1, 40))
def test_top_k_keeps_k_tokens_or_all_there_are(logits, k):
    p = next_token_probabilities(logits, top_k=k)
    assert np.count_nonzero(p) == min(k, len(logits))


@given(logits_of_vocabularies, st.floats(0.01, 1))
def test_top_p_keeps_the_smallest_set_that_reaches_p(logits, top_p):
    n = np.count_nonzero(next_token_probabilities(logits, top_p=top_p))
    likeliest_first = np.sort(softmax(logits))[::-1]
    assert likeliest_first[:n].sum() >= top_p - 1e-9
    assert likeliest_first[: n - 1].sum() < top_p + 1e-9


@pytest.mark.parametrize(("top_p", "n"), [(0.2, 1), (0.25, 1), (0.26, 2), (0.5, 2), (1, 4)])
def test_top_p_among_ties_takes_the_first(top_p, n):
    p = next_token_probabilities(np.zeros(4), top_p=top_p)
    np.testing.assert_allclose(p, [1 / n] * n + [0] * (4 - n))


@given(logits_of_vocabularies, st.integers(1, 40), st.floats(0.01, 0.99))
def test_top_p_counts_in_what_top_k_left(logits, k, top_p):
    left = np.where(next_token_probabilities(logits, top_k=k) > 0, logits, -np.inf)
    np.testing.assert_allclose(
        next_token_probabilities(logits, top_k=k, top_p=top_p),
        next_token_probabilities(left, top_p=top_p),
    )


@given(logits_of_vocabularies)
def test_temperature_sharpens_down_to_the_likeliest_token(logits):
    peaks = [next_token_probabilities(logits, t).max() for t in (0, 0.1, 0.5, 1, 2, 10)]
    assert (np.diff(peaks) <= 1e-12).all()
    greedy = next_token_probabilities(logits, 0)
    np.testing.assert_array_equal(greedy, np.arange(len(logits)) == logits.argmax())


@pytest.mark.parametrize(
    ("option", "message"),
    [
        ({"temperature": -0.1}, "temperature is at least 0, not -0.1"),
        ({"top_k": 0}, "top_k is at least 1, not 0"),
        ({"top_p": 0.0}, "top_p is above 0 and at most 1, not 0.0"),
        ({"top_p": 1.5}, "top_p is above 0 and at most 1, not 1.5"),
    ],
)
def test_options_out_of_range_are_named(option, message):
    with pytest.raises(ValueError, match=message):
        next_token_probabilities(np.zeros(3), **option)
    with pytest.raises(ValueError, match=message):
        tokens(**option)


class Watched(np.random.Generator):
    """A generator that remembers the distributions it was asked to draw from."""

    def __init__(self, seed):
        super().__init__(np.random.PCG64(seed))
        self.distributions = []

    def choice(self, n, p):
        self.distributions.append(p)
        return super().choice(n, p=p)


@pytest.mark.parametrize("prompt", [[5], [1, 2, 3], list(range(CONTEXT)), [3, 1] * CONTEXT])
@pytest.mark.parametrize("context", [1, 2, 7, CONTEXT])
def test_each_token_is_drawn_by_the_uncached_logits_of_the_window(prompt, context):
    model, rng = small_transformer(context=context), Watched(0)
    window = prompt[-context:]
    for token, p in zip(generate(model, prompt, 30, rng), rng.distributions, strict=False):
        logits = model(np.array([window])).data[0, -1]
        np.testing.assert_allclose(p, softmax(logits), rtol=1e-9)
        window = [*window, token]
        if len(window) > context:
            window = window[-(context // 2 or 1) :]
    assert len(rng.distributions) == 30


def test_the_seed_decides_the_tokens():
    told = tokens(seed=7)
    assert len(told) == 30
    assert told == tokens(seed=7) != tokens(seed=8)


def test_temperature_zero_takes_the_likeliest_token_whatever_the_seed():
    ids = [1, 2, 3]
    for token in tokens(ids, CONTEXT - 3, temperature=0, seed=0):
        assert token == MODEL(np.array([ids])).data[0, -1].argmax()
        ids.append(token)
    assert tokens(temperature=0, seed=0) == tokens(temperature=0, seed=1)


def test_the_stop_token_ends_the_text_and_is_not_part_of_it():
    told = tokens()
    stop = told[10]
    assert tokens(stop=stop) == told[: told.index(stop)]


def test_a_prompt_of_nothing_is_refused():
    with pytest.raises(ValueError, match="the prompt is empty"):
        tokens(prompt=[])


@pytest.mark.parametrize(
    ("prompt", "says"),
    [
        ([1, -1], "the prompt holds -1, which is no id from 0 to"),
        ([10**6], "the prompt holds 1000000, which is no id"),
        (np.array([-2, 1]), "the prompt holds -2"),
        ([1.0], "an id of the prompt is an integer, not 1.0"),
        ([True], "an id of the prompt is an integer, not True"),
        (["1"], "an id of the prompt is an integer, not '1'"),
        (np.array([1.5]), "an id of the prompt is an integer"),
    ],
)
def test_a_prompt_of_what_is_no_id_is_refused(prompt, says):
    with pytest.raises(ValueError, match=says):
        tokens(prompt)


def test_ids_of_any_integers_are_taken():
    expected = tokens([1, 2], 3)
    for dtype in (np.uint8, np.int64):
        assert tokens(np.array([1, 2], dtype), 3) == expected
    with pytest.raises(ValueError, match="n_tokens is at least 0, not -1"):
        tokens(n_tokens=-1)


@pytest.mark.parametrize("temperature", [np.inf, 1e300, 1.0, 1e-300, 5e-324])
def test_what_is_impossible_stays_so_at_any_temperature(temperature):
    p = next_token_probabilities(np.array([0.0, -np.inf, 1.0, -np.inf], np.float32), temperature)
    assert p[1] == p[3] == 0
    assert p.sum() == pytest.approx(1)
    if temperature == np.inf:
        np.testing.assert_array_equal(p, [0.5, 0, 0.5, 0])


@pytest.mark.parametrize("option", ["temperature", "top_p"])
def test_nan_is_refused(option):
    with pytest.raises(ValueError, match=f"{option} is .*nan"):
        next_token_probabilities(np.zeros(3), **{option: np.nan})
