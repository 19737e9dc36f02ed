"""The demonstration as a command."""

from models import demo


def test_the_demonstration_writes_the_page(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr("sys.argv", ["models.demo", str(tmp_path / "t.html")])
    assert demo.main() == 0
    assert "t.html: " in capsys.readouterr().out
    assert [path.name for path in tmp_path.iterdir()] == ["t.html"]
    monkeypatch.setattr("sys.argv", ["models.demo", str(tmp_path / "no" / "t.html")])
    assert demo.main() == 1
    assert "No such file or directory" in capsys.readouterr().err
