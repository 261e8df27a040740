"""Which data the Skills page shows, their fits made by a job, and the tables that are worked out from them once."""

from dataclasses import dataclass
from typing import Any

import pandas as pd
import streamlit as st

from gainakt.analysis.learning import curves, mastery, practice, students
from gainakt.config import Config, DataConfig, changed
from gainakt.errors import InputError
from gainakt.jobs import learning
from gainakt.jobs.background import Work
from gainakt.jobs.learning import Study
from gainakt.store import Run, Store, runs_root
from gainakt.ui import job, resources
from gainakt.ui.data import places, source
from gainakt.ui.text import markdown_text

_DEMO = "demo (simulated)"


def data(store: Store, place: Any) -> DataConfig | None:
    """The data that the user picks there, first those of the Data page; None, said on the page, before a choice."""
    known: dict[str, DataConfig] = {}
    chosen = source.chosen_for_training()
    if chosen:
        known[f"{chosen['label']} · chosen on the Data page"] = changed(Config(), chosen["settings"]).data
    known |= source.used_before(store)
    known.setdefault(_DEMO, DataConfig())
    picked = place.selectbox(
        "Data",
        list(known),
        index=0 if chosen else None,
        key=f"learning.data-{bool(chosen)}-{len(known)}",
        placeholder="Choose a data set",
        help="Data sets of your runs and uploads. To look at another file, open it on the Data page and press Skills"
        " and students.",
    )
    if picked is None:
        st.info(
            "Which skills are learned, whether the skill model is right, which students struggle, how much practice is"
            " too much: choose the data above, or open a file on the Data page and press Skills and students.",
            icon=":material/school:",
        )
        return None
    return known[picked]


def studied(config: DataConfig) -> Study | None:
    """The fits of these data; None, with their progress or the reason on the page, until they are there."""
    try:
        places.check(config)
        key, found = learning.key_of(config), learning.found(config)
    except InputError as error:
        st.error(markdown_text(error), icon=":material/error:")
        return None
    if found is None:
        _start(f"learning-{key}", "fits of a data set", lambda report: learning.study(config, report))
    return found


def examined(config: DataConfig) -> learning.Examined | None:
    """The KC models compared and what does not fit; None, with the progress on the page, until they are there."""
    found = learning.found_examined(config)
    if found is None:
        name = f"skill-model-{learning.key_of(config)}"
        _start(name, "comparison of skill models", lambda report: learning.examine(config, report))
    return found


def _start(name: str, what: str, work: Work) -> None:
    """Start the job where none has been, and show how far it is; after an end without a result, a button starts it."""
    before = resources.jobs().of(name)
    failed = before is not None and before.ended and bool(before.error or before.cancelled)
    idle = before is None or (before.ended and not failed)
    if idle or (failed and st.button("Compute again", icon=":material/refresh:")):
        resources.jobs().start(name, what, work)
    job.progress(name)


def runs_of(store: Store, study: Study) -> dict[str, Run]:
    """The ended runs on these data, newest first, that have encoders."""
    known = reversed(store.runs_on(study.data.fingerprint))
    return {
        run.run_id: run
        for run in known
        if not run.active and not run.yardstick and run.config.get("model", {}).get("kind") != "parametric"
    }


@dataclass(frozen=True)
class Courses:
    """What a threshold of mastery makes of the data: tables of the class and of practice, and of student and skill."""

    pairs: pd.DataFrame
    students: pd.DataFrame
    practice: pd.DataFrame


@st.cache_resource(max_entries=8, show_spinner=False)
def curve_table(key: str, run_id: str, _study: Study) -> pd.DataFrame:
    """The learning curves with what the fits say, and Encoder 2 of a run where one is chosen; raises InputError."""
    chances = dict(_study.chances)
    if run_id:
        run = resources.store().run(run_id)
        chances["encoder2"] = learning.encoder2(run, runs_root(resources.store_path()), _study.data)
    return curves.curves(_study.data, chances)


@st.cache_resource(max_entries=8, show_spinner=False)
def skill_table(key: str, _study: Study) -> pd.DataFrame:
    """A row per skill, with the rates of the fits."""
    return learning.skill_table(_study, curve_table(key, "", _study))


@st.cache_resource(max_entries=8, show_spinner=False)
def courses(key: str, threshold: float, _study: Study) -> Courses:
    """The class and practice at this threshold of mastery."""
    waits = mastery.waiting(_study.chain, threshold)
    pairs = mastery.courses(_study.data, _study.chain, _study.known, waits)
    return Courses(
        pairs,
        students.students(_study.data, pairs, _study.afm),
        practice.practice(_study.data.skills, _study.chain, waits, pairs),
    )


def threshold() -> float:
    """The P(known) from which a skill counts as mastered."""
    return float(
        st.slider(
            "Mastery threshold",
            0.5,
            0.99,
            0.95,
            0.01,
            key="learning.threshold",
            persist_state="session",
            help="P(known) of BKT from which a skill counts as mastered. 0.95 is usual in tutors.",
        )
    )
