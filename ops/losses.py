"""Losses."""

from functools import partial
from typing import Any

import numpy as np

from ops.indexing import check_ids
from ops.shapes import check_shape
from ops.softmax import exponentiate
from tape import Array, Sample, ValueAndVJP, integers, normal, op


@op(
    samples=(
        Sample(normal(5, 4), integers(0, 4, 5)),
        Sample(normal(2, 3, 4), integers(0, 4, 2, 3)),
        Sample(normal(4), np.array(2)),
        Sample(normal(5, 4), np.array([0, -100, 3, -100, 1])),
        Sample(normal(3, 4), np.array([0, 1, 2], np.uint8), ignore_index=2, label_smoothing=1.0),
        Sample(normal(3, 4, scale=1e4), np.array([3, 0, 1], np.int32)),
        Sample(normal(5, 4), np.array([0, -100, 3, -100, 1]), label_smoothing=0.2, z_loss=0.3),
        Sample(normal(3, 4, scale=1e4), np.array([3, 0, 1]), label_smoothing=0.1, z_loss=1e-4),
    ),
    discrete=("targets",),
    floating=True,
)
def cross_entropy(
    logits: Array,
    targets: Array,
    /,
    ignore_index: int = -100,
    label_smoothing: float = 0.0,
    z_loss: float = 0.0,
) -> ValueAndVJP:
    """Mean over the targets of -log softmax(logits)[target], in nats.

    With smoothing e the target distribution is q = (1 - e) onehot(target) + e / n_classes. With
    l = logsumexp(logits), and n targets that are not ignored,
    loss = mean(l - sum(q logits) + z_loss l^2) and
    dlogits = g ((1 + 2 z_loss l) softmax(logits) - q) / n, 0 where the target is ignored.

    Parameters
    ----------
    logits : (..., n_classes)
    targets : (...) integers in [0, n_classes), or `ignore_index`
        What is ignored is left out of the mean; if all are, the loss is 0.
    label_smoothing : float in [0, 1]
        The share of the target distribution that goes to all classes alike, as in PyTorch.
    z_loss : float
        Weight of the penalty that keeps the normaliser, exp(l), near 1.

    Raises
    ------
    IndexError
        Naming the first target outside the classes.
    ValueError
        If there is not one target for each row of logits, or `label_smoothing` is not in [0, 1].

    Sources: Szegedy et al., "Rethinking the Inception Architecture for Computer Vision", 2015
    (smoothing); Chowdhery et al., "PaLM: Scaling Language Modeling with Pathways", 2022 (z-loss).
    """
    if not 0 <= label_smoothing <= 1:
        raise ValueError(f"label_smoothing is in [0, 1], not {label_smoothing}")
    check_shape(logits, "logits (..., n_classes)")
    if targets.shape != logits.shape[:-1]:
        raise ValueError(f"targets of shape {targets.shape} for logits of shape {logits.shape}")
    shape = logits.shape
    share = label_smoothing / shape[-1]
    rows = logits.reshape(-1, shape[-1])
    counted = np.flatnonzero(targets.reshape(-1) != ignore_index)
    classes = targets.reshape(-1)[counted]
    check_ids(classes, shape[-1], "a target")
    ignored = len(counted) < len(rows)
    scores = rows[counted] if ignored else rows
    n = max(len(counted), 1)

    top = scores.max(1, keepdims=True)
    weights = np.exp(scores - top)
    total = (weights @ np.ones(shape[-1], rows.dtype))[:, None]
    positions = np.arange(len(counted)), classes
    log_normaliser = np.log(total) + top
    penalised = log_normaliser * (1 + z_loss * log_normaliser)
    loss = penalised[:, 0] - (1 - label_smoothing) * scores[positions]
    if label_smoothing:
        loss -= share * scores.sum(1)

    def vjp(g: Array) -> Any:
        dscores = weights * (g * (1 + 2 * z_loss * log_normaliser) / (n * total))
        dscores[positions] -= (1 - label_smoothing) * g / n
        if label_smoothing:
            dscores -= share * g / n
        if not ignored:
            return dscores.reshape(shape), None
        dlogits = np.zeros((targets.size, shape[-1]), dscores.dtype)
        dlogits[counted] = dscores
        return dlogits.reshape(shape), None

    return loss.sum() / n, vjp


