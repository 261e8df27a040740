"""Below the table: the best run by a measure, the file of the table, what is written on a ticked run, the trash."""

import dataclasses

import pandas as pd
import streamlit as st

from gainakt.analysis.runs.fields import all_fields
from gainakt.errors import InputError
from gainakt.store import Run, Store
from gainakt.store.trash import FOLDER, KEPT_DAYS
from gainakt.ui import resources, tables, words
from gainakt.ui.runs import rows
from gainakt.ui.runs.controls import Look
from gainakt.ui.text import markdown_text, number, shortened
from gainakt.ui.visitors import owners


def draw(store: Store, look: Look) -> None:
    """The best run and the file, then what is ticked."""
    try:
        shown = rows.current(store, look)
    except InputError:
        return  # said where the table would be
    if shown.table.empty:
        return
    ids = [run_id for some in shown.table["runs"] for run_id in some]
    with st.container(horizontal=True, vertical_alignment="center"):
        _best(store, look, ids)
        st.space("stretch")
        listed = shown.table.drop(columns=["runs", "setup", "parent", "lineage", "open"], errors="ignore")
        tables.download(listed, "runs", "runs")
    _ticked(store, look)


def _best(store: Store, look: Look, ids: list[str]) -> None:
    """The best of the listed runs by a measure, a click away."""
    offered = {name: field.label for name, field in all_fields().items() if field.of == "final" and field.better}
    st.markdown("Best by")
    name = st.selectbox(
        "Best by", list(offered), index=list(offered).index("encoder2_auc"), format_func=offered.__getitem__,
        key="best", label_visibility="collapsed", width=250,
    )  # fmt: skip
    columns = tuple(dict.fromkeys((*look.columns, name)))  # a column that is shown is read already
    values = rows.every(store, dataclasses.replace(look, columns=columns))[name].reindex(ids).dropna()
    if values.empty:
        st.caption("No listed run has it.")
        return
    best = values.idxmax() if all_fields()[name].better == "higher" else values.idxmin()
    run = store.run(str(best))
    label = f"{markdown_text(shortened(run.name, 70))}: {number(float(values[best]), 4)}"
    st.page_link("pages/3_Run.py", label=label, icon=":material/trophy:", query_params={"run": run.run_id})
    st.button(
        "Tick", key="tick-best", on_click=rows.tick, args=([*rows.ticked(), run.run_id],), help="Add to the ticked."
    )


def _ticked(store: Store, look: Look) -> None:
    """What people wrote on the only ticked run; the runs behind ticked folds."""
    ids = rows.ticked()
    if look.rows == "seeds" and ids:
        st.markdown("###### The ticked runs, one by one")
        table = rows.every(store, look).reindex(ids).dropna(subset=["run_id"])
        measured = [name for name in look.columns if all_fields()[name].of in ("final", "epochs")]
        shown = table[["name", "seed", "status", *measured, "run_id"]]
        headings = {name: all_fields()[name].heading for name in shown if name in all_fields()}
        tables.show(shown.rename(columns={**headings, "seed": "Seed"}), most=300)
        return
    for run in store.runs_by_id(ids) if len(ids) == 1 else ():
        written(run, markdown_text(run.name))


def written(run: Run, title: str = "") -> None:
    """The tags and the notes of a run, under a title; nothing where there are none."""
    if run.tags:
        tags = " ".join(f":gray-badge[{markdown_text(tag)}]" for tag in run.tags)
        st.markdown(f"**{title}**\u2002{tags}" if title else tags)
    if run.notes:
        st.markdown(notes_markdown(run.notes))


def notes_markdown(notes: str) -> str:
    """Notes as Markdown that fetches nothing: an image becomes a link. Streamlit shows HTML as text."""
    return notes.replace("![", "!\u2060[")


def trash(store: Store) -> None:
    """The deleted runs, to be ticked and restored."""
    deleted = store.deleted()
    if not deleted:
        st.info(f"The trash is empty. A deleted run is kept here for {KEPT_DAYS} days.", icon=":material/info:")
        return
    table = pd.DataFrame([dataclasses.asdict(one) | {"days": one.days_left} for one in deleted])
    for name in ("created", "deleted"):
        table[name] = table[name].map(words.when)
    st.caption(
        f"Kept for {KEPT_DAYS} days in the folder `{FOLDER}` of the runs' folder, then removed at the next start."
    )
    picked = st.dataframe(
        table, hide_index=True, key=f"trash-{len(deleted)}", on_select="rerun", selection_mode="multi-row",
        placeholder="–", height=tables.fitting(len(table), 400), alt="Trash",
        column_order=["name", "status", "data", "created", "deleted", "who", "days", "run_id"],
        column_config={"name": "Name", "status": "Status", "data": "Data", "created": "Created", "who": "By",
                       "deleted": "Deleted", "days": "Days left", "run_id": "Run id"},
    )  # fmt: skip
    chosen = [deleted[place].run_id for place in picked["selection"]["rows"] if place < len(deleted)]
    if st.button("Restore", type="primary", icon=":material/restore_from_trash:", **owners(not chosen)):
        for run_id in chosen:
            try:
                resources.store().restore(run_id)
            except InputError as error:
                st.error(markdown_text(error), icon=":material/error:")
                return
        st.toast(f"{len(chosen)} restored", icon=":material/restore_from_trash:")
        st.rerun()
