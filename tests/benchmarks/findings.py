"""The ablation and the ideas of docs/findings.md: runs every row's command, resumably, and writes docs/findings/*.csv.

    python -m tests.benchmarks.findings ../shared/data/assist2015 [--seeds 3] [--only causes,ideas] [--device auto]
    python -m tests.benchmarks.findings --list      the commands, none is run
    python -m tests.benchmarks.findings --write     the tables from what has been measured so far

What is done stands in RESULTS, one JSON line per row, share of the students and seed; it is not run again.
"""

import argparse
import csv
import itertools
import json
import shlex
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from gainakt.config import flatten
from gainakt.config.presets import PRESETS, preset

ROOT = Path(__file__).resolve().parents[2]
TABLES = ROOT / "docs" / "findings"
RESULTS = TABLES / "measured.jsonl"
MEASURED = ROOT / "gainakt" / "config" / "measured.json"
DATA = "../shared/data/assist2015"
WIDTH = {"model.width": 128}
# What separates without-level from v3-phase1, one correction each; together they are all but the width.
CAUSES = {
    "start of the gains": (
        ("model.gain_start", "model.prior"), "a small start cures saturation: the strongest of the lasting causes",
    ),
    "transfer": (("model.accumulation",), "changes what gains mean more than whether they spread"),
    "readout": (
        ("model.temperature", "model.temperature_start", "model.threshold_start", "model.offset_start"),
        "lets predictions reach the base rate: IM under a constant's",
    ),
    "thresholds and offsets per skill": (("model.threshold", "model.offset"), "AUC of Encoder 2 up by about 0.01"),
    "additive head": (("model.gain_head",), "rates per skill are read off; the response ratio grows"),
    "equal slopes, one velocity": (
        ("model.beta_start", "model.beta_start_std", "model.student_velocity"), "beta std falls under 0.3, little else",
    ),
    "no differentiation losses": (
        ("weights.variance", "weights.contrastive", "weights.beta_spread"), "std falls, AUC of Encoder 2 rises",
    ),
    "training": (
        ("training.learning_rate", "training.schedule", "training.mastery_rate", "training.averaging",
         "training.weight_decay", "training.max_epochs", "model.dropout"), "AUC of both encoders up",
    ),
    "two blocks": (("model.blocks",), "hardly anything"),
}  # fmt: skip
FAULTS = {
    "reported gain: aggregate": ({"origin.reported_gain": "aggregate"}, "gain std 0.002, whatever else is done"),
    "target: concurrent": ({"origin.target": "concurrent"}, "AUC of Encoder 2 falls"),
    "IM unmasked": ({"origin.masked": False}, "AUC of Encoder 2 falls"),
    "mastery head off": ({"origin.mastery_head": False}, "AUC of Encoder 2 near 0.5"),
    "variance not added": ({"origin.variance_added": False}, "as without the variance loss"),
}
PRIORITY = {
    "apart, 0.3": {"weights.encoder_priority": 0.3},
    "apart, 0.7": {"weights.encoder_priority": 0.7},
    **{
        f"{sharing}, {bce}": {"model.sharing": sharing, "weights.encoder_priority": bce}
        for sharing in ("embeddings", "first_block") for bce in (0.3, 0.7)
    },
}  # fmt: skip
ENDS = ("v3-phase1", "without-level")
VARIANCE = (2.0, 20.0, 200.0, 2000.0)


@dataclass(frozen=True)
class Row:
    """One line of a table: a preset with changes at width 128."""

    table: str
    name: str
    preset: str
    changes: dict[str, Any] = field(default_factory=dict)
    expected: str = ""
    wide: bool = True

    def command(self, data: str, seed: int, more: list[str]) -> list[str]:
        """The words after `python -m gainakt`."""
        changes = (WIDTH if self.wide else {}) | self.changes | {"training.seed": seed}
        sets = [word for name, value in changes.items() for word in ("--set", f"{name}={value}")]
        name = f"{self.table}: {self.name}"
        return ["train", "--preset", self.preset, "--data", data, "--name", name, *sets, *more, "--json"]


