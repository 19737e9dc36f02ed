import io
import json
import os
import re
import shlex
import shutil
import subprocess
import sys
import time
from errno import ENOSPC
from pathlib import Path
from signal import SIGINT, SIGTERM
from subprocess import PIPE

import pytest

from train import evaluate, generate, lm
from train.errors import UserError
from train.folders import used_alone
from train.loop import Trainer
from train.report import write_report
from train.schedule import learning_rate
from train.tokenizer import EOT, fingerprint, load_tokenizer, panics, train_tokenizer
from train.toy import stories

from .running import (
    STEPS,
    TINY,
    edit,
    events,
    files,
    places,
    shell,
    status,
    status_if_sent,
    trained,
)

LONG = ["--steps", "300", "--val-every", "20", "--sample-every", "999"]
OTHER_TOKENIZER = train_tokenizer(["The snail met the whale, and the whale sang."], 270)


def one_line_error(capsys):
    """What stderr holds, which is one line."""
    text = capsys.readouterr().err
    assert re.fullmatch(r"error: .+\n", text)
    return text


def write_stories(path, n, seed=0):
    told = (story for _, story in zip(range(n), stories(seed), strict=False))
    path.write_text("".join(f"{story}\n{EOT}\n" for story in told))
    return path


@pytest.fixture(scope="module")
def long(tmp_path_factory):
    """A run of a second, so that a signal from outside meets it on the way."""
    return trained(tmp_path_factory.mktemp("long"), "a run", *LONG)


@pytest.mark.parametrize("number", [SIGINT, SIGTERM])
def test_interrupted_process_goes_on_by_the_command_that_it_prints(long, tmp_path, number):
    command = [sys.executable, "-m", "train.lm", *TINY, *places(tmp_path), "--name", "a run", *LONG]
    process = subprocess.Popen(command, stdout=PIPE, stderr=PIPE, text=True)
    run = tmp_path / "runs" / "a run"
    while process.poll() is None and not ((run / "metrics.jsonl").exists() and events(run)):
        time.sleep(0.01)
    process.send_signal(number)
    output, errors = process.communicate(timeout=60)
    assert process.returncode == 128 + number
    assert "Traceback" not in errors
    done = events(run)[-1]["step"]
    assert 0 < done < events(long)[-1]["step"]
    message, printed = output.splitlines()[-1].split("; go on with: ")
    assert message == f"stopped after {done} steps"

    python, *words = shlex.split(printed)
    assert python == "python"
    ended = subprocess.run([sys.executable, *words], capture_output=True, text=True, check=True)
    assert ended.stdout.endswith(f"python -m train.generate '{run}'\n")
    assert events(run) == events(long)
    for name in ("model.safetensors", "checkpoint.safetensors"):
        assert (run / name).read_bytes() == (long / name).read_bytes()


def test_a_traced_run_writes_a_page_and_trains_to_the_same_bits(complete, tmp_path, capsys):
    page = tmp_path / "step.html"
    run = trained(tmp_path, "traced", "--trace", page)
    assert f"a step to look at: {page}" in capsys.readouterr().out
    assert "causal_attention" in page.read_text()
    assert events(run) == events(complete)
    assert "--trace" not in (run / "report.md").read_text()


def test_given_tokenizer_is_used(tmp_path):
    OTHER_TOKENIZER.save(str(tmp_path / "given.json"))
    run = trained(tmp_path, "run", "--tokenizer", tmp_path / "given.json")
    assert fingerprint(load_tokenizer(run / "tokenizer.json")) == fingerprint(OTHER_TOKENIZER)
    (tmp_path / "given.json").unlink()
    assert status(generate.main, run) == 0


