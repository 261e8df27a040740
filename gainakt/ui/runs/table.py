"""The table of runs: it is the selection; and the line above it about what trains just now."""

from hashlib import blake2b
from typing import Any

import pandas as pd
import streamlit as st

from gainakt.analysis.runs.fields import Field, all_fields, with_epochs
from gainakt.analysis.runs.seeds import STD
from gainakt.errors import InputError
from gainakt.measures.registry import MEASURES
from gainakt.store import Run, Store
from gainakt.ui import resources, tables, words
from gainakt.ui.run.view import progress_text
from gainakt.ui.runs import rows
from gainakt.ui.runs.controls import Look
from gainakt.ui.text import markdown_text, shortened

HEIGHT = 400
_TOUCHED = "runs.touched"
_LIGHTS = {
    **dict.fromkeys(("skills ✓", "response ✓"), "green"),
    **dict.fromkeys(("skills ○", "response ○"), "orange"),
    **dict.fromkeys(("skills ?", "response ?"), "gray"),
    **{f"{passed}/6": "blue" for passed in range(7)},
}
_WIDTHS = {"name": 194, "status": 90, "data": 120, "preset": 96, "created": 122, "verdict": 200, "run_id": 168,
           "origin": 96, "tags": 92, "notes": 160}  # fmt: skip


def draw(look: Look) -> None:
    """The line and the table, in step with the store; the rest of the page follows where rows were ticked."""
    st.fragment(_draw, run_every=2)(look)


def _draw(look: Look) -> None:
    if st.session_state.pop(_TOUCHED, False):
        st.rerun()  # the buttons outside follow
    store = resources.store()
    try:
        shown = rows.current(store, look)
    except InputError as error:
        st.error(markdown_text(error), icon=":material/filter_alt:")
        return
    with st.container(key="runs-now"):
        _now(store, shown.new)
    if shown.table.empty:
        none = {"archived": "No run is archived.", "published": "No published record matches."}.get(
            look.show, words.NO_RUNS
        )
        st.info("No run matches the filter." if look.where else none, icon=":material/info:")
        return
    _grid(shown, look)


def _now(store: Store, new: int) -> None:
    """What trains, and the runs that came since; one line that is always there, so that the table keeps its place."""
    active = store.active()
    bar, link, fresh = st.columns([6, 1.1, 1.9], vertical_alignment="center")
    if active:
        run = active[0]
        total = (run.steps_per_epoch or 0) * (run.max_epochs or 0)
        text = _how_far(store, run, 60)
        if len(active) == 2:
            text += f" · {_how_far(store, active[1], 30)}"
        elif len(active) > 2:
            text += f" · and {len(active) - 1} more"
        bar.progress(min(1.0, (run.step or 0) / total) if total else 0.0, text=text)
        link.page_link(
            "pages/1_Train.py", label="Watch", icon=":material/visibility:", query_params={"run": run.run_id}
        )
    else:
        bar.caption("Nothing trains just now.")
    if new:
        fresh.button(
            f"Show {new} new run{'s' if new > 1 else ''}", icon=":material/refresh:", key="show-new",
            on_click=_show_new, width="stretch", help="Rows keep their places until you ask for the new ones.",
        )  # fmt: skip


def _how_far(store: Store, run: Run, length: int) -> str:
    return f"{markdown_text(shortened(run.name, length))} · {progress_text(run, store.began(run.run_id))}"


def _show_new() -> None:
    rows.renew()


def _grid(shown: rows.Rows, look: Look) -> None:
    digest = blake2b("\n".join(map(str, shown.table.index)).encode(), digest_size=6).hexdigest()
    key = f"runs-table-{rows.version()}-{look.rows}-{digest}"

    def touched() -> None:
        shown.tick_rows(st.session_state[key]["selection"]["rows"])
        st.session_state[_TOUCHED] = True

    tagged = "tags" in shown.table and bool(shown.table["tags"].map(bool).any())
    names = _columns(look, tagged)
    st.dataframe(
        _cells(shown.table, names), hide_index=True, key=key, placeholder="–", on_select=touched,
        selection_mode="multi-row", selection_default={"selection": {"rows": shown.ticked()}},
        height=tables.fitting(len(shown.table), HEIGHT), column_order=names, alt="Runs",
        column_config={name: _column(name) for name in names},
    )  # fmt: skip


