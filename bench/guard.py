"""What it costs to watch saved arrays for changes: `python -m bench.guard`."""

from __future__ import annotations

import time
from statistics import median, quantiles

from threadpoolctl import threadpool_limits
from tqdm import tqdm

from bench.configurations import CONFIGURATIONS, Configuration
from models import Transformer
from tape import Tape
from tape.views.words import table
from train.allocator import keep_freed_memory

REPEATS = 30


def seconds(model: Transformer, configuration: Configuration, guard: bool) -> float:
    """What forward and backward of a micro-batch take."""
    ids, targets = configuration.batch(configuration.micro_batch)
    began = time.perf_counter()
    with Tape(guard=guard) as tape:
        loss = model.loss(ids, targets)
    tape.backward(loss, into={})
    return time.perf_counter() - began


def main() -> None:
    """Print the ratio of guarded to unguarded steps, taken in turn, on one thread."""
    keep_freed_memory()
    rows = [["configuration", "unguarded", "guarded / unguarded", "quartiles"]]
    with threadpool_limits(1):
        for name, configuration in CONFIGURATIONS.items():
            model = configuration.model()
            seconds(model, configuration, guard=True)
            pairs = [
                (seconds(model, configuration, False), seconds(model, configuration, True))
                for _ in tqdm(range(REPEATS), name, leave=False)
            ]
            ratios = [guarded / unguarded for unguarded, guarded in pairs]
            low, _, high = quantiles(ratios, n=4)
            typical = median(unguarded for unguarded, _ in pairs)
            rows.append(
                [name, f"{typical * 1e3:.1f} ms", f"{median(ratios):.3f}", f"{low:.3f}, {high:.3f}"]
            )
    print(table(rows, "<>>>"))


if __name__ == "__main__":
    main()
