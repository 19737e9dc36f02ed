"""What a run leaves for people to read: a picture of its losses and a page about it."""

from __future__ import annotations

import dataclasses
import math
import re
import statistics
import textwrap
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tape.files import replacing
from train.config import PLACES, Config
from train.words import printable

if TYPE_CHECKING:
    from matplotlib.figure import Figure

MODEL = ("d_model", "n_layers", "n_heads", "context", "init_std", "dropout")
DATA = ("data", "text_column", "split", "skip_bad_rows", "toy_megabytes", "tokenizer", "vocab_size")

SCORES = ("bits per byte", "nats per token", "perplexity")
VALIDATIONS = 12
SAMPLES = 3

# A backslash takes the meaning in Markdown from these anywhere, and from list markers at a start.
MARKUP = re.compile(r"[\\`*_\[\]<>&#~|$]")
LIST_MARKER = re.compile(r"^(\d*)([-+.)])")

Event = dict[str, Any]


def write_report(
    folder: Path, config: Config, facts: Mapping[str, Any], events: list[Event]
) -> None:
    """Write `loss.png` and `report.md` about a run into its folder.

    Parameters
    ----------
    folder : Path
        Of the run, and named like it.
    config : Config
    facts : dict
        What was found out before training: "parameters", a number; "data" with its "name",
        "identity" and, for train and valid each, the numbers of stories, tokens and bytes;
        "machine", anything that describes it.
    events : list of dict
        What was logged, in order of its "step", the number of optimiser steps done. The "event"
        is "train", "valid" (on a sample of the validation text), "sample", and at the end of a
        complete run "final" (on all of that text) and "story". Losses are in nats per token.
    """
    with replacing(folder / "loss.png") as picture:
        _figure(config, facts["data"], events).savefig(picture)
    with replacing(folder / "report.md") as page:
        page.write_text("\n\n".join(_page(folder.name, config, facts, events)) + "\n", "utf-8")


def _figure(config: Config, data: dict[str, Any], events: list[Event]) -> Figure:
    from matplotlib.figure import Figure  # takes a second
    from matplotlib.ticker import EngFormatter, LogLocator, NullLocator

    def series(chosen: list[Event], key: str) -> tuple[list[int], list[float]]:
        return [_tokens_seen(config, e["step"]) for e in chosen], [e[key] for e in chosen]

    trained = _of(events, "train")

    figure = Figure(figsize=(8, 5.6), dpi=150, layout="constrained")
    losses, rates = figure.subplots(2, sharex=True, height_ratios=(4, 1))
    losses.plot(*series(trained, "loss"), color="#8fb8de", linewidth=1, label="training")
    # Not one line: the whole text may be harder than the sample, and the last step would look bad.
    for kind, style, part in (("valid", "o-", "a sample"), ("final", "D", "the whole text")):
        if chosen := _of(events, kind):
            label = f"validation, {part}"
            losses.plot(*series(chosen, "nats"), style, color="#b3401e", markersize=4, label=label)
    losses.set(yscale="log", ylabel="loss (nats per token)")
    losses.legend(frameon=False)

    # The scale of the validation text; that of the training text differs by a hair.
    bits_per_nat = data["valid_tokens"] / data["valid_bytes"] / math.log(2)
    bits = losses.secondary_yaxis(
        "right", functions=(lambda nats: nats * bits_per_nat, lambda bits: bits / bits_per_nat)
    )
    bits.set_ylabel("bits per byte")
    for axis in (losses.yaxis, bits.yaxis):
        axis.set_major_locator(LogLocator(subs=(1, 1.2, 1.5, 2, 2.5, 3, 4, 5, 6, 8)))
        axis.set_major_formatter("{x:g}")
        axis.set_minor_locator(NullLocator())

    rates.plot(*series(trained, "lr"), color="0.4", linewidth=1)
    rates.set(ylabel="learning rate", xlabel="tokens seen", ylim=(0, None))
    rates.xaxis.set_major_formatter(EngFormatter(sep=""))
    for axes in (losses, rates):
        axes.grid(color="0.92")
        axes.spines["top"].set_visible(False)
    rates.spines["right"].set_visible(False)
    figure.align_ylabels()
    return figure


def _page(
    name: str, config: Config, facts: Mapping[str, Any], events: list[Event]
) -> Iterator[str]:
    data = facts["data"]
    yield f"# {_escape(name)}"
    yield (
        f"A Transformer language model with {facts['parameters']:,} parameters, trained from "
        f"scratch on {data['train_stories']:,} stories ({_escape(data['name'])})."
    )
    yield from _result(config, data, events)
    yield from _loss(config, events)
    yield from _stories(config, events)
    yield "## Configuration"
    yield _table(("", "setting", "value"), _settings(config))
    yield "## Data"
    units = ("stories", "tokens", "bytes")
    parts = ([part, *(data[f"{part}_{unit}"] for unit in units)] for part in ("train", "valid"))
    yield _table(("", *units), parts, numbers=True)
    yield _table(("identity", ""), _leaves(data["identity"]))
    yield "## Machine"
    yield _table(("", ""), _leaves(facts["machine"]))


