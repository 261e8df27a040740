"""What the verbs `skills` and `report` do with a file of responses in place of a run."""

import sys
from pathlib import Path
from typing import Any

from gainakt.cli.options import assigned
from gainakt.cli.output import show, show_json, table_text
from gainakt.cli.progress import share_bar
from gainakt.config import Config, changed
from gainakt.errors import unknown

PARTS = ("skills", "models", "items", "splits", "merges", "class", "practice")
_OF_MODEL = ("models", "items", "splits", "merges")
_TERMINAL = {
    "skills": ["skill", "kind", "students", "first", "last", "slope", "slope_low", "slope_high", "learned", "learn"],
    "class": ["student", "level", "tasks", "skills", "mastered", "spinning", "to_do", "to_do_low", "to_do_high"],
}


def is_data(text: str) -> bool:
    """Whether an argument names files of responses, not a run."""
    return any(Path(part).expanduser().exists() for part in text.split(";") if part.strip())


def found(path: str, assign: list[str] | None, threshold: float, whole: bool) -> Any:
    """The findings on these data; the skill model is examined only for the `whole`."""
    from gainakt.analysis.learning.curves import Thresholds
    from gainakt.jobs import learning

    config = changed(Config(), {**assigned(assign, "data.several_skills=first"), "data.path": path}).data
    with share_bar() as report:
        study = learning.study(config, report)
        examined = learning.examine(config, report) if whole else None
    for warning in study.data.warnings:
        print(f"warning: {warning}", file=sys.stderr)
    return learning.findings(study, examined, threshold, Thresholds()), examined


def show_skills(path: str, part: str, assign: list[str] | None, threshold: float, as_json: bool) -> None:
    """Print one part of what the data show."""
    if part not in PARTS:
        raise unknown("part", part, PARTS)
    findings, examined = found(path, assign, threshold, part in _OF_MODEL)
    table = findings.students if part == "class" else getattr(findings, part)
    missing = examined.missing if examined else ""
    if as_json:
        show_json(
            data=findings.summary["fingerprint"], part=part, table=[] if table is None else table, missing=missing
        )
    elif table is None:
        print(f"nothing to show: {missing}")
    else:
        print(table_text(table[_TERMINAL.get(part, list(table.columns))], f"no {part}: too few responses to judge one"))


def write_report(path: str, out: Path, assign: list[str] | None, threshold: float, as_json: bool) -> None:
    """Write the report on a data set, and its tables as CSV."""
    from gainakt.analysis.learning.report import write
    from gainakt.analysis.report import save
    from gainakt.datasets.describe import safe_csv

    findings, _ = found(path, assign, threshold, True)
    name = f"learning-{''.join(one if one.isalnum() or one in '-_' else '-' for one in findings.name)}"
    written = save(write(findings), out, name)
    for part in PARTS:
        table = findings.students if part == "class" else getattr(findings, part)
        if table is not None:
            file = out / f"{name}-{part}.csv"
            file.write_text(safe_csv(table), encoding="utf-8", newline="")
            written[part] = str(file)
    show({"data": findings.summary["fingerprint"], **written}, as_json)
