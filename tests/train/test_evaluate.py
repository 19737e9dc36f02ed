import json
import subprocess
import sys

import numpy as np
import pytest

from train import evaluate
from train.corpus import open_corpus
from train.run import Run
from train.tokenizer import EOT

from .running import events, status, trained

STORIES = [f"Käfer {i} met a snail 🐌 and {i + 2} worms." for i in range(45)]


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    """A file of stories."""
    path = tmp_path_factory.mktemp("data") / "stories.txt"
    path.write_text(f"\n{EOT}\n".join(STORIES), encoding="utf-8")
    return path


def evaluated(capsys, *words):
    capsys.readouterr()
    assert status(evaluate.main, *words) == 0
    return json.loads(capsys.readouterr().out)


def final(run):
    (event,) = (event for event in events(run) if event["event"] == "final")
    return {key: event[key] for key in ("nats", "perplexity", "bits_per_byte", "tokens", "bytes")}


def computed(run, stories):
    """The same as `evaluate`, a window at a time, with a softmax written out in float64."""
    run = Run.open(run)
    model, context = run.trained_model(), run.config.context
    eot = run.tokenizer.token_to_id(EOT)
    ids = [eot]
    for story in stories:
        ids += [*run.tokenizer.encode(story).ids, eot]
    nats = []
    for i in range(0, len(ids) - 1, context):
        window = np.array(ids[i : i + context + 1])
        scores = np.exp(model(window[None, :-1]).data[0].astype(np.float64))
        shares = scores / scores.sum(-1, keepdims=True)
        nats += [-np.log(share[target]) for share, target in zip(shares, window[1:], strict=True)]
    n_bytes = sum(len(story.encode()) for story in stories)
    return {
        "nats": pytest.approx(np.mean(nats), rel=1e-5),
        "perplexity": pytest.approx(np.exp(np.mean(nats)), rel=1e-4),
        "bits_per_byte": pytest.approx(np.sum(nats) / np.log(2) / n_bytes, rel=1e-5),
        "tokens": len(ids) - 1,
        "bytes": n_bytes,
    }


def test_file_is_read_whole(complete, data, capsys):
    result = evaluated(capsys, complete, "--data", data)
    assert result == computed(complete, STORIES)
    assert result == evaluated(capsys, complete, "--data", data, "--workers", "1")


def test_another_file_is_read_as_the_flags_say(complete, data, tmp_path, capsys):
    rows = [json.dumps({"text": "No.", "tale": story}) for story in STORIES]
    path = tmp_path / "tales.jsonl"
    path.write_text("\n".join([*rows, "{"]))
    words = [complete, "--data", path, "--text-column", "tale", "--cache", tmp_path / "cache"]
    assert status(evaluate.main, *words) == 2
    assert "tales.jsonl: line 46: is no JSON object" in capsys.readouterr().err
    by_rows = evaluated(capsys, *words, "--skip-bad-rows")
    assert by_rows == evaluated(capsys, complete, "--data", data)
    (tmp_path / "tales.txt").write_text("\n\n".join(STORIES))
    words = [complete, "--data", tmp_path / "tales.txt"]
    assert evaluated(capsys, *words, "--split", "blank-lines") == by_rows
    assert evaluated(capsys, *words) == computed(complete, ["\n\n".join(STORIES)])


def test_folder_is_read_for_its_validation_part(complete, data, tmp_path, capsys):
    (tmp_path / "valid.txt").write_bytes(data.read_bytes())
    (tmp_path / "train.txt").write_text("A story.")
    by_folder = evaluated(capsys, complete, "--data", tmp_path)
    assert by_folder == evaluated(capsys, complete, "--data", data)


def test_data_of_the_run_gives_what_the_run_ended_with(complete):
    command = [sys.executable, "-m", "train.evaluate", str(complete)]
    printed = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    corpus = open_corpus("toy", toy_megabytes=0.05)
    assert json.loads(printed) == final(complete) == computed(complete, list(corpus.valid()))


def test_run_on_a_file_is_evaluated_on_what_it_held_out(data, tmp_path, capsys):
    run = trained(tmp_path, "run", "--data", data, "--vocab-size", "270")
    assert evaluated(capsys, run) == final(run) == computed(run, STORIES[1::20])
    assert evaluated(capsys, run, "--data", data) == computed(run, STORIES)


@pytest.mark.parametrize(
    ("flags", "message"),
    [
        ("--data missing.txt", "--data missing.txt: no such file or folder; it takes toy,"),
        ("--data empty.txt", "--data empty.txt: holds no story"),
        ("--data .", "--data .: needs one train file"),
        ("--workers 0", "--workers 0: must be above 0"),
    ],
)
def test_flags_that_cannot_be_used(complete, tmp_path, monkeypatch, capsys, flags, message):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "empty.txt").write_text(f"\n{EOT}\n")
    assert status(evaluate.main, complete, *flags.split()) == 2
    output, error = capsys.readouterr()
    assert output == ""
    assert error.startswith(f"error: {message}")
    assert error.count("\n") == 1
