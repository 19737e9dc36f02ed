import json
import shutil
from errno import ENOSPC
from signal import SIGINT, SIGTERM

import pytest

from train import checkpoint, lm
from train.checkpoint import load_checkpoint
from train.loop import N_STORIES
from train.optim import AdamW
from train.run import Run

from .running import STEPS, TINY, events, files, places, status, status_if_sent, trained


def weights(run):
    return [(run / name).read_bytes() for name in ("model.safetensors", "checkpoint.safetensors")]


def updates(folder):
    """How many updates a checkpoint holds, all of whose parameters can be loaded."""
    run = Run.open(folder)
    model = run.new_model()
    optimizer = AdamW(model.named_parameters(), 0.9, 0.99, 0.1)
    load_checkpoint(run.checkpoint, model, optimizer)
    return optimizer.updates


def test_complete_run_has_logged_all_that_happened(complete):
    logged = [(event["event"], event["step"]) for event in events(complete)]
    for kind, steps in {
        "train": [1, 2, 3, 4, 5, 6, 7, 8],
        "valid": [3, 6],
        "sample": [4],
        "final": [8],
        "story": [8] * N_STORIES,
    }.items():
        assert [step for event, step in logged if event == kind] == steps
    assert logged == sorted(logged, key=lambda event: event[1])
    losses = [event["loss"] for event in events(complete) if event["event"] == "train"]
    assert losses[-1] < losses[0]
    assert updates(complete) == STEPS
    assert {"loss.png", "report.md"} < files(complete).keys()


@pytest.mark.parametrize("workers", [1, 2, 3])
def test_same_command_gives_the_same_bits_with_any_number_of_workers(complete, tmp_path, workers):
    again = trained(tmp_path, "again", "--workers", workers)
    assert events(again) == events(complete)
    assert weights(again) == weights(complete)


def test_other_seed_gives_another_run(complete, tmp_path):
    other = events(trained(tmp_path, "other", "--seed", "1"))
    assert all(ours != theirs for ours, theirs in zip(other, events(complete), strict=True))


@pytest.mark.parametrize(("number", "step"), [(SIGINT, 1), (SIGTERM, 3), (SIGINT, 4), (SIGINT, 7)])
def test_interrupted_run_goes_on_as_if_nothing_had_been(complete, tmp_path, number, step, capsys):
    run = tmp_path / "runs" / "run"
    words = [*TINY, *places(tmp_path), "--name", "run"]
    assert status_if_sent(number, step, *words) == 128 + number
    assert updates(run) == step
    assert events(run) == [event for event in events(complete) if event["step"] <= step]
    assert f"stopped early, after {step} of 8 steps" in (run / "report.md").read_text()
    assert capsys.readouterr().out.endswith(
        f"stopped after {step} steps; go on with: python -m train.lm --resume {run}\n"
    )

    assert status(lm.main, "--resume", run) == 0
    assert events(run) == events(complete)
    assert weights(run) == weights(complete)
    assert "stopped early" not in (run / "report.md").read_text()


def test_run_interrupted_twice_goes_on_as_well(complete, stopped, tmp_path):
    run = shutil.copytree(stopped, tmp_path / "run")
    assert status_if_sent(SIGINT, 7, "--resume", run) == 130
    assert status(lm.main, "--resume", run) == 0
    assert events(run) == events(complete)
    assert weights(run) == weights(complete)
    logged = map(json.loads, (run / "metrics.jsonl").read_text().splitlines())
    elapsed = [event["elapsed"] for event in logged if event["event"] == "train"]
    assert elapsed == sorted(elapsed)


def test_signal_in_the_last_step_lets_the_run_end(complete, tmp_path):
    words = [*TINY, *places(tmp_path), "--name", "run"]
    assert status_if_sent(SIGINT, STEPS, *words) == 0
    assert events(tmp_path / "runs" / "run") == events(complete)


@pytest.mark.parametrize("step", [2, 7], ids=["before the first checkpoint", "after the second"])
def test_killed_run_goes_on_from_its_checkpoint(complete, tmp_path, monkeypatch, step):
    class Killed(BaseException):
        pass

    def die(self, *arguments):
        if self.updates + 1 == step:
            raise Killed
        update(self, *arguments)

    update = AdamW.step
    with monkeypatch.context() as patch, pytest.raises(Killed):
        patch.setattr(AdamW, "step", die)
        trained(tmp_path, "run")
    run = tmp_path / "runs" / "run"
    assert updates(run) == (step - 1) // 3 * 3
    with (run / "metrics.jsonl").open("a") as file:
        file.write('{"event": "train", "st')

    assert status(lm.main, "--resume", run) == 0
    assert events(run) == events(complete)
    assert weights(run) == weights(complete)


