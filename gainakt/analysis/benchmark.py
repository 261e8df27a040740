"""Yardsticks beside trainings: which there are, and the table of both on the same data and splits."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pandas as pd

from gainakt.analysis import accuracy
from gainakt.errors import InputError
from gainakt.store import Run, Store
from gainakt.store.facts import results_of


@dataclass(frozen=True)
class Yardstick:
    """A model to compare with: its file in `gainakt/benchmark`, its label, what it is, the package that it needs."""

    name: str
    label: str
    about: str
    package: str = ""


YARDSTICKS = {
    one.name: one
    for one in (
        Yardstick("skill-mean", "Skill mean", "Share of correct responses to the skill, whoever is asked."),
        Yardstick("afm", "AFM", "Logistic regression on skill and practice (Cen et al. 2006)."),
        Yardstick("pfa", "PFA", "Logistic regression on skill, successes and failures (Pavlik et al. 2009)."),
        Yardstick("best-lr", "Best-LR", "Logistic regression on logs of counts (Gervet et al. 2020)."),
        Yardstick("lightgbm", "LightGBM", "Gradient boosting on counts and recency.", "lightgbm"),
        Yardstick("bkt", "BKT", "Bayesian knowledge tracing (Corbett, Anderson 1995)."),
        Yardstick("bkt-forgetting", "BKT + forgetting", "The same with forgetting (Khajah et al. 2016)."),
        Yardstick("curve", "Learning-curve model", "The model fitted in seconds that verdicts use."),
        Yardstick("dkt", "DKT", "One LSTM (Piech et al. 2015)."),
        Yardstick("deep-irt", "Deep-IRT", "Key-value memory with ability and difficulty (Yeung 2019)."),
        Yardstick("akt", "AKT", "Attention with a decay (Ghosh et al. 2020), by pyKT.", "pykt"),
        Yardstick("simplekt", "simpleKT", "Plain attention (Liu et al. 2023), by pyKT.", "pykt"),
    )
}
"""By name, in the order in which they run: quick ones first."""
_FOLDS = [
    "model",
    "about",
    "kind",
    "run_id",
    "fold",
    "rule",
    "students",
    "auc",
    "lower",
    "upper",
    "log_loss",
    "rmse",
    "ece",
    "seconds",
]
FEW_STUDENTS = 30
"""Test students below which a table says so: one student more or less moves an AUC by more than most models differ."""
_MEANS = ["auc", "lower", "upper", "log_loss", "rmse", "ece", "seconds"]
COLUMNS = [
    "model",
    "about",
    "kind",
    "folds",
    "auc",
    "spread",
    "lower",
    "upper",
    "to_best",
    "log_loss",
    "rmse",
    "ece",
    "seconds",
]


def yardsticks(store: Store) -> list[Run]:
    """The finished yardsticks of the store, oldest first."""
    found = [store.run(run_id) for run_id, (lineage, _) in store.origins().items() if "benchmark" in lineage]
    return sorted((run for run in found if run.status == "finished"), key=lambda run: run.created or 0.0)


def benchmarks(runs: Iterable[Run]) -> dict[tuple[str, str], list[Run]]:
    """The yardsticks by data (fingerprint) and protocol, the newest benchmark first."""
    found: dict[tuple[str, str], list[Run]] = {}
    for run in sorted(runs, key=lambda run: -(run.created or 0.0)):
        key = run.data_fingerprint or "", str(run.lineage["benchmark"].get("protocol"))
        found.setdefault(key, []).append(run)
    return {key: some[::-1] for key, some in found.items()}


def comparable(store: Store, some: Sequence[Run]) -> list[Run]:
    """The finished trainings on the same data and one of the same splits as these yardsticks, newest first."""
    rules = {_rule(run) for run in some}
    alike = store.runs_on(some[0].data_fingerprint or "") if some else []
    return [run for run in alike[::-1] if run.status == "finished" and not run.yardstick and _rule(run) in rules]


def _rule(run: Run) -> str:
    """How a run's students were split, in words that tell one split from another."""
    return str(run.data.get("split_rule"))


def configurations(trainings: Iterable[Run]) -> dict[str, list[Run]]:
    """Trainings that differ in fold and seed alone, under the name that they share, else their preset's."""
    groups: dict[str, list[Run]] = {}
    for run in trainings:
        groups.setdefault(_alike(run), []).append(run)
    found: dict[str, list[Run]] = {}
    for runs in groups.values():
        names = {run.name for run in runs}
        name = names.pop() if len(names) == 1 else str(runs[0].preset)
        found[name if name not in found else f"{name} ({runs[0].run_id[-4:]})"] = runs
    return found


