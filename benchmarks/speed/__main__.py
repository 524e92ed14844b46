"""``python -m benchmarks.speed loading``: run a suite, print its table and a line of JSON."""

import importlib
import json
import os
import sys
from collections.abc import Sequence

SUITES = {"encoder": 1, "env": 1, "loading": 1, "runner": 2, "training": 1}
"""Cores of each suite: ratios are taken on one core, except where two are compared with one."""

ONE_THREAD = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")


def main(arguments: Sequence[str]) -> int:
    """Run the suite that is named, pinned to its cores."""
    if len(arguments) != 1 or arguments[0] not in SUITES:
        print(f"usage: python -m benchmarks.speed {'|'.join(SUITES)}", file=sys.stderr)
        return 2
    for variable in ONE_THREAD:
        os.environ[variable] = "1"
    if hasattr(os, "sched_setaffinity"):
        cores = sorted(os.sched_getaffinity(0))
        os.sched_setaffinity(0, cores[: SUITES[arguments[0]]])
    from benchmarks.speed.timing import print_rows

    rows = importlib.import_module(f"benchmarks.speed.{arguments[0]}").measure()
    print_rows(rows)
    print(json.dumps({row.key: round(row.value, 4) for row in rows}))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
