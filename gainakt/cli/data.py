"""The verbs about data: `data` reads a data set, `simulate` writes one."""

import sys
from pathlib import Path
from typing import Annotated

import typer
from tqdm import tqdm

from gainakt.cli.options import JsonFlag, assigned, no_device
from gainakt.cli.output import show
from gainakt.config import Config, changed


def data(
    path: Annotated[str, typer.Argument(help="A file or folder of responses, or several with ; between.")],
    test: Annotated[str, typer.Option(help="Files of the test students, besides files named test.csv.")] = "",
    assign: Annotated[
        list[str] | None, typer.Option("--set", help="A setting data.NAME=VALUE; may be repeated.")
    ] = None,
    rejected: Annotated[
        Path | None,
        typer.Option(help="Write the rows that were left out, with reasons, to this CSV file.", callback=no_device),
    ] = None,
    as_json: JsonFlag = False,
) -> None:
    """Read a data set; print its size, the rows that were left out, and properties that make training harder."""
    from gainakt.datasets.describe import problems, write_rejected
    from gainakt.datasets.load import load

    changes = {"data.test_path": test, **assigned(assign, "data.several_skills=first"), "data.path": path}
    config = changed(Config(), changes).data
    interactions = load(config)
    if rejected:
        write_rejected(interactions, rejected)
    for warning in interactions.warnings:
        print(f"warning: {warning}", file=sys.stderr)
    for problem in problems(interactions, config.window):
        print(f"note: {problem.count}{' %' if problem.text.startswith('%') else ''} {problem.words}", file=sys.stderr)
    show(interactions.summary(), as_json)


def simulate(
    name: Annotated[str, typer.Argument(help="A scenario such as demo; an unknown name lists all.")],
    out: Annotated[Path, typer.Option(help="The file to write: .parquet, .csv or .tsv.", callback=no_device)],
    seed: Annotated[int, typer.Option(min=0, help="The same scenario and seed give the same file.")] = 0,
    assign: Annotated[
        list[str] | None, typer.Option("--set", help="NAME=VALUE of the scenario, such as students=500; repeatable.")
    ] = None,
    as_json: JsonFlag = False,
) -> None:
    """Write responses of simulated students, and the true parameters beside them (FILE.truth.json)."""
    from gainakt.simulate import scenario, write

    chosen = scenario(name, assigned(assign, "students=500"))
    with tqdm(total=chosen.students, unit="student", file=sys.stderr, disable=None) as bar:
        written = write(name, chosen, seed, out, report=bar.update)
    show({"scenario": name, "seed": seed, **written.summary()}, as_json)
