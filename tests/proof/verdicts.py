"""What became of each mutant, remembered from run to run."""

import hashlib
import json
import os
from dataclasses import dataclass
from pathlib import Path

from .mutants import Mutant


@dataclass(frozen=True)
class Verdict:
    """What killed a mutant (a test, a signal, its import), None if nothing did."""

    mutant: Mutant
    killer: str | None


class Memory:
    """Verdicts in a JSON file, by content.

    A verdict holds as long as the mutated file is the same, and the test file that killed the
    mutant; where no test did, all that could. It does not notice changes of other files.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._held = json.loads(path.read_text()) if path.exists() else {}

    def recall(self, mutant: Mutant, relevant: list[str]) -> Verdict | None:
        killer, digest = self._held.get(mutant.key, (None, None))
        known = digest == _digest(killer, relevant)
        return Verdict(mutant, killer) if known else None

    def keep(self, verdict: Verdict, relevant: list[str]) -> None:
        killer = verdict.killer
        self._held[verdict.mutant.key] = killer, _digest(killer, relevant)

    def save(self) -> None:
        self._path.parent.mkdir(parents=True, exist_ok=True)
        beside = self._path.with_suffix(".tmp")
        beside.write_text(json.dumps(self._held))
        os.replace(beside, self._path)


def _digest(killer: str | None, relevant: list[str]) -> str:
    tests = [killer] if killer and "::" in killer else sorted(relevant)
    files = {test.partition("::")[0] for test in tests}
    contents = [Path(file).read_text() for file in sorted(files) if Path(file).exists()]
    return hashlib.sha256("\n".join([*tests, *contents]).encode()).hexdigest()
