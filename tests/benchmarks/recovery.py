"""Is the truth found, and does noise fool the tests? The aims of the simulated classes, over seeds, as a table.

`python -m tests.benchmarks.recovery STORE [--preset parametric] [--seeds 20] [--scenario NAME ...]`. Every cell is a
run in STORE's inbox, trained and tested with the learning-curve model; what is there already is not repeated.
"""

import argparse
import sys
from pathlib import Path

import pandas as pd

from gainakt.jobs import study
from gainakt.store import runs_root

SWEPT = {
    "heterogeneous-truth": (0.44,), "uniform-truth": (0.0,), "levels-truth": (0.0, 0.44), "ability-only": (0.0,),
    "bkt-truth": (0.0, 0.44), "afm-truth": (0.0, 0.44),
}  # fmt: skip
SHOWN = [
    "spearman", "low", "rate_cv", "auc_below_oracle", "mastery_correlation", "skills_in_data", "skills_by_run",
    "response_in_data", "response_by_run", "seconds",
]  # fmt: skip


def main(argv: list[str]) -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("store", type=Path)
    parser.add_argument("--preset", default="parametric")
    parser.add_argument("--seeds", type=int, default=20)
    parser.add_argument("--students", type=int, default=4000)
    parser.add_argument("--scenario", nargs="*", default=list(SWEPT), choices=list(SWEPT))
    parser.add_argument("--untested", action="store_true", help="train only; the same command without this tests")
    asked = parser.parse_args(argv)
    parts = []
    for name in asked.scenario:
        plan = study.Plan(
            (asked.students,), SWEPT[name], ("blocked",), (asked.preset,), asked.seeds, name, not asked.untested
        )
        rows = study.carry_out(plan, runs_root(asked.store), lambda _, says: print(says, file=sys.stderr))
        parts.append(study.summary(rows).assign(scenario=name))
    table = pd.concat(parts)[["scenario", "true_cv", "seeds", *SHOWN]]
    print(table.to_string(index=False, float_format=lambda value: f"{value:.4f}"))


if __name__ == "__main__":
    main(sys.argv[1:])
