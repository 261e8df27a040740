"""How a run trains: length, rates, regime, pressure on the gains, and the origin's faults."""

from typing import Literal

from gainakt.config.base import Section, setting


class TrainingConfig(Section):
    """How long, how fast and on what the model trains."""

    seed: int = setting(0, "Seed", "Seed of the split, the start values, the order of batches and dropout.", ge=0)
    device: Literal["auto", "cpu", "cuda", "mps"] = setting(
        "auto",
        "Device",
        "auto takes CUDA, then Apple's MPS, then the CPU.",
    )
    max_epochs: int = setting(15, "Epochs at most", "0 evaluates the untrained model.", ge=0, le=1000)
    patience: int = setting(
        10,
        "Patience",
        "Stop when neither encoder's validation AUC (weighted loss, if they share) has improved for this many epochs.",
        ge=1,
    )
    batch_size: int = setting(64, "Batch size", "Windows per step.", ge=1, le=4096)
    learning_rate: float = setting(3e-3, "Learning rate", "Adam's rate; the peak of the one-cycle.", gt=0, le=1)
    encoder2_rate: float = setting(
        1.0, "Rate of Encoder 2", "Learning rate of Encoder 2, as a multiple of the learning rate.", gt=0, le=100
    )
    mastery_rate: float = setting(
        2.0,
        "Rate of the mastery parameters",
        "Learning rate of beta, M_sat, theta, offset, T, transfer and the gain head's a_s, c_s, as a multiple of"
        " Encoder 2's.",
        gt=0,
        le=100,
    )
    schedule: Literal["constant", "one_cycle"] = setting(
        "one_cycle",
        "Schedule",
        "Learning rate over the run: constant, or up and down once over the epochs at most.",
    )
    averaging: float = setting(
        1.0,
        "Averaging",
        "Epochs over which weights are averaged into the model that is validated, kept and read; 0: the last step's.",
        ge=0,
        le=100,
    )
    weight_decay: float = setting(0.01, "Weight decay", "AdamW's decay of the encoders' matrices.", ge=0, le=1)
    clip_norm: float = setting(1.0, "Clip norm", "Gradient norm at which all gradients are scaled down.", gt=0)
    fold: int = setting(0, "Validation fold", "The given fold that validates, where a file has folds.", ge=0)
    probe_every: int = setting(
        50,
        "Look every",
        "Steps between two looks at each loss term's gradient, from the first; 0: none.",
        ge=0,
        le=100_000,
    )
    log_every: int = setting(5, "Log every", "Steps between two recorded points.", ge=1, le=1000)


class RegimeConfig(Section):
    """Which encoder trains when, and weights that change over the epochs."""

    alone_epochs: int = setting(
        0,
        "Epochs of Encoder 2 alone",
        "So many epochs train Encoder 2 only; 0: none, 1000: all that follow.",
        ge=0,
        le=1000,
    )
    alone_from: int = setting(1, "From epoch", "The first of them; 1: before Encoder 1 has trained.", ge=1, le=1000)
    encoder1: Literal["removed", "frozen"] = setting(
        "removed",
        "Encoder 1 meanwhile",
        "removed: it is not run, so nothing of it reaches Encoder 2. frozen: it predicts (distillation can use that)"
        " and does not learn.",
    )
    alternate: int = setting(
        0,
        "Turns of alternating encoders",
        "Epochs of a turn in which one encoder trains and the other rests, Encoder 1 first; 0: both train.",
        ge=0,
        le=1000,
    )
    schedule: str = setting(
        "",
        "Weights over epochs",
        "Such as `variance 1:0 10:20; encoder_priority 1:0.5 5:0.3`: a weight's name, then epoch:value points. Straight"
        " lines between them, constant before the first and after the last. A slider moved by hand ends its schedule.",
    )


class PressureConfig(Section):
    """What forces gains apart: conditions on the gains of the practised skills in a batch."""

    reject_below: float = setting(
        0.0,
        "Reject steps below gain std",
        "A step whose batch has a gain std below this is not taken; 0: off.",
        ge=0,
        le=0.5,
    )
    reject_most: int = setting(
        10, "Rejected in a row at most", "After so many rejected steps one is taken, so that training goes on.", ge=1
    )
    fail_below: float = setting(
        0.0,
        "Fail below gain std",
        "The run fails when the validation gain std after an epoch is below this; 0: off.",
        ge=0,
        le=0.5,
    )
    fail_from: int = setting(1, "Fail from epoch", "The first epoch that is judged.", ge=1, le=1000)
    least_gain_std: float = setting(
        0.0, "Least gain std", "Held by a Lagrange multiplier: std of the gains; 0: off.", ge=0, le=0.5
    )
    least_skill_cv: float = setting(
        0.0, "Least CV of skill gains", "Held by a multiplier: CV of the skills' mean gains; 0: off.", ge=0, le=5
    )
    least_response_ratio: float = setting(
        0.0,
        "Least gain ratio",
        "Held by a multiplier: mean gain after correct over that after incorrect responses; 0: off.",
        ge=0,
        le=100,
    )
    multiplier_rate: float = setting(
        0.01,
        "Rate of the multipliers",
        "A multiplier, the price of its condition in nats per unit, grows by this times the shortfall at each step.",
        gt=0,
        le=10,
    )


class OriginConfig(Section):
    """Faults of the original, each to be switched on by itself; the defaults are the faultless state."""

    reported_gain: Literal["practised", "aggregate"] = setting(
        "practised",
        "Gain statistics read",
        "practised: the gain of the practised skill, which the prediction uses. aggregate: the original's scalar,"
        " sigmoid(mean relu(v)), which nothing uses and layer normalisation holds constant.",
    )
    target: Literal["next", "concurrent"] = setting(
        "next",
        "Encoder 2 is trained on",
        "next: the response to come. concurrent: the response just seen, which its input holds. Scored is the next.",
    )
    masked: bool = setting(
        True,
        "IM loss leaves padding out",
        "Off: windows are padded to full length and padded positions (skill 0, response 0) count in the IM loss.",
    )
    mastery_head: bool = setting(
        True, "Mastery head runs", "Off: the IM loss is a constant 0.0 and teaches Encoder 2 nothing."
    )
    variance_added: bool = setting(
        True, "Variance loss is added", "Off: it is computed and logged, and never enters the total."
    )