@pytest.mark.parametrize(
    ("flags", "message"),
    [
        ("--data missing.txt", "--data missing.txt: no such file or folder; it takes toy, tiny"),
        ("--data empty.txt", "--data empty.txt: holds no story to train on"),
        ("--data one.txt", "--data one.txt: holds no story to validate on; a single file needs"),
        ("--data tinystories", "--data tinystories: the hub cannot be reached"),
        ("--vocab-size 9999", "a vocabulary of 9999 is too large: the text supports"),
        ("--vocab-size 256", "a vocabulary of 256 is too small"),
        ("--context 99999", "a context of 99999 is too long for"),
        ("--context 4000", "tokens of validation text: at most"),
        ("--d-model 15", "--d-model 15 is not divisible by --n-heads 2"),
        ("--steps 0", "--steps 0: must be above 0"),
        ("--tokenizer missing.json", "missing.json: no such tokenizer file"),
        ("--tokenizer one.txt", "one.txt: not a tokenizer.json"),
        ("--trace no/step.html", "--trace no/step.html: there is no folder no"),
        ("--trace runs", "--trace runs: is a folder; name a file in it"),
        ("--name taken", "--name taken: runs/taken exists; take another name, or --resume runs"),
        ("--runs one.txt/runs", "Not a directory: 'one.txt/runs"),
        ("--cache one.txt/cache", "Not a directory: 'one.txt/cache"),
        ("--cache /proc/cache", "--cache /proc/cache: [Errno 2] No such file"),
        ("--data snail.txt --split blank-lines", "holds no story to validate on"),
        ("--data snail.txt", "snail.txt has no <|endoftext|> between its stories; add --split"),
    ],
)
def test_run_that_cannot_begin_leaves_nothing(tmp_path, monkeypatch, capsys, flags, message):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    write_stories(tmp_path / "empty.txt", 0)
    write_stories(tmp_path / "one.txt", 1)
    (tmp_path / "snail.txt").write_text("The snail.\n")
    (tmp_path / "runs" / "taken").mkdir(parents=True)
    words = [*TINY, "--runs", "runs", "--cache", "cache", *flags.split()]
    assert status(lm.main, *words) == 2
    assert message in one_line_error(capsys)
    assert [path.name for path in (tmp_path / "runs").rglob("*")] == ["taken"]


def cut(name):
    def damage(run):
        content = (run / name).read_bytes()
        (run / name).write_bytes(content[: len(content) // 2])

    return damage


def delete(name):
    return lambda run: (run / name).unlink()


def replace_tokenizer(run):
    OTHER_TOKENIZER.save(str(run / "tokenizer.json"))


def change(**values):
    """Damage as of a bit in the configuration: valid, but not what was written."""

    def damage(run):
        config = json.loads((run / "config.json").read_text())
        (run / "config.json").write_text(json.dumps(config | values))

    return damage


def set_on_purpose(**values):
    return lambda run: edit(run / "config.json", **values)


def both(damage):
    """The same damage to both checkpoints."""
    names = ("checkpoint.safetensors", "checkpoint-previous.safetensors")
    return lambda run: [damage(name)(run) for name in names]


def change_line(number, old, new):
    def damage(run):
        lines = (run / "metrics.jsonl").read_text().splitlines(keepends=True)
        lines[number] = lines[number].replace(old, new)
        (run / "metrics.jsonl").write_text("".join(lines))

    return damage


def take_out_a_step(run):
    lines = (run / "metrics.jsonl").read_text().splitlines(keepends=True)
    (run / "metrics.jsonl").write_text("".join(lines[:1] + lines[2:]))


DAMAGES = {
    "cut config": (cut("config.json"), "not the configuration of a run"),
    "changed config": (change(lr=0.007), "config.json: .* changed by hand: .* take its line"),
    "cut facts": (cut("facts.json"), "facts.json: damaged"),
    "cut tokenizer": (cut("tokenizer.json"), "tokenizer.json: damaged, or another one"),
    "no tokenizer": (delete("tokenizer.json"), "tokenizer.json: no such tokenizer file"),
    "no run": (shutil.rmtree, r"no run there \(it would hold a config.json\)"),
    "other tokenizer": (replace_tokenizer, "tokenizer.json: damaged, or another one"),
    "other width": (set_on_purpose(d_model=32), "make a model of .* parameters, and not of"),
    "endless": (set_on_purpose(n_layers=10**30), "--n-layers 10+: must be at most 10.15"),
    "another type": (set_on_purpose(lr="3e-3"), "lr is '3e-3', which is not of float"),
    "another preset": (set_on_purpose(preset="x"), "preset is 'x', which is not of"),
    "nested": (lambda run: (run / "facts.json").write_text("[" * 10**6), "facts.json: damaged: "),
}


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        *DAMAGES.values(),
        (both(cut), "checkpoint.safetensors: cut short, or not a checkpoint"),
        (both(delete), "checkpoint.safetensors: no such checkpoint"),
        (set_on_purpose(steps=3), "checkpoint.safetensors: is after 5 steps of a run of 3"),
        (delete("metrics.jsonl"), "No such file or directory: .*metrics.jsonl"),
        (cut("metrics.jsonl"), "metrics.jsonl: damaged or changed: it does not hold each step up"),
        (change_line(1, "loss", "l0ss"), "metrics.jsonl: damaged or changed"),
        (take_out_a_step, "metrics.jsonl: damaged or changed"),
        (set_on_purpose(toy_megabytes=0.06), "toy is not the data that it began with"),
    ],
    ids=[
        *(*DAMAGES, "cut checkpoints", "no checkpoint", "too many steps", "no metrics"),
        *("cut metrics", "a changed line", "a missing line", "other data"),
    ],
)
def test_damaged_run_is_not_resumed(stopped, tmp_path, capsys, damage, message):
    run = shutil.copytree(stopped, tmp_path / "run")
    damage(run)
    before = files(run)
    assert status(lm.main, "--resume", run) == 2
    assert re.search(message, one_line_error(capsys))
    assert files(run) == before


