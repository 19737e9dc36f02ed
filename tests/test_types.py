"""The programs in the documents pass the type checker, as an editor shows them."""

import doctest
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
FLAGS = ["--config-file=", "--check-untyped-defs", "--follow-imports=silent"]
FLAGS += ["--allow-redefinition"]  # as one page goes on from example to example


def readme() -> list[str]:
    """The README's programs, each a module."""
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    return re.findall(r"^```python\n(.*?)^```", text, re.MULTILINE | re.DOTALL)


def tutorial() -> list[str]:
    """The tutorial's examples, one after the other in one module."""
    text = (ROOT / "docs/tutorial.md").read_text(encoding="utf-8")
    return ["".join(example.source for example in doctest.DocTestParser().get_examples(text))]


@pytest.mark.parametrize("programs", [readme, tutorial])
def test_the_programs_of_a_document_have_the_types_that_they_seem_to_have(programs, tmp_path):
    pytest.importorskip("mypy")
    files = [tmp_path / f"program{i}.py" for i, _ in enumerate(programs())]
    for file, text in zip(files, programs(), strict=True):
        file.write_text(text, encoding="utf-8")
    ran = subprocess.run(
        [sys.executable, "-m", "mypy", *FLAGS, *files],
        capture_output=True,
        text=True,
        cwd=ROOT,
        env={"MYPYPATH": str(ROOT)},
    )
    assert ran.returncode == 0, ran.stdout + ran.stderr
