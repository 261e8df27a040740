"""The report's sentences: each computed from a run's numbers, its wording chosen by tests on them."""

import re
from collections.abc import Iterator

import pandas as pd

from gainakt.analysis.diagnosis import Course, course, divergence
from gainakt.measures import Values
from gainakt.store.facts import Facts
from gainakt.verdict.criteria import STANDINGS, Targets, Verdict

UNIFORM = 0.01
"""Gain std under which gains count as uniform, as in the training."""
SAME = 0.001
"""Difference of an AUC or a correlation that is not told as one."""
_ENDS = {"finished": "finished", "stopped": "was stopped", "failed": "failed", "interrupted": "was interrupted"}


_MARKDOWN = re.compile(r"([\\`*_{}\[\]()#+!|~>$<&])")


def plain(words: object) -> str:
    """Names and messages of users and files as Markdown that shows them as they are."""
    return _MARKDOWN.sub(r"\\\1", " ".join(str(words).split()))


def text(value: float | None, digits: int = 4) -> str:
    """A number in the report; a dash where there is none."""
    if value is None or pd.isna(value):
        return "–"
    if float(value).is_integer() and abs(value) >= 2:
        return f"{int(value):,}"
    return f"{value:.{digits}f}" if 0.001 <= abs(value) < 1000 else f"{value:.3g}"


def summary(facts: Facts, verdict: Verdict, targets: Targets) -> Iterator[str]:
    """What the run is, how its gains came out, whether that is real, what it predicts."""
    run, test = facts.run, facts.test
    data = run.data
    size = ", ".join(
        f"{data[name]:,} {name}" for name in ("students", "interactions", "skills") if isinstance(data.get(name), int)
    )
    epochs = "no epoch" if not run.epochs else f"{run.epochs} epoch{'s' if run.epochs > 1 else ''}"
    yield f"The run {_ENDS.get(run.status, 'is ' + run.status)} after {epochs}{f' on {size}' if size else ''}."
    yield from gains_told(test, targets)
    yield from questions_told(verdict)
    one, two = test.get("encoder1_auc"), test.get("encoder2_auc")
    if two is not None:
        told = f"Encoder 2, whose prediction comes from mastery, reaches a {facts.split.split()[0]} AUC of {two:.4f}"
        yield told + ("." if one is None else f", {_apart(two - one)} Encoder 1 ({one:.4f}).")
    yield f"It meets {verdict.passed} of the {len(verdict.criteria)} criteria of the original study."


def gains_told(test: Values, targets: Targets) -> Iterator[str]:
    """How far the practised gains spread."""
    std, mean = test.get("gain_std"), test.get("gain_mean")
    if std is None or mean is None:
        return
    if std < UNIFORM:
        how = "are practically uniform"
    elif std <= targets.gain_std:
        how = f"vary, less than the target of {targets.gain_std:g} asks"
    else:
        how = f"spread by more than the target of {targets.gain_std:g}"
    yield f"The gains {how}: mean {mean:.4f}, std {std:.4f}."


def questions_told(verdict: Verdict) -> Iterator[str]:
    """The answers to the two questions and what they come to."""
    names = {"skills_differ": "that skills differ", "response_matters": "that the response matters"}
    told = {"pass": "passes its tests", "noise": "does not pass its tests", "untested": "is untested"}
    for name, finding in verdict.questions.items():
        yield f"The claim {names[name]} {told[finding.status]} ({finding.text})."
    yield f"The run is {STANDINGS[verdict.standing]}."


def skills_told(facts: Facts, targets: Targets) -> Iterator[str]:
    """What the skills' mean gains and effective rates say."""
    test = facts.test
    skill_cv, seen = test.get("skill_gain_cv"), test.get("skills_seen")
    if skill_cv is not None:
        passed = "above" if skill_cv > targets.skill_gain_cv else "not above"
        of = f" over {seen:.0f} skills" if seen is not None else ""
        yield (
            f"The skills' mean gains have a CV of {skill_cv:.4f}{of}, {passed} the target of {targets.skill_gain_cv:g}."
        )
    rate_cv, left_out = facts.results.get("run", {}).get("rate_cv"), facts.results.get("run", {}).get("rate_left_out")
    if rate_cv is None and len(facts.skills):
        rates = facts.skills["effective_rate"].dropna()
        rate_cv = float(rates.std(ddof=0) / rates.mean()) if len(rates) else None
    if rate_cv is not None:
        told = f"The effective rate, the identified learning speed of a skill, has a CV of {rate_cv:.4f}"
        few = f"; {left_out:.0f} skills with under 20 responses of a kind are left out" if left_out else ""
        yield f"{told}{few}."


def response_told(facts: Facts, targets: Targets) -> Iterator[str]:
    """What gains after correct and incorrect responses say."""
    after = [facts.test.get(f"gain_after_{kind}") for kind in ("correct", "incorrect")]
    ratio = facts.test.get("response_gain_ratio")
    if ratio is None or after[0] is None or after[1] is None:
        return
    if abs(ratio - 1) < UNIFORM:
        how = "practically the same after either response"
    else:
        how = f"{'larger' if ratio > 1 else 'smaller'} after correct than after incorrect responses"
    passed = "above" if ratio > targets.response_gain_ratio else "not above"
    yield (
        f"Gains are {how}: {after[0]:.4f} against {after[1]:.4f}, a ratio of {ratio:.4f}, {passed} the target of"
        f" {targets.response_gain_ratio:g}."
    )


