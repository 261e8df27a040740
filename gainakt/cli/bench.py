"""The verb `bench`: how fast this machine trains."""

import sys
from dataclasses import asdict
from typing import Annotated

import typer

from gainakt.cli.options import JsonFlag, assigned
from gainakt.cli.output import number, show_json
from gainakt.config import changed
from gainakt.config.presets import find


def bench(
    data: Annotated[str, typer.Argument(metavar="[DATA]", help="A file or folder of responses; else demo.")] = "",
    preset: Annotated[str, typer.Option(help="The settings to train with.")] = "without-level",
    rounds: Annotated[int, typer.Option(min=1, help="Rounds of speeds, measured in turn.")] = 3,
    steps: Annotated[int, typer.Option(min=2, help="Steps of each network in a round; AKT takes an eighth.")] = 20,
    assign: Annotated[list[str] | None, typer.Option("--set", help="A setting NAME=VALUE; may be repeated.")] = None,
    as_json: JsonFlag = False,
) -> None:
    """Measure this machine: training speed beside simpleKT, DKT and AKT, start, evaluation, memory. Minutes."""
    config = changed(find(preset).config, {"data.path": data, **assigned(assign, "model.width=128")})
    from gainakt.benchmark.speed import measured
    from gainakt.training.setup import versions

    rows = []
    print(f"{'':36} {'value':>12}  {'':18} {'GainAKT is':>12}", file=sys.stderr)
    for row in measured(config, rounds, steps):
        rows.append(asdict(row))
        if not as_json:
            ratio = f"{row.ratio:.1f} times" if row.ratio else ""
            spread = f"{row.low:,.0f} to {row.high:,.0f}" if row.low and row.high else row.note
            shown = f"{row.value:,.0f}" if row.value and row.value >= 1000 else number(row.value)
            print(f"{row.what:36} {shown:>12}  {row.unit:18} {ratio:>12}  {spread}", flush=True)
    if as_json:
        show_json(measured=rows, versions=versions(), preset=preset, data=data or "demo")
