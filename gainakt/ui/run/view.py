"""One run as pictures, live or finished: only new rows are read, earlier ones are kept in the tab's session."""

from dataclasses import dataclass, field

import pandas as pd
import streamlit as st

from gainakt.store import Run, Store
from gainakt.ui import resources, words
from gainakt.ui.plots import charts
from gainakt.ui.plots.charts import Axes, Figure
from gainakt.ui.plots.live import live_plot
from gainakt.ui.text import markdown_text, number

POINTS = 1500
"""Points of a curve that a tab keeps; twice as many are thinned to half."""
_STEP_NAMES = [*words.LOSSES, *words.GAINS, *words.PRESSURE, "gain_mean", "interactions_per_second"]
_EPOCH_NAMES = [*words.AUCS, "validation.gain_std"]


@dataclass
class Curves:
    """A run's series as far as a tab has read them."""

    run_id: str
    cursors: dict[str, int] = field(default_factory=dict)
    frames: dict[str, pd.DataFrame] = field(default_factory=dict)

    def refresh(self, store: Store) -> None:
        """Read the rows that came since the last time; step and epoch series each have their own cursor."""
        for group, names in (("step", _STEP_NAMES), ("epoch", _EPOCH_NAMES)):
            after = self.cursors.get(group, -1)
            new = store.series([self.run_id], names, after, None if group in self.frames else POINTS)
            if new.empty:
                continue
            earlier = self.frames.get(group)
            whole = new if earlier is None else pd.concat([earlier, new], ignore_index=True)
            counts = whole.groupby("name").cumcount()
            if counts.max() > 2 * POINTS:
                whole = whole[(counts % 2 == 0) | (whole["step"] == whole["step"].max())]
            self.frames[group] = whole
            self.cursors[group] = int(new["step"].max())

    @property
    def all(self) -> pd.DataFrame:
        """Every series read."""
        return pd.concat(self.frames.values(), ignore_index=True) if self.frames else _EMPTY

    def last(self, name: str) -> float | None:
        """The newest value of a series."""
        for frame in self.frames.values():
            values = frame.loc[frame["name"] == name, "value"].dropna()
            if len(values):
                return float(values.iloc[-1])
        return None


_EMPTY = pd.DataFrame(columns=["run_id", "name", "step", "epoch", "time", "value"])


def curves_of(store: Store, run_id: str) -> Curves:
    """The tab's curves of a run, up to date."""
    by_run: dict[str, Curves] = st.session_state.setdefault("curves", {})
    curves = by_run.setdefault(run_id, Curves(run_id))
    curves.refresh(store)
    return curves


def header(run: Run, curves: Curves) -> None:
    """Status, progress and the main numbers, in two lines."""
    total = (run.steps_per_epoch or 0) * (run.max_epochs or 0)
    done = min(1.0, (run.step or 0) / total) if total else 0.0
    if run.active:
        st.progress(done, text=progress_text(run))
    elif run.status == "failed":
        st.error(f"Failed at step {run.step or 0}: {markdown_text(run.error)}", icon=":material/error:")
    elif run.status == "interrupted":
        st.warning(
            "Interrupted: its process ended without finishing the run. What was recorded until then is shown.",
            icon=":material/power_off:",
        )
    tiles = st.columns([6, 4, 4, 4, 4, 4])
    shown = (
        ("Status", run.status, None),
        ("Epoch", f"{run.epoch or 0} of {run.max_epochs}" if run.max_epochs is not None else "–", None),
        ("Encoder 1 AUC", number(curves.last("validation.encoder1_auc"), 3), "Validation students, last epoch."),
        ("Encoder 2 AUC", number(curves.last("validation.encoder2_auc"), 3), "Validation students, last epoch."),
        ("Gain std", number(curves.last("gain_std"), 3), words.GAIN_STD_HELP),
        ("Interactions / s", number(curves.last("interactions_per_second"), 0),
         "Training interactions per second, without padding and without the time for evaluation."),
    )  # fmt: skip
    for tile, (label, value, help_text) in zip(tiles, shown, strict=True):
        tile.metric(label, value, help=help_text)


def progress_text(run: Run) -> str:
    """How far an active run is; while it is queued, what it waits for."""
    if run.status == "queued":
        behind = resources.queued_behind(resources.store(), run)
        return f"Queued {behind}." if behind else "Queued: it starts as soon as its server is free."
    total = (run.steps_per_epoch or 0) * (run.max_epochs or 0)
    if not run.step or not run.started or not run.heartbeat or not total:
        return "Starting: reading the data and building the model …"
    left = (run.heartbeat - run.started) / run.step * (total - run.step)
    return f"Epoch {run.epoch} of {run.max_epochs}, step {run.step:,} of {total:,}, about {words.lasting(left)} left"


