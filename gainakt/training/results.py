"""What a run reports at its end: measures of every split and of the run, skills, and the recovery of a known truth."""

from pathlib import Path
from typing import Any

import numpy as np

from gainakt.data.interactions import Interactions
from gainakt.data.sequences import Split, Windows
from gainakt.measures.metrics import SPREAD_STD, UNIFORM_STD
from gainakt.model.gainakt import GainAKT
from gainakt.training import kept_predictions, truths
from gainakt.training.evaluate import measure, predict, seed_forms, skill_table
from gainakt.training.truths import Results


def final_results(
    model: GainAKT,
    data: Interactions,
    split: Split,
    windows: dict[str, Windows],
    gain: str = "practised",
    folder: Path | None = None,
) -> tuple[Results, list[dict[str, Any]]]:
    """Measures by split, of the run (`run`) and of a known truth (`recovery`), and the table of skills.

    `gain` names the tensor that gain statistics read; the table always reads the practised gains, of training and
    validation students, some of them where they are very many (`Windows.some`). Every split is read once; the
    predictions of the test students are kept in `folder`.
    """
    skills = len(data.skills)
    windows = {name: part if name == "test" else part.some() for name, part in windows.items()}
    predictions = {name: predict(model, part) for name, part in windows.items()}
    if folder is not None:
        at = kept_predictions.places(windows["test"])
        kept_predictions.keep(folder, predictions["test"], at, data, ("encoder1", "encoder2"))
    results: Results = {
        name: measure(part, skills, gain) | seed_forms(model, windows[name]) for name, part in predictions.items()
    }
    mastery = model.encoder2.mastery
    for values in results.values():
        values["beta_std"] = float(mastery.beta.detach().std(correction=0))
    rows, rates = skill_table(model.encoder2, data.skills, predictions["train"], predictions["validation"])
    results["run"] = rates | {
        "gamma_mean": float(mastery.gamma.detach().mean()),
        "gamma_std": float(mastery.gamma.detach().std(correction=0)),
        "temperature": float(mastery.temperature.detach()),
        "theta_mean": float(mastery.threshold.detach().mean()),
    }
    return results | truths.of_model(
        model, data, split, windows["test"].window, predictions["test"].mastery, rows
    ), rows


def onsets(gain_std: list[tuple[float, float]]) -> dict[str, float | None]:
    """First epochs from which gains stayed uniform or spread, from each epoch's std of gains and aggregate gains."""
    return {
        "uniform_since": _since([std < UNIFORM_STD for std, _ in gain_std]),
        "spread_since": _since([std >= SPREAD_STD for std, _ in gain_std]),
        "aggregate_uniform_since": _since([std < UNIFORM_STD for _, std in gain_std]),
    }


def _since(holds: list[bool]) -> float | None:
    """First epoch, from 1 on, from which `holds` stays true to the end; None if it does not hold at the end."""
    if not holds or not holds[-1]:
        return None
    broken = np.nonzero(~np.array(holds))[0]
    return float(broken[-1] + 2 if len(broken) else 1)