ROWS = 512
"""Rows of logits that exist at once in `linear_cross_entropy`."""


@op(
    samples=(
        Sample(normal(5, 3), normal(4, 3), integers(0, 4, 5)),
        Sample(normal(2, 3, 2), normal(4, 2), integers(0, 4, 2, 3)),
        Sample(normal(ROWS + 3, 1), normal(3, 1), integers(0, 3, ROWS + 3)),
        Sample(normal(5, 3), normal(4, 3), np.array([0, -100, 3, -100, 1])),
        Sample(normal(3, 2), normal(4, 2), np.array([3, 0, 3], np.uint8), ignore_index=3),
        Sample(normal(3, 2, scale=1e2), normal(4, 2, scale=1e2), np.array([3, 0, 1])),
    ),
    flops=lambda x, weight, *targets_and_settings, **options: 2 * x.size * len(weight),
    discrete=("targets",),
    floating=True,
)
def linear_cross_entropy(
    x: Array,
    weight: Array,
    targets: Array,
    /,
    ignore_index: int = -100,
    *,
    wants_grad: bool = True,
) -> ValueAndVJP:
    """`cross_entropy` of the logits x weight^T, of which only some rows exist at a time.

    With dlogits as there: dx = dlogits weight and dweight = dlogits^T x. If a gradient is wanted,
    these are made along with the loss, while the logits are there, and the VJP only scales them.

    Parameters
    ----------
    x : (..., d)
    weight : (n_classes, d)
    targets : (...) integers
        As in `cross_entropy`.
    ignore_index : int
    wants_grad : bool
        Whether a gradient is wanted. The engine tells, whatever a call says.

    Raises
    ------
    IndexError, ValueError
        As in `cross_entropy`.

    Source: Hsu et al., "Liger Kernel: Efficient Triton Kernels for LLM Training", 2024.
    """
    check_shape(weight, "weight (n_classes, d)")
    n_classes, d = weight.shape
    check_shape(x, "x (..., d)", d=d)
    if targets.shape != x.shape[:-1]:
        raise ValueError(f"targets of shape {targets.shape} for x of shape {x.shape}")
    rows, classes = x.reshape(targets.size, d), targets.reshape(-1)
    counted = classes != ignore_index
    check_ids(classes[counted], n_classes, "a target")
    n = max(int(counted.sum()), 1)
    loss = np.zeros((), x.dtype)
    if wants_grad:
        dx, dweight = np.empty(rows.shape, x.dtype), np.zeros_like(weight)
    logits = np.empty((min(ROWS, len(rows)), n_classes), x.dtype)
    for start in range(0, len(rows), ROWS):
        piece = slice(start, start + ROWS)
        kept = np.flatnonzero(counted[piece])
        positions = kept, classes[piece][kept]
        product = partial(np.matmul, rows[piece], weight.T)
        scores = product(out=logits[: len(rows[piece])])
        at_targets = scores[positions]
        total, top = exponentiate(scores, product)
        loss += ((np.log(total) + top)[kept, 0] - at_targets).sum()
        if wants_grad:
            scores *= counted[piece, None] / (n * total)
            scores[positions] -= 1 / n
            np.matmul(scores, weight, out=dx[piece])
            if start == 0:
                np.matmul(scores.T, rows[piece], out=dweight)
            else:
                dweight += scores.T @ rows[piece]
    return loss / n, lambda g: (lambda: (g * dx).reshape(x.shape), lambda: g * dweight, None)
