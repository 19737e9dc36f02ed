"""Updating parameters from their gradients."""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Callable, Iterable, Mapping
from typing import Any

import numpy as np

from models.module import copy_arrays
from tape import Tensor

Gradients = Mapping[Tensor, np.ndarray]

PIECE = 1 << 17
"""Elements updated together: few enough for the cache to hold what is computed on the way, and
enough for threads not to wait for each other's lock."""


def clipping(gradients: Gradients, max_norm: float) -> tuple[float, float]:
    """The joint 2-norm of all gradients, and the factor that makes it at most `max_norm`.

    Source: Pascanu et al., "On the difficulty of training recurrent neural networks", 2013.
    """
    norm = math.sqrt(sum(float(np.vdot(g, g)) for g in gradients.values()))
    return norm, min(1.0, max_norm / (norm + 1e-6))  # PyTorch's small number, so that they agree


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

    def step(
        self,
        gradients: Gradients,
        lr: float,
        scale: float = 1.0,
        map: Callable[..., Iterable[Any]] = map,
    ) -> None:
        """Update parameters in place, each from its gradient times `scale`.

        One without a gradient stays as it is. `map` may be that of `Workers`: parameters are
        updated one by one.
        """
        self.updates += 1
        rate = lr / (1 - self.beta1**self.updates)
        root = 1 / math.sqrt(1 - self.beta2**self.updates)

        def update(name: str) -> None:
            parameter = self.parameters[name]
            arrays = parameter.data, gradients[parameter], self.m[name], self.v[name]
            whole = [np.atleast_1d(array) for array in arrays]
            rows = max(1, PIECE * len(whole[0]) // max(1, parameter.size))
            scratch = np.empty_like(whole[0][:rows])
            for start in range(0, len(whole[0]), rows):
                p, g, m, v = (array[start : start + rows] for array in whole)
                t = scratch[: len(p)]
                np.multiply(g, (1 - self.beta1) * scale, out=t)
                m *= self.beta1
                m += t
                t *= t
                t *= (1 - self.beta2) / (1 - self.beta1) ** 2
                v *= self.beta2
                v += t
                np.sqrt(v, out=t)
                t *= root
                t += self.eps
                np.divide(m, t, out=t)
                t *= rate
                if parameter.ndim > 1:
                    p *= 1 - lr * self.weight_decay
                p -= t

        reached = [name for name, parameter in self.parameters.items() if parameter in gradients]
        deque(map(update, reached), maxlen=0)

    def state_dict(self) -> dict[str, np.ndarray]:
        """The moments, as "m.NAME" and "v.NAME"; the arrays themselves, not copies."""
        moments = {"m": self.m, "v": self.v}
        return {f"{k}.{name}": array for k, d in moments.items() for name, array in d.items()}

    def load_state_dict(self, state: Mapping[str, np.ndarray], updates: int) -> None:
        """Copy moments, all of them or none, and take over the number of updates that made them.

        Raises
        ------
        ValueError
            Naming the first moment that is missing, unknown, or of another shape.
        """
        copy_arrays(state, self.state_dict())
        self.updates = updates
