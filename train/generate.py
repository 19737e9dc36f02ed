"""Stories from a trained model: `python -m train.generate RUN --prompt "Once upon a time"`."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, cast

import numpy as np
import tyro
from tokenizers import Tokenizer
from tokenizers.decoders import DecodeStream

from models import Transformer, generate, stream
from train.errors import UserError, check_prompt, one_line_errors
from train.run import Run
from train.tokenizer import EOT, panics


@dataclasses.dataclass(frozen=True)
class Sampling:
    """How the next token is drawn."""

    tokens: int = 400
    """Most tokens to generate; a story may end before."""
    temperature: float = 0.8
    """Below 1 likely tokens become likelier; 0 always takes the likeliest."""
    top_k: int | None = None
    """Draw from the k likeliest tokens only."""
    top_p: float | None = 0.95
    """Draw from the likeliest tokens that together have this probability."""

    def __post_init__(self) -> None:
        if self.tokens < 0:
            raise UserError(f"--tokens {self.tokens}: must be at least 0")
        if not self.temperature >= 0:
            raise UserError(f"--temperature {self.temperature}: must be at least 0")
        if self.top_k is not None and self.top_k < 1:
            raise UserError(f"--top-k {self.top_k}: must be above 0")
        if self.top_p is not None and not 0 < self.top_p <= 1:
            raise UserError(f"--top-p {self.top_p}: must be above 0 and at most 1")


def tell(
    model: Transformer,
    tokenizer: Tokenizer,
    prompt: str,
    rng: np.random.Generator,
    sampling: Sampling,
) -> Iterator[str]:
    """Yield the prompt and then what the model makes of it, piece by piece, to a story's end."""
    yield prompt
    eot = cast(int, tokenizer.token_to_id(EOT))
    with panics("the prompt"):
        ids = [eot, *tokenizer.encode(prompt, add_special_tokens=False).ids]
    text = DecodeStream(skip_special_tokens=True)
    for token in generate(
        model,
        ids,
        sampling.tokens,
        rng,
        temperature=sampling.temperature,
        top_k=sampling.top_k,
        top_p=sampling.top_p,
        stop=eot,
    ):
        # A character of several bytes may take several tokens: nothing to show until its last.
        if piece := text.step(tokenizer, token):
            yield piece


@dataclasses.dataclass(frozen=True)
class Arguments:
    """Tell stories with a trained model, as they come."""

    run: Annotated[Path, tyro.conf.Positional]
    """Folder of a run."""
    prompt: str = "Once upon a time"
    """What each story begins with."""
    stories: int = 1
    """How many to tell."""
    seed: int = 0
    """The same seed tells the same stories."""
    sampling: tyro.conf.OmitArgPrefixes[Sampling] = dataclasses.field(default_factory=Sampling)

    def __post_init__(self) -> None:
        if self.stories < 1:
            raise UserError(f"--stories {self.stories}: must be above 0")
        if self.seed < 0:
            raise UserError(f"--seed {self.seed}: must be at least 0")
        check_prompt(self.prompt)


def main() -> None:
    """The command."""
    with one_line_errors():
        arguments = tyro.cli(Arguments, prog="python -m train.generate")
        run = Run.open(arguments.run)
        model = run.trained_model()
        rng = stream(arguments.seed, "story")
        try:
            for i in range(arguments.stories):
                if i:
                    print("\n---\n")
                for piece in tell(model, run.tokenizer, arguments.prompt, rng, arguments.sampling):
                    print(piece, end="", flush=True)
                print()
        except ValueError as error:
            raise UserError(f"{arguments.run}: no story can be told: {error}") from None


if __name__ == "__main__":
    main()
