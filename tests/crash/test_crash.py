"""A few trials of each kind; `python -m tests.crash` makes them all."""

import subprocess
import sys
from pathlib import Path
from random import Random

import pytest

from .disk import Disk

ROOT = Path(__file__).parents[2]


@pytest.mark.skipif(not Path("/proc/self/fd").exists(), reason="no way to name what is open")
def test_a_sample_of_disasters_is_survived():
    command = [sys.executable, "-m", "tests.crash", "--every", "90", "--repeats", "4"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "| a new run: killed |" in done.stdout


@pytest.fixture
def disk(tmp_path):
    """A disk on which a file was written anew and another one renamed, neither synced."""
    root = tmp_path / "disk"
    root.mkdir()
    (root / "old").write_text("synced")
    (root / "log").write_text("line 1\n")
    disk = Disk(root)
    (root / "new").write_text("written")
    disk.create(root / "new")
    (root / "old").rename(root / "renamed")
    with (root / "log").open("a") as file:
        file.write("line 2\n")
    return disk


def left(disk, tmp_path, kind):
    disk.leave(tmp_path / kind, kind, Random(0))
    return {path.name: path.read_text() for path in (tmp_path / kind).iterdir()}


def test_a_strict_cut_leaves_what_was_synced(disk, tmp_path):
    assert left(disk, tmp_path, "strict") == {"old": "synced", "log": "line 1\n"}


def test_names_may_stay_without_content(disk, tmp_path):
    found = left(disk, tmp_path, "names")
    assert found == {"renamed": "synced", "log": "line 1\n", "new": ""}


def test_content_may_be_torn_but_not_what_was_synced_of_it(disk, tmp_path):
    found = left(disk, tmp_path, "torn")
    assert "line 1\nline 2\n".startswith(found["log"])
    assert found["log"].startswith("line 1\n")
    assert "written".startswith(found["new"])
    assert found["renamed"] == "synced"


def test_what_is_synced_stays(disk, tmp_path):
    root = tmp_path / "disk"
    for path in (root, *root.iterdir()):
        disk.sync(path)
    content = {path.name: path.read_text() for path in root.iterdir()}
    for kind in ("strict", "names", "torn"):
        assert left(disk, tmp_path, kind) == content
