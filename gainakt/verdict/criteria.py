"""The six criteria of the original study and the two questions, judged: pure functions of numbers.

A criterion passes or fails, or its target lies above what is known to be reachable. A question passes, has no evidence,
or is not tested; it passes only if both the test on the data and the test on the run do.
"""

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field
from typing import Any, Literal

from pydantic import ValidationError

from gainakt.config.base import Section, setting
from gainakt.config.tree import vars_of
from gainakt.errors import InputError, unknown
from gainakt.measures import Values
from gainakt.measures.metrics import MIN_PER_RESPONSE, SPREAD_STD
from gainakt.measures.registry import MEASURES, shown_in
from gainakt.measures.text import interval, percent

Status = Literal["pass", "fail", "above_reference", "noise", "untested"]
Standing = Literal["differentiated", "noise", "untested"]
STATUSES: dict[Status, str] = {
    "pass": "pass",
    "fail": "fail",
    "above_reference": "target above the best known",
    "noise": "no evidence",
    "untested": "not tested",
}
"""Status of a criterion or a question -> its words on a page, in a terminal and in a report; JSON has the status."""
STANDINGS: dict[Standing, str] = {
    "differentiated": "differentiated",
    "noise": "not differentiated",
    "untested": "not tested for differentiation",
}
"""What a run is by its standing."""
SIGNS: dict[Status | Standing, str] = {
    "pass": "✓",
    "differentiated": "✓",
    "fail": "✗",
    "above_reference": "⚠",
    "noise": "○",
    "untested": "?",
}
"""Signs of both: no evidence is no failure, so it has a sign of its own."""
QUESTIONS = {"skills_differ": "Do skills differ?", "response_matters": "Does the response matter?"}
"""The two questions, in words."""
TESTED_AS = {"skills_differ": "skills", "response_matters": "response"}
"""Question -> its name in the results of the tests."""
INFORMATION_NEEDED = 0.5
"""Share of the information in its practice that a run's own predictions have to use."""
SIZE_NEEDED = 1 / 3
"""Effect size that a run needs, as a share of the effect size in the data."""
_RESTRICTED = {"skills": "One rate for all skills", "response": "One gain for both responses"}
_REPLACED = {
    "skills": "Replacing the run's rates by their mean",
    "response": "Replacing the run's gains after correct and incorrect responses by their mean",
}
_SIZES = {"skills": "CV of rates", "response": "absolute log gain ratio"}
_CANNOT = {
    "skills": f"Fewer than two skills have an effective rate (each needs {MIN_PER_RESPONSE} correct and"
    f" {MIN_PER_RESPONSE} incorrect responses), so this run cannot be tested.",
    "response": "No skill has gains after both correct and incorrect responses, so this run cannot be tested.",
}
"""Why a run that was tested has no result."""


def _target(name: str, default: float, **bounds: Any) -> Any:
    measure = MEASURES[name]
    return setting(default, measure.label, measure.help, **bounds)


class Targets(Section):
    """What the six criteria ask for; each value has to be above its target. The defaults are the original study's."""

    gain_std: float = _target("gain_std", SPREAD_STD, ge=0, le=0.5)
    encoder2_auc: float = _target("encoder2_auc", 0.62, ge=0, le=1)
    mastery_correlation: float = _target("mastery_correlation", 0.40, ge=-1, le=1)
    beta_std: float = _target("beta_std", 0.3, ge=0, le=20)
    skill_gain_cv: float = _target("skill_gain_cv", 0.20, ge=0, le=10)
    response_gain_ratio: float = _target("response_gain_ratio", 1.2, ge=0, le=100)


def targets_of(changes: Mapping[str, Any]) -> Targets:
    """The targets with some replaced; text is parsed.

    Raises InputError that names the criterion, what is allowed and what was given.
    """
    for name in changes:
        if name not in Targets.model_fields:
            raise unknown("criterion", name, Targets.model_fields)
    try:
        return Targets.model_validate(dict(changes))
    except ValidationError as error:
        item = error.errors()[0]
        name = str(item["loc"][0])
        low, high = range_of(name)
        raise InputError(f"{name}: choose a number from {low:g} to {high:g}; got {item['input']!r}") from None


