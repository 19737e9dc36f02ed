import os
import shutil
import subprocess
import sys

import numpy as np
import pytest

from train import generate
from train.checkpoint import save_model
from train.generate import Sampling, tell
from train.run import Run
from train.tokenizer import EOT

from .running import status


def told(capsys, *words):
    capsys.readouterr()
    assert status(generate.main, *words) == 0
    return capsys.readouterr().out


@pytest.mark.parametrize("prompt", ["Once upon a time", "Käfer 🐌 ", "", "-x", "two\nlines"])
def test_story_begins_with_the_prompt(complete, capsys, prompt):
    text = told(capsys, complete, f"--prompt={prompt}", "--tokens", "20")
    assert text.startswith(prompt)
    assert len(text) > len(prompt) + 5
    assert text.endswith("\n")
    assert EOT not in text


def test_seed_decides_what_is_told(complete, capsys):
    text = told(capsys, complete, "--seed", "3")
    assert text == told(capsys, complete, "--seed", "3")
    assert text != told(capsys, complete, "--seed", "4")
    first, second = told(capsys, complete, "--seed", "3", "--stories", "2").split("\n---\n\n")
    assert first == text
    assert second.startswith("Once upon a time")
    assert second != first

    likeliest = ["--temperature", "0", "--tokens", "30"]
    assert told(capsys, complete, *likeliest) == told(capsys, complete, *likeliest, "--seed", "1")
    assert told(capsys, complete, *likeliest) == told(
        capsys, complete, "--top-k", "1", "--tokens", "30"
    )


def test_characters_are_told_whole_and_as_they_come(complete, monkeypatch):
    run = Run.open(complete)
    rest = " Käfer 🐌 slept."
    given = []

    def generated(model, ids, *_, **__):
        given.append(ids)
        yield from run.tokenizer.encode(rest).ids

    monkeypatch.setattr(generate, "generate", generated)
    pieces = tell(None, run.tokenizer, "The", np.random.default_rng(0), Sampling())
    assert next(pieces) == "The"
    assert given == []  # nothing needs computing to tell the prompt
    pieces = list(pieces)
    assert "".join(pieces) == rest
    assert len(pieces) > 8
    assert {"ä", "🐌"} <= {character for piece in pieces for character in piece}
    assert given == [[run.tokenizer.token_to_id(EOT), *run.tokenizer.encode("The").ids]]


def test_process_writes_pieces_at_once(complete):
    words = ["--prompt", "Käfer 🐌", "--stories", "1000000"]
    command = [sys.executable, "-m", "train.generate", str(complete), *words]
    buffered = {**os.environ, "PYTHONUNBUFFERED": ""}
    with subprocess.Popen(command, stdout=subprocess.PIPE, env=buffered) as process:
        piece = os.read(process.stdout.fileno(), 1 << 16)
        assert process.poll() is None
        process.terminate()
    assert 0 < len(piece) < 4096  # a full buffer would be 8192
    assert piece.startswith("Käfer".encode())


@pytest.mark.parametrize(
    ("flags", "message"),
    [
        ("--temperature -1", "--temperature -1.0: must be at least 0"),
        ("--temperature nan", "--temperature nan: must be at least 0"),
        ("--top-p 0", "--top-p 0.0: must be above 0 and at most 1"),
        ("--top-p 1.5", "--top-p 1.5: must be above 0 and at most 1"),
        ("--top-k 0", "--top-k 0: must be above 0"),
        ("--tokens -1", "--tokens -1: must be at least 0"),
        ("--stories 0", "--stories 0: must be above 0"),
        ("--seed -1", "--seed -1: must be at least 0"),
    ],
)
def test_flag_out_of_range(complete, capsys, flags, message):
    assert status(generate.main, complete, *flags.split()) == 2
    assert capsys.readouterr() == ("", f"error: {message}\n")


@pytest.mark.filterwarnings("ignore::RuntimeWarning")
@pytest.mark.parametrize(
    ("value", "message"),
    [
        (np.nan, "{run.model}: token_embedding.weight holds a value that is not finite; this"),
        (3e38, "{run.folder}: no story can be told: the logits are not finite\n"),
    ],
)
@pytest.mark.filterwarnings("ignore::RuntimeWarning")
def test_model_of_no_numbers_tells_nothing(complete, tmp_path, capsys, value, message):
    run = Run.open(shutil.copytree(complete, tmp_path / "run"))
    model = run.trained_model()
    for parameter in model.parameters():
        parameter.data[...] = value
    save_model(run.model, model)
    assert status(generate.main, run.folder) == 2
    assert capsys.readouterr().err.startswith(f"error: {message.format(run=run)}")
