"""Why a run's gains came out as they did: pure functions of its recorded series, metrics and settings."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from gainakt.measures import Values
from gainakt.measures.metrics import NEGLIGIBLE
from gainakt.measures.text import number, percent

PREDICTION = ("bce", "im", "distillation")
"""Loss terms that ask for good predictions; all others are differentiation losses: they shape gains or parameters."""
RECENT_STEPS = 5
"""Number of last recorded steps whose losses are shown."""


def losses(series: pd.DataFrame) -> pd.DataFrame:
    """Per loss term the medians over the last recorded steps: columns term, raw, weighted, share.

    The last steps rather than the last epoch: a short epoch, or one of fewer steps than lie between two records, may
    have none.
    """
    shares = series[series["name"].str.startswith("share.")]
    recent = series[series["step"].isin(np.sort(shares["step"].unique())[-RECENT_STEPS:])]
    medians = recent.groupby("name")["value"].median()
    terms = [name.removeprefix("share.") for name in medians.index if name.startswith("share.")]
    rows = [(t, *(_of(medians, f"{kind}.{t}") for kind in ("loss", "weighted", "share"))) for t in terms]
    table = pd.DataFrame(rows, columns=["term", "raw", "weighted", "share"])
    return table.sort_values("share", ascending=False, ignore_index=True)


def _of(values: pd.Series, name: str) -> float | None:
    return float(values[name]) if name in values.index and not pd.isna(values[name]) else None


def differentiation_share(table: pd.DataFrame) -> float | None:
    """Weighted size of the differentiation losses over that of the prediction losses."""
    if table.empty:
        return None
    predicts = table["term"].isin(PREDICTION)
    of_predictions = float(table.loc[predicts, "weighted"].abs().sum())
    return float(table.loc[~predicts, "weighted"].abs().sum()) / of_predictions if of_predictions else None


def gradients(series: pd.DataFrame) -> pd.DataFrame:
    """The gradient probes of Encoder 2: where, what (norm, share, cosine), term, other, first and last value."""
    probes = series[series["name"].str.startswith("gradient.")].sort_values("step")
    ends = {str(name): (part["value"].iloc[0], part["value"].iloc[-1]) for name, part in probes.groupby("name")}
    rows = []
    for name, (first, last) in ends.items():
        parts = name.split(".")
        if len(parts) > 3:
            rows.append((*parts[1:4], parts[4] if len(parts) > 4 else "", first, last))
    return pd.DataFrame(rows, columns=["where", "what", "term", "other", "first", "last"])


@dataclass(frozen=True)
class Course:
    """One encoder's validation AUC over the epochs, in short; `overfits_from` is None where it does not fall."""

    first: float
    best: float
    last: float
    best_epoch: int
    last_epoch: int
    overfits_from: int | None


def course(series: pd.DataFrame, encoder: str) -> Course | None:
    """How an encoder's validation AUC went from epoch 1 on; None where no epoch was evaluated.

    It overfits from the epoch after its best if it ends more than 0.001 below that while its training AUC rose.
    """
    validation = _epochs(series, f"validation.{encoder}_auc")
    if validation.empty:
        return None
    best_epoch, last_epoch = int(validation.idxmax()), int(validation.index[-1])
    first, best, last = float(validation.iloc[0]), float(validation.max()), float(validation.iloc[-1])
    training = _epochs(series, f"train_running.{encoder}_auc")
    rose = best_epoch in training.index and training.iloc[-1] > training[best_epoch]
    falls = rose and last < best - NEGLIGIBLE
    return Course(first, best, last, best_epoch, last_epoch, best_epoch + 1 if falls else None)


def divergence(series: pd.DataFrame) -> pd.Series:
    """Encoder 1's validation AUC minus Encoder 2's, by epoch from 1 on."""
    first, second = (_epochs(series, f"validation.{encoder}_auc") for encoder in ("encoder1", "encoder2"))
    return (first - second).dropna()


def _epochs(series: pd.DataFrame, name: str) -> pd.Series:
    rows = series[(series["name"] == name) & (series["epoch"] > 0)].dropna(subset=["value"])
    return rows.groupby("epoch")["value"].last()


@dataclass(frozen=True)
class Cause:
    """A candidate cause of uniform gains; `present` is None where the run's records do not say."""

    name: str
    present: bool | None
    evidence: str

    @property
    def here(self) -> str:
        """Whether the run has it, in words."""
        return {True: "holds", False: "does not hold", None: "unknown"}[self.present]


