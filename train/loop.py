"""The training loop."""

from __future__ import annotations

import dataclasses
import math
import sys
import time
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from tqdm import tqdm

from models import stream
from tape import Tape, Tensor
from train.checkpoint import load_checkpoint, save_model
from train.data import Batch, Tokens, Windows, evenly, whole
from train.diagnosis import first_nonfinite
from train.errors import Damaged, UserError
from train.evaluate import Evaluation, evaluate
from train.generate import Sampling, tell
from train.optim import AdamW, clipping
from train.report import write_report
from train.run import Run, free_folder
from train.schedule import learning_rate
from train.signals import interruptible
from train.tokenizer import token_bytes
from train.version import VERSION
from train.words import printable
from train.workers import Workers, micro_batches

N_STORIES = 5
"""Stories told at the end of a run."""


class Trainer:
    """A model, its optimiser and its data, some updates into a run.

    Parameters
    ----------
    run : Run
    tokens : Tokens
    workers : Workers
        Open.
    started : float
        When the command began, by `time.monotonic`.
    """

    def __init__(self, run: Run, tokens: Tokens, workers: Workers, started: float) -> None:
        config = run.config
        self.run, self.workers, self.started = run, workers, started
        self.model = run.new_model()
        self.optimizer = AdamW(
            self.model.named_parameters(), config.beta1, config.beta2, config.weight_decay
        )
        self.windows = Windows(tokens.train.tokens, config.context, config.batch_size, config.seed)
        self.all_valid = list(whole(tokens.valid.tokens, config.context, config.micro_batch))
        self.some_valid = list(
            evenly(tokens.valid.tokens, config.context, config.micro_batch, config.val_windows)
        )
        self.sizes = token_bytes(run.tokenizer)
        self.saved = 0
        """Updates that the last checkpoint holds."""

    @property
    def done(self) -> int:
        """Updates so far."""
        return self.optimizer.updates

    @property
    def elapsed(self) -> float:
        """Seconds since the run began, without those between an interruption and `--resume`."""
        return time.monotonic() - self.started

    def fit_into(self, seconds: float) -> None:
        """Fix the number of steps so that the run ends after about `seconds`, by a measurement."""
        config = self.run.config
        self._gradients(0)  # the first is slow: nothing is in cache
        began = time.monotonic()
        for step in range(1, 4):
            self._gradients(step)
        per_step = (time.monotonic() - began) / 3
        began = time.monotonic()
        self._validate(self.some_valid)
        validation = time.monotonic() - began
        end = validation * len(self.all_valid) / len(self.some_valid)
        room = seconds - self.elapsed - end
        steps = max(1, int(room / (per_step + validation / config.val_every)))
        config = dataclasses.replace(config, steps=steps, minutes=None)
        self.run = dataclasses.replace(self.run, config=config)

    def begin(self) -> None:
        """Make the run's folder, with a checkpoint to fall back on.

        Raises
        ------
        UserError
            If another run has taken its name meanwhile, unless it was not asked for.
        """
        while True:
            try:
                return self.run.save(self.model, self.optimizer)
            except FileExistsError as error:
                if self.run.config.name is not None:
                    raise UserError(
                        f"{error}: another run began there; take another --name"
                    ) from None
                self.run = dataclasses.replace(self.run, folder=free_folder(self.run.config))

    def restore(self) -> None:
        """Go back to the run's checkpoint.

        Raises
        ------
        UserError
            If there is none that fits, or it has done all its steps.
        """
        load_checkpoint(self.run.checkpoint, self.model, self.optimizer)
        run, journal, steps = self.run, self.run.journal, self.run.config.steps
        planned = Run.open(run.folder).config.steps
        if self.done > planned:
            raise UserError(f"{run.checkpoint}: is after {self.done} steps of a run of {planned}")
        self._mend_model()
        if steps < self.done or (steps == self.done and journal.ended(self.done)):
            raise UserError(
                f"--resume {run.folder}: all its {self.done} steps are done; "
                f"--steps N goes on to N steps, above {self.done}"
            )
        left = journal.back_to(self.done)
        if not journal.has_seals:
            journal.seal("checkpoint", self.done, steps=planned)
        self.run = dataclasses.replace(run, version=VERSION)
        self.run.save_settings()
        # Not what the settings were, as a run may be killed between those and this.
        planned = next((e["steps"] for e in reversed(left) if e["event"] == "checkpoint"), planned)
        if steps != planned:
            journal.log("extended", self.done, planned=planned, steps=steps)
            journal.seal("checkpoint", self.done, steps=steps)
        self.saved = self.done
        trained = [event for event in left if event["event"] == "train"]
        self.started -= trained[-1]["elapsed"] if trained else 0

    def _mend_model(self) -> None:
        try:
            self.run.trained_model()
        except Damaged as damage:
            print(f"{printable(damage)}, as is done now", file=sys.stderr)
            save_model(self.run.model, self.model)

    def trace(self, path: Path) -> Path:
        """Write the page of the next micro-batch, forward and back; the run stays as it was."""
        batch = micro_batches(*self._batch(self.done))[0]
        with Tape(trace=True, timed=True) as tape:
            loss = self.model.loss(*batch)
        tape.backward(loss, into={})
        return tape.to_html(path, title=f"A step of {printable(self.run.folder.name)}")

    def train(self) -> int | None:
        """Run to the last step, or to a signal, which is returned; either way all is saved.

        Raises
        ------
        UserError
            If the loss is not finite; the last checkpoint stays as it was.
        """
        config = self.run.config
        bar = tqdm(total=config.steps, initial=self.done, unit=" steps", dynamic_ncols=True)
        with interruptible() as interrupt, bar:
            while self.done < config.steps and interrupt.signal is None:
                self._update(bar)
                if self.done % config.val_every == 0 and self.done < config.steps:
                    result = self._validate(self.some_valid)
                    self.run.journal.log("valid", self.done, **dataclasses.asdict(result))
                    bar.write(f"step {self.done}: {_describe(result)}")
                if self.done % config.sample_every == 0 and self.done < config.steps:
                    text = self._story(self.done)
                    self.run.journal.log("sample", self.done, text=text)
                    bar.write(f"\n{text}\n")
                if self.done % config.checkpoint_every == 0:
                    self._save()
            self._save()
        ending = self._ending() if self.done == config.steps else []
        journal = self.run.journal
        with interruptible():  # a picture half drawn would raise anything
            events = journal.events() + ending
            write_report(self.run.folder, self.run.config, self.run.facts, events)
            for event in ending[:-1]:
                journal.log(**event)
            if ending:  # the last of which says that nothing is left to do
                journal.seal(**ending[-1])
        return interrupt.signal if self.done < config.steps else None

    def _batch(self, step: int) -> tuple[np.ndarray, np.ndarray, int, tuple[int, int]]:
        """Inputs, targets, size of a micro-batch and seed of an update."""
        config = self.run.config
        return *self.windows.batch(step), config.micro_batch, (config.seed, step)

    def _gradients(self, step: int) -> tuple[float, dict[Tensor, np.ndarray]]:
        return self.workers.gradients(self.model, *self._batch(step))

    def _update(self, bar: tqdm) -> None:
        config = self.run.config
        began = time.monotonic()
        loss, gradients = self._gradients(self.done)
        norm, scale = clipping(gradients, config.clip)
        if not (math.isfinite(loss) and math.isfinite(norm)):
            symptom = f"the loss is {loss} and the norm of its gradient {norm}"
            raise self._diverged(symptom, micro_batches(*self._batch(self.done)))
        lr = learning_rate(self.done, config.steps, config.lr, config.warmup, config.final_lr)
        self.optimizer.step(gradients, lr, scale, self.workers.map)
        speed = config.batch_size * config.context / (time.monotonic() - began)
        self.run.journal.log(
            "train",
            self.done,
            loss=loss,
            lr=lr,
            grad_norm=norm,
            tokens_per_second=round(speed),
            elapsed=round(self.elapsed, 3),
        )
        bar.set_postfix_str(f"loss {loss:.3f}, {speed:,.0f} tokens/s", refresh=False)
        bar.update()

    def _validate(self, batches: list[Batch]) -> Evaluation:
        self.model.eval()
        result = evaluate(self.model, batches, self.sizes, self.workers)
        if not math.isfinite(result.nats):
            raise self._diverged(f"the validation loss is {result.nats}", batches)
        self.model.train()
        return result

    def _story(self, *numbers: int) -> str:
        config = self.run.config
        rng = stream(config.seed, "story", *numbers)
        self.model.eval()
        pieces = tell(self.model, self.run.tokenizer, config.prompt, rng, Sampling())
        try:
            story = "".join(pieces)
        except ValueError as error:
            raise self._diverged(f"no story can be told ({error})") from None
        self.model.train()
        return story

    def _diverged(self, symptom: str, batches: Iterable[Sequence[Any]] = ()) -> UserError:
        """What to tell the user; the culprit is looked for in `batches`."""
        culprit = first_nonfinite(self.model, batches)
        return UserError(
            f"after {self.done} steps, {symptom}; {self.run.checkpoint} holds the run as it was "
            "last saved; try a lower --lr",
            f"The first value that is not finite comes from {culprit}" if culprit else "",
        )

    def _save(self) -> None:
        if not all(np.isfinite(p.data).all() for p in self.model.parameters()):
            raise self._diverged("a parameter is not finite")
        if self.saved != self.done:
            self.run.save_progress(self.model, self.optimizer)
            self.saved = self.done

    def _ending(self) -> list[dict[str, Any]]:
        """Validate on the whole text and tell stories: the events of a complete run's end."""
        result = self._validate(self.all_valid)
        print(f"validation text: {_describe(result)}")
        stories = [self._story(self.done, i) for i in range(N_STORIES)]
        for story in stories:
            print(f"\n{story}")
        told = [{"event": "story", "step": self.done, "text": story} for story in stories]
        final = dataclasses.asdict(result) | {"seconds": round(self.elapsed, 1)}
        return [*told, {"event": "final", "step": self.done, **final}]


def _describe(result: Evaluation) -> str:
    return (
        f"{result.nats:.3f} nats per token, perplexity {result.perplexity:.2f}, "
        f"{result.bits_per_byte:.3f} bits per byte"
    )
