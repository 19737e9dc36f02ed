"""Ops on arrays, each with its hand-written VJP beside it."""

from ops.activations import gelu, relu, sigmoid, silu, softplus, squared_relu, swiglu
from ops.arithmetic import (
    abs,
    add,
    divide,
    multiply,
    negative,
    power,
    reciprocal,
    remainder,
    square,
    subtract,
)
from ops.attention import causal_attention
from ops.convolution import conv1d
from ops.copying import astype, copy
from ops.einsum import einsum
from ops.elementary import arctan, cos, erf, exp, expm1, log, log1p, sin, sqrt, tanh
from ops.extending import pad, repeat, tile
from ops.grouped_attention import scaled_dot_product_attention
from ops.indexing import embedding, getitem, take, take_along_axis
from ops.joining import concatenate, split, stack
from ops.linalg import dot, linear, matmul, outer
from ops.losses import cross_entropy, linear_cross_entropy
from ops.normalization import layernorm, rmsnorm
from ops.numpy_functions import array_function, array_ufunc
from ops.reductions import max, min, norm, prod, sum
from ops.regularization import dropout
from ops.rotary import rotary_embedding
from ops.scans import cumsum
from ops.selection import clip, maximum, minimum, where
from ops.shaping import (
    broadcast_to,
    expand_dims,
    flip,
    moveaxis,
    reshape,
    squeeze,
    swapaxes,
    transpose,
)
from ops.softmax import log_softmax, logsumexp, softmax
from ops.statistics import mean, std, var
from ops.triangles import tril, triu
from ops.updating import index_add, index_set
from tape import Tensor

Tensor.__array_ufunc__ = array_ufunc
Tensor.__array_function__ = array_function

__all__ = [
    "abs",
    "add",
    "arctan",
    "astype",
    "broadcast_to",
    "causal_attention",
    "clip",
    "concatenate",
    "conv1d",
    "copy",
    "cos",
    "cross_entropy",
    "cumsum",
    "divide",
    "dot",
    "dropout",
    "einsum",
    "embedding",
    "erf",
    "exp",
    "expand_dims",
    "expm1",
    "flip",
    "gelu",
    "getitem",
    "index_add",
    "index_set",
    "layernorm",
    "linear",
    "linear_cross_entropy",
    "log",
    "log1p",
    "log_softmax",
    "logsumexp",
    "matmul",
    "max",
    "maximum",
    "mean",
    "min",
    "minimum",
    "moveaxis",
    "multiply",
    "negative",
    "norm",
    "outer",
    "pad",
    "power",
    "prod",
    "reciprocal",
    "relu",
    "remainder",
    "repeat",
    "reshape",
    "rmsnorm",
    "rotary_embedding",
    "scaled_dot_product_attention",
    "sigmoid",
    "silu",
    "sin",
    "softmax",
    "softplus",
    "split",
    "sqrt",
    "square",
    "squared_relu",
    "squeeze",
    "stack",
    "std",
    "subtract",
    "sum",
    "swapaxes",
    "swiglu",
    "take",
    "take_along_axis",
    "tanh",
    "tile",
    "transpose",
    "tril",
    "triu",
    "var",
    "where",
]
