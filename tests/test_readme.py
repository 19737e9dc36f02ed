"""The README's Python runs as it stands."""

import re
import runpy
from pathlib import Path

import ops  # noqa: F401 - its ops are registered before the README adds to them
from tape import REGISTRY

README = Path(__file__).parents[1] / "README.md"


def test_every_block_can_be_pasted(monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("tape.registry.REGISTRY", dict(REGISTRY))
    blocks = re.findall(r"```python\n(.*?)```", README.read_text(encoding="utf-8"), re.DOTALL)
    assert len(blocks) == 2
    for i, block in enumerate(blocks):
        Path(f"block{i}.py").write_text(block, encoding="utf-8")
        runpy.run_path(f"block{i}.py")


def test_the_idea_prints_the_tape_and_draws_it(monkeypatch, tmp_path, capsys):
    monkeypatch.chdir(tmp_path)
    section = README.read_text(encoding="utf-8").partition("## The idea")[2]
    snippet = re.search(r"```python\n(.*?)```", section, re.DOTALL)[1]
    Path("idea.py").write_text(snippet, encoding="utf-8")
    runpy.run_path("idea.py")
    assert re.search(r"#1 +cross_entropy +#0, leaf +float64\(\)", capsys.readouterr().out)
    assert Path("loss.gv").exists()