def range_of(name: str) -> tuple[float, float]:
    """The lowest and the highest allowed target of a criterion."""
    bounds = {key: value for part in Targets.model_fields[name].metadata for key, value in vars_of(part).items()}
    return bounds["ge"], bounds["le"]


MASTERY_CORRELATIONS = {name: f"{form.label}. {form.help}" for name, form in shown_in("mastery").items()}
"""Forms of the mastery correlation and what each is; only the first is judged."""


@dataclass(frozen=True)
class Reference:
    """The best value known to be reachable, and whose it is; `ceiling` if nothing can be above it."""

    value: float
    what: str
    ceiling: bool = False


@dataclass(frozen=True)
class Finding:
    """One line of the verdict; `evidence` holds a sentence (`text`) and the numbers behind it."""

    value: float | None
    target: float
    status: Status
    evidence: dict[str, Any] = field(default_factory=dict)

    @property
    def text(self) -> str:
        """The evidence in words."""
        return str(self.evidence.get("text", ""))


@dataclass(frozen=True)
class Verdict:
    """All findings about a run; `data` holds what the test on its data found, whatever the run learned."""

    criteria: dict[str, Finding]
    questions: dict[str, Finding]
    data: dict[str, Finding]

    @property
    def standing(self) -> Standing:
        """Whether skills differ and the response matters, both by the test on the run."""
        return standing(finding.status for finding in self.questions.values())

    @property
    def differentiated(self) -> bool:
        """The same as yes or no: a run that has not been tested is not differentiated."""
        return self.standing == "differentiated"

    @property
    def passed(self) -> int:
        """How many of the six criteria pass."""
        return sum(finding.status == "pass" for finding in self.criteria.values())

    def as_json(self) -> dict[str, Any]:
        """The verdict as plain values."""
        every = {**self.criteria, **self.questions}
        return {
            "verdict": {name: asdict(finding) for name, finding in every.items()},
            "differentiated": self.differentiated,
            **{f"data_{name}": asdict(finding) for name, finding in self.data.items()},
        }


def standing(statuses: Iterable[Status]) -> Standing:
    """What the statuses of both questions come to: one without evidence decides."""
    distinct = set(statuses)
    return "differentiated" if distinct == {"pass"} else "noise" if "noise" in distinct else "untested"


def judge(values: Values, targets: Targets, references: Mapping[str, Reference]) -> dict[str, Finding]:
    """The six criteria on one split's measures."""
    wanted: dict[str, float] = targets.model_dump()
    return {name: criterion(values.get(name), target, references.get(name)) for name, target in wanted.items()}


def criterion(value: float | None, target: float, reference: Reference | None) -> Finding:
    """One criterion: above its target, not above it, or with a target above what is known to be reachable."""
    best = {} if reference is None else {"reference": reference.value, "reference_is": reference.what}
    if value is not None and value > target:
        return Finding(value, target, "pass", {"text": f"{value:.4g} is above {target:g}", **best})
    text = "no value was measured" if value is None else f"{value:.4g} is not above {target:g}"
    if reference is not None and target > reference.value:
        which = "true ceiling" if reference.ceiling else "best known reference"
        text += f"; the target is above the {which}, {reference.value:.4g} ({reference.what})"
        return Finding(value, target, "above_reference", {"text": text, **best})
    return Finding(value, target, "fail", {"text": text, **best})


def untrained(epochs: int | None, best: int | None) -> str:
    """Why a run counts as untrained, or an empty text: no epoch was trained, or none was better than none."""
    if not epochs:
        return "No epoch was trained; an untrained model is never differentiated."
    if best == 0:
        return "Encoder 2 was best before its first epoch, so the model that is judged is untrained."
    return ""


