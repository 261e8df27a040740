"""Writes docs/settings.md and docs/cli.md from the code: `python -m gainakt.cli.docs`; --check says if one is stale."""

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import typer

from gainakt.config import SECTIONS, Config, FieldSpec, difference, fields
from gainakt.config.presets import PRESETS

FOLDER = Path(__file__).resolve().parents[2] / "docs"
COMMAND = "python -m gainakt.cli.docs"
_MADE = f"<!-- Made by `{COMMAND}`: change the code, not this file. -->"
EXAMPLES = {
    "data": ("gainakt data answers.csv --set data.skill_column=topic --rejected left-out.csv",),
    "simulate": ("gainakt simulate demo --out class.csv --set students=500 --seed 1",),
    "train": (
        "gainakt train --simulate demo",
        "gainakt train --config run-20261125.toml --set training.seed=1",
        "gainakt train --preset v3-phase1 --data answers.csv --set training.max_epochs=5 --name first --json",
    ),
    "stop": ("gainakt stop 20261125",),
    "pause": ("gainakt pause 20261125",),
    "resume": ("gainakt resume 20261125",),
    "branch": ("gainakt branch 20261125 --at 300 --set weights.variance=50 --name louder",),
    "replay": ("gainakt replay 20261125 --check",),
    "reproduce": ("gainakt reproduce 20261125",),
    "twin": ("gainakt twin 20261125 --seeds 3",),
    "explain": ("gainakt explain 20261125 --student s017 --step 12 --json",),
    "evaluate": ("gainakt evaluate 20261125 --json",),
    "runs": (
        "gainakt runs",
        'gainakt runs --where "weights.variance > 10 and data = demo" --columns weights.variance,encoder2_auc.best',
        "gainakt runs --seeds --sort -encoder2_auc --json",
        "gainakt runs v3-phase1 --format latex",
    ),
    "compare": (
        "gainakt compare 20261124 20261125",
        "gainakt compare 20261124 20261125 20261126 --baseline 20261125 --json",
    ),
    "label": ('gainakt label 20261125 --name first --tag paper --notes "AUC as in **Table 2**"',),
    "delete": ("gainakt delete 20261125",),
    "restore": ("gainakt restore 20261125",),
    "skills": ("gainakt skills 20261125", "gainakt skills answers.csv --part items"),
    "verdict": (
        "gainakt verdict 20261125 --with curve-model",
        "gainakt verdict 20261125 --set gain_std=0.05 --json",
    ),
    "report": ("gainakt report 20261125 --baseline 20261124 --out reports", "gainakt report answers.csv --out reports"),
    "export": (
        "gainakt export 20261125 20261126 --to runs.zip",
        "gainakt export all --to tables --format parquet",
        "gainakt export 20261125 --figure gain_std --to gains.svg",
    ),
    "import": ("gainakt import runs.zip", "gainakt import pykt/saved_model/assist2015_dkt_qid"),
    "study": ("gainakt study --students 500,1000 --cv 0,0.44 --seeds 3",),
    "benchmark": (
        "gainakt benchmark answers.csv --protocol students80 --models skill-mean,pfa,lightgbm --folds 0,1,2,3,4",
        "gainakt benchmark answers.csv --curve",
    ),
    "sweep": (
        "gainakt sweep variance --seeds 5",
        "gainakt sweep rates.toml --processes 2",
        "gainakt sweep rates --engine ray",
    ),
    "bench": ("gainakt bench", "gainakt bench answers.csv --rounds 5 --json"),
    "doctor": ("gainakt doctor", "gainakt doctor --rebuild --store data/gainakt.duckdb"),
    "backup": ("gainakt backup all-runs.zip",),
    "restore-backup": ("gainakt restore-backup all-runs.zip --store elsewhere/gainakt.duckdb",),
}
"""Verb -> commands as a reader would type them."""


def settings_page() -> str:
    """Every setting and every preset in Markdown."""
    known = list(fields().values())
    lines = [
        "# Settings",
        "",
        _MADE,
        "",
        "Give a setting as `--set NAME=VALUE` on the command line, or on the Train page. Live settings can be changed"
        " while a run trains. `weights.bce` in older runs is `weights.encoder_priority`.",
    ]
    for section, title in SECTIONS.items():
        lines += ["", f"## {title} (`{section}`)"]
        for spec in known:
            if spec.name.startswith(f"{section}."):
                lines += ["", *_setting(spec)]
    lines += [
        "",
        "## Presets",
        "",
        "A preset changes the defaults, or another preset, as listed. `v3-phase1+IDEA`, such",
    ]
    lines += ["as `v3-phase1+triplet`, puts an idea on the formulas of the original study."]
    for name in PRESETS:
        lines += ["", *_preset(name)]
    return "\n".join(lines) + "\n"


