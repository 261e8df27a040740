"""The original study's decision tree: from a run's numbers to a preset to try next."""

from dataclasses import dataclass

from gainakt.verdict.criteria import STATUSES, Standing, Status


@dataclass(frozen=True)
class Attempt:
    """A run on the same data, for the decision tree."""

    run_id: str
    preset: str
    variance_weight: float
    gain_head: str
    standing: Standing


@dataclass(frozen=True)
class Branch:
    """One question of the decision tree, its answer (yes, no, no evidence, unknown, not tried), on what."""

    question: str
    answer: str
    value: str


@dataclass(frozen=True)
class DecisionPath:
    """The branches taken, and where they end: in words, and in a preset to start."""

    branches: list[Branch]
    end: str
    preset: str


_STANDINGS: dict[Standing, str] = {
    "differentiated": "both questions pass",
    "noise": "no evidence for one of the two questions, or both",
    "untested": "one of the two questions, or both, not tested",
}
EXTREME = 20.0
"""Variance weight from which a run counts as reweighted: ten times the original's."""
ARCHITECTURES = ("per_skill", "mixture", "hierarchical")
SMALLER = 100


def next_step(ratio: float | None, attempts: list[Attempt], learnable: Status, base: str = "") -> DecisionPath:
    """The original study's decision tree on these numbers; the first attempt is the run itself.

    `ratio` is `differentiation_share`, `learnable` the status of "do skills differ" in the data, `base` a preset that
    the ideas are to be put on, such as v3-phase1.
    """
    on = (lambda idea: f"{base}+{idea}") if base else (lambda idea: idea)
    here = attempts[0]
    answer = "unknown" if here.standing == "untested" else _yes(here.standing == "differentiated")
    branches = [Branch("Is this run differentiated?", answer, _STANDINGS[here.standing])]
    if here.standing == "differentiated":
        return DecisionPath(branches, "Nothing to repair. Check that it replicates with another seed.", here.preset)
    small = ratio is not None and ratio < 1 / SMALLER
    branches.append(_balance(ratio, small))
    if small and here.variance_weight < EXTREME:
        return DecisionPath(branches, "Raise the variance weight to 200.", on("variance-x100"))
    for question, tried, idea, end in (
        (
            "Has a large variance weight failed?",
            [a for a in attempts if a.variance_weight >= EXTREME],
            "variance-x100",
            "Raise the variance weight to 200, which has not been tried on these data.",
        ),
        (
            "Has another gain head failed?",
            [a for a in attempts if a.gain_head in ARCHITECTURES],
            "per-skill-heads",
            "Change the architecture: one gain head per skill.",
        ),
    ):
        succeeded = [a for a in tried if a.standing == "differentiated"]
        branches.append(_tried(question, tried, succeeded))
        if not tried:
            return DecisionPath(branches, end, on(idea))
        if succeeded:
            end = f"Run {succeeded[0].run_id} is differentiated: start from its preset."
            return DecisionPath(branches, end, succeeded[0].preset)
    answer, end, preset = _LEARNABLE[learnable]
    tested = f"test on the data: {STATUSES[learnable]}"
    return DecisionPath([*branches, Branch("Do skills differ in the data?", answer, tested)], end, preset)


def _balance(ratio: float | None, small: bool) -> Branch:
    question = f"Are the differentiation losses at most 1/{SMALLER} of the prediction losses?"
    if ratio is None:
        return Branch(question, "unknown", "no losses were recorded")
    return Branch(question, _yes(small), f"ratio of the weighted losses: {ratio:.3g}")


_LEARNABLE: dict[Status, tuple[str, str, str]] = {
    "pass": ("yes", "These data show that skills differ: start from the corrected model.", "corrected"),
    "noise": (
        "no evidence",
        "These data show no evidence that skills differ: keep the learning-curve model.",
        "parametric",
    ),
    "untested": (
        "unknown",
        "Fit the learning-curve model and test the data: is there a difference to learn?",
        "parametric",
    ),
}
"""What the test on the data says -> whether skills differ, what to do, with which preset."""


def _tried(question: str, tried: list[Attempt], succeeded: list[Attempt]) -> Branch:
    if not tried:
        return Branch(question, "not tried", "no run on these data")
    untested = sum(a.standing == "untested" for a in tried)
    value = f"{len(tried)} tried, {len(succeeded)} differentiated" + (f", {untested} not tested" if untested else "")
    return Branch(question, "unknown" if untested and not succeeded else _yes(not succeeded), value)


def _yes(holds: bool) -> str:
    return "yes" if holds else "no"
