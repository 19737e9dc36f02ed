"""One step of a small Transformer, to be looked at: `python -m models.demo`."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

import numpy as np

from models.transformer import Transformer
from tape import Tape
from tape.pictures.lesson import ATTENTION


def record() -> Tape:
    """Forward and backward of two blocks, on random tokens, traced."""
    model = Transformer(vocab_size=128, context=32, d_model=32, n_layers=2, n_heads=4)
    ids = np.random.default_rng(0).integers(0, 128, (2, 33))
    with Tape(trace=True, timed=True) as tape:
        loss = model.loss(ids[:, :-1], ids[:, 1:])
    tape.backward(loss, into={})
    return tape


def main() -> int:
    """`python -m models.demo`."""
    parser = argparse.ArgumentParser(
        prog="python -m models.demo",
        description="Write the page that walks along one step of a small Transformer, with a tour "
        "of how a gradient goes through attention.",
    )
    parser.add_argument("path", nargs="?", type=Path, default=Path("tape.html"), help="tape.html")
    path = parser.parse_args().path
    try:
        record().to_html(path, title="One step of a small Transformer", lesson=ATTENTION)
    except OSError as error:
        print(f"error: {path}: {error.strerror}", file=sys.stderr)
        return 1
    print(f"{path}: {path.stat().st_size / 1e3:.0f} kB; open it in a browser")
    return 0


if __name__ == "__main__":
    sys.exit(main())
