"""Sampling text from a language model, one token at a time."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import cast

import numpy as np

from models.decoder import Decoder
from models.transformer import Transformer


def next_token_probabilities(
    logits: np.ndarray,
    temperature: float = 1.0,
    top_k: int | None = None,
    top_p: float | None = None,
) -> np.ndarray:
    """The distribution to draw the next token from.

    Parameters
    ----------
    logits : (vocab_size,)
    temperature : float
        Divides the logits; 0 leaves only the most likely token, and infinity makes all that are
        possible equally likely.
    top_k : int, optional
        Keep the k most likely tokens.
    top_p : float, optional
        Keep the most likely tokens until their probabilities reach p, that one included.

    Returns
    -------
    ndarray
        (vocab_size,) probabilities in float64.

    Raises
    ------
    ValueError
        If temperature < 0, top_k < 1, top_p is outside (0, 1], or the largest logit is not finite.

    Source of top-p: Holtzman et al., "The Curious Case of Neural Text Degeneration", 2020.
    """
    if not temperature >= 0:
        raise ValueError(f"temperature is at least 0, not {temperature}")
    if top_k is not None and top_k < 1:
        raise ValueError(f"top_k is at least 1, not {top_k}")
    if top_p is not None and not 0 < top_p <= 1:
        raise ValueError(f"top_p is above 0 and at most 1, not {top_p}")
    top = logits.max()
    if not np.isfinite(top):
        raise ValueError("the logits are not finite")
    if temperature == 0:
        return cast(np.ndarray, (np.arange(len(logits)) == logits.argmax()).astype(np.float64))
    ranking = np.argsort(-logits, kind="stable")
    shifted = logits[ranking].astype(np.float64) - top
    with np.errstate(over="ignore", invalid="ignore"):
        scores = shifted / temperature
    ranked = np.exp(np.where(np.isneginf(shifted), -np.inf, scores))
    if top_k is not None:
        ranked[top_k:] = 0
    if top_p is not None:
        before = np.cumsum(ranked) - ranked
        ranked[before >= top_p * ranked.sum()] = 0
    probabilities = np.empty_like(ranked)
    probabilities[ranking] = ranked / ranked.sum()
    return probabilities


def generate(
    model: Transformer,
    prompt: Sequence[int],
    n_tokens: int,
    rng: np.random.Generator,
    temperature: float = 1.0,
    top_k: int | None = None,
    top_p: float | None = None,
    stop: int | None = None,
) -> Iterator[int]:
    """Yield up to `n_tokens` token ids that continue `prompt`, ending before `stop`.

    Keys and values of earlier tokens are cached. When the context is full, its later half is
    read again as a new beginning: learned positions cannot slide.

    Raises
    ------
    ValueError
        If the prompt is empty or holds what is no id of the vocabulary, or `n_tokens` is negative.
    """
    if n_tokens < 0:
        raise ValueError(f"n_tokens is at least 0, not {n_tokens}")
    if not len(prompt):
        raise ValueError("the prompt is empty: there is nothing to continue")
    n_ids = len(model.token_embedding.weight)
    for token in prompt:
        if isinstance(token, bool | np.bool_) or not isinstance(token, int | np.integer):
            raise ValueError(f"an id of the prompt is an integer, not {token!r}")
        if not 0 <= token < n_ids:
            raise ValueError(f"the prompt holds {token}, which is no id from 0 to {n_ids - 1}")
    ids = [int(token) for token in prompt][-model.context :]
    decoder, new = Decoder(model), ids
    for _ in range(n_tokens):
        if decoder.length + len(new) > model.context:
            ids = ids[-(model.context // 2 or 1) :]
            decoder.length, new = 0, ids
        p = next_token_probabilities(decoder.read(new), temperature, top_k, top_p)
        token = int(p.argmax() if temperature == 0 else rng.choice(len(p), p=p))
        if token == stop:
            return
        yield token
        new = [token]
        ids.append(token)
