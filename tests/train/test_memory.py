import subprocess
import sys
from pathlib import Path

import pytest

from train import memory
from train.config import PRESETS, Config
from train.errors import UserError
from train.memory import check_memory, machine_memory, n_parameters, peak_memory, tell_memory
from train.run import new_model

from .running import places

STATUS = Path("/proc/self/status")
RUN_AND_TELL = """
from train.lm import main
main()
print(*(line for line in open("/proc/self/status") if line.startswith("VmHWM")))
"""


class Vocabulary:
    """What of a tokenizer a model asks for."""

    def get_vocab_size(self):
        return 300


@pytest.mark.parametrize("config", [*PRESETS.values(), Config(n_layers=1, d_model=12, context=7)])
def test_parameters_are_counted_without_a_model(config):
    assert n_parameters(config, 300) == new_model(config, Vocabulary()).n_parameters


@pytest.mark.skipif(not STATUS.exists(), reason="the system does not tell a peak of memory")
@pytest.mark.parametrize("flags", ["", "--d-model 256 --n-layers 2", "--recompute --n-layers 8"])
def test_the_estimate_is_near_the_peak(tmp_path, flags):
    words = f"{flags} --toy-megabytes 0.2 --vocab-size 300 --workers 2 --steps 3".split()
    command = [sys.executable, "-c", RUN_AND_TELL, *words, *places(tmp_path), "--name", "run"]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    peak = 1024 * int(done.stdout.split()[-2])
    config = Config.from_json((tmp_path / "runs/run/config.json").read_text())
    assert 0.75 < peak_memory(config, 300) / peak < 1.25


def test_it_is_told_and_less_than_that_warned_of(monkeypatch, capsys):
    tell_memory(Config(), 1024)
    told = capsys.readouterr()
    assert told.out.startswith("about 0.19 GiB of memory will be in use, of ")
    assert told.err == ""
    monkeypatch.setattr(memory, "machine_memory", lambda: 2e8)
    tell_memory(Config(), 1024)
    assert capsys.readouterr().err.startswith("warning: this machine has less; --micro-batch")


@pytest.mark.parametrize("field", ["n_layers", "d_model", "batch_size"])
def test_what_can_never_fit_is_refused(field):
    config = Config(**{"micro_batch": 1, field: 4 * 10**10})
    with pytest.raises(UserError, match=r"take [\d,.]+ GiB, and this machine has"):
        check_memory(config, 300)
    check_memory(Config(), 300)


def test_a_container_may_have_less_than_its_machine(tmp_path, monkeypatch):
    (tmp_path / "limit").write_text("12345678\n")
    (tmp_path / "none").write_text("max\n")
    monkeypatch.setattr(memory, "LIMITS", [tmp_path / "none", tmp_path / "missing"])
    whole = machine_memory()
    monkeypatch.setattr(memory, "LIMITS", [tmp_path / "none", tmp_path / "limit"])
    assert machine_memory() == 12345678 < whole
