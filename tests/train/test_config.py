import dataclasses
import json
import subprocess
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from train.config import PLACES, PRESETS, Config, flag, given_again, parse
from train.errors import UserError

FIELDS = [field.name for field in dataclasses.fields(Config)]

# A command line holds neither lone surrogates nor NUL.
words = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"))
positive = st.floats(0, 1e9, exclude_min=True)
counts = st.integers(1, 10**6)
SETTINGS = {
    **{field: counts for field in FIELDS if field not in PLACES},
    **dict.fromkeys(["dropout", "beta1", "beta2"], st.floats(0, 1, exclude_max=True)),
    **dict.fromkeys(["warmup", "final_lr"], st.floats(0, 1)),
    **dict.fromkeys(["data", "prompt"], words),
    "preset": st.sampled_from(list(PRESETS)),
    **dict.fromkeys(["recompute", "skip_bad_rows"], st.booleans()),
    "text_column": st.none() | words,
    "split": st.sampled_from(["endoftext", "blank-lines"]),
    "tokenizer": st.none() | st.just(Path("a folder/tokenizer.json")),
    "toy_megabytes": positive,
    "minutes": st.none() | positive,
    "seed": st.integers(0, 2**64),
    "lr": positive,
    "weight_decay": st.floats(0, 1e9),
    "clip": positive | st.just(float("inf")),
}


def config_of(settings):
    settings["d_model"] *= settings["n_heads"]
    settings["batch_size"] *= settings["micro_batch"]
    return Config(**settings)


configs = st.fixed_dictionaries(SETTINGS).map(config_of)


@given(configs)
@example(Config())
@example(Config(prompt="--help"))
@example(Config(prompt="-h"))
@example(Config(prompt="--resume=no"))
@example(Config(prompt="a \"b\" 'c' \\ $d\n"))
def test_command_gives_the_same_configuration(config):
    # as a shell reads it
    command = ["bash", "-c", f"printf '%s\\0' {config.command()}"]
    words = subprocess.run(command, capture_output=True, check=True).stdout.split(b"\0")
    assert parse([word.decode() for word in words[3:-1]]) == config


@given(configs, words, words)
def test_json_gives_the_same_configuration(config, name, folder):
    config = dataclasses.replace(config, name=name, runs=Path(folder), cache=Path(folder))
    assert Config.from_json(config.to_json()) == config


def test_help_names_every_flag(capsys):
    with pytest.raises(SystemExit) as end:
        parse(["--help"])
    assert end.value.code == 0
    text = capsys.readouterr().out
    assert [field for field in FIELDS if f"{flag(field)} " not in text] == []


@pytest.mark.parametrize("name", PRESETS)
def test_flags_change_a_preset_wherever_they_stand(name):
    preset = PRESETS[name]
    assert parse(["--preset", name]) == preset
    changed = dataclasses.replace(preset, steps=7, lr=0.5, runs=Path("elsewhere"), name="mine")
    flags = ["--steps", "7", "--lr=0.5", "--runs", "elsewhere", "--name", "mine"]
    for i in (0, 2, 3, 7):
        assert parse([*flags[:i], "--preset", name, *flags[i:]]) == changed


def test_resume_takes_a_run_and_nothing_else():
    assert (
        parse(["--resume", "runs/a"]).resume == parse(["--resume=runs/a"]).resume == Path("runs/a")
    )
    for others in (["--batch-size", "8"], ["--lr=1"], ["--preset", "hour"]):
        for argv in (["--resume", "runs/a", *others], [*others, "--resume=runs/a"]):
            with pytest.raises(UserError, match=f"settings of the run: leave out {others[0]}"):
                parse(argv)


def test_what_may_be_given_again_with_resume():
    argv = ["--steps=9", "--resume", "a", "--data", "b.txt", "--workers", "3", "--cache", "c"]
    again = {"steps": 9, "data": "b.txt", "workers": 3, "cache": Path("c")}
    assert given_again(argv) == again
    assert given_again(["--resume", "a"]) == {}


def test_a_path_begins_at_home(monkeypatch):
    monkeypatch.setenv("HOME", "/home/snail")
    words = "--runs=~/r --data=~/d.txt --tokenizer=~/t --cache=~/c --trace=~/p.html"
    config = parse(words.split()).at_home()
    assert (config.runs, config.data) == (Path("/home/snail/r"), "/home/snail/d.txt")
    for path in (config.tokenizer, config.cache, config.trace):
        assert path.parent == Path("/home/snail")
    assert config.at_home() == config


@pytest.mark.parametrize("field", ["runs", "data", "tokenizer", "cache", "trace"])
def test_no_home(monkeypatch, field):
    def unknown(_):
        raise KeyError

    monkeypatch.delenv("HOME")
    monkeypatch.setattr("pwd.getpwuid", unknown)
    config = parse(["--cache", "c", f"{flag(field)}=~/x"])
    with pytest.raises(UserError, match=f"{flag(field)} ~/x: there is no such home folder"):
        config.at_home()
    assert parse(["--cache", "c"]).at_home().cache == Path("c")


@pytest.mark.parametrize(
    ("argv", "message"),
    [
        ("--steps 0", "--steps 0: must be above 0"),
        ("--batch-size -4", "--batch-size -4: must be above 0"),
        ("--lr nan", "--lr nan: must be above 0 and finite"),
        ("--toy-megabytes 0", "--toy-megabytes 0.0: must be above 0 and at most 1e9"),
        ("--minutes 0", "--minutes 0.0: must be above 0 and at most 1e9"),
        ("--minutes inf", "--minutes inf: must be above 0 and at most 1e9"),
        ("--prompt \udcff", "--prompt '\\udcff': is not UTF-8"),
        ("--seed -1", "--seed -1: must be at least 0"),
        ("--weight-decay nan", "--weight-decay nan: must be at least 0 and finite"),
        ("--warmup 1.5", "--warmup 1.5: must be from 0 to 1"),
        ("--dropout 1", "--dropout 1.0: must be at least 0 and below 1"),
        ("--beta2 1", "--beta2 1.0: must be at least 0 and below 1"),
        ("--d-model 130", "--d-model 130 is not divisible by --n-heads 4"),
        ("--batch-size 12", "--batch-size 12 is not divisible by --micro-batch 8"),
    ],
)
def test_value_out_of_range(argv, message):
    with pytest.raises(UserError) as caught:
        parse(argv.split())
    assert str(caught.value) == message


@pytest.mark.parametrize("argv", ["--steps 1.5", "--stepz 2", "--preset day", "--lr", "8"])
def test_malformed_command_line(argv, capsys):
    with pytest.raises(SystemExit) as end:
        parse(argv.split())
    assert end.value.code == 2
    assert capsys.readouterr().err


@pytest.mark.parametrize(
    "text",
    [
        "",
        "[]",
        Config().to_json()[:-20],
        json.dumps({**json.loads(Config().to_json()), "depth": 3}),
        json.dumps({**json.loads(Config().to_json()), "steps": "many"}),
    ],
    ids=["empty", "list", "cut short", "unknown field", "other type"],
)
def test_json_that_is_no_configuration(text):
    with pytest.raises(UserError, match="not the configuration of a run"):
        Config.from_json(text)
