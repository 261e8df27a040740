"""Classes of simulated students: every choice of the simulator as one frozen, bounded model, and the named ones."""

from typing import Any, Literal, Self

from pydantic import ValidationError, model_validator

from gainakt.config import Section, setting
from gainakt.errors import InputError, unknown


class Scenario(Section):
    """A class of simulated students, down to the last parameter; seeds only choose the draws."""

    help: str = setting("", "Description", "What the class is for.")
    family: Literal["own", "bkt", "pfa"] = setting(
        "own",
        "Family",
        "own: the model's learning curve and threshold. bkt: known or not, learnt at once. pfa: log-odds that grow with"
        " successes and failures; with equal gains after either it is AFM.",
    )
    students: int = setting(1500, "Students", "Number of students.", ge=1, le=1_000_000, log=True)
    skills: int = setting(12, "Skills", "Number of skills.", ge=1, le=5000)
    lengths: tuple[int, ...] = setting(
        (20, 60),
        "Interactions per student",
        "Evenly spaced quantiles, 0 to 100 %, of the interactions per student; two numbers: uniform between them.",
        min_length=2,
    )
    rate_mean: float = setting(
        0.5,
        "Mean rate",
        "Mean over skills of the learning rate: per interaction of gain 1, in units of the curve's argument (own),"
        " log-odds (pfa) or hazard of learning (bkt). Each draw is rescaled to exactly this mean.",
        gt=0,
        le=20,
    )
    rate_cv: float = setting(
        0.44,
        "CV of the rates",
        "Population std over mean of the skills' rates; each draw is rescaled to exactly this. 0: all equal.",
        ge=0,
        le=3,
    )
    rate_shape: Literal["log_normal", "log_uniform", "two_groups"] = setting(
        "log_normal", "Distribution of the rates", "two_groups: one half of the skills fast, the other slow."
    )
    gain_after_correct: float = setting(1.3, "Gain after correct", "Factor of the rate.", ge=0, le=10)
    gain_after_incorrect: float = setting(0.7, "Gain after incorrect", "Factor of the rate.", ge=0, le=10)
    velocity_cv: float = setting(0.15, "Spread of velocity", "CV of gamma, log-normal with mean 1.", ge=0, le=3)
    ability_sd: float = setting(
        0.0, "Spread of initial mastery", "Std between students of initial mastery, in logits.", ge=0, le=5
    )
    skill_level_sd: float = setting(
        0.0,
        "Spread of initial mastery on a skill",
        "Std of a student's initial mastery between skills, in logits, beside the student's own.",
        ge=0,
        le=5,
    )
    offset_mean: float = setting(1.5, "Mean offset", "Minus the logit of initial mastery.", ge=-10, le=10)
    offset_sd: float = setting(0.6, "Std of the offsets", "Between skills, normal.", ge=0, le=5)
    saturation: tuple[float, float] = setting((0.7, 1.0), "M_sat", "Uniform between these, per skill; own family.")
    threshold: float = setting(0.45, "Threshold theta", "Mastery at even odds; own family.", ge=0, le=1)
    temperature: float = setting(0.2, "Temperature T", "Of the readout; own family.", ge=0.01, le=10)
    guess: float = setting(0.0, "Guess", "Least probability of a correct response.", ge=0, le=0.9)
    slip: float = setting(0.0, "Slip", "Least probability of an incorrect response.", ge=0, le=0.9)
    forgetting: float = setting(0.0, "Forgetting", "Share of practice lost at every interaction.", ge=0, le=0.5)
    groups: int = setting(0, "Groups of skills", "Skills are dealt to so many groups; 0: none.", ge=0, le=1000)
    transfer: float = setting(
        0.0, "Transfer", "Share of a skill's gain that interactions with its group feed it.", ge=0, le=1
    )
    items_per_skill: int = setting(0, "Items per skill", "0: no items in the data.", ge=0, le=10_000)
    item_sd: float = setting(0.0, "Std of item difficulty", "In logits of the response.", ge=0, le=5)
    two_skill_share: float = setting(
        0.0, "Items of two skills", "Share of the items that need two skills; both are practised.", ge=0, le=1
    )
    sequencing: Literal["blocked", "interleaved", "until_correct", "adaptive"] = setting(
        "blocked",
        "Sequencing",
        "blocked: runs of one skill. interleaved: a skill at random each time. until_correct: one skill until three"
        " correct in a row. adaptive: of four skills at random the one whose probability is nearest the target.",
    )
    block: tuple[int, int] = setting((3, 11), "Run length", "Attempts per run (blocked), uniform between these.")
    most_attempts: int = setting(30, "Most attempts", "Attempts after which until_correct gives up.", ge=3, le=1000)
    target: float = setting(0.7, "Adaptive target", "Probability that the adaptive tutor aims at.", gt=0, lt=1)
    revisit: bool = setting(True, "Return to skills", "Off: every other skill comes before one comes again.")
    popularity_sd: float = setting(0.0, "Spread of popularity", "Std of a skill's log popularity.", ge=0, le=5)

    @model_validator(mode="after")
    def _fits_together(self) -> Self:
        for name in ("lengths", "block", "saturation"):
            values = getattr(self, name)
            if list(values) != sorted(values) or values[0] <= 0:
                raise ValueError(f"{name}: must be positive and ascending")
        if self.lengths[-1] > 20_000:
            raise ValueError("lengths: at most 20,000 interactions per student")
        if self.saturation[1] > 1:
            raise ValueError("saturation: at most 1")
        if self.guess + self.slip >= 1:
            raise ValueError("guess + slip: must be below 1")
        if self.two_skill_share and (self.items_per_skill == 0 or self.skills < 2):
            raise ValueError("two_skill_share: needs items_per_skill of at least 1 and two skills")
        if self.item_sd and self.items_per_skill == 0:
            raise ValueError("item_sd: needs items_per_skill of at least 1")
        if self.transfer and not self.groups:
            raise ValueError("transfer: needs groups of at least 1")
        if self.family == "bkt" and (self.transfer or self.two_skill_share or self.item_sd):
            raise ValueError("family bkt: has no transfer, no items of two skills and no item difficulty")
        return self


