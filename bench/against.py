"""The train step of this tree and of another commit's, in turn: `python -m bench.against`."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Annotated

import numpy as np
import tyro

from bench.commits import git
from bench.configurations import CONFIGURATIONS
from bench.contender import Contender, in_turn
from bench.page import publish, quartiles, table
from train.config import usable_cores
from train.errors import UserError, one_line_errors

EXPLANATION = """\
The train step of this tree beside that of commit {commit} ({subject}), in turn:
medians with quartiles of {rounds} rounds, the ratio from the two of the same round."""
HEAD = ("", "this tree (ms)", "the other (ms)", "this / the other")


@dataclass(frozen=True)
class Arguments:
    """Time the train step of this tree beside that of another commit, in turn.

    Prints a Markdown table.
    """

    commit: Annotated[str, tyro.conf.Positional]
    """The other one, by any name that git knows."""

    configurations: Annotated[tuple[str, ...], tyro.conf.Positional] = field(
        default_factory=lambda: tuple(CONFIGURATIONS)
    )
    """Which of A, B and C to measure."""

    rounds: int = 15
    """How many steps are timed of each, after two for warming up."""

    page: Path | None = None
    """A Markdown file whose section "Against an earlier commit" to replace."""

    def __post_init__(self) -> None:
        for name in self.configurations:
            if name not in CONFIGURATIONS:
                raise UserError(f"no configuration {name!r}: there are {', '.join(CONFIGURATIONS)}")
        if self.rounds < 2:
            raise UserError(f"--rounds {self.rounds}: at least 2 rounds make quartiles")


@contextmanager
def checked_out(commit: str) -> Iterator[Path]:
    """A folder with the tree of a commit, for as long as the block runs."""
    with TemporaryDirectory() as folder:
        tree = Path(folder) / "tree"
        git("worktree", "add", "--detach", str(tree), commit)
        try:
            yield tree
        finally:
            git("worktree", "remove", "--force", str(tree))


def compare(name: str, tree: Path, rounds: int) -> tuple[str, ...]:
    """The row of a configuration."""
    arguments = "bench.in_tapegrad:train_step", CONFIGURATIONS[name], usable_cores()
    with ExitStack() as stack:
        ours = stack.enter_context(Contender(*arguments))
        theirs = stack.enter_context(Contender(*arguments, tree=tree))
        runs = in_turn([ours, theirs], rounds, name=name)
    milliseconds = np.array([[1e3 * seconds for seconds, _ in own] for own in runs])
    ratios = milliseconds[0] / milliseconds[1]
    return name, *(quartiles(own, ".0f") for own in milliseconds), quartiles(ratios, ".3f")


def main() -> None:
    """`python -m bench.against`."""
    with one_line_errors():
        arguments = tyro.cli(Arguments, prog="python -m bench.against")
        with checked_out(arguments.commit) as tree:
            rows = [compare(name, tree, arguments.rounds) for name in arguments.configurations]
        found = table([HEAD, *rows])
        print(found)
        if arguments.page:
            commit, subject = git("log", "-1", "--format=%h%n%s", arguments.commit).splitlines()
            explanation = EXPLANATION.format(
                commit=commit,
                subject=subject,
                rounds=arguments.rounds,
            )
            publish(arguments.page, "Against an earlier commit", explanation, found)


if __name__ == "__main__":
    main()
