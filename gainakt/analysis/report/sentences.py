"""The report's sentences: each computed from a run's numbers, its wording chosen by tests on them."""

from collections.abc import Iterator

import pandas as pd

from gainakt.analysis.diagnosis import PREDICTION, Course, course, differentiation_share, divergence, losses
from gainakt.config import flatten_stored
from gainakt.measures import Values, metrics
from gainakt.measures.metrics import MIN_PER_RESPONSE, NEGLIGIBLE, UNIFORM_STD
from gainakt.measures.text import escaped, number, percent
from gainakt.store.facts import Facts
from gainakt.verdict.criteria import QUESTIONS, STANDINGS, Targets, Verdict

_ENDS = {"finished": "finished", "stopped": "was stopped", "failed": "failed", "interrupted": "was interrupted"}
_ANSWERS = {"pass": "Yes", "noise": "No evidence", "untested": "Not tested"}
_PARTS = {"skill": "skills", "student": "students", "response": "responses", "rest": "the rest"}


def summary(facts: Facts, verdict: Verdict, targets: Targets) -> Iterator[str]:
    """What the run is, how its gains came out, whether their differences are real, how well it predicts."""
    run, test, data = facts.run, facts.test, facts.run.data
    size = ", ".join(
        f"{data[name]:,} {name}" for name in ("students", "interactions", "skills") if isinstance(data.get(name), int)
    )
    epochs = "no epoch" if not run.epochs else f"{run.epochs} epoch{'s' if run.epochs > 1 else ''}"
    yield f"The run {_ENDS.get(run.status, 'is ' + run.status)} after {epochs}{f' on {size}' if size else ''}."
    yield from gain_spread(test, targets)
    yield from answers(verdict)
    first, second = test.get("encoder1_auc"), test.get("encoder2_auc")
    if second is not None:
        auc = f"Encoder 2, which predicts through mastery, has a {facts.split.split()[0]} AUC of {second:.4f}"
        yield auc + ("." if first is None else f", {_difference(second - first)} Encoder 1 ({first:.4f}).")
    yield f"The run meets {verdict.passed} of the {len(verdict.criteria)} criteria of the original study."


def gain_spread(test: Values, targets: Targets) -> Iterator[str]:
    """How far the practised gains spread."""
    std, mean = test.get("gain_std"), test.get("gain_mean")
    if std is None or mean is None:
        return
    if std < UNIFORM_STD:
        how = "are practically uniform"
    elif std <= targets.gain_std:
        how = f"vary, but not by more than the target of {targets.gain_std:g}"
    else:
        how = f"vary by more than the target of {targets.gain_std:g}"
    yield f"The gains {how}: mean {mean:.4f}, std {std:.4f}."


def answers(verdict: Verdict) -> Iterator[str]:
    """The answers to the two questions, and what they come to."""
    for name, finding in verdict.questions.items():
        yield f"{QUESTIONS[name]} {_ANSWERS[finding.status]}. {finding.text}"
    yield f"The run is {STANDINGS[verdict.standing]}."


def skill_differences(facts: Facts, targets: Targets) -> Iterator[str]:
    """How far the skills' mean gains and effective rates differ."""
    skill_cv, skills = facts.test.get("skill_gain_cv"), facts.test.get("skills_seen")
    if skill_cv is not None:
        of = f" over {skills:.0f} skills" if skills is not None else ""
        yield (
            f"The skills' mean gains have a CV of {skill_cv:.4f}{of}, {_above(skill_cv, targets.skill_gain_cv)} the"
            f" target of {targets.skill_gain_cv:g}."
        )
    of_run = facts.results.get("run", {})
    rate_cv, left_out = of_run.get("rate_cv"), of_run.get("rate_left_out")
    if rate_cv is None and len(facts.skills):
        rate_cv = metrics.cv(facts.skills["effective_rate"].to_numpy(float))
    if rate_cv is not None:
        without = f"fewer than {MIN_PER_RESPONSE} correct or {MIN_PER_RESPONSE} incorrect responses"
        few = f"; {left_out:.0f} skills with {without} are excluded" if left_out else ""
        yield f"The effective rates, the only learning speed that the data determine, have a CV of {rate_cv:.4f}{few}."


