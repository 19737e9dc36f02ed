"""Updating parameters from their gradients."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping

import numpy as np

from tape import Tensor

Gradients = Mapping[Tensor, np.ndarray]


def clip_by_global_norm(gradients: Gradients, max_norm: float) -> float:
    """Scale all gradients, in place, so that their joint 2-norm is at most `max_norm`.

    Returns the norm before scaling. Source: Pascanu et al., "On the difficulty of training
    recurrent neural networks", 2013.
    """
    norm = math.sqrt(sum(float(np.vdot(g, g)) for g in gradients.values()))
    scale = max_norm / (norm + 1e-6)  # the small number is PyTorch's, so that the two agree
    if scale < 1:
        for g in gradients.values():
            g *= scale
    return norm


class AdamW:
    """Adam with decoupled weight decay.

    With t the number of updates and g the gradient,
    m = beta1 m + (1 - beta1) g, v = beta2 v + (1 - beta2) g^2, and
    p = (1 - lr weight_decay) p - lr (m / (1 - beta1^t)) / (sqrt(v / (1 - beta2^t)) + eps).

    Parameters
    ----------
    parameters : iterable of (name, Tensor)
        Matrices are decayed, vectors are not.
    beta1, beta2, eps, weight_decay : float

    Source: Loshchilov and Hutter, "Decoupled Weight Decay Regularization", 2019.
    """

    def __init__(
        self,
        parameters: Iterable[tuple[str, Tensor]],
        beta1: float,
        beta2: float,
        weight_decay: float,
        eps: float = 1e-8,
    ) -> None:
        self.parameters = dict(parameters)
        self.beta1, self.beta2, self.weight_decay, self.eps = beta1, beta2, weight_decay, eps
        self.updates = 0
        self.m = {name: np.zeros_like(p.data) for name, p in self.parameters.items()}
        self.v = {name: np.zeros_like(p.data) for name, p in self.parameters.items()}

    def step(self, gradients: Gradients, lr: float) -> None:
        """Update every parameter, in place, from its gradient."""
        self.updates += 1
        rate = lr / (1 - self.beta1**self.updates)
        root = 1 / math.sqrt(1 - self.beta2**self.updates)
        for name, parameter in self.parameters.items():
            p, g, m, v = parameter.data, gradients[parameter], self.m[name], self.v[name]
            m *= self.beta1
            m += (1 - self.beta1) * g
            v *= self.beta2
            v += (1 - self.beta2) * g * g
            if p.ndim > 1:
                p *= 1 - lr * self.weight_decay
            p -= rate * m / (np.sqrt(v) * root + self.eps)

    def state_dict(self) -> dict[str, np.ndarray]:
        """The moments, as "m.NAME" and "v.NAME"; the arrays themselves, not copies."""
        moments = {"m": self.m, "v": self.v}
        return {f"{k}.{name}": array for k, d in moments.items() for name, array in d.items()}

    def load_state_dict(self, state: Mapping[str, np.ndarray], updates: int) -> None:
        """Take over moments, and the number of updates that made them."""
        for key, array in self.state_dict().items():
            array[...] = state[key]
        self.updates = updates
