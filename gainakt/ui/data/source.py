"""Choosing the data: a path, an upload, a data set used before, simulated students."""

import json
from pathlib import Path
from typing import Any

import pandas as pd
import streamlit as st

from gainakt.config import DataConfig, fields
from gainakt.data.files import ENDINGS
from gainakt.datasets import uploads
from gainakt.errors import InputError
from gainakt.simulate import SCENARIOS
from gainakt.store import Store
from gainakt.ui import words
from gainakt.ui.data.places import uploads_folder
from gainakt.ui.forms.fields import widget
from gainakt.ui.text import markdown_text, shortened

SOURCES = ("Path on this machine", "Upload", "Used before", "Simulated students")
_MEGABYTE = 1 << 20


def choose(store: Store) -> DataConfig | None:
    """The data that the user chose, as they were read when last trained on; None before a choice."""
    source = st.segmented_control(
        "Where the data are",
        SOURCES,
        default=SOURCES[0],
        required=True,
        key="data.source",
        persist_state="session",
        label_visibility="collapsed",
    )
    if source == SOURCES[0]:
        return _path()
    if source == SOURCES[1]:
        return _upload()
    return _used_before(store) if source == SOURCES[2] else _simulated()


def _path() -> DataConfig | None:
    path: str = st.text_input(
        "Path",
        key="data.path",
        persist_state="session",
        placeholder="../data/assist2015",
        help="A file or a folder on the machine that runs this server, or several separated by ;. Files with test in"
        " their name hold the test students.",
    )
    path = path.strip().strip('"')
    if not path:
        st.info(
            "Any file of responses: a table with columns for student, skill and response (CSV, TSV, JSON, Excel,"
            " Parquet, Feather, also .gz), a DataShop export, pyKT sequences, or text with a few lines per student."
            " Your files are not changed.",
            icon=":material/info:",
        )
        return None
    return DataConfig(path=str(Path(path).expanduser()) if path.startswith("~") else path)


def _upload() -> DataConfig | None:
    megabytes = int(st.get_option("server.maxUploadSize"))
    files = st.file_uploader(
        "Files of one data set",
        [ending[1:] for ending in ENDINGS],
        accept_multiple_files=True,
        key="data.files",
        help="Several files make one data set. A file with test in its name holds the test students.",
    )
    if files:
        marks = [file.file_id for file in files]
        if st.session_state.get("data.upload", {}).get("marks") != marks:
            try:
                path = uploads.save(
                    [(file.name, file.getvalue()) for file in files], uploads_folder(), megabytes * _MEGABYTE
                )
            except InputError as error:
                st.error(markdown_text(error))
                return None
            except OSError as error:
                st.error(f"The upload cannot be saved: {markdown_text(error)}")
                return None
            st.session_state["data.upload"] = {"marks": marks, "path": str(path)}
    kept = st.session_state.get("data.upload", {}).get("path")
    if not kept or not Path(kept).exists():
        st.caption(f"Uploads are saved on the server's machine in {markdown_text(uploads_folder())}.")
        return None
    st.caption(f"Saved as {markdown_text(kept)}. Delete it there when you no longer need it.")
    return DataConfig(path=kept)


def _used_before(store: Store) -> DataConfig | None:
    data_sets = used_before(store)
    if not data_sets:
        st.info("None yet. Data sets of earlier runs and uploads will be listed here.", icon=":material/info:")
        return None
    label = st.selectbox(
        "Data set", list(data_sets), key="data.seen", persist_state="session", label_visibility="collapsed"
    )
    return data_sets[label]


def used_before(store: Store) -> dict[str, DataConfig]:
    """Data sets of runs, each read as its newest run read it, then the other uploads; by label, the newest first."""
    data_sets, paths = {}, set()
    for row in store.datasets().sort_values("first_seen", ascending=False).itertuples():
        runs = store.runs_on(row.fingerprint)
        if runs:
            config = _known_settings(runs[-1].config.get("data", {}))
            paths.add(config.path)
            data_sets[_label(row)] = config
    for path in uploads.saved(uploads_folder()):
        if str(path) not in paths:
            data_sets[f"{path.stem} · uploaded {words.when(path.stat().st_mtime)} · {path.parent.name}"] = DataConfig(
                path=str(path)
            )
    return data_sets


def _known_settings(values: dict[str, Any]) -> DataConfig:
    return DataConfig.model_validate({name: values[name] for name in DataConfig.model_fields if name in values})


def _label(row: Any) -> str:
    try:
        about = json.loads(row.summary)
        counts = " · " + ", ".join(f"{about[name]:,} {name}" for name in ("students", "interactions", "skills"))
    except (ValueError, TypeError, KeyError):
        counts = ""
    place = "" if pd.isna(row.source) else f" · {shortened(row.source, 60)}"
    return f"{shortened(row.name, 40)}{counts}{place} · {row.fingerprint[:8]}"


def _simulated() -> DataConfig:
    name_at, seed_at = st.columns([3, 1])
    name = name_at.selectbox(
        "Scenario",
        list(SCENARIOS),
        key="data.scenario",
        persist_state="session",
        help="Their true learning rates are known, so what a run learns can be compared with the truth.",
    )
    with seed_at:
        seed = widget(fields()["data.seed"], 0, "data.scenario-seed")
    st.caption(SCENARIOS[name].help)
    return DataConfig(simulate=name, seed=int(seed))


def choose_for_training(chosen: DataConfig, summary: dict[str, Any]) -> None:
    """Let the Train page offer these data for the rest of this session; the window stays the preset's."""
    values = {f"data.{name}": value for name, value in chosen.model_dump().items() if name != "window"}
    counts = ", ".join(f"{summary[name]:,} {name}" for name in ("students", "interactions", "skills"))
    st.session_state["data.chosen"] = {"settings": values, "label": f"{summary['name']}: {counts}"}


def chosen_for_training() -> dict[str, Any] | None:
    """The data chosen last in this session: `settings` by dotted name, and `label`."""
    chosen: dict[str, Any] | None = st.session_state.get("data.chosen")
    return chosen
