"""Arrays by name in a safetensors file that carries a checksum of itself.

They are written here, not by the library, which would leave a temporary file of its own behind when
it is killed. The format: the length of a JSON header in 8 bytes, the header, and the arrays one
after the other (https://github.com/huggingface/safetensors, "Format").
"""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import safetensors
from safetensors import SafetensorError, safe_open

from train.errors import Damaged, UserError
from train.seals import checksum, from_text, sealed
from train.version import VERSION, check_version
from train.words import printable

Arrays = dict[str, np.ndarray]

OURS = "tapegrad"
"""The entry of the header's metadata that says what the file is, as JSON."""
KINDS = {"f": "F", "i": "I", "u": "U", "c": "C"}


def write_arrays(path: Path, arrays: Mapping[str, np.ndarray], **facts: int) -> None:
    """Write arrays, and facts about them.

    Any memory layout is written as the numbers that it shows.
    """
    straight = {
        name: np.asarray(x, x.dtype.newbyteorder("<"), order="C") for name, x in arrays.items()
    }
    entry = {"version": VERSION, **facts, "arrays": _checksum(straight)}
    header: dict[str, Any] = {"__metadata__": {OURS: json.dumps(sealed(entry))}}
    end = 0
    for name, array in straight.items():
        start, end = end, end + array.nbytes
        shape = list(array.shape)
        header[name] = {"dtype": _dtype(array), "shape": shape, "data_offsets": [start, end]}
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)  # so that the arrays lie aligned
    with path.open("wb") as file:
        file.write(len(text).to_bytes(8, "little"))
        file.write(text)
        for array in straight.values():
            file.write(array.reshape(-1).view(np.uint8).data)


def read_arrays(path: Path) -> tuple[Arrays, dict[str, Any]]:
    """The arrays and the facts in a file.

    Raises
    ------
    Damaged
        If the file is missing, cut short, or not what was written.
    UserError
        If a later version wrote it, or arrays are of a dtype that NumPy has not.
    """
    if not path.is_file():
        raise Damaged(f"{path}: no such checkpoint")
    try:
        with safe_open(path, "numpy") as file:
            facts = _facts(path, file.metadata() or {})
            names = file.keys()
            arrays = {name: _array(path, file, name) for name in names}
            short = [name for name in names if file.get_slice(name).get_dtype() == "BF16"]
    except SafetensorError as error:
        raise Damaged(f"{path}: cut short, or not a checkpoint: {error}") from None
    if "arrays" in facts and facts["arrays"] != _checksum(arrays):
        raise Damaged(f"{path}: damaged: the checksum of its arrays does not fit")
    if short:
        print(f"{printable(path)}: made of bfloat16, which is converted", file=sys.stderr)
    return arrays, facts


def _facts(path: Path, metadata: dict[str, str]) -> dict[str, Any]:
    """What a file says of itself; in version 1 it was the number of updates alone."""
    try:
        if metadata.keys() - {OURS, "updates", "format"}:
            raise ValueError(f"{', '.join(metadata)} is not what is written there")
        if OURS not in metadata:
            return {name: json.loads(text) for name, text in metadata.items() if name == "updates"}
        facts = from_text(metadata[OURS])
        check_version(facts.get("version", 1), str(path))
        return facts
    except (ValueError, RecursionError, Damaged) as error:
        raise Damaged(f"{path}: what it says of itself: {error}") from None


class _Opened(Protocol):
    """What `safe_open` gives, whose own methods have no types."""

    def get_tensor(self, name: str) -> np.ndarray: ...

    def get_slice(self, name: str) -> Any: ...


def _array(path: Path, file: _Opened, name: str) -> np.ndarray:
    try:
        return file.get_tensor(name)
    except (TypeError, AttributeError):
        dtype = file.get_slice(name).get_dtype()
    if dtype != "BF16":
        raise UserError(f"{path}: {name} is of dtype {dtype}, which NumPy has not")
    raw = dict(safetensors.deserialize(path.read_bytes()))[name]  # type: ignore[no-untyped-call]
    upper = np.frombuffer(raw["data"], "<u2").astype("<u4")  # the upper half of a float32
    return (upper << 16).view("<f4").reshape(raw["shape"])


def _dtype(array: np.ndarray) -> str:
    kind = array.dtype.kind
    return "BOOL" if kind == "b" else f"{KINDS[kind]}{8 * array.itemsize}"


def _checksum(arrays: Arrays) -> str:
    """Of the numbers and of what they mean, in whatever order they come."""
    names = sorted(arrays)
    meaning = [[name, _dtype(arrays[name]), list(arrays[name].shape)] for name in names]
    return checksum(json.dumps(meaning).encode(), *(arrays[name] for name in names))