def test_run_killed_while_it_finishes_can_still_be_finished(complete, tmp_path, monkeypatch):
    with monkeypatch.context() as patch:
        patch.setattr("train.loop.write_report", lambda *_: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            trained(tmp_path, "run")
    run = tmp_path / "runs" / "run"
    assert updates(run) == STEPS
    with (run / "metrics.jsonl").open("a") as file:  # a forgery: it is not sealed
        file.write('{"event": "final", "step": 8}\n')
    assert status(lm.main, "--resume", run) == 0
    assert events(run) == events(complete)
    assert weights(run) == weights(complete)


def test_checkpoint_that_cannot_be_written_leaves_the_last(complete, tmp_path, monkeypatch, capsys):
    saved = []

    def write_half(path, arrays, **facts):
        saved.append(path)
        write_arrays(path, arrays, **facts)
        if len(saved) == 5:  # two files at the beginning, two in step 3
            path.write_bytes(path.read_bytes()[:1000])
            raise OSError(ENOSPC, "No space left on device")

    write_arrays = checkpoint.write_arrays
    run = tmp_path / "runs" / "run"
    with monkeypatch.context() as patch:
        patch.setattr(checkpoint, "write_arrays", write_half)
        assert status(lm.main, *TINY, *places(tmp_path), "--name", "run") == 2
    assert capsys.readouterr().err.endswith(
        f"\nerror: [Errno {ENOSPC}] No space left on device: '{run / 'model.safetensors'}'; "
        "3 steps are saved, and when there is room again this goes on: "
        f"python -m train.lm --resume {run}\n"
    )
    assert updates(run) == 3
    assert not [name for name in files(run) if ".tmp" in name]
    assert status(lm.main, "--resume", run) == 0
    assert weights(run) == weights(complete)


@pytest.mark.parametrize(
    ("flags", "symptom"),
    [
        ("", "after 1 steps, the loss is nan and the norm of its gradient nan"),
        ("--val-every 1", "after 1 steps, the validation loss is nan"),
        ("--sample-every 1", "after 1 steps, no story can be told (the logits are not finite)"),
        ("--steps 1 --checkpoint-every 1", "after 1 steps, the validation loss is nan"),
    ],
)
@pytest.mark.filterwarnings("ignore::RuntimeWarning")  # stories are told in the main thread
def test_diverging_run_stops_with_its_last_checkpoint(tmp_path, capsys, flags, symptom):
    words = [*TINY, *places(tmp_path), "--name", "run", "--lr", "1e30", *flags.split()]
    assert status(lm.main, *words) == 2
    run = tmp_path / "runs" / "run"
    _, _, message = capsys.readouterr().err.partition("error: ")
    error, *culprit = message.splitlines()
    assert error == (
        f"{symptom}; {run / 'checkpoint.safetensors'} holds the run as it was last saved; "
        "try a lower --lr"
    )
    if "loss is nan" in symptom:
        first, *arrays = culprit
        assert first.startswith("The first value that is not finite comes from linear (#")
        assert first.endswith("in scope blocks.0.attention.qkv")
        assert [line.split()[0] for line in arrays] == ["x", "weight", "bias", "result"]
        assert "deviation" in arrays[0]
        assert "infinite" in arrays[-1] or "NaN" in arrays[-1]
    assert updates(run) == ("--steps" in flags)


def test_gradient_that_is_not_finite_is_not_applied(tmp_path, monkeypatch, capsys):
    def gradients(self, model, inputs, targets, micro_batch, seed=()):
        loss, gradients = undisturbed(self, model, inputs, targets, micro_batch, seed)
        return (float("inf") if seed[-1] == 4 else loss), gradients

    undisturbed = lm.Workers.gradients
    monkeypatch.setattr(lm.Workers, "gradients", gradients)
    assert status(lm.main, *TINY, *places(tmp_path), "--name", "run") == 2
    assert "error: after 4 steps, the loss is inf and the norm of" in capsys.readouterr().err
    run = tmp_path / "runs" / "run"
    assert updates(run) == 3
    assert [e["step"] for e in events(run) if e["event"] == "train"] == [1, 2, 3, 4]


def test_perplexity_too_large_for_a_float_is_infinite(tmp_path):
    run = trained(tmp_path, "run", "--lr", "30", "--clip", "inf", "--val-every", "1")
    validations = [event for event in events(run) if event["event"] == "valid"]
    worst = max(validations, key=lambda event: event["nats"])
    assert worst["nats"] > 1000
    assert worst["perplexity"] == float("inf")


def test_minutes_become_steps(tmp_path):
    run = trained(
        tmp_path, "run", "--minutes", "0.05", "--batch-size", "16", "--sample-every", "999"
    )
    config = json.loads((run / "config.json").read_text())
    assert config["minutes"] is None
    assert config["steps"] == updates(run)
    assert config["steps"] not in (1, STEPS)  # 3 seconds are room for more than one, or than 8
