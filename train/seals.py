"""Checksums that what is read back carries along, so that damage is seen."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np
from xxhash import xxh3_64

from train.errors import Damaged

SEAL = "xxh3_64"
"""The key of a checksum beside what it is of, named after the hash."""


def checksum(*parts: bytes | memoryview | np.ndarray) -> str:
    """Of bytes, or of the numbers in C-contiguous arrays; read as fast as memory is."""
    state = xxh3_64()
    for part in parts:
        state.update(part.reshape(-1).view(np.uint8).data if isinstance(part, np.ndarray) else part)
    return state.hexdigest()


def sealed(values: Mapping[str, Any], above: Iterable[bytes | memoryview] = ()) -> dict[str, Any]:
    """A JSON object with the checksum of itself, and of what stands above it in its file."""
    return {**values, SEAL: checksum(*above, json.dumps(values, sort_keys=True).encode())}


def is_whole(values: Mapping[str, Any], above: Iterable[bytes | memoryview] = ()) -> bool:
    """Whether a sealed object is as it was when it was sealed."""
    rest = {name: value for name, value in values.items() if name != SEAL}
    return bool(values.get(SEAL) == sealed(rest, above)[SEAL])


def to_text(values: Mapping[str, Any]) -> str:
    """A sealed object as the text of a file; what JSON has not becomes a string."""
    plain = json.loads(json.dumps(values, default=str))
    return json.dumps(sealed(plain), indent=2) + "\n"


def from_text(text: str | bytes) -> dict[str, Any]:
    """The object in a text, without its checksum. One that has none is believed.

    Raises
    ------
    Damaged
        If the text is no JSON object, or the checksum is of something else.
    """
    try:
        values = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise Damaged(f"damaged: {error}") from None
    if not isinstance(values, dict):
        raise Damaged("damaged: not a JSON object")
    if SEAL in values and not is_whole(values):
        raise Damaged(
            f'damaged, or changed by hand: its checksum does not fit; take its line "{SEAL}" out '
            "if the change is meant"
        )
    return {name: value for name, value in values.items() if name != SEAL}