@dataclass(frozen=True)
class Readout:
    """Encoder 2's largest possible probability, its log-loss, and the data's share of correct responses."""

    largest: float | None
    loss: float | None
    share_correct: float | None


def causes(settings: Mapping[str, Any], test: Values, state: Values, start: Values, readout: Readout) -> list[Cause]:
    """The candidate causes of uniform gains, each judged by the run's own numbers.

    `settings` are dotted names, `state` and `start` what `training.probe.state` says at the end and before training.
    """
    return [
        _wrong_tensor(settings, test, state),
        _saturated(settings, state, start),
        _readout(readout),
        _target(settings.get("origin.target")),
        Cause(
            "The IM loss counts padding",
            None if (masked := settings.get("origin.masked")) is None else not masked,
            "Not recorded."
            if masked is None
            else "Padding is left out."
            if masked
            else "Padded positions count as incorrect responses to skill 0.",
        ),
        _variance(settings, state),
        _priority(settings.get("model.sharing")),
    ]


def _wrong_tensor(settings: Mapping[str, Any], test: Values, state: Values) -> Cause:
    reported = settings.get("origin.reported_gain")
    aggregate = test.get("aggregate_gain_std")
    practised = state.get("practised_gain_std") if reported == "aggregate" else test.get("gain_std")
    stds = f"Std of the practised gains: {number(practised)}; of the aggregate gain: {number(aggregate)}."
    name = "The reported gains are not those that predict"
    if reported is None:
        return Cause(name, None, f"Which gains are reported is not recorded. {stds}")
    return Cause(name, reported == "aggregate", f"The {reported} gains are reported. {stds}")


def _saturated(settings: Mapping[str, Any], state: Values, start: Values) -> Cause:
    name, before, now = "The learning curve is saturated", start.get("curve_past"), state.get("curve_past")
    latest = now if now is not None else before
    if latest is not None:
        return Cause(
            name,
            latest > 0.5,
            f"Predictions past saturation: {percent(before)} before training, {percent(now)} at the best epoch."
            f" Mean slope of the curve: {number(state.get('curve_slope'))} (0.25 at most).",
        )
    begins, feeds = settings.get("model.gain_start"), settings.get("model.accumulation")
    return Cause(name, None, f"Not measured. Gains start at {number(begins)}; practice accumulates: {feeds or '–'}.")


def _readout(readout: Readout) -> Cause:
    name, share = "Encoder 2 cannot predict the base rate", readout.share_correct
    if share is None or not 0 < share < 1:
        return Cause(name, None, f"Share of correct responses: {percent(share)}.")
    constant = -(share * np.log(share) + (1 - share) * np.log(1 - share))
    return Cause(
        name,
        None if readout.largest is None else readout.largest < share,
        f"Its largest possible probability is {percent(readout.largest)}; {percent(share)} of responses are correct."
        f" IM loss {number(readout.loss)}; a constant prediction has {number(constant)}.",
    )


def _target(target: str | None) -> Cause:
    targets = {"next": "It is trained on the next response.", "concurrent": "It is trained on the current response."}
    return Cause(
        "Encoder 2 is trained on a response that it has already read",
        None if target is None else target == "concurrent",
        "Not recorded." if target is None else targets.get(target, f"Its target: {target}."),
    )


def _priority(sharing: str | None) -> Cause:
    shared = {
        None: "Not recorded.",
        "apart": "The encoders share no parameters.",
        "embeddings": "The encoders share the embeddings.",
        "first_block": "The encoders share the embeddings and the first block.",
    }
    evidence = shared.get(sharing, f"The encoders share: {sharing}.")
    return Cause(
        "The encoder priority does not reach Encoder 2", None if sharing is None else sharing == "apart", evidence
    )


def _variance(settings: Mapping[str, Any], state: Values) -> Cause:
    name, weight = "The variance loss does not act on uniform gains", settings.get("weights.variance")
    form, edge = settings.get("losses.variance_form"), state.get("gains_at_edge")
    if weight is None or form is None:
        return Cause(name, None, f"Weight {number(weight)}; its form is not recorded.")
    if not weight:
        return Cause(name, False, "The variance loss is off.")
    if settings.get("origin.variance_added") is False:
        return Cause(name, True, f"Weight {weight:g}, but the loss is computed and never added.")
    vanishes = ", whose gradient vanishes where gains are equal" if form == "minus_variance" else ""
    evidence = f"Weight {weight:g}, form {form}{vanishes}. Gains within 0.01 of 0 or 1: {percent(edge)}"
    if edge is not None and edge > 0.5:
        evidence += ", where it pushes them"
    return Cause(name, form == "minus_variance", f"{evidence}.")
