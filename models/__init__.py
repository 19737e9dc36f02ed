"""Layers, and the Transformer made of them."""

from models.generation import generate, next_token_probabilities
from models.layers import MLP, CausalSelfAttention, Dropout, Embedding, LayerNorm, Linear
from models.module import Module
from models.recompute import recompute
from models.streams import stream
from models.transformer import Block, Transformer

__all__ = [
    "MLP",
    "Block",
    "CausalSelfAttention",
    "Dropout",
    "Embedding",
    "LayerNorm",
    "Linear",
    "Module",
    "Transformer",
    "generate",
    "next_token_probabilities",
    "recompute",
    "stream",
]