def by_fold(store: Store, some: Sequence[Run], trainings: Mapping[str, Sequence[Run]] | None = None) -> pd.DataFrame:
    """A row per yardstick and fold, the newest where there are several; and per encoder of the trainings.

    `trainings` are `configurations`. Columns: model, about, kind (yardstick, Encoder 1, Encoder 2), run_id, fold, rule,
    students (those tested), and the measures of the test students: auc with the ends of its interval over students,
    log_loss, rmse, ece; seconds.
    """
    named = [("", run) for run in some] + [(name, run) for name, runs in (trainings or {}).items() for run in runs]
    named.sort(key=lambda pair: pair[1].created or 0.0)
    results = results_of(store, [run.run_id for _, run in named])
    rows: dict[tuple[str, ...], dict[str, Any]] = {}
    for name, run in named:
        test = results.get(run.run_id, {}).get("test", {})
        for model, about, kind in _predictors(run, name, test):
            rows[(model, kind, _rule(run))] = {
                "model": model,
                "about": about,
                "kind": kind,
                "run_id": run.run_id,
                "fold": (run.config.get("training") or {}).get("fold"),
                "rule": _rule(run),
                "students": ((run.data.get("split") or {}).get("test") or {}).get("students"),
                "seconds": run.seconds,
                **_measures(test, 2 if kind == "Encoder 2" else 1),
                **({} if run.yardstick else _kept(store, run, kind)),
            }
    return pd.DataFrame(list(rows.values()), columns=_FOLDS).astype({name: float for name in (*_MEANS, "students")})


def rests_on(rows: pd.DataFrame) -> tuple[str, bool]:
    """A sentence on how many test students a table of `by_fold` rests, and whether they are few; empty if not known."""
    known = rows["students"].dropna()
    if known.empty:
        return "", False
    low, high = int(known.min()), int(known.max())
    count = f"{low:,}" if low == high else f"{low:,} to {high:,}"
    text = f"Measured on {count} test student{'s' if high > 1 else ''}{'' if low == high else ' a fold'}."
    if low >= FEW_STUDENTS:
        return text, False
    return (
        f"{text} With fewer than {FEW_STUDENTS}, most differences between models are chance: read the intervals.",
        True,
    )


def _predictors(run: Run, name: str, test: dict[str, float | None]) -> Iterator[tuple[str, str, str]]:
    """Model, what it is, and kind of each that predicts."""
    if run.yardstick:
        known = YARDSTICKS.get(run.yardstick) or Yardstick(run.yardstick, run.yardstick, "")
        yield known.label, known.about, "yardstick"
        return
    for number in (1, 2):
        if test.get(f"encoder{number}_auc") is not None:
            yield f"{name}, Encoder {number}", f"A training, preset {run.preset}.", f"Encoder {number}"


def _kept(store: Store, run: Run, kind: str) -> dict[str, float | None]:
    """What a training's kept predictions add to its results; yardsticks record it all."""
    try:
        return accuracy.kept(store.folder(run.run_id).folder, kind.lower().replace(" ", ""))
    except InputError:  # its folder is gone, or the file damaged
        return {}


def _alike(run: Run) -> str:
    """What runs of one configuration on several folds share."""
    sections = {name: dict(part) for name, part in run.config.items() if isinstance(part, dict)}
    for name in ("fold", "seed"):
        sections.get("training", {}).pop(name, None)
    return repr(sorted((name, sorted(part.items())) for name, part in sections.items()))


def _measures(test: dict[str, float | None], encoder: int) -> dict[str, float | None]:
    return {
        "auc": test.get(f"encoder{encoder}_auc"),
        "lower": test.get(f"encoder{encoder}_auc_lower"),
        "upper": test.get(f"encoder{encoder}_auc_upper"),
        "log_loss": test.get("bce" if encoder == 1 else "im"),
        "rmse": test.get(f"encoder{encoder}_rmse"),
        "ece": test.get(f"encoder{encoder}_ece"),
    }


def summary(rows: pd.DataFrame) -> pd.DataFrame:
    """A row per model, the highest AUC first: means over folds, `spread` of the AUC (std over folds), and `to_best`.

    `to_best` is its mean AUC minus that of the best yardstick, over the folds that both have.
    """
    grouped = rows.groupby(["model", "about", "kind"], sort=False)
    table = grouped[_MEANS].mean().astype(float)
    table["folds"] = grouped["rule"].nunique()
    table["spread"] = grouped["auc"].std().astype(float)
    best = best_yardstick(rows)
    table["to_best"] = [_difference(group, best) for _, group in grouped]
    return table.reset_index()[COLUMNS].sort_values("auc", ascending=False, ignore_index=True)


def best_yardstick(rows: pd.DataFrame) -> pd.DataFrame:
    """The rows of the yardstick with the highest mean AUC; none where there is no yardstick."""
    only = rows[rows["kind"] == "yardstick"]
    means = only.groupby("model")["auc"].mean()
    return only[only["model"] == means.idxmax()] if len(means.dropna()) else only.iloc[:0]


def _difference(group: pd.DataFrame, best: pd.DataFrame) -> float | None:
    both = group.merge(best, on="rule", suffixes=("", "_best"))
    return None if both.empty else float((both["auc"] - both["auc_best"]).astype(float).mean())
