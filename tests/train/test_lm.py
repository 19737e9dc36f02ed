import json
import re
import shlex
import shutil
import subprocess
import sys
import time
from signal import SIGINT, SIGTERM
from subprocess import PIPE

import pytest

from train import evaluate, generate, lm
from train.tokenizer import EOT, fingerprint, load_tokenizer, train_tokenizer
from train.toy import stories

from .running import STEPS, TINY, events, files, places, status, status_if_sent, trained

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
    ],
)
def test_run_that_cannot_begin_leaves_nothing(tmp_path, monkeypatch, capsys, flags, message):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    write_stories(tmp_path / "empty.txt", 0)
    write_stories(tmp_path / "one.txt", 1)
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


def widen(run):
    config = json.loads((run / "config.json").read_text())
    (run / "config.json").write_text(json.dumps({**config, "d_model": 32}))


def train_on_other_stories(run):
    config = json.loads((run / "config.json").read_text())
    (run / "config.json").write_text(json.dumps({**config, "toy_megabytes": 0.06}))


DAMAGES = {
    "cut config": (cut("config.json"), "not the configuration of a run"),
    "cut tokenizer": (cut("tokenizer.json"), "tokenizer.json: not a tokenizer.json"),
    "no tokenizer": (delete("tokenizer.json"), "tokenizer.json: no such tokenizer file"),
    "no run": (shutil.rmtree, r"no run there \(it would hold a config.json\)"),
    "other tokenizer": (replace_tokenizer, r"tokenizer: \S+ has shape \(300, 16\), not \(270, 16"),
    "other width": (widen, r"configuration or tokenizer: \S+ has shape \(.*16\), not \(.*32\)"),
}


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        *DAMAGES.values(),
        (cut("checkpoint.safetensors"), "checkpoint.safetensors: cut short, or not a checkpoint"),
        (delete("checkpoint.safetensors"), "checkpoint.safetensors: no such checkpoint"),
        (delete("metrics.jsonl"), "No such file or directory: .*metrics.jsonl"),
        (train_on_other_stories, "toy is not the data that it began with"),
    ],
    ids=[*DAMAGES, "cut checkpoint", "no checkpoint", "no metrics", "other data"],
)
def test_damaged_run_is_not_resumed(stopped, tmp_path, capsys, damage, message):
    run = shutil.copytree(stopped, tmp_path / "run")
    damage(run)
    before = files(run)
    assert status(lm.main, "--resume", run) == 2
    assert re.search(message, one_line_error(capsys))
    assert files(run) == before


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


