"""The six criteria of the original study and the two questions that matter, judged: pure functions of numbers.

A criterion passes, fails, or its target lies above what any known model reaches. A question passes, is noise, or is
untested; the decision rule is that of `differentiation`, and a run passes only on its own account besides.
"""

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field
from typing import Any, Literal

from pydantic import ValidationError

from gainakt.config.base import Section, setting
from gainakt.errors import InputError
from gainakt.measures import Values

Status = Literal["pass", "fail", "above_reference", "noise", "untested"]
Standing = Literal["differentiated", "noise", "untested"]
STANDINGS: dict[Standing, str] = {
    "differentiated": "differentiated", "noise": "not differentiated", "untested": "not tested for differentiation",
}  # fmt: skip
"""What is said of a run by its standing."""
STATUSES: dict[Status, str] = {
    "pass": "pass", "fail": "fail", "above_reference": "target above the best known", "noise": "no evidence",
    "untested": "not tested",
}  # fmt: skip
"""What is said of a criterion or a question by its status."""
QUESTIONS = {"skills_differ": "skills", "response_matters": "response"}
"""Question of the verdict -> what the tests of `differentiation` call it."""
CARRIED = 0.5
"""Share of what a run's practice can predict that its own predictions have to carry."""
SMALLEST = 1 / 3
"""Of the size that a difference has in the data, what a run's own has to have."""
_SIZES = {"skills": "CV of rates", "response": "log ratio of gains"}


class Targets(Section):
    """What the six criteria ask for; each value has to be above its target. The defaults are the original study's."""

    gain_std: float = setting(0.10, "Gain std", "Standard deviation of the gains of the practised skill.", ge=0, le=0.5)
    encoder2_auc: float = setting(0.62, "Encoder 2 AUC", "AUC of the prediction that comes from mastery.", ge=0, le=1)
    mastery_correlation: float = setting(
        0.40, "Mastery correlation", "Pearson r of mastery with the next response, pooled.", ge=-1, le=1
    )
    beta_std: float = setting(0.3, "Beta std", "Standard deviation of the slopes beta; passes untrained.", ge=0, le=20)
    skill_gain_cv: float = setting(0.20, "CV of skill gains", "Std over mean of the skills' mean gains.", ge=0, le=10)
    response_gain_ratio: float = setting(
        1.2, "Gain after correct / incorrect", "Mean gain at correct over that at incorrect responses.", ge=0, le=100
    )


def targets_of(changes: Mapping[str, Any]) -> Targets:
    """The targets with some replaced, text parsed; raises InputError that names what is wrong and what is allowed."""
    known = Targets.model_fields
    if unknown := [name for name in changes if name not in known]:
        raise InputError(f"unknown criterion {unknown[0]!r}; known: {', '.join(known)}")
    try:
        return Targets.model_validate(dict(changes))
    except ValidationError as error:
        item = error.errors()[0]
        raise InputError(f"{item['loc'][0]}: {item['msg']}; got {item['input']!r}") from None


MASTERY_CORRELATIONS = {
    "mastery_correlation": "pooled: mastery of the asked skill before the response that it is scored against",
    "mastery_correlation_by_student": "by student: the same per student, then the mean over students who vary",
    "mastery_correlation_seed_form": "the original's: per student, mastery averaged over skills, with the response just"
    " seen",
    "mastery_correlation_concurrent": "concurrent: mastery after a response with that response, which it contains",
}
"""Forms of the mastery correlation and what each is; only the first is judged."""


@dataclass(frozen=True)
class Reference:
    """The best that is known to be reachable, and whose it is; `ceiling` if nothing can be above it."""

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
    """All findings about a run; `data` holds what a stand-in found about its data, whatever the run learned."""

    criteria: dict[str, Finding]
    questions: dict[str, Finding]
    data: dict[str, Finding]

    @property
    def standing(self) -> Standing:
        """Whether skills differ and the response matters, both tested and passed by the run itself."""
        return standing(finding.status for finding in self.questions.values())

    @property
    def differentiated(self) -> bool:
        """The same as yes or no: what has not been tested is not differentiated."""
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
    """What the statuses of both questions come to: one that is noise decides."""
    found = set(statuses)
    return "differentiated" if found == {"pass"} else "noise" if "noise" in found else "untested"


def judge(values: Values, targets: Targets, references: Mapping[str, Reference]) -> dict[str, Finding]:
    """The six criteria on one split's metrics."""
    asked: dict[str, float] = targets.model_dump()
    return {name: criterion(values.get(name), target, references.get(name)) for name, target in asked.items()}


