"""How much memory training will take, told before it begins."""

from __future__ import annotations

import os
import sys
from pathlib import Path

from ops.attention import BLOCK
from train.config import Config
from train.errors import UserError

# Fitted to the peaks of 18 shapes of 0.1 to 39 million parameters, which they give within a sixth.
PROGRAM = 100e6
"""Bytes that any run takes."""
PARAMETER = 13
"""Bytes for each: itself, two moments, and of its gradient what is there at the peak."""
ACTIVATION = 72
"""Bytes for each number of the residual stream, in each layer and each worker."""
TOKEN = 16
"""Bytes for each token of a batch, as input and as target."""
PAIR = 4
"""Bytes for each attention weight."""

LIMITS = ("/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory/memory.limit_in_bytes")
"""Where Linux says what a container may take."""


def n_parameters(config: Config, vocab_size: int) -> int:
    """How many numbers the model of a configuration has, without making it."""
    d = config.d_model
    return d * (vocab_size + config.context + 2) + config.n_layers * d * (12 * d + 13)


def _least(config: Config, vocab_size: int) -> float:
    """Bytes for the parameters and a batch, however it is divided."""
    return PARAMETER * n_parameters(config, vocab_size) + TOKEN * config.batch_size * config.context


def peak_memory(config: Config, vocab_size: int) -> float:
    """Bytes that training will take at most."""
    busy = min(config.workers, config.batch_size // config.micro_batch) * config.micro_batch
    layers = 1 if config.recompute else config.n_layers
    pairs = config.n_heads * config.context * (config.context + BLOCK) / 2
    activations = ACTIVATION * config.context * config.d_model + PAIR * pairs
    return PROGRAM + _least(config, vocab_size) + busy * layers * activations


def check_memory(config: Config, vocab_size: int) -> None:
    """Raise a UserError unless the machine has enough memory for parameters and a batch alone."""
    least, there = _least(config, vocab_size), machine_memory()
    if least > there:
        raise UserError(
            f"a model of {n_parameters(config, vocab_size):,} parameters and batches of "
            f"{config.batch_size:,} take {_gib(least)}, and this machine has {_gib(there)}: take a "
            "lower --d-model, --n-layers or --batch-size"
        )


def tell_memory(config: Config, vocab_size: int) -> None:
    """Print how much memory training will take, and warn if the machine has less."""
    peak, there = peak_memory(config, vocab_size), machine_memory()
    print(f"about {_gib(peak)} of memory will be in use, of {_gib(there)}")
    if peak > there:
        print(
            "warning: this machine has less; --micro-batch, --context or --workers may be lower, "
            "or --recompute given",
            file=sys.stderr,
        )


def machine_memory() -> float:
    """Bytes that this process may take; infinite where the system does not say."""
    found = [float("inf")]
    if hasattr(os, "sysconf"):
        found.append(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES"))
    for limit in map(Path, LIMITS):
        if limit.is_file() and (text := limit.read_text().strip()).isdigit():
            found.append(int(text))
    return min(found)


def _gib(n_bytes: float) -> str:
    return f"{n_bytes / 2**30:,.2f} GiB"
