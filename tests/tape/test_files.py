import errno
import os
from pathlib import Path

import pytest

from tape.files import replacing


def test_file_is_replaced_when_all_of_it_is_written(tmp_path):
    path = tmp_path / "page.md"
    path.write_text("old")
    with replacing(path) as temporary:
        assert (temporary.parent, temporary.suffix) == (tmp_path, ".md")
        temporary.write_text("new")
        assert path.read_text() == "old"
    assert path.read_text() == "new"
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.skipif(not Path("/proc/self/fd").exists(), reason="no way to name what is open")
def test_the_disk_has_the_content_before_the_name_and_then_the_name(tmp_path, monkeypatch):
    def fsync(descriptor):
        done.append(Path(os.readlink(f"/proc/self/fd/{descriptor}")))

    def replace(source, target):
        done.append("renamed")
        source.rename(target)

    done = []
    monkeypatch.setattr(os, "fsync", fsync)
    monkeypatch.setattr(os, "replace", replace)
    with replacing(tmp_path / "page.md") as temporary:
        temporary.write_text("new")
    assert done == [temporary, "renamed", tmp_path]


def test_an_error_of_the_system_names_the_file(tmp_path):
    full = OSError(errno.ENOSPC, "No space left on device")
    with (
        pytest.raises(OSError, match=r"No space left on device: '.*page.md'"),
        replacing(tmp_path / "page.md"),
    ):
        raise full


@pytest.mark.parametrize("error", [OSError, KeyboardInterrupt])
def test_failed_write_leaves_the_old_file_alone(tmp_path, error):
    path = tmp_path / "page.md"
    path.write_text("old")
    with pytest.raises(error), replacing(path) as temporary:
        temporary.write_text("half of the n")
        raise error
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]
