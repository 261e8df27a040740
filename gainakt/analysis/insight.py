"""All that can be said of a saved run: verdict, references, candidate causes, next step; for page and report alike."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from gainakt.analysis.decision import Attempt, DecisionPath, next_step
from gainakt.analysis.diagnosis import Cause, Readout, causes, differentiation_share, losses
from gainakt.config import Config, changed, flatten_stored
from gainakt.config.presets import find
from gainakt.errors import InputError
from gainakt.measures import Values
from gainakt.store import Run, Store
from gainakt.store.facts import Facts, gather
from gainakt.verdict.criteria import Reference, Targets, Verdict
from gainakt.verdict.judge import DEFAULTS, peers, references_for, verdict_on

ORIGINAL = "v3-phase1"
_ORIGINALS = (ORIGINAL, "v2", "bug-fix-2-epochs")


@dataclass(frozen=True)
class Insight:
    """A run's facts and what follows from them.

    `state` and `start` are what `training.probe.state` measured at Encoder 2's best epoch and before training.
    """

    facts: Facts
    targets: Targets
    references: dict[str, Reference]
    verdict: Verdict
    causes: list[Cause]
    path: DecisionPath
    state: Values
    start: Values


def examine(store: Store, run_id: str, targets: Targets = DEFAULTS) -> Insight:
    """Everything about a run; raises InputError when there is no such run."""
    facts = gather(store, run_id)
    others = peers(store, facts.run)
    references = references_for(facts, others)
    verdict = verdict_on(facts.run, facts.tested, facts.test, references, targets)
    state, start = states(facts)
    settings = flatten_stored(facts.run.config) | facts.steered
    held = causes(settings, facts.test, state, start, readout(facts))
    ratio = differentiation_share(losses(facts.series))
    base = ORIGINAL if str(facts.run.preset).split("+")[0] in _ORIGINALS else ""
    tried = attempts(facts, [run for run, _ in others])
    path = next_step(ratio, tried, verdict.data["skills_differ"].status, base)
    return Insight(facts, targets, references, verdict, held, path, state, start)


def next_config(insight: Insight) -> Config:
    """The configuration at the end of the decision tree, on the run's own data; raises InputError without them.

    A differentiated run is repeated with another seed.
    """
    run = insight.facts.run
    if not run.data_fingerprint:
        raise InputError(f"the data of run {run.run_id} are not here; choose data on the Train page")
    if insight.verdict.differentiated:
        config = Config.model_validate(run.config)
        return changed(config, {"training.seed": config.training.seed + 1})
    data = {name: value for name, value in flatten_stored(run.config).items() if name.startswith("data.")}
    return changed(find(insight.path.preset).config, data)


def readout(facts: Facts) -> Readout:
    """The largest probability that Encoder 2 can give, from the highest M_sat and the lowest theta last recorded."""
    last = {name: facts.parameter(name).tail(1) for name in ("saturation", "threshold", "temperature")}
    largest = None
    if all(len(row) and len(row["quantiles"].iloc[0]) for row in last.values()):
        high, low, temperature = (
            float(row["quantiles"].iloc[0][at]) for row, at in zip(last.values(), (-1, 0, 0), strict=True)
        )
        largest = float(1 / (1 + np.exp(-(high - low) / temperature)))
    return Readout(largest, facts.test.get("im"), facts.run.data.get("share_correct"))


def states(facts: Facts) -> tuple[Values, Values]:
    """The state recorded at Encoder 2's best epoch, and the one before training."""
    rows = facts.series[facts.series["name"].str.startswith("state.")]
    if rows.empty:
        return {}, {}
    wide = rows.assign(name=rows["name"].str.removeprefix("state.")).pivot_table(
        index="epoch", columns="name", values="value", aggfunc="last"
    )
    best = wide.index[np.abs(wide.index - (facts.run.best_encoder2 or 0)).argmin()]
    start = {str(name): float(value) for name, value in wide.iloc[0].dropna().items()}
    return {str(name): float(value) for name, value in wide.loc[best].dropna().items()}, start


def attempts(facts: Facts, others: Sequence[Run]) -> list[Attempt]:
    """The run and others on the same data, as the decision tree counts them."""
    return [_attempt(run, facts) for run in (facts.run, *others)]


def _attempt(run: Run, facts: Facts) -> Attempt:
    settings = flatten_stored(run.config) | (facts.steered if run is facts.run else {})
    return Attempt(
        run.run_id,
        run.preset or "corrected",
        float(settings.get("weights.variance") or 0.0),
        str(settings.get("model.gain_head") or ""),
        verdict_on(run, facts.tested).standing,
    )