def rows() -> Iterator[Row]:
    """Every row of every table."""
    yield from _ablation()
    for name, (changes, expected) in FAULTS.items():
        for end in ENDS:
            yield Row("faults", f"{name}, on {end}", end, changes, expected)
    yield from _losses()
    yield from _ideas()
    yield Row("traps", "accumulation all, variance 2", ENDS[1], {"model.accumulation": "all", "weights.variance": 2.0})
    yield Row("traps", "no epochs", ENDS[1], {"training.max_epochs": 0})
    epochs = {"training.max_epochs": 14}  # as many as the original took
    yield Row("record", "v3-phase1 at the original's full size", ENDS[0], epochs, "gain std 0.0018", wide=False)


def _ablation() -> Iterator[Row]:
    first, last = ENDS
    flat = {name: flatten(preset(name)) for name in ENDS}
    for end in ENDS:
        yield Row("causes", end, end, {}, "the end to compare with")
    for name, (fields, expected) in CAUSES.items():
        for start, other, what in ((first, last, "added to"), (last, first, "removed from")):
            yield Row("causes", f"{name} {what} {start}", start, {f: flat[other][f] for f in fields}, expected)


def _losses() -> Iterator[Row]:
    for end in ENDS:
        for weight in VARIANCE:
            says = "40 %" if weight > 2 else "the original's own"
            yield Row("variance", f"minus variance {weight:g}, on {end}", end, {"weights.variance": weight}, says)
        hinge = {"weights.variance": 2.0, "losses.variance_form": "std_hinge"}
        yield Row("variance", f"std hinge 2, on {end}", end, hinge, "does not vanish at collapse")
    for name, changes in PRIORITY.items():
        yield Row("priority", name, ENDS[1], changes, "a placebo" if name.startswith("apart") else "acts")


def _ideas() -> Iterator[Row]:
    first, last = ENDS
    for idea, known in PRESETS.items():
        if idea not in ENDS and known.base == last and known.expected and not idea.startswith("variance-"):
            yield Row("ideas", f"{idea}, on {last}", idea, {}, known.expected)
            yield Row("ideas", f"{idea}, on {first}", f"{first}+{idea}", {}, known.expected)


COLUMNS: dict[str, Callable[[dict[str, Any]], Any]] = {
    "Enc 1 AUC": lambda told: told["test"].get("encoder1_auc"),
    "Enc 2 AUC": lambda told: told["test"].get("encoder2_auc"),
    "gain std": lambda told: told["test"].get("gain_std"),
    "aggregate std": lambda told: told["test"].get("aggregate_gain_std"),
    "skill CV": lambda told: told["test"].get("skill_gain_cv"),
    "rate CV": lambda told: told.get("run", {}).get("rate_cv"),
    "ratio": lambda told: told["test"].get("response_gain_ratio"),
    "mastery r": lambda told: told["test"].get("mastery_correlation"),
    "epochs": lambda told: told.get("epochs"),
    "seconds": lambda told: told.get("seconds"),
}
QUESTIONS = {"skills differ": "skills_differ", "response matters": "response_matters"}


def gainakt(words: list[str]) -> dict[str, Any] | None:
    """The JSON of one command; None, said on stderr, when it failed."""
    done = subprocess.run([sys.executable, "-m", "gainakt", *words], cwd=ROOT, capture_output=True, text=True)
    if done.returncode:
        print(f"failed: {' '.join(words)}\n{done.stderr.splitlines()[-1:]}", file=sys.stderr)
    lines = done.stdout.splitlines()
    return json.loads(lines[-1]) if lines else None


