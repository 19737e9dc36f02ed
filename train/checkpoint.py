"""A model on its own, and all that a run needs to go on."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from pathlib import Path

import numpy as np

from models import Module
from tape.files import replacing
from train.array_files import Arrays, read_arrays, write_arrays
from train.errors import Damaged, UserError
from train.optim import AdamW
from train.words import printable


def save_model(path: Path, model: Module) -> None:
    """Write the parameters by name."""
    with replacing(path) as temporary:
        write_arrays(temporary, model.state_dict())


def load_model(path: Path, model: Module) -> None:
    """Fill `model` with what `save_model` wrote.

    Raises
    ------
    Damaged
        If the file is missing, cut short, changed, or holds numbers that no model has.
    UserError
        If it is of a model of another shape.
    """
    arrays, _ = read_arrays(path)
    _fill(path, model, arrays)


def save_checkpoint(path: Path, model: Module, optimizer: AdamW) -> None:
    """Write parameters, moments and the number of updates, in one file so that they agree.

    What was at `path` stays, under the name of `previous`.
    """
    arrays = {f"model.{name}": array for name, array in model.state_dict().items()}
    arrays |= {f"adamw.{name}": array for name, array in optimizer.state_dict().items()}
    with replacing(path) as temporary:
        write_arrays(temporary, arrays, updates=optimizer.updates)
        if path.exists():
            os.replace(path, previous(path))


def previous(path: Path) -> Path:
    """Where the checkpoint before the one at `path` lies."""
    return path.with_stem(f"{path.stem}-previous")


def load_checkpoint(path: Path, model: Module, optimizer: AdamW) -> None:
    """Restore what `save_checkpoint` wrote, last or, if that is damaged, before.

    Says so on stderr where it is the one before.

    Raises
    ------
    Damaged
        If both are missing, cut short, changed, or hold numbers that no run has.
    UserError
        If they are of another configuration.
    """
    try:
        _load(path, model, optimizer)
    except Damaged as damage:
        try:
            _load(previous(path), model, optimizer)
        except Damaged:
            raise damage from None
        print(
            f"{printable(damage)}; going on from {previous(path).name}, "
            f"after {optimizer.updates} steps",
            file=sys.stderr,
        )


def _load(path: Path, model: Module, optimizer: AdamW) -> None:
    arrays, facts = read_arrays(path)
    if "updates" not in facts:
        raise UserError(f"{path}: holds a model, but no optimiser state to go on from")
    updates = facts["updates"]
    if type(updates) is not int or updates < 0:
        raise Damaged(f"{path}: {updates!r} is no number of updates")
    moments = _under("adamw.", arrays)
    if any((array < 0).any() for name, array in moments.items() if name.startswith("v.")):
        raise Damaged(f"{path}: a mean of squares is negative")
    _check(path, moments, optimizer.state_dict())
    _fill(path, model, _under("model.", arrays))
    try:
        optimizer.load_state_dict(moments, updates)
    except ValueError as error:
        message = f"{path}: its optimiser state does not fit the configuration: {error}"
        raise UserError(message) from None


def _fill(path: Path, model: Module, arrays: Arrays) -> None:
    _check(path, arrays, model.state_dict())
    try:
        model.load_state_dict(arrays)
    except ValueError as error:
        raise UserError(f"{path}: does not fit the configuration or tokenizer: {error}") from None


def _check(path: Path, arrays: Arrays, own: Mapping[str, np.ndarray]) -> None:
    """Raise unless arrays are finite, and the numbers that those of the same name can hold."""
    shared = [name for name in own if name in arrays]
    for name in shared:
        found, dtype = arrays[name].dtype, own[name].dtype
        if found != dtype and not (found.kind == dtype.kind == "f" and np.can_cast(found, dtype)):
            raise Damaged(f"{path}: {name} is of dtype {found}, not {dtype}")
        if not np.isfinite(arrays[name]).all():
            raise Damaged(f"{path}: {name} holds a value that is not finite")
    others = {arrays[name].dtype.name for name in shared}
    others -= {array.dtype.name for array in own.values()}
    if others:
        kinds = ", ".join(sorted(others))
        print(f"{printable(path)}: made of {kinds}, which is converted", file=sys.stderr)


def _under(prefix: str, arrays: Arrays) -> Arrays:
    return {k.removeprefix(prefix): v for k, v in arrays.items() if k.startswith(prefix)}
