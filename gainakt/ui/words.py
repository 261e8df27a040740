"""Labels, units and help texts of what the store holds, in one place."""

import datetime as dt
import math
from typing import Any, TypeGuard

from gainakt.config import fields
from gainakt.ui.text import shortened

STATUS = {
    "queued": ":material/schedule: queued",
    "running": ":material/play_circle: running",
    "paused": ":material/pause_circle: paused",
    "finished": ":material/check_circle: finished",
    "stopped": ":material/stop_circle: stopped",
    "failed": ":material/error: failed",
    "interrupted": ":material/power_off: interrupted",
}

_TERMS = [spec for name, spec in fields().items() if name.startswith("weights.") and name != "weights.encoder_priority"]
LOSSES = {  # the default's terms first: they get the first colours
    "loss.total": "total",
    "loss.bce": "BCE, Encoder 1",
    "loss.im": "IM, Encoder 2",
    **{f"loss.{spec.name.split('.')[1]}": spec.label.removesuffix(" weight").lower()
       for spec in sorted(_TERMS, key=lambda spec: not spec.default)},
}  # fmt: skip
AUCS = {
    "validation.encoder1_auc": "Encoder 1, validation",
    "validation.encoder2_auc": "Encoder 2, validation",
    "train_running.encoder1_auc": "Encoder 1, training",
    "train_running.encoder2_auc": "Encoder 2, training",
}
GAINS = {"gain_std": "gain std", "aggregate_gain_std": "std of the original's aggregate gain"}
PRESSURE = {
    "rejected_share": "share of steps rejected",
    "multiplier.gain_std": "multiplier of gain std",
    "multiplier.skill_cv": "multiplier of the CV of skill gains",
    "multiplier.response_ratio": "multiplier of the gain ratio",
}
PARAMETERS = {"beta": "beta", "threshold": "theta", "gamma": "gamma", "saturation": "M_sat"}

METRICS = {
    "encoder1_auc": ("Encoder 1 AUC", "Area under the ROC curve of Encoder 1's prediction of the next response."),
    "encoder2_auc": ("Encoder 2 AUC", "The same for Encoder 2, whose prediction comes from mastery alone."),
    "bce": ("Encoder 1 log-loss", "Binary cross-entropy in nats per scored interaction; lower is better."),
    "im": ("Encoder 2 log-loss (IM)", "Incremental-mastery loss in nats per scored interaction; lower is better."),
    "im_second_table": (
        "IM, second table", "Published records only: their analysis gives two values for the same epoch.",
    ),
    "gain_mean": ("Gain mean", "Mean gain of the practised skill, in (0, 1)."),
    "gain_std": ("Gain std", "Standard deviation of the practised skill's gains. Target: over 0.10."),
    "skill_gain_cv": ("CV of skill gains", "Std over mean of the skills' mean gains. Target: over 0.20."),
    "response_gain_ratio": (
        "Gain after correct / incorrect", "Mean gain at correct over that at incorrect responses. Target: over 1.2.",
    ),
    "mastery_correlation": (
        "Mastery correlation", "Pearson r of mastery with the next response, pooled. Target: over 0.40.",
    ),
    "mastery_correlation_by_student": (
        "Mastery correlation by student", "The same per student, then the mean over students who vary.",
    ),
    "mastery_correlation_seed_form": (
        "Mastery correlation, original form",
        "Per student: mastery averaged over skills, against the response just seen.",
    ),
    "mastery_correlation_concurrent": (
        "Mastery correlation, concurrent", "Mastery after a response against that response: it contains the answer.",
    ),
    "gain_correlation": ("Gain correlation", "Pearson r of a gain with the next response, pooled."),
    "gain_correlation_by_student": ("Gain correlation by student", "The same per student, then the mean."),
    "beta_std": ("Beta std", "Standard deviation of the slopes beta. Target: over 0.3."),
    "gain_variance_skill": ("Gain variance: skills", "Share of the gains' variance between skill means."),
    "gain_variance_student": ("Gain variance: students", "Share between student means, after skills."),
    "gain_variance_response": ("Gain variance: responses", "Share between responses, after skills and students."),
    "gain_variance_rest": ("Gain variance: rest", "Share left over."),
    "aggregate_gain_mean": (
        "Aggregate gain mean", "Mean of what the original reported as gain; it enters no prediction.",
    ),
    "aggregate_gain_std": (
        "Aggregate gain std", "Its standard deviation: nearly a constant of layer normalisation.",
    ),
}  # fmt: skip

GAIN_STD_HELP = (
    "Standard deviation of the practised skill's gains over the last 20 training batches. The original reported another"
    " tensor, one scalar per interaction: its std is the second curve."
)


def run_label(run: Any) -> str:
    """A run's name, start and the end of its id, for lists to choose from."""
    return f"{shortened(run.name, 60)} · {when(run.created)} · {run.run_id[-4:]}"


def when(seconds: float | None) -> str:
    """A unix time as local date and time."""
    return dt.datetime.fromtimestamp(seconds).strftime("%Y-%m-%d %H:%M") if _known(seconds) else "–"


def clock(seconds: float | None) -> str:
    """A unix time as local time of day."""
    return dt.datetime.fromtimestamp(seconds).strftime("%H:%M:%S") if _known(seconds) else "–"


def lasting(seconds: float | None) -> str:
    """A duration in the unit that fits."""
    if not _known(seconds):
        return "–"
    if seconds < 90:
        return f"{seconds:.0f} s"
    if seconds < 5400:
        return f"{seconds / 60:.0f} min"
    return f"{seconds / 3600:.1f} h"


def _known(seconds: float | None) -> TypeGuard[float]:
    return seconds is not None and not math.isnan(seconds)
