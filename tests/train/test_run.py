import dataclasses
import json
from pathlib import Path

import numpy as np
import pytest

from train.config import Config
from train.errors import UserError
from train.run import Run, free_folder
from train.tokenizer import fingerprint, train_tokenizer

TOKENIZER = train_tokenizer(["The snail met the whale, and the whale sang."], 270)
CONFIG = Config(d_model=16, n_layers=1, context=8, prompt="Ein Käfer")
FACTS = {"parameters": 1, "data": {"name": "a test"}, "machine": {}}


@pytest.fixture
def run(tmp_path):
    run = Run(tmp_path / "runs" / "a", CONFIG, TOKENIZER, FACTS)
    run.save()
    return run


def test_saved_run_opens_as_it_was(run):
    opened = Run.open(run.folder)
    assert (opened.config, opened.facts, opened.events()) == (CONFIG, FACTS, [])
    assert fingerprint(opened.tokenizer) == fingerprint(TOKENIZER)
    assert [path.name for path in run.folder.parent.iterdir()] == ["a"]
    for name, array in run.new_model().state_dict().items():
        np.testing.assert_array_equal(array, opened.new_model().state_dict()[name])


def test_folder_appears_only_when_it_is_complete(tmp_path):
    unserialisable = {"parameters": object()}
    run = Run(tmp_path / "a", CONFIG, TOKENIZER, unserialisable)
    with pytest.raises(TypeError):
        run.save()
    assert not run.folder.exists()
    dataclasses.replace(run, facts=FACTS).save()  # what the failed one left is no obstacle
    assert Run.open(run.folder).facts == FACTS


def test_events_come_back_without_a_last_one_that_was_cut_short(run):
    for step in (1, 2, 3):
        run.log("train", step, loss=0.1 * step)
        run.log("sample", step, text="ein Käfer\nlief\u2028fort")
    with run.metrics.open("a") as file:
        file.write('{"event": "train", "st')
    assert [event["step"] for event in run.events()] == [1, 1, 2, 2, 3, 3]
    assert run.events()[2] == {"event": "train", "step": 2, "loss": 0.2}
    assert run.events()[3]["text"] == "ein Käfer\nlief\u2028fort"

    run.forget_after(2)
    run.log("train", 3, loss=0.25)
    assert [event["step"] for event in run.events()] == [1, 1, 2, 2, 3]
    assert run.events()[-1]["loss"] == 0.25


@pytest.mark.parametrize("line", [b"{", b"", b"\xff", b"{}", b"3"])
def test_a_line_that_is_no_event_is_named(run, line):
    run.log("train", 1)
    with run.metrics.open("ab") as file:
        file.write(line + b"\n")
    with pytest.raises(UserError, match=r"metrics.jsonl: line 2 is no event"):
        run.events()


def test_of_two_runs_that_began_at_once_the_second_is_told(run):
    with pytest.raises(UserError, match="another run began there"):
        run.save()
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
        ("facts.json", "[]", "does not hold the facts of a run"),
        ("tokenizer.json", None, "no such tokenizer file"),
        ("tokenizer.json", "{", "not a tokenizer.json"),
    ],
)
def test_folder_that_is_no_whole_run(run, file, content, message):
    (run.folder / file).unlink()
    if content is not None:
        (run.folder / file).write_text(content)
    with pytest.raises(UserError, match=message) as caught:
        Run.open(run.folder)
    assert str(run.folder) in str(caught.value)
