"""The verb `compare`: saved runs side by side, as the Compare page shows them."""

from typing import Annotated

import typer

from gainakt.cli.options import JsonFlag, StoreOption
from gainakt.cli.output import show_json, table_text
from gainakt.config import DEFAULT_STORE
from gainakt.store import open_for_reading


def compare(
    runs: Annotated[list[str], typer.Argument(help="Two runs or more: their ids, or first characters of them.")],
    baseline: Annotated[str, typer.Option(help="The run that differences are taken to; else the first.")] = "",
    form: Annotated[
        str, typer.Option("--format", help="Print the tables as latex (booktabs), markdown, html or csv instead.")
    ] = "",
    as_json: JsonFlag = False,
    store: StoreOption = DEFAULT_STORE,
) -> None:
    """Say in which settings runs differ, which measures moved, and whether by more than chance."""
    from gainakt.analysis.compare import compare as compared
    from gainakt.analysis.compare.content import as_json as content
    from gainakt.analysis.compare.content import tables
    from gainakt.analysis.compare.why import answer
    from gainakt.analysis.table import table_as

    with open_for_reading(store) as reading:
        ids = [reading.run(run).run_id for run in runs]
        comparison = compared(reading, ids, baseline and reading.run(baseline).run_id)
        if as_json:
            parts = content(comparison)
            as_rows = {title: table.to_dict("records") for title, table in parts["tables"].items()}
            show_json(**{**parts, "tables": as_rows})
            return
        if form:
            print("\n\n".join(table_as(table, form) for table in tables(comparison).values()))
            return
        for run_id, run in comparison.runs.items():
            print(f"{run_id}  {run.name}{'  (baseline)' if run_id == comparison.baseline else ''}")
        if len(comparison.runs) == 2:
            for part in answer(comparison, comparison.others[0]):
                print(f"\n{part.title}", *part.sentences, sep="\n  ")
        for title, table in tables(comparison).items():
            print(f"\n{title}:\n{table_text(table)}")