def measure(row: Row, data: str, seed: int, options: argparse.Namespace) -> dict[str, Any]:
    """Run one row with one seed and judge it."""
    more = []
    if options.epochs and row.table != "record":
        epochs = min(options.epochs, row.changes.get("training.max_epochs", options.epochs))
        more = ["--set", f"training.max_epochs={epochs}"]
    words = row.command(data, seed, more)
    begun = time.time()
    told = gainakt([*words, "--set", f"training.device={options.device}", "--store", options.store])
    if not told or told["status"] == "failed":
        return {"row": [row.table, row.name], "seed": seed, "failed": told and told.get("error")}
    values = {name: column(told) for name, column in COLUMNS.items()}
    asked = dict.fromkeys(QUESTIONS, "untested")
    if not options.untested:
        judged = gainakt(["verdict", told["run_id"], "--with", "stand-in", "--store", options.store, "--json"]) or told
        asked = {words: judged["verdict"][name]["status"] for words, name in QUESTIONS.items()}
    return {
        "row": [row.table, row.name], "seed": seed, "command": shlex.join(words), "run_id": told["run_id"], **values,
        **asked, "differentiated": set(asked.values()) == {"pass"}, "wall": round(time.time() - begun, 1),
    }  # fmt: skip


def thinned(folder: Path, every: int) -> Path:
    """A folder with every so-manieth student of each CSV file of `folder`, one student per line."""
    made = ROOT / "data" / f"{folder.name}-every-{every}"
    made.mkdir(parents=True, exist_ok=True)
    for file in folder.glob("*.csv"):
        head, *lines = file.read_text().splitlines(keepends=True)
        (made / file.name).write_text(head + "".join(lines[::every]))
    return made.relative_to(ROOT)


def done_so_far() -> list[dict[str, Any]]:
    """What stands in the results file."""
    return [json.loads(line) for line in RESULTS.read_text().splitlines()] if RESULTS.exists() else []


def run(options: argparse.Namespace) -> None:
    """Measure what is missing."""
    if options.every > 1:
        options.data = str(thinned(Path(options.data), options.every))
    known = {(*found["row"], found["seed"]) for found in done_so_far() if found["every"] == options.every}
    tables = options.only.split(",") if options.only else [row.table for row in rows()]
    wanted = sorted(
        (row for row in rows() if row.table in tables and options.match in row.name),
        key=lambda r: tables.index(r.table),
    )
    for seed in range(options.seeds):
        for row in wanted:
            if (row.table, row.name, seed) in known or (row.table == "record" and seed):
                continue
            found = {"every": options.every, **measure(row, options.data, seed, options)}
            with RESULTS.open("a") as file:
                file.write(json.dumps(found) + "\n")
            print(
                row.table, row.name, seed, {n: v for n, v in found.items() if n not in ("row", "command")}, flush=True
            )


def table(name: str, results: list[dict[str, Any]]) -> Iterator[list[Any]]:
    """The lines of one table: a row's mean, least and largest value over its seeds, for each share of the students."""
    spread = [f"{column}{part}" for column in COLUMNS for part in ("", " least", " largest")]
    yield ["students", "row", "seeds", *spread, *QUESTIONS, "expected", "command"]
    for every in sorted({one["every"] for one in results}):
        for row in rows():
            runs = [one for one in results if one["every"] == every and one["row"] == [row.table, row.name]]
            good = [one for one in runs if "command" in one]
            if row.table != name or not runs:
                continue
            values = [_spread([one[column] for one in good if one[column] is not None]) for column in COLUMNS]
            answers = [_counted([one[question] for one in good]) for question in QUESTIONS]
            command = good[0]["command"].removesuffix(" --json") if good else f"failed: {runs[0]['failed']}"
            students = "all" if every == 1 else f"1 in {every}"
            yield [students, row.name, len(good), *itertools.chain(*values), *answers, row.expected, command]


def _spread(values: list[float]) -> tuple[str, str, str]:
    if not values:
        return "", "", ""
    mean, least, largest = (f"{value:.4g}" for value in (statistics.fmean(values), min(values), max(values)))
    return mean, least, largest


def _counted(values: list[str]) -> str:
    return ", ".join(f"{values.count(value)} {value}" for value in sorted(set(values)))


