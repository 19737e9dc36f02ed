"""Ops on arrays, each with its hand-written VJP beside it."""

from ops.activations import gelu
from ops.arithmetic import (
    add,
    divide,
    exp,
    log,
    multiply,
    negative,
    power,
    sqrt,
    subtract,
    tanh,
    where,
)
from ops.attention import causal_attention
from ops.indexing import embedding, getitem
from ops.linalg import linear, matmul
from ops.losses import cross_entropy
from ops.methods import give_methods
from ops.normalization import layernorm
from ops.reductions import max, mean, sum
from ops.regularization import dropout
from ops.shaping import concatenate, reshape, transpose
from ops.softmax import log_softmax, softmax

give_methods()

__all__ = [
    "add",
    "causal_attention",
    "concatenate",
    "cross_entropy",
    "divide",
    "dropout",
    "embedding",
    "exp",
    "gelu",
    "getitem",
    "layernorm",
    "linear",
    "log",
    "log_softmax",
    "matmul",
    "max",
    "mean",
    "multiply",
    "negative",
    "power",
    "reshape",
    "softmax",
    "sqrt",
    "subtract",
    "sum",
    "tanh",
    "transpose",
    "where",
]
