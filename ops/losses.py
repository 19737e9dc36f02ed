"""Losses."""

import numpy as np

from ops.indexing import check_ids
from tape import Sample, integers, normal, op

Array = np.ndarray


@op(
    samples=(
        Sample(normal(5, 4), integers(0, 4, 5)),
        Sample(normal(2, 3, 4), integers(0, 4, 2, 3)),
        Sample(normal(4), np.array(2)),
        Sample(normal(5, 4), np.array([0, -100, 3, -100, 1])),
        Sample(normal(3, 4), np.array([0, 1, 2], np.uint8), ignore_index=2),
        Sample(normal(3, 4, scale=1e4), np.array([3, 0, 1], np.int32)),
    )
)
def cross_entropy(logits: Array, targets: Array, /, ignore_index: int = -100):
    """Mean over the targets of -log softmax(logits)[target], in nats.

    dlogits = g (softmax(logits) - onehot(targets)) / n, and 0 where the target is ignored.

    logits : (..., n_classes); targets : (...) integers in [0, n_classes), or `ignore_index`,
    which is left out of the mean; result : a scalar. If all are ignored the loss is 0.

    Raises
    ------
    IndexError
        Naming the first target outside the classes.
    ValueError
        If there is not one target for each row of logits.
    """
    if targets.shape != logits.shape[:-1]:
        raise ValueError(f"targets of shape {targets.shape} for logits of shape {logits.shape}")
    shape = logits.shape
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
    places = np.arange(len(counted)), classes
    loss = (np.log(total) + top)[:, 0] - scores[places]

    def vjp(g: Array):
        dscores = weights * (g / (n * total))
        dscores[places] -= g / n
        if not ignored:
            return dscores.reshape(shape), None
        dlogits = np.zeros((targets.size, shape[-1]), dscores.dtype)
        dlogits[counted] = dscores
        return dlogits.reshape(shape), None

    return loss.sum() / n, vjp
