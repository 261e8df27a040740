"""How often do the tests on the data alone find what is there, and what is not? A row a class, over seeds.

    python -m tests.benchmarks.false_alarms FILE [--level student_skill] [--seeds 20] [--students 2000]

No training: the learning-curve model alone, as the verdict asks it. Each test is a line of JSON in FILE; what is there
already is not repeated.
"""

import argparse
import json
import sys
from pathlib import Path
from typing import Any

import pandas as pd

from gainakt.simulate import simulate
from gainakt.verdict.with_curve_model import MOST, data_tests

ASKED = (
    ("uniform-truth", {}, "skills", False),
    ("levels-truth", {"rate_cv": 0.0}, "skills", False),
    ("levels-truth", {"rate_cv": 0.44}, "skills", True),
    ("ability-only", {}, "response", False),
)  # fmt: skip
"""Class, its changes, the question, and whether there is something to find."""


def tested(name: str, changes: dict[str, float], question: Any, asked: argparse.Namespace, seed: int) -> dict[str, Any]:
    """One class and what its test said."""
    data = simulate(name, seed, students=asked.students, **changes)
    test = data_tests(data, 200, seed, lambda *_: None, asked.level, (question,))[question]
    return {"decision": test.decision, "low": test.free_minus_tied.low, "size": test.size}


def main(argv: list[str]) -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("file", type=Path)
    parser.add_argument("--level", default="student_skill", choices=list(MOST))
    parser.add_argument("--seeds", type=int, default=20)
    parser.add_argument("--students", type=int, default=2000)
    asked = parser.parse_args(argv)
    asked.file.touch()
    done = [json.loads(line) for line in asked.file.read_text("utf-8").splitlines()]
    for seed in range(asked.seeds):
        for name, changes, question, there in ASKED:
            key = {
                "scenario": name,
                **changes,
                "question": question,
                "there": there,
                "level": asked.level,
                "seed": seed,
            }
            if any(row.items() >= key.items() for row in done):
                continue
            done.append({**key, **tested(name, changes, question, asked, seed)})
            with asked.file.open("a", encoding="utf-8") as file:
                file.write(json.dumps(done[-1]) + "\n")
    rows = pd.DataFrame(done).assign(rate_cv=lambda frame: frame.get("rate_cv"))
    groups = rows.groupby(["scenario", "rate_cv", "question", "there", "level"], dropna=False, sort=False)
    table = groups.agg(
        seeds=("seed", "size"), found=("decision", lambda said: (said == "pass").sum()),
        size=("size", "mean"), lowest=("low", "min"), highest=("low", "max"),
    )  # fmt: skip
    print(table.to_string(float_format=lambda value: f"{value:.5f}"))


if __name__ == "__main__":
    main(sys.argv[1:])