def data_question(result: Mapping[str, Any] | None) -> Finding:
    """What the test on the data found; `result` as `verdict.testing` gives it, None if it has not run."""
    if result is None:
        return Finding(None, 0.0, "untested", {"text": "These data have not been tested."})
    rise, bkt, bootstrap = result["free_minus_tied"], result.get("rival_minus_free"), result.get("bootstrap")
    parts = [f"{_RESTRICTED[result['question']]} {_raises(rise)}."]
    if result.get("halves"):
        parts.append(f"Split-half correlation of rates: {interval(*_bounded(result['halves'], 'r'))}.")
    if bootstrap:
        parts.append(f"Parametric bootstrap: p = {bootstrap['p']:.2g} ({bootstrap['n']} replicates).")
    if bkt:
        parts.append(f"BKT instead, in which responses reveal knowledge but add none, {_raises(bkt)}.")
    kept = {name: value for name, value in (bootstrap or {}).items() if name != "null"} or None
    return Finding(rise["value"], 0.0, result["decision"], {"text": " ".join(parts), **result, "bootstrap": kept})


def run_question(question: str, data: Finding, own: Mapping[str, Any] | None, no_training: str) -> Finding:
    """The verdict on the run for one question, `skills` or `response`.

    `own` is what the test on the run found: how much its held-out log-loss rises without the difference (value, low,
    high), the information used (`carried`) and the effect size (`size`); None if it has not run. The run passes where
    the data do, the rise is beyond chance, its predictions use half of the information in its practice (below that, its
    rates are not what it predicts by), and its effect size is at least a third of that in the data.
    """
    value = None if own is None else own["value"]
    evidence = {"own": None if own is None else dict(own), "data": data.status}

    def finding(status: Status, text: str) -> Finding:
        return Finding(value, 0.0, status, {"text": text, **evidence})

    if no_training:
        return finding("noise", no_training)
    if own is None or value is None:
        if data.status == "noise":
            return finding("noise", f"The data show no evidence of a difference. {data.text}")
        return finding("untested", "This run has not been tested." if own is None else _CANNOT[question])
    rise = f"{_REPLACED[question]} {_raises(own)}."
    if not _beyond_chance(own):
        return finding("noise", rise)
    if weak := _information(own.get("carried")):
        return finding("noise", weak)
    size, size_in_data = own.get("size"), data.evidence.get("size")
    if size is not None and size_in_data is not None:
        if size < SIZE_NEEDED * size_in_data:
            small = f"{size:.2f}, less than a third of the {size_in_data:.2f} in the data"
            return finding("noise", f"{rise} But its {_SIZES[question]} is {small}: real, but too small to count.")
        rise += f" Its {_SIZES[question]} is {size:.2f}; in the data it is {size_in_data:.2f}."
    if data.status == "noise":
        return finding("noise", f"{rise} But the data show no evidence of a difference. {data.text}")
    return finding("pass" if data.status == "pass" else "untested", f"{rise} Data: {data.text}")


def _information(used: float | None) -> str:
    """Why a run does not predict by its rates, or an empty text."""
    if used is None or used >= INFORMATION_NEEDED:
        return ""
    if used < 0:
        return "The run's predictions are worse than a constant for each skill."
    return (
        f"The run's predictions use {percent(used, 0)} of the information in its practice. With less than"
        f" {percent(INFORMATION_NEEDED, 0)}, its rates are not what it predicts by."
    )


def _beyond_chance(rise: Mapping[str, Any]) -> bool:
    return rise["low"] is not None and rise["low"] > 0


def _raises(rise: Mapping[str, Any]) -> str:
    """What happens to the held-out log-loss, to be said of what changes it."""
    by = interval(*_bounded(rise), unit="nats")
    if (rise["value"] or 0.0) <= 0:
        return f"does not raise held-out log-loss ({by})"
    return f"raises held-out log-loss by {by}" + ("" if _beyond_chance(rise) else ", which may be chance")


def _bounded(part: Mapping[str, Any], name: str = "value") -> tuple[float | None, float | None, float | None]:
    return part.get(name), part.get("low"), part.get("high")
