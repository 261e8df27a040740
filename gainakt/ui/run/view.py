"""One run as pictures, live or finished; `recorded` reads for it only what is new."""

from dataclasses import dataclass
from functools import partial

import numpy as np
import pandas as pd
import streamlit as st

from gainakt.config import SCHEDULE, flatten_stored
from gainakt.store import Run, Store
from gainakt.ui import resources, words
from gainakt.ui.forms.paging import page_of
from gainakt.ui.plots import charts
from gainakt.ui.plots.charts import Axes, Figure
from gainakt.ui.plots.live import live_plot
from gainakt.ui.plots.reading import at_moment, logarithmic, smoothed
from gainakt.ui.run.recorded import Curves, curves_of, stacked, steered
from gainakt.ui.text import markdown_text, number


@dataclass(frozen=True)
class Look:
    """How curves are looked at: smoothing in [0, 1), log scale, and the step that is looked at (None: now)."""

    smoothing: float = 0.0
    log: bool = False
    at: int | None = None

    def curves(self, figure: Figure) -> Figure:
        """A figure of curves over steps, looked at so."""
        if not figure["data"]:
            return figure
        figure = smoothed(figure, self.smoothing)
        return at_moment(logarithmic(figure) if self.log else figure, self.at)


AS_IS = Look()


def header(run: Run, curves: Curves) -> None:
    """Status, progress and the main numbers, in two lines."""
    state(run, curves)
    tiles(run, curves, 6)


def state(run: Run, curves: Curves) -> None:
    """How far an active run is, or how it ended where it did not finish; that it was steered."""
    if run.active:
        total = (run.steps_per_epoch or 0) * (run.max_epochs or 0)
        began = curves.once("began", curves.cursors.get("events"), lambda: resources.store().began(run.run_id))
        st.progress(min(1.0, (run.step or 0) / total) if total else 0.0, text=progress_text(run, began))
    elif run.status == "failed":
        st.error(f"Failed at step {run.step or 0}: {markdown_text(run.error)}", icon=":material/error:")
    elif run.status == "paused":
        st.info(f"Paused after step {run.step or 0:,}, with its state kept.", icon=":material/pause_circle:")
    elif run.status == "interrupted":
        st.warning(
            "Interrupted: its process ended without finishing the run. What was recorded until then is shown.",
            icon=":material/power_off:",
        )
    if run.damaged_rows:
        rows = "1 row of its journal is" if run.damaged_rows == 1 else f"{run.damaged_rows:,} rows of its journal are"
        st.caption(f":material/warning: {rows} damaged, doubled or missing; all else is shown.")


def changes_text(curves: Curves) -> str:
    """`steered, 3 changes`; empty for a run that nobody touched."""
    marks = curves.marks
    return steered(int((marks["who"] != SCHEDULE).sum()))


_LAST = "On the validation students, in the last epoch. The test students are measured once, at the end."


def tiles(run: Run, curves: Curves, columns: int) -> None:
    """The main numbers, so many beside each other."""
    shown = (
        ("Status", run.status, changes_text(curves) or None),
        ("Epoch", words.how_many(run.epoch, run.max_epochs) if run.max_epochs is not None else "–", None),
        ("Encoder 1 AUC, validation", number(curves.last("validation.encoder1_auc"), 3), _LAST),
        ("Encoder 2 AUC, validation", number(curves.last("validation.encoder2_auc"), 3), _LAST),
        ("Gain std, training", number(curves.last("gain_std"), 3), words.GAIN_STD_HELP),
        (
            "Interactions / s",
            number(curves.last("interactions_per_second"), 0),
            "Training interactions per second, without padding and without the time for evaluation.",
        ),
    )
    for first in range(0, len(shown), columns):
        places = st.columns(columns)
        for place, (label, value, help_text) in zip(places, shown[first : first + columns], strict=True):
            place.metric(label, value, help=help_text)


