"""Why a run's gains came out as they did: pure functions of its recorded series, metrics and settings."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from gainakt.measures import Values

PREDICTION = ("bce", "im", "distillation")
"""Loss terms that ask for good predictions; every other term asks something of gains or parameters."""
WORSE = 0.001
"""AUC under the best by which an epoch counts as worse."""


def losses(series: pd.DataFrame) -> pd.DataFrame:
    """Per loss term the medians over the last epoch's recorded steps: columns term, raw, weighted, share."""
    last = series["epoch"].max()
    recent = series[series["epoch"] == last]
    medians = recent.groupby("name")["value"].median()
    terms = [name.removeprefix("share.") for name in medians.index if name.startswith("share.")]
    rows = [(t, *(_of(medians, f"{kind}.{t}") for kind in ("loss", "weighted", "share"))) for t in terms]
    table = pd.DataFrame(rows, columns=["term", "raw", "weighted", "share"])
    return table.sort_values("share", ascending=False, ignore_index=True)


def _of(values: pd.Series, name: str) -> float | None:
    return float(values[name]) if name in values.index and not pd.isna(values[name]) else None


def differentiation_share(table: pd.DataFrame) -> float | None:
    """Weighted size of all terms that ask for something else than predictions, over that of those that do."""
    if table.empty:
        return None
    asks = table["term"].isin(PREDICTION)
    of_predictions = float(table.loc[asks, "weighted"].abs().sum())
    return float(table.loc[~asks, "weighted"].abs().sum()) / of_predictions if of_predictions else None


def gradients(series: pd.DataFrame) -> pd.DataFrame:
    """How the terms pull at Encoder 2: where, what (norm, share, cosine), term, other, first and last look."""
    looks = series[series["name"].str.startswith("gradient.")].sort_values("step")
    ends = {str(name): (part["value"].iloc[0], part["value"].iloc[-1]) for name, part in looks.groupby("name")}
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

    It overfits from the epoch after its best if it ends below that by more than 0.001 while its training AUC rose.
    """
    seen = _epochs(series, f"validation.{encoder}_auc")
    if seen.empty:
        return None
    best_epoch, last_epoch = int(seen.idxmax()), int(seen.index[-1])
    training = _epochs(series, f"train_running.{encoder}_auc")
    rose = best_epoch in training.index and training.iloc[-1] > training[best_epoch]
    falls = rose and float(seen.iloc[-1]) < float(seen.max()) - WORSE
    return Course(
        float(seen.iloc[0]), float(seen.max()), float(seen.iloc[-1]), best_epoch, last_epoch,
        best_epoch + 1 if falls else None,
    )  # fmt: skip


def divergence(series: pd.DataFrame) -> pd.Series:
    """Encoder 1's validation AUC minus Encoder 2's, by epoch from 1 on."""
    one, two = (_epochs(series, f"validation.{encoder}_auc") for encoder in ("encoder1", "encoder2"))
    return (one - two).dropna()


def _epochs(series: pd.DataFrame, name: str) -> pd.Series:
    found = series[(series["name"] == name) & (series["epoch"] > 0)].dropna(subset=["value"])
    return found.groupby("epoch")["value"].last()


@dataclass(frozen=True)
class Cause:
    """A candidate cause of uniform gains; `present` is None where the run does not tell."""

    name: str
    present: bool | None
    evidence: str

    @property
    def here(self) -> str:
        """Whether the run has it, in words."""
        return {True: "holds", False: "does not hold", None: "not known"}[self.present]


@dataclass(frozen=True)
class Readout:
    """What Encoder 2 can say: its largest possible probability, its loss, and the data's share of correct responses."""

    most: float | None
    loss: float | None
    share: float | None


def causes(settings: Mapping[str, Any], test: Values, state: Values, start: Values, readout: Readout) -> list[Cause]:
    """The candidate causes of docs/model.md, each judged by the run's own numbers.

    `settings` are dotted names, `state` and `start` what `training.probe.state` says at the end and before training.
    """
    return [
        _wrong_tensor(settings, test, state),
        _saturated(settings, state, start),
        _readout(readout),
        Cause(
            "Encoder 2 is trained on a response that it has seen",
            None if (target := settings.get("origin.target")) is None else target == "concurrent",
            f"its target is the {target or 'unknown'} response",
        ),
        Cause(
            "The IM loss counts padding",
            None if (masked := settings.get("origin.masked")) is None else not masked,
            "padding is left out" if masked else "padded positions count as skill 0, answered incorrectly",
        ),
        _variance(settings, state),
        Cause(
            "Encoder priority does not reach Encoder 2",
            None if (sharing := settings.get("model.sharing")) is None else sharing == "apart",
            f"the encoders share {'no parameter' if sharing == 'apart' else sharing or 'what is not recorded'}",
        ),
    ]


def _wrong_tensor(settings: Mapping[str, Any], test: Values, state: Values) -> Cause:
    reported = settings.get("origin.reported_gain")
    aggregate = test.get("aggregate_gain_std")
    practised = state.get("practised_gain_std") if reported == "aggregate" else test.get("gain_std")
    told = f"std of the aggregate {_text(aggregate)}, of the practised gains {_text(practised)}"
    name = "The gains reported are not those that predict"
    if reported is None:
        return Cause(name, None, told)
    return Cause(name, reported == "aggregate", f"reported: {reported}; {told}")


