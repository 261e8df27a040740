"""How the list of runs is looked at: filter, which runs, how they are arranged, columns, order; saved as views."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any

import streamlit as st

from gainakt.analysis.runs.fields import DEFAULT_COLUMNS, all_fields
from gainakt.errors import InputError
from gainakt.store import views
from gainakt.ui import resources
from gainakt.ui.text import markdown_text
from gainakt.ui.visitors import owners

SHOW = {"runs": "Runs", "archived": "Archived", "published": "Published", "trash": "Trash"}
ROWS = {"each": "Each run", "seeds": "Seeds", "lineage": "Lineage"}
SELECTION = "runs"
"""The query parameter with the ids of the ticked runs, with commas between; the Compare page reads the same."""


_LEFT = "runs.look"
_HOW = """Words are looked for in name, preset, id, status, data and tags.

Any column, setting or measure can be compared: `=` `!=` `<` `<=` `>` `>=`, `~` for a part of a text, `in (a, b)`. Join
by `and`, `or`, `not` and parentheses:

- `weights.variance > 10 and data = assist2015`
- `status = finished and not tags = old`
- `encoder2_auc.best > 0.7 or standing = differentiated`
- `created > 2026-11-01 and name ~ "level"`

The names of settings and measures are in the list of columns."""


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
    """The controls in one line; they begin as the link says, else as they were left."""
    if "where" not in st.session_state:  # the page was just opened
        linked = {part: st.query_params[part] for part in asdict(Look()) if part in st.query_params}
        _set(_look_of(linked) if linked else st.session_state.get(_LEFT, Look()))
    where, how, show, rows, columns, saved = st.columns([3.5, 0.55, 3.45, 2.65, 1.3, 1.1], vertical_alignment="center")
    text = where.text_input(
        "Filter", key="where", icon=":material/search:", label_visibility="collapsed",
        placeholder="a name, or weights.variance > 10",
    )  # fmt: skip
    with how.popover("", icon=":material/help:", help="How to filter"):
        st.markdown(_HOW)
    chosen = show.segmented_control(
        "Show", list(SHOW), format_func=SHOW.__getitem__, required=True, key="show", label_visibility="collapsed"
    )
    arranged = rows.segmented_control(
        "Rows", list(ROWS), format_func=ROWS.__getitem__, required=True, key="rows", label_visibility="collapsed"
    )
    look = Look(where=text or "", show=chosen or "runs", rows=arranged or "each")
    with columns.popover("Columns", width="stretch"):
        look = _columns(look)
    with saved.popover("Views", width="stretch"):
        _views(look)
    return look


def keep_in_link(look: Look) -> None:
    """Put what differs from the page's own look into the link."""
    st.session_state[_LEFT] = look
    plain = asdict(Look())
    for part, value in asdict(look).items():
        text = ",".join(value) if part == "columns" else str(value)
        if value == plain[part]:
            st.query_params.pop(part, None)
        elif st.query_params.get(part) != text:
            st.query_params[part] = text


def _look_of(stated: Mapping[str, Any]) -> Look:
    """The look that a link or a saved view states; what is missing or unknown is the page's own."""
    known = all_fields()
    columns = stated.get("columns", DEFAULT_COLUMNS)
    asked = columns.split(",") if isinstance(columns, str) else columns
    return Look(
        where=str(stated.get("where", "")),
        show=stated["show"] if stated.get("show") in SHOW else "runs",
        rows=stated["rows"] if stated.get("rows") in ROWS else "each",
        columns=tuple(name for name in asked if name in known) or DEFAULT_COLUMNS,
        sort=stated["sort"] if stated.get("sort") in known else "",
        down=str(stated.get("down", True)) != "False",
    )


def _set(look: Look) -> None:
    for part, value in asdict(look).items():
        st.session_state[part] = list(value) if part == "columns" else value


def _columns(look: Look) -> Look:
    known = all_fields()
    for part in ("columns", "sort", "down"):
        # The browser makes these controls when they are first looked at; a value set in an earlier run is lost by then.
        st.session_state[part] = st.session_state[part]
    shown = st.multiselect(
        "Columns, in this order", list(known), format_func=_option, key="columns",
        help="Every setting and measure; type to search.",
    )  # fmt: skip
    by, down = st.columns([5, 3], vertical_alignment="bottom")
    sort = by.selectbox(
        "Sort by", ["", *known], format_func=_option, key="sort",
        help="For the link and for saved views. A click on a heading sorts what is on the screen.",
    )  # fmt: skip
    largest = down.toggle("Largest first", key="down")
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
            "", icon=":material/delete:", key=f"no-view-{name}",
            on_click=views.remove, args=(root, name), **owners(help="Remove this view"),
        )  # fmt: skip
    with st.form("save-view", border=False, clear_on_submit=True):
        name = st.text_input("Save filter, columns and order as", max_chars=views.LONGEST_NAME, placeholder="A name")
        if st.form_submit_button("Save view", **owners()):
            try:
                views.save(root, name, asdict(look))
            except InputError as error:
                st.error(markdown_text(error))
            else:
                st.rerun()


def _use(name: str) -> None:
    _set(_look_of(views.saved(resources.service().root).get(name, {})))
