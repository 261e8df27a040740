"""All that can be said of a saved run: verdict, references, candidate causes, next step; for page and report alike."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from gainakt.analysis.diagnosis import Attempt, Cause, Path, Readout, causes, differentiation_share, losses, next_step
from gainakt.config import Config, changed, flatten_stored
from gainakt.config.presets import find
from gainakt.errors import InputError
from gainakt.measures import Values
from gainakt.store import Run, Store
from gainakt.store.facts import Facts, gather
from gainakt.verdict import judge as judging
from gainakt.verdict.criteria import (
    QUESTIONS,
    Reference,
    Targets,
    Verdict,
    data_question,
    question,
    standing,
    untrained,
)

ORIGINAL = "v3-phase1"
_ORIGINALS = (ORIGINAL, "v2", "bug-fix-2-epochs")


@dataclass(frozen=True)
class Insight:
    """A run's facts and what follows from them; `state` and `start` are `training.probe.state` now and untrained."""

    facts: Facts
    targets: Targets
    references: dict[str, Reference]
    verdict: Verdict
    causes: list[Cause]
    path: Path
    state: Values
    start: Values


def examine(store: Store, run_id: str, targets: Targets = judging.DEFAULTS) -> Insight:
    """Everything about a run; raises InputError when there is no such run."""
    facts = gather(store, run_id)
    others = judging.peers(store, facts.run)
    known = judging.references(facts, others)
    verdict = judging.of_facts(facts, known, targets)
    state, start = states(facts)
    found = causes(settings(facts.run), facts.test, state, start, readout(facts))
    ratio = differentiation_share(losses(facts.series))
    base = ORIGINAL if str(facts.run.preset).split("+")[0] in _ORIGINALS else ""
    path = next_step(ratio, attempts(facts, others), verdict.data["skills_differ"].status, base)
    return Insight(facts, targets, known, verdict, found, path, state, start)


def settings(run: Run) -> dict[str, Any]:
    """The run's settings by dotted name."""
    return flatten_stored(run.config)


def next_config(seen: Insight) -> Config:
    """The configuration at the end of the decision tree, on the run's own data; raises InputError without them.

    It is the run's own with another seed where nothing is left to repair.
    """
    run, data = seen.facts.run, {n: v for n, v in settings(seen.facts.run).items() if n.startswith("data.")}
    if not run.data_fingerprint:
        raise InputError(f"the data of run {run.run_id} are not here; choose data on the Train page")
    if seen.verdict.differentiated:
        own = Config.model_validate(run.config)
        return changed(own, {"training.seed": own.training.seed + 1})
    return changed(find(seen.path.preset).config, data)


def readout(facts: Facts) -> Readout:
    """What Encoder 2 can say at most: the highest M_sat over the lowest theta, by the last recorded parameters."""
    last = {name: facts.parameter(name).tail(1) for name in ("saturation", "threshold", "temperature")}
    most = None
    if all(len(row) and len(row["quantiles"].iloc[0]) for row in last.values()):
        high, low, temperature = (
            float(row["quantiles"].iloc[0][at]) for row, at in zip(last.values(), (-1, 0, 0), strict=True)
        )
        most = float(1 / (1 + np.exp(-(high - low) / temperature)))
    return Readout(most, facts.test.get("im"), facts.run.data.get("share_correct"))


def states(facts: Facts) -> tuple[Values, Values]:
    """State at Encoder 2's best epoch and before training: as the training recorded it."""
    named = facts.series[facts.series["name"].str.startswith("state.")]
    if named.empty:
        return {}, {}
    wide = named.assign(name=named["name"].str.removeprefix("state.")).pivot_table(
        index="epoch", columns="name", values="value", aggfunc="last"
    )
    best = wide.index[np.abs(wide.index - (facts.run.best_encoder2 or 0)).argmin()]
    start = {str(name): float(value) for name, value in wide.iloc[0].dropna().items()}
    return {str(name): float(value) for name, value in wide.loc[best].dropna().items()}, start


def attempts(facts: Facts, others: list[judging.Peer]) -> list[Attempt]:
    """The run and its peers, as the decision tree counts them."""
    return [_attempt(run, facts) for run in (facts.run, *(run for run, _ in others))]


def _attempt(run: Run, facts: Facts) -> Attempt:
    mine = [row["own"] for row in facts.tested if row["run_id"] == run.run_id and row.get("own")]
    data, own = judging.data_tests(facts.run, facts.tested), mine[-1] if mine else {}
    no_training = untrained(run.epochs, run.best_encoder2)
    found = (
        question(data_question(data.get(short)), own.get(short), no_training).status for short in QUESTIONS.values()
    )
    chosen = settings(run)
    return Attempt(
        run.run_id,
        run.preset or "corrected",
        float(chosen.get("weights.variance") or 0.0),
        str(chosen.get("model.gain_head") or ""),
        standing(found),
    )
