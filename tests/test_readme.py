"""The README's first snippet runs as it stands."""

import re
import runpy
from pathlib import Path

README = Path(__file__).parents[1] / "README.md"


def test_the_idea_prints_the_tape_and_draws_it(monkeypatch, tmp_path, capsys):
    monkeypatch.chdir(tmp_path)
    section = README.read_text(encoding="utf-8").partition("## The idea")[2]
    snippet = re.search(r"```python\n(.*?)```", section, re.DOTALL)[1]
    Path("idea.py").write_text(snippet, encoding="utf-8")
    runpy.run_path("idea.py")
    assert re.search(r"#1 +cross_entropy +#0, leaf +float64\(\)", capsys.readouterr().out)
    assert Path("loss.gv").exists()