def _heterogeneous(**changes: Any) -> Scenario:
    # the class that every aim of docs/findings.md section 1 is stated for
    return Scenario.model_validate({"students": 4000, "skills": 50, "lengths": (20, 100)} | changes)


def _other_family(**changes: Any) -> Scenario:
    return _heterogeneous(**({"gain_after_correct": 1.0, "gain_after_incorrect": 1.0, "velocity_cv": 0.0} | changes))


# ASSIST2015 (pyKT split): 19,093 students, 682,797 interactions, 100 skills, 5 % quantiles of the interactions per
# student; the last is set so that the mean, 35.8, comes out right (618 in the data).
_ASSIST_LENGTHS = (3, 3, 4, 6, 8, 9, 11, 13, 16, 18, 21, 25, 29, 33, 39, 46, 56, 68, 85, 114, 240)

SCENARIOS: dict[str, Scenario] = {
    "demo": Scenario(
        help="A small class of quick learners whose skills differ much in learning rate.", rate_mean=1.5, rate_cv=0.7
    ),
    "heterogeneous-truth": _heterogeneous(help="Skills differ in learning rate (CV 0.44): it should be found."),
    "uniform-truth": _heterogeneous(help="All skills learn at one rate: no difference should be found.", rate_cv=0.0),
    "ability-only": _heterogeneous(
        help="Equal gains whatever skill and response; students differ in initial mastery (SD 1 logit).",
        rate_cv=0.0,
        gain_after_correct=1.0,
        gain_after_incorrect=1.0,
        ability_sd=1.0,
    ),
    "levels-truth": _heterogeneous(
        help="As heterogeneous-truth, and students start at their own level, overall (SD 1) and on a skill (SD 0.7).",
        ability_sd=1.0,
        skill_level_sd=0.7,
    ),
    "assist-like": Scenario(
        help="Lengths, skills, share correct and stopping rule of ASSISTments 2015.",
        students=19_093,
        skills=100,
        lengths=_ASSIST_LENGTHS,
        rate_mean=0.6,
        ability_sd=1.4,
        offset_mean=0.4,
        offset_sd=1.5,
        threshold=0.18,
        slip=0.05,
        sequencing="until_correct",
        most_attempts=10,
        revisit=False,
        popularity_sd=0.83,
    ),
    "large": _heterogeneous(help="A hundred thousand students.", students=100_000, skills=200),
    "bkt-truth": _other_family(
        help="Another family, Bayesian knowledge tracing: a skill is known or not.",
        family="bkt",
        rate_mean=0.15,
        offset_mean=1.0,
        guess=0.2,
        slip=0.1,
    ),
    "afm-truth": _other_family(
        help="Another family, the additive factors model: log-odds grow with every attempt.",
        family="pfa",
        rate_mean=0.1,
        offset_mean=0.5,
        ability_sd=1.0,
    ),
    "pfa-truth": _other_family(
        help="Another family, performance factors: log-odds grow more with successes than with failures.",
        family="pfa",
        rate_mean=0.1,
        offset_mean=0.5,
        ability_sd=1.0,
        gain_after_correct=1.5,
        gain_after_incorrect=0.5,
    ),
}


def scenario(name: str, changes: dict[str, Any] | None = None) -> Scenario:
    """The named scenario with fields replaced; raises InputError that names what is allowed."""
    if name not in SCENARIOS:
        raise unknown("scenario", name, SCENARIOS)
    for field in changes or {}:
        if field not in Scenario.model_fields:
            raise unknown("scenario field", field, Scenario.model_fields)
    try:
        return Scenario.model_validate(SCENARIOS[name].model_dump() | _parsed(changes or {}))
    except ValidationError as error:
        raise InputError("; ".join(_explained(item) for item in error.errors())) from None


def _parsed(changes: dict[str, Any]) -> dict[str, Any]:
    """Text such as "20,60" of a field that holds several numbers, cut at its commas."""
    several = {name for name, value in Scenario().model_dump().items() if isinstance(value, tuple)}
    return {
        name: tuple(value.split(",")) if name in several and isinstance(value, str) else value
        for name, value in changes.items()
    }


def _explained(item: Any) -> str:
    if not item["loc"]:
        return str(item["msg"]).removeprefix("Value error, ")
    return f"{'.'.join(map(str, item['loc']))}: {item['msg']}; got {item['input']!r}"
