"""The verbs that keep and share runs: `export`, `import`."""

from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any

import typer

from gainakt.cli.options import JsonFlag, StoreOption, no_device
from gainakt.cli.output import show, show_json, take_in
from gainakt.config import DEFAULT_STORE
from gainakt.errors import InputError, unknown
from gainakt.store import Run, Store, open_for_reading, runs_root

FORMATS = {
    "runs": "one file that import opens",
    "csv": "every table, in a folder",
    "parquet": "the same in Parquet",
    "config": "the settings of one run for train --config",
    "tensorboard": "a folder that TensorBoard reads",
    "mlflow": "a folder with the file mlflow.db that MLflow reads",
    "wandb": "a folder that wandb sync uploads",
}


def export(
    runs: Annotated[list[str], typer.Argument(help="Ids of runs, or their first characters; `all` for every run.")],
    to: Annotated[
        Path, typer.Option(help="The file to write; for tables and other tools a folder.", callback=no_device)
    ],
    form: Annotated[
        str, typer.Option("--format", help=f"{'; '.join(f'{name}: {what}' for name, what in FORMATS.items())}.")
    ] = "runs",
    figure: Annotated[
        str, typer.Option(help="Write this figure of one run as .svg, .png or .html instead; a wrong name lists them.")
    ] = "",
    states: Annotated[
        bool, typer.Option("--states", help="With every kept state, not only those to resume or repeat the run from.")
    ] = False,
    as_json: JsonFlag = False,
    store: StoreOption = DEFAULT_STORE,
) -> None:
    """Write runs as one file that another installation imports, as tables, for other tools, or one of their figures."""
    if form not in FORMATS:
        raise unknown("format", form, FORMATS)
    if (figure or form in ("runs", "config")) and to.is_dir():
        raise InputError(f"{to} is a folder; name a file with --to")
    with open_for_reading(store) as reading:
        chosen = _chosen(reading, runs)
        if figure:
            from gainakt.analysis.report.drawing import draw

            values = draw(reading, chosen, figure, to)
        elif form == "runs":
            from gainakt.store.bundle import export_runs

            ids = export_runs(runs_root(store), chosen, to, states)
            values = {"runs": ids if as_json else ", ".join(ids), "bytes": to.stat().st_size}
        else:
            values = _for_others(reading, chosen, to, form)
    show({"to": str(to), **values}, as_json)


def _for_others(reading: Store, chosen: Sequence[Run], to: Path, form: str) -> dict[str, Any]:
    if form == "config":
        from gainakt.jobs.reproduce import settings_file

        if len(chosen) != 1:
            raise InputError(f"--format config writes the settings of one run; got {len(chosen)}")
        to.write_text(settings_file(reading, chosen[0]), encoding="utf-8")
        return {"run_id": chosen[0].run_id}
    if form == "tensorboard":
        from gainakt.store.tensorboard import export_events

        return {"rows": export_events(reading, chosen, to)}
    if form == "mlflow":
        from gainakt.store.mlflow import export_mlflow

        return {"rows": export_mlflow(reading, chosen, to)}
    if form == "wandb":
        from gainakt.store.wandb import export_wandb

        return {"rows": export_wandb(reading, chosen, to)}
    from gainakt.store.tables import export_tables

    return {"rows": export_tables(reading, [run.run_id for run in chosen], to, form)}


def _chosen(reading: Store, names: Sequence[str]) -> list[Run]:
    if list(names) != ["all"]:
        return [reading.run(name) for name in names]
    return [run for run_id in reading.runs()["run_id"] if not (run := reading.run(run_id)).active]


def import_(
    file: Annotated[
        Path, typer.Argument(help="A file that `export` wrote, or the folder of a run of pyKT.", callback=no_device)
    ],
    as_json: JsonFlag = False,
    store: StoreOption = DEFAULT_STORE,
) -> None:
    """Take in runs that another installation exported; what is there already stays as it is."""
    from gainakt.store.bundle import import_runs
    from gainakt.store.pykt import import_pykt

    if not file.exists():
        raise InputError(f"{file}: there is no such file; gainakt export RUN --to FILE writes one")
    root = runs_root(store)
    done = [import_pykt(root, file)] if file.is_dir() else import_runs(root, file)
    take_in(store)
    if as_json:
        show_json(runs=[asdict(one) for one in done])
    else:
        for one in done:
            print(f"{one.run_id}  {one.outcome:14} {one.name}{f': {one.why}' if one.why else ''}")
    if any(one.outcome == "refused" for one in done):
        raise SystemExit(1)


import_.__name__ = "import"  # the verb, which Python keeps to itself
