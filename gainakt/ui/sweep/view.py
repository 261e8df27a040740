"""A sweep on a page: which one, its plan, start and stop, and what has come of it, live."""

from functools import partial

import pandas as pd
import streamlit as st

from gainakt.errors import InputError
from gainakt.jobs.sweep.engines import cores
from gainakt.jobs.sweep.folder import SweepFolder, sweeps
from gainakt.jobs.sweep.launch import launch, trouble
from gainakt.jobs.sweep.space import Range, Space, read, ready
from gainakt.jobs.sweep.table import MEASURES, Standing, table
from gainakt.measures.registry import MEASURES as REGISTERED
from gainakt.ui import resources, tables, words
from gainakt.ui.plots.live import live_plot
from gainakt.ui.sweep import figures
from gainakt.ui.text import markdown_text, number
from gainakt.ui.visitors import owners
from gainakt.verdict.criteria import STANDINGS

_TICK = 2.0
_STARTED = "sweep-started"
_EXAMPLE = """# Lists are combined; one value holds in every trial. Names are those of docs/settings.md.
preset = "corrected"
data.simulate = "demo"
training.learning_rate = [0.001, 0.003, 0.01]
model.gain_head = ["additive", "skill_response"]
seeds = 2
"""
_PLAN_HELP = (
    "TOML. A list is tried value by value; `{ low = 0.1, high = 100, log = true }` is a range, for `search = 'random'`"
    " or `'optuna'` with `trials = 40`. `seeds`: runs of each point. `tests = true`: each run gets its verdict with"
    " the learning-curve model."
)
_NAME_HELP = "Sweeps of this store and those that are ready. Type another name to write a new one."
_STOP_HELP = "Trials that train pause after their current step. Going on takes them up there and repeats nothing."
_MORE_HELP = "Trials that train at the same time, each on its share of this machine's cores."


def chosen() -> SweepFolder | None:
    """The sweep that the link names or the user picks, or a new name; None with the reason on the page."""
    names = list(dict.fromkeys([*sweeps(resources.store_path()), *ready()]))
    if "sweep-name" not in st.session_state:
        st.session_state["sweep-name"] = st.query_params.get("sweep") or names[0]
    current = st.session_state["sweep-name"]
    name = st.selectbox(
        "Sweep",
        names if current in names else [current, *names],
        accept_new_options=True,
        help=_NAME_HELP,
        key="sweep-name",
        persist_state="session",
    )
    try:
        folder = SweepFolder(resources.store_path(), str(name).strip())
    except InputError as error:
        st.error(markdown_text(error), icon=":material/error:")
        return None
    st.query_params["sweep"] = folder.name
    return folder


def plan(folder: SweepFolder) -> str | None:
    """The plan's text, to be changed while the sweep rests; None with the reason on the page where it is not one."""
    key = f"sweep-plan-{folder.name}"
    if key not in st.session_state or folder.owner() is not None:
        st.session_state[key] = _kept(folder)
    text = st.text_area(
        "Plan", key=key, height=330, help=_PLAN_HELP, disabled=folder.owner() is not None, persist_state="session"
    )
    try:
        st.caption(_says(read(text)))
    except InputError as error:
        st.error(markdown_text(error), icon=":material/error:")
        return None
    return text


def _kept(folder: SweepFolder) -> str:
    try:
        return folder.text
    except InputError:
        return ready().get(folder.name, _EXAMPLE)


def _says(space: Space) -> str:
    """What a plan comes to, such as `30 trials: 2 × Preset, 5 × Variance weight, 3 seeds`."""
    parts = [
        f"{figures.label(name)} {number(axis.low)} to {number(axis.high)}"
        if isinstance(axis, Range)
        else f"{len(axis)} × {figures.label(name)}"
        for name, axis in space.varied.items()
    ]
    parts += [f"{space.seeds} seeds"] if space.seeds > 1 else []
    parts += ["each with its verdict"] if space.tests else []
    return f"**{space.total:,} trials**: {markdown_text(', '.join(parts))}."


def actions(folder: SweepFolder, text: str | None) -> None:
    """Start or go on, and stop."""
    live = folder.owner()
    more, start, stop = st.columns([1.1, 1.4, 1.2], vertical_alignment="bottom")
    processes = more.number_input(
        "At once", 1, max(cores(), 1), cores(), help=_MORE_HELP, disabled=live is not None, key="sweep-processes"
    )
    begun = folder.name in sweeps(folder.store)
    if start.button(
        "Go on" if begun else "Start",
        type="primary",
        icon=":material/play_arrow:",
        **owners(live is not None or text is None or _starting(folder)),
        width="stretch",
    ):
        folder.save(text or "")
        st.session_state[_STARTED] = folder.name, launch(folder, int(processes))
        st.rerun()
    stop.button(
        "Stopping …" if live and folder.asked_to_stop() else "Stop",
        icon=":material/stop:",
        **owners(live is None or folder.asked_to_stop(), _STOP_HELP),
        on_click=partial(SweepFolder.request_stop, folder),
        width="stretch",
    )