def progress_text(run: Run, began: tuple[float, int] | None) -> str:
    """How far an active run is; while it is queued, what it waits for. `began` is as `Store.began` gives it."""
    if run.status == "queued":
        behind = resources.queued_behind(resources.store(), run)
        return f"Queued {behind}." if behind else "Starting the training process …"
    total = (run.steps_per_epoch or 0) * (run.max_epochs or 0)
    if not run.step or not run.started or not run.heartbeat or not total:
        return "Starting: reading the data and building the model …"
    since_time, since = began or (run.started, 0)
    done = run.step - since
    where = f"Epoch {words.how_many(run.epoch, run.max_epochs)}, step {words.how_many(run.step, total)}"
    if done <= 0 or run.step > total:
        return where
    left = (run.heartbeat - since_time) / done * (total - run.step)
    return f"{where}, about {words.lasting(left)} left"


def overview(store: Store, run: Run, curves: Curves) -> None:
    """Gain std over time, the gains' distribution, losses and AUCs."""
    if not run.active and curves.all.empty:
        st.info("The run ended before anything was recorded.", icon=":material/info:")
        return
    left, right = st.columns(2)
    with left:
        live_plot(f"gains-{run.run_id}", gain_std(store, run, curves))
    with right:
        live_plot(f"distribution-{run.run_id}", distribution(store, run, curves))
    left, right = st.columns(2)
    with left:
        losses(run, curves)
    with right:
        live_plot(f"aucs-{run.run_id}", aucs(curves))


def losses(run: Run, curves: Curves, look: Look = AS_IS) -> None:
    """The loss terms over steps, and the multipliers where there are constraints on gains."""
    axes = Axes("Losses: weighted total, and each term unweighted", "step", "loss")
    figure = curves.once(
        "losses",
        (curves.taken, look),
        lambda: look.curves(charts.lines(curves.all, words.LOSSES, None, curves.marks, axes)),
    )
    live_plot(f"losses-{run.run_id}", figure)
    if any(curves.last(name) is not None for name in words.PRESSURE):
        axes = Axes("Constraints on gains: multipliers, share of rejected steps", "step")
        figure = charts.lines(curves.all, words.PRESSURE, None, curves.marks, axes)
        live_plot(f"pressure-{run.run_id}", look.curves(figure))


def gain_std(
    store: Store, run: Run, curves: Curves, other: Run | None = None, look: Look = AS_IS, height: int = 320
) -> Figure:
    """Gain std over steps, of another run beside it where one is given."""
    axes = Axes("Gain std over the last 20 batches", "step", "std of gains", height)
    if other is None:
        names = words.AGGREGATE_GAINS if _aggregate(run) else words.GAINS
        return curves.once(
            f"gain std {height}",
            (curves.taken, look),
            lambda: look.curves(charts.lines(curves.all, names, None, curves.marks, axes)),
        )
    series = pd.concat([curves.all, curves_of(store, other.run_id).all])
    names = {run.run_id: f"{run.name} (this run)", other.run_id: f"{other.name} ({other.run_id[-4:]})"}
    return look.curves(charts.lines(series, {"gain_std": "gain std"}, names, curves.marks, axes))


def _aggregate(run: Run) -> bool:
    """Whether the run reports the aggregate gain in place of the practised gains."""
    return flatten_stored(run.config).get("origin.reported_gain") == "aggregate"


def aucs(curves: Curves, height: int = 320) -> Figure:
    """Both encoders' AUC per epoch."""
    axes = Axes("AUC per epoch", "epoch", "AUC", height)
    evaluated = curves.cursors.get("epoch")
    return curves.once(f"aucs {height}", evaluated, lambda: charts.lines(curves.all, words.AUCS, None, None, axes))


def distribution(
    store: Store, run: Run, curves: Curves, other: Run | None = None, at: int | None = None, height: int = 320
) -> Figure:
    """The gains' distribution now, or as recorded at a step or just before; of another run beside it."""
    counts = {}
    for split, label in (("train", "training, last batches"), ("validation", "validation, last epoch")):
        if at is not None:
            newest = curves.at(split, at, partial(store.latest_histogram, run.run_id, split, None))
            if newest is not None:
                counts[label] = newest.counts
        elif len(gains := curves.gains(store, split)):
            counts[label] = gains["counts"].iloc[-1]
    if other is not None and len(gains := curves_of(store, other.run_id).gains(store, "validation")):
        counts[f"{other.name} ({other.run_id[-4:]}), validation"] = gains["counts"].iloc[-1]
    when = f" at step {at:,}" if at is not None else ""
    return charts.histogram(
        counts, Axes(f"{'Aggregate' if _aggregate(run) else 'Practised'} gains{when}", "gain", "share of gains", height)
    )