def _result(config: Config, data: dict[str, Any], events: list[Event]) -> Iterator[str]:
    step = events[-1]["step"] if events else 0
    final = _of(events, "final")
    if not final:
        yield (
            f"**This run was stopped early, after {step:,} of {config.steps:,} steps.** "
            "What it had measured by then follows."
        )
    rows: list[tuple[str, Any]] = []
    if validated := _of(events, "valid", "final"):
        part = "the whole" if final else "a fixed sample of the"
        yield f"Measured on {part} validation text ({validated[-1]['tokens']:,} tokens):"
        rows += zip(SCORES, _scores(validated[-1]), strict=True)
    seen = _tokens_seen(config, step)
    rows += [("tokens seen", seen), ("epochs", f"{seen / data['train_tokens']:.2f}")]
    if final:
        rows.append(("wall clock (h:mm:ss)", timedelta(seconds=round(final[0]["seconds"]))))
    if speeds := [e["tokens_per_second"] for e in _of(events, "train")]:
        rows.append(("tokens per second (median)", round(statistics.median(speeds))))
    yield _table(("", "result"), rows, numbers=True)
    yield "This command trains the same model:"
    yield textwrap.indent(config.command(), "    ")
    for event in _of(events, "extended"):
        yield (
            f"But this run was planned for {event['planned']:,} steps until step "
            f"{event['step']:,}, and its learning rate followed that plan."
        )


def _loss(config: Config, events: list[Event]) -> Iterator[str]:
    yield "## Loss"
    yield "![Training and validation loss, and learning rate, against tokens seen](loss.png)"
    if not (validated := _of(events, "valid", "final")):
        return
    yield "Validation is on a fixed sample of the validation text, and at the end on all of it:"
    rows = (
        (e["step"], _tokens_seen(config, e["step"]), *_scores(e))
        for e in _thinned(validated, VALIDATIONS)
    )
    yield _table(("step", "tokens seen", *SCORES), rows, numbers=True)


def _stories(config: Config, events: list[Event]) -> Iterator[str]:
    prompt = f"prompt “{_cell(config.prompt)}”"
    if stories := _of(events, "story"):
        yield "## Stories"
        yield f"Told by the trained model from the {prompt}; unedited."
        for number, event in enumerate(stories, 1):
            yield f"### Story {number}"
            yield _quote(event["text"])
    if samples := _of(events, "sample"):
        yield "## On the way"
        yield f"Told from the {prompt} while training; unedited."
        for event in _thinned(samples, SAMPLES):
            yield f"### After {event['step']:,} steps"
            yield _quote(event["text"])


def _settings(config: Config) -> Iterator[tuple[str, str, Any]]:
    names = [field.name for field in dataclasses.fields(config)]
    training = [name for name in names if name not in (*MODEL, *DATA, *PLACES)]
    for group, members in {"model": MODEL, "training": training, "data": DATA}.items():
        for i, name in enumerate(members):
            yield ("" if i else group), name, getattr(config, name)


def _leaves(tree: Any, name: str = "") -> Iterator[tuple[str, Any]]:
    """Whatever is not a container in nested ones, under the keys that lead to it."""
    if not isinstance(tree, dict | list):
        yield name, tree
        return
    for key, branch in tree.items() if isinstance(tree, dict) else enumerate(tree, 1):
        yield from _leaves(branch, f"{name} {key}".strip())


def _of(events: list[Event], *kinds: str) -> list[Event]:
    return [event for event in events if event["event"] in kinds]


def _tokens_seen(config: Config, step: int) -> int:
    return step * config.batch_size * config.context


def _scores(event: Event) -> tuple[str, str, str]:
    return f"{event['bits_per_byte']:.3f}", f"{event['nats']:.3f}", f"{event['perplexity']:,.2f}"


def _thinned(events: list[Event], most: int) -> list[Event]:
    """At most that many of the events, evenly spread, the first and the last among them."""
    if len(events) <= most:
        return events
    return [events[i * (len(events) - 1) // (most - 1)] for i in range(most)]


def _table(header: Sequence[str], rows: Iterable[Sequence[Any]], numbers: bool = False) -> str:
    """A table; of `numbers`, to the right of its first column, or of text."""
    rule = ["---", *["---:" if numbers else "---"] * (len(header) - 1)]
    lines = [header, rule, *(map(_cell, row) for row in rows)]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def _cell(value: Any) -> str:
    match value:
        case None:
            return "none"
        case bool():
            return "yes" if value else "no"
        case int():
            return f"{value:,}"
        case float():
            return f"{value:g}"
        case _:
            return _escape(" ".join(str(value).split()))


def _quote(text: str) -> str:
    lines = (LIST_MARKER.sub(r"\1\\\2", _escape(line.strip())) for line in text.splitlines())
    return "\n>\n".join(f"> {line}" for line in lines if line)


def _escape(text: str) -> str:
    return MARKUP.sub(r"\\\g<0>", printable(text))
