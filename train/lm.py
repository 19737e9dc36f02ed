"""Text in, trained story-teller out: `python -m train.lm`."""

from __future__ import annotations

import sys
import time
from collections.abc import Mapping
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from typing import Any

from train.allocator import keep_freed_memory
from train.config import Config, given_again, parse
from train.corpus import Corpus, open_corpus
from train.data import Tokens, encode_corpus
from train.errors import UserError, one_line_errors
from train.folders import remove_unfinished, used_alone
from train.loop import Trainer
from train.machine import describe_machine
from train.memory import check_memory, n_parameters, tell_memory
from train.output import outlasting_output
from train.run import DataFacts, Facts, Run, absolute, free_folder
from train.tokenizer import load_tokenizer, train_tokenizer
from train.words import printable, shell_word
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
    check_memory(config, tokenizer.get_vocab_size())
    tokens = encode_corpus(corpus, tokenizer, config.cache)
    facts: Facts = {
        "parameters": n_parameters(config, tokenizer.get_vocab_size()),
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
    remove_unfinished(run.folder.parent)
    check_memory(run.config, run.tokenizer.get_vocab_size())
    if run.version == 1:
        print(
            f"{printable(folder)}: an earlier version began this run; from here on its data comes "
            "in another order than it would have come there",
            file=sys.stderr,
        )
    corpus = run.corpus()
    tokens = encode_corpus(corpus, run.tokenizer, run.config.cache)
    found: Mapping[str, Any] = _describe_data(corpus, tokens)
    known: Mapping[str, Any] = run.facts["data"]
    counts = [name for name in found if name.endswith(("_stories", "_bytes"))]
    if any(known.get(name, found[name]) != found[name] for name in counts):
        raise UserError(
            f"--resume {folder}: {run.config.data} holds the files that it began with, but this "
            "version reads other stories in them"
        )
    return run, tokens


def _describe_data(corpus: Corpus, tokens: Tokens) -> DataFacts:
    return {
        "name": corpus.name,
        "identity": corpus.identity,
        "train_stories": tokens.train.stories,
        "train_tokens": len(tokens.train.tokens),
        "train_bytes": tokens.train.bytes,
        "valid_stories": tokens.valid.stories,
        "valid_tokens": len(tokens.valid.tokens),
        "valid_bytes": tokens.valid.bytes,
    }


def main() -> None:
    """The command."""
    started = time.monotonic()
    keep_freed_memory()
    with one_line_errors(), ExitStack() as held:
        config = parse(sys.argv[1:])
        held.enter_context(outlasting_output())
        if config.resume:
            held.enter_context(used_alone(Run.open(config.resume).folder))
            run, tokens = reopen(config.resume, **given_again(sys.argv[1:]))
        else:
            run, tokens = prepare(config)
        trainer = Trainer(run, tokens, held.enter_context(Workers(run.config.workers)), started)
        if config.resume:
            trainer.restore()
        else:
            if config.minutes:
                trainer.fit_into(60 * config.minutes)
            trainer.begin()
            held.enter_context(used_alone(trainer.run.folder))
        _train(trainer, None if config.resume else trainer.run.config.trace)


def _train(trainer: Trainer, trace: Path | None) -> None:
    """Train to the end, or to a signal, and say what there is now, or what is safe."""
    run, name = trainer.run, printable(trainer.run.folder)
    resume = f"python -m train.lm --resume {shell_word(run.folder)}"
    print(
        f"{name}: {run.facts['parameters']:,} parameters, "
        f"{run.facts['data']['train_tokens']:,} tokens to train on, {run.config.steps:,} steps"
    )
    tell_memory(run.config, run.tokenizer.get_vocab_size())
    try:
        if trace:
            print(f"a step to look at: {printable(trainer.trace(trace))}")
        signal = trainer.train()
    except KeyboardInterrupt:  # before the last step it is a signal
        print(
            f"stopped at the last stories; all {trainer.done} steps are saved, and this tells them:"
            f" {resume}",
            file=sys.stderr,
        )
        raise
    except (OSError, MemoryError) as error:
        if not run.folder.exists():
            raise UserError(f"{name}: is no longer there, after {trainer.done} steps") from None
        raise UserError(
            f"{str(error) or 'out of memory'}; {trainer.saved} steps are saved, and when there is "
            f"room again this goes on: {resume}"
        ) from None
    if signal is not None:
        print(f"stopped after {trainer.done} steps; go on with: {resume}")
        sys.exit(128 + signal)
    print(f"\nreport: {printable(run.folder / 'report.md')}")
    print(f"more stories: python -m train.generate {shell_word(run.folder)}")


if __name__ == "__main__":
    main()