def progress(folder: SweepFolder) -> None:
    """How far the sweep is and how long it takes; redraws the page where it begins or ends."""
    _ticking(folder, partial(_progress, folder, _state(folder)))


def _ticking(folder: SweepFolder, draw: partial[None]) -> None:
    st.fragment(draw, run_every=_TICK if folder.owner() or _starting(folder) else None)()


def _starting(folder: SweepFolder) -> bool:
    """Whether a process that was started here has yet to take the sweep up."""
    name, process = st.session_state.get(_STARTED, ("", None))
    return name == folder.name and process.poll() is None and folder.owner() is None


def _state(folder: SweepFolder) -> str:
    return "live" if folder.owner() else "starting" if _starting(folder) else "resting"


def _progress(folder: SweepFolder, before: str) -> None:
    state, live = _state(folder), folder.owner()
    if state != before:
        st.rerun()
    if folder.name not in sweeps(folder.store):
        st.caption("Not started yet. Every trial becomes an ordinary run of the store.")
        return
    space = folder.space()
    rows = table(resources.store(), folder.name, space)
    standing = Standing.of(rows, space, live["since"] if live else None)
    if state == "resting" and (why := trouble(folder)):
        st.warning(markdown_text(why), icon=":material/warning:")
    st.progress(min(standing.ended / max(standing.total, 1), 1.0), text=_standing(standing, state))


def _standing(standing: Standing, state: str) -> str:
    parts = [f"{standing.ended:,} of {standing.total:,} trials have ended"]
    parts += [f"{standing.active} train now"] if standing.active and state == "live" else []
    parts += [f"{standing.broken} broken off"] if standing.broken else []
    if state == "live" and standing.left is not None:
        parts.append(f"about {words.lasting(standing.left)} left")
    elif state != "live" and standing.ended < standing.total:
        parts.append(state)
    return ", ".join(parts) + "."


def results(folder: SweepFolder) -> None:
    """Effects of the settings, parallel coordinates and the trials, redrawn while the sweep goes on."""
    if folder.name not in sweeps(folder.store):
        return
    space = folder.space()
    first, second, _ = st.columns([2, 2, 3])
    names = list(dict.fromkeys([*MEASURES, *([space.measure] if space.search == "optuna" else [])]))
    measure = first.selectbox(
        "Measure", names, names.index("gain_std"), format_func=lambda one: REGISTERED[one].label, key="sweep-measure",
        help="Of the test students.",
    )  # fmt: skip
    several = [name for name, axis in space.varied.items() if not isinstance(axis, Range)] or ["seed"]
    by = second.selectbox("Colour", several, format_func=figures.label, key=f"sweep-by-{folder.name}")
    _ticking(folder, partial(_results, folder, str(measure), str(by)))


def _results(folder: SweepFolder, measure: str, by: str) -> None:
    space = folder.space()
    rows = table(resources.store(), folder.name, space)
    rows = rows.assign(**{measure: rows[measure] if measure in rows else rows["objective"]})
    effects, parallel, trials = st.tabs(["Effects", "Parallel coordinates", "Trials"])
    with effects:
        live_plot(f"sweep-effects-{folder.name}", figures.effects(rows, space, measure, by), revision=folder.name)
        st.caption(
            "A point per trial, a line through the means."
            + (" Open circles: tested and not differentiated." if space.tests else "")
        )
    with parallel:
        live_plot(f"sweep-parallel-{folder.name}", figures.parallel(rows, space, measure), revision=folder.name)
        st.caption("A line per trial, its colour by the measure. Drag along an axis to keep only the trials there.")
    with trials:
        _trials(rows, space)


def _trials(rows: pd.DataFrame, space: Space) -> None:
    shown = rows.assign(
        open=["Run?run=" + run_id if isinstance(run_id, str) else None for run_id in rows["run_id"]],
        seconds=rows["seconds"].map(words.lasting),
        differentiated=rows["differentiated"].map(STANDINGS),
        epochs=[_epochs(*pair) for pair in zip(rows["epoch"], rows["epochs"], strict=True)],
    )
    objective = ["objective"] if space.search == "optuna" else []
    verdict = ["differentiated"] if space.tests else []
    st.dataframe(
        shown,
        hide_index=True,
        key="sweep-trials",
        placeholder="–",
        height=tables.fitting(len(shown), 420),
        column_order=["open", *space.varied, "seed", "status", "epochs", *objective, *verdict, *MEASURES, "seconds"],
        column_config={
            "open": st.column_config.LinkColumn("", display_text="open", width=44),
            **{name: st.column_config.Column(figures.label(name)) for name in space.varied},
            "seed": "Seed", "status": "Status", "epochs": "Epoch", "seconds": "Took",
            "differentiated": st.column_config.Column("Verdict", help="By the tests with the learning-curve model."),
            "objective": st.column_config.NumberColumn(
                f"{REGISTERED[space.measure].label}, validation", format="%.3f", help="What Optuna moves."
            ),
            **{name: tables.short_column(REGISTERED[name]) for name in MEASURES},
        },
    )  # fmt: skip


def _epochs(done: float, planned: float) -> str | None:
    return None if pd.isna(done) or pd.isna(planned) else words.how_many(done, planned)
