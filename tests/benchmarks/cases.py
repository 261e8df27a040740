"""Reads every case of a folder with expected.jsonl and prints where the reader agrees with what is right there.

    python -m tests.benchmarks.cases [FOLDER]    # FOLDER: ../shared/cases beside the clone by default

Each line of expected.jsonl names a file, the arguments of the command `data`, and what is right: figures of the
summary, or a note that allows several outcomes, one of which is a warning. A refusal that is expected to name a format
is met as well by reading it under that name.
"""

import json
import re
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from gainakt.cli.options import assigned
from gainakt.config import Config, changed
from gainakt.datasets.load import load
from gainakt.errors import InputError

FOLDER = Path(__file__).resolve().parents[3] / "shared" / "cases"
FIGURES = ("students", "interactions", "skills", "rejected", "questions")


@dataclass(frozen=True)
class Outcome:
    """A case, whether the reader agrees with it, and what it gave."""

    case: str
    file: str
    agrees: bool
    expected: dict[str, Any]
    gave: str


def run(folder: Path) -> list[Outcome]:
    """The outcome of each case of this folder."""
    lines = (folder / "expected.jsonl").read_text(encoding="utf-8").splitlines()
    return [_one(folder, json.loads(line)) for line in lines if line.strip()]


def _one(folder: Path, case: dict[str, Any]) -> Outcome:
    settings = case["args"][1::2]
    changes = {**assigned(settings, "data.several_skills=first"), "data.path": str(folder / case["file"])}
    expected = case["expected"]
    try:
        data = load(changed(Config(), changes).data)
    except InputError as error:
        gave = str(error).replace(f"{folder}/", "")
        return Outcome(
            case["id"], case["file"], "error" in expected and _names(expected["error"], gave), expected, gave
        )
    summary = data.summary()
    warnings = " | ".join(data.warnings).replace(f"{folder}/", "")
    figures = ", ".join(f"{summary[name]} {name}" for name in FIGURES if summary[name] is not None)
    wrong = [name for name in FIGURES if name in expected and summary[name] != expected[name]]
    if "error" in expected:
        agrees = _names(expected["error"], " ".join(file["format"] for file in summary["read_as"]))
    elif "labels" in expected:
        agrees = not wrong and data.skills == expected["labels"].split(", ")
    else:  # a note alone allows what a warning explains
        agrees = not wrong and ("note" not in expected or any(name in expected for name in FIGURES) or bool(warnings))
    return Outcome(case["id"], case["file"], agrees, expected, f"{figures}; {warnings}" if warnings else figures)


def _names(wanted: str, text: str) -> bool:
    """Whether a text holds one of the names that `should name X/Y` asks for."""
    words = re.split(r"[/:]", re.sub(r"^should (name|say):?|\ban? ", "", wanted))
    return any(word.strip().split()[0].lower() in text.lower() for word in words if word.strip())


def main(folder: Path) -> int:
    """Print a row per case; the number that differ is the exit status."""
    outcomes = run(folder)
    for one in outcomes:
        verdict = "agrees " if one.agrees else "DIFFERS"
        print(f"{one.case:4} {verdict} {one.file:24} expected {json.dumps(one.expected)}\n{'':13}gave {one.gave}")
    differ = sum(not one.agrees for one in outcomes)
    print(f"{len(outcomes) - differ} of {len(outcomes)} agree")
    return differ


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]) if len(sys.argv) > 1 else FOLDER))
