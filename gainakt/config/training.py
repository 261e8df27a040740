"""How a run trains: length, rates, training phases, constraints on gains, faults of the original study."""

from typing import Literal

from gainakt.config.base import LARGEST_SEED, MANY, Section, setting


class TrainingConfig(Section):
    """How long, how fast and on what the model trains."""

    seed: int = setting(
        0, "Seed", "Seed of the split, the initial values, the order of batches and dropout.", ge=0, le=LARGEST_SEED
    )
    device: str = setting(
        "auto",
        "Device",
        "auto: CUDA if there is one, else Apple's MPS, else the CPU. cpu, mps, cuda; cuda:1 is the second GPU.",
        pattern=r"^(auto|cpu|mps|cuda(:[0-9]{1,2})?)$",
    )
    max_epochs: int = setting(
        15,
        "Max epochs",
        "Training ends after this many epochs at the latest; 0 evaluates the untrained model.",
        ge=0,
        le=1000,
    )
    patience: int = setting(
        10,
        "Patience",
        "Training ends after this many epochs in which neither encoder's validation AUC has improved (with"
        " shared parameters: the weighted loss).",
        ge=1,
        le=MANY,
    )
    batch_size: int = setting(64, "Batch size", "Sequence windows per step.", ge=1, le=4096)
    batches: Literal["windows", "interactions"] = setting(
        "windows",
        "Batches of equally many",
        "windows: each step takes as many windows; a batch of short windows then weighs as much as one of long windows."
        " interactions: as many steps an epoch, each with about equally many interactions, which then all weigh the"
        " same.",
    )
    learning_rate: float = setting(
        3e-3, "Learning rate", "Adam's learning rate; with one_cycle, its peak.", ge=1e-9, le=1, live=True
    )
    encoder2_rate: float = setting(
        1.0, "Encoder 2 rate factor", "Encoder 2 learns at the learning rate times this.", ge=1e-6, le=100, live=True
    )
    mastery_rate: float = setting(
        2.0,
        "Mastery rate factor",
        "beta, M_sat, theta, offset, T, transfer and the gain head's a_s and c_s learn at Encoder 2's rate times this.",
        ge=1e-6,
        le=100,
        live=True,
    )
    schedule: Literal["constant", "one_cycle"] = setting(
        "one_cycle",
        "Learning rate schedule",
        "constant, or one_cycle: rises and then falls once over the maximal number of epochs.",
    )
    averaging: float = setting(
        1.0,
        "Weight averaging",
        "Validated and saved is an average of the weights over about this many epochs; 0: the weights of the"
        " last step.",
        ge=0,
        le=100,
    )
    weight_decay: float = setting(
        0.01, "Weight decay", "AdamW's weight decay on the encoders' matrices.", ge=0, le=1, live=True
    )
    clip_norm: float = setting(1.0, "Clip norm", "Gradients with a larger norm are scaled down to it.", gt=0, live=True)
    fold: int = setting(
        0, "Validation fold", "The fold whose students validate, where the data have folds.", ge=0, le=MANY
    )
    probe_every: int = setting(
        50,
        "Gradient probe interval",
        "Steps between two measurements of the gradient that each loss term puts on Encoder 2; 0: none.",
        ge=0,
        le=100_000,
    )
    log_every: int = setting(5, "Logging interval", "Steps between two recorded points of the curves.", ge=1, le=1000)


class RegimeConfig(Section):
    """Which encoder trains when, and weights that change over the epochs."""

    alone_epochs: int = setting(
        0,
        "Epochs with Encoder 2 alone",
        "Number of epochs in which only Encoder 2 trains; 0: none, 1000: all that follow.",
        ge=0,
        le=1000,
    )
    alone_from: int = setting(
        1,
        "First epoch alone",
        "The first epoch in which only Encoder 2 trains; 1: before Encoder 1 has trained.",
        ge=1,
        le=1000,
    )
    encoder1: Literal["removed", "frozen"] = setting(
        "removed",
        "Encoder 1 during that time",
        "removed: not computed, so it cannot affect Encoder 2. frozen: it predicts, which distillation can use,"
        " but does not learn.",
    )
    alternate: int = setting(
        0,
        "Alternate encoders every",
        "The encoders take turns of this many epochs, Encoder 1 first; the other one rests. 0: both train.",
        ge=0,
        le=1000,
    )
    schedule: str = setting(
        "",
        "Weights over epochs",
        "A weight's name and epoch:value points, such as `variance 1:0 10:20; encoder_priority 1:0.5 5:0.3`."
        " Linear between the points, constant before the first and after the last. Moving a weight's slider ends"
        " its schedule.",
    )


class PressureConfig(Section):
    """Constraints on gains: what the gains of the practised skills in a batch must meet."""

    reject_below: float = setting(
        0.0,
        "Reject steps below gain std",
        "A step is skipped if the gain std of its batch is below this; 0: off.",
        ge=0,
        le=0.5,
    )
    reject_most: int = setting(
        10,
        "Max consecutive rejections",
        "After this many rejected steps in a row one is made anyway, so that training goes on.",
        ge=1,
        le=MANY,
    )
    fail_below: float = setting(
        0.0,
        "Fail below gain std",
        "The run fails if the gain std of the validation students is below this after an epoch; 0: off.",
        ge=0,
        le=0.5,
    )
    fail_from: int = setting(
        1, "Fail from epoch", "The first epoch after which the run may fail for that.", ge=1, le=1000
    )
    least_gain_std: float = setting(
        0.0, "Min gain std", "A Lagrange multiplier pushes the std of the gains above this; 0: off.", ge=0, le=0.5
    )
    least_skill_cv: float = setting(
        0.0,
        "Min CV of skill gains",
        "A Lagrange multiplier pushes the CV of the skills' mean gains above this; 0: off.",
        ge=0,
        le=5,
    )
    least_response_ratio: float = setting(
        0.0,
        "Min gain ratio",
        "A Lagrange multiplier pushes mean gain after correct over mean gain after incorrect responses above"
        " this; 0: off.",
        ge=0,
        le=100,
    )
    multiplier_rate: float = setting(
        0.01,
        "Multiplier rate",
        "At each step a multiplier, in nats per unit, grows by this times the shortfall from its minimum.",
        gt=0,
        le=10,
    )


class OriginConfig(Section):
    """Faults of the original study, each of which can be switched on by itself; the defaults are without them."""

    reported_gain: Literal["practised", "aggregate"] = setting(
        "practised",
        "Reported gain",
        "What gain statistics read. practised: the gain of the practised skill, which predictions use."
        " aggregate: the original study's sigmoid(mean relu(v)), which no prediction uses and layer"
        " normalisation keeps constant.",
    )
    target: Literal["next", "concurrent"] = setting(
        "next",
        "Encoder 2's target",
        "next: the next response. concurrent: the present response, which is already in its input. Metrics are"
        " always of the next response.",
    )
    masked: bool = setting(
        True,
        "Padding left out of the IM loss",
        "Off: windows are padded to full length, and padded positions (skill 0, response 0) count in the IM loss.",
    )
    mastery_head: bool = setting(
        True, "Mastery head on", "Off: the IM loss is constantly 0 and teaches Encoder 2 nothing."
    )
    variance_added: bool = setting(
        True, "Variance loss in the total", "Off: it is computed and logged, but not part of the total loss."
    )
