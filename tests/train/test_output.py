import os

import pytest

from train.output import outlasting_output

from .running import TINY, events, places, shell


class Broken:
    """A stream that cannot be written until another file is put under it."""

    def __init__(self, descriptor):
        self.descriptor = descriptor

    def write(self, text):
        raise OSError(28, "No space left on device")

    def flush(self):
        pass

    def fileno(self):
        return self.descriptor


def test_a_stream_that_breaks_is_given_up_with_a_word(tmp_path, monkeypatch, capsys):
    descriptor = os.open(tmp_path / "output", os.O_CREAT | os.O_WRONLY)
    monkeypatch.setattr("sys.stdout", Broken(descriptor))
    with outlasting_output():
        print("a line")
    assert os.path.samestat(os.fstat(descriptor), os.stat(os.devnull))
    os.close(descriptor)
    error = capsys.readouterr().err
    assert error.startswith("stdout: No space left on device; the run goes on without it\n")


@pytest.mark.parametrize(
    ("ending", "word"),
    [
        ("| head -1", "stdout: Broken pipe; the run goes on without it"),
        ("2>&1 | head -1", ""),
        (">&-", ""),
        (">&- 2>&-", ""),
        ("2>&-", ""),
        (">/dev/full", "stdout: No space left on device; the run goes on without it"),
    ],
)
def test_training_outlasts_its_output(complete, tmp_path, ending, word):
    words = " ".join([*TINY, *places(tmp_path), "--name", "run"])
    done = shell(f"python -m train.lm {words} {ending}; exit ${{PIPESTATUS[0]}}", tmp_path)
    assert done.returncode == 0
    assert word in done.stderr
    assert "Traceback" not in done.stderr
    assert events(tmp_path / "runs" / "run") == events(complete)
