"""The version of what a run leaves on disk, and what earlier versions took for granted."""

from __future__ import annotations

from typing import Any

from train.errors import UserError

VERSION = 3
"""1 had no number yet, and other random streams: seed, epoch and step in a list. 2 had no
checksums."""
SEALED_SINCE = 3
"""The first version whose files have checksums."""

DEFAULTS: dict[int, dict[str, Any]] = {
    1: {
        "preset": "quick",
        "data": "toy",
        "toy_megabytes": 4.0,
        "tokenizer": None,
        "vocab_size": 1024,
        "d_model": 128,
        "n_layers": 4,
        "n_heads": 4,
        "context": 128,
        "init_std": 0.05,
        "dropout": 0.0,
        "recompute": False,
        "steps": 900,
        "minutes": None,
        "batch_size": 16,
        "micro_batch": 8,
        "seed": 0,
        "lr": 3e-3,
        "warmup": 0.05,
        "final_lr": 0.0,
        "weight_decay": 0.1,
        "beta1": 0.9,
        "beta2": 0.99,
        "clip": 1.0,
        "val_every": 100,
        "val_windows": 64,
        "sample_every": 300,
        "checkpoint_every": 200,
        "prompt": "Once upon a time",
        "name": None,
        "runs": "runs",
        "cache": "~/.cache/tapegrad",
        "trace": None,
        "resume": None,
    },
}
"""By version, the settings that a configuration has where its file leaves them out.

Whoever changes a default raises `VERSION`, and writes down here what it was.
"""
DEFAULTS[2] = DEFAULTS[3] = DEFAULTS[1]


def check_version(found: Any, what: str) -> int:
    """The version that a file says it has.

    Raises
    ------
    UserError
        If it is none, or later than this program's.
    """
    if str(found) not in map(str, DEFAULTS):
        raise UserError(
            f"{what}: is of version {found!s:.40}, and this program reads 1 to {VERSION}: "
            "take a newer program"
        )
    return int(found)
