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
        Sample(normal(3, 4), np.array([0, 1, 2], np.uint8), ignore_index=2, label_smoothing=1.0),
        Sample(normal(3, 4, scale=1e4), np.array([3, 0, 1], np.int32)),
        Sample(normal(5, 4), np.array([0, -100, 3, -100, 1]), label_smoothing=0.2, z_loss=0.3),
        Sample(normal(3, 4, scale=1e4), np.array([3, 0, 1]), label_smoothing=0.1, z_loss=1e-4),
    )
)
def cross_entropy(
    logits: Array,
    targets: Array,
    /,
    ignore_index: int = -100,
    label_smoothing: float = 0.0,
    z_loss: float = 0.0,
):
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
    places = np.arange(len(counted)), classes
    log_normaliser = np.log(total) + top
    penalised = log_normaliser * (1 + z_loss * log_normaliser)
    loss = penalised[:, 0] - (1 - label_smoothing) * scores[places]
    if label_smoothing:
        loss -= share * scores.sum(1)

    def vjp(g: Array):
        dscores = weights * (g * (1 + 2 * z_loss * log_normaliser) / (n * total))
        dscores[places] -= (1 - label_smoothing) * g / n
        if label_smoothing:
            dscores -= share * g / n
        if not ignored:
            return dscores.reshape(shape), None
        dlogits = np.zeros((targets.size, shape[-1]), dscores.dtype)
        dlogits[counted] = dscores
        return dlogits.reshape(shape), None

    return loss.sum() / n, vjp