def criterion(value: float | None, target: float, reference: Reference | None) -> Finding:
    """One criterion: above its target, or not, or not reachable by what is known."""
    known = {} if reference is None else {"reference": reference.value, "reference_is": reference.what}
    if value is not None and value > target:
        return Finding(value, target, "pass", {"text": f"{value:.4g} is above {target:g}", **known})
    told = "no value was measured" if value is None else f"{value:.4g} is not above {target:g}"
    if reference is not None and target > reference.value:
        which = "true ceiling" if reference.ceiling else "best known reference"
        text = f"{told}; the target is above the {which}, {reference.value:.4g} ({reference.what})"
        return Finding(value, target, "above_reference", {"text": text, **known})
    return Finding(value, target, "fail", {"text": told, **known})


def untrained(epochs: int | None, best: int | None) -> str:
    """Why a run counts as untrained, or an empty text: no epoch was trained, or none was better than none."""
    if not epochs:
        return "no epoch was trained: an untrained model is never differentiated"
    if best == 0:
        return "Encoder 2 was best before its first epoch, so it is judged untrained"
    return ""


def data_question(result: Mapping[str, Any] | None) -> Finding:
    """What the tests found about the data; `result` as `differentiation` gives it, None if they have not run."""
    if result is None:
        return Finding(None, 0.0, "untested", {"text": "the tests on these data have not run"})
    gained = result["free_minus_tied"]
    parts = [f"tying it away costs {_interval(gained)} nats per interaction"]
    if result.get("halves"):
        parts.append(f"halves r {_interval(result['halves'], 'r')}")
    if result.get("bootstrap"):
        parts.append(f"bootstrap p {result['bootstrap']['p']:.3g} of {result['bootstrap']['n']}")
    if result.get("rival_minus_free"):
        parts.append(f"a hidden state of which responses only tell costs {_interval(result['rival_minus_free'])}")
    told = {**result, "bootstrap": {n: v for n, v in (result.get("bootstrap") or {}).items() if n != "null"} or None}
    return Finding(gained["value"], 0.0, result["decision"], {"text": ", ".join(parts), **told})


def question(data: Finding, own: Mapping[str, Any] | None, no_training: str) -> Finding:
    """The verdict on the run: the data's tests pass, and its own held-out log-loss worsens when it is made equal.

    `own` holds the worsening in nats per interaction as value, low, high, and `carried`, the share of what the run's
    practice can predict that its own predictions do (`differentiation.own.carried`); None if it has not been tested.
    Below half of it the refit did the run's work: then the order of its rates is not what it predicts by. Where the
    `size` of its differences is under a third of that in the data, they are real and too small.
    """
    value = None if own is None else own["value"]
    evidence = {"own": None if own is None else dict(own), "data": data.status}
    if no_training:
        return Finding(value, 0.0, "noise", {"text": no_training, **evidence})
    if own is None and data.status == "noise":
        return Finding(None, 0.0, "noise", {"text": f"the data's tests find no difference: {data.text}", **evidence})
    if own is None:
        return Finding(None, 0.0, "untested", {"text": "the run's own account has not been tested", **evidence})
    worse = own["low"] is not None and own["low"] > 0
    told = f"made equal, its held-out log-loss changes by {_interval(own)} nats: "
    told += "worse" if worse else "worse, but not beyond chance" if (value or 0.0) > 0 else "no worse"
    if not worse:
        return Finding(value, 0.0, "noise", {"text": told, **evidence})
    if own.get("carried") is not None and own["carried"] < CARRIED:
        part = f"its own predictions carry {own['carried']:.0%} of what its practice predicts once refitted"
        if own["carried"] < 0:
            part = "its own predictions are worse than a constant per skill"
        return Finding(value, 0.0, "noise", {"text": f"{part}: it does not predict by its rates", **evidence})
    mine, theirs = own.get("size"), data.evidence.get("size")
    if mine is not None and theirs is not None:
        told += f"; {_SIZES[data.evidence['question']]} {mine:.2f}, by the data's tests {theirs:.2f}"
        if mine < SMALLEST * theirs:
            return Finding(value, 0.0, "noise", {"text": f"{told}: real, but too small", **evidence})
    text = f"{told}. Data: {data.text}"
    status: Status = data.status if data.status in ("pass", "noise") else "untested"
    return Finding(value, 0.0, status, {"text": text, **evidence})


def _interval(part: Mapping[str, Any], name: str = "value") -> str:
    value, low, high = (part.get(key) for key in (name, "low", "high"))
    shown = "not known" if value is None else f"{value:.3g}"
    return shown if low is None or high is None else f"{shown} [{low:.3g}, {high:.3g}]"
