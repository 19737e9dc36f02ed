"""The page docs/proof.md, and the reasons in equivalent.toml."""

import tomllib
from collections import Counter
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from .mutants import Mutant
from .verdicts import Verdict

TRAITS = ("samples", "broadcast", "0-d", "empty", "extreme", "kink")
Reasons = dict[tuple[str, str, str, str, int], str]
"""Why a mutant is the same function, by its identity."""

PROSE = """\
# How the gradients are checked

Every op has a gradient rule written by hand, and sample inputs beside it. From the samples, the
tests make the checks below for every op. Whether the checks would notice a mistake is itself
tested: the command

    pip install -e '.[proof]' && python -m tests.proof

makes the mistakes. It changes one thing at a time in the functions of `ops/` and of the engine (a
sign, an operand, an axis, a number, a comparison, a condition, a statement), runs the tests
against each such mutant, and writes this page. A mutant is killed if a test fails, or if it cannot
be imported or runs out of time or memory. The command fails if one survives for which
`tests/proof/equivalent.toml` has no reason why it is the same function.

The changes are made by operators of cosmic-ray and some in `tests/proof/operators.py`; samples,
annotations and the texts of errors stay as they are. (mutmut, the other well-known tool, leaves
decorated functions out, and every op is decorated.) Verdicts are remembered in `build/proof`, for
as long as the mutated file and the tests that decided are the same; remove it to begin anew.
"""


def read_reasons(path: Path) -> Reasons:
    entries = tomllib.loads(path.read_text()).get("equivalent", [])
    return {
        (e["file"], e["function"], e["before"], e["after"], e.get("nth", 1)): e["reason"]
        for e in entries
        if e["reason"]
    }


def entry(mutant: Mutant) -> str:
    """A mutant as equivalent.toml has it, its reason left open."""
    lines = [
        "[[equivalent]]",
        f'file = "{mutant.file}"',
        f'function = "{mutant.function}"',
        f"before = '''\n{mutant.before}'''",
        f"after = '''\n{mutant.after}'''",
        *([f"nth = {mutant.nth}"] if mutant.nth > 1 else []),
        'reason = ""',
    ]
    return "\n".join(lines) + "\n"


def page(found: dict[str, Any], verdicts: list[Verdict], reasons: Reasons) -> str:
    """The whole text; `found` is what the survey found."""
    survivors = [v.mutant for v in verdicts if v.killer is None]
    summary = (
        f"Of {len(verdicts):,} mutants the tests kill {len(verdicts) - len(survivors):,}; "
        f"{sum(m.identity in reasons for m in survivors):,} others are the same function."
    )
    parts = [
        PROSE,
        summary + "\n",
        "## The checks, and on how many samples each op goes through them\n",
        _coverage(found["checks"], found["coverage"]),
        "## Where hand-written gradients go wrong, and what guards against it\n",
        *(_pitfall(name, tests) for name, tests in sorted(found["pitfalls"].items())),
        "\n## Mutants\n",
        _kills(verdicts),
        "## Survivors, and why each is the same function\n",
        *(_survivor(mutant, reasons.get(mutant.identity)) for mutant in survivors),
    ]
    return "\n".join(parts)


def _coverage(checks: dict[str, dict[str, int]], coverage: dict[str, dict[str, int]]) -> str:
    names = list(dict.fromkeys(name for ran in checks.values() for name in ran))
    numbered = "\n".join(
        f"{i}. {name.removeprefix('test_').replace('_', ' ')}" for i, name in enumerate(names, 1)
    )
    explained = (
        "Of an op's samples, so many have an operand that is broadcast, a 0-d or an empty array, "
        "values that are\nextreme (10³ and more, or below 10⁻³⁷), or a kink: a point without a "
        "derivative, where PyTorch's choice counts.\n"
    )
    rows = [
        [
            f"`{op}`",
            *(coverage[op].get(t, "") for t in TRAITS),
            *(checks[op].get(n, "") for n in names),
        ]
        for op in sorted(checks)
    ]
    header = ["op", *TRAITS, *map(str, range(1, len(names) + 1))]
    return f"{numbered}\n\n{explained}\n{_table(header, rows)}"


def _pitfall(name: str, tests: list[str]) -> str:
    named = (f"`{test.split('::')[1]}` in `{test.split('::')[0]}`" for test in tests)
    return f"- {name}: {', '.join(named)}"


def _kills(verdicts: list[Verdict]) -> str:
    made = Counter((v.mutant.file, v.mutant.function) for v in verdicts)
    killed = Counter((v.mutant.file, v.mutant.function) for v in verdicts if v.killer)
    rows = [
        [f"`{file}`", f"`{function}`", *_score(n, killed[file, function])]
        for (file, function), n in made.items()
    ]
    rows.append(["all", "", *_score(made.total(), killed.total())])
    return _table(["file", "function", "mutants", "killed", "survived", "killed, %"], rows)


def _score(made: int, killed: int) -> list[Any]:
    return [f"{made:,}", f"{killed:,}", f"{made - killed:,}", f"{100 * killed / made:.1f}"]


def _survivor(mutant: Mutant, reason: str | None) -> str:
    minus = "\n".join(f"- {line}" for line in mutant.before.splitlines())
    plus = "\n".join(f"+ {line}" for line in mutant.after.splitlines())
    return (
        f"`{mutant.function}` in `{mutant.file}`: {reason or '**unexplained**'}\n\n"
        f"```diff\n{minus}\n{plus}\n```\n"
    )


def _table(header: list[str], rows: Iterable[list[Any]]) -> str:
    lines = [header, ["---"] + ["---:"] * (len(header) - 1), *rows]
    return "\n".join(f"| {' | '.join(map(str, line))} |" for line in lines) + "\n"