def _saturated(settings: Mapping[str, Any], state: Values, start: Values) -> Cause:
    name, before, now = "The learning curve is saturated", start.get("curve_past"), state.get("curve_past")
    told = f"asked skills past saturation: {_share(before)} before training, {_share(now)} at the end"
    judged = now if now is not None else before
    if judged is not None:
        return Cause(name, judged > 0.5, f"{told}; mean slope {_text(state.get('curve_slope'))} of 0.25 at most")
    begins, feeds = settings.get("model.gain_start"), settings.get("model.accumulation")
    return Cause(name, None, f"not measured; gains start at {_text(begins)} and feed: {feeds or 'unknown'}")


def _readout(seen: Readout) -> Cause:
    name, share = "The readout cannot reach the base rate", seen.share
    if share is None or not 0 < share < 1:
        return Cause(name, None, f"share correct {_share(share)}")
    constant = -(share * np.log(share) + (1 - share) * np.log(1 - share))
    told = f"it can say {_share(seen.most)} at most, {share:.1%} are correct; IM loss {_text(seen.loss)}, a constant's"
    return Cause(name, None if seen.most is None else seen.most < share, f"{told} {constant:.4g}")


def _variance(settings: Mapping[str, Any], state: Values) -> Cause:
    name, weight = "The variance loss has no pull where gains are uniform", settings.get("weights.variance")
    if weight is None or settings.get("losses.variance_form") is None:
        return Cause(name, None, f"variance weight {_text(weight)}")
    if not weight:
        return Cause(name, False, "it is off")
    if settings.get("origin.variance_added") is False:
        return Cause(name, True, f"its weight is {weight:g}, and it is computed and not added")
    form, edge = settings["losses.variance_form"], state.get("gains_at_edge")
    told = f"form {form}, weight {weight:g}; gains within 0.01 of 0 or 1: {_share(edge)}"
    if edge is not None and edge > 0.5:
        told += ": what pull it has drives them to the ends"
    return Cause(name, form == "minus_variance", told)


@dataclass(frozen=True)
class Attempt:
    """A run on the same data, for the decision tree; `standing` is differentiated, noise or untested."""

    run_id: str
    preset: str
    variance_weight: float
    gain_head: str
    standing: str


@dataclass(frozen=True)
class Branch:
    """One question of the decision tree, its answer (yes, no, not known), and the value that gave it."""

    question: str
    answer: str
    value: str


@dataclass(frozen=True)
class Path:
    """The branches taken, and where they end: in words, and in a preset to start."""

    branches: list[Branch]
    end: str
    preset: str


EXTREME = 20.0
"""Variance weight from which a run counts as reweighted: ten times the original's."""
ARCHITECTURES = ("per_skill", "mixture", "hierarchical")
SMALLER = 100


def next_step(ratio: float | None, attempts: list[Attempt], learnable: str, base: str = "") -> Path:
    """The original study's decision tree on these numbers; the first attempt is the run itself.

    `ratio` is `differentiation_share`, `learnable` the status of "do skills differ" in the data, `base` a preset that
    the ideas are to be put on, such as v3-phase1.
    """
    on = (lambda idea: f"{base}+{idea}") if base else (lambda idea: idea)
    here = attempts[0]
    answer = "not known" if here.standing == "untested" else _yes(here.standing == "differentiated")
    path = [Branch("Is this run differentiated?", answer, here.standing)]
    if here.standing == "differentiated":
        return Path(path, "Nothing to repair. See whether it holds with another seed.", here.preset)
    small = ratio is not None and ratio < 1 / SMALLER
    told = "no losses are recorded" if ratio is None else f"their weighted sum is {ratio:.3g} of BCE and IM"
    asked = f"Are the differentiation losses {SMALLER} times smaller than BCE and IM?"
    path.append(Branch(asked, "not known" if ratio is None else _yes(small), told))
    if small and here.variance_weight < EXTREME:
        return Path(path, "Try extreme reweighting: variance weight 200.", on("variance-x100"))
    for asked, tried, idea, end in (
        ("Has reweighting failed?", [a for a in attempts if a.variance_weight >= EXTREME], "variance-x100",
         "Reweighting has not been tried on these data: variance weight 200."),
        ("Has an architectural change failed?", [a for a in attempts if a.gain_head in ARCHITECTURES],
         "per-skill-heads", "Try an architectural change: output heads per skill."),
    ):  # fmt: skip
        won = [a for a in tried if a.standing == "differentiated"]
        path.append(_tried(asked, tried, won))
        if not tried:
            return Path(path, end, on(idea))
        if won:
            return Path(path, f"Run {won[0].run_id} came out differentiated: start from its preset.", won[0].preset)
    path.append(Branch("Do the data say that skills differ?", _LEARNABLE[learnable], learnable))
    if learnable == "pass":
        return Path(path, "It is learnable from these data: start from the corrected model.", "corrected")
    if learnable == "noise":
        return Path(path, "Uniform gains may be what these data hold: keep the light model.", "parametric")
    return Path(path, "Is it learnable at all? Ask the light model and run the tests on it.", "parametric")


_LEARNABLE = {"pass": "yes", "noise": "no", "untested": "not known"}


def _tried(asked: str, tried: list[Attempt], won: list[Attempt]) -> Branch:
    if not tried:
        return Branch(asked, "not tried", "no run on these data")
    untested = sum(a.standing == "untested" for a in tried)
    value = f"{len(tried)} tried, {len(won)} differentiated" + (f", {untested} untested" if untested else "")
    return Branch(asked, "not known" if untested and not won else _yes(not won), value)


def _yes(holds: bool) -> str:
    return "yes" if holds else "no"


def _text(value: float | None) -> str:
    return "unknown" if value is None else f"{value:.4g}"


def _share(value: float | None) -> str:
    return "unknown" if value is None else f"{value:.1%}"
