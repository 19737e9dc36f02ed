import os
import stat
import warnings
from pathlib import Path

import pytest
from filelock import FileLock

from train import folders
from train.errors import UserError
from train.folders import LOCK, make_parents, making, remove_unfinished, used_alone


def test_a_folder_appears_when_it_is_complete(tmp_path):
    folder = tmp_path / "deep" / "a"
    with making(folder) as unfinished:
        (unfinished / "file").write_text("whole")
        assert not folder.exists()
    assert (folder / "file").read_text() == "whole"
    assert list(folder.parent.iterdir()) == [folder]
    assert stat.S_IMODE(folder.stat().st_mode) == stat.S_IMODE(folder.parent.stat().st_mode)


def test_of_one_that_fails_nothing_is_left(tmp_path):
    with pytest.raises(KeyboardInterrupt), making(tmp_path / "a") as unfinished:
        (unfinished / "file").write_text("half")
        raise KeyboardInterrupt
    assert list(tmp_path.iterdir()) == []


def test_one_that_is_there_by_then_stays_as_it_is(tmp_path):
    folder = tmp_path / "a"
    with pytest.raises(FileExistsError, match="a exists"), making(folder):
        folder.mkdir()
        (folder / "file").write_text("first")
    assert (folder / "file").read_text() == "first"
    assert list(tmp_path.iterdir()) == [folder]


def in_another_process(work):
    """Whether `work`, run in a process that is killed afterwards, came to its end."""
    with warnings.catch_warnings(action="ignore"):  # that a fork takes along no other thread
        child = os.fork()
    if not child:
        try:
            work()
            os._exit(0)
        finally:
            os._exit(1)
    return os.waitpid(child, 0)[1] == 0


def test_what_killed_processes_left_is_removed_and_what_others_make_is_not(tmp_path):
    def killed():
        with making(tmp_path / "killed") as unfinished:
            (unfinished / "file").write_text("half")
            os._exit(0)

    assert in_another_process(killed)
    (tmp_path / ".making-without-a-lock").mkdir()
    assert len(list(tmp_path.iterdir())) == 2
    with making(tmp_path / "a") as unfinished:
        assert in_another_process(lambda: remove_unfinished(tmp_path))
        assert list(tmp_path.iterdir()) == [unfinished.parent]
    assert [path.name for path in tmp_path.iterdir()] == ["a"]


def test_one_that_is_taken_for_a_leftover_is_begun_again(tmp_path, monkeypatch):
    def taken(**options):
        folder = mkdtemp(**options)
        locks.append(FileLock(Path(folder, LOCK)))
        if len(locks) < 3:
            locks[-1].acquire()
        return folder

    locks, mkdtemp = [], folders.mkdtemp
    monkeypatch.setattr(folders, "mkdtemp", taken)
    with making(tmp_path / "a"):
        pass
    assert len(locks) == 3
    for lock in locks:
        lock.release()
    remove_unfinished(tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["a"]


def test_a_folder_is_used_by_one_process_at_a_time(tmp_path):
    def use():
        with used_alone(tmp_path):
            pass

    with used_alone(tmp_path):
        assert not in_another_process(use)
        with pytest.raises(UserError, match=rf"process {os.getpid()} on .* is at work on it"):
            use()
    assert in_another_process(use)

    def killed():
        with used_alone(tmp_path):
            os._exit(0)

    assert in_another_process(killed)
    use()


def test_of_files_that_were_being_written_nothing_stays(tmp_path):
    for name in (".model.tmp.safetensors", ".metrics.tmp.jsonl", ".tmpA1b2C3"):
        (tmp_path / name).write_text("half")
    (tmp_path / "model.safetensors").write_text("whole")
    with used_alone(tmp_path):
        assert {path.name for path in tmp_path.iterdir()} == {LOCK, "model.safetensors"}


def test_parents_are_on_the_disk_too(tmp_path, monkeypatch):
    synced = []
    monkeypatch.setattr(folders, "sync", synced.append)
    make_parents(tmp_path / "a" / "b" / "c")
    assert synced == [tmp_path / "a", tmp_path]
    assert [path.name for path in tmp_path.rglob("*")] == ["a", "b"]
