"""What to run on the Benchmark page: on which data, which yardsticks, or the curve; and how far it is."""

from pathlib import Path

import streamlit as st
from pydantic import ValidationError

from gainakt.analysis.benchmark import YARDSTICKS
from gainakt.config import Config, DataConfig, changed
from gainakt.errors import InputError
from gainakt.jobs import benchmark, freedoms
from gainakt.jobs.background import Work
from gainakt.jobs.study import read, whole_numbers
from gainakt.store import Store
from gainakt.ui import resources
from gainakt.ui.text import markdown_text
from gainakt.ui.visitors import owners

JOB, CURVE = "benchmark", "freedoms"
_PROTOCOLS = {"pykt": "given folds, test students", "students80": "80/20 of all students"}


def data_choice(store: Store, key: str) -> DataConfig:
    """The data of a saved run, or the simulated class where there is none; how they are read comes along."""
    known = {label(config): config for config in _read_as(store)}
    known.setdefault(label(DataConfig()), DataConfig())
    help_text = (
        "The data sets of your runs, read as they were. Train on another one first, or run"
        " `python -m gainakt benchmark DATA`."
    )
    chosen = st.selectbox("Data", list(known), key=f"data-{key}", help=help_text)
    return known[chosen]


def _read_as(store: Store) -> list[DataConfig]:
    """How the data of saved runs were read, newest first, whatever their split."""
    found: list[DataConfig] = []
    for run_id in store.runs()["run_id"]:
        try:
            config = Config.model_validate(store.run(run_id).config).data
        except ValidationError:
            continue
        config = config.model_copy(update={"split": "given"})
        if config not in found:
            found.append(config)
    return found


def label(config: DataConfig) -> str:
    """A data set's name and, where it is no default, its window."""
    name = Path(config.path.split(";")[0]).name if config.path else f"{config.simulate} (simulated)"
    return name if config.window == DataConfig().window else f"{name}, window {config.window}"


def yardsticks(store: Store, expanded: bool) -> None:
    """The form for yardsticks, with its button."""
    with st.expander("Run yardsticks", icon=":material/straighten:", expanded=expanded):
        first, second, third = st.columns([3, 3, 2])
        with first:
            data = data_choice(store, "yardsticks")
        protocol = second.selectbox(
            "Split", list(_PROTOCOLS), format_func=_PROTOCOLS.__getitem__,
            help="Given: the folds and test students that the data name, as pyKT does. 80/20: they are ignored; each"
            " fold draws other test students.",
        )  # fmt: skip
        folds = third.text_input("Folds", "0", help="Numbers with commas between, such as 0, 1, 2, 3, 4.")
        missing = benchmark.Plan(data).missing
        models = st.multiselect(
            "Yardsticks", [name for name in YARDSTICKS if name not in missing],
            [name for name in YARDSTICKS if name not in missing and name not in ("dkt", "deep-irt", "akt", "simplekt")],
            format_func=lambda name: YARDSTICKS[name].label,
            help="DKT, Deep-IRT and pyKT's models are networks, which take minutes; the others take seconds.",
        )  # fmt: skip
        if missing:
            st.caption("Not installed: " + "; ".join(markdown_text(text) for text in missing.values()))
        try:
            plan = benchmark.Plan(data, protocol, tuple(models), read("Folds", whole_numbers, folds))
        except InputError as error:
            st.error(markdown_text(error), icon=":material/error:")
            return
        root = resources.service().root
        _button("Run them", JOB, lambda report: benchmark.carry_out(plan, root, report))
        st.caption("What has finished on the same data, fold and settings is not run again.")


def curve(data: Config) -> None:
    """The button that trains the curve's missing points."""
    root = resources.service().root
    _button("Train the curve", CURVE, lambda report: freedoms.carry_out(data, root, report))


def _button(text: str, name: str, work: Work) -> None:
    job = resources.jobs().of(name)
    busy = job is not None and not job.ended
    if st.button(text, type="primary", icon=":material/play_arrow:", key=f"start-{name}", **owners(busy)):
        resources.jobs().start(name, name, work)
        st.rerun()


def of_data(data: DataConfig, fold: int = 0) -> Config:
    """The configuration that names the data and a fold, as the curve takes it."""
    return changed(Config(data=data), {"training.fold": fold, "training.seed": fold})
