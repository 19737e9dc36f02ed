"""PyTorch's side of `bench.generate`: the same model with a key-value cache, in eager mode."""

from __future__ import annotations

import time
from collections.abc import Callable

import torch
from torch.nn import functional as F

from bench.configurations import Configuration
from bench.in_pytorch import twin
from tests.torch_transformer import Attention, TorchTransformer


def generation(
    configuration: Configuration, threads: int, prompt: list[int], n_tokens: int
) -> Callable[[], tuple[float, list[int]]]:
    """The likeliest continuation of `prompt`; each run gives the seconds and the tokens."""
    model = twin(configuration, threads)

    @torch.inference_mode()
    def run() -> tuple[float, list[int]]:
        began = time.perf_counter()
        tokens, ids, start = [], torch.tensor([prompt]), 0
        d_head = configuration.d_model // configuration.n_heads
        shape = (2, 1, configuration.n_heads, configuration.context, d_head)
        cache = [torch.empty(shape) for _ in model.blocks]
        for _ in range(n_tokens):
            logits = _logits(model, ids, cache, start)
            start += ids.shape[1]
            ids = logits.argmax(-1, keepdim=True)
            tokens.append(ids.item())
        return time.perf_counter() - began, tokens

    return run


def _logits(
    model: TorchTransformer, ids: torch.Tensor, cache: list[torch.Tensor], start: int
) -> torch.Tensor:
    """Of the token after the last of `ids`, (1, vocab_size); `start` tokens are in the cache."""
    stop = start + ids.shape[1]
    x = model.token_embedding(ids) + model.position_embedding.weight[start:stop]
    for block, layer_cache in zip(model.blocks, cache, strict=True):
        x = x + _attention(block.attention, block.norm1(x), layer_cache, start)
        x = x + block.mlp(block.norm2(x))
    return F.linear(model.norm(x[:, -1]), model.token_embedding.weight)


def _attention(
    attention: Attention, x: torch.Tensor, cache: torch.Tensor, start: int
) -> torch.Tensor:
    """Of the tokens of a first piece, or of a single token after them."""
    stop = start + x.shape[1]
    q, k, v = attention.qkv(x).unflatten(-1, (3, attention.n_heads, -1)).permute(2, 0, 3, 1, 4)
    keys, values = cache
    keys[:, :, start:stop] = k
    values[:, :, start:stop] = v
    y = F.scaled_dot_product_attention(
        q, keys[:, :, :stop], values[:, :, :stop], is_causal=start == 0
    )
    return attention.out(y.transpose(1, 2).flatten(2))
