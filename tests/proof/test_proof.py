"""The mutations, and what is remembered of them."""

import tomllib
from pathlib import Path

import pytest

pytest.importorskip("cosmic_ray")

import ops  # noqa: F401 - registers them
from tape import REGISTRY

from . import mutants, page
from .operators import OPERATORS, TextOperator
from .verdicts import Memory, Verdict

OWN = [operator for operator in OPERATORS if isinstance(operator, TextOperator)]

FILE = '''\
"""A file of ops."""

LIMIT = 3 + 4


@op(samples=(Sample(normal(3, 4)),))
def halve(x: Array[1], /) -> Array[2]:
    """x / 2."""
    if len(x) < LIMIT:
        raise ValueError(f"{len(x) + 1} is " + "few")
    return [a.reshape(-1) for a, _ in zip(x, x, strict=True)]
'''
LAST = FILE.splitlines()[-1].strip()


def test_every_op_is_on_the_page():
    rows = Path(__file__).parents[2].joinpath("docs", "proof.md").read_text().splitlines()
    listed = {row.split("`")[1] for row in rows if row.startswith("| `")}
    assert REGISTRY.keys() <= listed, "run python -m tests.proof"


def only_mutant(tmp_path, code):
    (tmp_path / "ops.py").write_text(code)
    [mutant] = mutants.mutants_of(tmp_path, "ops.py")
    return mutant


@pytest.mark.parametrize("operator", OWN, ids=lambda operator: type(operator).__name__)
def test_operators_do_as_their_examples_say(operator):
    changed = [code for _, code in mutants.variants(operator.before, [operator])]
    assert changed == list(operator.after)


def test_samples_annotations_and_messages_stay_as_they_are(tmp_path):
    (tmp_path / "ops.py").write_text(FILE)
    found = mutants.mutants_of(tmp_path, "ops.py")
    assert {(m.before, m.after) for m in found} == {
        ("if len(x) < LIMIT:", "if len(x) <= LIMIT:"),
        ("if len(x) < LIMIT:", "if len(x) > LIMIT:"),
        ("if len(x) < LIMIT:", "if True:"),
        ("if len(x) < LIMIT:", "if False:"),
        ('raise ValueError(f"{len(x) + 1} is " + "few")', "pass"),
        (LAST, LAST.replace("-1", "-0")),
        (LAST, LAST.replace("-1", "1")),
        (LAST, LAST.replace("-1", "")),
    }
    assert {m.function for m in found} == {"halve"}


def test_the_same_lines_twice_are_told_apart(tmp_path):
    (tmp_path / "ops.py").write_text("def f():\n    raise\n\n    raise\n")
    first, second = mutants.mutants_of(tmp_path, "ops.py")
    assert first.identity == ("ops.py", "f", "raise", "pass", 1)
    assert second.identity == ("ops.py", "f", "raise", "pass", 2)


def test_an_entry_with_a_reason_explains_its_mutant(tmp_path):
    mutant = only_mutant(tmp_path, "def f(a):\n    a.b = (\n        '\\n'\n    )\n")
    text = page.entry(mutant).replace('reason = ""', 'reason = "no matter"')
    assert tomllib.loads(text)
    (tmp_path / "equivalent.toml").write_text(text)
    assert page.read_reasons(tmp_path / "equivalent.toml") == {mutant.identity: "no matter"}


def test_a_verdict_holds_until_the_test_that_decided_changes(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    mutant = only_mutant(tmp_path, "def f():\n    raise\n")
    for name in ("killer", "other"):
        (tmp_path / f"{name}.py").write_text("1")
    relevant = ["killer.py::test", "other.py::test"]
    memory = Memory(tmp_path / "build" / "verdicts.json")
    memory.keep(Verdict(mutant, "killer.py::test"), relevant)
    memory.save()

    again = Memory(tmp_path / "build" / "verdicts.json")
    (tmp_path / "other.py").write_text("2")
    assert again.recall(mutant, relevant) == Verdict(mutant, "killer.py::test")
    (tmp_path / "killer.py").write_text("2")
    assert again.recall(mutant, relevant) is None
