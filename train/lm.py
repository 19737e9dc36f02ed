"""Text in, trained story-teller out: `python -m train.lm`."""

from __future__ import annotations

import shlex
import sys
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

from train.allocator import keep_freed_memory
from train.config import Config, given_again, parse
from train.corpus import Corpus, open_corpus
from train.data import Tokens, encode_corpus
from train.errors import UserError, one_line_errors
from train.loop import Trainer
from train.machine import describe_machine
from train.run import Run, absolute, free_folder, new_model
from train.tokenizer import load_tokenizer, train_tokenizer
from train.workers import Workers


def prepare(config: Config) -> tuple[Run, Tokens]:
    """A new run, not yet on disk, and its tokens."""
    config = config.at_home()
    folder = free_folder(config)
    if config.trace and not config.trace.parent.is_dir():
        raise UserError(f"--trace {config.trace}: there is no folder {config.trace.parent}")
    if config.trace and config.trace.is_dir():
        raise UserError(f"--trace {config.trace}: is a folder; name a file in it")
    corpus = open_corpus(
        config.data, seed=config.seed, toy_megabytes=config.toy_megabytes, reading=config.reading
    )
    if config.tokenizer:
        tokenizer = load_tokenizer(config.tokenizer)
    else:
        tokenizer = train_tokenizer(corpus.train(), config.vocab_size)
    tokens = encode_corpus(corpus, tokenizer, config.cache)
    facts = {
        "parameters": new_model(config, tokenizer).n_parameters,
        "data": {**_describe_data(corpus, tokens), "path": absolute(config.data)},
        "machine": describe_machine(),
    }
    config = replace(config, cache=config.cache.absolute())
    return Run(folder, config, tokenizer, facts), tokens


def reopen(folder: Path, **changes: Any) -> tuple[Run, Tokens]:
    """A run to go on with, some of whose settings change, and its tokens.

    Raises
    ------
    UserError
        If its data is not what it was.
    """
    run = Run.open(folder).settled(**changes)
    if run.version == 1:
        print(
            f"{folder}: an earlier version began this run; from here on its data comes in another "
            "order than it would have come there",
            file=sys.stderr,
        )
    corpus = run.corpus()
    tokens = encode_corpus(corpus, run.tokenizer, run.config.cache)
    found, known = _describe_data(corpus, tokens), run.facts["data"]
    counts = [name for name in found if name.endswith(("_stories", "_bytes"))]
    if any(known.get(name, found[name]) != found[name] for name in counts):
        raise UserError(
            f"--resume {folder}: {run.config.data} holds the files that it began with, but this "
            "version reads other stories in them"
        )
    return run, tokens


def _describe_data(corpus: Corpus, tokens: Tokens) -> dict[str, Any]:
    facts: dict[str, Any] = {"name": corpus.name, "identity": corpus.identity}
    for name in ("train", "valid"):
        split = getattr(tokens, name)
        facts[f"{name}_stories"] = split.stories
        facts[f"{name}_tokens"] = len(split.tokens)
        facts[f"{name}_bytes"] = split.bytes
    return facts


def main() -> None:
    """The command."""
    started = time.monotonic()
    keep_freed_memory()
    sys.stdout.reconfigure(errors="replace")  # a story may hold what a terminal cannot show
    with one_line_errors():
        config = parse(sys.argv[1:])
        if config.resume:
            run, tokens = reopen(config.resume, **given_again(sys.argv[1:]))
        else:
            run, tokens = prepare(config)
        with Workers(run.config.workers) as workers:
            trainer = Trainer(run, tokens, workers, started)
            if config.resume:
                trainer.restore()
            else:
                if config.minutes:
                    trainer.fit_into(60 * config.minutes)
                trainer.begin()
            folder = trainer.run.folder
            print(
                f"{folder}: {run.facts['parameters']:,} parameters, "
                f"{run.facts['data']['train_tokens']:,} tokens to train on, "
                f"{trainer.run.config.steps:,} steps"
            )
            if trainer.run.config.trace and not config.resume:
                print(f"a step to look at: {trainer.trace(trainer.run.config.trace)}")
            try:
                signal = trainer.train()
            except KeyboardInterrupt:  # before the last step it is a signal
                print(
                    f"stopped at the last stories; all {trainer.done} steps are saved, and this "
                    f"tells them: python -m train.lm --resume {shlex.quote(str(folder))}",
                    file=sys.stderr,
                )
                raise
    word = shlex.quote(str(folder))
    if signal is not None:
        print(f"stopped after {trainer.done} steps; go on with: python -m train.lm --resume {word}")
        sys.exit(128 + signal)
    print(f"\nreport: {folder / 'report.md'}")
    print(f"more stories: python -m train.generate {word}")


if __name__ == "__main__":
    main()
