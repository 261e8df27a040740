"""What steering did: the unsteered twin beside the steered run, and the effects over seeds in words."""

import math
from functools import partial

import pandas as pd
import streamlit as st

from gainakt.config import SCHEDULE
from gainakt.jobs import twin
from gainakt.jobs.twin import Effect
from gainakt.measures.registry import MEASURES
from gainakt.store import Run, Store
from gainakt.ui import resources, tables, words
from gainakt.ui.plots import charts
from gainakt.ui.plots.charts import Axes
from gainakt.ui.plots.live import live_plot
from gainakt.ui.run.recorded import curves_of
from gainakt.ui.text import markdown_text
from gainakt.ui.visitors import owners

_TICK = 1.5
_SEEDS = 3
_IN_WORDS = {
    "gain_std": "gain std",
    "encoder1_auc": "Encoder 1's AUC",
    "encoder2_auc": "Encoder 2's AUC",
    "response_gain_ratio": "the gain ratio",
    "rate_cv": "the CV of effective rates",
}
"""Measures that the sentences name; the table has them all."""


def section(store: Store, run: Run) -> None:
    """The button, the progress, the chart and the effects."""
    moved = moves(store, run)
    if not moved:
        st.caption("This run was not steered, so it has no unsteered twin.")
        return
    st.markdown("###### What did steering do?")
    busy = is_training(run)
    st.caption("The unsteered twin is this run as if nobody had touched it: it trains on from before the first change.")
    seeds_at, start_at, cancel_at, _ = st.columns([1.6, 2, 1.4, 6], vertical_alignment="bottom")
    seeds = seeds_at.number_input(
        "Seeds",
        1,
        100,
        _SEEDS,
        key=f"twin-seeds-{run.run_id}",
        help="Repeats the run with and without steering, once for each seed. From two on every effect has a 95 %"
        " interval; more seeds make it narrower.",
    )
    usable = run.status in ("finished", "stopped")
    if start_at.button(
        "Unsteered twin",
        icon=":material/call_split:",
        type="primary",
        width="stretch",
        **owners(busy or not usable),
        key=f"twin-{run.run_id}",
    ):
        work = partial(twin.twins, resources.service().root, run, int(seeds))
        resources.jobs().start(_about(run), "Unsteered twin", work)
        st.rerun()
    if busy and cancel_at.button("Cancel", width="stretch", key=f"twin-cancel-{run.run_id}", **owners()):
        resources.jobs().cancel(_about(run))
    if not usable:
        st.caption("Its twin can be trained once it is finished or stopped.")
    st.fragment(_shown, run_every=_TICK if busy else None)(run.run_id)


def is_training(run: Run) -> bool:
    """Whether the run's twins are being trained, or wait for that."""
    job = resources.jobs().of(_about(run))
    return job is not None and not job.ended


def moves(store: Store, run: Run) -> list[str]:
    """The labels of the settings that were steered, in order."""
    marks = curves_of(store, run.run_id).marks
    return [words.setting(name) for name in dict.fromkeys(marks.loc[marks["who"] != SCHEDULE, "field"])]


def _about(run: Run) -> str:
    return f"twin of {run.run_id}"


def _shown(run_id: str) -> None:
    store = resources.store()
    run = store.run(run_id)
    job = resources.jobs().of(_about(run))
    watched = f"twin-watched-{run_id}"
    if job is not None and not job.ended:
        st.session_state[watched] = True
        text = "Cancelling: it ends after the current step." if job.cancelled else resources.job_text(store, job)
        st.progress(min(job.done, 1.0), text=text[:1].upper() + text[1:])
    elif st.session_state.pop(watched, False):
        store.take_in()
        st.rerun()
    elif job is not None and job.error:
        st.error(f"The twin was not trained: {markdown_text(job.error)}", icon=":material/error:")
    elif job is not None and job.cancelled:
        st.info("Cancelled. What was trained is kept: start again to go on from there.", icon=":material/info:")
    _chart(store, run)
    pairs = twin.pairs_of(store, run)
    if pairs:
        _effects(store, run, list(twin.effects(store, pairs)))


def _chart(store: Store, run: Run) -> None:
    """Gain std of the run and of its own twin, finished or not."""
    own = [
        one
        for one in store.kin(run.run_id)
        if one.lineage.get("twin") == run.run_id
        and not one.lineage.get("steered")
        and one.seed == run.seed
        and one.status != "failed"
    ]
    if not own:
        return
    other = own[-1]
    series = pd.concat([curves_of(store, one.run_id).all for one in (run, other)])
    axes = Axes("Gain std over steps, steered and unsteered", "step", "std of gains", height=300)
    names = {run.run_id: "steered", other.run_id: "unsteered twin"}
    figure = charts.lines(series, {"gain_std": "gain std"}, names, curves_of(store, run.run_id).marks, axes)
    live_plot(f"twin-chart-{run.run_id}", figure)


def _effects(store: Store, run: Run, effects: list[Effect]) -> None:
    st.markdown(sentences(moves(store, run), effects))
    rows = [
        {
            "Measure": MEASURES[one.measure].label,
            "Steered": one.steered,
            "Unsteered": one.unsteered,
            "Difference": one.difference,
            "95 % interval": _interval(one) or "–",
            "Seeds": one.seeds,
        }
        for one in effects
    ]
    shown = pd.DataFrame(rows).astype({"Steered": float, "Unsteered": float, "Difference": float})
    tables.show(shown, widths={"Measure": 260, "95 % interval": 180})
    st.caption("Means over seeds, test students. The interval is that of the mean difference over seeds (Student's t).")


def sentences(moved: list[str], effects: list[Effect]) -> str:
    """The effects in words, each with its interval where there is one."""
    parts = [_part(one) for one in effects if one.measure in _IN_WORDS]
    settings = " and ".join(markdown_text(_inside(label)) for label in moved)
    text = f"Moving {settings} {'; '.join(parts)}."
    if any(one.low is not None for one in effects):
        return f"{text} In brackets: 95 % intervals over {max(one.seeds for one in effects)} seeds."
    return f"{text} That is one seed: whether it is more than chance takes two or more."


def _part(effect: Effect) -> str:
    name, low, high, digits = _IN_WORDS[effect.measure], effect.low, effect.high, _digits(effect)
    if effect.difference is None:
        return f"left {name} unknown"
    if effect.difference == 0:
        return f"did not change {name}"
    if low is not None and high is not None and low <= 0 <= high:
        return f"changed {name} by {effect.difference:+.{digits}f} {_interval(effect)}, which may be chance"
    if effect.difference < 0:
        within = "" if low is None or high is None else f" [{-high:.{digits}f}, {-low:.{digits}f}]"
        return f"lowered {name} by {-effect.difference:.{digits}f}{within}"
    return f"raised {name} by {effect.difference:.{digits}f} {_interval(effect)}".rstrip()


def _interval(effect: Effect) -> str:
    if effect.low is None or effect.high is None:
        return ""
    digits = _digits(effect)
    return f"[{effect.low:.{digits}f}, {effect.high:.{digits}f}]"


def _digits(effect: Effect) -> int:
    """Decimals, three or more, that tell an effect and the ends of its interval from 0."""
    sizes = [abs(value) for value in (effect.difference, effect.low, effect.high) if value]
    return max(3, min(6, -math.floor(math.log10(min(sizes))))) if sizes else 3


def _inside(label: str) -> str:
    """A label within a sentence: `the variance weight`; names and symbols keep their capitals."""
    first = label.split()[0]
    return f"the {label}" if not first[1:].islower() else f"the {label[:1].lower()}{label[1:]}"
