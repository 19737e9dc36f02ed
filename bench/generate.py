"""How fast text is generated, beside PyTorch: `python -m bench.generate`."""

from __future__ import annotations

from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import numpy as np
import tyro

from bench.configurations import CONFIGURATIONS
from bench.contender import Contender, in_turn
from bench.page import publish, quartiles, table
from bench.turns import Turns
from train.config import usable_cores
from train.errors import UserError, one_line_errors

PROMPT = 16
"""Tokens to continue; they are random."""

EXPLANATION = """\
One sequence, in float32: the likeliest next token again and again, from a prompt of {prompt} tokens
to three quarters of the context. Both sides keep the keys and values of earlier tokens; PyTorch
runs eagerly, in inference mode. Each contender is a process of its own; they take turns, {rounds}
times, and must choose the same tokens. Medians, with quartiles in brackets; a ratio is that of the
two runs of the same turn, with the number of threads that suits tapegrad best."""


@dataclass(frozen=True)
class Arguments(Turns):
    """Time generation by tapegrad and by PyTorch in turn.

    Prints Markdown tables. Fails if the contenders choose different tokens.
    """

    names: Annotated[tuple[str, ...], tyro.conf.Positional] = tuple(CONFIGURATIONS)
    """Configurations, of those in bench/configurations.py."""
    page: Path | None = None
    """A Markdown page to write the tables to, under the heading "Generation"."""

    def __post_init__(self) -> None:
        for name in self.names:
            if name not in CONFIGURATIONS:
                raise UserError(f"no configuration {name!r}: there are {', '.join(CONFIGURATIONS)}")
        super().__post_init__()


def compare(name: str, rounds: int) -> str:
    """The table of a configuration, in Markdown.

    Raises
    ------
    RuntimeError
        If the contenders do not choose the same tokens.
    """
    configuration = CONFIGURATIONS[name]
    prompt = np.random.default_rng(0).integers(0, configuration.vocab_size, PROMPT).tolist()
    n_tokens = 3 * configuration.context // 4 - PROMPT
    threads = sorted({1, usable_cores()})
    contenders = {
        f"{side}, {n} thread{'s' * (n > 1)}": (f"{module}:generation", configuration, n)
        for side, module in (
            ("tapegrad", "bench.generate_in_tapegrad"),
            ("PyTorch", "bench.generate_in_pytorch"),
        )
        for n in threads
    }
    with ExitStack() as stack:
        processes = [
            stack.enter_context(Contender(*made, prompt, n_tokens)) for made in contenders.values()
        ]
        runs = in_turn(processes, rounds, name=name)
    seconds = np.array([[taken for taken, _ in own] for own in runs])  # (contender, round)
    chosen = {label: own[-1][1] for label, own in zip(contenders, runs, strict=True)}
    if len(set(map(tuple, chosen.values()))) > 1:
        raise RuntimeError(f"{name}: the contenders chose different tokens: {chosen}")

    ours = min(seconds[: len(threads)], key=np.median)
    rows = [
        (label, quartiles(n_tokens / own, ",.0f"), quartiles(own / ours, ".2f"))
        for label, own in zip(contenders, seconds, strict=True)
    ]
    head = ("", "tokens/s", "tapegrad's / this")
    return f"**{name}**: {n_tokens} tokens\n\n{table([head, *rows])}"


def main() -> None:
    """The command."""
    with one_line_errors():
        arguments = tyro.cli(Arguments, prog="python -m bench.generate")
        tables = []
        for name in arguments.names:
            tables.append(compare(name, arguments.rounds))
            print(f"{tables[-1]}\n", flush=True)
        if arguments.page:
            explanation = EXPLANATION.format(prompt=PROMPT, rounds=arguments.rounds)
            publish(arguments.page, "Generation", explanation, *tables, packages=["torch"])


if __name__ == "__main__":
    main()
