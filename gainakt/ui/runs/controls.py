"""How the list of runs is looked at: filter, which runs, how they are arranged, columns, order; saved as views."""

from dataclasses import asdict, dataclass, replace
from typing import Any

import streamlit as st

from gainakt.analysis.runs.fields import DEFAULT_COLUMNS, all_fields
from gainakt.analysis.runs.where import EXAMPLE
from gainakt.errors import InputError
from gainakt.store import views
from gainakt.ui import resources
from gainakt.ui.text import markdown_text

SHOW = {"runs": "Runs", "archived": "Archived", "published": "Published", "trash": "Trash"}
ROWS = {"each": "Each run", "seeds": "Seeds folded", "lineage": "Lineage"}
SELECTION = "runs"
"""The query parameter with the ids of the ticked runs, with commas between; the Compare page reads the same."""


@dataclass(frozen=True)
class Look:
    """What the page is asked to show, as its link and its saved views hold it."""

    where: str = ""
    show: str = "runs"
    rows: str = "each"
    columns: tuple[str, ...] = DEFAULT_COLUMNS
    sort: str = ""
    down: bool = True

    @property
    def order(self) -> str:
        """The field to sort by, with a minus for the largest first."""
        return ("-" if self.down else "") + self.sort if self.sort else ""


def draw() -> Look:
    """The controls in one line, each kept in the link."""
    where, show, rows, columns, saved = st.columns([4.2, 3.1, 2.7, 1.15, 1.05], vertical_alignment="bottom")
    look = Look()
    text = where.text_input(
        "Filter", key="where", bind="query-params", icon=":material/search:", label_visibility="collapsed",
        placeholder=f"a name, or {EXAMPLE}", persist_state="session",
        help="Words are looked for in name, preset, id, status, data and tags. Any setting or measure can be compared:"
        " `= != < <= > >=`, `~` for a part of a text, `in (a, b)`; joined by `and`, `or`, `not`, parentheses.",
    )  # fmt: skip
    look = replace(look, where=text or "")
    chosen = show.segmented_control(
        "Show", list(SHOW), default="runs", format_func=SHOW.__getitem__, required=True,
        key="show", bind="query-params", label_visibility="collapsed", persist_state="session",
    )  # fmt: skip
    arranged = rows.segmented_control(
        "Rows", list(ROWS), default="each", format_func=ROWS.__getitem__, required=True,
        key="rows", bind="query-params", label_visibility="collapsed", persist_state="session",
    )  # fmt: skip
    with columns.popover(
        "Columns", icon=":material/view_column:", width="stretch", help="Which columns, in what order"
    ):
        look = _columns(look)
    look = replace(look, show=chosen or "runs", rows=arranged or "each")
    with saved.popover("Views", icon=":material/bookmark:", width="stretch", help="Saved filters, columns and orders"):
        _views(look)
    return look


def _columns(look: Look) -> Look:
    known = all_fields()
    shown = st.multiselect(
        "Columns", list(known), default=list(DEFAULT_COLUMNS), format_func=_option, key="columns",
        bind="query-params", persist_state="session", help="Every setting and measure; type to search.",
    )  # fmt: skip
    by, down = st.columns([3, 1], vertical_alignment="bottom")
    sort = by.selectbox(
        "Sort by", ["", *known], format_func=_option, key="sort", bind="query-params", persist_state="session",
        help="For the link and for saved views. A click on a heading sorts what is on the screen.",
    )  # fmt: skip
    largest = down.toggle("Largest first", value=True, key="down", bind="query-params", persist_state="session")
    return replace(look, columns=tuple(shown), sort=sort or "", down=largest)


def _option(name: str) -> str:
    field = all_fields().get(name)
    return "newest first" if field is None else field.label if field.label == name else f"{field.label} ({name})"


def _views(look: Look) -> None:
    root = resources.service().root
    for name in views.saved(root):
        use, drop = st.columns([5, 1])
        use.button(markdown_text(name), key=f"view-{name}", on_click=_use, args=(name,), width="stretch")
        drop.button(
            "", icon=":material/delete:", key=f"no-view-{name}", help="Remove this view",
            on_click=views.remove, args=(root, name),
        )  # fmt: skip
    with st.form("save-view", border=False, clear_on_submit=True):
        name = st.text_input("Save what is shown now as", max_chars=views.LONGEST_NAME, placeholder="A name")
        if st.form_submit_button("Save view"):
            try:
                views.save(root, name, asdict(look))
            except InputError as error:
                st.error(markdown_text(error))
            else:
                st.rerun()


def _use(name: str) -> None:
    view: dict[str, Any] = views.saved(resources.service().root).get(name, {})
    known = all_fields()
    look = Look(
        where=str(view.get("where", "")),
        show=view["show"] if view.get("show") in SHOW else "runs",
        rows=view["rows"] if view.get("rows") in ROWS else "each",
        columns=tuple(name for name in view.get("columns", DEFAULT_COLUMNS) if name in known),
        sort=view["sort"] if view.get("sort") in known else "",
        down=bool(view.get("down", True)),
    )
    for part, value in asdict(look).items():
        st.session_state[part] = list(value) if part == "columns" else value
