"""Our BKT beside pyBKT's on one simulated file: both fits, and the truth.

    python -m venv peer && peer/bin/pip install "pyBKT==1.4.3" "scikit-learn<1.8" "numpy<2.3" "pandas<3"
    python -m tests.benchmarks.bkt --peer peer/bin/python [--seed 0] [--students 2000]

pyBKT has an environment of its own because it cannot be imported and run beside the versions that this project pins.
"""

import argparse
import io
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np
import pandas as pd

from gainakt.config import Config, changed
from gainakt.curve_model.bkt import fitted_bkt
from gainakt.curve_model.counts import practice_of
from gainakt.datasets.load import load
from gainakt.simulate import scenario, with_truth, write

OURS = {"known": "prior", "learn": "learns", "guess": "guesses", "slip": "slips"}
"""Our names and pyBKT's."""
PEER = """
import sys, pandas
from pyBKT.models import Model
table = pandas.read_csv(sys.argv[1], dtype={"skill": str})
table = table.rename(columns={"student": "user_id", "order": "order_id", "skill": "skill_name", "response": "correct"})
model = Model(seed=0, num_fits=5)
model.fit(data=table)
model.params().reset_index().to_csv(sys.stdout)
"""


def main(argv: list[str]) -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--peer", required=True, help="a Python that has pyBKT")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--students", type=int, default=2000)
    asked = parser.parse_args(argv)
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "bkt-truth.csv"
        write("bkt-truth", scenario("bkt-truth", {"students": str(asked.students)}), asked.seed, file)
        data = with_truth(load(changed(Config(), {"data.path": str(file)}).data), file)
        told = subprocess.run([asked.peer, "-c", PEER, str(file)], capture_output=True, text=True, check=True)
    table = pd.read_csv(io.StringIO(told.stdout), dtype={"skill": str})
    peer = table.pivot_table(index="skill", columns="param", values="value", aggfunc="first").loc[data.skills]
    mine = fitted_bkt(practice_of(data, np.arange(len(data.students)), 1_000_000), len(data.skills))
    truth = {
        "known": 1 / (1 + np.exp(data.truth["offset"])), "learn": 1 - np.exp(-np.asarray(data.truth["rate"])),
        "guess": data.truth["guess"], "slip": data.truth["slip"],
    }  # fmt: skip
    rows = []
    for name, other in OURS.items():
        ours, theirs = getattr(mine, name), peer[other].to_numpy(float)
        rows.append({
            "parameter": name, "r of both": np.corrcoef(ours, theirs)[0, 1],
            "mean distance": np.abs(ours - theirs).mean(),
            "RMSE ours": np.sqrt(np.mean((ours - truth[name]) ** 2)),
            "RMSE pyBKT": np.sqrt(np.mean((theirs - truth[name]) ** 2)),
        })  # fmt: skip
    print(pd.DataFrame(rows).to_string(index=False, float_format="{:.4f}".format))


if __name__ == "__main__":
    main(sys.argv[1:])