def response_difference(facts: Facts, targets: Targets) -> Iterator[str]:
    """How far gains after correct and after incorrect responses differ."""
    correct, incorrect = (facts.test.get(f"gain_after_{kind}") for kind in ("correct", "incorrect"))
    ratio, target = facts.test.get("response_gain_ratio"), targets.response_gain_ratio
    if ratio is None or correct is None or incorrect is None:
        return
    if abs(ratio - 1) < UNIFORM_STD:
        how = "practically the same after correct and incorrect responses"
    else:
        how = f"{'larger' if ratio > 1 else 'smaller'} after correct than after incorrect responses"
    yield (
        f"Mean gains are {how}: {correct:.4f} and {incorrect:.4f}. Their ratio, {ratio:.4f}, is {_above(ratio, target)}"
        f" the target of {target:g}."
    )


def reports_aggregate(facts: Facts) -> bool:
    """Whether the run's gain statistics read the aggregate gain in place of the practised gains."""
    return flatten_stored(facts.run.config).get("origin.reported_gain") == "aggregate"


def practised_std(facts: Facts) -> str:
    """The series that holds the std of the gains that predict."""
    return "state.practised_gain_std" if reports_aggregate(facts) else "gain_std"


def aggregate_gain(facts: Facts) -> Iterator[str]:
    """The gain that the original study reported, beside the gains that predict."""
    aggregate, std = facts.test.get("aggregate_gain_std"), facts.test.get("gain_std")
    if reports_aggregate(facts):
        practised = facts.curve(practised_std(facts))["value"]
        std = float(practised.iloc[-1]) if len(practised) else None
    if aggregate is None or std is None:
        return
    uniform = " is uniform:" if aggregate < UNIFORM_STD <= std else ""
    yield (
        f"The aggregate gain, which the original study reported and no prediction uses,{uniform or ' has a'} std"
        f" {'' if uniform else 'of '}{aggregate:.4f}; the gains that predict have a std of {std:.4f}."
    )


def distinct_gains(facts: Facts, effective: float | None) -> Iterator[str]:
    """How many distinct gains there are (`distinct_gains` of the probe's state), and where their variance lies."""
    if effective is not None:
        yield f"Effective number of distinct gains: {effective:.1f} of 100 bins."
    parts = {kind: facts.test.get(f"gain_variance_{kind}") for kind in _PARTS}
    shares = {kind: value for kind, value in parts.items() if value is not None}
    if shares:
        largest = max(shares, key=lambda kind: shares[kind])
        most = "Most" if shares[largest] > 0.5 else "The largest part"
        where = "is explained by none of the three" if largest == "rest" else f"lies between {_PARTS[largest]}"
        listed = ", ".join(f"{_PARTS[kind]} {percent(value)}" for kind, value in shares.items())
        yield f"{most} of their variance {where} ({listed})."


def parameter_course(facts: Facts, name: str, label: str) -> Iterator[str]:
    """How one learned parameter moved from the first recorded epoch to the last."""
    rows = facts.parameter(name)
    if rows.empty:
        return
    (e0, m0, s0), (e1, m1, s1) = (rows.iloc[i][["epoch", "mean", "std"]] for i in (0, -1))
    single = not (s0 or s1) or pd.isna(s0) or pd.isna(s1)
    if single and m0 == m1:
        yield f"**{label}** stayed at {number(m0)}."
        return
    by = percent(abs(m1 / m0 - 1), 0) if m0 else number(abs(m1 - m0), 3)
    hardly = abs(m1 - m0) < 0.005 * max(abs(m0), 1e-9)
    moved = "hardly changed" if hardly else f"{'rose' if m1 > m0 else 'fell'} by {by}"
    spread = "its spread grew" if s1 > s0 + 1e-4 else "its spread shrank" if s1 < s0 - 1e-4 else "its spread stayed"
    then, now = (number(m) if single else f"mean {number(m)}, std {number(s)}" for m, s in ((m0, s0), (m1, s1)))
    how = moved if single else f"{moved}, {spread}"
    yield f"**{label}** {how}: {then} at epoch {int(e0)}; {now} at epoch {int(e1)}."


