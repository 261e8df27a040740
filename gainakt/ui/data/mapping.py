"""What each column holds: guessed from the header, shown on the first rows, corrected by the user."""

import hashlib
import json
from typing import Any

import pandas as pd
import streamlit as st

from gainakt.config import Config, DataConfig, changed, fields
from gainakt.data.mapping import REQUIRED, ROLES
from gainakt.datasets.preview import Preview, preview
from gainakt.datasets.report import stamp
from gainakt.ui import tables
from gainakt.ui.data import places
from gainakt.ui.forms.fields import settings_form
from gainakt.ui.text import markdown_text, shortened

COLUMNS = tuple(f"{role}_column" for role in ROLES)
CHOICES = (
    "several_skills",
    "bad_rows",
    "partial_credit",
    "overlap",
    "pseudonymise",
    "test_path",
    "format",
    "header",
    "sheet",
    "encoding",
    "skill_separator",
    "attempts",
    "full_credit",
    "dates",
)
_ROWS = 20
_SHOWN_COLUMNS = 60
_LONGEST_CELL = 200
_PREFERRED = "by its figures (tab Skill models)"


def correct(chosen: DataConfig) -> tuple[DataConfig, bool]:
    """The reading of these files as the user corrects it, and whether all needed columns are known."""
    key = f"data.map.{hashlib.sha256(json.dumps(chosen.model_dump()).encode()).hexdigest()[:12]}"
    columns_at, rows_at, choices_at = (
        st.container(),
        st.container(),
        st.expander(
            "More settings: several skills, bad rows, credit, test files, format, header, sheet, attempts, dates,"
            " pseudonyms"
        ),
    )
    with choices_at:
        changes = settings_form(Config(data=chosen), key, [f"data.{name}" for name in CHOICES], columns=3)
    config = changed(Config(data=chosen), changes)
    plain = config.data.model_copy(update={**dict.fromkeys(COLUMNS, ""), "skill_model": ""})
    guessed = _previews(plain)
    if not all(one.header for one in guessed):
        columns_at.caption(f"Format {guessed[0].format}: the file has no header, and there are no columns to name.")
    elif not guessed[0].format.startswith("EdNet"):
        with columns_at:
            config = changed(config, _columns(guessed, config.data, key))
    with rows_at:
        shown = _previews(config.data)
        _first_rows(shown, key)
        problem = next((one for one in shown if one.problem), None)
        if problem:
            _what_to_do(problem, f"{key}.data.format")
    return config.data, problem is None


def _what_to_do(one: Preview, format_key: str) -> None:
    """What is missing in a file, and an offer to read it as the matrix that it looks like."""
    if "data.format=wide" not in one.advice:
        advice = f" {markdown_text(one.advice)}." if one.advice else ""
        st.error(f"Name the columns above. {markdown_text(one.problem)}.{advice}", icon=":material/table_view:")
        return
    st.warning(
        f"{markdown_text(one.path.name)} looks like a matrix: a row per student, a column of marks per item."
        " It can be read so, each item as a skill of its own. Such a file does not say in which order the items were"
        " answered, so learning over time cannot be seen in it. If it is something else, name its columns above.",
        icon=":material/grid_on:",
    )
    st.button(
        "Read as a matrix of students by items",
        icon=":material/grid_on:",
        type="primary",
        on_click=lambda: st.session_state.update({format_key: "wide"}),
    )


def _previews(config: DataConfig) -> list[Preview]:
    places.check(config)
    return _cached(config.model_dump(), stamp(config))


@st.cache_data(max_entries=8, show_spinner=False)
def _cached(values: dict[str, Any], stamps: tuple[tuple[str, int, int], ...]) -> list[Preview]:
    # `stamps` tell one state of the files from another; a name that starts with _ would be left out of the key
    config = DataConfig.model_validate(values)
    return preview(config.path, config, _ROWS)


def _columns(guessed: list[Preview], chosen: DataConfig, key: str) -> dict[str, Any]:
    """A box per role with the header's columns; dotted name -> header, "" where the guess stands."""
    headers = list(dict.fromkeys(name for one in guessed for name in one.header if name not in ("", "-")))
    models = list(dict.fromkeys(name for one in guessed for name in one.skill_models))
    sequences = guessed[0].format == "sequences"
    roles = [role for role in ROLES if not (sequences and role in ("time", "attempt"))]
    if guessed[0].format == "wide":
        roles = ["student"]
    width = 5 if len(roles) + bool(models) <= 5 else 4
    boxes, picked = st.columns(width), {}
    for position, role in enumerate(roles):
        name = f"{role}_column"
        guess = next((one.names[role] for one in guessed if role in one.names), "")
        with boxes[position % width]:
            picked[f"data.{name}"] = _box(name, getattr(chosen, name), headers, guess, key)
    if models:
        with boxes[len(roles) % width]:
            picked["data.skill_model"] = _box("skill_model", chosen.skill_model, models, _PREFERRED, key)
    return picked


def _box(name: str, value: str, options: list[str], guess: str, key: str) -> str:
    needed = name.removesuffix("_column") in REQUIRED or name == "skill_model"
    offered = list(dict.fromkeys(["", *([] if needed else ["-"]), *options, value]))
    nothing = "choose a column" if needed else "none found"
    usual = guess if guess in ("", _PREFERRED) else f"{shortened(guess, 40)} (guessed)"
    special = {"": usual or nothing, "-": "none"}
    spec = fields()[f"data.{name}"]
    picked: str = st.selectbox(
        spec.label,
        offered,
        offered.index(value),
        key=f"{key}.{name}",
        help=spec.help,
        persist_state="session",
        format_func=lambda option: special.get(option, shortened(option, 60)),
    )
    return picked


def _first_rows(shown: list[Preview], key: str) -> None:
    """The first rows of a file, the columns that count first, headed by what they count as."""
    one = shown[0]
    if len(shown) > 1:
        place = st.selectbox(
            "First rows of",
            range(len(shown)),
            key=f"{key}.file",
            label_visibility="collapsed",
            format_func=lambda place: f"First rows of {shortened(shown[place].path.name, 80)}",
        )
        one = shown[place]
    used: dict[int, list[str]] = {}
    for role, indices in one.columns.items():
        for index in indices:
            used.setdefault(index, []).append(role)
    order = [*used, *(index for index in range(one.rows.shape[1]) if index not in used)][:_SHOWN_COLUMNS]
    names = list(one.rows.columns)
    heads = {str(i): f"{', '.join(used[i])}: {names[i]}" if i in used else names[i] for i in order}
    cells = one.rows.iloc[:, order].map(lambda cell: shortened(cell, _LONGEST_CELL))
    cells.columns = pd.Index(heads)
    st.dataframe(
        cells,
        hide_index=True,
        key=f"{key}.rows",
        height=tables.fitting(len(cells), 213),
        column_config={name: st.column_config.TextColumn(shortened(head, 60)) for name, head in heads.items()},
    )
    unit = "lines" if one.format == "lines" else "rows"
    about = ", ".join(filter(None, [one.format, one.encoding, one.separator and f"separated by {one.separator}"]))
    left = one.rows.shape[1] - len(order)
    further = f"; {left:,} more columns are not shown" if left else ""
    st.caption(f"First {len(cells)} {unit} of {markdown_text(one.path.name)} ({about}){further}")