def write() -> None:
    """Write the tables, and what the Train page says of each idea."""
    results = done_so_far()
    for name in dict.fromkeys(row.table for row in rows()):
        with (TABLES / f"{name}.csv").open("w", newline="", encoding="utf-8") as file:
            csv.writer(file, lineterminator="\n").writerows(table(name, results))
    MEASURED.write_text(json.dumps(measured(results), indent=1) + "\n")


IDEA_OF = {f"minus variance {weight:g}": f"variance-x{weight / 2:g}" for weight in VARIANCE[1:]}
"""Rows of the variance table that are ideas of their own."""


def measured(found: list[dict[str, Any]]) -> dict[str, str]:
    """Idea -> what its runs gave beside `without-level` under the same conditions, for the Train page."""
    sentences = {}
    for idea in PRESETS:
        names = [["ideas", f"{idea}, on {ENDS[1]}"]]
        names += [["variance", f"{row}, on {ENDS[1]}"] for row, of in IDEA_OF.items() if of == idea]
        runs = [one for one in found if one["row"] in names]
        groups = {conditions(one): None for one in runs if "command" in one}
        parts = [_sentence(group, runs, found) for group in sorted(groups, reverse=True)]
        parts += [f"with seed {one['seed']} the run failed: {one['failed']}" for one in runs if "failed" in one]
        if said := ". ".join(filter(None, parts)):
            sentences[idea] = said
    return sentences


def conditions(one: dict[str, Any]) -> tuple[int, str, str]:
    """Every how-manieth student, width and epochs of a run: only runs with the same ones are compared."""
    stated = dict(word.split("=", 1) for word in shlex.split(one["command"]) if "." in word and "=" in word)
    return one["every"], stated.get("model.width", "the preset's"), stated.get("training.max_epochs", "the preset's")


def _sentence(group: tuple[int, str, str], runs: list[dict[str, Any]], found: list[dict[str, Any]]) -> str:
    """Means over the seeds that both the idea and `without-level` were run with; empty if there is none."""
    mine, base = (
        {one["seed"]: one for one in some if "command" in one and conditions(one) == group}
        for some in (runs, [one for one in found if one["row"] == ["causes", ENDS[1]]])
    )
    seeds = sorted(set(mine) & set(base))
    if not seeds:
        return ""
    every, width, epochs = group
    students = "all students" if every == 1 else f"one student in {every}"
    count = "1 seed" if len(seeds) == 1 else f"means of {len(seeds)} seeds"
    auc, std = (
        f"{statistics.fmean(mine[s][key] for s in seeds):.3f}"
        f" ({ENDS[1]}: {statistics.fmean(base[s][key] for s in seeds):.3f})"
        for key in ("Enc 2 AUC", "gain std")
    )
    tested = [mine[s] for s in seeds if "untested" not in (mine[s][name] for name in QUESTIONS)]
    passed = sum(one["differentiated"] for one in tested)
    ends = f"differentiated in {passed} of {len(tested)} tested" if tested else "not tested for differentiation"
    where = f"ASSISTments 2015, {students}, width {width}, {epochs} epochs, {count}"
    return f"{where}: Encoder 2 AUC {auc}, gain std {std}, {ends}"


def main() -> None:
    """Parse what is asked and do it."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", nargs="?", default=DATA)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--epochs", type=int, default=0, help="of every row but the record's; 0: each preset's own")
    parser.add_argument("--every", type=int, default=1, help="use every so-manieth student, for a quick look")
    parser.add_argument("--only", default="", help="tables, separated by commas")
    parser.add_argument("--match", default="", help="rows whose name holds this")
    parser.add_argument("--untested", action="store_true", help="without the tests of differentiation")
    parser.add_argument("--device", default="auto")
    parser.add_argument("--store", default="data/findings.duckdb")
    parser.add_argument("--list", action="store_true")
    parser.add_argument("--write", action="store_true")
    options = parser.parse_args()
    if options.list:
        for row in rows():
            print("python -m gainakt", shlex.join(row.command(options.data, 0, [])))
    else:
        if not options.write:
            run(options)
        write()


if __name__ == "__main__":
    main()