def marks(store: Store, run_id: str) -> pd.DataFrame:
    """Settings that were changed while the run trained, as marks for the curves; several at one step are one mark."""
    events = store.events(run_id)
    changed = events[events["kind"] == "changed"].assign(run_id=run_id)
    at = changed.groupby(["step", "field"])
    return changed.assign(old=at["old"].transform("first"), new=at["new"].transform("last")).drop_duplicates(
        ["step", "field"]
    )


def overview(store: Store, run: Run, curves: Curves, other: Run | None = None) -> None:
    """Gain std over time, the gains' distribution, losses and AUCs; `other` is overlaid where one curve is drawn."""
    if not run.active and curves.all.empty:
        st.info("The run ended before anything was recorded.", icon=":material/info:")
        return
    changes = marks(store, run.run_id)
    left, right = st.columns(2)
    with left:
        live_plot(f"gains-{run.run_id}", _gain_std(store, run, curves, other, changes))
    with right:
        live_plot(f"distribution-{run.run_id}", _distribution(store, run, other))
    left, right = st.columns(2)
    with left:
        axes = Axes("Losses: weighted total, and each term unweighted", "step", "loss")
        figure = charts.lines(curves.all, words.LOSSES, None, changes, axes)
        live_plot(f"losses-{run.run_id}", figure)
    with right:
        figure = charts.lines(curves.all, words.AUCS, None, None, Axes("AUC per epoch", "epoch", "AUC"))
        live_plot(f"aucs-{run.run_id}", figure)
    if any(curves.last(name) is not None for name in words.PRESSURE):
        axes = Axes("Constraints on gains: multipliers, share of rejected steps", "step")
        live_plot(f"pressure-{run.run_id}", charts.lines(curves.all, words.PRESSURE, None, changes, axes))


def _gain_std(store: Store, run: Run, curves: Curves, other: Run | None, changes: pd.DataFrame) -> Figure:
    axes = Axes("Gain std over the last 20 batches", "step", "std of gains")
    if other is None:
        return charts.lines(curves.all, words.GAINS, None, changes, axes)
    series = pd.concat([curves.all, curves_of(store, other.run_id).all])
    names = {run.run_id: f"{run.name} (this run)", other.run_id: f"{other.name} ({other.run_id[-4:]})"}
    return charts.lines(series, {"gain_std": "gain std"}, names, changes, axes)


def _distribution(store: Store, run: Run, other: Run | None) -> Figure:
    counts = {}
    for split, label in (("train", "training, last batches"), ("validation", "validation, last epoch")):
        newest = store.latest_histogram(run.run_id, split)
        if newest is not None:
            counts[label] = newest.counts
    if other is not None and (newest := store.latest_histogram(other.run_id, "validation")) is not None:
        counts[f"{other.name} ({other.run_id[-4:]}), validation"] = newest.counts
    return charts.histogram(counts, Axes("Practised gains", "gain", "share of gains"))


def parameters(store: Store, run: Run) -> None:
    """Percentile bands of beta, theta, gamma and M_sat over epochs."""
    percentiles = store.parameters([run.run_id])
    if percentiles.empty and not run.active:
        return
    live_plot(
        f"parameters-{run.run_id}",
        charts.bands(percentiles, words.PARAMETERS, None,
                     Axes("Learned parameters: median, middle 50 % and 90 %", "epoch", height=520)),
    )  # fmt: skip


ORDERS = ("most gains", "highest mean", "widest spread", "label")


def skill_gains(store: Store, run: Run, order: str, page: int, find: str = "") -> None:
    """Gain histograms per skill of the last evaluation or the last batches, sorted, searched, a screen at a time."""
    newest = store.skill_histograms(run.run_id, "train" if run.active else "validation")
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
    source = "training, last batches" if run.active else "validation, last epoch"
    axes = Axes(f"Practised gains per skill: mean ± std, {source}", "gain", height=_height(len(counts), page))
    live_plot(f"skills-{run.run_id}", charts.skill_histograms(counts, labels, page, axes))


def _moments(newest: pd.DataFrame) -> dict[str, list[float]]:
    moments: dict[str, list[float]] = {"n": [], "mean": [], "std": []}
    for counts in newest["counts"]:
        n = sum(counts)
        middles = [(i + 0.5) / len(counts) for i in range(len(counts))]
        mean = sum(c * x for c, x in zip(counts, middles, strict=True)) / n if n else 0.0
        square = sum(c * (x - mean) ** 2 for c, x in zip(counts, middles, strict=True)) / n if n else 0.0
        for name, value in zip(moments, (n, mean, square**0.5), strict=True):
            moments[name].append(value)
    return moments


def _height(skills: int, page: int) -> int:
    shown = min(charts.PANELS, max(skills - page * charts.PANELS, 1))
    return 110 + 130 * -(-shown // 6)