def _setting(spec: FieldSpec) -> Iterator[str]:
    yield f"### {spec.label}"
    yield ""
    yield f"`{spec.name}`, default {_value(spec.default)}, {_allowed(spec)}{', live' if spec.live else ''}."
    yield f"{_plain(spec.help)}"


def _allowed(spec: FieldSpec) -> str:
    if spec.choices:
        return f"one of {', '.join(f'`{choice}`' for choice in spec.choices)}"
    if spec.kind is bool:
        return "`true` or `false`"
    if spec.kind is str:
        return "text"
    kind = "whole number" if spec.kind is int else "number"
    return f"{kind} {_range(spec)}".rstrip()


def _range(spec: FieldSpec) -> str:
    low = "" if spec.low is None else f"{'above' if spec.above else 'from'} {spec.low:,g}"
    high = "" if spec.high is None else f"{'below' if spec.below else 'to'} {spec.high:,g}"
    return " ".join(filter(None, (low, high)))


def _value(value: Any) -> str:
    if value == "":
        return "empty"
    return f"`{str(value).lower() if isinstance(value, bool) else value}`"


def _plain(text: str) -> str:
    """Help text in which Markdown finds nothing but code between backticks."""
    parts = text.split("`")
    return "`".join(part if place % 2 else part.replace("_", r"\_") for place, part in enumerate(parts))


def _preset(name: str) -> Iterator[str]:
    preset = PRESETS[name]
    base = PRESETS[preset.base].config if preset.base else Config()
    yield f"### `{name}`"
    yield ""
    yield preset.about + (
        f" Its chance of success by the original analysis: {preset.expected}." if preset.expected else ""
    )
    changes = [f"`{field}={new}`" for field, (_, new) in difference(base, preset.config).items()]
    yield ""
    yield f"On {f'`{preset.base}`' if preset.base else 'the defaults'}: {', '.join(changes) or 'no change'}."


def cli_page() -> str:
    """Every verb with its options and examples in Markdown."""
    from gainakt.cli.main import VERBS, __doc__, app

    group = typer.main.get_command(app)
    lines = ["# Command line", "", _MADE, "", str(__doc__).strip()]
    lines += ["", "The dashboard is not a verb: it runs from a clone, by `streamlit run app.py`."]
    for verb in VERBS:
        command = group.commands[verb.__name__]  # type: ignore[attr-defined]
        lines += ["", *_verb(command)]
    return "\n".join(lines) + "\n"


def _verb(command: Any) -> Iterator[str]:
    arguments = [one for one in command.params if one.param_type_name == "argument"]
    options = [one for one in command.params if one.param_type_name == "option" and one.name != "help"]
    names = [one.name.upper() if one.required else f"[{one.name.upper()}]" for one in arguments]
    yield f"## gainakt {' '.join([command.name, *names])}"
    yield ""
    yield _plain(command.help)
    yield ""
    for one in arguments:
        yield f"- `{one.name.upper()}`: {_plain(one.help or '')}"
    for one in options:
        yield f"- `{' / '.join([*one.opts, *one.secondary_opts])}`: {_plain(one.help or '')}{_default(one)}"
    yield ""
    yield "```sh"
    yield from EXAMPLES[command.name]
    yield "```"


def _default(option: Any) -> str:
    if option.required:
        return " Required."
    variable = f" Or the environment variable `{option.envvar}`." if option.envvar else ""
    if option.default is None or option.default is False or option.default == "":
        return variable
    return f" Default: {_value(option.default)}.{variable}"


PAGES = {"settings.md": settings_page, "cli.md": cli_page}


def stale() -> list[str]:
    """The names of the pages that differ from what the code says."""
    return [
        name
        for name, page in PAGES.items()
        if not (FOLDER / name).is_file() or (FOLDER / name).read_text(encoding="utf-8") != page()
    ]


def main(words: list[str]) -> int:
    """Write the pages, or with --check only say which are stale; the exit status."""
    if words == ["--check"]:
        old = stale()
        if old:
            print(f"stale: {', '.join(old)}; run: {COMMAND}", file=sys.stderr)
        return int(bool(old))
    for name, page in PAGES.items():
        (FOLDER / name).write_text(page(), encoding="utf-8")
    return 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
