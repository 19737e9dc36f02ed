import signal
import subprocess
import sys
import time

import pytest

from train.errors import UserError, one_line_errors

from .running import TINY, places, shell


def test_the_line_of_an_error_is_one_whatever_names_hold(capsys):
    with pytest.raises(SystemExit) as end, one_line_errors():
        raise UserError("a\nb: no such file", "first: 1\nsecond: 2")
    assert end.value.code == 2
    assert capsys.readouterr().err == "error: a\\nb: no such file\nfirst: 1\nsecond: 2\n"


@pytest.mark.parametrize(
    ("error", "status", "line"),
    [
        (OSError(28, "No space left on device"), 2, "error: [Errno 28] No space left on device\n"),
        (MemoryError("Unable to allocate 9 TiB"), 2, "error: out of memory: Unable to allocate 9"),
        (MemoryError(), 2, "error: out of memory: the system has no more\n"),
        (RecursionError(), 2, "error: what was given is nested too deeply\n"),
        (RuntimeError("can't start new thread"), 2, "error: the system starts no more threads; "),
        (KeyboardInterrupt(), 130, ""),
    ],
)
def test_what_the_system_refuses_is_a_line_too(capsys, error, status, line):
    with pytest.raises(SystemExit) as end, one_line_errors():
        raise error
    assert end.value.code == status
    assert capsys.readouterr().err.startswith(line)


def test_a_fault_of_the_program_is_not_hidden():
    with pytest.raises(RuntimeError, match="a fault"), one_line_errors():
        raise RuntimeError("a fault")


@pytest.mark.parametrize(
    "command",
    [
        "python -m train.generate {run} --tokens 200 | head -c 9",
        "python -m train.generate {run} --stories 99 --tokens 9 | head -1",
        "python -m train.evaluate {run} | true",
        "python -m train.lm --help | head -1",
    ],
)
def test_a_reader_who_has_seen_enough_ends_a_command_quietly(complete, tmp_path, command):
    done = shell(command.format(run=complete), tmp_path)
    assert done.returncode == 0
    assert done.stderr == ""


@pytest.mark.parametrize("command", ["generate {run} --tokens 3 >&-", "evaluate {run} >&- 2>&-"])
def test_closed_streams_are_no_error(complete, tmp_path, command):
    done = shell(f"python -m train.{command.format(run=complete)}", tmp_path)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


def test_ctrl_c_while_the_program_is_loaded_ends_it_without_a_word(tmp_path):
    words = [sys.executable, "-m", "train.lm", *TINY, *places(tmp_path)]
    words[words.index("--steps") + 1] = "100000"  # which do not come to their end first
    for delay in (0.15, 0.3, 0.6):
        process = subprocess.Popen(words, stderr=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        time.sleep(delay)
        process.send_signal(signal.SIGINT)
        _, errors = process.communicate()
        assert process.returncode in (-signal.SIGINT, 130)
        assert "Traceback" not in errors