def parameters(store: Store, run: Run, look: Look = AS_IS) -> None:
    """Percentile bands of beta, theta, gamma and M_sat over epochs, up to the moment that is looked at."""
    curves = curves_of(store, run.run_id)
    percentiles = curves.percentiles(store)
    if percentiles.empty and not run.active:
        return
    if look.at is not None:
        percentiles = percentiles[percentiles["step"] <= look.at]
    when = f" until step {look.at:,}" if look.at is not None else ""
    axes = Axes(f"Learned parameters: median, middle 50 % and 90 %{when}", "epoch", height=520)
    state = (len(percentiles), look.at)
    figure = curves.once("parameters", state, lambda: charts.bands(percentiles, words.PARAMETERS, None, axes))
    live_plot(f"parameters-{run.run_id}", figure)


def skill_controls(store: Store, run: Run) -> tuple[str, int, str]:
    """Order, page and search of the per-skill histograms."""
    order_at, find_at, page_at = st.columns([5, 2, 2])
    order = order_at.segmented_control(
        "Skills in order of", ORDERS, default=ORDERS[0], required=True, key=f"order-{run.run_id}"
    )
    find = find_at.text_input("Find a skill", key=f"find-{run.run_id}", placeholder="part of a label")
    found = sum(find.lower() in label.lower() for label in store.skill_labels(run.run_id))
    return str(order), page_of(page_at, found, charts.PANELS, f"page-{run.run_id}-{order}-{find}"), find


ORDERS = ("most gains", "highest mean", "widest spread", "label")


def skill_gains(store: Store, run: Run, order: str, page: int, find: str = "", at: int | None = None) -> None:
    """Gain histograms per skill of the last evaluation or the last batches, sorted, searched, a screen at a time.

    With `at`, those recorded at that step or just before.
    """
    split = "train" if run.active or at is not None else "validation"
    curves = curves_of(store, run.run_id)
    if at is None:
        newest = curves.skill_gains(store, split)
    else:
        newest = curves.at("skills", at, lambda step: store.skill_histograms(run.run_id, split, at=step))
    if newest.empty:
        if run.active:
            st.caption("Gains per skill appear after the first recorded batches.")
        return
    if find:
        newest = newest[newest["label"].str.contains(find, case=False, regex=False)]
    table = newest.assign(**_moments(newest))
    by = {"most gains": "n", "highest mean": "mean", "widest spread": "std"}
    if order in by:
        table = table.sort_values(by[order], ascending=False, kind="stable")
    counts = {row.skill: row.counts for row in table.itertuples()}
    labels = {row.skill: f"{row.label}: {row.mean:.2f} ± {row.std:.2f}" for row in table.itertuples()}
    source = "training, last batches" if split == "train" else "validation, last epoch"
    source += f", at step {at:,}" if at is not None else ""
    axes = Axes(f"Practised gains per skill: mean ± std, {source}", "gain", height=_height(len(counts), page))
    live_plot(f"skills-{run.run_id}", charts.skill_histograms(counts, labels, page, axes))


def _moments(newest: pd.DataFrame) -> dict[str, np.ndarray]:
    """Number, mean and std of each row's gains, from counts of equal bins of (0, 1)."""
    counts = stacked(newest["counts"])
    n, middles = counts.sum(axis=1), (np.arange(counts.shape[1]) + 0.5) / counts.shape[1]
    mean = counts @ middles / np.maximum(n, 1)
    square = (counts * (middles - mean[:, None]) ** 2).sum(axis=1) / np.maximum(n, 1)
    return {"n": n, "mean": mean, "std": square**0.5}


def _height(skills: int, page: int) -> int:
    shown = min(charts.PANELS, max(skills - page * charts.PANELS, 1))
    return 110 + 130 * -(-shown // 6)