@pytest.mark.parametrize("damage", [cut, delete])
def test_run_goes_on_from_the_checkpoint_before(complete, stopped, tmp_path, capsys, damage):
    run = shutil.copytree(stopped, tmp_path / "run")
    damage("checkpoint.safetensors")(run)
    damage("model.safetensors")(run)
    assert status(lm.main, "--resume", run) == 0
    told = capsys.readouterr().err
    assert "going on from checkpoint-previous.safetensors, after 3 steps" in told
    assert "model.safetensors" in told
    assert events(run) == events(complete)
    for name in ("model.safetensors", "checkpoint.safetensors"):
        assert (run / name).read_bytes() == (complete / name).read_bytes()


def test_model_that_is_damaged_is_taken_from_the_checkpoint(complete, tmp_path, capsys):
    run = shutil.copytree(complete, tmp_path / "run")
    cut("model.safetensors")(run)
    assert status(generate.main, run) == 2
    _, command = one_line_error(capsys).split("this takes it from the checkpoint: ")
    assert status(lm.main, *shlex.split(command)[3:]) == 2  # all its steps are done
    assert (run / "model.safetensors").read_bytes() == (complete / "model.safetensors").read_bytes()


def test_run_is_not_resumed_while_another_process_is_at_work_on_it(stopped, tmp_path, capsys):
    run = shutil.copytree(stopped, tmp_path / "run")
    (run / ".metrics.tmp.jsonl").write_text("what a killed process was writing")
    with used_alone(run):
        before = files(run)
        assert status(lm.main, "--resume", run) == 2
        assert re.search(rf"{run}: process \d+ on .* is at work on it", one_line_error(capsys))
        assert files(run) == before
    assert status(lm.main, "--resume", run) == 0
    assert not [name for name in files(run) if ".tmp" in name]


def test_complete_run_is_not_resumed(complete, capsys):
    before = files(complete)
    assert status(lm.main, "--resume", complete) == 2
    assert f"{complete}: all its {STEPS} steps are done" in one_line_error(capsys)
    assert files(complete) == before


def test_run_is_not_resumed_on_changed_stories(tmp_path, capsys):
    data = write_stories(tmp_path / "data.txt", 60)
    words = [*TINY, *places(tmp_path), "--name", "run", "--data", data]
    assert status_if_sent(SIGINT, 2, *words) == 130
    capsys.readouterr()
    write_stories(data, 60, seed=1)
    assert status(lm.main, "--resume", tmp_path / "runs" / "run") == 2
    assert f"{data} is not the data that it began with" in one_line_error(capsys)
    write_stories(data, 60)
    assert status(lm.main, "--resume", tmp_path / "runs" / "run") == 0


def test_run_goes_on_from_another_folder_and_on_moved_data(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    write_stories(tmp_path / "data.txt", 60)
    words = [*TINY, "--runs", "runs", "--cache", "cache", "--name", "run", "--data", "data.txt"]
    assert status_if_sent(SIGINT, 2, *words) == 130
    run = tmp_path / "runs" / "run"
    assert "--data data.txt" in (run / "report.md").read_text()
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path / "elsewhere")
    assert status_if_sent(SIGINT, 4, "--resume", run, "--workers", 1) == 130
    assert not files(tmp_path / "elsewhere")
    write_stories(tmp_path / "moved.txt", 60)
    (tmp_path / "data.txt").unlink()
    capsys.readouterr()
    assert status(lm.main, "--resume", run) == 2
    assert f"{tmp_path / 'data.txt'}, is not there; --data PATH names" in one_line_error(capsys)
    write_stories(tmp_path / "other.txt", 60, seed=1)
    before = files(run)
    assert status(lm.main, "--resume", run, "--data", tmp_path / "other.txt") == 2
    assert "other.txt is not the data that it began with" in one_line_error(capsys)
    assert files(run) == before
    assert status_if_sent(SIGINT, 6, "--resume", run, "--data", "../moved.txt") == 130
    monkeypatch.chdir(tmp_path)
    assert status(lm.main, "--resume", run) == 0
    whole = trained(tmp_path, "whole", "--data", tmp_path / "moved.txt")
    assert (run / "model.safetensors").read_bytes() == (whole / "model.safetensors").read_bytes()
    assert status(evaluate.main, run) == 0


