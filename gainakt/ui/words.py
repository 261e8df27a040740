"""Labels and help texts of statuses, curves and times; those of measures are in `measures.registry`."""

import datetime as dt
import math
from collections.abc import Iterable
from typing import Any, TypeGuard

from gainakt.config import fields, renamed
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

NO_RUNS = "No runs yet: start one on the Train page."
_TERMS = [spec for name, spec in fields().items() if name.startswith("weights.") and name != "weights.encoder_priority"]
LOSSES = {  # the default's terms first: they get the first colours
    "loss.total": "total",
    "loss.bce": "BCE, Encoder 1",
    "loss.im": "IM, Encoder 2",
    **{
        f"loss.{spec.name.split('.')[1]}": spec.label.removesuffix(" weight").lower()
        for spec in sorted(_TERMS, key=lambda spec: not spec.default)
    },
}
AUCS = {
    "validation.encoder1_auc": "Encoder 1, validation",
    "validation.encoder2_auc": "Encoder 2, validation",
    "train_running.encoder1_auc": "Encoder 1, training",
    "train_running.encoder2_auc": "Encoder 2, training",
}
GAINS = {"gain_std": "gain std", "aggregate_gain_std": "std of the original's aggregate gain"}
AGGREGATE_GAINS = {"gain_std": "std of the aggregate gain: this run reports it in place of practised gains"}
PRESSURE = {
    "rejected_share": "share of steps rejected",
    "multiplier.gain_std": "multiplier of gain std",
    "multiplier.skill_cv": "multiplier of the CV of skill gains",
    "multiplier.response_ratio": "multiplier of the gain ratio",
}
GRADIENTS = {"gains": "Gradient shares at the gain logits", "parameters": "Gradient shares over all of Encoder 2"}
PARAMETERS = {"beta": "beta", "threshold": "theta", "gamma": "gamma", "saturation": "M_sat"}

GAIN_STD_HELP = (
    "Standard deviation of the practised gains over the last 20 training batches. What the original study reported as"
    " gain is another quantity, one number per interaction: its std is the second curve of the chart."
)


def term(name: str) -> str:
    """The label of a loss term."""
    return LOSSES.get(f"loss.{name}", name.replace("_", " "))


def terms(names: Iterable[str], start: str) -> dict[str, str]:
    """Series whose names begin so -> label of their loss term, in the order and so the colours of the losses."""
    found = {name.removeprefix(start) for name in names if name.startswith(start)}
    order = list(LOSSES)
    place = {one: order.index(f"loss.{one}") if f"loss.{one}" in LOSSES else len(order) for one in found}
    return {f"{start}{one}": term(one) for one in sorted(found, key=lambda one: (place[one], one))}


def setting(name: str) -> str:
    """The label of a setting, given its dotted name or a former one; the name itself where there is no such setting."""
    spec = fields().get(renamed(name))
    return name if spec is None else spec.label


def run_label(run: Any) -> str:
    """A run's name, when it was created if that is known, and the end of its id, for lists to choose from."""
    date = f" · {when(run.created)}" if _given(run.created) else ""
    return f"{shortened(run.name, 60)}{date} · {run.run_id[-4:]}"


def when(seconds: float | None) -> str:
    """A unix time as local date and time."""
    return dt.datetime.fromtimestamp(seconds).strftime("%Y-%m-%d %H:%M") if _given(seconds) else "–"


def clock(seconds: float | None) -> str:
    """A unix time as local time of day."""
    return dt.datetime.fromtimestamp(seconds).strftime("%H:%M:%S") if _given(seconds) else "–"


def how_many(done: float | None, planned: float | None) -> str:
    """`3 of 15`, of epochs or steps; those done alone where a run has passed what was planned, or that is not known."""
    count = int(done) if _given(done) else 0
    return f"{count:,} of {int(planned):,}" if _given(planned) and count <= planned else f"{count:,}"


def lasting(seconds: float | None) -> str:
    """A duration in the unit that fits."""
    if not _given(seconds):
        return "–"
    if seconds < 90:
        return f"{seconds:.0f} s"
    if seconds < 5400:
        return f"{seconds / 60:.0f} min"
    return f"{seconds / 3600:.1f} h"


def _given(seconds: float | None) -> TypeGuard[float]:
    return seconds is not None and not math.isnan(seconds)
