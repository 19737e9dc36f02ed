"""Where a loss stopped being finite."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np

from models import Transformer
from tape import NonFinite, Tape


def first_nonfinite(model: Transformer, batches: Iterable[Sequence[Any]]) -> NonFinite | None:
    """The first op to give a NaN or an infinity, forward or back, when the losses are taken again.

    Parameters
    ----------
    batches : iterable of sequences
        The arguments of `model.loss`.
    """
    with np.errstate(all="ignore"):
        for batch in batches:
            with Tape(keep_results=True, guard=False) as tape:
                loss = model.loss(*batch)
            found = tape.first_nonfinite(loss)
            if found:
                return found
    return None