@pytest.mark.parametrize("ended", ["complete", "stopped"])
def test_run_is_extended(request, tmp_path, capsys, ended):
    run = shutil.copytree(request.getfixturevalue(ended), tmp_path / "run")
    done = events(run)[-1]["step"]
    assert status_if_sent(SIGINT, 10, "--resume", run, "--steps", 12) == 130
    assert status(lm.main, "--resume", run) == 0  # it remembers
    logged = events(run)
    trained_steps = [event["step"] for event in logged if event["event"] == "train"]
    assert trained_steps == list(range(1, 13))
    (extended,) = (event for event in logged if event["event"] == "extended")
    assert extended == {"event": "extended", "step": done, "planned": STEPS, "steps": 12}
    assert [event["step"] for event in logged if event["event"] == "final"] == [12]
    rates = [event["lr"] for event in logged if event["event"] == "train"]
    assert rates[done:] == [learning_rate(step, 12, 3e-3, 0.05, 0.0) for step in range(done, 12)]
    assert f"planned for 8 steps until step {done}" in (run / "report.md").read_text()


@pytest.mark.parametrize("steps", [1, STEPS])
def test_complete_run_is_not_shortened(complete, capsys, steps):
    before = files(complete)
    assert status(lm.main, "--resume", complete, "--steps", steps) == 2
    assert "--steps N goes on to N steps, above 8" in one_line_error(capsys)
    assert files(complete) == before


def test_run_of_a_user_without_a_home(tmp_path, monkeypatch, capsys):
    def unknown(_):
        raise KeyError

    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("HOME")
    monkeypatch.setattr("pwd.getpwuid", unknown)
    write_stories(tmp_path / "data.txt", 60)
    assert status(lm.main, *TINY, "--data", "data.txt") == 2
    assert "--cache ~/.cache/tapegrad: there is no such home folder" in one_line_error(capsys)
    assert files(tmp_path).keys() == {"data.txt"}
    run = trained(tmp_path, "run", "--data", "data.txt")
    assert status(evaluate.main, run) == 0
    assert not (tmp_path / "~").exists()


def test_bad_rows_are_skipped_and_counted(tmp_path, capsys):
    told = [story for _, story in zip(range(60), stories(0), strict=False)]
    rows = [json.dumps({"story": story}) for story in told]
    (tmp_path / "data.jsonl").write_text("\n".join([*rows[:3], '{"story": null}', *rows[3:], "{"]))
    words = [*TINY, *places(tmp_path), "--name", "run", "--data", tmp_path / "data.jsonl"]
    assert status(lm.main, *words) == 2
    assert 'data.jsonl: line 4: "story" is null' in one_line_error(capsys)
    assert status(lm.main, *words, "--skip-bad-rows") == 0
    warned = capsys.readouterr().err
    assert warned.count('2 bad rows are skipped; the first is line 4: "story" is null') == 1
    facts = json.loads((tmp_path / "runs/run/facts.json").read_text())["data"]
    assert facts["train_stories"] + facts["valid_stories"] == 60


@pytest.mark.parametrize("command", [evaluate.main, generate.main], ids=["evaluate", "generate"])
@pytest.mark.parametrize(
    ("damage", "message"),
    [
        *DAMAGES.values(),
        (cut("model.safetensors"), "model.safetensors: cut short, .*--resume"),
        (delete("model.safetensors"), "model.safetensors: no such checkpoint; .*--resume"),
    ],
    ids=[*DAMAGES, "cut model", "no model"],
)
def test_damaged_run_is_not_used(complete, tmp_path, capsys, command, damage, message):
    run = shutil.copytree(complete, tmp_path / "run")
    damage(run)
    assert status(command, run) == 2
    assert re.search(message, one_line_error(capsys))