@pytest.mark.parametrize("command", [evaluate.main, generate.main], ids=["evaluate", "generate"])
@pytest.mark.parametrize(
    ("damage", "message"),
    [
        *DAMAGES.values(),
        (cut("model.safetensors"), "model.safetensors: cut short, or not a checkpoint"),
        (delete("model.safetensors"), "model.safetensors: no such checkpoint"),
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


def story_file(folder, name="stories.txt"):
    path = folder / name
    path.write_text(
        "".join(f"A snail of {i} steps went home.\n<|endoftext|>\n" for i in range(300))
    )
    return path


SMALL = ("--vocab-size", "270", "--steps", "6", "--workers", "1")


def test_a_run_goes_on_from_another_folder_and_after_its_data_has_moved(
    tmp_path, monkeypatch, capsys
):
    first, second = tmp_path / "first", tmp_path / "second"
    first.mkdir(), second.mkdir()
    monkeypatch.chdir(first)
    data = story_file(first)
    words = [*TINY, *SMALL, *places(tmp_path), "--name", "run", "--data", "stories.txt"]
    assert status_if_sent(SIGINT, 3, *words) == 130
    run = tmp_path / "runs" / "run"
    monkeypatch.chdir(second)
    shutil.copytree(run, tmp_path / "runs" / "moved")
    assert status(lm.main, "--resume", run, "--workers", "2") == 0
    assert status(evaluate.main, run) == 0

    data.rename(second / "renamed.txt")
    moved = tmp_path / "runs" / "moved"
    capsys.readouterr()
    assert status(lm.main, "--resume", moved) == 2
    assert "no such file" in capsys.readouterr().err
    story_file(second, "other.txt").write_text("One.\n<|endoftext|>\nTwo.\n<|endoftext|>\n")
    assert status(lm.main, "--resume", moved, "--data", "other.txt") == 2
    assert "is not the data that it began with; --data PATH says" in capsys.readouterr().err
    assert status(lm.main, "--resume", moved, "--data", "renamed.txt") == 0
    for name in ("model.safetensors", "checkpoint.safetensors"):
        assert (moved / name).read_bytes() == (run / name).read_bytes()


def test_a_finished_run_is_extended(tmp_path, capsys):
    run = trained(tmp_path, "run", "--steps", "4")
    assert status(lm.main, "--resume", run) == 2
    assert "all its 4 steps are done; --steps N goes on to N" in capsys.readouterr().err
    assert status(lm.main, "--resume", run, "--steps", "3") == 2
    assert "--steps 3: 4 are done already" in capsys.readouterr().err
    assert status(lm.main, "--resume", run, "--steps", "7") == 0
    logged = events(run)
    assert [e["step"] for e in logged if e["event"] == "train"] == list(range(1, 8))
    assert [e["step"] for e in logged if e["event"] == "final"] == [7]
    assert json.loads((run / "config.json").read_text())["steps"] == 7


@pytest.mark.parametrize("main", [lm.main, generate.main, evaluate.main])
def test_a_run_that_lies_in_runs_is_suggested(tmp_path, monkeypatch, capsys, main):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "runs" / "dd").mkdir(parents=True)
    (tmp_path / "runs" / "dd" / "config.json").write_text("{}")
    words = ["--resume", "dd"] if main is lm.main else ["dd"]
    assert status(main, *words) == 2
    assert "it would hold a config.json); runs/dd is one" in capsys.readouterr().err


def test_a_run_on_the_folder_that_one_is_in_is_named_after_it(tmp_path, monkeypatch):
    folder = tmp_path / "tales"
    folder.mkdir()
    monkeypatch.chdir(folder)
    story_file(folder, "train.txt"), story_file(folder, "valid.txt")
    words = [*TINY, *SMALL, "--steps", "1", *places(tmp_path), "--data", "."]
    assert status(lm.main, *words) == 0
    assert (tmp_path / "runs" / "tales-quick").is_dir()


def test_bad_rows_are_left_out_and_counted_once(tmp_path, capsys):
    path = tmp_path / "a.jsonl"
    rows = [json.dumps({"text": f"A snail of {i} steps went home."}) for i in range(300)]
    path.write_text("\n".join([*rows[:9], '{"text": null}', *rows[9:], "{"]))
    words = [*TINY, *SMALL, "--steps", "1", *places(tmp_path), "--name", "run", "--data", path]
    assert status(lm.main, *words) == 2
    assert "a.jsonl: line 10: a string is needed" in capsys.readouterr().err
    assert status(lm.main, *words, "--skip-bad-rows") == 0
    assert capsys.readouterr().err.count("left out 2 bad rows, the first: ") == 1


def test_homes_are_expanded_and_none_is_made_by_mistake(tmp_path, monkeypatch):
    home = tmp_path / "home"
    home.mkdir()
    monkeypatch.setenv("HOME", str(home))
    monkeypatch.chdir(tmp_path)
    story_file(home)
    words = [*TINY, *SMALL, "--steps", "1", "--data", "~/stories.txt", "--name", "run"]
    assert status(lm.main, *words, "--runs", "~/x", "--cache", "~/y", "--trace", "~/t.html") == 0
    assert {path.name for path in home.iterdir()} == {"stories.txt", "x", "y", "t.html"}
    assert not (tmp_path / "~").exists()


def test_a_home_that_cannot_be_written_is_one_line(tmp_path, monkeypatch, capsys):
    (tmp_path / "home").write_text("no folder")
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    words = [*TINY, "--steps", "1", "--runs", tmp_path / "runs"]
    assert status(lm.main, *words) == 2
    assert "; name another" in capsys.readouterr().err
    assert status(lm.main, *words, "--cache", tmp_path / "cache") == 0


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
