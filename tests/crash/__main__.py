"""`python -m tests.crash`: is anything lost by kills, power cuts, full disks, damage or crowds?"""

import argparse
import os
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

from bench.page import publish

from . import campaign


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.crash", description=__doc__)
    parser.add_argument("rows", nargs="*", help="parts of the names of rows; all if left out")
    parser.add_argument("--repeats", type=int, default=100, help="of each that chance decides")
    parser.add_argument("--every", type=int, default=1, help="take only every so many of all")
    parser.add_argument("--jobs", type=int, default=os.cpu_count(), help="trials at a time")
    parser.add_argument("--page", type=Path, help="a Markdown page to write the table to")
    given = parser.parse_args()
    campaign.warm_up()
    with TemporaryDirectory() as scratch:
        scenarios = campaign.prepare(Path(scratch))
        everything = campaign.plan(scenarios, Path(scratch), given.repeats)
        chosen = [
            trial
            for trial in everything
            if not given.rows or any(part in trial.row for part in given.rows)
        ]
        rows = campaign.survive(chosen[:: given.every], given.jobs)
    table = campaign.table(rows)
    print(table)
    if given.page:
        publish(given.page, "What was tried", table)
    return 1 if any(row.problems for row in rows.values()) else 0


if __name__ == "__main__":
    sys.exit(main())
