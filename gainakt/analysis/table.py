"""A table as text that goes into a paper, a page or another program: LaTeX, Markdown, HTML, CSV."""

from collections.abc import Callable
from typing import Any

import pandas as pd

from gainakt.analysis.report.tables import markdown
from gainakt.datasets.describe import safe_csv
from gainakt.errors import unknown
from gainakt.measures.text import escaped

_DIGITS = 4


def table_as(table: pd.DataFrame, form: str) -> str:
    """The table, without its index, as `latex` (booktabs), `markdown`, `html` or `csv`.

    CSV holds numbers in full; elsewhere they have four significant digits, and a dash stands for a missing value. Text
    is shown as it is: no part of it becomes a command, a tag or a formula. Raises InputError for another format.
    """
    if form not in FORMS:
        raise unknown("format", form, FORMS)
    return FORMS[form](table).rstrip("\n")


def _latex(table: pd.DataFrame) -> str:
    numeric = [pd.api.types.is_numeric_dtype(kind) for kind in table.dtypes]
    columns = "".join("r" if one else "l" for one in numeric)
    return str(_shown(table).to_latex(index=False, escape=True, column_format=columns)).replace("–", "--")


def _markdown(table: pd.DataFrame) -> str:
    rows = [list(table.columns), *_shown(table).itertuples(index=False, name=None)]
    return markdown([[escaped(cell) for cell in row] for row in rows])


def _html(table: pd.DataFrame) -> str:
    return str(_shown(table).to_html(index=False, escape=True, border=0))


FORMS: dict[str, Callable[[pd.DataFrame], str]] = {
    "latex": _latex,
    "markdown": _markdown,
    "html": _html,
    "csv": safe_csv,
}


def _shown(table: pd.DataFrame) -> pd.DataFrame:
    return table.astype(object).map(_cell).set_axis([str(name) for name in table.columns], axis=1)


def _cell(value: Any) -> str:
    if value is None or (not isinstance(value, list | dict) and pd.isna(value)):
        return "–"
    if isinstance(value, float):
        return f"{value:,.0f}" if value.is_integer() and abs(value) >= 10**_DIGITS else f"{value:.{_DIGITS}g}"
    return " ".join(str(value).split())
