"""Our BKT beside pyBKT's: both fits of the same responses, and the truth where they are simulated.

    python -m venv peer && peer/bin/pip install "pyBKT==1.4.3" "scikit-learn<1.8" "numpy<2.3" "pandas<3"
    python -m tests.benchmarks.bkt --peer peer/bin/python [--seed 0] [--students 2000]
    python -m tests.benchmarks.bkt --peer peer/bin/python --data PATH [--skills 12]    # the most practised ones

pyBKT has an environment of its own because it cannot be imported and run beside the versions that this project pins.
It maximises the likelihood alone; ours is drawn to the mean skill by ten students, so it is fitted without that, too.
"""

import argparse
import subprocess
import sys
import tempfile
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from sklearn.metrics import roc_auc_score

from gainakt.config import Config, changed
from gainakt.curve_model import bkt
from gainakt.curve_model.bkt import Bkt
from gainakt.curve_model.counts import Practice, practice_of
from gainakt.data.interactions import Interactions
from gainakt.datasets.load import load
from gainakt.simulate import simulate

OURS = {"known": "prior", "learn": "learns", "guess": "guesses", "slip": "slips"}
"""Our names and pyBKT's."""
HIGHEST = 0.5
"""Our bound of P(guess) and P(slip)."""
PEER = """
import sys, pandas
from pyBKT.models import Model
table = pandas.read_csv(sys.argv[1], dtype={"skill_name": str})
model = Model(seed=0, num_fits=5, parallel=False)
model.fit(data=table)
model.params().reset_index().to_csv(sys.argv[2])
model.predict(data=table).sort_values("order_id")["correct_predictions"].to_csv(sys.argv[3])
"""


def by_peer(python: str, data: Interactions) -> tuple[Bkt, np.ndarray]:
    """pyBKT's parameters of these skills, and its own predictions (N,)."""
    with tempfile.TemporaryDirectory() as folder:
        given, parameters, predicted = (
            Path(folder) / name for name in ("given.csv", "parameters.csv", "predicted.csv")
        )
        columns = {"order_id": np.arange(len(data)), "user_id": data.student, "correct": data.response}
        pd.DataFrame(columns).assign(skill_name=[f"k{one}" for one in data.skill]).to_csv(given, index=False)
        asked = [python, "-c", PEER, str(given), str(parameters), str(predicted)]
        if (done := subprocess.run(asked, capture_output=True, text=True)).returncode:
            sys.exit(done.stderr)
        table = pd.read_csv(parameters).pivot_table(index="skill", columns="param", values="value", aggfunc="first")
        chance = pd.read_csv(predicted)["correct_predictions"].to_numpy()
    table = table.loc[[f"k{one}" for one in range(len(data.skills))]]
    return Bkt(**{name: table[other].to_numpy(float) for name, other in OURS.items()}), chance


def most_practised(data: Interactions, count: int, students: int) -> Interactions:
    """Only the responses to these skills, which are numbered anew, of so many students with two of them or more."""
    kept = np.sort(np.argsort(-np.bincount(data.skill), kind="stable")[:count])
    here = np.isin(data.skill, kept) & (data.student % -(-len(data.students) // students) == 0)
    here &= np.bincount(data.student[here], minlength=len(data.students))[data.student] > 1  # we fit no single response
    return replace(
        data, student=data.student[here], skill=np.searchsorted(kept, data.skill[here]), response=data.response[here],
        skills=[data.skills[one] for one in kept], question=None, questions=[], group=None,
    )  # fmt: skip


def likelihoods(fits: dict[str, Bkt], practice: Practice) -> pd.DataFrame:
    """Mean log-likelihood of a response and AUC, each by our filter with the parameters of a fit."""
    rows = []
    for name, fit in fits.items():
        chance = bkt.predicted_bkt(fit, practice)
        told = np.log(np.where(practice.response > 0, chance, 1 - chance)).sum()
        rows.append((name, told, told / len(practice), roc_auc_score(practice.response, chance)))
    return pd.DataFrame(rows, columns=["fit", "log-likelihood", "per response", "AUC"])


def parameters(fits: dict[str, Bkt], peer: Bkt, truth: dict[str, Any]) -> pd.DataFrame:
    """How far each fit lies from pyBKT's where that is within our bounds, and both from the truth."""
    within = (peer.guess < HIGHEST) & (peer.slip < HIGHEST)
    rows = []
    for name in OURS:
        for label, fit in {**fits, "pyBKT": peer}.items():
            distance = np.abs(getattr(fit, name) - getattr(peer, name))
            row = {"parameter": name, "fit": label, "mean distance": distance[within].mean()}
            row |= {"median": np.median(distance[within]), "largest": distance[within].max()}
            if truth:
                row["RMSE"] = np.sqrt(np.mean((getattr(fit, name) - truth[name]) ** 2))
            rows.append(row)
    print(f"pyBKT's guess or slip is above {HIGHEST:g} for {(~within).sum()} skills, which ours does not allow")
    return pd.DataFrame(rows)


def main(argv: list[str]) -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--peer", required=True, help="a Python that has pyBKT")
    parser.add_argument("--data", help="responses to fit; simulated ones without it")
    parser.add_argument("--skills", type=int, default=12)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--students", type=int, default=2000)
    asked = parser.parse_args(argv)
    truth: dict[str, Any] = {}
    if asked.data:
        data = load(changed(Config(), {"data.path": asked.data}).data)
        data = most_practised(data, asked.skills, asked.students)
    else:
        data = simulate("bkt-truth", asked.seed, students=asked.students)
        truth = {
            "known": 1 / (1 + np.exp(data.truth["offset"])), "learn": 1 - np.exp(-np.asarray(data.truth["rate"])),
            "guess": data.truth["guess"], "slip": data.truth["slip"],
        }  # fmt: skip
    peer, chance = by_peer(asked.peer, data)
    practice = practice_of(data, np.arange(len(data.students)), 1_000_000)
    fits = {"ours": bkt.fitted_bkt(practice, len(data.skills))}
    bkt._PRIOR, bkt._ITERATIONS, bkt._TOLERANCE = 0.0, 2000, 1e-9
    fits["ours, likelihood alone"] = bkt.fitted_bkt(practice, len(data.skills))
    print(f"{len(data):,} responses, {len(data.skills)} skills, {len(np.unique(data.student)):,} students")
    print(parameters(fits, peer, truth).to_string(index=False, float_format="{:.4f}".format))
    print(likelihoods({**fits, "pyBKT": peer}, practice).to_string(index=False, float_format="{:.4f}".format))
    apart = np.abs(bkt.predicted_bkt(peer, practice) - chance[practice.place]).max()
    print(f"with pyBKT's parameters, our predictions and its own differ by {apart:.2e} at most")


if __name__ == "__main__":
    main(sys.argv[1:])