def _columns(look: Look, tagged: bool) -> list[str]:
    """The columns in order: star, name, what the arrangement adds, then the chosen ones; tags that are there first."""
    known = all_fields()
    chosen = [name for name in with_epochs(look.columns) if name not in ("name", "favourite")]
    if look.rows == "seeds":
        measured = [name for name in chosen if known[name].of in ("final", "epochs")]
        facts = [name for name in chosen if name in ("status", "data", "preset", "created")]
        return ["name", "n", *(part for name in measured for part in (name, name + STD)), *facts]
    if tagged and "tags" in chosen:
        chosen.remove("tags")
        chosen.insert(0, "tags")
    came = [rows.CAME] if look.rows == "lineage" else []
    return ["open", "star", "name", *came, *chosen]


def _cells(table: pd.DataFrame, names: list[str]) -> pd.DataFrame:
    """The columns as cells: times as dates, an active run's status with its epoch."""
    shown = table[[name for name in names if name in table.columns]].copy()
    if "created" in shown:
        shown["created"] = shown["created"].map(words.when)
    if "open" in names:
        shown["open"] = "Run?run=" + table["run_id"]
        shown["star"] = table["favourite"].map({True: "★", False: ""})
        if "status" in shown:
            shown["status"] = [
                f"epoch {words.how_many(epoch, most)}" if status == "running" and epoch > 0 and most > 0 else status
                for status, epoch, most in zip(table["status"], table["epoch"], table["max_epochs"], strict=True)
            ]
    return shown


def _column(name: str) -> Any:
    own = {
        "open": st.column_config.LinkColumn(
            "", display_text="open", width=48, help="Everything saved of the run.", pinned=True
        ),
        "star": st.column_config.TextColumn("★", width=36, help="Favourites.", pinned=True),
        "name": st.column_config.TextColumn("Name", width=_WIDTHS["name"], pinned=True),
        "n": st.column_config.NumberColumn("Seeds", width=56, help="Seeds that ended; the newest run of each."),
        rows.CAME: st.column_config.TextColumn("What it is", width=260, help="What it is to the run above it."),
        "verdict": st.column_config.MultiselectColumn(
            "Verdict", options=list(_LIGHTS), color=list(_LIGHTS.values()), width=_WIDTHS["verdict"],
            help=all_fields()["verdict"].help,
        ),
    }  # fmt: skip
    if name in own:
        return own[name]
    if name.endswith(STD):
        return st.column_config.NumberColumn(
            "± std", format="%.3f", width=64, help="Standard deviation over the seeds."
        )
    return _of_field(all_fields()[name])


def _of_field(field: Field) -> Any:
    help_text = f"{field.label}. {field.help}" + (f" {field.better.capitalize()} is better." if field.better else "")
    width = _WIDTHS.get(field.name)
    if field.of == "final":
        return tables.short_column(MEASURES[field.name])
    if field.kind == "list":
        return st.column_config.ListColumn(field.heading, width=width, help=help_text)
    if field.kind == "flag":
        return st.column_config.CheckboxColumn(field.heading, help=help_text)
    if field.kind == "number":
        whole = field.of == "run" or field.name.endswith("_epoch")
        style = "%.3f" if field.of == "epochs" and not whole else "%.0f" if whole else "%.4g"
        return st.column_config.NumberColumn(
            field.heading, format="%.0f s" if field.name == "seconds" else style, help=help_text
        )
    return st.column_config.TextColumn(field.heading, width=width, help=help_text)
