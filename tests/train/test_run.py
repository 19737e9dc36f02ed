import dataclasses
import json
from pathlib import Path

import numpy as np
import pytest

from train.config import Config
from train.errors import UserError
from train.memory import n_parameters
from train.optim import AdamW
from train.run import Run, free_folder
from train.tokenizer import fingerprint, train_tokenizer

from .running import files

TOKENIZER = train_tokenizer(["The snail met the whale, and the whale sang."], 270)
CONFIG = Config(d_model=16, n_layers=1, context=8, prompt="Ein Käfer")
UNITS = ("stories", "tokens", "bytes")
COUNTS = [f"{part}_{unit}" for part in ("train", "valid") for unit in UNITS]
DATA = {"name": "a test", "identity": {}, **dict.fromkeys(COUNTS, 1)}
FACTS = {"parameters": n_parameters(CONFIG, 270), "data": DATA, "machine": {}}


@pytest.fixture
def run(tmp_path):
    run = Run(tmp_path / "runs" / "a", CONFIG, TOKENIZER, FACTS)
    begin(run)
    return run


def begin(run):
    model = run.new_model()
    run.save(model, AdamW(model.named_parameters(), 0.9, 0.99, 0.1))


def test_saved_run_opens_as_it_was(run):
    opened = Run.open(run.folder)
    assert opened.config == CONFIG
    assert opened.facts == FACTS | {"tokenizer": opened.facts["tokenizer"]}
    assert [event["event"] for event in opened.journal.events()] == ["checkpoint"]
    assert fingerprint(opened.tokenizer) == fingerprint(TOKENIZER)
    assert [path.name for path in run.folder.parent.iterdir()] == ["a"]
    for name, array in run.new_model().state_dict().items():
        np.testing.assert_array_equal(array, opened.new_model().state_dict()[name])


def test_folder_appears_only_when_it_is_complete(tmp_path):
    run = Run(tmp_path / "a", CONFIG, TOKENIZER, FACTS)
    with pytest.raises(AttributeError):
        run.save(run.new_model(), None)
    assert files(tmp_path) == {}
    begin(run)  # what the failed one left is no obstacle
    whole = {"config.json", "facts.json", "tokenizer.json", "metrics.jsonl"}
    assert files(run.folder).keys() == whole | {"model.safetensors", "checkpoint.safetensors"}


def test_of_two_runs_that_began_at_once_the_second_is_told(run):
    with pytest.raises(FileExistsError, match="a exists"):
        begin(run)
    assert [path.name for path in run.folder.parent.iterdir()] == ["a"]


def test_name_of_a_run(tmp_path):
    config = dataclasses.replace(CONFIG, runs=tmp_path, data="stories/The snail.txt")
    for name in ("The snail-quick", "The snail-quick-2", "The snail-quick-3"):
        assert free_folder(config) == tmp_path / name
        (tmp_path / name).mkdir()
    named = dataclasses.replace(config, name="mine")
    assert free_folder(named) == tmp_path / "mine"
    (tmp_path / "mine").mkdir()
    with pytest.raises(UserError, match=r"--name mine: .*mine exists; take another name, or --res"):
        free_folder(named)


@pytest.mark.parametrize(
    ("data", "name"),
    [
        (".", "snails"),
        ("../snails/", "snails"),
        ("sub/..", "snails"),
        ("a.b.JSONL.gz", "a.b"),
        ("/", "data"),
        ("toy", "toy"),
    ],
)
def test_a_run_is_named_after_its_data(tmp_path, monkeypatch, data, name):
    (tmp_path / "snails").mkdir()
    monkeypatch.chdir(tmp_path / "snails")
    assert free_folder(dataclasses.replace(CONFIG, data=data)) == Path("runs", f"{name}-quick")


def test_a_run_that_is_elsewhere_is_suggested(run, monkeypatch):
    monkeypatch.chdir(run.folder.parent.parent)
    for wrong, right in (("a", "runs/a"), ("runs/a/model.safetensors", "runs/a")):
        with pytest.raises(UserError, match=f"^{wrong}: no run there .*did you mean {right}\\?$"):
            Run.open(Path(wrong))


@pytest.mark.parametrize(
    ("file", "content", "message"),
    [
        ("config.json", None, r"no run there \(it would hold a config.json\)"),
        ("config.json", '{"steps": 3', "not the configuration of a run: "),
        ("config.json", json.dumps({"steps": []}), "not the configuration of a run: "),
        ("facts.json", None, "No such file .*facts.json"),
        ("facts.json", '{"parame', "Unterminated string"),
        ("facts.json", "[]", "facts.json: damaged: not a JSON object"),
        ("facts.json", json.dumps(FACTS | {"parameters": "1"}), "'parameters' of dict is not"),
        ("facts.json", json.dumps(FACTS | {"data": {"name": 1}}), "facts.json: .* missing"),
        ("facts.json", json.dumps(FACTS | {"parameters": 1}), "parameters, and not of 1 as"),
        ("tokenizer.json", None, "no such tokenizer file"),
        ("tokenizer.json", "{", "tokenizer.json: damaged, or another one"),
    ],
)
def test_folder_that_is_no_whole_run(run, file, content, message):
    (run.folder / file).unlink()
    if content is not None:
        (run.folder / file).write_text(content)
    with pytest.raises(UserError, match=message) as caught:
        Run.open(run.folder)
    assert str(run.folder) in str(caught.value)
