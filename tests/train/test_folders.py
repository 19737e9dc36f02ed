import pytest

from train.folders import making


def test_a_folder_appears_when_it_is_complete(tmp_path):
    folder = tmp_path / "a"
    with making(folder) as unfinished:
        (unfinished / "file").write_text("whole")
        assert not folder.exists()
    assert (folder / "file").read_text() == "whole"
    assert list(folder.parent.iterdir()) == [folder]


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
