"""A model on its own, and all that a run needs to go on, as safetensors."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
from safetensors import SafetensorError, safe_open
from safetensors.numpy import save_file

from models import Module
from tape.files import replacing
from train.errors import UserError
from train.optim import AdamW
from train.version import VERSION, check_version


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
    _write(path, arrays, updates=optimizer.updates)


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
    updates = metadata["updates"]
    if not isinstance(updates, int) or updates < 0:
        raise UserError(f"{path}: {updates!r} is no number of updates")
    try:
        optimizer.load_state_dict(_under("adamw.", arrays), updates)
    except ValueError as error:
        message = f"{path}: its optimiser state does not fit the configuration: {error}"
        raise UserError(message) from None


def _write(path: Path, arrays: dict[str, np.ndarray], **facts: int) -> None:
    # What is not in row-major order would be written in the order of memory.
    straight = {name: x if x.flags.c_contiguous else x.copy("C") for name, x in arrays.items()}
    # One entry, as several come in an order of their own each time.
    metadata = {"tapegrad": json.dumps({"version": VERSION, **facts})}
    try:
        with replacing(path) as temporary:
            save_file(straight, temporary, metadata)
    except SafetensorError as error:  # a full disk, for one
        raise OSError(f"{path} cannot be written: {error}") from None


def _read(path: Path) -> tuple[dict[str, np.ndarray], dict[str, Any]]:
    if not path.is_file():
        raise UserError(f"{path}: no such checkpoint")
    try:
        with safe_open(path, "numpy") as file:
            facts = _facts(path, file.metadata() or {})
            names = file.keys()
            return {name: file.get_tensor(name) for name in names}, facts
    except SafetensorError as error:
        raise UserError(f"{path}: cut short, or not a checkpoint: {error}") from None


def _facts(path: Path, metadata: dict[str, str]) -> dict[str, Any]:
    """What a file says of itself; in version 1 it was the number of updates alone."""
    try:
        facts = {name: json.loads(text) for name, text in metadata.items()}
        facts = facts.get("tapegrad", facts)
        check_version(facts.get("version", 1), str(path))
    except (ValueError, AttributeError) as error:
        raise UserError(f"{path}: what it says of itself is damaged: {error}") from None
    return facts


def _fill(path: Path, model: Module, arrays: dict[str, np.ndarray]) -> None:
    try:
        model.load_state_dict(arrays)
    except ValueError as error:
        raise UserError(f"{path}: does not fit the configuration or tokenizer: {error}") from None


def _under(prefix: str, arrays: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    return {k.removeprefix(prefix): v for k, v in arrays.items() if k.startswith(prefix)}
