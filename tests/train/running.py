"""How the tests run the commands: in this process, on a model that trains in a moment."""

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any
from unittest.mock import patch

import train.loop
from train import lm
from train.seals import SEAL

STEPS = 8
TINY = (
    "--d-model 16 --n-layers 1 --n-heads 2 --context 16 --vocab-size 300 --toy-megabytes 0.05 "
    f"--steps {STEPS} --batch-size 4 --micro-batch 2 --workers 2 --dropout 0.2 "
    "--val-every 3 --val-windows 4 --sample-every 4 --checkpoint-every 3"
).split()
TIMES = ("elapsed", "seconds", "tokens_per_second", SEAL)


def places(folder: Path) -> list[str]:
    """The flags that keep what a run writes inside `folder`."""
    return ["--runs", str(folder / "runs"), "--cache", str(folder / "cache")]


def status(main: Callable[[], None], *words: Any) -> int:
    """The exit status of a command called with these words."""
    with patch.object(sys, "argv", ["command", *map(str, words)]):
        try:
            main()
        except SystemExit as end:
            return end.code
    return 0


def status_if_sent(number: int, step: int, *words: Any) -> int:
    """The exit status of training that gets a signal in the midst of a step."""

    def learning_rate(done: int, *rest: float) -> float:
        if done + 1 == step:
            os.kill(os.getpid(), number)
        return undisturbed(done, *rest)

    undisturbed = train.loop.learning_rate
    with patch.object(train.loop, "learning_rate", learning_rate):
        return status(lm.main, *words)


def trained(folder: Path, name: str, *flags: Any) -> Path:
    """A run in `folder/runs`, trained to its end."""
    assert status(lm.main, *TINY, *places(folder), "--name", name, *flags) == 0
    return folder / "runs" / name


def events(run: Path) -> list[dict[str, Any]]:
    """What a run logged, but for what depends on the clock, or on when it was interrupted."""
    logged = map(json.loads, (run / "metrics.jsonl").read_text().splitlines())
    happened = [event for event in logged if event["event"] != "checkpoint"]
    return [{k: v for k, v in event.items() if k not in TIMES} for event in happened]


def shell(command: str, folder: Path) -> subprocess.CompletedProcess:
    """A command of a shell, where python is the one that runs the tests."""
    environment = {**os.environ, "PATH": f"{os.path.dirname(sys.executable)}:{os.environ['PATH']}"}
    environment["PYTHONPATH"] = os.getcwd()
    return subprocess.run(
        ["bash", "-c", command], cwd=folder, env=environment, capture_output=True, text=True
    )


def edit(path: Path, **changes: Any) -> None:
    """Change values in a JSON file by hand, on purpose: without its checksum."""
    values = json.loads(path.read_text()) | changes
    values.pop(SEAL, None)
    path.write_text(json.dumps(values))


def files(folder: Path) -> dict[str, bytes]:
    """The content of every file below a folder."""
    return {str(p.relative_to(folder)): p.read_bytes() for p in folder.rglob("*") if p.is_file()}
