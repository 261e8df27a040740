"""Recovery of the truth after a run on simulated students: what was learned beside what is true."""

from typing import Any

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from gainakt.curve_model.counts import practice_of
from gainakt.data.interactions import Interactions
from gainakt.data.sequences import Split
from gainakt.measures.metrics import column
from gainakt.measures.recovery import Learned, Scored, recovery, true_gain_ratio, true_rates
from gainakt.model.gainakt import GainAKT
from gainakt.simulate import trajectory

Results = dict[str, dict[str, float | None]]
Rows = list[dict[str, Any]]
Array = NDArray[np.floating]


def of_model(model: GainAKT, data: Interactions, split: Split, window: int, mastery: Array, rows: Rows) -> Results:
    """`recovery` of a trained model, or nothing where the data have no truth; adds `true_rate` to the skills' rows.

    `mastery` is what the model gives of the test students, at the scored interactions.
    """
    if not data.truth:
        return {}
    curve = model.encoder2.mastery
    learned = Learned(
        rate=column(rows, "effective_rate"),
        saturation=column(rows, "m_sat"),
        threshold=column(rows, "threshold"),
        offset=column(rows, "offset"),
        temperature=float(curve.temperature.detach()),
        gamma=_numbers(curve.gamma),
    )
    practice = practice_of(data, split.test, window)
    return of_learned(learned, data, split, (practice.place[practice.scored], mastery), rows)


def of_learned(
    learned: Learned, data: Interactions, split: Split, test: tuple[NDArray[np.integer], Array], rows: Rows
) -> Results:
    """The same from what any model has learned; `test` are the scored interactions' places in the data, and mastery."""
    if not data.truth:
        return {}
    truth, (place, mastery) = trajectory(data), test
    scored = None
    if truth is not None:
        scored = Scored(data.student[place], data.response[place], mastery, truth[0][place], truth[1][place])
    for row, rate in zip(rows, true_rates(data.truth, len(rows), split.train), strict=True):
        row["true_rate"] = None if np.isnan(rate) else float(rate)
    measures = recovery(data.truth, learned, split.train, scored)
    tested = np.isin(data.student, split.test)
    measures["true_gain_ratio"] = true_gain_ratio(data.truth, data.skill[tested], data.response[tested])
    return {"recovery": {name: value for name, value in measures.items() if value is None or isinstance(value, float)}}


def _numbers(parameter: Tensor) -> Array:
    return np.asarray(parameter.detach().cpu().numpy(), np.float64)
