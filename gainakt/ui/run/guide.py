"""The guided start on Home: five steps from uniform gains to a tested difference, with their state from the store."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import streamlit as st

from gainakt.config import Config, changed, presets
from gainakt.jobs.background import Work, tests
from gainakt.store import Run, Store
from gainakt.store.facts import TESTED
from gainakt.store.values import as_json
from gainakt.ui import resources
from gainakt.ui.visitors import owners

_SMALL = {"model.width": 128, "training.max_epochs": 3}
_CURVE_MODEL = "stand-in"
_SAW_WHY = "guide.saw-why"
_OPENS = ("Watch", "Open", "Diagnose")
"""Labels of the buttons that start nothing."""


@dataclass(frozen=True)
class Recipe:
    """A training of the guide: its runs are those of exactly this configuration."""

    name: str
    preset: str
    settings: dict[str, Any]

    @property
    def config(self) -> Config:
        """The whole configuration."""
        return changed(presets.preset(self.preset), self.settings)


UNIFORM = Recipe("v3-phase1 on demo", "v3-phase1", {**_SMALL, "origin.reported_gain": "aggregate"})
SWITCHED = Recipe("v3-phase1 on demo, practised gains", "v3-phase1", {**_SMALL, "origin.reported_gain": "practised"})
CORRECTED = Recipe("corrected on demo", "corrected", {})


@dataclass(frozen=True)
class Step:
    """One step: what it says, the label of its button and what that does, and where it stands."""

    key: str
    title: str
    text: str
    label: str
    act: Callable[[], None]
    done: bool
    busy: str = ""


def steps(store: Store) -> list[Step]:
    """The steps as the store has them."""
    uniform, switched, corrected = (_newest(store, recipe) for recipe in (UNIFORM, SWITCHED, CORRECTED))
    tested = corrected is not None and bool(store.journal_rows([corrected.run_id], TESTED))
    job = resources.jobs().of(corrected.run_id) if corrected else None
    testing = job is not None and not job.ended
    saw_why = bool(st.session_state.get(_SAW_WHY)) or _ended(switched)
    return [
        _training(
            "v3-phase1",
            "See gains look uniform",
            UNIFORM,
            uniform,
            "Train the model of the original study on simulated students: the gain that it reports is almost the"
            " same for every interaction.",
        ),
        Step(
            "why",
            "See why",
            "The diagnosis of that run, section Gains, compares the reported gain with the gains that predictions use.",
            "Diagnose" if _ended(uniform) else "Watch" if uniform is not None else "Train first",
            lambda: _diagnose(uniform),
            saw_why,
            "training" if uniform is not None and uniform.active else "",
        ),
        _training(
            "switched",
            "Turn one switch",
            SWITCHED,
            switched,
            "Train it again with Reported gain set to practised. Only the report changes: these gains do differ, but"
            " Encoder 2 predicts as poorly as before.",
        ),
        _training(
            "corrected",
            "See them differ",
            CORRECTED,
            corrected,
            "Train the corrected model on the same students: its gains differ by skill, and Encoder 2 predicts better.",
        ),
        Step(
            "real",
            "Ask whether it is real",
            "Test with the learning-curve model whether skills and responses differ by more than chance.",
            "Open" if tested else "Test" if corrected else "Train and test",
            lambda: _ask(corrected, tested or testing),
            tested,
            "testing" if testing else "",
        ),
    ]


def draw(store: Store) -> None:
    """The steps in rows; the next one has the coloured button."""
    shown = steps(store)
    first = next((step for step in shown if not step.done), None)
    upcoming = first.key if first is not None and not first.busy else None  # what trains is waited for
    with st.container(border=True, key="guide"):
        for number, step in enumerate(shown, 1):
            mark, text, state, button = st.columns([0.35, 8, 1.4, 1.9], vertical_alignment="center")
            icon = ":green[:material/check_circle:]" if step.done else f":gray[:material/counter_{number}:]"
            mark.markdown(f"#### {icon}")
            text.markdown(f"**{step.title}.** {step.text}")
            state.markdown(_state(step, step.key == upcoming))
            kind: Any = "primary" if step.key == upcoming else "secondary"
            starts = step.label not in _OPENS
            if button.button(
                step.label, key=f"start-{step.key}", type=kind, width="stretch", **(owners() if starts else {})
            ):
                step.act()


def _state(step: Step, upcoming: bool) -> str:
    if step.busy:
        return f":small[:blue[{step.busy} …]]"
    return ":small[:green[done]]" if step.done else ":small[**next**]" if upcoming else ""


def _training(key: str, title: str, recipe: Recipe, run: Run | None, text: str) -> Step:
    """A step that trains a recipe, or opens its run."""
    label = "Watch" if run is not None and run.active else "Open" if run is not None else "Train"
    busy = run.status if run is not None and run.active else ""
    return Step(key, title, text, label, lambda: _open(run) if run is not None else _train(recipe), _ended(run), busy)


def _newest(store: Store, recipe: Recipe) -> Run | None:
    """The newest run of a recipe that has results, else one that waits or trains; others do not count."""
    runs = [run for run in store.same_config(as_json(recipe.config.model_dump())) if "step" not in run.lineage]
    ended = [run for run in runs if _ended(run)]
    return ended[-1] if ended else next((run for run in reversed(runs) if run.active), None)


def _ended(run: Run | None) -> bool:
    return run is not None and run.status in ("finished", "stopped")


def _train(recipe: Recipe) -> None:
    _open_live(_submit(recipe))


def _submit(recipe: Recipe) -> str:
    return resources.service().submit(recipe.config, name=recipe.name, preset=recipe.preset)


def _open(run: Run) -> None:
    if run.active:
        _open_live(run.run_id)
    else:
        st.switch_page("pages/3_Run.py", query_params={"run": run.run_id})


def _open_live(run_id: str) -> None:
    st.switch_page("pages/1_Train.py", query_params={"run": run_id})


def _diagnose(run: Run | None) -> None:
    if run is None:
        _train(UNIFORM)
    elif run.active:
        _open_live(run.run_id)
    else:
        st.session_state[_SAW_WHY] = True
        st.switch_page("pages/6_Diagnosis.py", query_params={"run": run.run_id})


def _ask(run: Run | None, asked: bool) -> None:
    """Test the run, which is trained first where there is none: jobs wait for trainings."""
    run_id = run.run_id if run is not None else _submit(CORRECTED)
    if not asked:
        resources.jobs().start(run_id, "Test with the learning-curve model", _later(run_id))
    if _ended(run):
        st.switch_page("pages/6_Diagnosis.py", query_params={"run": run_id})
    _open_live(run_id)


def _later(run_id: str) -> Work:
    """The test of a run that may still train when it is asked for."""
    store, root = resources.store(), resources.service().root

    def work(progress: Any) -> None:
        store.take_in()
        tests(store.run(run_id), root, _CURVE_MODEL)(progress)
        store.take_in()

    return work
