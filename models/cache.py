"""Keys and values of the tokens so far, so that generation computes only the new ones."""

from __future__ import annotations

import numpy as np

from tape import Tensor


class LayerCache:
    """The keys and values that one attention layer has seen.

    Parameters
    ----------
    shape : tuple
        (batch, n_heads, most tokens, d_head).
    """

    def __init__(self, shape: tuple[int, int, int, int], dtype: np.dtype) -> None:
        self.keys = np.empty(shape, dtype)
        self.values = np.empty(shape, dtype)
        self.length = 0

    def extend(self, k: Tensor, v: Tensor) -> tuple[Tensor, Tensor]:
        """Append keys and values of new tokens, (batch, n_heads, new, d_head); return all so far.

        Raises
        ------
        RuntimeError
            If a tape follows them: gradients do not flow through a cache.
        """
        if k.requires_grad or v.requires_grad:
            raise RuntimeError("a key-value cache is for generation, outside any tape")
        new = slice(self.length, self.length + k.shape[2])
        self.keys[:, :, new] = k.data
        self.values[:, :, new] = v.data
        self.length = new.stop
        return Tensor(self.keys[:, :, : new.stop]), Tensor(self.values[:, :, : new.stop])
