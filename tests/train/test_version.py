"""Runs outlive a version: folders that earlier code has left are opened by today's."""

import dataclasses
import json
import shutil
from pathlib import Path

import pytest

from train import evaluate, generate, lm
from train.config import Config
from train.errors import UserError
from train.seals import SEAL
from train.version import DEFAULTS, VERSION

from .running import edit, events, status

VERSIONS = sorted((Path(__file__).parent / "fixtures").iterdir())
folders = pytest.mark.parametrize("folder", VERSIONS, ids=lambda folder: folder.name)


@pytest.fixture
def run(folder, tmp_path):
    """A copy of a run that was stopped after 13 of 400 steps."""
    copy = shutil.copytree(folder, tmp_path / "run")
    edit(copy / "config.json", cache=str(tmp_path / "cache"), runs=str(tmp_path))
    return copy


@folders
def test_its_stories_are_told_and_its_text_is_evaluated(run, capsys):
    assert status(generate.main, run, "--tokens", "5") == 0
    assert capsys.readouterr().out.startswith("Once upon a time")
    assert status(evaluate.main, run) == 0
    assert json.loads(capsys.readouterr().out)["bytes"] == 967


@folders
def test_it_goes_on_to_its_end(run, capsys):
    first = json.loads((run / "config.json").read_text()).get("version", 1) == 1
    assert status(lm.main, "--resume", run) == 0
    assert ("its data comes in another order" in capsys.readouterr().err) == first
    steps = [event["step"] for event in events(run) if event["event"] == "train"]
    assert steps == list(range(1, 401))
    assert events(run)[-1]["event"] == "final"


def test_what_is_left_out_is_what_it_was_by_default_then(monkeypatch):
    monkeypatch.setitem(DEFAULTS, 1, DEFAULTS[1] | {"context": 77, "cache": "~/then"})
    values = json.loads(Config(steps=5).to_json())
    for field in ("context", "cache", "version", SEAL):
        del values[field]
    config = Config.from_json(json.dumps(values))
    assert (config.steps, config.context, config.cache) == (5, 77, Path("~/then"))
    assert Config.from_json("{}").context == 77


@pytest.mark.parametrize("version", [VERSION + 1, 99, "x", None, 1.5])
def test_a_configuration_of_another_version_names_both(version):
    values = {**json.loads(Config().to_json()), "version": version}
    del values[SEAL]
    with pytest.raises(
        UserError, match=f"of version {version}, and this program reads 1 to {VERSION}"
    ):
        Config.from_json(json.dumps(values))


def test_the_defaults_of_this_version_are_written_down():
    now = {field.name: field.default for field in dataclasses.fields(Config)}
    then = {k: Path(v) if k in ("runs", "cache") else v for k, v in DEFAULTS[VERSION].items()}
    assert {name: now[name] for name in then} == then, "raise VERSION, and keep the old defaults"