def stopping(facts: Facts) -> Iterator[str]:
    """Best epochs, and why training ended."""
    run = facts.run
    best = {"Encoder 1": run.best_encoder1, "Encoder 2": run.best_encoder2}
    parts = [f"{name} at epoch {epoch}" for name, epoch in best.items() if epoch is not None]
    if parts:
        yield f"Best by validation AUC: {' and '.join(parts)}, of {run.epochs or 0} trained."
    if run.reason:
        yield f"Training ended: {escaped(run.reason.rstrip('.'))}."
    if run.error:
        yield f"Error: {escaped(run.error.rstrip('.'))}."


def auc_course(name: str, auc: Course | None) -> Iterator[str]:
    """How an encoder's validation AUC went."""
    if auc is None:
        return
    first, best, last = f"{auc.first:.4f} at epoch 1", f"{auc.best:.4f} at best (epoch {auc.best_epoch})", auc.last
    end = f"{last:.4f} at the end (epoch {auc.last_epoch})"
    values = ", ".join((first, end) if auc.best_epoch == auc.last_epoch else (first, best, end))
    if auc.overfits_from is not None:
        how = f"overfits from epoch {auc.overfits_from}"
    elif auc.best_epoch == auc.last_epoch:
        how = "was still improving when training ended" if auc.last_epoch > 1 else "was evaluated after one epoch"
    elif auc.best - auc.last <= NEGLIGIBLE:
        how = "had levelled off"
    else:
        how = "ended below its best"
    yield f"{name} {how}: validation AUC {values}."


def auc_difference(facts: Facts) -> Iterator[str]:
    """Whether the encoders' AUCs moved apart."""
    difference = divergence(facts.series)
    if len(difference) < 2:
        return
    first, last = float(difference.iloc[0]), float(difference.iloc[-1])
    moved = "moved apart" if abs(last) > abs(first) else "came closer"
    how = "stayed as far apart" if abs(last - first) <= NEGLIGIBLE else moved
    yield (
        f"The encoders' validation AUCs {how}: Encoder 1 minus Encoder 2 is {first:+.4f} at epoch"
        f" {difference.index[0]} and {last:+.4f} at epoch {difference.index[-1]}."
    )


def dynamics(facts: Facts) -> Iterator[str]:
    """How the AUCs went during training."""
    for encoder, name in (("encoder1", "Encoder 1"), ("encoder2", "Encoder 2")):
        yield from auc_course(name, course(facts.series, encoder))
    yield from auc_difference(facts)


def balance(facts: Facts) -> Iterator[str]:
    """How large the differentiation losses are beside the prediction losses."""
    table = losses(facts.series)
    ratio = differentiation_share(table)
    if ratio is None:
        yield "No losses were recorded, so their balance is unknown."
        return
    others = [term for term in table["term"] if term not in PREDICTION]
    if not others:
        yield "No differentiation loss is on: both encoders are trained to predict, and for nothing else."
        return
    size = "at most 1/100 of" if ratio < 0.01 else "smaller than" if ratio < 1 else "at least as large as"
    yield (
        f"The differentiation losses ({escaped(', '.join(others))}) are {size} the prediction losses (BCE + IM): the"
        f" ratio of their weighted sizes is {ratio:.3g} over the last recorded steps."
    )


def _above(value: float, target: float) -> str:
    return "above" if value > target else "not above"


def _difference(difference: float) -> str:
    if abs(difference) < NEGLIGIBLE:
        return "level with"
    return f"{abs(difference):.4f} {'above' if difference > 0 else 'below'}"
