"""How well a model predicts a text: `python -m train.evaluate RUN --data PATH`."""

from __future__ import annotations

import dataclasses
import json
import math
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Annotated

import numpy as np
import tyro

from models import Transformer
from train.config import usable_cores
from train.corpus import open_valid
from train.data import Batch, encode_corpus, whole
from train.errors import UserError, one_line_errors
from train.folders import expanded
from train.run import Run
from train.stories import Reading, SplitName
from train.tokenizer import token_bytes
from train.workers import Workers

MOST_NATS = math.log(sys.float_info.max)
"""Where perplexity overflows, which the loss of a diverging model may reach."""


@dataclasses.dataclass(frozen=True)
class Evaluation:
    """What a model's predictions of a text cost.

    Attributes
    ----------
    nats : float
        Mean cross-entropy of a token.
    perplexity : float
        e^nats.
    bits_per_byte : float
        Cross-entropy of all tokens in bits, over the UTF-8 bytes that they stand for: the only
        one of the three that compares across tokenizers.
    tokens, bytes : int
        How many were predicted. The end of a story is a token of no bytes.
    """

    nats: float
    perplexity: float
    bits_per_byte: float
    tokens: int
    bytes: int


def evaluate(
    model: Transformer, batches: Iterable[Batch], sizes: np.ndarray, workers: Workers
) -> Evaluation:
    """Evaluate a model on batches of windows.

    `sizes` is the number of bytes of each token, from `token_bytes`.
    """

    def total_nats(batch: Batch) -> float:
        inputs, targets = batch
        return model.loss(inputs, targets).item() * targets.size

    batches = list(batches)
    total = math.fsum(workers.map(total_nats, batches))
    tokens = sum(targets.size for _, targets in batches)
    n_bytes = int(sum(sizes[targets].sum() for _, targets in batches))
    nats = total / tokens
    perplexity = math.exp(nats) if nats < MOST_NATS else math.inf
    return Evaluation(nats, perplexity, total / math.log(2) / n_bytes, tokens, n_bytes)


@dataclasses.dataclass(frozen=True)
class Arguments:
    """Evaluate a trained model on the whole of a text and print JSON: nats per token, perplexity,
    bits per byte, tokens and bytes."""

    run: Annotated[Path, tyro.conf.Positional]
    """Folder of a run."""
    data: str | None = None
    """A file, read whole, or whatever python -m train.lm takes, of which the validation part is
    read; by default the data of the run."""
    text_column: str | None = None
    """Column of --data that holds the text; by default as in the run."""
    split: SplitName | None = None
    """What parts the stories of a .txt file; by default as in the run."""
    skip_bad_rows: Annotated[bool, tyro.conf.FlagCreatePairsOff] = False
    """Leave out rows of --data that hold no text, and say how many."""
    cache: Path | None = None
    """Where tokens are kept; by default as in the run."""
    workers: int = dataclasses.field(default_factory=usable_cores)
    """Threads."""

    def __post_init__(self) -> None:
        if self.workers < 1:
            raise UserError(f"--workers {self.workers}: must be above 0")


def main() -> None:
    """The command."""
    with one_line_errors():
        arguments = tyro.cli(Arguments, prog="python -m train.evaluate")
        run = Run.open(arguments.run)
        config, model = run.config, run.trained_model()
        if arguments.data is None:
            corpus = run.corpus()
        else:
            data = expanded(arguments.data, "--data")
            reading = Reading(
                arguments.text_column or config.text_column,
                arguments.split or config.split,
                arguments.skip_bad_rows or config.skip_bad_rows,
            )
            megabytes = config.toy_megabytes
            corpus = open_valid(data, seed=config.seed, toy_megabytes=megabytes, reading=reading)
        cache = expanded(arguments.cache or config.cache, "--cache")
        tokens = encode_corpus(corpus, run.tokenizer, cache).valid.tokens
        with Workers(arguments.workers) as workers:
            batches = whole(tokens, config.context, config.micro_batch)
            result = evaluate(model, batches, token_bytes(run.tokenizer), workers)
        print(json.dumps(dataclasses.asdict(result), indent=2))


if __name__ == "__main__":
    main()