def tensor_told(facts: Facts) -> Iterator[str]:
    """The origin's reported gain beside the true one."""
    aggregate, std = facts.test.get("aggregate_gain_std"), facts.test.get("gain_std")
    if facts.setting("origin.reported_gain") == "aggregate":
        practised = facts.curve("state.practised_gain_std")["value"]
        std = float(practised.iloc[-1]) if len(practised) else None
    if aggregate is None or std is None:
        return
    one = f"What the original reported as gain, one scalar per interaction, has a std of {aggregate:.4f} here"
    if aggregate < UNIFORM <= std:
        yield f"{one}: uniform, while the gains that predictions use have {std:.4f}."
    else:
        yield f"{one}; the gains that predictions use have {std:.4f}."


def distinct_told(facts: Facts, number: float | None) -> Iterator[str]:
    """How many different gains there are (`distinct_gains` of the probe's state), and where their variance lies."""
    if number is not None:
        yield f"They amount to {number:.1f} distinct values of the 100 that bins of 0.01 tell apart."
    parts = {kind: facts.test.get(f"gain_variance_{kind}") for kind in ("skill", "student", "response", "rest")}
    known = {kind: value for kind, value in parts.items() if value is not None}
    if known:
        largest = max(known, key=lambda kind: known[kind])
        shares = ", ".join(f"{kind} {value:.1%}" for kind, value in known.items())
        where = "none of the three" if largest == "rest" else f"the {largest}"
        part = "Most" if known[largest] > 0.5 else "The largest part"
        yield f"{part} of their variance goes with {where} ({shares})."


def parameter_told(facts: Facts, name: str, label: str) -> Iterator[str]:
    """How one learned parameter moved from the first recorded epoch to the last."""
    path = facts.parameter(name)
    if path.empty:
        return
    (e0, m0, s0), (e1, m1, s1) = (path.iloc[i][["epoch", "mean", "std"]] for i in (0, -1))
    change = f"{abs(m1 / m0 - 1):.0%}" if m0 else f"{abs(m1 - m0):.3f}"
    moved = "stayed" if abs(m1 - m0) < 0.005 * max(abs(m0), 1e-9) else f"{'rose' if m1 > m0 else 'fell'} by {change}"
    wider = "spread more" if s1 > s0 + 1e-4 else "spread less" if s1 < s0 - 1e-4 else "spread as before"
    single = not (s0 or s1) or pd.isna(s0) or pd.isna(s1)
    if single and m0 == m1:
        yield f"**{label}** stayed at {text(m0)} from epoch {int(e0)} to {int(e1)}."
        return
    then, now = (f"{text(m)}" if single else f"mean {text(m)}, std {text(s)}" for m, s in ((m0, s0), (m1, s1)))
    how = moved if single else f"{moved} and {wider}"
    yield f"**{label}** {how}: {then} at epoch {int(e0)}; {now} at epoch {int(e1)}."


def stopping_told(facts: Facts) -> Iterator[str]:
    """Best epochs and why it ended."""
    run = facts.run
    if run.best_encoder1 is not None or run.best_encoder2 is not None:
        parts = [
            f"{name} was best at epoch {best}"
            for name, best in (("Encoder 1", run.best_encoder1), ("Encoder 2", run.best_encoder2))
            if best is not None
        ]
        yield f"{' and '.join(parts)}, of {run.epochs or 0} trained."
    if run.reason:
        yield f"As recorded: {plain(run.reason.rstrip('.'))}."
    if run.error:
        yield f"It broke: {plain(run.error.rstrip('.'))}."


def course_told(name: str, found: Course | None) -> Iterator[str]:
    """How an encoder's validation AUC went."""
    if found is None:
        return
    path = f"{found.first:.4f} at epoch 1, {found.best:.4f} at best (epoch {found.best_epoch}), {found.last:.4f} at the"
    path += f" end (epoch {found.last_epoch})"
    if found.overfits_from is not None:
        yield f"{name} overfits from epoch {found.overfits_from}: {path}."
    elif found.best_epoch == found.last_epoch:
        yield f"{name} was still at its best when training ended: {path}."
    elif found.best - found.last <= SAME:
        yield f"{name} had levelled off: {path}."
    else:
        yield f"{name} ended below its best: {path}."


def divergence_told(facts: Facts) -> Iterator[str]:
    """How the encoders' AUCs moved apart."""
    apart = divergence(facts.series)
    if len(apart) < 2:
        return
    first, last = float(apart.iloc[0]), float(apart.iloc[-1])
    how = "stayed as far apart" if abs(last - first) <= SAME else "diverged" if abs(last) > abs(first) else "converged"
    yield (
        f"The encoders {how}: Encoder 1's validation AUC minus Encoder 2's went from {first:+.4f} (epoch"
        f" {apart.index[0]}) to {last:+.4f} (epoch {apart.index[-1]})."
    )


def dynamics(facts: Facts) -> Iterator[str]:
    """Everything about how training went."""
    for encoder, name in (("encoder1", "Encoder 1"), ("encoder2", "Encoder 2")):
        yield from course_told(name, course(facts.series, encoder))
    yield from divergence_told(facts)


def _apart(difference: float) -> str:
    if abs(difference) < SAME:
        return "level with"
    return f"{abs(difference):.4f} {'above' if difference > 0 else 'below'}"
