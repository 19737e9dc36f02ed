"""`python -m tests.proof`: do the tests notice when an op or the engine is wrong?"""

import argparse
import os
import sys
from pathlib import Path

from tqdm import tqdm

from . import page, runner
from .mutants import mutants_of
from .verdicts import Memory, Verdict

ENGINE = (
    *("engine/op", "engine/record", "engine/recording", "engine/walk", "engine/cotangents"),
    *("engine/variable", "watch/guard", "inputs", "registration", "registry", "tensor", "tape"),
    "gradcheck",
)
REASONS = Path("tests/proof/equivalent.toml")
PAGE = Path("docs/proof.md")
MEMORY = Path("build/proof/verdicts.json")


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.proof", description=__doc__)
    parser.add_argument("files", nargs="*", help="as ops/softmax.py or ops/; all if left out")
    parser.add_argument("--jobs", type=int, default=os.cpu_count(), help="tests at a time")
    given = parser.parse_args()
    files = [f"tape/{name}.py" for name in ENGINE]
    files += [str(path) for path in sorted(Path("ops").glob("*.py")) if path.stem != "__init__"]
    chosen = [file for file in files if file.startswith(tuple(given.files or [""]))]
    if not chosen:
        parser.error(f"none of {', '.join(given.files)} is mutated: {', '.join(files)} are")

    mutants = [
        mutant
        for file in tqdm(chosen, "mutating", leave=False)
        for mutant in mutants_of(Path(), file)
    ]
    runner.prepare()
    print("running the tests on the tree as it is", file=sys.stderr)
    found = runner.survey(Path.cwd())
    if found["failed"]:
        print("these must pass first:", *found["failed"], sep="\n")
        return 1

    trials, memory = runner.Trials(found, given.jobs), Memory(MEMORY)
    verdicts = {}
    for mutant in mutants:
        if known := memory.recall(mutant, trials.relevant(mutant)):
            verdicts[mutant] = known
    new = [mutant for mutant in mutants if mutant not in verdicts]
    try:
        for mutant, killer in tqdm(trials.run(new), "mutants", len(new)):
            verdicts[mutant] = Verdict(mutant, killer)
            memory.keep(verdicts[mutant], trials.relevant(mutant))
    finally:
        memory.save()

    ordered = [verdicts[mutant] for mutant in mutants]
    reasons = page.read_reasons(REASONS)
    survivors = {v.mutant.identity: v.mutant for v in ordered if v.killer is None}
    unexplained = [mutant for key, mutant in survivors.items() if key not in reasons]
    stale = [key for key in reasons if key[0] in chosen and key not in survivors]
    print(*map(page.entry, unexplained), sep="\n")
    for key in stale:
        print("a reason for a mutant that is not there or is killed:", *key, sep="\n  ")
    print(f"{len(mutants)} mutants, {len(survivors)} survivors, {len(unexplained)} unexplained")
    if chosen == files:
        PAGE.write_text(page.page(found, ordered, reasons))
    return 1 if unexplained or stale else 0


if __name__ == "__main__":
    sys.exit(main())
