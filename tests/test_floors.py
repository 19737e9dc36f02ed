"""Imports go one way, from floor to floor; docs/architecture.md says what is on each."""

import ast
import os
import subprocess
import sys
import tokenize
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]

FLOORS = {
    "tape.engine": (),
    "tape.watch": ("tape.engine",),
    "tape.views": ("tape.engine", "tape.watch"),
    "tape.pictures": ("tape.engine", "tape.watch", "tape.views", "tape.files"),
    "tape.files": (),
    "tape": ("tape",),
    "ops": ("ops", "tape"),
    "models": ("models", "ops", "tape"),
    "train": ("train", "models", "ops", "tape"),
}
"""What each part may import, of ours and beside itself."""

FILES = [
    file for name in ("tape", "ops", "models", "train") for file in (ROOT / name).rglob("*.py")
]
THEIRS = {"engine": {"numpy"}, "watch": {"numpy", "xxhash"}, "views": {"numpy"}}
"""The packages of others that the floors of `tape` use."""


def module_of(file: Path) -> str:
    parts = file.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts).removesuffix(".__init__")


def floor_of(module: str) -> str:
    """The part that a module belongs to."""
    return max((f for f in FLOORS if f"{module}.".startswith(f"{f}.")), key=len, default="")


def imports(file: Path) -> Iterator[str]:
    """Every module that a file imports, wherever in it that is written."""
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.module and not node.level, f"{file} imports by dots"
            yield node.module


@pytest.mark.parametrize("file", FILES, ids=module_of)
def test_a_file_imports_from_its_floor_and_those_below_it(file):
    own = floor_of(module_of(file))
    for module in imports(file):
        floor = floor_of(module)
        assert not floor or f"{floor}.".startswith(tuple(f"{f}." for f in (own, *FLOORS[own])))
        if "tape." in own and own.partition(".")[2] in THEIRS and not floor:
            package = module.partition(".")[0]
            known = sys.stdlib_module_names | THEIRS[own.partition(".")[2]]
            assert package in known, f"{package} has no business on the floor {own}"


def test_the_files_of_a_floor_are_in_no_circle():
    graph = {module_of(file): set(top_level_imports(file)) for file in FILES}
    done: set[str] = set()

    def visit(module, path):
        assert module not in path, f"a circle: {' -> '.join([*path, module])}"
        if module in graph and module not in done:
            for other in sorted(graph[module]):
                visit(other, [*path, module])
            done.add(module)

    for module in graph:
        visit(module, [])


def top_level_imports(file: Path) -> Iterator[str]:
    """What is imported when the file is: not for types alone, nor when a function is called."""
    for node in ast.parse(file.read_text(encoding="utf-8")).body:
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield node.module
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def test_importing_tape_loads_nothing_that_looks_on_or_draws():
    program = "import sys, tape; print(*sys.modules)"
    ran = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    loaded = ran.stdout.split()
    assert "tape.engine.walk" in loaded
    for name in ("graphviz", "webbrowser", "xxhash", "tape.watch", "tape.views", "tape.pictures"):
        assert not any(f"{module}.".startswith(f"{name}.") for module in loaded), name


def test_importing_train_leaves_the_environment_alone():
    program = "import os; before = dict(os.environ); import train; print(os.environ == before)"
    environment = {k: v for k, v in os.environ.items() if not k.startswith("OPENBLAS_")}
    ran = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, env=environment
    )
    assert ran.stdout == "True\n", ran.stderr


def code_lines(file: Path) -> int:
    """Lines of a file on which there is code, docstrings left out."""
    docstrings: set[int] = set()
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant):
            docstrings |= {*range(node.lineno, node.end_lineno + 1)}
    lines: set[int] = set()
    with tokenize.open(file) as source:
        for token in tokenize.generate_tokens(source.readline):
            if token.type not in (tokenize.COMMENT, tokenize.NL) and token.string.strip():
                lines |= {*range(token.start[0], token.end[0] + 1)}
    return len(lines - docstrings)


def test_the_engine_is_read_in_one_sitting():
    assert sum(map(code_lines, (ROOT / "tape/engine").glob("*.py"))) <= 500