def test_ctrl_c_before_the_first_step_ends_without_a_word(tmp_path, monkeypatch, capsys):
    def interrupted(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr(lm, "train_tokenizer", interrupted)
    assert status(lm.main, *TINY, *places(tmp_path)) == 130
    assert capsys.readouterr() == ("", "")
    assert files(tmp_path) == {}


def test_ctrl_c_while_the_last_stories_are_told_says_that_all_is_saved(
    tmp_path, monkeypatch, capsys
):
    def tell(*_):
        raise KeyboardInterrupt
        yield

    with monkeypatch.context() as patch:
        patch.setattr("train.loop.tell", tell)
        words = [*TINY, "--sample-every", "99", *places(tmp_path), "--name", "run"]
        assert status(lm.main, *words) == 130
    assert f"all {STEPS} steps are saved, and this tells them: " in capsys.readouterr().err
    assert status(lm.main, "--resume", tmp_path / "runs" / "run") == 0


@pytest.mark.parametrize("name", [None, "run"])
def test_of_two_runs_that_begin_at_once_the_second_takes_another_name(
    tmp_path, monkeypatch, capsys, name
):
    def begin(trainer):
        (trainer.run.folder / "of the first").mkdir(parents=True)
        undisturbed(trainer)

    undisturbed = Trainer.begin
    monkeypatch.setattr(Trainer, "begin", begin)
    named = ["--name", name] if name else []
    ended = status(lm.main, *TINY, *places(tmp_path), *named)
    if name:
        assert ended == 2
        assert "run exists: another run began there; take another --name" in one_line_error(capsys)
    else:
        assert ended == 0
        assert (tmp_path / "runs" / "toy-quick-2" / "report.md").exists()


def test_names_may_hold_any_bytes(tmp_path, capsys):
    data = tmp_path / os.fsdecode(b"caf\xe9\nau lait.txt")
    write_stories(data, 60)
    run = trained(tmp_path, "a\nb\x1b[31m", "--data", data)
    told, report = capsys.readouterr(), (run / "report.md").read_text()
    for text in (told.out, told.err, report):
        assert "\x1b[31m" not in text
        assert "a\nb" not in text
    assert "# a\\\\nb\\\\x1b\\[31m\n" in report
    assert r"caf\xe9\x0aau lait.txt'" in report
    assert status(evaluate.main, run) == 0
    command = told.out.splitlines()[-1].removeprefix("more stories: ")
    assert shell(f"{command} --tokens 3", tmp_path).returncode == 0


def test_a_tokenizer_that_panics_is_named():
    class PanicException(BaseException):
        pass

    with pytest.raises(UserError, match="a file: the tokenizer fails: an `Err`"), panics("a file"):
        raise PanicException("an `Err`")


def test_ctrl_c_while_the_picture_is_drawn_waits_for_it(complete, tmp_path, monkeypatch):
    def write_report_slowly(*arguments):
        os.kill(os.getpid(), SIGINT)
        write_report(*arguments)

    monkeypatch.setattr("train.loop.write_report", write_report_slowly)
    run = trained(tmp_path, "run")
    assert events(run) == events(complete)
    assert (run / "loss.png").exists()


def test_a_run_whose_folder_is_removed_meanwhile_says_so(tmp_path, monkeypatch, capsys):
    def remove(*arguments):
        shutil.rmtree(tmp_path / "runs" / "run", ignore_errors=True)
        return learning_rate(*arguments)

    monkeypatch.setattr("train.loop.learning_rate", remove)
    assert status(lm.main, *TINY, *places(tmp_path), "--name", "run") == 2
    error = capsys.readouterr().err.splitlines()[-1]
    assert error == f"error: {tmp_path / 'runs' / 'run'}: is no longer there, after 1 steps"
    assert files(tmp_path / "runs") == {}


def test_a_full_disk_while_encoding_names_the_file(tmp_path, monkeypatch, capsys):
    class Full(io.FileIO):
        def write(self, content):
            raise OSError(ENOSPC, "No space left on device")

    def opened(self, mode="r", *rest, **options):
        if self.name == "train.bin" and mode == "wb":
            return io.BufferedWriter(Full(self, "wb"))
        return undisturbed(self, mode, *rest, **options)

    undisturbed = Path.open
    monkeypatch.setattr(Path, "open", opened)
    assert status(lm.main, *TINY, *places(tmp_path), "--name", "run") == 2
    error = capsys.readouterr().err.splitlines()[-1]
    assert re.match(r"error: --cache \S+: .*No space left on device: '.*train.bin'; name", error)
    assert not files(tmp_path)
