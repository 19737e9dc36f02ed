"""How fast OpenBLAS multiplies with each of its kernels: `python -m bench.kernels`."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import numpy as np
import tyro
from threadpoolctl import threadpool_info, threadpool_limits

from bench.configurations import CONFIGURATIONS
from bench.contender import Contender, in_turn
from bench.floor import Shape, matrix_products
from bench.page import publish, quartiles, table
from bench.turns import Turns
from train.errors import UserError, one_line_errors

PRODUCTS = matrix_products(CONFIGURATIONS["A"])
"""How often a train step of configuration A multiplies matrices of each shape."""

FLOPS = 3e8
"""A shape is timed over so many floating-point operations at least."""

OWN_CHOICE = ""
"""A value of OPENBLAS_CORETYPE that leaves the choice to OpenBLAS, and that train/ lets stand."""

EXPLANATION = """\
GFLOP/s of float32 matrix products on one thread, (m, k) by (k, n), for the shapes in a train step
of configuration A; "all" is every product of the step, as often as it occurs. Each kind of kernels
runs in a process of its own; they take turns, {rounds} times. Medians, with quartiles in brackets;
a ratio is that of the two runs of the same turn."""


@dataclass(frozen=True)
class Arguments(Turns):
    """Time matrix products with kernels of OpenBLAS, in turn, beside those that it would choose.

    Prints a Markdown table.
    """

    kernels: Annotated[tuple[str, ...], tyro.conf.Positional] = ("SkylakeX", "Haswell")
    """Values of OPENBLAS_CORETYPE; the processor must have the instructions that they use."""
    page: Path | None = None
    """A Markdown page to write the table to, under the heading "Kernels"."""


def products() -> Callable[[], tuple[str, list[float]]]:
    """Each run gives the kernels in use, and the seconds of a product of each shape."""
    threadpool_limits(1)
    (blas,) = (each for each in threadpool_info() if each["user_api"] == "blas")
    multiplications = [_multiplication(shape) for shape in PRODUCTS]

    def run() -> tuple[str, list[float]]:
        return blas["architecture"], [multiply() for multiply in multiplications]

    return run


def _multiplication(shape: Shape) -> Callable[[], float]:
    m, k, n = shape
    rng = np.random.default_rng(0)
    a, b, out = (rng.standard_normal(size, np.float32) for size in ((m, k), (k, n), (m, n)))
    times = max(1, round(FLOPS / (2 * m * k * n)))

    def seconds() -> float:
        began = time.perf_counter()
        for _ in range(times):
            np.matmul(a, b, out=out)
        return (time.perf_counter() - began) / times

    return seconds


def compare(kernels: tuple[str, ...], rounds: int) -> str:
    """The table, in Markdown.

    Raises
    ------
    UserError
        If OpenBLAS does not use the kernels that it is asked for.
    """
    with ExitStack() as stack:
        contenders = []
        for name in (OWN_CHOICE, *kernels):
            os.environ["OPENBLAS_CORETYPE"] = name  # read when the new process loads NumPy
            contenders.append(stack.enter_context(Contender("bench.kernels:products")))
        runs = in_turn(contenders, rounds, name="kernels")
    chosen, *used = (own[0][0] for own in runs)
    for name, found in zip(kernels, used, strict=True):
        if found.lower() != name.lower():
            raise UserError(f"no kernels {name!r} in this OpenBLAS: it took {found!r}")

    seconds = np.array([[each for _, each in own] for own in runs])  # (kernels, round, shape)
    flops = 2 * np.prod(list(PRODUCTS), axis=1)
    counts = np.array(list(PRODUCTS.values()))
    rates = np.moveaxis(flops / seconds, -1, 0) / 1e9  # (shape, kernels, round)
    whole = flops @ counts / (seconds @ counts) / 1e9
    rows = [
        (f"{m}x{k}x{n}", *(quartiles(rate, ".1f") for rate in of_shape))
        for (m, k, n), of_shape in zip(PRODUCTS, rates, strict=True)
    ]
    rows.append(("all", *(quartiles(rate, ".1f") for rate in whole)))
    rows.append(("all, to its own choice", *(quartiles(rate / whole[0], ".2f") for rate in whole)))
    return table([("mxkxn", f"its own choice ({chosen})", *kernels), *rows])


def main() -> None:
    """The command."""
    with one_line_errors():
        arguments = tyro.cli(Arguments, prog="python -m bench.kernels")
        found = compare(arguments.kernels, arguments.rounds)
        print(found)
        if arguments.page:
            explanation = EXPLANATION.format(rounds=arguments.rounds)
            publish(arguments.page, "Kernels", explanation, found)


if __name__ == "__main__":
    main()
