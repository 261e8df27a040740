"""Runs to take away and to bring in: the buttons to export and to import, and how a run is repeated."""

import tempfile
from collections.abc import Sequence
from pathlib import Path

import streamlit as st

from gainakt.errors import InputError
from gainakt.jobs.reproduce import command, settings_file
from gainakt.store import Run, Store
from gainakt.store.bundle import Imported, export_runs, import_runs
from gainakt.ui import resources
from gainakt.ui.text import markdown_text, shortened
from gainakt.ui.visitors import owners

_OUTCOMES = {
    "imported": ("Imported", st.success, ":material/check_circle:"),
    "there already": ("There already", st.info, ":material/info:"),
    "refused": ("Not imported", st.warning, ":material/warning:"),
}


def export_button(runs: Sequence[Run], key: str) -> None:
    """The button that downloads runs as one file; those that wait, train or are published records stay behind."""
    travelling = [run for run in runs if not (run.active or run.published)]
    name = f"run-{travelling[0].run_id}" if len(travelling) == 1 else f"runs-{len(travelling)}"
    st.download_button(
        "Export",
        lambda: _packed(travelling),
        f"{name}.zip",
        "application/zip",
        key=f"export-{key}",
        icon=":material/archive:",
        disabled=not travelling,
        on_click="ignore",
        help="One file with settings, curves, events and checkpoints, which the Runs page of another installation"
        " imports. With every kept state: `python -m gainakt export RUN --to FILE --states`.",
    )


def _packed(runs: Sequence[Run]) -> bytes:
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "runs.zip"
        export_runs(resources.service().root, runs, file)
        return file.read_bytes()


def import_place(store: Store) -> bool:
    """Where a file of runs is brought in; whether runs came just now."""
    with st.expander("Import runs", icon=":material/unarchive:"):
        file = st.file_uploader(
            "A file that Export wrote",
            type="zip",
            **owners(
                help="Runs that are here already stay as they are. Larger files, and runs of pyKT:"
                " `python -m gainakt import FILE`."
            ),
        )
        if st.button("Import", type="primary", **owners(file is None)) and file is not None:
            return _bring_in(store, file.getvalue())
    return False


def _bring_in(store: Store, content: bytes) -> bool:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "runs.zip"
        path.write_bytes(content)
        try:
            done = import_runs(resources.service().root, path)
        except InputError as error:
            st.error(markdown_text(error), icon=":material/error:")
            return False
    store.take_in()
    for outcome, (title, box, icon) in _OUTCOMES.items():
        if lines := [_line(one) for one in done if one.outcome == outcome]:
            box(f"{title}: {'; '.join(lines)}.", icon=icon)
    return any(one.outcome == "imported" for one in done)


def _line(one: Imported) -> str:
    why = f" ({markdown_text(one.why)})" if one.why else ""
    return f"{markdown_text(shortened(one.name, 60))}, {one.run_id}{why}"


def reproduce(store: Store, run: Run) -> None:
    """The command and the file that repeat a run."""
    if run.published:
        return
    st.markdown("###### Reproduce")
    told, file = st.columns([4, 1], vertical_alignment="center")
    told.code(command(run), language="sh")
    file.download_button(
        "Settings as TOML",
        lambda: settings_file(store, run),
        f"run-{run.run_id}.toml",
        "application/toml",
        key=f"settings-{run.run_id}",
        icon=":material/download:",
        on_click="ignore",
        help="The command trains it again, steering included, and says whether the numbers agree. The file alone"
        " repeats its settings: `python -m gainakt train --config FILE`.",
    )
