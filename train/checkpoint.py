"""A model on its own, and all that a run needs to go on, as safetensors."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
from safetensors import SafetensorError, safe_open
from safetensors.numpy import save_file

from models import Module
from tape.files import replacing
from train.errors import UserError
from train.optim import AdamW


def save_model(path: Path, model: Module) -> None:
    """Write the parameters by name."""
    _write(path, model.state_dict())


def load_model(path: Path, model: Module) -> None:
    """Fill `model` with what `save_model` wrote.

    Raises
    ------
    UserError
        If the file is missing, cut short, or of a model of another shape.
    """
    arrays, _ = _read(path)
    _fill(path, model, arrays)


def save_checkpoint(path: Path, model: Module, optimizer: AdamW) -> None:
    """Write parameters, moments and the number of updates, in one file so that they agree."""
    arrays = {f"model.{name}": array for name, array in model.state_dict().items()}
    arrays |= {f"adamw.{name}": array for name, array in optimizer.state_dict().items()}
    _write(path, arrays, {"updates": json.dumps(optimizer.updates)})


def load_checkpoint(path: Path, model: Module, optimizer: AdamW) -> None:
    """Restore what `save_checkpoint` wrote.

    Raises
    ------
    UserError
        If the file is missing, cut short, or of another configuration.
    """
    arrays, metadata = _read(path)
    if "updates" not in metadata:
        raise UserError(f"{path}: holds a model, but no optimiser state to go on from")
    _fill(path, model, _under("model.", arrays))
    if not metadata["updates"].isdecimal():
        raise UserError(f"{path}: {metadata['updates']!r} is no number of updates")
    try:
        optimizer.load_state_dict(_under("adamw.", arrays), int(metadata["updates"]))
    except ValueError as error:
        message = f"{path}: its optimiser state does not fit the configuration: {error}"
        raise UserError(message) from None


def _write(
    path: Path, arrays: dict[str, np.ndarray], metadata: dict[str, str] | None = None
) -> None:
    try:
        with replacing(path) as temporary:
            save_file(arrays, temporary, metadata)
    except SafetensorError as error:  # a full disk, for one
        raise OSError(f"{path} cannot be written: {error}") from None


def _read(path: Path) -> tuple[dict[str, np.ndarray], dict[str, str]]:
    if not path.is_file():
        raise UserError(f"{path}: no such checkpoint")
    try:
        with safe_open(path, "numpy") as file:
            names = file.keys()
            return {name: file.get_tensor(name) for name in names}, file.metadata() or {}
    except SafetensorError as error:
        raise UserError(f"{path}: cut short, or not a checkpoint: {error}") from None


def _fill(path: Path, model: Module, arrays: dict[str, np.ndarray]) -> None:
    try:
        model.load_state_dict(arrays)
    except ValueError as error:
        raise UserError(f"{path}: does not fit the configuration or tokenizer: {error}") from None


def _under(prefix: str, arrays: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    return {k.removeprefix(prefix): v for k, v in arrays.items() if k.startswith(prefix)}
